#!/bin/bash
# guests.sh - the job of the machine with KVM guests: each system of GUESTS serves the same guest
# with CPUS processors on a null block device. Counts are of the whole machine; two runs that
# differ in the number of requests only leave the cost of a request. Instructions come from the
# emulator's plugin, which `mark` has write them down. Prints "guest KEY=VALUE..." for each run. A
# system whose guest hangs is tried once more, and then left out: "lost system=NAME cpus=N".

set -eu
here=$(dirname "$0")
PATH=$here:$PATH
# shellcheck source=systems.sh
. "$here/systems.sh"
kvm=/sys/kernel/debug/kvm
calls=/sys/kernel/tracing/events/raw_syscalls/sys_enter
marks=/tmp/marks
guest_args=(--cmdline "quiet noxsave")
append="console=ttyS0 reboot=k panic=-1 quiet noxsave"

# ---- the systems: start a guest with its console on descriptors 3 and 4 ----

# kvblk_guest OPTION...
kvblk_guest()
{
	exec kvblk-vmm --kernel "$here/vmlinuz" --initrd "$here/guest.cpio" --mem 256M \
		--cpus "$CPUS" --disk bench "${guest_args[@]}" "$@"
}

# kvblk_disk OPTION-OF-SET...
kvblk_disk()
{
	kvblkctl add bench /dev/nullb0 --direct
	[ $# -eq 0 ] || kvblkctl set bench "$@"
}

# The emulator is some fifty times slower than a processor: so are all times here.
looking=(--poll-us 10000 --poll-percent 100)

guest_kvblk_mmio() { kvblk_disk && kvblk_guest; }
guest_kvblk_pin() { kvblk_disk && kvblk_guest --pin; }
guest_kvblk_split() { kvblk_disk && kvblk_guest --pin --irqchip split; }
guest_kvblk_poll() { kvblk_disk "${looking[@]}" && kvblk_guest --pin --irqchip split; }
guest_kvblk_held() { kvblk_disk --interrupts 16:5000 && kvblk_guest --pin --irqchip split; }
guest_kvblk_both()
{
	kvblk_disk "${looking[@]}" --interrupts 16:5000 && kvblk_guest --pin --irqchip split
}

# qemu MACHINE ARGUMENT...
qemu()
{
	local machine=$1
	shift
	exec qemu-system-x86_64 -accel kvm -cpu host -m 256 -smp "$CPUS" -nodefaults -display none \
		-no-reboot -serial stdio -kernel "$here/vmlinuz" -initrd "$here/guest.cpio" \
		-append "$append" -machine "$machine" "$@"
}

guest_kvblk_vhost()
{
	modprobe vhost_vdpa
	insmod "$here/kvblk_vdpa.ko"
	kvblkctl add bench /dev/nullb0 --direct
	vdpa dev add name bench mgmtdev kvblk
	qemu q35,memory-backend=ram -object memory-backend-memfd,id=ram,size=256M,share=on \
		-device vhost-vdpa-device-pci,vhostdev=/dev/vhost-vdpa-0
}

end_kvblk_vhost()
{
	vdpa dev del bench
	kvblkctl remove bench
	rmmod kvblk_vdpa
}

# qemu_disk AIO MACHINE DEVICE
qemu_disk()
{
	qemu "$2" -object iothread,id=io -blockdev \
		"driver=host_device,filename=/dev/nullb0,node-name=d,cache.direct=on,aio=$1" \
		-device "$3,drive=d,iothread=io"
}

guest_qemu_native() { qemu_disk native q35 virtio-blk-pci; }
guest_qemu_uring() { qemu_disk io_uring q35 virtio-blk-pci; }
guest_qemu_microvm()
{
	qemu_disk native microvm,rtc=on,pic=off,pit=off,isa-serial=on virtio-blk-device
}

# ---- the console ----

# Follows it up to a line "bench: $1", and leaves in $said what comes behind that.
follow()
{
	local line
	while IFS= read -r -t "$LIMIT" -u 4 line; do
		line=${line%$'\r'}
		case $line in
		*"bench: $1"*)
			said=${line##*"bench: $1"}
			return 0
			;;
		*"bench: failed"*) break ;;
		esac
		echo "$system: $line" >>"$OUT/guests.log"
		kill -0 "$vmm" 2>/dev/null || break
	done
	echo "$system: the guest did not say '$1'" >&2
	return 1
}

