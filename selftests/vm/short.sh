#!/bin/bash
# short.sh - the job of boots 'old' and 'new': load, a short run, unload.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

check "insmod on $(uname -r)" load
tap_of "$(uname -r | cut -d. -f1,2)" /kvblk/guest/run.sh io_test queue_test:wrap
unload
exit "$failed"
