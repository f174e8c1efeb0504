// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel: a bzImage, entered by the 64-bit boot protocol
 * (Documentation/arch/x86/boot.rst of Linux).
 */
#include <asm/bootparam.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm.h"

#define SECTOR			512
#define SETUP_SECTS_DEFAULT	4
#define HEADER_OFFSET		offsetof(struct boot_params, hdr)
#define BOOT_FLAG		0xaa55
#define HEADER_MAGIC		0x53726448	/* "HdrS" */
#define VERSION_64BIT		0x020c
#define ENTRY_64BIT		0x200
#define LOADER_UNDEFINED	0xff

#define E820_RAM	1
#define E820_ACPI	3

#define PAGE		4096ULL
#define TABLE_ENTRIES	512
#define TABLES_OF_2M	4		/* 1 GiB each: all below 4 GiB */
#define PTE_TABLE	0x3		/* present, writable */
#define PTE_2M		0x83		/* and a page */

struct boot {
	struct vm *vm;
	struct boot_params *params;
	uint64_t kernel_end;
};

struct boot_file {
	const char *path;
	int fd;
	uint64_t size;
};

static int boot_file_open(struct boot_file *file, const char *path)
{
	struct stat st;

	file->path = path;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return fail("%s: %m", path);
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode)) {
		close(file->fd);
		return fail("%s: not a regular file", path);
	}
	file->size = st.st_size;
	return 0;
}

static int boot_file_read(const struct boot_file *file, void *buf,
			  uint64_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pread(file->fd, buf, size, offset);

		if (n < 0)
			return fail("%s: %m", file->path);
		if (!n)
			return fail("%s: ends before byte %llu", file->path,
				    (unsigned long long)(offset + size));
		buf = (uint8_t *)buf + n;
		size -= n;
		offset += n;
	}
	return 0;
}

static int boot_file_load(const struct boot_file *file, struct vm *vm,
			  uint64_t gpa, uint64_t size, uint64_t offset)
{
	void *mem = vm_memory(vm, gpa, size);

	if (!mem)
		return fail("%s: %llu bytes at 0x%llx do not fit into memory; give a larger --mem",
			    file->path, (unsigned long long)size,
			    (unsigned long long)gpa);
	return boot_file_read(file, mem, size, offset);
}

static int boot_check_header(const struct setup_header *hdr, const char *path)
{
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HEADER_MAGIC)
		return fail("%s: not a Linux bzImage", path);
	if (hdr->version < VERSION_64BIT)
		return fail("%s: boot protocol %u.%02u, at least 2.12 needed",
			    path, hdr->version >> 8, hdr->version & 0xff);
	if (!(hdr->xloadflags & XLF_KERNEL_64))
		return fail("%s: not a 64-bit kernel", path);
	return 0;
}

/* The byte at 0x201 is the offset of the end of the header from there. */
static int boot_read_header(struct boot *boot, const struct boot_file *file)
{
	struct setup_header *hdr = &boot->params->hdr;
	size_t size;
	uint8_t end;

	if (boot_file_read(file, &end, 1, 0x201))
		return -1;
	size = 0x202 + end - HEADER_OFFSET;
	if (size > sizeof(*hdr))
		size = sizeof(*hdr);
	if (boot_file_read(file, hdr, size, HEADER_OFFSET))
		return -1;
	return boot_check_header(hdr, file->path);
}

static int boot_load_kernel(struct boot *boot, const char *path)
{
	struct setup_header *hdr = &boot->params->hdr;
	struct boot_file file;
	uint64_t setup_size;
	int err;

	if (boot_file_open(&file, path))
		return -1;
	err = boot_read_header(boot, &file);
	if (err)
		goto out;
	setup_size = (hdr->setup_sects ? hdr->setup_sects :
		      SETUP_SECTS_DEFAULT) + 1;
	setup_size *= SECTOR;
	boot->kernel_end = hdr->pref_address + hdr->init_size;
	if (file.size < setup_size) {
		err = fail("%s: ends inside its setup code", path);
		goto out;
	}
	if (boot->kernel_end > boot->vm->regions[0].size) {
		err = fail("%s: needs memory up to %llu MiB; give a larger --mem",
			   path, (unsigned long long)boot->kernel_end >> 20);
		goto out;
	}
	err = boot_file_load(&file, boot->vm, hdr->pref_address,
			     file.size - setup_size, setup_size);
out:
	close(file.fd);
	return err;
}

