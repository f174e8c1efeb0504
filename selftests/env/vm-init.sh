#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the QEMU machine; mkroot.sh puts it at /init, vmrun.sh leaves the job in /mnt/out.
# With a root file system it runs twice: first here, then in there.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C BED=vm OUT=/mnt/out
ROOTFS_SERIAL=kvblk-rootfs

rootfs_device()
{
	local disk
	for disk in /sys/block/*/; do
		[ "$(cat "$disk/serial" 2>/dev/null)" != $ROOTFS_SERIAL ] || basename "$disk"
	done
}

# The initramfs stays below it: modules and the job's files are seen through bind mounts.
enter_rootfs()
{
	mkdir /sysroot
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	modprobe -a virtio_pci virtio_blk ext4
	mount -t ext4 "/dev/$(rootfs_device)" /sysroot
	mount -o bind /usr/lib/modules /sysroot/usr/lib/modules
	[ ! -d /kvblk ] || mount -o bind /kvblk /sysroot/kvblk
	umount /dev /sys /proc
	cp /init /sysroot/init
	[ ! -e /usr/sbin/kvm-hold ] || cp /usr/sbin/kvm-hold /sysroot/usr/sbin/
	exec chroot /sysroot /bin/busybox sh /init entered
}

[ "$1" = entered ] || [ -z "$KVBLK_ROOTFS" ] || enter_rootfs

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /mnt
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /mnt/out /mnt/src
ln -s /proc/self/fd /dev/fd
ip link set lo up

modprobe -a virtio_pci virtio_blk 9pnet_virtio 9p
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /mnt/out
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro src /mnt/src 2>/dev/null

[ ! -e /usr/sbin/kvm-hold ] || kvm-hold &

# The second serial port carries what the job prints, the first one only the kernel's messages.
stty -F /dev/ttyS1 raw -echo 115200
bash /mnt/out/.job/run </dev/null >/dev/ttyS1 2>&1
echo $? >/mnt/out/.job/status
sync
umount /mnt/out
# What is still in the port's buffer would be lost.
stty -F /dev/ttyS1 -a >/dev/null
sleep 0.1
busybox poweroff -f
