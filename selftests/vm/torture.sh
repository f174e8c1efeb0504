#!/bin/bash
# torture.sh [DIR] - the job of boots 'torture' and 'torture_uml': the hostile programs for as long
# as the file `amounts` beside kvblk.ko says. DIR as in uml.sh; in a QEMU machine all is in /kvblk.

dir=${1:-/kvblk}
[ -d "$dir" ] || dir=$HOST$1
# shellcheck source=selftests/vm/lib.sh
. "$dir/lib.sh"
KVBLK=$dir
# shellcheck disable=SC1091
. "$dir/amounts"
export KVBLK_TORTURE_REQUESTS KVBLK_TORTURE_CALLS

programs=(torture_test calls_test race_test:pairs broken_test)
check "insmod" load
if [ "$BED" = uml ]; then
	export KVBLK_TEST_DIR=/tmp/images
	mkdir -p $KVBLK_TEST_DIR
	tap_of torture_uml "$dir/guest/run.sh" -n "${programs[@]}"
else
	# What these do to memory is too much for User Mode Linux.
	programs+=(race_test:kill process_test)
	tap_of torture "$dir/guest/run.sh" "${programs[@]}"
fi
unload
exit "$failed"
