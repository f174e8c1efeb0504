#!/bin/bash
# driver.sh - the job of boot 'driver': the guest driver's programs, then file systems in turn.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

check "insmod" load
tap_of driver /kvblk/guest/run.sh

# Direct and buffered I/O on what people keep images on. tmpfs learned direct I/O in 6.6.
on_file_system()
{
	local type=$1 img=/mnt/$1.img dir=/mnt/$1 dev
	shift
	mkdir -p "$dir"
	if [ "$type" = tmpfs ]; then
		mount -t tmpfs tmpfs "$dir"
	else
		truncate -s 512M "$img"
		"mkfs.$type" "$@" "$img" >/dev/null 2>&1
		dev=$(losetup -f --show "$img")
		mount -t "$type" "$dev" "$dir"
	fi || { check "$type: mount" false; return; }
	KVBLK_TEST_DIR=$dir tap_of "$type" /kvblk/guest/run.sh -n io_test
	umount "$dir"
	[ "$type" = tmpfs ] || losetup -d "$dev"
	rm -f "$img"
}

modprobe -a xfs btrfs loop
on_file_system xfs -q
on_file_system btrfs -q
on_file_system tmpfs
unload
exit "$failed"
