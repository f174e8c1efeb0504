#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm_job.sh - what run.sh has a QEMU machine do: sessions in a KVM virtual machine.

# shellcheck source=tap.sh
. /kvblk/tap.sh

cd /tmp || exit 1
modprobe kvm_amd && insmod /kvblk/kvblk.ko || exit 1
start "libkvblk with KVM"
truncate -s 16M image
check "add" /kvblk/kvblkctl add --buffered d0 image
results_of /kvblk/session_test d0 kvm
check "remove" /kvblk/kvblkctl remove d0
check "unload" rmmod kvblk
finish
