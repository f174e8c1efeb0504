#!/bin/bash
# guest.sh - the job of boot 'guest': real KVM guests. The demo, then a VMM killed under load.

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
check "remove" kvblkctl remove load
unload
umount /mnt/disk
exit "$failed"
