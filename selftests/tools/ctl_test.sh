#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ctl_test.sh - test kvblkctl and libkvblk against the loaded module, which has no disk. Wants
# kvblkctl and session_test beside this script. TAP on standard output.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ctl=$here/kvblkctl
scratch=$(mktemp -d)
cd "$scratch" || exit 1

# shellcheck source=tap.sh
. "$here/tap.sh"

# json COMMAND... -- EXPRESSION: what kvblkctl prints is JSON for which it holds, as v.
json()
{
	local -a args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	"$ctl" "${args[@]}" | python3 -c '
import json, sys
v = json.load(sys.stdin)
if not eval(f"({sys.argv[1]})"):
    sys.exit(f"not {sys.argv[1]}: {v}")
' "$2"
}

# says REGEX COMMAND...: kvblkctl succeeds and prints a line that matches.
says()
{
	local regex=$1 text
	shift
	text=$("$ctl" "$@") && grep -qE -e "$regex" <<<"$text" && return
	echo "$text"
	return 1
}

start "kvblkctl"
truncate -s 64M image
truncate -s 10M small
truncate -s 1000 odd
: >empty

check "list: no disk" json list --json -- 'v == []'
check "add: every option" "$ctl" add --buffered --serial 'a"b\c' --owner 12:34 --mode 0660 \
	--queues 4 --workers 2 --queue-size 64 --block-size 4k --capacity 32M --iops 5k:10k --iops-read 1k \
	--iops-write 2k --bps 10M --bps-read 5MB:6MB --bps-write 1G --interrupts 8:100 \
	--poll-us 100 --poll-percent 20 d0 image
check "add: defaults" "$ctl" add d1 small
check "add: one that is only read" "$ctl" add --read-only ro odd --capacity 512

check "show: what add was told" json show --json d0 -- '
	(v["name"], v["serial"], v["capacity"]) == ("d0", "a\"b\\c", 32 << 20) and
	(v["block_size"], v["queue_size"], v["read_only"]) == (4096, 64, False) and
	v["direct"] == False and v["state"] == "idle" and v["pid"] == 0 and
	(v["interrupt_count"], v["interrupt_usecs"]) == (8, 100) and
	(v["poll_us"], v["poll_percent"]) == (100, 20) and
	(v["queues"], v["workers"]) == (4, 2) and
	(v["node"]["uid"], v["node"]["gid"], v["node"]["mode"]) == (12, 34, 0o660) and
	v["limits"] == {
		"iops": {"rate": 5000, "burst": 10000},
		"iops-read": {"rate": 1000, "burst": 1000},
		"iops-write": {"rate": 2000, "burst": 2000},
		"bps": {"rate": 10 << 20, "burst": 10 << 20},
		"bps-read": {"rate": 5000000, "burst": 6000000},
		"bps-write": {"rate": 1 << 30, "burst": 1 << 30}}'
check "show: defaults" json show --json d1 -- '
	v["capacity"] == 10 << 20 and (v["queues"], v["workers"]) == (1, 1) and v["direct"] and not v["read_only"] and
	v["interrupt_count"] == 0 and v["poll_us"] == 0 and
	v["serial"] and v["node"]["mode"] == 0o600 and
	all(limit is None for limit in v["limits"].values())'
