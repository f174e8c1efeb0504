#!/bin/bash
# demo.sh - a KVM guest does real I/O on a kvblk disk; `make demo` runs this.
#
# Debian's kernel boots in QEMU, loads the module and runs a guest of its own by nested
# virtualization. With HOST=1 this machine itself loads the module, without QEMU.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=demo

DEMO_DIR=$TOP/selftests/demo
build=$CACHE/demo/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)

build_all()
{
	say "build the tools"
	make -s -C "$TOP/tools" O="$build/tools" STATIC=1
	mkdir -p "$build/host"
	cp "$build/tools/kvblkctl" "$build/tools/kvblk-vmm" "$build/host/"
	"$DEMO_DIR/mkguest.sh" "$build/host"
}

on_this_machine()
{
	local kdir
	kdir=/lib/modules/$(uname -r)/build
	[ -d "$kdir" ] || die "HOST=1 needs the headers of this kernel: apt-get install linux-headers-$(uname -r)"
	[ "$(id -u)" = 0 ] || die "HOST=1 needs root, to load the module"
	[ -e /dev/kvm ] || modprobe -a kvm_amd kvm_intel 2>/dev/null || true
	[ -e /dev/kvm ] || die "HOST=1 needs /dev/kvm"
	say "build the module for Linux $(uname -r)"
	copy_sources "$TOP" "$build/module"
	make -s -C "$kdir" M="$build/module" CONFIG_DEBUG_INFO_BTF_MODULES= modules
	cp "$build/module/kmod/kvblk.ko" "$build/host/"
	mkdir -p "$build/work"
	WORK=$build/work bash "$DEMO_DIR/host.sh" "$build/host"
}

# 1 is a verdict; 125 is QEMU gone or a nested guest hit by a fault of the emulator.
in_qemu()
{
	say "build the module for Debian's 6.12"
	"$ENV_DIR/kmake.sh" 6.12 "$TOP" "$build/module"
	cp "$build/module/kmod/kvblk.ko" "$build/host/"
	cp "$DEMO_DIR/host.sh" "$build/host/"
	"$ENV_DIR/mkroot.sh" "$build/host.cpio" --kernel 6.12 --modules "kvm_amd ext4" \
		--bin e2fsck --bin dd --bin timeout --file "$build/host:/demo"
	rm -f "$build/disk.img"
	truncate -s 512M "$build/disk.img"
	mke2fs -q -t ext4 "$build/disk.img"
	say "boot Linux $KVER in QEMU"
	"$ENV_DIR/vmrun.sh" -t 1200 -m 2560 --kvm-nested --drive "$build/disk.img" --kernel 6.12 \
		--root "$build/host.cpio" --out "$build/out" "$DEMO_DIR/in-vm.sh"
}

"$ENV_DIR/deps.sh" build vm
assignments=$("$ENV_DIR/kernel.sh" 6.12)
eval "$assignments"
mkdir -p "$build/host"
build_all
if [ "${HOST:-0}" = 1 ]; then
	on_this_machine
else
	in_qemu
fi
say "done"
