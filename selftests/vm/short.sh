#!/bin/bash
# short.sh - the job of boots 'old' and 'new': load, a short run, unload.

. /kvblk/lib.sh

check "insmod on $(uname -r)" load
tap_of "$(uname -r | cut -d. -f1,2)" /kvblk/guest/run.sh io_test queue_test:wrap
unload
exit $failed