check "show: the node is that of the disk" \
	[ "$(stat -c '%u:%g %a %t:%T' /dev/kvblk/d0)" = "12:34 660 $("$ctl" show --json d0 |
		python3 -c 'import json, sys; n = json.load(sys.stdin)["node"]
print("%x:%x" % (n["major"], n["minor"]))')" ]
check "show: text" says '^iops: +5.0k per second, burst 10.0k$' show d0
check "show: a serial number is shown as it can be" says '^serial: +a"b\\x5cc$' show d0
check "show: polling" says '^polling: +up to 100 us, at most 20% of a processor$' show d0
check "show: queues" says '^queues: +4, 2 workers$' show d0
check "stats: each queue" json stats --queues --json d0 -- '
	[(q["queue"], q["worker"], q["requests"]) for q in v] == [(n, n % 2, 0) for n in range(4)]'
check "stats: each queue as text" says '^queue: +0 +1 +2 +3$' stats --queues d0
check "stats: latency of a queue" json stats --latency --queue 3 --json d0 -- '
	list(v) == ["read", "write", "flush", "other"]'
check "set: workers" "$ctl" set d0 --workers 4
check "set: it has them" json show --json d0 -- 'v["workers"] == 4 and v["queues"] == 4'
check "set: a map" "$ctl" set d0 --map 0:3 --map 2:1 --map 0:2
check "set: it is served so" json stats --queues --json d0 -- '
	[q["worker"] for q in v] == [2, 1, 1, 3]'
check "set: a map as text" says '^worker: +2 +1 +1 +3$' stats --queues d0
check "set: workers, then a map" "$ctl" set d0 --map 3:0 --workers 3
check "set: the rest is spread" json stats --queues --json d0 -- '
	[q["worker"] for q in v] == [0, 1, 2, 0]'
check "set: workers spread all" "$ctl" set d0 --workers 4
check "set: the map is gone" json stats --queues --json d0 -- '
	[q["worker"] for q in v] == [0, 1, 2, 3]'
check "list: text" says '^ro +idle +512 +- direct,ro$' list
check "list: in order of adding" json list --json -- '
	[d["name"] for d in v] == ["d0", "d1", "ro"] and
	[d["read_only"] for d in v] == [False, False, True]'

check "set: one limit, the others stay" "$ctl" set d0 --iops 7
check "set: was done" json show --json d0 -- '
	v["limits"]["iops"] == {"rate": 7, "burst": 7} and
	v["limits"]["bps"]["rate"] == 10 << 20'
check "set: interrupts" "$ctl" set d0 --interrupts 4:50
check "set: interrupts: done, limits stay" json show --json d0 -- '
	(v["interrupt_count"], v["interrupt_usecs"]) == (4, 50) and v["limits"]["iops"]["rate"] == 7'
check "set: interrupts none" "$ctl" set d0 --interrupts none
check "set: interrupts none: done" json show --json d0 -- 'v["interrupt_count"] == 0'
check "set: polling" "$ctl" set d0 --poll-us 30
check "set: polling: done, for half a processor at most" json show --json d0 -- '
	(v["poll_us"], v["poll_percent"]) == (30, 50)'
check "set: none" "$ctl" set d0 --bps none --iops none
check "set: none was done" json show --json d0 -- '
	v["limits"]["iops"] is None and v["limits"]["bps"] is None and
	v["limits"]["bps-read"]["rate"] == 5000000'

check "stats: JSON" json stats --json d1 -- \
	'len(v) == 25 and all(isinstance(n, int) and n == 0 for n in v.values())'
check "stats: text" says '^reads_completed: +0$' stats d1
check "stats: watch" says '^ +reads/s .*in-flight$' stats --watch 0.01 --count 2 d1
check "stats: watch, JSON" [ "$("$ctl" stats --watch 0.01 --count 3 --json d1 |
	grep -cE '^\{"seconds":[0-9.]+,"requests":0.000,.*\}$')" = 3 ]
check "stats: latency, nothing yet" says '^no request was answered yet$' stats --latency d1
check "stats: latency, JSON, nothing yet" json stats --latency --json d1 -- '
	list(v) == ["read", "write", "flush", "other"] and
	all(list(op) == ["worker", "throttle", "backing", "publish"] for op in v.values()) and
	v["read"]["backing"] == {"requests": 0, "total_ns": 0, "p50_ns": None, "p99_ns": None,
				 "p999_ns": None, "buckets": []}'

# ---- refusals ----

while IFS='|' read -r code regex args; do
	# shellcheck disable=SC2086 # a list of words
	check_code "refused: $args" "$code" "$regex" "$ctl" $args
done <<'END'
1|remove d0' first|add --no-lock d0 small
1|in use by no process|add other small
1|in use by no process|add --read-only other small
1|in use by no process|add other odd
1|nosuch: No such file|add other nosuch
1|neither a regular file nor|add other /dev/null
1|neither a regular file nor|add --read-only other .
1|capacity: |add other empty
1|capacity: .*512|add --no-lock other odd
1|capacity: |add --no-lock other small --capacity 20M
1|block_size: |add --no-lock other small --block-size 100
1|queue_size: |add --no-lock other small --queue-size 100
1|queues: 65 is above 64|add --no-lock other small --queues 65
1|workers: 3 is above the 2 of queues|add --no-lock other small --queues 2 --workers 3
1|workers: 2 is above the 1 of queues|set d1 --workers 2
1|queue: 4 is not below the 4 of the disk|set d0 --map 4:0
1|worker: 4 is not below the 4 of the disk|set d0 --map 1:4
1|worker: 1 is not below the 1 of the disk|set d1 --map 0:1
1|queue: 2 is above 1|stats --latency --queue 1 d1
1|name: |add --no-lock a/b small
1|name: |add --no-lock .. small
1|limits\[ops].burst: 4 is below the rate 5|add --no-lock other small --iops 5:4
1|limits\[bytes_write].burst: 1024 is below the rate 2048|set d0 --bps-write 2K:1K
1|limits\[ops_read].burst: 7201 is more than 3600 seconds of the rate 2|set d0 --iops-read 2:7201
1|use --buffered|add --read-only other /proc/cmdline --no-lock
1|interrupt_count: 1025 is above 1024|set d0 --interrupts 1025:1
1|interrupt_usecs: 10001 is above 10000|add --no-lock other small --interrupts 1:10001
1|poll_us: 10001, more than 10000|add --no-lock other small --poll-us 10001
1|poll_percent: 101, not 1 to 100|set d0 --poll-us 1 --poll-percent 101
1|limits\[ops].rate: 100000000000000 is above 1099511627776|set d0 --iops 100T
2|--bps: '0' is not a limit|set d0 --bps 0
2|--bps: '0:5' is not a limit|set d0 --bps 0:5
2|--bps: ':5' is not a limit|set d0 --bps :5
3|nosuch: no such disk|set nosuch --iops 5
3|nosuch: no such disk|set nosuch --map 0:0
3|nosuch: no such disk|show nosuch
3|nosuch: no such disk|stats nosuch
3|nosuch: no such disk|stats --watch 1 nosuch
3|nosuch: no such disk|stats --latency nosuch
3|nosuch: no such disk|remove nosuch
3|nosuch: no such disk|pause nosuch
3|nosuch: no such disk|resume nosuch
END
check "pause" "$ctl" pause d0
check "pause: again, and how long to wait" "$ctl" pause --timeout 10 d0
check "resume" "$ctl" resume d0
check "refused calls made no disk" json list --json -- 'len(v) == 3'

as_nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$ctl" list
}
check_code "without privilege: exit code 1 and why" 1 'needs root' as_nobody

