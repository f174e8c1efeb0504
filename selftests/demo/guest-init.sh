#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the demo's KVM guest: uses /dev/vda as a person would, and says what it found.
#
# The host acts on lines that begin with "demo:". Between "io-begin" and "io-end" the guest waits
# for a line on its console, so that the host can read KVM's counters in peace.

# The shell prefers its own applets to the programs of the same name: those go by path.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /disk

# Ends the guest: the VMM takes the byte as its exit status.
leave()
{
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$1" | dd of=/dev/port bs=1 seek=244 count=1 2>/dev/null
	reboot -f
}

fail()
{
	echo "demo: failed: $*"
	leave 001
}

phase()
{
	echo "demo: $1"
	read -r _ || fail "no answer from the host"
}

uptime_ms()
{
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

modprobe -a virtio_mmio virtio_blk ext4 || fail "modprobe"

# JOB=load: write for ever, to be killed.
if [ "$JOB" = load ]; then
	while dd if=/dev/zero of=/dev/vda bs=64k count=1000 oflag=direct 2>/dev/null; do :; done
	fail "dd"
fi

# JOB=read: READS requests, one at a time, between two phases that the host counts in.
if [ "$JOB" = read ]; then
	phase read-begin
	dd if=/dev/vda of=/dev/null bs=4k count="$READS" iflag=direct 2>/dev/null || fail "dd"
	phase read-end
	leave 000
fi

# JOB=queues: each processor writes a place of its own and reads it back.
if [ "$JOB" = queues ]; then
	set -- /sys/block/vda/mq/[0-9]*
	echo "demo: $# hardware queues"
	phase queues-begin
	for round in 1 2 3 4 5 6; do
		for cpu in 0 1; do
			dd if=/dev/urandom of=/data$cpu bs=64k count=16 2>/dev/null || fail "dd"
			taskset $((1 << cpu)) dd if=/data$cpu of=/dev/vda bs=4k \
				seek=$((cpu * 1024 + round * 256 - 256)) oflag=direct \
				conv=notrunc 2>/dev/null &
		done
		wait
		for cpu in 0 1; do
			taskset $((2 >> cpu)) dd if=/dev/vda of=/back bs=4k count=256 \
				skip=$((cpu * 1024 + round * 256 - 256)) iflag=direct 2>/dev/null
			cmp /data$cpu /back || fail "round $round: data of processor $cpu differ"
		done
	done
	phase queues-end
	leave 000
fi

[ -b /dev/vdb ] || fail "not both disks are there"
echo "demo: vda $(blockdev --getsize64 /dev/vda) bytes, serial $(cat /sys/block/vda/serial)"
echo "demo: vdb $(blockdev --getsize64 /dev/vdb) bytes, serial $(cat /sys/block/vdb/serial)"

phase io-begin
/usr/sbin/mke2fs -q -t ext4 /dev/vda || fail "mke2fs"
mount -t ext4 /dev/vda /disk || fail "mount"
(cd /tree && find . -type f -exec sha1sum {} +) | sort -k 2 >/sums
cp -a /tree /disk/ || fail "cp"
sync
echo 3 >/proc/sys/vm/drop_caches
(cd /disk/tree && sha1sum -c -s /sums) || fail "checksums differ"
echo "demo: equal checksums of $(wc -l </sums) files, $(du -sm /disk/tree | cut -f 1) MiB"
umount /disk || fail "umount"

# The bucket is full at first: what it holds does not tell the rate.
dd if=/dev/vdb of=/dev/null bs=4k count="$BURST" iflag=direct 2>/dev/null || fail "dd"
start=$(uptime_ms)
dd if=/dev/vdb of=/dev/null bs=4k count="$READS" iflag=direct 2>/dev/null || fail "dd"
echo "demo: throttled $READS reads in $(($(uptime_ms) - start)) ms"
phase io-end
leave 000
