#!/bin/bash
# driver.sh - the job of boot 'driver': the guest driver's programs, then file systems in turn.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

# A million hostile requests, and a hundred thousand hostile calls of each kind.
export KVBLK_TORTURE_REQUESTS=1000000 KVBLK_TORTURE_CALLS=100000

# Boot 'exact' measures the rates, boot 'vdpa' has the bus.
mapfile -t programs < <(cd /kvblk/guest && printf '%s\n' *_test | grep -vxE 'rate_test|vdpa_.*')

check "insmod" load
tap_of driver /kvblk/guest/run.sh "${programs[@]}"

# The same with pinned memory, where requests are answered without the worker.
KVBLK_TEST_PIN=1 tap_of pinned /kvblk/guest/run.sh io_test

# on_file_system TYPE REGEX MKFS-OPTION... - direct and buffered I/O on what people keep images on,
# but for tests whose names match: of block devices, of a full one, of the device's own counters.
on_file_system()
{
	local type=$1 not=$2 img=/mnt/$1.img dir=/mnt/$1 dev tests
	shift 2
	mkdir -p "$dir"
	if [ "$type" = tmpfs ]; then
		mount -t tmpfs tmpfs "$dir"
	else
		truncate -s 512M "$img"
		"mkfs.$type" "$@" "$img" >/dev/null 2>&1
		dev=$(losetup -f --show "$img")
		mount -t "$type" "$dev" "$dir"
	fi || { check "$type: mount" false; return; }
	mapfile -t tests <<<"$(specs io_test "bdev|no_space|$not")"
	KVBLK_TEST_DIR=$dir tap_of "$type" /kvblk/guest/run.sh -n "${tests[@]}"
	umount "$dir"
	[ "$type" = tmpfs ] || losetup -d "$dev"
	rm -f "$img"
}

modprobe -a xfs btrfs loop
on_file_system xfs '^$' -q
on_file_system btrfs flush_reaches -q
on_file_system tmpfs flush_reaches
unload
exit "$failed"