watch_removed()
{
	local watcher
	"$ctl" stats --watch 0.05 --count 2000 ro >watched &
	watcher=$!
	wait_for_line watched && "$ctl" remove ro
	wait $watcher
}

wait_for_line()
{
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		[ ! -s "$1" ] || return 0
		sleep 0.05
	done
	return 1
}
check_code "stats: watch ends when the disk is removed" 3 'no such disk' watch_removed

# ---- block devices: claimed for writing ----

claims_device()
{
	local dev
	truncate -s 16M fs && mke2fs -q -F fs && mkdir -p mnt && dev=$(losetup -f --show fs) ||
		return 1
	"$ctl" add bdev "$dev" && ! mount "$dev" mnt && "$ctl" remove bdev &&
		mount "$dev" mnt && ! "$ctl" add bdev "$dev" && umount mnt
	local status=$?
	losetup -d "$dev"
	return $status
}
check "a block device is either mounted or a disk" claims_device

# ---- sessions ----

results_of "$here/session_test" d1
check "after the sessions the disk is idle" json show --json d1 -- 'v["state"] == "idle"'

# A session of another process is named, by every command that shows it.
in_use()
{
	local holder status=1 pid
	exec {holder}<>/dev/kvblk/d1 || return 1
	pid=$(python3 -c 'import os; print(os.getppid())')
	"$ctl" remove d1 2>err
	if grep -q "d1: in use by process $pid (" err &&
	   says "^state: +attached by process $pid \\(" show d1 &&
	   json list --json -- "v[1]['pid'] == $pid and v[1]['state'] == 'attached'"; then
		status=0
	fi
	cat err
	exec {holder}>&-
	return $status
}
check "a session is named" in_use

check "remove" "$ctl" remove d0
check "remove: unlocks the image" "$ctl" add again image
remove_all()
{
	"$ctl" remove d1 && "$ctl" remove again
}
check "remove: all" remove_all
check "list: empty again" json list --json -- 'v == []'

rm -rf "$scratch"
finish
