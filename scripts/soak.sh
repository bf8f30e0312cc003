#!/bin/sh
# What the tests do for seconds, for as long as you like: every fuzzer, then the journeys that kill berthd.
#   npm run soak                  10 s for each reader of bytes, 50 kills for each journey
#   npm run soak -- 600 500       600 s and 500 kills
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/node.sh
BERTH_FUZZ_SECONDS=${1:-10}
BERTH_CRASH_ROUNDS=${2:-50}
export BERTH_FUZZ_SECONDS BERTH_CRASH_ROUNDS
"$node" --test --test-concurrency=2 'test/fuzz/**/*.test.ts'
sh scripts/fuzz-native.sh "$BERTH_FUZZ_SECONDS"
exec "$node" --test --test-concurrency=1 test/journeys/crash.test.ts test/journeys/churn.test.ts
