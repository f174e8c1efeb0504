#!/bin/bash
# vdpa.sh [short] - the job of boots 'vdpa' and 'vdpa-new': stock software on kvblk's disks through
# the vDPA bus. Runs in the root file system of rootfs.sh.
#
# libblkio, the guest driver through vhost-vdpa, the host's own virtio-blk driver, QEMU.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

DRIVERS=/sys/bus/vdpa/drivers
work=/mnt/work
mkdir -p "$work"
mount -t ext4 /dev/vda "$work"
short=${1:-}

# ---- the bus ----

bus_add() { vdpa dev add name "$1" mgmtdev "${2:-kvblk}"; }

# json PATH COMMAND... - a value out of the JSON that vdpa prints
json() { vdpa -j "${@:2}" | python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }

shows() { [ "$(json "$1" "${@:3}")" = "$2" ]; }

bus_tests()
{
	truncate -s 8M "$work/bus.img"
	kvblkctl add bus "$work/bus.img" --read-only
	check "vdpa dev add of a name that no disk has fails" \
		bash -c '! vdpa dev add name none mgmtdev kvblk 2>/dev/null'
	check "vdpa dev add" bus_add bus
	check "the same again fails" bash -c '! vdpa dev add name bus mgmtdev kvblk 2>/dev/null'
	check "vdpa dev show" shows "['dev']['bus']['type']" block dev show bus
	check "it names the management device" shows "['dev']['bus']['mgmtdev']" kvblk dev show bus
	check "vdpa dev config show" shows "['config'].keys()" "dict_keys(['bus'])" \
		dev config show bus
	check "a disk on the bus cannot be removed" bash -c '! kvblkctl remove bus 2>/dev/null'
	check "nor given to a VMM" bash -c '! : <>/dev/kvblk/bus' 2>/dev/null
	check "vdpa dev del" vdpa dev del bus
	check "it is gone" bash -c '! vdpa dev show bus 2>/dev/null'
	check "the disk can be removed" kvblkctl remove bus
}

# Up to Linux 7.2 the bus passes on statistics of network devices only.
counts_or_refuses()
{
	vdpa dev vstats show "$1" qidx 0 2>&1 | grep -q "not supported" ||
		shows "['vstats']['$1']['requests']" "$(counter "$1" requests)" dev vstats show "$1" qidx 0
}

# ---- libblkio ----

blkio_options() { echo "driver=virtio-blk-vhost-vdpa,path=$node,cache.direct=on"; }
blkio() { qemu-io --image-opts "$(blkio_options)" "$@"; }

blkio_tests()
{
	truncate -s 256M "$work/blkio.img"
	kvblkctl add blkio "$work/blkio.img"
	node=$(kvblkctl attach --vdpa blkio)
	check "libblkio: kvblkctl attach --vdpa prints the node" [ -c "$node" ]
	check "libblkio: written, flushed, read" blkio -c 'write -P 0x5a 512 1M' -c flush \
		-c 'read -P 0x5a 512 1M' -c 'read -P 0 0 512'
	check "libblkio: the image has it" qemu-io -r -f raw -c 'read -P 0x5a 512 1M' "$work/blkio.img"
	check "libblkio: 3 MiB, 150 MiB at once" blkio -c 'write -P 0xa5 1M 3M' -c 'read -P 0xa5 1M 3M' \
		-c 'write -P 0x66 4M 150M' -c 'read -P 0x66 4M 150M' -c 'read -P 0 154M 102M'
	check "libblkio: the whole disk, compared by qemu-img" qemu-img compare -U --image-opts \
		"$(blkio_options)" "driver=raw,file.driver=file,file.filename=$work/blkio.img"
	check "libblkio: kvblkctl detach --vdpa" kvblkctl detach --vdpa blkio
	check "libblkio: kvblkctl remove" kvblkctl remove blkio
	rm -f "$work/blkio.img"
}

# ---- the host's own driver ----

disk_of() { basename "$(echo /sys/bus/vdpa/devices/"$1"/virtio*/block/*)"; }
has_disk() { [ -b "/dev/$(disk_of "$1")" ]; }

attach_host() { node=$(kvblkctl attach --vdpa --host host) && [ -b "$node" ]; }

bind_host()
{
	echo host >"$DRIVERS/virtio_vdpa/bind" && wait_for has_disk host && node=/dev/$(disk_of host)
}

# verify NAME BLOCK-SIZE DEPTH SIZE [OPTION...] - what fio has written can be read
verify()
{
	local log=$work/fio-$1.log
	fio --name="$1" --filename="$node" --ioengine=io_uring --direct=1 --rw=randrw --eta=never \
		--bs="$2" --iodepth="$3" --size="$4" --verify=crc32c --verify_fatal=1 \
		--output="$log" --minimal "${@:5}" || { tail -5 "$log"; false; }
}

file_system()
{
	local type=$1
	"mkfs.$type" "-${2}q" "$node" &&
		mount -t "$type" "$node" /mnt/fs &&
		cp -a /usr/lib/python3.13 /mnt/fs/ &&
		(cd /usr/lib/python3.13 && find . -type f -exec sha1sum {} +) >"$work/sums" &&
		umount /mnt/fs &&
		mount -t "$type" "$node" /mnt/fs &&
		(cd /mnt/fs/python3.13 && sha1sum -c --quiet "$work/sums") &&
		umount /mnt/fs
}

start_load()
{
	local before
	before=$(counter host writes_completed)
	fio --name=load --filename="$node" --ioengine=io_uring --direct=1 --rw=randwrite \
		--bs=4k --iodepth=32 --size=16M --time_based --runtime=60 --eta=never >"$work/load.log" 2>&1 &
	load=$!
	writes_go_on() { [ "$(counter host writes_completed)" -gt $((before + 100)) ]; }
	wait_for writes_go_on
}

