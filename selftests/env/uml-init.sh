#!/bin/sh
# Process 1 of the User Mode Linux machine; umlrun.sh passes KVBLK_* on the kernel command line.
# Starting a program is slow there: one mount for all file systems.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 BED=uml
export OUT=/mnt/out HOST=/mnt/host MODS="$KVBLK_MODS"
kmemleak=/sys/kernel/debug/kmemleak

mount -t proc proc /proc
mount -a -T "$KVBLK_OUT/.job/fstab"
[ -z "$KVBLK_LEAKS" ] || echo clear >$kmemleak

stty -F /dev/tty1 raw -echo
bash /mnt/out/.job/run </dev/null >/dev/tty1 2>&1
status=$?

if [ -n "$KVBLK_LEAKS" ]; then
	# Only what is older than 5 s and unchanged since the last scan is reported.
	echo scan >$kmemleak
	sleep 6
	echo scan >$kmemleak
	cat $kmemleak >/mnt/out/kmemleak.txt
fi
echo $status >/mnt/out/.job/status
busybox poweroff -f
