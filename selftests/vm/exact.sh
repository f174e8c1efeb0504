#!/bin/bash
# exact.sh - the job of boot 'exact': what is measured in time, on a machine whose time is made
# of instructions.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

export KVBLK_TEST_EXACT=1
check "insmod" load
tap_of exact /kvblk/guest/run.sh rate_test
unload
exit "$failed"
