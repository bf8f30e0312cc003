#!/bin/sh
# The tests that meet a shim, with those that are not the default: containerd's own, and gVisor run by ours.
#   npm run shims                          both
#   npm run shims -- io.containerd.x.v1    one shim, or an OCI runtime such as crun, which the default shim then runs
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh test
. scripts/node.sh
[ $# -gt 0 ] || set -- io.containerd.runc.v2 runsc
for runtime in "$@"; do
  echo "berth: with $runtime" >&2
  BERTH_TEST_RUNTIME=$runtime "$node" --test --test-timeout=300000 --test-concurrency=2 \
    src/core/tasks/open-tasks.test.ts src/core/tasks/adopt-execs.test.ts src/core/tasks/kill-daemon.test.ts \
    test/journeys/restart.test.ts
done
