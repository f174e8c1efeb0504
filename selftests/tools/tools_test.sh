#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tools_test.sh [DIR] - test libkvblk, kvblkctl and kvblk-vmm's IOAPIC as far as that
# needs no module.
# Builds below DIR (default: a temporary directory). TAP on standard output.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
holders=()

cleanup()
{
	[ ${#holders[@]} -eq 0 ] || kill "${holders[@]}" 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT

out=${1:-$scratch/out}
mkdir -p "$out"
out=$(cd "$out" && pwd)
ctl=$out/kvblkctl
commands=(add remove set list show stats attach detach pause resume)

# shellcheck source=tap.sh
. "$here/tap.sh"

compile()
{
	cc -std=gnu11 -Wall -Wextra -Werror -O2 "-I$top/uapi" "-I$top/tools/lib" \
		"-I$top/tools/kvblkctl" "$@"
}

build_all()
{
	make -C "$top/tools" O="$out" -j2 && make -C "$top/tools" O="$out" >"$scratch/again" &&
		! grep -E '^  [A-Z]+ ' "$scratch/again"
}

build_static()
{
	make -C "$top/tools" O="$scratch/static" STATIC=1 -j2 &&
		! readelf -l "$scratch/static/kvblkctl" | grep INTERP
}

# What is installed is all that a VMM author has.
build_installed()
{
	local root=$scratch/root
	make -C "$top/tools" O="$out" DESTDIR="$root" PREFIX=/usr install || return 1
	cat >"$scratch/user.c" <<'END'
#include <kvblk.h>
int main(void)
{
	struct kvblk_dev *dev;
	return kvblk_dev_open("/dev/null", &dev) < 0 && !dev ? 0 : 1;
}
END
	cc -Wall -Werror -I"$root/usr/include" -o "$scratch/user" "$scratch/user.c" \
		-L"$root/usr/lib" -lkvblk && LD_LIBRARY_PATH=$root/usr/lib "$scratch/user" &&
		"$root/usr/sbin/kvblkctl" --version &&
		[ -s "$root/usr/share/man/man8/kvblkctl.8" ] &&
		[ -s "$root/usr/share/man/man3/libkvblk.3" ]
}

header_alone()
{
	local header=$1
	shift
	for flags in "gcc -x c -std=c99" "g++ -x c++ -std=c++11"; do
		# shellcheck disable=SC2086 # a list of words
		printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
			$flags -pedantic -Wall -Wextra -Werror -fsyntax-only \
				-I"$top/uapi" "$@" - || return 1
	done
}

# The header, the version script and the library name the same functions.
same_symbols()
{
	local declared listed exported
	declared=$(sed 's:^ \*.*::; s:/\*.*\*/::' "$top/tools/lib/kvblk.h" |
		grep -oE '\bkvblk_[a-z_]+\(' | tr -d '(' | sort -u)
	listed=$(grep -oE 'kvblk_[a-z_]+;' "$top/tools/lib/libkvblk.map" | tr -d ';' | sort)
	exported=$(nm -D --defined-only "$out/libkvblk.so" |
		awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort)
	[ "$(wc -l <<<"$declared")" -gt 10 ] && diff <(echo "$declared") <(echo "$listed") &&
		diff <(echo "$listed") <(echo "$exported")
}

start "tools"

check "libkvblk, kvblkctl and kvblk-vmm build, once" build_all
check "programs link statically" build_static
check "what is installed is enough to build against" build_installed
check "uapi header alone, C99 and C++11" header_alone linux/kvblk.h
check "library header alone, C99 and C++11" header_alone kvblk.h "-I$top/tools/lib"
check "header, version script and library agree" same_symbols

# ---- parsers and writers ----

srcs=("$here/parse_test.c")
for file in size json limit owner; do
	srcs+=("$top/tools/kvblkctl/$file.c")
done
check "unit tests compile" compile -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all -o "$scratch/parse" "${srcs[@]}"
results_of "$scratch/parse"

check "the test of histograms compiles" compile -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all -o "$scratch/latency" "$here/latency_test.c" \
	"$top/tools/kvblkctl/latency.c" "$top/tools/kvblkctl/json.c"
check "histograms are drawn as bars" diff - <("$scratch/latency") <<'END'
read, worker: mean 1.0 us, p50 below 1.0 us, p99 below 1.0 us, p99.9 below 1.0 us
              0 ns |# 1
               ... |
       from 512 ns |######################################## 999
read, throttle: none of 1000 took time
read, backing: mean 30.0 us, p50 below 8.2 us, p99 below 65.5 us, p99.9 below 131 us
       from 4.1 us |######################################## 500
       from 8.2 us | 0
      from 16.4 us | 0
      from 32.8 us |####################################### 490
      from 65.5 us |# 9
               ... |
        from 275 s |# 1
END
check "histograms as JSON" python3 -c '
import json, sys
v = json.load(sys.stdin)
nothing = {"requests": 0, "total_ns": 0, "p50_ns": None, "p99_ns": None, "p999_ns": None,
	   "buckets": []}
assert list(v) == ["read", "write", "flush", "other"]
assert v["read"]["backing"] == {
	"requests": 1000, "total_ns": 30000000, "p50_ns": 8192, "p99_ns": 65536,
	"p999_ns": 131072, "buckets": [
		{"from_ns": 4096, "requests": 500}, {"from_ns": 32768, "requests": 490},
		{"from_ns": 65536, "requests": 9}, {"from_ns": 1 << 38, "requests": 1}]}
assert v["read"]["throttle"]["p99_ns"] == 1
assert all(v[op][stage] == nothing for op in ("write", "flush", "other")
	   for stage in ("worker", "throttle", "backing", "publish"))
' < <("$scratch/latency" json)

check "the IOAPIC test compiles" compile -g -fsanitize=address,undefined \
	-fno-sanitize-recover=all -Wno-unused-parameter "-I$top/tools/vmm" \
	-o "$scratch/ioapic" "$here/ioapic_test.c" "$top/tools/vmm/ioapic.c"
results_of "$scratch/ioapic"

json_is_valid()
{
	"$scratch/parse" json | python3 -c '
import json, sys
text = sys.stdin.read()
assert text.count("\n") == 1 and text.isascii()
v = json.loads(text)
assert [ord(c) for c in v["bytes"]] == list(range(1, 256)), v["bytes"]
assert v["cut"] == "abc" and v["big"] == 2 ** 64 - 1 and v["half"] == 0.5
assert v["yes"] is True and v["nothing"] is None and v["empty"] == []
assert v["\"\\"] == [{}, 1]
'
}
check "JSON comes back as it was, every byte" json_is_valid

# ---- help and usage ----

# Every option in the table of a command is in its help and in the manual page.
help_is_complete()
{
	local command=$1 text manual option count=0
	text=$("$ctl" "$command" --help) || return 1
	[ "$text" = "$("$ctl" "$command" -h)" ] || return 1
	manual=$(sed 's/\\-/-/g' "$top/Documentation/man/kvblkctl.8")
	while read -r option; do
		count=$((count + 1))
		grep -qE -e "--$option([^a-z-]|\$)" <<<"$text" ||
			{ echo "--$option is not in the help"; return 1; }
		grep -qE -e "--$option([^a-z-]|\$)" <<<"$manual" ||
			{ echo "--$option is not in the manual"; return 1; }
	done < <(sed -n 's/^\t{ "\([a-z-]*\)", [a-z]*_argument.*/\1/p' \
		"$top/tools/kvblkctl/$command.c")
	[ $count -gt 0 ]
}

for command in "${commands[@]}"; do
	check "$command: help and manual name every option" help_is_complete "$command"
	check "the overview names $command" grep -qE "^  $command " <("$ctl" --help)
done
check "--version names the version" grep -qE '^kvblkctl [0-9]+\.[0-9]+\.[0-9]+$' <("$ctl" --version)

long=$(printf 'x%.0s' {1..32})
while IFS='|' read -r regex args; do
	# shellcheck disable=SC2086 # a list of words
	check_code "usage: '${args//$long/xx...}'" 2 "$regex" "$ctl" $args
done <<END
a command is missing|
'frob' is not a command|frob
unrecognized option '--frob'|list --frob
NAME FILE: missing|add
NAME FILE: missing|add disk
'c': one argument too many|add a b c
NAME: '$long' has more than 31|add $long file
--capacity: '5x' is not a size|add --capacity 5x a b
--capacity: '0' is not a size|add --capacity 0 a b
--capacity: .* is above|add --capacity 9999999T a b
--queue-size: .* is above|add --queue-size 4294967296 a b
--queues: '65536' is not|add --queues 65536 a b
--queues: '0' is not|add --queues 0 a b
--workers: 'x' is not|add --workers x a b
--workers: '0' is not|set --workers 0 a
--map: '1' is not QUEUE:WORKER|set --map 1 a
--map: '1:' is not QUEUE:WORKER|set --map 1: a
--map: '1:2:3' is not QUEUE:WORKER|set --map 1:2:3 a
--map: '64:0' is not QUEUE:WORKER|set --map 64:0 a
--map: '0:-1' is not QUEUE:WORKER|set --map 0:-1 a
--map: '0:x' is not QUEUE:WORKER|set --map 0:x a
--queue: only with --latency|stats --queue 1 a
--queue: '64' is not|stats --latency --queue 64 a
--queues: not with|stats --queues --latency a
--block-size: 'q' is not|add --block-size q a b
--iops: '0' is not a limit|add --iops 0 a b
--bps-read: '1:2:3' is not a limit|add --bps-read 1:2:3 a b
--serial: 21 bytes|add --serial 123456789012345678901 a b
--mode: '1000' is not|add --mode 1000 a b
--owner: 'no-such-user'|add --owner no-such-user a b
requires an argument|add --serial
NAME: missing|set --iops 5
there is nothing to set|set disk
--iops: 'x' is not a limit|set --iops x disk
--interrupts: '8' is not N:USECS|set --interrupts 8 disk
--interrupts: '0:5' is not N:USECS|add --interrupts 0:5 a b
--interrupts: '8:-5' is not N:USECS|set --interrupts 8:-5 disk
--poll-us: 'x' is not|set --poll-us x disk
--poll-percent: '0' is not|add --poll-us 5 --poll-percent 0 a b
--poll-percent: only with --poll-us|set --poll-percent 20 disk
--poll-percent: only with --poll-us|add --poll-percent 20 a b
NAME: missing|remove
NAME: missing|show --json
'y': one argument too many|list y
--watch: '0' is not|stats --watch 0 disk
--watch: 'nan' is not|stats --watch nan disk
--vdpa is missing|attach disk
--vdpa is missing|detach disk
NAME|attach --vdpa
--watch: '1s' is not|stats --watch 1s disk
--count: '0' is not|stats --watch 1 --count 0 disk
--count: only with --watch|stats --count 5 disk
--latency: not with --watch|stats --latency --watch 1 disk
END

write_to_full()
{
	"$ctl" --help >/dev/full
}
check_code "output that cannot be written is a failure" 1 'cannot write' write_to_full

truncate -s 1M "$scratch/image"
declare -A valid=([add]="disk $scratch/image" [remove]=disk [set]="--iops 5 disk" [list]=""
	[show]=disk [stats]=disk [attach]="--vdpa disk" [detach]="--vdpa disk" [pause]=disk
	[resume]=disk)
for command in "${commands[@]}"; do
	name="$command: without the module, exit code 4 and what to do"
	if [ -e /dev/kvblk-control ]; then
		skip "$name" "the module is loaded"
	else
		# shellcheck disable=SC2086 # a list of words
		check_code "$name" 4 "modprobe kvblk" "$ctl" "$command" ${valid[$command]}
	fi
done

# ---- image lock ----

check "lock tests compile" compile -o "$scratch/lock" "$here/lock.c" \
	"$top/tools/kvblkctl/holder.c" "$out/libkvblk.a"
mkfifo "$scratch/end"

# Start a holder and wait for its word. It ends when descriptor 9 is closed.
hold()
{
	exec 9<>"$scratch/end"
	# Not the word of an earlier one: the new one may be slow to start.
	: >"$scratch/held"
	"$scratch/lock" "$@" <"$scratch/end" >"$scratch/held" 9>&- &
	holder=$!
	holders+=("$holder")
	wait_for "$scratch/held" '^(locked|refused|error)'
}

release()
{
	exec 9>&-
	wait "$holder"
}

wait_for()
{
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		if grep -qE "$2" "$1"; then
			return 0
		fi
		sleep 0.05
	done
	return 1
}

try()
{
	"$scratch/lock" "$@" </dev/null
}

# two FIRST SECOND WORD: what the second gets while the first holds the lock, and after.
two()
{
	local second after pid
	hold "$1" "$scratch/image"
	pid=$holder
	second=$(try "$2" "$scratch/image")
	release
	after=$(try "$2" "$scratch/image")
	echo "while held: '$second', afterwards: '$after'"
	[ "$after" = locked ] && case $3 in
	locked) [ "$second" = locked ] ;;
	refused) [ "$second" = "refused by process $pid (lock)" ] ;;
	esac
}

check "image lock: a reader beside a reader" two ro ro locked
check "image lock: no writer beside a reader" two ro rw refused
check "image lock: no reader beside a writer" two rw ro refused
check "image lock: no writer beside a writer" two rw rw refused

# The process that took the lock has exited when "locked" is printed; hold() waits for it.
outlives_process()
{
	hold rw "$scratch/image" pass
	wait "$holder"
	[[ $(try rw "$scratch/image") == refused* ]] || return 1
	exec 9>&-
	for ((tries = 0; tries < 600; tries++)); do
		if [ "$(try rw "$scratch/image")" = locked ]; then
			return 0
		fi
		sleep 0.05
	done
	return 1
}
check "image lock: stays with the open file, not with the process" outlives_process

qemu_is_refused()
{
	local mode=$1 report
	shift
	hold "$mode" "$scratch/image"
	report=$(timeout 30 qemu-io -f raw "$@" "$scratch/image" 2>&1)
	release
	echo "$report"
	grep -qE 'Failed to get .*lock' <<<"$report"
}

qemu_is_let_in()
{
	local report status
	hold ro "$scratch/image"
	report=$(timeout 30 qemu-io -f raw -r -c 'read 0 512' "$scratch/image" 2>&1)
	status=$?
	release
	echo "$report"
	[ $status -eq 0 ] && grep -q 'read 512/512' <<<"$report"
}

# qemu-io opens its image before it reads the first command.
refused_by_qemu()
{
	local mode=$1 want=$2 got
	shift 2
	exec 9<>"$scratch/end"
	: >"$scratch/qemu"
	timeout 30 qemu-io -f raw "$@" "$scratch/image" <"$scratch/end" >"$scratch/qemu" 2>&1 \
		9>&- &
	local qemu=$!
	holders+=("$qemu")
	echo 'read 0 512' >&9
	wait_for "$scratch/qemu" 'read 512/512' || { cat "$scratch/qemu"; return 1; }
	got=$(try "$mode" "$scratch/image")
	exec 9>&-
	wait "$qemu"
	echo "got '$got'"
	[[ $got =~ $want ]]
}

while IFS='|' read -r name function args; do
	name="image lock and QEMU: $name"
	if command -v qemu-io >/dev/null; then
		# shellcheck disable=SC2086 # a list of words
		check "$name" $function $args
	else
		skip "$name" "no qemu-io"
	fi
done <<'END'
QEMU cannot write what kvblk writes|qemu_is_refused|rw -c quit
QEMU cannot write what kvblk reads|qemu_is_refused|ro -c quit
QEMU can read what kvblk reads|qemu_is_let_in|
kvblk cannot write what QEMU writes|refused_by_qemu|rw ^refused.by.process.[0-9]+.\(qemu-io\)$
kvblk cannot read what QEMU writes|refused_by_qemu|ro ^refused.by.process.[0-9]+.\(qemu-io\)$
kvblk can read what QEMU reads|refused_by_qemu|ro ^locked$ -r
END

# ---- manual pages ----

for page in kvblkctl.8 libkvblk.3; do
	name="manual page $page is well-formed"
	if command -v mandoc >/dev/null; then
		check "$name" mandoc -T lint -W warning "$top/Documentation/man/$page"
	else
		skip "$name" "no mandoc"
	fi
done

# Every function of the library is in its manual page.
manual_is_complete()
{
	local function
	while read -r function; do
		grep -q "$function" "$top/Documentation/man/libkvblk.3" ||
			{ echo "$function is not there"; return 1; }
	done < <(grep -oE 'kvblk_[a-z_]+;' "$top/tools/lib/libkvblk.map" | tr -d ';')
}
check "the manual names every function of the library" manual_is_complete

finish
