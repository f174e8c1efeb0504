#!/bin/bash
# job.sh DIR - in the test machine: run the job of the guest driver, which loads the module and
# so its KUnit suites, then that of failing allocations, without the suites. Keeps the counters in
# $OUT/gcda: the kernel has them after the module is gone, too.

dir=$HOST$1
status=0
bash "$dir/uml.sh" "$1" || status=$?
echo 'none.*' >/sys/module/kunit/parameters/filter_glob
bash "$dir/fault.sh" "$1" || status=$?
mkdir -p "$OUT/gcda"
for file in "/sys/kernel/debug/gcov$1"/module/kmod/*.gcda; do
	cat "$file" >"$OUT/gcda/${file##*/}"
done
exit "$status"
