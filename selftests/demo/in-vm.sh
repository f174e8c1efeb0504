#!/bin/bash
# in-vm.sh - the job of the demo's QEMU machine: an ext4 file system for the images, then host.sh.

set -e
modprobe ext4
mkdir -p /mnt/disk
mount -t ext4 /dev/vda /mnt/disk
WORK=/mnt/disk bash /demo/host.sh /demo
umount /mnt/disk
