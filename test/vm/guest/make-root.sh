#!/bin/sh
# Makes the guest's disk from Debian's packages: make-root.sh DIRECTORY gives DIRECTORY/root.ext4, vmlinuz and modules/.
# No package's own scripts are run: what they would do, as far as the guest needs it, is the second half of this file.
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)
tree=$out/tree
packages=$out/packages
mkdir -p "$packages/partial" "$tree"
trap 'rm -rf "$tree" "$packages"' EXIT

# As if nothing were installed, so that the same packages come on every machine.
: >"$out/nothing"
fetch() {
  apt-get -q -y -o Dir::State::status="$out/nothing" -o Dir::Cache::archives="$packages" -o Debug::NoLocking=1 \
    --no-install-recommends --download-only install $(grep -v '^#' "$here/packages.txt") >"$out/apt.log" 2>&1
}
fetch || { apt-get update -q >"$out/update.log" 2>&1; fetch; } || { cat "$out/apt.log" >&2; exit 1; }

for name in bin sbin lib lib64; do
  mkdir -p "$tree/usr/$name"
  ln -s "usr/$name" "$tree/$name"
done
for package in "$packages"/*.deb; do
  case ${package##*/} in
    # What only their scripts would use.
    perl-modules* | libperl* | initramfs* | klibc* | libklibc* | usrmerge_* | debconf_* | dpkg_* | perl_*) continue ;;
  esac
  dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$tree" --exclude './usr/share/doc/*' \
    --exclude './usr/share/man/*' --exclude './usr/share/locale/*' --exclude './usr/share/info/*'
done

mkdir -p "$tree/usr/local/bin" "$tree/usr/local/sbin" "$tree/var/mail" "$tree/media" "$tree/mnt" "$tree/srv"

release=$(ls "$tree/lib/modules")
mv "$tree/boot/vmlinuz-$release" "$out/vmlinuz"
rm -rf "$tree"/boot/*
depmod -b "$tree" "$release"
cp -a "$tree/lib/modules/$release" "$out/modules"

cp "$tree/usr/share/base-passwd/passwd.master" "$tree/etc/passwd"
cp "$tree/usr/share/base-passwd/group.master" "$tree/etc/group"
cat >>"$tree/etc/passwd" <<END
messagebus:x:100:100::/nonexistent:/usr/sbin/nologin
systemd-network:x:101:101::/:/usr/sbin/nologin
berth:x:1000:1000::/home/berth:/bin/bash
END
cat >>"$tree/etc/group" <<END
messagebus:x:100:
systemd-network:x:101:
systemd-journal:x:102:
input:x:103:
kvm:x:104:
render:x:105:
sgx:x:106:
berth:x:1000:
END
sed 's/^\([^:]*\):.*/\1:*:19000:0:99999:7:::/' "$tree/etc/passwd" >"$tree/etc/shadow"
chmod 0640 "$tree/etc/shadow"
echo 'berth:100000:65536' | tee "$tree/etc/subuid" >"$tree/etc/subgid"
mkdir -p "$tree/home/berth"
chown 1000:1000 "$tree/home/berth"
echo vm >"$tree/etc/hostname"
printf '127.0.0.1 localhost vm\n::1 localhost\n' >"$tree/etc/hosts"
echo 'nameserver 10.0.2.3' >"$tree/etc/resolv.conf"
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
: >"$tree/etc/fstab"
for name in iptables ip6tables; do ln -s "$name-nft" "$tree/usr/sbin/$name"; done
ln -s mawk "$tree/usr/bin/awk"
ln -sf dash "$tree/usr/bin/sh"
ln -sf /lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
chown 0:100 "$tree/usr/lib/dbus-1.0/dbus-daemon-launch-helper"
ldconfig -r "$tree"

truncate -s 4G "$out/root.ext4.new"
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -L root -d "$tree" "$out/root.ext4.new"
mv "$out/root.ext4.new" "$out/root.ext4"
