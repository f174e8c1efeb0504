/* SPDX-License-Identifier: GPL-2.0 */
/* How ACPI tables are put together: bytes appended to guest memory. */
#ifndef KVBLK_VMM_ACPI_H
#define KVBLK_VMM_ACPI_H

#include "vmm.h"

struct acpi_area {
	uint8_t *mem;
	uint64_t gpa;
	size_t size;
	size_t used;
	bool full;
};

struct acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem_id[6];
	char oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} __attribute__((packed));

/* Appends @len bytes; what does not fit sets @full and is left out. */
void acpi_put(struct acpi_area *area, const void *data, size_t len);

/* A table from its header on; acpi_end() returns its address. */
size_t acpi_begin(struct acpi_area *area, const char *signature,
		  uint8_t revision);
uint64_t acpi_end(struct acpi_area *area, size_t start);

uint8_t acpi_checksum(const void *data, size_t len);

/* dsdt.c: the devices, returns the table's address */
uint64_t dsdt_build(struct acpi_area *area, const struct vm *vm);

/* The SLP_TYP of soft-off, as the DSDT tells and the sleep register gets. */
#define ACPI_S5_TYPE	5

#endif /* KVBLK_VMM_ACPI_H */
