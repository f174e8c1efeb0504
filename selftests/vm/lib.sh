# shellcheck shell=bash disable=SC2034
# lib.sh - sourced by the jobs that run inside a test machine: TAP, loading, leaving no trace.

KVBLK=/kvblk
DEBUGFS=/sys/kernel/debug
PATH=$KVBLK:$PATH
number=0
# The job ends with it.
failed=0

# check NAME COMMAND... - one test
check()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		printf 'ok %d - %s\n' $number "$name"
	else
		printf 'not ok %d - %s\n' $number "$name"
		failed=1
	fi
}

# Passes on a program's own TAP, with NAME in front of each test.
tap_of()
{
	local name=$1
	shift
	"$@" | sed -E "s/^((not )?ok [0-9]+ - )/\1$name: /"
	[ "${PIPESTATUS[0]}" = 0 ] || failed=1
}

# specs PROGRAM REGEX - its tests as run.sh takes them, but for those whose names match
specs()
{
	"$KVBLK/guest/$1" -l | grep -Ev "$2" | sed "s/^/$1:/"
}

load() { insmod "$KVBLK/kvblk.ko"; }
no_thread() { ! grep -qs '^kvblk' /proc/[0-9]*/comm; }
no_trace() { [ ! -e $DEBUGFS/kvblk ] && [ ! -e /dev/kvblk-control ] && [ ! -e /dev/kvblk ]; }

# A work item that ends a session may still be on its way.
wait_for()
{
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

counter() { awk -v name="$2" '$1 == name { print $2 }' "$DEBUGFS/kvblk/$1/counters"; }
state_is() { [ "$(awk '$1 == "state" { print $2 }' "$DEBUGFS/kvblk/$1/state")" = "$2" ]; }

unload()
{
	check "rmmod" rmmod kvblk
	check "no thread is left" wait_for no_thread
	check "no node or debugfs entry is left" no_trace
}
