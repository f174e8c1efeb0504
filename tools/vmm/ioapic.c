// SPDX-License-Identifier: GPL-2.0
/*
 * The IOAPIC of a split irqchip (Intel 82093AA, with the EOI register of
 * version 0x20). KVM knows its pins as messages: each unmasked entry of the
 * redirection table is the MSI route of a GSI.
 *
 * An interrupt that comes while its pin is masked has no route and is lost.
 * What drives a pin therefore also has a line, which an unmasked pin looks at.
 */
#include <linux/kvm.h>
#include <string.h>

#include "vmm.h"

/* Registers in memory, and those behind select and window */
#define IOAPIC_SELECT	0x00
#define IOAPIC_WINDOW	0x10
#define IOAPIC_EOI	0x40
#define INDEX_ID	0x00
#define INDEX_VERSION	0x01
#define INDEX_TABLE	0x10
#define ID_MASK		0x0f000000
#define VERSION		(0x20 | (IOAPIC_PINS - 1) << 16)

/* Redirection table entry */
#define ENTRY_VECTOR		0xffULL
#define ENTRY_MODE		(7ULL << 8)
#define ENTRY_LOGICAL		(1ULL << 11)
#define ENTRY_REMOTE_IRR	(1ULL << 14)
#define ENTRY_LEVEL		(1ULL << 15)
#define ENTRY_MASKED		(1ULL << 16)
#define ENTRY_DEST_SHIFT	56
#define ENTRY_WRITABLE		(0x1afffULL | 0xffULL << ENTRY_DEST_SHIFT)

/* Message of an MSI: the low bits of its data are those of an entry. */
#define MSI_ADDRESS		0xfee00000
#define MSI_LOGICAL		(1 << 2)
#define MSI_DEST_SHIFT		12
#define MSI_DATA		(ENTRY_VECTOR | ENTRY_MODE | ENTRY_LEVEL)

void ioapic_init(struct ioapic *ioapic, struct vm *vm)
{
	unsigned int pin;

	ioapic->vm = vm;
	pthread_mutex_init(&ioapic->lock, NULL);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		ioapic->table[pin] = ENTRY_MASKED;
}

static struct kvm_irq_routing_entry ioapic_route(unsigned int pin,
						 uint64_t entry)
{
	return (struct kvm_irq_routing_entry) {
		.gsi = pin,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = MSI_ADDRESS |
				    entry >> ENTRY_DEST_SHIFT << MSI_DEST_SHIFT |
				    (entry & ENTRY_LOGICAL ? MSI_LOGICAL : 0),
		.u.msi.data = entry & MSI_DATA,
	};
}

/* KVM replaces the whole table, once no vCPU and no irqfd looks at the old. */
static void ioapic_set_routes(const struct ioapic *ioapic)
{
	struct irq_routes routes = { };
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (!(ioapic->table[pin] & ENTRY_MASKED))
			routes.entries[routes.head.nr++] =
				ioapic_route(pin, ioapic->table[pin]);
	}
	if (irqchip_set_routes(ioapic->vm, &routes))
		vm_stop(ioapic->vm, 1);
}

static bool ioapic_line(const struct ioapic *ioapic, unsigned int pin)
{
	return ioapic->lines >> pin & 1 || disk_line(ioapic->vm, pin);
}

/* A level-triggered pin that is in service already waits for its EOI. */
static void ioapic_service(struct ioapic *ioapic, unsigned int pin)
{
	uint64_t *entry = &ioapic->table[pin];

	if (*entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR) ||
	    !ioapic_line(ioapic, pin))
		return;
	if (*entry & ENTRY_LEVEL)
		*entry |= ENTRY_REMOTE_IRR;
	irqchip_signal(ioapic->vm, pin, true);
}

void ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level)
{
	uint32_t bit = 1U << pin;

	pthread_mutex_lock(&ioapic->lock);
	if (!level) {
		ioapic->lines &= ~bit;
	} else if (!(ioapic->lines & bit)) {
		ioapic->lines |= bit;
		ioapic_service(ioapic, pin);
	}
	pthread_mutex_unlock(&ioapic->lock);
}

