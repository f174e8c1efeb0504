// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI tables of a machine with hardware-reduced ACPI (ACPI 6.5, section 4.1):
 * no PM timer, no SCI, no fixed registers but those that end it.
 */
#include <assert.h>
#include <string.h>

#include "acpi.h"

#define FADT_REVISION		6
#define FADT_WBINVD		(1U << 0)
#define FADT_RESET_REG		(1U << 10)
#define FADT_HEADLESS		(1U << 12)
#define FADT_HW_REDUCED		(1U << 20)
#define FADT_BOOT_NO_VGA	(1U << 2)
#define FADT_BOOT_NO_RTC	(1U << 5)

#define MADT_REVISION		5
#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_LAPIC_ENABLED	1

#define RSDP_REVISION		2
#define RSDP_V1_LENGTH		20
#define RSDP_ALIGN		16
#define SPACE_IO		1
#define ACCESS_BYTE		1

struct acpi_address {
	uint8_t space;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access_size;
	uint64_t address;
} __attribute__((packed));

/* The fields that matter here; the others are 0. */
struct acpi_fadt {
	uint8_t legacy[73];
	uint16_t boot_flags;
	uint8_t reserved;
	uint32_t flags;
	struct acpi_address reset_register;
	uint8_t reset_value;
	uint16_t arm_flags;
	uint8_t minor_revision;
	uint64_t facs;
	uint64_t dsdt;
	uint8_t fixed[96];
	struct acpi_address sleep_control;
	struct acpi_address sleep_status;
	uint64_t hypervisor_id;
} __attribute__((packed));

static_assert(sizeof(struct acpi_header) + sizeof(struct acpi_fadt) == 276,
	      "length of the FADT of ACPI 6");

struct acpi_madt {
	uint32_t lapic_address;
	uint32_t flags;
} __attribute__((packed));

struct acpi_madt_lapic {
	uint8_t type;
	uint8_t length;
	uint8_t processor_uid;
	uint8_t apic_id;
	uint32_t flags;
} __attribute__((packed));

struct acpi_madt_ioapic {
	uint8_t type;
	uint8_t length;
	uint8_t ioapic_id;
	uint8_t reserved;
	uint32_t address;
	uint32_t first_gsi;
} __attribute__((packed));

struct acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum;
	uint8_t reserved[3];
} __attribute__((packed));

uint8_t acpi_checksum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

void acpi_put(struct acpi_area *area, const void *data, size_t len)
{
	if (len > area->size - area->used) {
		area->full = true;
		return;
	}
	memcpy(area->mem + area->used, data, len);
	area->used += len;
}

size_t acpi_begin(struct acpi_area *area, const char *signature,
		  uint8_t revision)
{
	struct acpi_header header = {
		.revision = revision,
		.oem_id = "KVBLK ",
		.oem_table_id = "KVBLKVMM",
		.oem_revision = 1,
		.creator_id = "KVBL",
		.creator_revision = 1,
	};
	size_t start = area->used;

	memcpy(header.signature, signature, sizeof(header.signature));
	acpi_put(area, &header, sizeof(header));
	return start;
}

uint64_t acpi_end(struct acpi_area *area, size_t start)
{
	struct acpi_header *header = (void *)(area->mem + start);

	if (area->full)
		return 0;
	header->length = area->used - start;
	header->checksum = acpi_checksum(header, header->length);
	return area->gpa + start;
}

static struct acpi_address port_address(uint16_t port)
{
	return (struct acpi_address) {
		.space = SPACE_IO,
		.bit_width = 8,
		.access_size = ACCESS_BYTE,
		.address = port,
	};
}

/* No legacy devices in boot_flags: the guest leaves 8042 and PIC alone. */
static uint64_t fadt_build(struct acpi_area *area, uint64_t dsdt)
{
	struct acpi_fadt fadt = {
		.boot_flags = FADT_BOOT_NO_VGA | FADT_BOOT_NO_RTC,
		.flags = FADT_WBINVD | FADT_RESET_REG | FADT_HEADLESS |
			 FADT_HW_REDUCED,
		.reset_register = port_address(PORT_KBD),
		.reset_value = KBD_RESET,
		.minor_revision = 5,
		.dsdt = dsdt,
		.sleep_control = port_address(PORT_SLEEP),
		.sleep_status = port_address(PORT_SLEEP + 1),
	};
	size_t start = acpi_begin(area, "FACP", FADT_REVISION);

	acpi_put(area, &fadt, sizeof(fadt));
	return acpi_end(area, start);
}

static void madt_put_lapic(struct acpi_area *area, unsigned int id)
{
	struct acpi_madt_lapic lapic = {
		.type = MADT_LAPIC,
		.length = sizeof(lapic),
		.processor_uid = id,
		.apic_id = id,
		.flags = MADT_LAPIC_ENABLED,
	};

	acpi_put(area, &lapic, sizeof(lapic));
}

static uint64_t madt_build(struct acpi_area *area, const struct vm *vm)
{
	struct acpi_madt madt = { .lapic_address = GPA_LAPIC };
	struct acpi_madt_ioapic ioapic = {
		.type = MADT_IOAPIC,
		.length = sizeof(ioapic),
		.ioapic_id = vm->nr_vcpus,
		.address = GPA_IOAPIC,
	};
	size_t start = acpi_begin(area, "APIC", MADT_REVISION);
	unsigned int i;

	acpi_put(area, &madt, sizeof(madt));
	for (i = 0; i < vm->nr_vcpus; i++)
		madt_put_lapic(area, i);
	acpi_put(area, &ioapic, sizeof(ioapic));
	return acpi_end(area, start);
}

static uint64_t xsdt_build(struct acpi_area *area, uint64_t fadt, uint64_t madt)
{
	size_t start = acpi_begin(area, "XSDT", 1);

	acpi_put(area, &fadt, sizeof(fadt));
	acpi_put(area, &madt, sizeof(madt));
	return acpi_end(area, start);
}

static uint64_t rsdp_build(struct acpi_area *area, uint64_t xsdt)
{
	struct acpi_rsdp rsdp = {
		.signature = "RSD PTR ",
		.oem_id = "KVBLK ",
		.revision = RSDP_REVISION,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};

	rsdp.checksum = acpi_checksum(&rsdp, RSDP_V1_LENGTH);
	rsdp.extended_checksum = acpi_checksum(&rsdp, sizeof(rsdp));
	area->used = (area->used + RSDP_ALIGN - 1) & ~(RSDP_ALIGN - 1);
	acpi_put(area, &rsdp, sizeof(rsdp));
	return area->gpa + area->used - sizeof(rsdp);
}

/* Each table names the one built before it. */
int acpi_build(struct vm *vm, uint64_t *rsdp)
{
	struct acpi_area area = {
		.mem = vm_memory(vm, GPA_ACPI, GPA_ACPI_END - GPA_ACPI),
		.gpa = GPA_ACPI,
		.size = GPA_ACPI_END - GPA_ACPI,
	};
	uint64_t fadt = fadt_build(&area, dsdt_build(&area, vm));
	uint64_t madt = madt_build(&area, vm);

	*rsdp = rsdp_build(&area, xsdt_build(&area, fadt, madt));
	return area.full ? fail("the ACPI tables need more than %zu bytes",
				area.size) : 0;
}
