#!/bin/bash
# run.sh [-n] [PROGRAM[:TEST] ...] - run the test programs beside this script (all if none is
# named) on a machine where kvblk is loaded, and print one TAP stream.
#
# Prepares what they need and says so where it cannot: a file system that does direct I/O, a
# small one to fill, a block device. With -n it takes these from the environment as they are:
#
#   KVBLK_TEST_DIR        directory for backing files
#   KVBLK_TEST_FULL_DIR   directory on a file system smaller than 8 MiB
#   KVBLK_TEST_BDEV       block device of at least 16 MiB; its content is lost
#
# The status is 0 if no test failed.

set -u
# The last command of a pipe shares our variables.
shopt -s lastpipe

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
number=0
failed=0
declare -a undo=()
# The longest call of each kind in ms, and the program that made it.
declare -a kinds=()
declare -A longest=() longest_in=()

note()
{
	printf '# %s\n' "$*"
}

# Later preparations are taken back first.
cleanup()
{
	local i
	for ((i = ${#undo[@]} - 1; i >= 0; i--)); do
		eval "${undo[i]}" 2>/dev/null
	done
}

# make_fs DIR MIB OPTION... - an ext4 in a file, mounted at DIR; fails where that is impossible.
make_fs()
{
	local dir=$1 mib=$2 dev
	shift 2
	command -v mke2fs >/dev/null || return
	mkdir -p "$dir"
	truncate -s "${mib}M" "$dir.img"
	mke2fs -q -F -t ext4 "$@" "$dir.img" || return
	dev=$(losetup -f) && losetup "$dev" "$dir.img" || return
	undo+=("losetup -d $dev")
	mount -t ext4 "$dev" "$dir" || return
	undo+=("umount $dir")
}

prepare()
{
	local work
	work=$(mktemp -d)
	undo+=("rm -rf $work")
	modprobe -q loop
	if make_fs "$work/fs" 384; then
		export KVBLK_TEST_DIR=$work/fs
	else
		note "no ext4 for backing files: they lie in $work"
		export KVBLK_TEST_DIR=$work
	fi
	make_fs "$work/full" 6 -O ^has_journal -m 0 && export KVBLK_TEST_FULL_DIR=$work/full
	truncate -s 32M "$work/bdev.img"
	KVBLK_TEST_BDEV=$(losetup -f) && losetup "$KVBLK_TEST_BDEV" "$work/bdev.img" &&
		undo+=("losetup -d $KVBLK_TEST_BDEV") && export KVBLK_TEST_BDEV
	[ -d /sys/kernel/debug/kvblk ] || mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
}

plan_of()
{
	local program=$1 filter=$2
	"$here/$program" -l ${filter:+"$filter"} | wc -l
}

keep_longest()
{
	local program=$1 kind=$2 ms=$3
	[ -n "${longest[$kind]:-}" ] || kinds+=("$kind")
	# Both have one digit behind the point.
	local old=${longest[$kind]:--1}
	if [ "${ms/./}" -gt "${old/./}" ]; then
		longest[$kind]=$ms
		longest_in[$kind]=${program%_test}
	fi
}

report_longest()
{
	local kind text=
	for kind in "${kinds[@]}"; do
		text+=", $kind ${longest[$kind]} ms (${longest_in[$kind]})"
	done
	[ -z "$text" ] || note "longest calls: ${text:2}"
}

# Renumbers a program's results and names the program in them.
run_program()
{
	local program=$1 filter=$2 want=$3 got=0 line
	"$here/$program" ${filter:+"$filter"} 2>&1 | while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*)
			number=$((number + 1))
			got=$((got + 1))
			[[ $line == ok* ]] || failed=$((failed + 1))
			[[ $line =~ ^(not\ )?ok\ [0-9]+\ (.*)$ ]]
			printf '%sok %d - %s: %s\n' "${BASH_REMATCH[1]}" $number \
				"${program%_test}" "${BASH_REMATCH[2]}"
			;;
		"# "*)
			printf '%s\n' "$line"
			[[ ! $line =~ ^\#\ longest\ (.*):\ (.*)\ ms$ ]] ||
				keep_longest "$program" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
			;;
		esac
	done
	while [ $got -lt "$want" ]; do
		number=$((number + 1)) got=$((got + 1)) failed=$((failed + 1))
		printf 'not ok %d - %s: ended without this result\n' $number "${program%_test}"
	done
}

if [ "${1:-}" = -n ]; then
	shift
else
	trap cleanup EXIT
	prepare
fi
if [ $# -eq 0 ]; then
	for file in "$here"/*_test; do
		[ -d /sys/bus/vdpa ] || [[ $file != */vdpa_* ]] || continue
		set -- "$@" "${file##*/}"
	done
fi

total=0
declare -a plan=()
for spec; do
	program=${spec%%:*} filter=
	[ "$program" = "$spec" ] || filter=${spec#*:}
	plan+=("$(plan_of "$program" "$filter")")
	total=$((total + plan[-1]))
done
printf 'TAP version 13\n1..%d\n' $total
i=0
for spec; do
	program=${spec%%:*} filter=
	[ "$program" = "$spec" ] || filter=${spec#*:}
	run_program "$program" "$filter" "${plan[i]}"
	i=$((i + 1))
done
report_longest
note "$((number - failed)) passed or skipped, $failed failed"
[ $failed -eq 0 ] && [ $number -gt 0 ]
