// SPDX-License-Identifier: GPL-2.0
/*
 * kvm-hold - keep a KVM guest that never runs, from when there is /dev/kvm.
 *
 * KVM patches its own code when the first guest comes, when the last one goes, and whenever there
 * begins or ceases to be one with its local APIC not enabled: a second after each guest has come
 * up. QEMU's emulation of several processors may then run what one of them has patched, and
 * another not yet: "Oops: int3", once in some ten guests. With this one, nothing changes any more.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOOK_US	50000

int main(void)
{
	int kvm, vm;

	while ((kvm = open("/dev/kvm", O_RDWR)) < 0)
		usleep(LOOK_US);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0 || ioctl(vm, KVM_CREATE_VCPU, 0) < 0) {
		perror("kvm-hold");
		return 1;
	}
	for (;;)
		pause();
}
