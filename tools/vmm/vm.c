// SPDX-License-Identifier: GPL-2.0
/* The machine: KVM, memory, interrupt controllers, start and end. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

static const struct {
	int number;
	const char *name;
} needed_caps[] = {
	{ KVM_CAP_IRQ_ROUTING,	"interrupt routing" },
	{ KVM_CAP_IRQFD,	"irqfd" },
	{ KVM_CAP_IOEVENTFD,	"ioeventfd" },
	{ KVM_CAP_READONLY_MEM,	"read-only memory slots" },
	{ KVM_CAP_EXT_CPUID,	"KVM_GET_SUPPORTED_CPUID" },
	{ KVM_CAP_IMMEDIATE_EXIT, "immediate_exit" },
};

static int vm_open_kvm(struct vm *vm)
{
	size_t i;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0 && errno == EACCES)
		return fail("/dev/kvm: %m; be root or in the group kvm");
	if (vm->kvm_fd < 0)
		return fail("/dev/kvm: %m; load kvm_intel or kvm_amd, and see that virtualization is on in the firmware");
	for (i = 0; i < sizeof(needed_caps) / sizeof(needed_caps[0]); i++) {
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION,
			  needed_caps[i].number) <= 0)
			return fail("/dev/kvm: lacks %s", needed_caps[i].name);
	}
	return 0;
}

static int vm_open(struct vm *vm)
{
	uint64_t identity_map = GPA_IDENTITY_MAP;
	int run_size;

	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return fail("KVM_CREATE_VM: %m");
	run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_size < 0)
		return fail("KVM_GET_VCPU_MMAP_SIZE: %m");
	vm->run_size = run_size;
	/* Intel processors want four pages that the guest does not use. */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map))
		return fail("KVM_SET_IDENTITY_MAP_ADDR: %m");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, GPA_TSS))
		return fail("KVM_SET_TSS_ADDR: %m");
	return 0;
}

static int vm_add_region(struct vm *vm, uint64_t gpa, uint64_t size)
{
	struct kvm_userspace_memory_region slot = {
		.slot = vm->nr_regions,
		.guest_phys_addr = gpa,
		.memory_size = size,
	};
	void *mem;

	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return fail("%llu MiB of guest memory: %m; give a smaller --mem",
			    (unsigned long long)size >> 20);
	vm->regions[vm->nr_regions++] = (struct kvblk_region) {
		.gpa = gpa,
		.size = size,
		.uaddr = (uintptr_t)mem,
	};
	slot.userspace_addr = (uintptr_t)mem;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &slot))
		return fail("KVM_SET_USER_MEMORY_REGION at 0x%llx: %m",
			    (unsigned long long)gpa);
	return 0;
}

static int vm_create_memory(struct vm *vm, uint64_t size)
{
	uint64_t low = size < GPA_GAP ? size : GPA_GAP;

	if (vm_add_region(vm, 0, low))
		return -1;
	return size > low ? vm_add_region(vm, GPA_4G, size - low) : 0;
}

static int vm_create_vcpus(struct vm *vm, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (vcpu_create(vm, i))
			return -1;
	}
	for (i = 0; i < count; i++) {
		if (vcpu_set_up(&vm->vcpus[i]))
			return -1;
	}
	return 0;
}

int vm_create(struct vm *vm, uint64_t mem_size, unsigned int nr_vcpus,
	      enum irqchip irqchip)
{
	vm->irqchip = irqchip;
	vm->kvm_fd = -1;
	vm->fd = -1;
	atomic_store(&vm->status, VM_RUNNING);
	serial_init(&vm->serial, vm);
	vm->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->wake_fd < 0)
		return fail("eventfd: %m");
	if (vm_open_kvm(vm) || vm_open(vm) || irqchip_create(vm))
		return -1;
	if (vm_create_memory(vm, mem_size))
		return -1;
	return vm_create_vcpus(vm, nr_vcpus);
}

/* Accepts any part of a machine. */
void vm_close(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_disks; i++)
		disk_close(&vm->disks[i]);
	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_close(&vm->vcpus[i]);
	for (i = 0; i < vm->nr_regions; i++)
		munmap((void *)(uintptr_t)vm->regions[i].uaddr,
		       vm->regions[i].size);
	close(vm->fd);
	close(vm->kvm_fd);
	close(vm->wake_fd);
}

void *vm_memory(const struct vm *vm, uint64_t gpa, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < vm->nr_regions; i++) {
		const struct kvblk_region *region = &vm->regions[i];
		uint64_t offset = gpa - region->gpa;

		if (offset < region->size && len <= region->size - offset)
			return (void *)(uintptr_t)(region->uaddr + offset);
	}
	return NULL;
}

int vm_start(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		if (vcpu_start(&vm->vcpus[i]))
			return -1;
	}
	return 0;
}

void vm_join(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		vcpu_kick(&vm->vcpus[i]);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpus[i].started)
			pthread_join(vm->vcpus[i].thread, NULL);
		vm->vcpus[i].started = false;
	}
}

void vm_wake(struct vm *vm)
{
	eventfd_write(vm->wake_fd, 1);
}

/* The first reason to end is the one that counts. */
void vm_stop(struct vm *vm, int status)
{
	int running = VM_RUNNING;

	if (atomic_compare_exchange_strong(&vm->status, &running, status))
		vm_wake(vm);
}
