#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the guest until its root file system is there.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t devtmpfs devtmpfs /dev
modprobe -a virtio_pci virtio_blk ext4
i=0
while [ ! -b /dev/vda2 ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
mkdir /disk
mount -t ext4 /dev/vda2 /disk || echo "guest: failed: no root file system"
umount /dev
exec switch_root /disk /init
