#!/bin/bash
# host.sh DIR - the demo on the machine that loads the module (make demo HOST=1, or the VM).
#
# DIR holds kvblk.ko, kvblkctl, kvblk-vmm, vmlinuz, guest.cpio; WORK is where the images go, on a
# file system with direct I/O. With TAP=1 the verdicts are TAP. Loads the module, makes a disk and a throttled one, boots a guest on
# them, and reports. Leaves nothing behind. The status tells whether everything was right.

set -euo pipefail

dir=$1
work=${WORK:-$(mktemp -d)}
rate=${DEMO_RATE:-100}
debugfs=/sys/kernel/debug
failed=0
verdicts=0
PATH=$dir:$PATH

say() { printf '[demo] %s\n' "$*"; }

verdict()
{
	local what=$1 good=PASS bad=FAIL
	shift
	verdicts=$((verdicts + 1))
	if [ -n "${TAP:-}" ]; then
		good="ok $verdicts - demo:" bad="not ok $verdicts - demo:"
	fi
	if "$@"; then
		printf '%s %s\n' "$good" "$what"
	else
		printf '%s %s\n' "$bad" "$what"
		failed=1
	fi
}

# shellcheck disable=SC2317 # called by the trap
cleanup()
{
	exec 3>&- 4<&-
	[ -z "${vmm:-}" ] || kill "$vmm" 2>/dev/null || true
	kvblkctl remove demo 2>/dev/null || true
	kvblkctl remove demo-slow 2>/dev/null || true
	rmmod kvblk 2>/dev/null || true
	rm -rf "$work/demo.img" "$work/slow.img" "$work/console.fifo" "$work/answer.fifo"
}
trap cleanup EXIT

mmio_exits() { cat "$debugfs/kvm/mmio_exits"; }
counter() { awk -v name="$2" '$1 == name { print $2 }' "$debugfs/kvblk/$1/counters"; }

load()
{
	local flag
	grep -q " $debugfs " /proc/mounts || mount -t debugfs debugfs "$debugfs"
	if [ ! -e /dev/kvm ]; then
		for flag in svm:kvm_amd vmx:kvm_intel; do
			! grep -qw "${flag%:*}" /proc/cpuinfo || modprobe "${flag#*:}"
		done
	fi
	[ -e /dev/kvm ] || { say "no /dev/kvm here"; exit 1; }
	insmod "$dir/kvblk.ko"
	say "kvblk is loaded on Linux $(uname -r)"
}

make_disks()
{
	truncate -s 192M "$work/demo.img"
	dd if=/dev/urandom of="$work/slow.img" bs=1M count=16 status=none
	kvblkctl add demo "$work/demo.img" --serial demo-serial-0001
	kvblkctl add demo-slow "$work/slow.img" --read-only --iops "$rate"
	kvblkctl list
}

boot()
{
	mkfifo "$work/console.fifo" "$work/answer.fifo"
	# Both ends open here: neither side waits for the other to open.
	exec 3<>"$work/answer.fifo" 4<>"$work/console.fifo"
	timeout -k 5 "${DEMO_LIMIT:-400}" kvblk-vmm --kernel "$dir/vmlinuz" \
		--initrd "$dir/guest.cpio" --mem 512M --cpus 2 --disk demo --disk demo-slow \
		--cmdline "quiet BURST=$rate READS=$((rate * 6)) ${DEMO_CMDLINE:-}" \
		<&3 >&4 2>"$work/vmm.log" &
	vmm=$!
	say "the guest boots (unmodified Debian kernel, 2 processors)"
}

# Follows the guest's console up to the line "demo: $1"; false if the guest failed or is silent.
follow()
{
	local line
	while IFS= read -r -t "${DEMO_LIMIT:-400}" -u 4 line; do
		line=${line%$'\r'}
		case $line in
		"demo: $1") return 0 ;;
		"demo: failed"*) say "guest: ${line#demo: }"; return 1 ;;
		"demo: "*) say "guest: ${line#demo: }"; echo "${line#demo: }" >>"$work/guest.txt" ;;
		*) printf '    %s\n' "$line" ;;
		esac
		kill -0 "$vmm" 2>/dev/null || return 1
	done
	return 1
}

report()
{
	local reads ms before=$1 after=$2
	say "counters of disk demo:"
	kvblkctl stats demo | sed 's/^/    /'
	read -r reads ms < <(awk '/^throttled/ { print $2, $5 }' "$work/guest.txt")
	say "throttle: asked $rate requests/s, reached $((reads * 1000 / ms))" \
		"(stalled $(counter demo-slow throttled) times)"
	say "KVM exits to user space for MMIO: $before before the I/O, $after after it"

	verdict "no exit to user space for MMIO during the I/O" [ "$before" = "$after" ]
	verdict "the guest read back what it wrote" grep -q '^equal checksums' "$work/guest.txt"
	verdict "the guest saw size and serial" \
		grep -q "^vda $((192 << 20)) bytes, serial demo-serial-0001" "$work/guest.txt"
	# How far below it is tells of a busy machine; tests with an exact clock tell of the throttle.
	verdict "the reached rate is the asked one: not 10 % above, and not half" \
		[ $((reads * 100000 / ms / rate)) -le 110 -a $((reads * 100000 / ms / rate)) -ge 50 ]
	verdict "no request failed" [ "$(counter demo io_errors)" = 0 ]
}

load
rm -f "$work/guest.txt"
make_disks
boot
verdict "the guest boots" follow io-begin
[ $failed = 0 ] || { cat "$work/vmm.log"; exit 1; }
before=$(mmio_exits)
echo go >&3
say "the guest makes a file system, copies a tree, compares it, reads the throttled disk"
verdict "the guest does its work" follow io-end
[ $failed = 0 ] || { cat "$work/vmm.log"; exit 1; }
after=$(mmio_exits)
report "$before" "$after"
echo go >&3
status=0
wait "$vmm" || status=$?
vmm=
sed 's/^/    /' "$work/vmm.log"
verdict "the guest ended by itself" [ "$status" = 0 ]
verdict "the image holds a clean file system" e2fsck -fn "$work/demo.img"
kvblkctl remove demo
kvblkctl remove demo-slow
verdict "the module unloads" rmmod kvblk
verdict "it leaves no thread behind" bash -c '! grep -qs "^kvblk" /proc/[0-9]*/comm'
verdict "it leaves no debugfs entry behind" [ ! -e "$debugfs/kvblk" ]
exit $failed
