#!/bin/bash
# job.sh DIR - in the test machine: run the job of the guest driver, which loads the module and
# so its KUnit suites, then that of failing allocations, without the suites. Keeps the counters in
# $OUT/gcda: the kernel has them after the module is gone, too.

dir=$HOST$1
status=0
bash "$dir/uml.sh" "$1" || status=$?
# The host's own driver would take each disk that comes to the bus, and wait for it for ever.
modprobe -d "$MODS" -r virtio_vdpa || status=1
echo 'none.*' >/sys/module/kunit/parameters/filter_glob
bash "$dir/fault.sh" "$1" || status=$?
for part in kmod kmod/vdpa; do
	mkdir -p "$OUT/gcda/$part"
	for file in "/sys/kernel/debug/gcov$1/module/$part"/*.gcda; do
		cat "$file" >"$OUT/gcda/$part/${file##*/}"
	done
done
exit "$status"
