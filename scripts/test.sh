#!/bin/sh
# Every test that needs only Debian's and npm's packages. Arguments are handed to Node's test runner.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/node.sh
if [ $# -gt 0 ]; then
  exec "$node" --test --test-timeout=300000 "$@"
fi
exec "$node" --test --test-timeout=300000 --test-concurrency=2 'src/**/*.test.ts' 'test/*.test.ts' 'test/fuzz/**/*.test.ts' 'test/shim/**/*.test.ts' 'test/journeys/**/*.test.ts'
