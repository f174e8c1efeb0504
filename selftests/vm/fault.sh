#!/bin/bash
# fault.sh DIR - the job of boot 'fault': every allocation fails in turn, while the module is loaded,
# in every call, and under requests. The kernel has sanitizers and fault injection. DIR holds
# kvblk.ko, lib.sh and guest/.

dir=$1
[ -d "$dir" ] || dir=$HOST$1
# shellcheck source=selftests/vm/lib.sh
. "$dir/lib.sh"
KVBLK=$dir
# Each failure takes one off.
TIMES=1000000

times() { echo $DEBUGFS/{failslab,fail_page_alloc,fail_usercopy}/times; }

total()
{
	# shellcheck disable=SC2046 # three names
	awk -v times=$TIMES '{ sum += times - $1 } END { print sum }' $(times)
}

for file in $(times); do
	echo $TIMES >"$file"
done
export KVBLK_TEST_DIR=/tmp/images KVBLK_MODULE=$dir/kvblk.ko
mkdir -p $KVBLK_TEST_DIR
truncate -s 32M /tmp/bdev.img
KVBLK_TEST_BDEV=$(losetup -f --show /tmp/bdev.img)
export KVBLK_TEST_BDEV

tap_of fault "$dir/guest/run.sh" -n load_faults
check "insmod" load
tap_of fault "$dir/guest/run.sh" -n control_faults session_faults io_faults
modprobe -d "$MODS" vhost_vdpa
check "insmod kvblk_vdpa" insmod "$dir/kvblk_vdpa.ko"
tap_of fault "$dir/guest/run.sh" -n vdpa_faults
check "rmmod kvblk_vdpa" rmmod kvblk_vdpa
echo "# $(total) failures injected in all"
losetup -d "$KVBLK_TEST_BDEV"
unload
exit "$failed"
