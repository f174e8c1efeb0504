#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# uml_job.sh - what run.sh has User Mode Linux do: load the module, test the tools, unload it.

insmod "$OUT/kvblk.ko" || exit 1
"$OUT/ctl_test.sh"
status=$?
rmmod kvblk || status=1
exit $status
