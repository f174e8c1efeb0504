#!/bin/bash
# in-vm.sh - the job of the demo's QEMU machine: an ext4 file system for the images, then host.sh.

set -e
modprobe ext4
mkdir -p /mnt/disk
mount -t ext4 /dev/vda /mnt/disk
# Emulated AMD-V hides the guest's XCR0 from KVM, and the guest complains of what it finds.
DEMO_CMDLINE=noxsave WORK=/mnt/disk bash /demo/host.sh /demo
umount /mnt/disk
