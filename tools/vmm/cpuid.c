// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: what KVM supports, and a topology of single-threaded cores in one
 * package whose APIC ids are the vCPU numbers.
 */
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "vmm.h"

#define ENTRIES_MAX	256

#define LEAF_FEATURES		0x1
#define LEAF_TOPOLOGY		0xb
#define LEAF_TOPOLOGY_V2	0x1f
#define LEAF_AMD_SIZES		0x80000008
#define LEAF_AMD_TOPOLOGY	0x8000001e

#define FEATURES_EBX_LOW	0xffff	/* brand, size of CLFLUSH */
#define FEATURES_ECX_DEADLINE	(1U << 24)
#define FEATURES_ECX_HYPERVISOR	(1U << 31)
#define FEATURES_EDX_CORES	(1U << 28)

enum topology_level {
	LEVEL_END,
	LEVEL_SMT,
	LEVEL_CORE,
};

static unsigned int apic_id_bits(unsigned int count)
{
	unsigned int bits = 0;

	while (1U << bits < count)
		bits++;
	return bits;
}

/* KVM has the deadline timer, but tells so only by a capability. */
static void fix_features(struct kvm_cpuid_entry2 *entry,
			 const struct vcpu *vcpu)
{
	unsigned int count = vcpu->vm->nr_vcpus;

	entry->ebx = (entry->ebx & FEATURES_EBX_LOW) | count << 16 |
		     vcpu->id << 24;
	entry->ecx |= FEATURES_ECX_HYPERVISOR;
	if (count > 1)
		entry->edx |= FEATURES_EDX_CORES;
	if (ioctl(vcpu->vm->kvm_fd, KVM_CHECK_EXTENSION,
		  KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		entry->ecx |= FEATURES_ECX_DEADLINE;
}

static void fix_entry(struct kvm_cpuid_entry2 *entry, const struct vcpu *vcpu)
{
	unsigned int count = vcpu->vm->nr_vcpus;

	switch (entry->function) {
	case LEAF_FEATURES:
		fix_features(entry, vcpu);
		break;
	case LEAF_AMD_SIZES:
		entry->ecx = apic_id_bits(count) << 12 | (count - 1);
		break;
	case LEAF_AMD_TOPOLOGY:
		entry->eax = vcpu->id;
		entry->ebx = vcpu->id;
		entry->ecx = 0;
		break;
	}
}

static void add_level(struct kvm_cpuid2 *cpuid, const struct vcpu *vcpu,
		      enum topology_level level, unsigned int shift,
		      unsigned int count)
{
	unsigned int index = level == LEVEL_CORE;

	cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2) {
		.function = LEAF_TOPOLOGY,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = shift,
		.ebx = count,
		.ecx = level << 8 | index,
		.edx = vcpu->id,
	};
}

/* Some kernels report the host's topology here, some none. */
static void drop_topology(struct kvm_cpuid2 *cpuid)
{
	uint32_t i, kept = 0;

	for (i = 0; i < cpuid->nent; i++) {
		if (cpuid->entries[i].function != LEAF_TOPOLOGY &&
		    cpuid->entries[i].function != LEAF_TOPOLOGY_V2)
			cpuid->entries[kept++] = cpuid->entries[i];
	}
	cpuid->nent = kept;
}

static void fix_cpuid(struct kvm_cpuid2 *cpuid, const struct vcpu *vcpu)
{
	unsigned int count = vcpu->vm->nr_vcpus;
	uint32_t i;

	drop_topology(cpuid);
	for (i = 0; i < cpuid->nent; i++)
		fix_entry(&cpuid->entries[i], vcpu);
	add_level(cpuid, vcpu, LEVEL_SMT, 0, 1);
	add_level(cpuid, vcpu, LEVEL_CORE, apic_id_bits(count), count);
}

int cpuid_set(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid;
	int err;

	/* Room for the two topology levels on top of what KVM may fill. */
	cpuid = calloc(1, sizeof(*cpuid) +
			  (ENTRIES_MAX + 2) * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return fail("out of memory");
	cpuid->nent = ENTRIES_MAX;
	err = ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	if (!err) {
		fix_cpuid(cpuid, vcpu);
		err = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid);
	}
	free(cpuid);
	return err ? fail("vCPU %u: CPUID: %m", vcpu->id) : 0;
}
