#!/bin/sh
# Builds the Go clients that Debian lacks or has old, at the versions that test/peers/tools pins, once per machine.
#   peers-tools.sh            builds what is not there yet
#   peers-tools.sh --where    prints the directory that they are in, built or not
# They stay outside the clone, under a name made of the pins, so that another clone finds them.
set -eu
cd "$(dirname "$0")/.."
pins=test/peers/tools
mark=$(cat scripts/peers-tools.sh $pins/*/go.mod $pins/*/go.sum $pins/*/*.go | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/berth-peers
bin=$cache/$mark/bin

if [ "${1:-}" = --where ]; then
  echo "$bin"
  exit 0
fi
[ ! -d "$bin" ] || exit 0

if ! command -v go >/dev/null; then
  echo "berth: the clients in $pins want Go, and there is none on the PATH" >&2
  exit 1
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ ! -d "$bin" ] || exit 0

work=$(mktemp -d "$cache/build-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"

# build MODULE OUTPUT PACKAGE...
build() (
  cd "$pins/$1"
  output=$2
  shift 2
  CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
    go build -p 2 -trimpath -ldflags='-s -w' -o "$work/bin/$output" "$@"
)

# build_suite MODULE: a program of the module's Go tests
build_suite() (
  cd "$pins/$1"
  CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' \
    go test -c -p 2 -trimpath -ldflags='-s -w' -o "$work/bin/$1" .
)

echo "berth: building current ctr, containerd, nerdctl, buildctl, buildkitd and the stargz snapshotter (minutes, once)" >&2
if ! {
  build current '' \
    github.com/containerd/containerd/v2/cmd/ctr \
    github.com/containerd/containerd/v2/cmd/containerd \
    github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
    github.com/containerd/nerdctl/v2/cmd/nerdctl \
    github.com/moby/buildkit/cmd/buildctl \
    github.com/moby/buildkit/cmd/buildkitd &&
    build ctr-1.7 ctr-1.7 github.com/containerd/containerd/cmd/ctr &&
    build stargz containerd-stargz-grpc github.com/containerd/stargz-snapshotter/cmd/containerd-stargz-grpc &&
    build_suite snapshot-suite
} >"$work/log" 2>&1; then
  cat "$work/log" >&2
  echo "berth: $(go version) cannot build the clients that $pins pins" >&2
  exit 1
fi
mkdir -p "$cache/$mark"
mv "$work/bin" "$bin"
