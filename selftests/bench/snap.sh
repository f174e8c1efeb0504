#!/bin/bash
# snap.sh - run by fio before and after a job: prints the machine's counters, "KEY VALUE" each.
# The mark is for plugin.c, where it is loaded.

tracing=/sys/kernel/tracing/events/raw_syscalls/sys_enter
while read -r name value _; do
	case $name in
	ctxt | intr) echo "$name $value" ;;
	esac
done </proc/stat
while read -r name value _; do
	[ "$name" != LOC: ] || echo "timer $value"
done </proc/interrupts
# What kvblk's driver is told, no interrupt of the machine where that is the machine's own.
counters=/sys/kernel/debug/kvblk/bench/counters
[ ! -e $counters ] || awk '$1 == "interrupts" { print "told", $2 }' $counters
[ ! -e /tmp/counting-calls ] || awk '$1 == "Hits:" { print "calls", $2 }' $tracing/hist
echo "us ${EPOCHREALTIME/./}"
"$(dirname "$0")/mark"
