#!/bin/sh
# The one gate: types, lint, format, import order; then how long the files are.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/node.sh
node_modules/.bin/tsc
node_modules/.bin/oxlint --type-aware
node_modules/.bin/oxfmt --check
"$node" --test test/layers.test.ts
sh scripts/generate.sh --check
"$node" scripts/file-sizes.ts
