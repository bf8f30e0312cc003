#!/bin/sh
# Installs what is missing and builds the native parts. May be repeated; says nothing when there is nothing to do.
#   setup.sh run     what berth needs to run
#   setup.sh test    and what its tests need besides
#   setup.sh peers   and the real clients that it is compared with
#   setup.sh vm      or what the tests in virtual machines need
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-run}

if [ "$(id -u)" != 0 ]; then
  echo "berth: this must be run as root (sudo npm run ...): it mounts file systems and starts containers" >&2
  exit 1
fi

# file that shows that a package is there : package
needs='/usr/bin/make:make /usr/bin/cc:gcc /usr/include/stdio.h:libc6-dev
  /usr/sbin/runc:runc /bin/busybox:busybox-static /bin/ps:procps
  /usr/include/protobuf-c/protobuf-c.h:libprotobuf-c-dev /usr/include/yajl/yajl_parse.h:libyajl-dev'
case $(uname -m) in
  aarch64) needs="$needs /usr/lib/aarch64-linux-gnu/libatomic.so.1:libatomic1" ;;
  *) needs="$needs /usr/lib/x86_64-linux-gnu/libatomic.so.1:libatomic1" ;;
esac
tests='/usr/bin/containerd-shim-runc-v2:containerd /usr/bin/crun:crun /usr/bin/runsc:runsc /usr/bin/skopeo:skopeo /usr/bin/umoci:umoci /usr/bin/docker-registry:docker-registry /usr/bin/zstd:zstd /usr/bin/sqlite3:sqlite3 /usr/bin/openssl:openssl /usr/bin/curl:curl
  /usr/bin/setfattr:attr /usr/bin/fuse-overlayfs:fuse-overlayfs /usr/sbin/setcap:libcap2-bin /usr/bin/protoc:protobuf-compiler /usr/bin/protoc-c:protobuf-c-compiler /usr/bin/docker:docker.io
  /usr/bin/git:git /usr/bin/clang:clang /usr/share/doc/libclang-rt-14-dev:libclang-rt-14-dev /usr/bin/mkfs.erofs:erofs-utils /usr/sbin/mkfs.ext4:e2fsprogs'
peers='/usr/sbin/debootstrap:debootstrap /usr/bin/tmux:tmux /usr/bin/ctr-remote:stargz-snapshotter /usr/lib/cni/bridge:containernetworking-plugins
  /usr/sbin/iptables:iptables /sbin/ip:iproute2'

# The guest's own packages are no concern of the host: test/vm/guest/make-root.sh fetches them.
vm='/usr/bin/qemu-system-x86_64:qemu-system-x86 /sbin/depmod:kmod'

[ "$purpose" = run ] || needs="$needs $tests"
[ "$purpose" != peers ] || needs="$needs $peers"
[ "$purpose" != vm ] || needs="$needs $vm"

missing=''
for need in $needs; do
  [ -e "${need%%:*}" ] || missing="$missing ${need#*:}"
done
if [ -n "$missing" ]; then
  echo "berth: installing Debian packages:$missing" >&2
  log=$(mktemp)
  if ! {
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
  } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "berth: apt-get could not install$missing" >&2
    exit 1
  fi
  rm -f "$log"
fi

if ! cmp -s package-lock.json node_modules/.berth-package-lock.json; then
  echo "berth: installing npm packages" >&2
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.berth-package-lock.json
fi
sh scripts/verify-node.sh
make -s -C native all >&2

# A client that cannot be built is named, and its tests are skipped; in CI nothing is skipped.
if [ "$purpose" = peers ] && ! sh scripts/peers-tools.sh; then
  [ "${CI:-}" != true ] || exit 1
fi
