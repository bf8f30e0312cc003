#!/bin/sh
# Makes src/gen from proto/ with Debian's protoc and the pinned protobuf-es plugin, and native/shim/gen, the messages of
# the shim, with Debian's protobuf-c-compiler.
#   scripts/generate.sh           writes both
#   scripts/generate.sh --check   writes nothing; fails when they are not what proto/ gives
set -eu
cd "$(dirname "$0")/.."

for program in protoc:protobuf-compiler protoc-c:protobuf-c-compiler; do
  command -v "${program%:*}" >/dev/null || {
    echo "Cannot generate from proto/: ${program%:*} is missing; install it with \"apt-get install ${program#*:}\"" >&2
    exit 1
  }
done
mode=${1:-write}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The plugin is a script of the pinned Node, which is beside it and older ones must not shadow.
PATH="$PWD/node_modules/.bin:$PATH"
# The well-known types come with @bufbuild/protobuf, so proto/google/protobuf is only read.
find proto -name '*.proto' -not -path 'proto/google/protobuf/*' | LC_ALL=C sort |
  xargs protoc --proto_path=proto --es_out="$out" \
    --es_opt=target=ts,import_extension=ts,erasable_syntax=true

# What the shim speaks. protobuf-c 1.4 does not know proto3's "optional"; the shim has no need to tell absent from zero.
shim_protos='containerd/task/v3/shim.proto containerd/events/task.proto containerd/types/mount.proto
  containerd/types/task/task.proto containerd/types/introspection.proto containerd/runc/v1/options.proto containerd/linux/runc/runc.proto
  containerd/runtime/bootstrap/v1/bootstrap.proto containerd/ttrpc/request.proto containerd/types/event.proto
  containerd/services/events/ttrpc/v1/events.proto io/containerd/cgroups/v1/metrics.proto
  io/containerd/cgroups/v2/metrics.proto google/rpc/status.proto google/protobuf/any.proto google/protobuf/empty.proto
  google/protobuf/timestamp.proto'
work=$(mktemp -d)
trap 'rm -rf "$out" "$work"' EXIT
cp -r proto "$work/proto"
find "$work/proto" -name '*.proto' -exec sed -i 's/^\( *\)optional /\1/' {} +
mkdir "$work/gen"
protoc-c --proto_path="$work/proto" --c_out="$work/gen" $shim_protos

compare() {
  diff -r "$1" "$2" >&2 || {
    echo "$2 is not what proto/ gives; run \"npm run generate\"" >&2
    exit 1
  }
}

replace() {
  rm -rf "$2"
  mkdir -p "$2"
  cp -r "$1/." "$2/"
  chmod -R u=rwX,go=rX "$2"
}

case $mode in
  --check)
    compare "$out" src/gen
    compare "$work/gen" native/shim/gen
    ;;
  write)
    replace "$out" src/gen
    replace "$work/gen" native/shim/gen
    ;;
  *)
    echo "Cannot run with \"$mode\": expected nothing or --check" >&2
    exit 2
    ;;
esac
