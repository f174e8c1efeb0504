// SPDX-License-Identifier: GPL-2.0
/* The ends of a session that KVM holds: interrupt, two registers, the page. */
#include <errno.h>
#include <linux/kvm.h>
#include <linux/virtio_mmio.h>
#include <sys/ioctl.h>

#include "internal.h"

static int vm_call(struct kvblk_dev *dev, unsigned long request, void *arg,
		   const char *what)
{
	if (ioctl(dev->vm_fd, request, arg) < 0)
		return kvblk_dev_fail(dev, what);
	return 0;
}

static int tie_irq(struct kvblk_dev *dev, const struct kvblk_dev_event *ev,
		   bool on)
{
	struct kvm_irqfd arg = {
		.fd = ev->fd,
		.gsi = dev->gsi,
		.flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return vm_call(dev, KVM_IRQFD, &arg, "gsi: KVM_IRQFD");
}

static int tie_register(struct kvblk_dev *dev,
			const struct kvblk_dev_event *ev, uint32_t offset,
			uint64_t match, bool on)
{
	struct kvm_ioeventfd arg = {
		.datamatch = match,
		.addr = dev->gpa + offset,
		.len = sizeof(uint32_t),
		.fd = ev->fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH |
			 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};

	return vm_call(dev, KVM_IOEVENTFD, &arg, "gpa: KVM_IOEVENTFD");
}

static int tie(struct kvblk_dev *dev, const struct kvblk_dev_event *ev, bool on)
{
	switch (ev->event) {
	case KVBLK_EVENT_KICK:
		return tie_register(dev, ev, VIRTIO_MMIO_QUEUE_NOTIFY,
				    ev->queue, on);
	case KVBLK_EVENT_ACK:
		return tie_register(dev, ev, VIRTIO_MMIO_INTERRUPT_ACK,
				    VIRTIO_MMIO_INT_VRING, on);
	default:
		return tie_irq(dev, ev, on);
	}
}

/* KVM takes a size of 0 as the order to delete the slot. */
static int set_slot(struct kvblk_dev *dev, uint64_t size)
{
	struct kvm_userspace_memory_region arg = {
		.slot = dev->memslot,
		.flags = KVM_MEM_READONLY,
		.guest_phys_addr = dev->gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)dev->page,
	};

	return vm_call(dev, KVM_SET_USER_MEMORY_REGION, &arg,
		       "memslot: KVM_SET_USER_MEMORY_REGION");
}

/* The slot comes last: a guest that finds the device finds all of it. */
int kvblk_kvm_attach(struct kvblk_dev *dev)
{
	uint32_t i;
	int err;

	for (i = 0; i < dev->event_count; i++) {
		err = tie(dev, &dev->events[i], true);
		if (err)
			return err;
		dev->events[i].tied = true;
	}
	err = set_slot(dev, KVBLK_PAGE_SIZE);
	dev->slotted = !err;
	return err;
}

void kvblk_kvm_detach(struct kvblk_dev *dev)
{
	uint32_t i;

	if (dev->slotted)
		set_slot(dev, 0);
	dev->slotted = false;
	for (i = dev->event_count; i--;) {
		if (dev->events[i].tied)
			tie(dev, &dev->events[i], false);
		dev->events[i].tied = false;
	}
}
