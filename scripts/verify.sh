#!/bin/sh
# Regenerates what is generated and fails when that changes a file: somebody forgot to run `make generate`.
# Also fails when go.mod or go.sum are not what the code needs. Changes that were there before do not count.
set -eu
cd "$(dirname "$0")/.."
before=$(mktemp) after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT

# Every tracked or new file with its content.
state() {
	git ls-files --cached --others --exclude-standard | sort -u | while IFS= read -r file; do
		if [ -f "$file" ]; then
			printf '%s %s\n' "$(git hash-object "$file")" "$file"
		fi
	done
}

git rev-parse --is-inside-work-tree >/dev/null
state >"$before"
"${MAKE:-make}" --no-print-directory generate
state >"$after"
if ! diff "$before" "$after" >/dev/null; then
	echo 'verify: these files were not current (run `make generate` and commit them):' >&2
	diff "$before" "$after" | sed -n 's/^[<>] [0-9a-f]* /  /p' | sort -u >&2
	git --no-pager diff --stat >&2
	exit 1
fi

go mod verify >/dev/null
for module in . sdk/go; do
	if ! (cd "$module" && go mod tidy -diff); then
		echo "verify: go.mod or go.sum is not tidy (run \`go mod tidy\` in $module)" >&2
		exit 1
	fi
done
echo 'verify: generated files, go.mod and go.sum are current'
