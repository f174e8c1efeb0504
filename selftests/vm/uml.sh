#!/bin/bash
# uml.sh DIR - the job of boot 'uml': the guest driver in a kernel with KASAN, UBSAN, lockdep and
# kmemleak, on both front ends. DIR holds the modules, lib.sh and guest/.

dir=$1
[ -d "$dir" ] || dir=$HOST$1
# shellcheck source=selftests/vm/lib.sh
. "$dir/lib.sh"
KVBLK=$dir
PATH=$dir:$PATH

IMPOSSIBLE='^memory_gone|^add_swap_file|flush_reaches.*-file'
tests=()
for program in "$dir"/guest/*_test; do
	name=${program##*/}
	case $name in
	# These need a real file system, a block device with counters, or more time than sanitizers
	# leave.
	rule_reset_test | rule_stable_test | dead_test | ends_test | uffd_test | process_test) continue ;;
	# fork() and kill() are for the other machines, as above.
	race_test) tests+=(race_test:pairs); continue ;;
	# These come later.
	vdpa_test | vdpa_memory_test | vdpa_dead_test) continue ;;
	esac
	if "$program" -l | grep -qE "$IMPOSSIBLE"; then
		mapfile -t more <<<"$(specs "$name" "$IMPOSSIBLE")"
		tests+=("${more[@]}")
	else
		tests+=("$name")
	fi
done
# Plain memory below the images: with all sanitizers a real file system takes ten times as long.
export KVBLK_TEST_DIR=/tmp/images KVBLK_TEST_FULL_DIR=/tmp/full
mkdir -p $KVBLK_TEST_DIR $KVBLK_TEST_FULL_DIR
mount -t tmpfs -o size=6m tmpfs $KVBLK_TEST_FULL_DIR
truncate -s 32M /tmp/bdev.img
KVBLK_TEST_BDEV=$(losetup -f --show /tmp/bdev.img)
export KVBLK_TEST_BDEV

# What the driver boot has twenty and ten times.
export KVBLK_TORTURE_REQUESTS=50000 KVBLK_TORTURE_CALLS=10000

check "insmod" load
tap_of uml "$dir/guest/run.sh" -n "${tests[@]}"
losetup -d "$KVBLK_TEST_BDEV"

# A real file system freezes, and has direct writes that may not wait.
on_ext4()
{
	local ext4
	mapfile -t ext4 <<<"$(specs io_test 'bdev|buffered|no_space')"
	truncate -s 64M /tmp/ext4.img
	mke2fs -q -F -t ext4 /tmp/ext4.img && mkdir /tmp/ext4 && mount -o loop /tmp/ext4.img /tmp/ext4 ||
		return 1
	KVBLK_TEST_DIR=/tmp/ext4 tap_of "uml ext4" "$dir/guest/run.sh" -n "${ext4[@]}"
	umount /tmp/ext4
}

on_ext4 || check "ext4" false

# The host's own driver: physical addresses, another owner of the rings.
host_driver()
{
	local disk data
	vdpa dev add name host mgmtdev kvblk-phys && wait_for compgen -G '/dev/vd?' >/dev/null ||
		return 1
	disk=$(compgen -G '/dev/vd?')
	data=/tmp/images/data
	dd if=/dev/urandom of="$data" bs=64k count=32 status=none &&
		dd if="$data" of="$disk" bs=64k oflag=direct status=none &&
		dd if="$disk" bs=4k count=512 iflag=direct status=none | cmp - "$data"
}

modprobe -d "$MODS" vhost_vdpa
mapfile -t memory <<<"$(specs vdpa_memory_test '^killed|^memory_gone')"
check "insmod kvblk_vdpa" insmod "$dir/kvblk_vdpa.ko"
KVBLK_TEST_FRONT=vdpa KVBLK_TORTURE_CALLS=1500 KVBLK_TORTURE_REQUESTS=10000 tap_of "uml vdpa" \
	"$dir/guest/run.sh" -n vdpa_test "${memory[@]}" queue_test:wrap broken_test torture_test
# Physical addresses, page by page.
modprobe -d "$MODS" -r vhost_vdpa
modprobe -d "$MODS" vhost_vdpa max_iotlb_entries=65536
KVBLK_TEST_MEMORY=phys tap_of "uml vdpa phys" "$dir/guest/run.sh" -n vdpa_test

# How often the worker of disk $1 has slept.
worker_sleeps()
{
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' /proc/"$(pgrep -x "kvblk/$1")"/status
}

# On a block device the driver's own thread serves what it reads: the worker only looks now and
# then whether all is well.
host_serves_itself()
{
	local before
	before=$(worker_sleeps host)
	dd if="$(compgen -G '/dev/vd?')" of=/dev/null bs=4k count=4096 iflag=direct status=none &&
		[ $(($(worker_sleeps host) - before)) -lt 100 ]
}

modprobe -d "$MODS" -r vhost_vdpa
modprobe -d "$MODS" -a virtio_vdpa virtio_blk
truncate -s 16M /tmp/images/host.img
kvblkctl add host /tmp/images/host.img
check "the host's driver writes and reads" host_driver
check "vdpa dev del" vdpa dev del host
check "remove" kvblkctl remove host
kvblkctl add host "$(losetup -f --show /tmp/bdev.img)" --direct
check "the host's driver writes and reads, on a block device" host_driver
check "the host's driver serves itself" host_serves_itself
check "vdpa dev del, on a block device" vdpa dev del host
check "remove, with a block device" kvblkctl remove host
losetup -D
check "rmmod kvblk_vdpa" rmmod kvblk_vdpa
check "a disk without a session" kvblkctl add left /tmp/images/host.img
check "goes with the module" test -c /dev/kvblk/left
unload
exit "$failed"
