#!/bin/bash
# job.sh DIR - in the test machine: run the job of the guest driver, which loads the module and
# so its KUnit suites, and keep the counters in $OUT/gcda. The kernel has them after the module
# is gone, too.

dir=$HOST$1
status=0
bash "$dir/uml.sh" "$1" || status=$?
mkdir -p "$OUT/gcda"
for file in "/sys/kernel/debug/gcov$1"/module/kmod/*.gcda; do
	cat "$file" >"$OUT/gcda/${file##*/}"
done
exit "$status"