# ---- counting ----

# Of the whole machine, "KEY=VALUE" each.
counters()
{
	local name rest
	for name in exits mmio_exits io_exits halt_exits; do
		echo "$name=$(<"$kvm/$name")"
	done
	awk '$1 == "ctxt" { print "ctxt=" $2 }' /proc/stat
	awk '$1 == "Hits:" { print "calls=" $2 }' $calls/hist
}

# Has the plugin write its counts, and leaves in $marked how many times it did so before.
mark_counts()
{
	marked=$(<$marks)
	echo $((marked + 1)) >$marks
	mark
}

sample()
{
	local depth=$1 requests=$2 first
	mark_counts
	first=$marked
	counters >/tmp/before
	echo "$depth $requests" >&3
	follow "done"
	counters >/tmp/after
	mark_counts
	echo "guest system=$system cpus=$CPUS depth=$depth requests=$requests mark=$first" \
		"interrupts=$((said)) $(paste -d = /tmp/before /tmp/after |
			awk -F = '{ printf "%s=%d ", $1, $4 - $2 }')"
}

# Whether $vmm ends within ten seconds.
ends()
{
	local i
	for ((i = 0; i < 50; i++)); do
		kill -0 "$vmm" 2>/dev/null || return 0
		sleep 0.2
	done
	return 1
}

# What is known of a guest that hangs.
explain()
{
	local task
	echo "$system: its threads:"
	for task in /proc/"$vmm"/task/*; do
		echo "$(<"$task/comm"): $(awk '/^State/ { print $2 }' "$task/status")"
		cat "$task/stack"
	done
	for task in $(pgrep '^kvblk'); do
		echo "$(<"/proc/$task/comm"): $(awk '/^State/ { print $2 }' "/proc/$task/status")"
		cat "/proc/$task/stack"
	done
	grep -v ' 0$' /sys/kernel/debug/kvblk/bench/counters
	cat /proc/interrupts
	cat $kvm/*exits
}

# Not every machine can switch itself off, and one that hangs does not.
end_guest()
{
	[ -n "$through" ] || explain >>"$OUT/guests.log" 2>&1 || true
	ends || kill "$vmm" || true
	ends || kill -KILL "$vmm" || true
	wait "$vmm" || true
}

measure()
{
	local depth
	exec 3<>/tmp/in 4<>/tmp/out
	"guest_$system" <&3 >&4 2>>"$OUT/guests.log" &
	vmm=$!
	through=''
	trap end_guest EXIT
	follow ready
	for depth in 1 32; do
		# The first run warms up: it is found out how the guest behaves.
		echo "$depth $WARM" >&3
		follow "done"
		sample $depth "$SHORT"
		sample $depth "$LONG"
	done
	echo end >&3
	through=1
}

# Leaves in $why how it ended. Not to be called in a condition: there no failure ends anything.
try_measure()
{
	why=0
	measure >/tmp/samples &
	wait $! || why=$?
	case $system in
	kvblk_vhost) end_kvblk_vhost ;;
	kvblk_*) patiently kvblkctl remove bench ;;
	esac
	# What a guest left unread is not for the next.
	rm -f /tmp/in /tmp/out
	mkfifo /tmp/in /tmp/out
}

modprobe kvm_amd
[ -z "$HALT_POLL" ] || echo "$HALT_POLL" >/sys/module/kvm/parameters/halt_poll_ns
modprobe null_blk queue_mode=2 irqmode=0 memory_backed=0 nr_devices=1
insmod "$here/kvblk.ko"
mkfifo /tmp/in /tmp/out
echo 0 >$marks
echo 'hist:keys=common_pid' >$calls/trigger
cat /proc/kallsyms >"$OUT/kallsyms"
echo "machine kernel=$(uname -r) qemu=$(qemu-system-x86_64 --version | awk 'NR == 1 { print $4 }')"
for system in $GUESTS; do
	try_measure
	[ $why = 0 ] || try_measure
	[ $why = 0 ] || echo "lost system=$system cpus=$CPUS" >/tmp/samples
	cat /tmp/samples
done
