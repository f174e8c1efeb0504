#!/bin/busybox sh
# shellcheck shell=dash
# Process 1 of the guest on its root file system: says how often it has booted and whether what it
# wrote before is still right, then does what the lines on its console ask for.
#
# Everything that the host looks for begins with "guest:".

export PATH=/bin LC_ALL=C
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -o remount,rw /
stty -F /dev/ttyS0 -echo

say() { echo "guest: $*" >/dev/ttyS0; }

# Files that were synced before; what was under way at a sudden end may be anything.
check()
{
	[ -s /data/sums ] || { say "checked 0"; return; }
	echo 3 >/proc/sys/vm/drop_caches
	if (cd /data && sha1sum -c -s sums); then
		say "checked $(wc -l </data/sums)"
	else
		say "failed: checksums differ"
	fi
}

# A file of random data, durable before its sum is.
write_file()
{
	dd if=/dev/urandom of="/data/$1" bs=64k count=32 2>/dev/null || say "failed: dd"
	sync
	(cd /data && cp sums sums.new 2>/dev/null; sha1sum "$1" >>sums.new; sync; mv sums.new sums)
	sync
	say "wrote $1"
}

# For ever: data and metadata.
load()
{
	while :; do
		dd if=/dev/zero of=/data/load bs=32k count=64 conv=fsync 2>/dev/null
		rm -f /data/load
	done
}

uptime_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }

# The bucket is full at first: what it holds does not tell the rate.
throttled()
{
	local start
	dd if=/dev/vdb of=/dev/null bs=4k count="$1" iflag=direct 2>/dev/null
	start=$(uptime_ms)
	dd if=/dev/vdb of=/dev/null bs=4k skip="$1" count="$2" iflag=direct 2>/dev/null ||
		say "failed: read the throttled disk"
	say "throttled $2 $(($(uptime_ms) - start))"
}

# Whatever a guest's root can do about it.
read_only()
{
	[ "$(cat /sys/block/vdc/ro)" = 1 ] || say "failed: vdc is not read-only"
	blockdev --setrw /dev/vdc 2>/dev/null
	dd if=/dev/urandom of=/dev/vdc bs=4k count=16 oflag=direct 2>/dev/null &&
		say "failed: vdc was written"
	dd if=/dev/urandom of=/dev/vdc bs=4k count=16 conv=fsync 2>/dev/null &&
		say "failed: vdc was written through the page cache"
	blkdiscard /dev/vdc 2>/dev/null && say "failed: vdc was discarded"
	dd if=/dev/vdc of=/dev/null bs=64k iflag=direct 2>/dev/null || say "failed: vdc is not read"
	say "read-only $(dd if=/dev/vdc bs=64k 2>/dev/null | sha1sum | cut -d ' ' -f 1)"
}

boots=$(($(cat /data/boots 2>/dev/null || echo 0) + 1))
echo $boots >/data/boots
sync
check
say "up $boots"
while read -r command a b; do
	case $command in
	check) check ;;
	write) write_file "$a" ;;
	load) load & say "loads" ;;
	throttled) throttled "$a" "$b" ;;
	read-only) read_only ;;
	poweroff) sync; mount -o remount,ro /; poweroff -f ;;
	esac
done </dev/ttyS0
say "failed: the console is gone"
