#!/bin/sh
# Measures the release bundle against the peers on this machine. Arguments are the bench's own (--help lists them).
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh peers
sh scripts/build.sh
. scripts/node.sh
exec "$node" test/bench/main.ts "$@"
