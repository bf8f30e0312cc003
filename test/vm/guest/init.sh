#!/bin/busybox sh
# The first process of the guest: loads the drivers, mounts the disk "root", and hands over to what the kernel's command
# line names: vm.init=agent (our agent as PID 1: a machine that runs nothing else) or vm.init=systemd.
export PATH=/bin
busybox mkdir -p /proc /sys /dev /run /root
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t tmpfs -o mode=755 run /run
while read -r module; do
  busybox insmod "/modules/$module" || echo "vm: cannot load $module"
done </modules/order

for stream in fd:/proc/self/fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do busybox ln -s "${stream#*:}" "/dev/${stream%:*}"; done
# Disks by the names that the lab gave them: /dev/vm/NAME.
busybox mkdir /dev/vm
for disk in /sys/block/vd*; do
  read -r name <"$disk/serial" || true
  busybox ln -s "../${disk##*/}" "/dev/vm/$name"
done
busybox mount -t ext4 /dev/vm/root /root || exec busybox poweroff -f
busybox cp /agent /run/vm-agent
case $(busybox cat /proc/cmdline) in
  *vm.init=systemd*)
    busybox mkdir -p /run/systemd/system/multi-user.target.wants
    busybox cp /vm-agent.service /run/systemd/system/
    busybox ln -s ../vm-agent.service /run/systemd/system/multi-user.target.wants/
    init=/lib/systemd/systemd
    ;;
  *)
    busybox mkdir -p /dev/pts /dev/shm
    busybox mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
    busybox mount -t tmpfs shm /dev/shm
    busybox mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
    busybox hostname vm
    busybox ip link set lo up
    init=/run/vm-agent
    ;;
esac
for place in proc sys dev run; do busybox mount --move "/$place" "/root/$place"; done
exec busybox switch_root /root "$init"
