#!/bin/sh
# Makes the release bundle in dist/: JavaScript for the three programs, and the native parts beside it.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh run
. scripts/node.sh
BERTH_REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
export BERTH_REVISION
"$node" scripts/bundle.ts
