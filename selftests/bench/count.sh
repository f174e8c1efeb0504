#!/bin/bash
# count.sh - the job of the counting machine (one processor, an instruction is a nanosecond).
#
# Each measurement is two jobs of fio that differ in the number of requests only: what beginning
# and ending costs is in both, and the difference belongs to the requests. Both are done twice:
# what else the kernel does now and then only adds, so the lesser counts. Prints one line for
# each job, "sample KEY=VALUE...", which report.py reads. From the environment, each a list:
# SYSTEMS BACKINGS RWS SIZES DEPTHS; SHORT and LONG are the two numbers of requests. With PROFILE
# the last jobs are those to look at, and each is done once.

set -eu
here=$(dirname "$0")
PATH=$here:$PATH
# shellcheck source=systems.sh
. "$here/systems.sh"
calls=/sys/kernel/tracing/events/raw_syscalls/sys_enter/trigger
ROUNDS="1 2"
[ -z "$PROFILE" ] || ROUNDS=1

declare -A place=([null]=/dev/nullb0 [file]=/mnt/file/image)

make_backings()
{
	modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 nr_devices=1
	# A file system in memory, its blocks allocated and written.
	modprobe brd rd_nr=1 rd_size=131072
	mke2fs -q -t ext4 -E nodiscard /dev/ram0
	mkdir -p /mnt/file
	mount -t ext4 /dev/ram0 /mnt/file
	dd if=/dev/zero of=/mnt/file/image bs=1M count=64 conv=fsync status=none
}

# Two sections of fio's job file.
sections()
{
	local round requests
	for round in $ROUNDS; do
		for requests in "$SHORT" "$LONG"; do
			cat <<END
[$1-$2-$3-$requests-$round]
rw=$1
bs=$2
iodepth=$3
io_size=$((requests * ${2%k}))k
END
		done
	done
}

job_file()
{
	local rw size depth
	cat <<END
[global]
filename=$DEV
ioengine=io_uring
direct=1
size=64m
norandommap=1
stonewall=1
exec_prerun=$here/snap.sh
exec_postrun=$here/snap.sh
[warm]
rw=randread
bs=64k
iodepth=32
io_size=64m
END
	for rw in $1; do
		for size in $2; do
			for depth in $3; do
				sections "$rw" "$size" "$depth"
			done
		done
	done
}

# What the counters gained, "KEY=VALUE" each.
gain()
{
	awk 'NR == FNR { before[$1] = $2; next } { printf " %s=%d", $1, $2 - before[$1] }' \
		"$1.prerun.txt" "$1.postrun.txt"
}

# Fields of fio's terse output: name, error, user and system time in percent.
report()
{
	local name error user sys rw size depth requests round
	while IFS=\; read -r name error user sys; do
		[ "$name" != warm ] || continue
		# shellcheck disable=SC2034 # the round is in the name only to make it another
		IFS=- read -r rw size depth requests round <<<"$name"
		[ "$error" = 0 ] || { echo "$system: $name: error $error" >&2; return 1; }
		echo "$1 system=$system backing=$backing rw=$rw size=$size depth=$depth" \
			"requests=$requests user=${user%\%} sys=${sys%\%}$(gain "$name")"
	done
}

# measure KIND RWS SIZES DEPTHS
measure()
{
	job_file "$2" "$3" "$4" >/tmp/job
	fio --eta=never --minimal /tmp/job >/tmp/terse || { cat /tmp/terse >&2; return 1; }
	awk -F\; -v OFS=\; '$1 == 3 { print $3, $5, $88, $89 }' /tmp/terse | report "$1"
}

# Counting calls changes what else is counted: apart.
measure_calls()
{
	touch /tmp/counting-calls
	echo 'hist:keys=common_pid' >$calls
	measure calls randread 4k "1 32"
	echo '!hist:keys=common_pid' >$calls
	rm /tmp/counting-calls
}

cd /tmp
make_backings
modprobe loop max_loop=1
modprobe -a vdpa vhost_iotlb
insmod "$here/kvblk.ko"
insmod "$here/kvblk_vdpa.ko"
cat /proc/kallsyms >"$OUT/kallsyms"
echo "machine kernel=$(uname -r) fio=$(fio --version)" \
	"qemu=$(qemu-storage-daemon --version | awk 'NR == 1 { print $3 }')"
for system in $SYSTEMS; do
	for backing in $BACKINGS; do
		"up_$system" "${place[$backing]}"
		measure sample "$RWS" "$SIZES" "$DEPTHS"
		[ -n "$PROFILE" ] || measure_calls
		"down_$system"
	done
done
