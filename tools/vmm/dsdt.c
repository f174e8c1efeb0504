// SPDX-License-Identifier: GPL-2.0
/*
 * The DSDT: the serial port, the disks, and the way to switch off.
 * Written as AML (ACPI 6.5, chapter 20) directly; the ASL stands above each.
 */
#include <string.h>

#include "acpi.h"

#define AML_ZERO	0x00
#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_DWORD	0x0c
#define AML_STRING	0x0d
#define AML_SCOPE	0x10
#define AML_BUFFER	0x11
#define AML_PACKAGE	0x12
#define AML_DEVICE	0x82
#define AML_EXT		0x5b

/* Resource descriptors, ACPI 6.5, section 6.4 */
#define RES_IO			0x47
#define RES_MEMORY32_FIXED	0x86
#define RES_INTERRUPT		0x89
#define RES_END			0x79
#define RES_DECODE_16		1
#define RES_READ_WRITE		1
#define INTERRUPT_CONSUMER	(1 << 0)
#define INTERRUPT_EDGE		(1 << 1)

struct res_io {
	uint8_t tag;
	uint8_t decode;
	uint16_t min;
	uint16_t max;
	uint8_t align;
	uint8_t length;
} __attribute__((packed));

struct res_memory {
	uint8_t tag;
	uint16_t length;
	uint8_t access;
	uint32_t base;
	uint32_t size;
} __attribute__((packed));

struct res_interrupt {
	uint8_t tag;
	uint16_t length;
	uint8_t flags;
	uint8_t count;
	uint32_t number;
} __attribute__((packed));

struct res_end {
	uint8_t tag;
	uint8_t checksum;	/* 0: not used */
} __attribute__((packed));

static void aml_byte(struct acpi_area *area, uint8_t byte)
{
	acpi_put(area, &byte, 1);
}

static void aml_text(struct acpi_area *area, const char *text)
{
	acpi_put(area, text, strlen(text));
}

/*
 * A package begins with its length, itself included. Three bytes of it, though
 * fewer may do, so that it can be filled in at the end: bits 7-6 of the first
 * are the number of bytes that follow, bits 3-0 the lowest digit.
 */
static size_t aml_begin(struct acpi_area *area)
{
	size_t start = area->used;

	acpi_put(area, (uint8_t [3]) { 0 }, 3);
	return start;
}

static void aml_end(struct acpi_area *area, size_t start)
{
	size_t len = area->used - start;

	if (area->full)
		return;
	area->mem[start] = 2 << 6 | (len & 0xf);
	area->mem[start + 1] = len >> 4;
	area->mem[start + 2] = len >> 12;
}

static void aml_integer(struct acpi_area *area, uint32_t value)
{
	aml_byte(area, AML_DWORD);
	acpi_put(area, &value, sizeof(value));
}

static void aml_name_integer(struct acpi_area *area, const char *name,
			     uint32_t value)
{
	aml_byte(area, AML_NAME);
	aml_text(area, name);
	aml_integer(area, value);
}

static void aml_name_string(struct acpi_area *area, const char *name,
			    const char *value)
{
	aml_byte(area, AML_NAME);
	aml_text(area, name);
	aml_byte(area, AML_STRING);
	acpi_put(area, value, strlen(value) + 1);
}

static size_t aml_begin_scope(struct acpi_area *area, const char *name)
{
	size_t start;

	aml_byte(area, AML_SCOPE);
	start = aml_begin(area);
	aml_text(area, name);
	return start;
}

static size_t aml_begin_device(struct acpi_area *area, const char *prefix,
			       unsigned int number)
{
	char name[5];
	size_t start;

	snprintf(name, sizeof(name), "%s%02X", prefix, number & 0xff);
	aml_byte(area, AML_EXT);
	aml_byte(area, AML_DEVICE);
	start = aml_begin(area);
	aml_text(area, name);
	return start;
}

/* Name (_CRS, ResourceTemplate () { @resource Interrupt (...) { @gsi } }) */
static void dsdt_resources(struct acpi_area *area, const void *resource,
			   size_t len, uint32_t gsi)
{
	struct res_interrupt interrupt = {
		.tag = RES_INTERRUPT,
		.length = sizeof(interrupt) - 3,
		.flags = INTERRUPT_CONSUMER | INTERRUPT_EDGE,
		.count = 1,
		.number = gsi,
	};
	struct res_end end = { .tag = RES_END };
	size_t start;

	aml_byte(area, AML_NAME);
	aml_text(area, "_CRS");
	aml_byte(area, AML_BUFFER);
	start = aml_begin(area);
	aml_integer(area, len + sizeof(interrupt) + sizeof(end));
	acpi_put(area, resource, len);
	acpi_put(area, &interrupt, sizeof(interrupt));
	acpi_put(area, &end, sizeof(end));
	aml_end(area, start);
}

/* Device (CM00) { Name (_HID, "PNP0501") IO (Decode16, 0x3F8, ...) ... } */
static void dsdt_serial(struct acpi_area *area)
{
	struct res_io io = {
		.tag = RES_IO,
		.decode = RES_DECODE_16,
		.min = PORT_SERIAL,
		.max = PORT_SERIAL,
		.align = 1,
		.length = 8,
	};
	size_t device = aml_begin_device(area, "CM", 0);

	aml_name_string(area, "_HID", "PNP0501");
	aml_name_integer(area, "_UID", 0);
	dsdt_resources(area, &io, sizeof(io), SERIAL_GSI);
	aml_end(area, device);
}

/*
 * Device (VR00) { Name (_HID, "LNRO0005") Name (_CCA, 1)
 *	Memory32Fixed (ReadWrite, ...) Interrupt (...) }
 */
static void dsdt_disk(struct acpi_area *area, const struct disk *disk,
		      unsigned int index)
{
	struct res_memory memory = {
		.tag = RES_MEMORY32_FIXED,
		.length = sizeof(memory) - 3,
		.access = RES_READ_WRITE,
		.base = disk->gpa,
		.size = KVBLK_PAGE_SIZE,
	};
	size_t device = aml_begin_device(area, "VR", index);

	aml_name_string(area, "_HID", "LNRO0005");
	aml_name_integer(area, "_UID", index);
	aml_name_integer(area, "_CCA", 1);
	dsdt_resources(area, &memory, sizeof(memory), disk->gsi);
	aml_end(area, device);
}

/* Name (_S5, Package () { ACPI_S5_TYPE, 0, 0, 0 }) */
static void dsdt_soft_off(struct acpi_area *area)
{
	size_t start;

	aml_byte(area, AML_NAME);
	aml_text(area, "_S5_");
	aml_byte(area, AML_PACKAGE);
	start = aml_begin(area);
	aml_byte(area, 4);
	aml_byte(area, AML_BYTE);
	aml_byte(area, ACPI_S5_TYPE);
	aml_byte(area, AML_ZERO);
	aml_byte(area, AML_ZERO);
	aml_byte(area, AML_ZERO);
	aml_end(area, start);
}

uint64_t dsdt_build(struct acpi_area *area, const struct vm *vm)
{
	size_t table = acpi_begin(area, "DSDT", 2);
	size_t scope = aml_begin_scope(area, "_SB_");
	unsigned int i;

	dsdt_serial(area);
	for (i = 0; i < vm->nr_disks; i++)
		dsdt_disk(area, &vm->disks[i], i);
	aml_end(area, scope);
	dsdt_soft_off(area);
	return acpi_end(area, table);
}
