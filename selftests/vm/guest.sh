#!/bin/bash
# guest.sh - the job of boot 'guest': real KVM guests. The demo, then a VMM killed under load,
# then a guest that reads with each irqchip.

# shellcheck source=selftests/vm/lib.sh
. /kvblk/lib.sh

modprobe -a ext4 kvm_amd
mkdir -p /mnt/disk
mount -t ext4 /dev/vda /mnt/disk

# See in-vm.sh of the demo.
export DEMO_CMDLINE=noxsave
TAP=1 WORK=/mnt/disk bash /kvblk/demo.sh /kvblk || failed=1

check "insmod" load
truncate -s 64M /mnt/disk/load.img
check "add" kvblkctl add load /mnt/disk/load.img

writes_go_on() { [ "$(counter load writes_completed)" -gt 200 ]; }

# In the background: a guest that writes for ever.
start_guest()
{
	kvblk-vmm --kernel /kvblk/vmlinuz --initrd /kvblk/guest.cpio --mem 512M --disk load \
		--cmdline "quiet JOB=load $DEMO_CMDLINE" </dev/null >/mnt/load.log 2>&1 &
	vmm=$!
}

for round in 1 2; do
	before=$(counter load writes_completed)
	start_guest
	writes_go_on() { [ "$(counter load writes_completed)" -gt $((before + 100)) ]; }
	for ((i = 0; i < 600; i++)); do
		! writes_go_on || break
		kill -0 $vmm 2>/dev/null || break
		sleep 0.1
	done
	check "round $round: the guest writes" writes_go_on
	check "round $round: a second VMM is refused" bash -c \
		'! kvblk-vmm --kernel /kvblk/vmlinuz --disk load </dev/null >/dev/null 2>&1'
	kill -9 $vmm
	wait $vmm 2>/dev/null
	check "round $round: SIGKILL under load detaches" wait_for state_is load idle
	check "round $round: nothing is in flight" [ "$(counter load in_flight)" = 0 ]
done

READS=1000
WORKS=/sys/kernel/tracing/events/workqueue/workqueue_execute_start
echo "hist:keys=function.sym" >$WORKS/trigger
mkfifo /mnt/answer.fifo /mnt/console.fifo
exec 3<>/mnt/answer.fifo 4<>/mnt/console.fifo

# Waits for the guest's line "demo: $1".
guest_says()
{
	local line
	while IFS= read -r -t 300 -u 4 line; do
		line=${line%$'\r'}
		[ "$line" != "demo: $1" ] || return 0
		printf '# %s\n' "$line"
		[ "${line#demo: failed}" = "$line" ] || return 1
	done
	return 1
}

# What this machine has counted up to now; without a process of its own, which would count.
count_now()
{
	local name value
	while read -r name value _; do
		[ "$name" != ctxt ] || counts[switches]=$value
	done </proc/stat
	read -r "counts[exits]" <"$DEBUGFS"/kvm/exits
	read -r "counts[mmio]" <"$DEBUGFS"/kvm/mmio_exits
}

# Interrupts that KVM has injected from a work item up to now.
injected() { awk '/irqfd_inject/ { n = $NF } END { print n + 0 }' "$WORKS"/hist; }

# The reads of a guest with that irqchip; leaves the differences in switches, exits, mmio and items.
guest_reads()
{
	local irqchip=$1 vmm
	declare -A counts
	switches=0 exits=0 mmio=-1 items=-1
	kvblk-vmm --kernel /kvblk/vmlinuz --initrd /kvblk/guest.cpio --disk load \
		--irqchip "$irqchip" --cmdline "quiet JOB=read READS=$READS $DEMO_CMDLINE" \
		<&3 >&4 2>"/mnt/$irqchip.log" &
	vmm=$!
	guest_says read-begin || { kill -9 "$vmm"; return 1; }
	items=$(injected)
	echo go >&3
	count_now
	switches=${counts[switches]} exits=${counts[exits]} mmio=${counts[mmio]}
	guest_says read-end || { kill -9 "$vmm"; return 1; }
	count_now
	switches=$((counts[switches] - switches)) exits=$((counts[exits] - exits))
	mmio=$((counts[mmio] - mmio)) items=$(($(injected) - items))
	echo go >&3
	wait "$vmm"
}

for irqchip in kernel split; do
	[ $irqchip = kernel ] || kernel_items=$items
	check "irqchip $irqchip: a guest reads and ends" guest_reads $irqchip
	printf '# irqchip %s: %d reads, %d context switches, %d exits, %d work items\n' \
		$irqchip $READS "$switches" "$exits" "$items"
	check "irqchip $irqchip: no exit to user space for MMIO" [ "$mmio" = 0 ]
done
# A split irqchip saves these; the machine's context switches have other causes, too.
check "irqchip kernel: interrupts from work items" [ "$kernel_items" -ge $((READS / 2)) ]
check "irqchip split: interrupts without" [ "$items" -le $((READS / 100)) ]

# A guest with two processors on a disk with four queues, whose workers change meanwhile.
queue_counter() { awk -v n="$2" '$1 == n { print $2 }' "$DEBUGFS/kvblk/mq/queues/$1/counters"; }

change_workers()
{
	local n=0
	while kill -0 "$1" 2>/dev/null; do
		kvblkctl set mq --workers $((n++ % 4 + 1)) || return 1
		sleep 0.05
	done
	[ "$n" -gt 20 ]
}

guest_queues()
{
	kvblk-vmm --kernel /kvblk/vmlinuz --initrd /kvblk/guest.cpio --disk mq --cpus 2 \
		--cmdline "quiet JOB=queues $DEMO_CMDLINE" <&3 >&4 2>/mnt/queues.log &
	vmm=$!
	if ! guest_says "2 hardware queues" || ! guest_says queues-begin; then
		kill -9 "$vmm"
		return 1
	fi
	echo go >&3
	change_workers "$vmm" &
	changer=$!
	guest_says queues-end || { kill -9 "$vmm"; return 1; }
	echo go >&3
	wait "$vmm"
}

truncate -s 16M /mnt/disk/mq.img
check "queues: add" kvblkctl add mq --queues 4 --workers 2 /mnt/disk/mq.img
check "queues: two processors, two queues, all data equal" guest_queues
check "queues: workers changed meanwhile" wait "$changer"
check "queues: each has served requests" [ "$(queue_counter 0 requests)" -gt 100 -a \
	"$(queue_counter 1 requests)" -gt 100 ]
check "queues: those without a processor have not" [ "$(queue_counter 2 requests)" = 0 -a \
	"$(queue_counter 3 requests)" = 0 ]
check "queues: nothing is in flight" [ "$(counter mq in_flight)" = 0 ]
check "queues: remove" kvblkctl remove mq
exec 3>&- 4<&-
check "remove" kvblkctl remove load
unload
umount /mnt/disk
exit "$failed"
