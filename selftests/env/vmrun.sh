#!/bin/bash
# vmrun.sh [options] --kernel SERIES --root CPIO --out DIR SCRIPT [args...] - run SCRIPT as the
# only job of a QEMU machine that runs Debian's kernel of that series, with CPIO of mkroot.sh.
#
#   -t SECONDS     time limit (default 120)         -m MIB       memory (default 1024)
#   -c CPUS        processors (default 2)           --kvm-nested give the machine AMD-V
#   --drive FILE   a raw disk, /dev/vda, vdb ...; repeatable; changes are kept
#   --rootfs IMG   SCRIPT runs in this ext4 image (rootfs.sh), its changes are dropped; CPIO gives
#                  the modules (with ext4) and what it has at /kvblk
#   --src DIR      read-only, at /mnt/src inside    --out DIR    writable, at /mnt/out
#   --allow REGEX  kernel log lines that match are expected, not bugs
#   --append TEXT  more kernel parameters           --qemu WORD  one more QEMU argument; repeatable
#   --icount       one instruction is one nanosecond: slow, repeatable, one processor, not nested
#
# SCRIPT's output is ours, the kernel's messages go to DIR/console.log. SCRIPT's environment:
# OUT=/mnt/out, BED=vm. The status is SCRIPT's; 1 if the kernel log reports a bug; 124 after the
# time limit; 125 if the machine died. KVBLK_ACCEL=kvm uses the hardware instead of emulation.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

limit=120 mem=1024 cpus=2 series='' cpio='' out='' allow='' append='' src='' icount='' svm=-svm
rootfs=''
drives=() extra=()
while [ $# -gt 0 ]; do
	case $1 in
	-t) limit=$2; shift 2 ;;
	-m) mem=$2; shift 2 ;;
	-c) cpus=$2; shift 2 ;;
	--kvm-nested) svm=+svm; shift ;;
	--icount) icount=1; shift ;;
	--rootfs) rootfs=$2; shift 2 ;;
	--drive) drives+=("$2"); shift 2 ;;
	--src) src=$2; shift 2 ;;
	--kernel) series=$2; shift 2 ;;
	--root) cpio=$2; shift 2 ;;
	--out) out=$2; shift 2 ;;
	--allow) allow=$2; shift 2 ;;
	--append) append=$2; shift 2 ;;
	--qemu) extra+=("$2"); shift 2 ;;
	-*) die "unknown option $1 (see the head of vmrun.sh)" ;;
	*) break ;;
	esac
done
if [ $# -lt 1 ] || [ -z "$series" ] || [ -z "$cpio" ] || [ -z "$out" ]; then
	die "usage: vmrun.sh [options] --kernel SERIES --root CPIO --out DIR SCRIPT [args...]"
fi

"$ENV_DIR/deps.sh" vm
assignments=$("$ENV_DIR/kernel.sh" "$series")
eval "$assignments"
mkdir -p "$out"
out=$(cd "$out" && pwd)
write_job "$out" "$@"

# What emulation lacks of an EPYC, named to keep QEMU from warning about each.
tcg_cpu=EPYC,$svm,-rdseed,-sha-ni,-fxsr-opt,-misalignsse,-3dnowprefetch,-osvw,-topoext,-xsavec
tcg_cpu+=,-nrip-save
qemu=(qemu-system-x86_64 -M q35 -m "$mem" -nodefaults -display none -no-reboot)
if [ -n "$icount" ]; then
	qemu+=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -smp 1 -cpu "$tcg_cpu")
elif [ "${KVBLK_ACCEL:-tcg}" = kvm ]; then
	qemu+=(-accel kvm -smp "$cpus" -cpu host)
else
	# A nested guest hangs with thread=single.
	qemu+=(-accel "tcg,thread=multi" -smp "$cpus" -cpu "$tcg_cpu")
fi
qemu+=(-chardev "file,id=log,path=$out/console.log" -serial "chardev:log" -serial stdio)
qemu+=(-virtfs "local,path=$out,mount_tag=out,security_model=none,multidevs=remap")
[ -z "$src" ] ||
	qemu+=(-virtfs "local,path=$src,mount_tag=src,security_model=none,multidevs=remap,readonly=on")
for file in "${drives[@]}"; do
	qemu+=(-drive "file=$file,format=raw,if=virtio,cache=unsafe")
done
# In the last slot: the names of the other disks stay what they are without it.
if [ -n "$rootfs" ]; then
	qemu+=(-drive "file=$rootfs,format=raw,if=none,id=rootfs,snapshot=on,cache=unsafe"
		-device "virtio-blk-pci,drive=rootfs,serial=kvblk-rootfs,addr=1e")
	append+=" KVBLK_ROOTFS=1"
fi
qemu+=(-kernel "$KIMAGE" -initrd "$cpio" "${extra[@]}" -append
	"console=ttyS0 panic=-1 oops=panic mitigations=off loglevel=7 log_buf_len=2M $append")

status=0
timeout -k 5 "$limit" "${qemu[@]}" </dev/null || status=$?
job_result "$out" "$status" "$allow"
