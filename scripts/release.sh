#!/bin/sh
# Builds one static binary per platform into dist/, with their SHA-256 sums.
# VERSION is what `purser version` prints; PLATFORMS is a list such as "linux/amd64 darwin/arm64".
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
mkdir dist
for platform in $PLATFORMS; do
	os=${platform%/*} arch=${platform#*/}
	out=dist/purser_${VERSION}_${os}_${arch}
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o "$out" ./cmd/purser
	echo "$out"
done
cd dist
if command -v sha256sum >/dev/null; then sum=sha256sum; else sum='shasum -a 256'; fi
$sum purser_* >SHA256SUMS
