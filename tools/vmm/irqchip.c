// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt controllers. The local APICs are always KVM's. The IOAPIC is ours
 * (split), so that its pins are message-signalled interrupts to KVM, which an
 * irqfd injects at once; or KVM's too, where an irqfd needs a work item.
 */
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm.h"

static const char * const irqchip_names[IRQCHIP_NR] = {
	[IRQCHIP_SPLIT]		= "split",
	[IRQCHIP_KERNEL]	= "kernel",
};

int irqchip_parse(const char *text, enum irqchip *irqchip)
{
	int i;

	for (i = 0; i < IRQCHIP_NR; i++) {
		if (!strcmp(text, irqchip_names[i])) {
			*irqchip = i;
			return 0;
		}
	}
	return fail("--irqchip %s: neither split nor kernel", text);
}

/* Reserves the GSIs of the pins: KVM reports the EOI of those alone. */
static int irqchip_create_split(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args = { IOAPIC_PINS },
	};

	if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		return fail("KVM_CAP_SPLIT_IRQCHIP: %m; try --irqchip kernel");
	return 0;
}

/*
 * KVM's irqchip comes with a pair of 8259 on the first 16 interrupts. A guest
 * with hardware-reduced ACPI does not look for them and would leave them
 * unmasked, so every GSI is led to the IOAPIC alone.
 */
static int irqchip_create_kernel(struct vm *vm)
{
	struct irq_routes routes = { .head.nr = IOAPIC_PINS };
	unsigned int i;

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return fail("KVM_CREATE_IRQCHIP: %m; try --irqchip split");
	for (i = 0; i < IOAPIC_PINS; i++) {
		routes.entries[i].gsi = i;
		routes.entries[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		routes.entries[i].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		routes.entries[i].u.irqchip.pin = i;
	}
	return irqchip_set_routes(vm, &routes);
}

/* Comes before the vCPUs, which get their local APICs by it. */
int irqchip_create(struct vm *vm)
{
	ioapic_init(&vm->ioapic, vm);
	return vm->irqchip == IRQCHIP_SPLIT ? irqchip_create_split(vm) :
					      irqchip_create_kernel(vm);
}

int irqchip_set_routes(struct vm *vm, struct irq_routes *routes)
{
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes->head))
		return fail("KVM_SET_GSI_ROUTING: %m");
	return 0;
}

void irqchip_signal(struct vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	ioctl(vm->fd, KVM_IRQ_LINE, &irq);
}

/* For devices that the VMM emulates; the disks have irqfds. */
void irqchip_set_line(struct vm *vm, uint32_t gsi, bool level)
{
	if (vm->irqchip == IRQCHIP_SPLIT)
		ioapic_set_line(&vm->ioapic, gsi, level);
	else
		irqchip_signal(vm, gsi, level);
}
