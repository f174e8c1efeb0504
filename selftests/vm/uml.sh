#!/bin/bash
# uml.sh DIR - the job of boot 'uml': the guest driver in a kernel with KASAN, UBSAN, lockdep and
# kmemleak. DIR holds kvblk.ko, lib.sh and guest/.

dir=$1
[ -d "$dir" ] || dir=$HOST$1
# shellcheck source=selftests/vm/lib.sh
. "$dir/lib.sh"
KVBLK=$dir

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
unload
exit "$failed"
