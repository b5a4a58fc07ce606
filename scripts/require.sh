#!/bin/sh
# usage: require.sh go|node VERSION
# Says so when the tool is missing or older. Go is always needed. Node is needed for npm, and that only where no
# PostgreSQL is installed: so an old or missing Node is a remark, not a failure.
set -eu
tool=$1 want=$2

# at_least A B: is dotted version A not below B?
at_least() {
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

case $tool in
go)
	have=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//') || have=
	if [ -z "$have" ]; then
		echo "Purser needs Go $want or newer, and there is none on the PATH that works: https://go.dev/dl/" >&2
		exit 1
	fi
	if ! at_least "$have" "$want"; then
		echo "Purser needs Go $want or newer; this is Go $have: https://go.dev/dl/" >&2
		exit 1
	fi
	;;
node)
	have=$(node --version 2>/dev/null | sed 's/^v//; s/[^0-9.].*//') || have=
	if [ -z "$have" ]; then
		echo "note: Node is not installed; Purser wants $want or newer to fetch PostgreSQL for tests when none is installed" >&2
	elif ! at_least "$have" "$want"; then
		echo "note: this is Node $have; Purser wants $want or newer to fetch PostgreSQL for tests when none is installed" >&2
	fi
	;;
*)
	echo "usage: require.sh go|node VERSION" >&2
	exit 2
	;;
esac
