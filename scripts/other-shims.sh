#!/bin/sh
# The tests that meet a shim, run with each shim and OCI runtime that is not the default one, as far as it is installed.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/node.sh
suites='src/core/tasks/open-tasks.test.ts src/core/tasks/kill-daemon.test.ts src/core/tasks/adopt-execs.test.ts
  src/engine/*.test.ts test/journeys/restart.test.ts'
for runtime in ${*:-io.containerd.runc.v2 io.containerd.berth.v1 runsc}; do
  echo "berth: with $runtime" >&2
  BERTH_TEST_RUNTIME=$runtime "$node" --test --test-timeout=300000 --test-concurrency=2 $suites
done
