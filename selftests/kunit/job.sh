#!/bin/bash
# job.sh MODULE [PARAMETER...] - in the test machine: load the module, which runs its KUnit
# suites, keep their results in $OUT/kunit/SUITE and unload it. Lines on stdout say what went
# wrong; $OUT/end is made when all was tried.

results=/sys/kernel/debug/kunit
mkdir -p "$OUT/kunit"
insmod "$HOST$1" "${@:2}" || exit
for suite in "$results"/*; do
	cat "$suite/results" >"$OUT/kunit/${suite##*/}"
done

status=0
rmmod kvblk || { echo "the module does not unload"; status=1; }
for left in /sys/module/kvblk /sys/kernel/debug/kvblk /dev/kvblk*; do
	[ ! -e "$left" ] || { echo "unloading leaves $left"; status=1; }
done
if grep -hs '^kvblk' /proc/[0-9]*/comm; then
	echo "unloading leaves these threads"
	status=1
fi
touch "$OUT/end"
exit "$status"
