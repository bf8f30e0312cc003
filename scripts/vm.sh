#!/bin/sh
# The tests in virtual machines. Arguments are handed to Node's test runner.
set -eu
cd "$(dirname "$0")/.."
if [ "$(uname -m)" != x86_64 ]; then
  echo "berth: the virtual machines' tests are for x86_64 alone" >&2
  exit 1
fi
sh scripts/setup.sh vm
. scripts/node.sh
# Once for all, so that no two files make the same at the same time.
"$node" test/vm/lab/prepare.ts
if [ $# -gt 0 ]; then
  exec "$node" --test --test-timeout=600000 --test-concurrency=2 "$@"
fi
exec "$node" --test --test-timeout=600000 --test-concurrency=2 'test/vm/*.test.ts'
