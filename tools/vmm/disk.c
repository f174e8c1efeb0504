// SPDX-License-Identifier: GPL-2.0
/* kvblk disks: all that a VMM has to do for one. */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "vmm.h"

/* Pins that no legacy device ever had first, then the others from 5 up. */
static uint32_t disk_gsi(unsigned int index)
{
	return index < 8 ? 16 + index : 5 + index - 8;
}

static const char *disk_advice(int err)
{
	switch (err) {
	case -ENOENT:
		return "no such disk; see `kvblkctl list`, add it with `kvblkctl add`";
	case -EBUSY:
		return "in use by another VMM; see `kvblkctl show`";
	case -EACCES:
		return "permission denied; add the disk with this user as its owner";
	default:
		return strerror(-err);
	}
}

static int disk_plug(struct vm *vm, struct disk *disk, uint32_t memslot)
{
	const char *step = "guest memory";
	const char *why;
	int err;

	if (vm->pin)
		err = kvblk_dev_pin_memory(disk->dev, vm->regions, vm->nr_regions);
	else
		err = kvblk_dev_set_memory(disk->dev, vm->regions, vm->nr_regions);
	if (!err) {
		step = "plug";
		err = kvblk_dev_plug(disk->dev, vm->fd, disk->gpa, disk->gsi,
				     memslot);
	}
	if (!err)
		return 0;
	why = kvblk_dev_why(disk->dev);
	return fail("disk %s: %s: %s", disk->name, step,
		    *why ? why : strerror(-err));
}

int disk_open(struct vm *vm, const char *name)
{
	unsigned int index = vm->nr_disks;
	struct disk *disk = &vm->disks[index];
	int err;

	disk->name = name;
	disk->gpa = GPA_DISK + index * KVBLK_PAGE_SIZE;
	disk->gsi = disk_gsi(index);
	err = kvblk_dev_open(name, &disk->dev);
	if (err)
		return fail("disk %s: %s", name, disk_advice(err));
	vm->nr_disks++;
	return disk_plug(vm, disk, vm->nr_regions + index);
}

/* Whether the disk behind @gsi interrupts: what its line would be. */
bool disk_line(const struct vm *vm, uint32_t gsi)
{
	unsigned int i;

	for (i = 0; i < vm->nr_disks; i++) {
		const struct disk *disk = &vm->disks[i];
		const volatile uint8_t *page = kvblk_dev_page(disk->dev);

		if (disk->gsi == gsi && page)
			return page[VIRTIO_MMIO_INTERRUPT_STATUS];
	}
	return false;
}

void disk_close(struct disk *disk)
{
	kvblk_dev_close(disk->dev);
}

static enum reg_class disk_reg_class(uint32_t offset)
{
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY)
		return REG_NOTIFY;
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK)
		return REG_ACK;
	return offset < VIRTIO_MMIO_CONFIG ? REG_SETUP : REG_CONFIG;
}

static void disk_access(struct disk *disk, uint32_t offset, void *data,
			uint32_t len, bool is_write)
{
	enum reg_class reg = disk_reg_class(offset);
	int err;

	if (is_write) {
		stats_count(&disk->writes[reg]);
		err = kvblk_dev_write(disk->dev, offset, data, len);
	} else {
		stats_count(&disk->reads[reg]);
		err = kvblk_dev_read(disk->dev, offset, data, len);
	}
	if (err)
		fail("disk %s: register 0x%x: %s", disk->name, offset,
		     strerror(-err));
}

/* What is nobody's reads as ones, as on a bus without pull-down. */
void disk_mmio(struct vm *vm, uint64_t gpa, void *data, uint32_t len,
	       bool is_write)
{
	unsigned int i;

	if (!is_write)
		memset(data, 0xff, len);
	for (i = 0; i < vm->nr_disks; i++) {
		struct disk *disk = &vm->disks[i];

		if (kvblk_dev_claims(disk->dev, gpa, len)) {
			disk_access(disk, gpa - disk->gpa, data, len, is_write);
			return;
		}
	}
}
