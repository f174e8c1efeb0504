// SPDX-License-Identifier: GPL-2.0
/* Virtual processors: first state, run loop, exits. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm.h"

#define KICK_SIGNAL	SIGUSR1

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)
#define RFLAGS_FIXED	(1ULL << 1)

/* Selectors that the 64-bit boot protocol prescribes. */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

#define SEG_DATA	3		/* read, write, accessed */
#define SEG_CODE	11		/* execute, read, accessed */

#define MSR_MISC_ENABLE		0x1a0
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MISC_FAST_STRING	(1 << 0)
#define MTRR_ENABLE		(1 << 11)
#define MTRR_WRITE_BACK		6

int vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *vcpu = &vm->vcpus[id];
	void *run;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0)
		return fail("vCPU %u: KVM_CREATE_VCPU: %m", id);
	run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   vcpu->fd, 0);
	if (run == MAP_FAILED) {
		close(vcpu->fd);
		return fail("vCPU %u: mmap: %m", id);
	}
	vcpu->run = run;
	vm->nr_vcpus++;
	return 0;
}

void vcpu_close(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->vm->run_size);
	close(vcpu->fd);
}

/* Memory is write-back by default, as firmware would have set it. */
static int vcpu_set_msrs(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {
			{ .index = MSR_MISC_ENABLE, .data = MISC_FAST_STRING },
			{ .index = MSR_MTRR_DEF_TYPE,
			  .data = MTRR_ENABLE | MTRR_WRITE_BACK },
		},
	};

	if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) != 2)
		return fail("vCPU %u: KVM_SET_MSRS: %m", vcpu->id);
	return 0;
}

static struct kvm_segment flat_segment(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = type == SEG_CODE,
		.db = type != SEG_CODE,
	};
}

/* Comes when all vCPUs exist, because each tells how many there are. */
int vcpu_set_up(struct vcpu *vcpu)
{
	return cpuid_set(vcpu) || vcpu_set_msrs(vcpu) ? -1 : 0;
}

static int vcpu_set_sregs(struct vcpu *vcpu)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return fail("vCPU %u: KVM_GET_SREGS: %m", vcpu->id);
	sregs.cs = flat_segment(BOOT_CS, SEG_CODE);
	sregs.ds = flat_segment(BOOT_DS, SEG_DATA);
	sregs.es = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.gdt.base = GPA_GDT;
	sregs.gdt.limit = BOOT_DS + 7;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = GPA_PAGE_TABLES;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return fail("vCPU %u: KVM_SET_SREGS: %m", vcpu->id);
	return 0;
}

/* For the boot processor; the others wait for it, as KVM makes them. */
int vcpu_set_entry(struct vcpu *vcpu, uint64_t rip)
{
	struct kvm_regs regs = {
		.rip = rip,
		.rsi = GPA_BOOT_PARAMS,
		.rflags = RFLAGS_FIXED,
	};

	if (vcpu_set_sregs(vcpu))
		return -1;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return fail("vCPU %u: KVM_SET_REGS: %m", vcpu->id);
	return 0;
}

static void vcpu_fail(struct vcpu *vcpu, const char *what, uint64_t detail)
{
	struct kvm_regs regs = { 0 };

	ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	fail("vCPU %u: %s (0x%llx) at rip 0x%llx", vcpu->id, what,
	     (unsigned long long)detail, (unsigned long long)regs.rip);
	vm_stop(vcpu->vm, 1);
}

static void vcpu_access_memory(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_run *run = vcpu->run;

	if (ioapic_claims(&vm->ioapic, run->mmio.phys_addr))
		ioapic_mmio(&vm->ioapic, run->mmio.phys_addr, run->mmio.data,
			    run->mmio.len, run->mmio.is_write);
	else
		disk_mmio(vm, run->mmio.phys_addr, run->mmio.data,
			  run->mmio.len, run->mmio.is_write);
}

static enum exit_kind vcpu_handle_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_access(vcpu->vm, run);
		return EXIT_PIO;
	case KVM_EXIT_MMIO:
		vcpu_access_memory(vcpu);
		return EXIT_MMIO;
	case KVM_EXIT_IOAPIC_EOI:
		ioapic_eoi(&vcpu->vm->ioapic, run->eoi.vector);
		return EXIT_EOI;
	case KVM_EXIT_HLT:
		return EXIT_HLT;
	case KVM_EXIT_SHUTDOWN:
		vcpu_fail(vcpu, "triple fault", 0);
		return EXIT_OTHER;
	case KVM_EXIT_INTERNAL_ERROR:
		vcpu_fail(vcpu, "KVM internal error", run->internal.suberror);
		return EXIT_OTHER;
	case KVM_EXIT_FAIL_ENTRY:
		vcpu_fail(vcpu, "cannot enter the guest, hardware reason",
			  run->fail_entry.hardware_entry_failure_reason);
		return EXIT_OTHER;
	default:
		vcpu_fail(vcpu, "unknown exit reason", run->exit_reason);
		return EXIT_OTHER;
	}
}

static enum exit_kind vcpu_run_once(struct vcpu *vcpu)
{
	if (!ioctl(vcpu->fd, KVM_RUN, 0))
		return vcpu_handle_exit(vcpu);
	if (errno != EINTR && errno != EAGAIN)
		vcpu_fail(vcpu, "KVM_RUN fails, errno", errno);
	return EXIT_INTERRUPTED;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	while (vm_running(vcpu->vm))
		stats_count(&vcpu->vm->stats.exits[vcpu_run_once(vcpu)]);
	return NULL;
}

static void vcpu_kicked(int signo)
{
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = vcpu_kicked };
	char name[16];
	int err;

	sigaction(KICK_SIGNAL, &action, NULL);
	err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	if (err)
		return fail("vCPU %u: cannot make a thread: %s", vcpu->id,
			    strerror(err));
	vcpu->started = true;
	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	pthread_setname_np(vcpu->thread, name);
	return 0;
}

/* The signal ends a KVM_RUN, immediate_exit one that is about to begin. */
void vcpu_kick(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	if (vcpu->started)
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}
