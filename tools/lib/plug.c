// SPDX-License-Identifier: GPL-2.0
/* Make a session a device: page, eventfds, and a place in a VM. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static int map_page(struct kvblk_dev *dev)
{
	void *page = mmap(NULL, KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, dev->fd,
			  0);

	if (page == MAP_FAILED)
		return kvblk_dev_fail(dev, "register page");
	dev->page = page;
	return 0;
}

static int make_device(struct kvblk_dev *dev)
{
	int err = map_page(dev);

	return err ? err : kvblk_events_open(dev);
}

/* Accepts any part of a device, in the reverse order of its making. */
void kvblk_dev_unplug(struct kvblk_dev *dev)
{
	char why[KVBLK_WHY_LEN];

	/* This may be the undo of a failure whose sentence is still wanted. */
	memcpy(why, dev->why, sizeof(why));
	if (dev->vm_fd >= 0) {
		kvblk_kvm_detach(dev);
		close(dev->vm_fd);
		dev->vm_fd = -1;
	}
	kvblk_events_close(dev);
	if (dev->page)
		munmap(dev->page, KVBLK_PAGE_SIZE);
	dev->page = NULL;
	memcpy(dev->why, why, sizeof(why));
}

int kvblk_dev_plug_fds(struct kvblk_dev *dev)
{
	int err;

	dev->why[0] = '\0';
	if (dev->page)
		return -EALREADY;
	err = make_device(dev);
	if (err)
		kvblk_dev_unplug(dev);
	return err;
}

static int take_vm(struct kvblk_dev *dev, int vm_fd)
{
	dev->vm_fd = fcntl(vm_fd, F_DUPFD_CLOEXEC, 0);
	return dev->vm_fd < 0 ? kvblk_dev_fail(dev, "vm_fd") : 0;
}

int kvblk_dev_plug(struct kvblk_dev *dev, int vm_fd, uint64_t gpa,
		   uint32_t gsi, uint32_t memslot)
{
	int err;

	dev->why[0] = '\0';
	if (dev->page)
		return -EALREADY;
	if (gpa % KVBLK_PAGE_SIZE) {
		kvblk_why(dev->why, sizeof(dev->why),
			  "gpa: 0x%llx is not a multiple of %d",
			  (unsigned long long)gpa, KVBLK_PAGE_SIZE);
		return -EINVAL;
	}
	dev->gpa = gpa;
	dev->gsi = gsi;
	dev->memslot = memslot;
	/* First, else a stale @vm_fd may be the number of an eventfd. */
	err = take_vm(dev, vm_fd);
	if (!err)
		err = make_device(dev);
	if (!err)
		err = kvblk_kvm_attach(dev);
	if (err)
		kvblk_dev_unplug(dev);
	return err;
}

const void *kvblk_dev_page(const struct kvblk_dev *dev)
{
	return dev->page;
}

bool kvblk_dev_claims(const struct kvblk_dev *dev, uint64_t gpa, size_t len)
{
	/* Below the window the difference wraps and is too large. */
	return dev->vm_fd >= 0 && len <= KVBLK_PAGE_SIZE &&
	       gpa - dev->gpa <= KVBLK_PAGE_SIZE - len;
}
