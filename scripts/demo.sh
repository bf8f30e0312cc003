#!/bin/sh
# Installs what is missing, builds, starts berthd, makes the "hello" image and runs it.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh run
. scripts/node.sh
sh scripts/build.sh
echo "berth: making the image \"hello\" from Debian's busybox-static" >&2
"$node" scripts/make-hello.ts | bin/berth load
echo "berth: running it: bin/berth run --rm --network none hello" >&2
bin/berth run --rm --network none hello
cat >&2 <<END

berthd runs on (its log: ${BERTH_STATE:-/run/berth}/berthd.log). Try:
  bin/berth run -it --rm --network host hello sh
  bin/berth ps -a; bin/berth images; bin/berth info
  DOCKER_HOST=unix://${BERTH_STATE:-/run/berth}/docker.sock docker ps -a
END