static void ioapic_end(struct ioapic *ioapic, uint8_t vector)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *entry = &ioapic->table[pin];

		if (!(*entry & ENTRY_LEVEL) ||
		    (*entry & ENTRY_VECTOR) != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		ioapic_service(ioapic, pin);
	}
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
	pthread_mutex_lock(&ioapic->lock);
	ioapic_end(ioapic, vector);
	pthread_mutex_unlock(&ioapic->lock);
}

/* Whether KVM has to hear of it: a masked pin has no route, whatever it is. */
static bool ioapic_route_differs(uint64_t old, uint64_t new)
{
	if (old & new & ENTRY_MASKED)
		return false;
	return (old ^ new) & ENTRY_WRITABLE;
}

/*
 * KVM reports no EOI of a pin without a route, so masking one takes it out of
 * service. At worst it interrupts once more when it is unmasked.
 */
static void ioapic_set_entry(struct ioapic *ioapic, unsigned int pin,
			     uint64_t value)
{
	uint64_t old = ioapic->table[pin];
	uint64_t new = (value & ENTRY_WRITABLE) | (old & ENTRY_REMOTE_IRR);

	if (new & ENTRY_MASKED || !(new & ENTRY_LEVEL))
		new &= ~ENTRY_REMOTE_IRR;
	ioapic->table[pin] = new;
	if (!ioapic_route_differs(old, new))
		return;
	ioapic_set_routes(ioapic);
	/* After the route: what was signalled before it shows in the line. */
	ioapic_service(ioapic, pin);
}

static uint32_t ioapic_read_index(const struct ioapic *ioapic)
{
	unsigned int half = ioapic->index - INDEX_TABLE;

	if (ioapic->index == INDEX_ID)
		return ioapic->id;
	if (ioapic->index == INDEX_VERSION)
		return VERSION;
	if (half >= 2 * IOAPIC_PINS)
		return 0;
	return ioapic->table[half / 2] >> half % 2 * 32;
}

static void ioapic_write_index(struct ioapic *ioapic, uint32_t value)
{
	unsigned int half = ioapic->index - INDEX_TABLE;
	unsigned int shift = half % 2 * 32;
	uint64_t keep = 0xffffffff00000000 >> shift;

	if (ioapic->index == INDEX_ID)
		ioapic->id = value & ID_MASK;
	else if (half < 2 * IOAPIC_PINS)
		ioapic_set_entry(ioapic, half / 2,
				 (ioapic->table[half / 2] & keep) |
				 (uint64_t)value << shift);
}

static uint32_t ioapic_read(const struct ioapic *ioapic, uint64_t offset)
{
	switch (offset) {
	case IOAPIC_SELECT:
		return ioapic->index;
	case IOAPIC_WINDOW:
		return ioapic_read_index(ioapic);
	default:
		return 0;
	}
}

static void ioapic_write(struct ioapic *ioapic, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case IOAPIC_SELECT:
		ioapic->index = value;
		break;
	case IOAPIC_WINDOW:
		ioapic_write_index(ioapic, value);
		break;
	case IOAPIC_EOI:
		ioapic_end(ioapic, value);
		break;
	}
}

bool ioapic_claims(const struct ioapic *ioapic, uint64_t gpa)
{
	return ioapic->vm->irqchip == IRQCHIP_SPLIT &&
	       gpa - GPA_IOAPIC < IOAPIC_SIZE;
}

/* Registers are 32 bits wide; wider and narrower accesses are cut and filled. */
void ioapic_mmio(struct ioapic *ioapic, uint64_t gpa, void *data, uint32_t len,
		 bool is_write)
{
	uint64_t offset = gpa - GPA_IOAPIC;
	uint32_t width = len < sizeof(uint32_t) ? len : sizeof(uint32_t);
	uint32_t value = 0;

	pthread_mutex_lock(&ioapic->lock);
	if (is_write) {
		memcpy(&value, data, width);
		ioapic_write(ioapic, offset, value);
	} else {
		value = ioapic_read(ioapic, offset);
		memset(data, 0, len);
		memcpy(data, &value, width);
	}
	pthread_mutex_unlock(&ioapic->lock);
}
