# shellcheck shell=bash
# systems.sh - sourced by the jobs that run inside a machine: what is compared, without a guest.
#
#   up_SYSTEM BACKING     makes the system's block device on BACKING, a block device or a file,
#                         and sets DEV
#   down_SYSTEM           takes it away

disks() { ls -d /sys/block/vd* 2>/dev/null || true; }

# Waits for a virtio disk that is not among "$1" and prints its node.
new_disk()
{
	local i disk
	for ((i = 0; i < 100; i++)); do
		disk=$(disks | grep -vxF "$1" || true)
		[ -z "$disk" ] || { echo "/dev/${disk##*/}"; return; }
		sleep 0.1
	done
	echo "no virtio disk appears" >&2
	return 1
}

up_raw() { DEV=$1; }
down_raw() { :; }

up_loop() { DEV=$(losetup --find --show --direct-io=on "$1"); }
down_loop() { losetup -d "$DEV"; }

# patiently COMMAND... - tries for some seconds: who had a disk last may not have closed it yet
patiently()
{
	local i
	for ((i = 0; i < 50; i++)); do
		"$@" 2>/tmp/why && return
		sleep 0.1
	done
	cat /tmp/why >&2
	return 1
}

up_kvblk_vdpa()
{
	local before
	before=$(disks)
	modprobe -a virtio_blk virtio_vdpa
	patiently kvblkctl add bench "$1" --direct
	vdpa dev add name bench mgmtdev kvblk-phys
	DEV=$(new_disk "$before")
}

# Without the scheduler that Linux gives to a disk with one queue, and not to one with several.
up_kvblk_none()
{
	up_kvblk_vdpa "$1"
	echo none >"/sys/block/${DEV##*/}/queue/scheduler"
}

# That, and told of several answers at a time. It takes a while until it is known that more may
# come: to be measured alone, and not after depth 1.
up_kvblk_told()
{
	up_kvblk_none "$1"
	kvblkctl set bench --interrupts 16:1000
}

down_kvblk_none() { down_kvblk_vdpa; }
down_kvblk_told() { down_kvblk_vdpa; }

down_kvblk_vdpa()
{
	vdpa dev del bench
	kvblkctl remove bench
}

# aio=native is its fastest mode that works on block devices and files alike.
up_vduse()
{
	local driver=file before i
	before=$(disks)
	[ ! -b "$1" ] || driver=host_device
	modprobe -a virtio_blk virtio_vdpa vduse
	qemu-storage-daemon --blockdev \
		"driver=$driver,filename=$1,node-name=f,cache.direct=on,aio=native" \
		--blockdev driver=raw,file=f,node-name=r --export \
		type=vduse-blk,id=e,name=vduse0,node-name=r,writable=on,num-queues=1 &
	vduse_pid=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -e /dev/vduse/vduse0 ] || break
		sleep 0.1
	done
	vdpa dev add name vduse0 mgmtdev vduse
	DEV=$(new_disk "$before")
}

down_vduse()
{
	vdpa dev del vduse0
	kill "$vduse_pid"
	wait "$vduse_pid"
}
