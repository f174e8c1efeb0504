#!/bin/bash
# run.sh [BOOT]... - test the loaded module in QEMU machines with Debian's kernels. The boots:
#
#   driver   6.12: a user-space guest driver works sessions through the ioctls; file systems
#   guest    6.12: real KVM guests (nested): the demo, a VMM killed under load, each irqchip
#   old      6.1: the module loads, serves a short run, unloads
#   new      7.2: the same
#   exact    6.12, where an instruction takes a nanosecond: how exact limits are,
#            and what a request costs
#   uml      User Mode Linux 7.2 with sanitizers: the guest driver again
#   fault    the same machine: every allocation fails in turn
#   vdpa     6.12: stock software through the vDPA bus: vhost-vdpa, the host's own driver, QEMU
#   vdpa-new 7.2: a short form of it
#
# and only if named, for what TORTURE (10) times of the hostile tests takes:
#
#   torture      6.12: hostile guests and callers
#   torture_uml  User Mode Linux 7.2 with sanitizers: the same
#
# Prints TAP. The jobs, which run inside, are the other scripts here.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=selftest

VM_DIR=$TOP/selftests/vm
DEMO_DIR=$TOP/selftests/demo
build=$CACHE/selftest/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
RETRIES=2
TORTURE=${TORTURE:-10}

# What the jobs find at /kvblk in machine SERIES.
make_payload()
{
	local series=$1 to=$build/$1/kvblk
	mkdir -p "$to"
	"$ENV_DIR/kmake.sh" "$series" "$TOP" "$build/$series/module" W=1
	cp "$build/$series/module/kmod/kvblk.ko" "$to/"
	cp "$build/tools/kvblkctl" "$build/tools/kvblk-vmm" "$to/"
	cp "$VM_DIR/lib.sh" "$to/"
	rm -rf "$to/guest"
	mkdir -p "$to/guest"
	find "$build/programs" -maxdepth 1 -type f -executable ! -name '*_faults' \
		-exec cp {} "$to/guest/" \;
}

build_programs()
{
	make -s -C "$TOP/tools" O="$build/tools" STATIC=1
	make -s -C "$TOP/selftests/guest" O="$build/programs"
}

boot()
{
	local series=$1 job=$2
	shift 2
	"$ENV_DIR/vmrun.sh" "$@" --kernel "$series" --root "$build/$series/$job.cpio" \
		--out "$build/$series/out-$job" "$VM_DIR/$job.sh"
}

# The output is kept back until it counts; says once a minute how far it is.
boot_into()
{
	local log=$1 pid seconds
	shift
	boot "$@" >"$log" 2>&1 &
	pid=$!
	for ((seconds = 1; ; seconds++)); do
		kill -0 "$pid" 2>/dev/null || break
		((seconds % 60)) || say "boot '$2': $(grep -c '^ok' "$log") tests in $((seconds / 60)) min"
		sleep 1
	done
	wait "$pid"
}

# boot_again SERIES JOB PREPARE BOOT-OPTION... - tries again what a fault of the emulator ended, and
# just that. PREPARE makes the disks anew for every try.
boot_again()
{
	local series=$1 job=$2 prepare=$3 log=$build/$1/$2.log try=0 status
	shift 3
	while :; do
		$prepare "$series"
		status=0
		boot_into "$log" "$series" "$job" "$@" || status=$?
		if [ "$status" = 0 ] || [ "$try" -ge "$RETRIES" ] ||
		   ! emulator_fault "$log" "$build/$series/out-$job/console.log"; then
			cat "$log"
			return "$status"
		fi
		try=$((try + 1))
		say "retry $try of $RETRIES: the emulator failed ($log)"
	done
}

boot_driver()
{
	make_payload 6.12
	"$ENV_DIR/mkroot.sh" "$build/6.12/driver.cpio" --kernel 6.12 \
		--modules "ext4 xfs btrfs loop null_blk dm_mod" \
		--bin mke2fs --bin mkfs.xfs --bin mkfs.btrfs --bin losetup --bin dmsetup --bin timeout \
		--bin blockdev --file /etc/mke2fs.conf:/etc/mke2fs.conf --file "$build/6.12/kvblk:/kvblk"
	boot_again 6.12 driver : -t 1800 -m 2048
}

boot_short()
{
	local series=$1
	make_payload "$series"
	"$ENV_DIR/mkroot.sh" "$build/$series/short.cpio" --kernel "$series" --modules "ext4 loop" \
		--bin mke2fs --bin losetup --bin timeout --file /etc/mke2fs.conf:/etc/mke2fs.conf \
		--file "$build/$series/kvblk:/kvblk"
	boot_again "$series" short : -t 900 -m 1024
}

boot_exact()
{
	make_payload 6.12
	cp "$build/6.12/module/kmod/vdpa/kvblk_vdpa.ko" "$build/6.12/kvblk/"
	gcc -O2 -Wall -static -o "$build/6.12/kvblk/reads" "$TOP/selftests/bench/reads.c"
	"$ENV_DIR/mkroot.sh" "$build/6.12/exact.cpio" --kernel 6.12 \
		--modules "ext4 loop null_blk virtio_vdpa virtio_blk vhost_iotlb" --bin vdpa \
		--bin mke2fs --bin losetup --bin timeout --file /etc/mke2fs.conf:/etc/mke2fs.conf \
		--file "$build/6.12/kvblk:/kvblk"
	boot 6.12 exact -t 900 -m 1024 --icount
}

