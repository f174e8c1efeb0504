#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the benchmark's KVM guests: reads /dev/vda as the host asks. Prints "bench: ready",
# then for each line "DEPTH REQUESTS" on the console does so many reads and prints "bench: done N"
# after N interrupts of the disk.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

# Of all processors, and of all vectors that a PCI device has.
interrupts()
{
	awk '/virtio/ { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' \
		/proc/interrupts
}

modprobe -a virtio_mmio virtio_pci virtio_blk
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
stty -echo
echo "bench: ready"
while read -r depth requests; do
	[ "$depth" != end ] || break
	before=$(interrupts)
	if /bench/reads /dev/vda "$depth" "$requests"; then
		echo "bench: done $(($(interrupts) - before))"
	else
		echo "bench: failed"
	fi
done
poweroff -f
