#!/bin/sh
# Makes src/gen from proto/ with Debian's protoc and the pinned protobuf-es plugin.
#   scripts/generate.sh           writes src/gen
#   scripts/generate.sh --check   writes nothing; fails when src/gen is not what proto/ gives
set -eu
cd "$(dirname "$0")/.."

command -v protoc >/dev/null || {
  echo 'Cannot generate src/gen: protoc is missing; install it with "apt-get install protobuf-compiler"' >&2
  exit 1
}
mode=${1:-write}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# The plugin is a script of the pinned Node, which is beside it and older ones must not shadow.
PATH="$PWD/node_modules/.bin:$PATH"
# The well-known types come with @bufbuild/protobuf, so proto/google/protobuf is only read.
find proto -name '*.proto' -not -path 'proto/google/protobuf/*' | LC_ALL=C sort |
  xargs protoc --proto_path=proto --es_out="$out" \
    --es_opt=target=ts,import_extension=ts,erasable_syntax=true

case $mode in
  --check)
    diff -r "$out" src/gen >&2 || {
      echo 'src/gen is not what proto/ gives; run "npm run generate"' >&2
      exit 1
    }
    ;;
  write)
    rm -rf src/gen
    mkdir -p src/gen
    cp -r "$out/." src/gen/
    chmod -R u=rwX,go=rX src/gen
    ;;
  *)
    echo "Cannot run with \"$mode\": expected nothing or --check" >&2
    exit 2
    ;;
esac