# What the jobs in User Mode Linux find in their DIR.
make_uml_payload()
{
	local to=$build/uml
	mkdir -p "$to"
	"$ENV_DIR/umlmake.sh" "$TOP" "$to/module" W=1
	cp "$to"/module/kmod/{,vdpa/}*.ko "$build/tools/kvblkctl" "$VM_DIR/lib.sh" "$to/"
	rm -rf "$to/guest"
	mkdir -p "$to/guest"
	find "$build/programs" -maxdepth 1 -type f -executable -exec cp {} "$to/guest/" \;
}

# What runs when memory is unmapped under a request is left to the other machines: User Mode
# Linux copies to user memory without a lock and faults itself when the page table goes away.
boot_uml()
{
	make_uml_payload
	"$ENV_DIR/umlrun.sh" -t 1800 -m 1G --leaks --shared "$build/uml/out" "$VM_DIR/uml.sh" \
		"$build/uml"
}

# The page allocator and vmalloc() say with a stack trace that they failed, and the kernel warns of
# a module's trace events that it could not make.
FAULT_ALLOW='Call Trace|cut here|WARNING: kernel/trace/trace_events\.c'

boot_fault()
{
	make_uml_payload
	"$ENV_DIR/umlrun.sh" -t 1800 -m 1G --leaks --allow "$FAULT_ALLOW" \
		--shared "$build/uml/out-fault" "$VM_DIR/fault.sh" "$build/uml"
}

# amounts DIR REQUESTS CALLS - what one round is, TORTURE times.
amounts()
{
	printf 'KVBLK_TORTURE_%s=%d\n' REQUESTS $(($2 * TORTURE)) CALLS $(($3 * TORTURE)) >"$1/amounts"
}

boot_torture()
{
	make_payload 6.12
	amounts "$build/6.12/kvblk" 1000000 100000
	"$ENV_DIR/mkroot.sh" "$build/6.12/torture.cpio" --kernel 6.12 \
		--modules "ext4 loop" --bin mke2fs --bin losetup --bin timeout \
		--file /etc/mke2fs.conf:/etc/mke2fs.conf --file "$build/6.12/kvblk:/kvblk"
	boot 6.12 torture -t $((1800 * TORTURE)) -m 2048
}

boot_torture_uml()
{
	make_uml_payload
	amounts "$build/uml" 50000 10000
	"$ENV_DIR/umlrun.sh" -t $((1800 * TORTURE)) -m 1G --leaks --shared "$build/uml/out-torture" \
		"$VM_DIR/torture.sh" "$build/uml"
}

boot_old() { boot_short 6.1; }
boot_new() { boot_short 7.2; }

guest_disk()
{
	rm -f "$build/$1/disk.img"
	truncate -s 512M "$build/$1/disk.img"
	mke2fs -q -t ext4 "$build/$1/disk.img"
}

boot_guest()
{
	local to=$build/6.12/kvblk
	make_payload 6.12
	cp "$DEMO_DIR/host.sh" "$to/demo.sh"
	"$DEMO_DIR/mkguest.sh" "$to"
	"$ENV_DIR/mkroot.sh" "$build/6.12/guest.cpio" --kernel 6.12 --modules "kvm_amd ext4" \
		--bin e2fsck --bin dd --bin timeout --file "$to:/kvblk"
	boot_again 6.12 guest guest_disk --kvm-nested -t 1200 -m 2560 --drive "$build/6.12/disk.img"
}

# Where the images lie: a file system with the disk that the guest boots from.
vdpa_disk()
{
	rm -f "$build/$1/work.img"
	mke2fs -q -t ext4 -d "$build/vdpa" "$build/$1/work.img" 768M >/dev/null
}

boot_on_bus()
{
	local series=$1 job=$2 to=$build/$1/kvblk assignments
	assignments=$("$ENV_DIR/rootfs.sh")
	eval "$assignments"
	make_payload "$series"
	cp "$build/$series/module/kmod/vdpa/kvblk_vdpa.ko" "$TOP"/selftests/vdpa/*.py \
		"$VM_DIR/vdpa.sh" "$to/"
	mkdir -p "$build/vdpa"
	"$TOP/selftests/vdpa/mkdisk.sh" "$build/vdpa/boot.img"
	"$ENV_DIR/mkroot.sh" "$build/$series/$job.cpio" --kernel "$series" --file "$to:/kvblk" \
		--modules "ext4 xfs loop dm_mod kvm_amd vhost_vdpa virtio_vdpa"
	boot_again "$series" "$job" vdpa_disk --kvm-nested -t 1200 -m 2560 --rootfs "$ROOTFS" \
		--drive "$build/$series/work.img"
}

boot_vdpa() { boot_on_bus 6.12 vdpa; }
boot_vdpa-new() { boot_on_bus 7.2 vdpa-new; }

# Counts a machine that died as a failed test of its own.
run_boot()
{
	local name=$1 status=0
	say "boot '$name'"
	"boot_$name" || status=$?
	case $status in
	0 | 1) ;;
	*) printf 'not ok 1 - %s: the machine ended with status %d\n' "$name" "$status" ;;
	esac
	return "$status"
}

"$ENV_DIR/deps.sh" build vm
mkdir -p "$build"
build_programs
[ $# -gt 0 ] || set -- driver guest old new exact uml fault vdpa vdpa-new
failed=0
for name; do
	[ "$(type -t "boot_$name")" = function ] || die "no boot '$name'"
	run_boot "$name" || failed=1
done
exit $failed