# The writer ends by itself: its disk is gone.
load_ended()
{
	wait_for bash -c "! kill -0 $load 2>/dev/null"
	wait "$load" 2>/dev/null
	[ "$(counter host in_flight)" = 0 ]
}

host_tests()
{
	# Mkfs.xfs makes no file system of less than 300 MiB.
	truncate -s 320M "$work/host.img"
	mkdir -p /mnt/fs
	kvblkctl add host "$work/host.img"
	check "host: kvblkctl attach --vdpa --host" attach_host
	check "host: the size" [ "$(blockdev --getsize64 "$node")" = $((320 << 20)) ]
	check "host: verified 512 B at depth 1" verify a 512 1 512k
	check "host: verified 4 KiB at depth 32" verify b 4k 32 16M
	[ -n "$short" ] || {
		check "host: verified 512 B at depth 32" verify c 512 32 1M
		check "host: verified 4 KiB at depth 1" verify d 4k 1 2M
		check "host: verified 64 KiB at depth 32" verify e 64k 32 32M
		check "host: verified 1 MiB at depth 1" verify f 1M 1 32M
		check "host: verified 1 MiB at depth 32" verify g 1M 32 64M
		check "host: verified mixed sizes at depth 32" verify h 4k-256k 32 32M
		check "host: xfs, made, filled, compared" file_system xfs f
		check "host: xfs is clean" xfs_repair -n "$node"
	}
	check "host: ext4, made, filled, compared" file_system ext4 F
	check "host: ext4 is clean" e2fsck -fn "$node"
	check "host: vdpa dev vstats counts what the disk counts, or is not supported" \
		counts_or_refuses host

	check "host: load" start_load
	check "host: unbound under load" timeout 60 bash -c "echo host >$DRIVERS/virtio_vdpa/unbind"
	check "host: the writer ended, nothing is in flight" load_ended
	check "host: bound again" bind_host
	check "host: it works" verify i 4k 32 4M
	check "host: load again" start_load
	check "host: kvblkctl detach is refused" bash -c '! kvblkctl detach --vdpa host 2>/dev/null'
	check "host: kvblkctl detach --force under load" timeout 60 kvblkctl detach --vdpa --force host
	check "host: the writer ended, nothing is in flight" load_ended
	check "host: kvblkctl remove" kvblkctl remove host
	rm -f "$work/host.img"
}

# ---- several queues ----

hw_queues() { find "/sys/block/$(disk_of host)/mq" -mindepth 1 -maxdepth 1 | wc -l; }

# The counter of a queue as debugfs has it.
of_queue() { awk -v n="$2" '$1 == n { print $2 }' "$DEBUGFS/kvblk/host/queues/$1/counters"; }

verify_on_all()
{
	local cpu pid pids=() status=0
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		verify "q$cpu" 4k 16 8M --offset=$((cpu * 8))M --cpus_allowed="$cpu" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || status=1
	done
	return "$status"
}

queues_tests()
{
	local want=2 q
	[ "$(nproc)" -ge 2 ] || want=1
	truncate -s 32M "$work/host.img"
	kvblkctl add host "$work/host.img" --queues 2 --workers 2
	check "queues: kvblkctl attach --vdpa --host" attach_host
	check "queues: the host's driver has $want" [ "$(hw_queues)" = $want ]
	check "queues: verified from all processors" verify_on_all
	for ((q = 0; q < want; q++)); do
		check "queues: queue $q has served requests" [ "$(of_queue $q requests)" -gt 100 ]
	done
	check "queues: load" start_load
	check "queues: one worker" kvblkctl set host --workers 1
	check "queues: and two" kvblkctl set host --workers 2
	check "queues: kvblkctl detach --force under load" timeout 60 kvblkctl detach --vdpa --force host
	check "queues: the writer ended, nothing is in flight" load_ended
	check "queues: kvblkctl remove" kvblkctl remove host
	rm -f "$work/host.img"
}

# ---- the guest driver ----

# The driver that came first takes a new disk.
more_pieces()
{
	modprobe -r virtio_vdpa vhost_vdpa && modprobe vhost_vdpa max_iotlb_entries=65536
}

programs()
{
	export KVBLK_TEST_FRONT=vdpa
	if [ -n "$short" ]; then
		tap_of "$(uname -r | cut -d. -f1,2) vdpa" /kvblk/guest/run.sh vdpa_test queue_test:wrap
	else
		export KVBLK_TORTURE_REQUESTS=100000 KVBLK_TORTURE_CALLS=20000
		tap_of vdpa /kvblk/guest/run.sh vdpa_test vdpa_memory_test vdpa_dead_test io_test queue_test \
			framing_test broken_test torture_test
		check "vhost_vdpa takes memory in any number of pieces" more_pieces
		KVBLK_TEST_MEMORY=phys KVBLK_TORTURE_CALLS=5000 tap_of "vdpa phys" \
			/kvblk/guest/run.sh vdpa_test vdpa_memory_test io_test
	fi
	unset KVBLK_TEST_FRONT
}

load_modules()
{
	modprobe -a vhost_vdpa loop ext4 dm_mod && load && insmod /kvblk/kvblk_vdpa.ko
}

unload_modules()
{
	check "rmmod kvblk_vdpa" rmmod kvblk_vdpa
	unload
}

check "insmod kvblk_vdpa" load_modules
bus_tests
blkio_tests
modprobe kvm_amd
# For the guest whose memory vhost pins.
ulimit -l unlimited
# shellcheck disable=SC2086 # nothing or one word
tap_of vdpa python3 /kvblk/stock_qemu.py "$work" $short
host_tests
queues_tests
programs
unload_modules
cp "$work/guest.log" "$OUT/"
umount "$work"
exit "$failed"
