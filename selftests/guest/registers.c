// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include "disk.h"
#include "harness.h"
#include "registers.h"
#include "session.h"
#include "vdpa.h"

#define ACCESS_PLATFORM	(1ULL << VIRTIO_F_ACCESS_PLATFORM)

static uint32_t queue_max(const struct session *s)
{
	uint16_t max;

	ASSERT_EQ(call(s->fd, VHOST_VDPA_GET_VRING_NUM, &max), 0);
	return max;
}

uint32_t registers_read(const struct session *s, uint32_t offset)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_ID:
		return VIRTIO_ID_BLOCK;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return (vdpa_features(s->fd) & ~ACCESS_PLATFORM) >>
		       (32 * s->reg.features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return queue_max(s);
	case VIRTIO_MMIO_QUEUE_READY:
		return s->reg.ready;
	case VIRTIO_MMIO_STATUS:
		return vdpa_status(s->fd);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		/* Nobody keeps it: a driver has to look at everything. */
		return vdpa_status(s->fd) & STATUS_BROKEN ?
		       VIRTIO_MMIO_INT_CONFIG : VIRTIO_MMIO_INT_VRING;
	}
	DIE("register %#x is not shown through vDPA", offset);
	return 0;
}

static void write_ready(struct session *s, uint32_t value)
{
	const struct vdpa_vring vr = {
		.num = s->reg.num,
		.desc = s->reg.desc,
		.avail = s->reg.avail,
		.used = s->reg.used,
		.kick = s->event[KVBLK_EVENT_KICK],
		.call = s->event[KVBLK_EVENT_IRQ],
	};

	if (value)
		ASSERT_EQ(vdpa_set_vring(s->fd, &vr), 0);
	ASSERT_EQ(vdpa_enable(s->fd, 0, value), 0);
	s->reg.ready = value;
}

/* vhost-vdpa refuses what the device itself would ignore: bits taken back. */
static void write_status(struct session *s, uint32_t value)
{
	vdpa_set_status(s->fd, value);
	if (!value)
		s->reg = (struct registers) { 0 };
}

static void set_half(uint64_t *where, unsigned int half, uint32_t value)
{
	*where &= ~(0xffffffffULL << (32 * half));
	*where |= (uint64_t)value << (32 * half);
}

/* As QEMU: the device's addresses always go through the table. */
static void write_features(struct session *s, uint32_t value)
{
	set_half(&s->reg.driver_features, s->reg.driver_sel, value);
	if (s->reg.driver_sel)
		vdpa_set_features(s->fd, s->reg.driver_features |
					 ACCESS_PLATFORM);
}

void registers_write(struct session *s, uint32_t offset, uint32_t value)
{
	struct registers *reg = &s->reg;

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		reg->features_sel = value;
		return;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		reg->driver_sel = value;
		return;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		return write_features(s, value);
	case VIRTIO_MMIO_QUEUE_SEL:
	case VIRTIO_MMIO_INTERRUPT_ACK:
		return;
	case VIRTIO_MMIO_QUEUE_NUM:
		reg->num = value;
		return;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		return set_half(&reg->desc, offset / 4 % 2, value);
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		return set_half(&reg->avail, offset / 4 % 2, value);
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		return set_half(&reg->used, offset / 4 % 2, value);
	case VIRTIO_MMIO_QUEUE_READY:
		return write_ready(s, value);
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (!value)
			event_signal(s->event[KVBLK_EVENT_KICK]);
		return;
	case VIRTIO_MMIO_STATUS:
		return write_status(s, value);
	}
	DIE("register %#x is not written through vDPA", offset);
}
