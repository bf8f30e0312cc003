#!/bin/sh
# The suites with real clients. A client that cannot be installed is skipped and named; in CI that is a failure.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh peers
. scripts/node.sh
exec "$node" --test --test-timeout=300000 --test-concurrency=1 'test/peers/**/*.test.ts'