/* As high as the kernel allows, out of the way of its own unpacking. */
static int boot_load_initrd(struct boot *boot, const char *path)
{
	struct setup_header *hdr = &boot->params->hdr;
	uint64_t top = boot->vm->regions[0].size;
	struct boot_file file;
	uint64_t gpa;
	int err;

	if (boot_file_open(&file, path))
		return -1;
	if (top > hdr->initrd_addr_max + 1ULL)
		top = hdr->initrd_addr_max + 1ULL;
	gpa = (top - file.size) & ~(PAGE - 1);
	if (file.size > top || gpa < boot->kernel_end) {
		err = fail("%s: %llu bytes do not fit into memory beside the kernel; give a larger --mem",
			   path, (unsigned long long)file.size);
	} else {
		hdr->ramdisk_image = gpa;
		hdr->ramdisk_size = file.size;
		err = boot_file_load(&file, boot->vm, gpa, file.size, 0);
	}
	close(file.fd);
	return err;
}

static int boot_set_cmdline(struct boot *boot, const char *cmdline)
{
	struct setup_header *hdr = &boot->params->hdr;
	size_t len = strlen(cmdline);

	if (len > hdr->cmdline_size)
		return fail("--cmdline: %zu characters with the defaults, the kernel takes %u",
			    len, hdr->cmdline_size);
	memcpy(vm_memory(boot->vm, GPA_CMDLINE, len + 1), cmdline, len + 1);
	hdr->cmd_line_ptr = GPA_CMDLINE;
	return 0;
}

static void boot_add_e820(struct boot_params *params, uint64_t start,
			  uint64_t end, uint32_t type)
{
	params->e820_table[params->e820_entries++] = (struct boot_e820_entry) {
		.addr = start,
		.size = end - start,
		.type = type,
	};
}

static void boot_set_memory_map(struct boot *boot)
{
	const struct kvblk_region *regions = boot->vm->regions;
	struct boot_params *params = boot->params;

	boot_add_e820(params, 0, GPA_LOW_END, E820_RAM);
	boot_add_e820(params, GPA_ACPI, GPA_ACPI_END, E820_ACPI);
	boot_add_e820(params, GPA_ACPI_END, regions[0].size, E820_RAM);
	if (boot->vm->nr_regions > 1)
		boot_add_e820(params, regions[1].gpa,
			      regions[1].gpa + regions[1].size, E820_RAM);
}

/* Identity map of the first 4 GiB: root, one table of 4, four of 2 MiB pages */
static void boot_set_page_tables(struct vm *vm)
{
	uint64_t *root = vm_memory(vm, GPA_PAGE_TABLES, 6 * PAGE);
	uint64_t *third = root + TABLE_ENTRIES;
	uint64_t *second = third + TABLE_ENTRIES;
	uint64_t i;

	root[0] = (GPA_PAGE_TABLES + PAGE) | PTE_TABLE;
	for (i = 0; i < TABLES_OF_2M; i++)
		third[i] = (GPA_PAGE_TABLES + (2 + i) * PAGE) | PTE_TABLE;
	for (i = 0; i < TABLES_OF_2M * TABLE_ENTRIES; i++)
		second[i] = i << 21 | PTE_2M;
}

/* Selectors 0x10 and 0x18; vcpu.c loads what they describe. */
static void boot_set_gdt(struct vm *vm)
{
	static const uint64_t gdt[] = {
		0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff,
	};

	memcpy(vm_memory(vm, GPA_GDT, sizeof(gdt)), gdt, sizeof(gdt));
}

int boot_load(struct vm *vm, const struct boot_files *files, uint64_t *entry)
{
	struct boot boot = {
		.vm = vm,
		.params = vm_memory(vm, GPA_BOOT_PARAMS,
				    sizeof(struct boot_params)),
	};
	uint64_t rsdp;

	if (boot_load_kernel(&boot, files->kernel))
		return -1;
	if (files->initrd && boot_load_initrd(&boot, files->initrd))
		return -1;
	if (boot_set_cmdline(&boot, files->cmdline) || acpi_build(vm, &rsdp))
		return -1;
	boot.params->hdr.type_of_loader = LOADER_UNDEFINED;
	boot.params->acpi_rsdp_addr = rsdp;
	boot_set_memory_map(&boot);
	boot_set_page_tables(vm);
	boot_set_gdt(vm);
	*entry = boot.params->hdr.pref_address + ENTRY_64BIT;
	return 0;
}
