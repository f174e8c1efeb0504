// SPDX-License-Identifier: GPL-2.0
/* What the specification says of each register write, for mmio_fuzz.c. */
#include <linux/errno.h>
#include <linux/virtio_mmio.h>
#include "mmio_model.h"

/* Memory of the guest ends somewhere; every third address is a hole. */
bool areas_good(const struct kvblk_vq_config *vq)
{
	return vq->desc % 48 != 16 && vq->avail < 1ULL << 40 &&
	       vq->used < 1ULL << 40;
}

u32 shown(const struct model *md, u32 offset)
{
	u32 value;

	memcpy(&value, md->page + offset, sizeof(value));
	return value;
}

void show(struct model *md, u32 offset, u32 value)
{
	memcpy(md->page + offset, &value, sizeof(value));
}

/* Without MULTI QUEUE (bit 12) there is one queue, once that is settled (5.2.2). */
static u32 queues(const struct model *md, const struct kvblk_mmio *m)
{
	bool settled = shown(md, VIRTIO_MMIO_STATUS) & 8;

	return settled && !(md->driver >> 12 & 1) ? 1 : m->queues;
}

/* The one selected, or NULL. */
static struct kvblk_vq_config *selected(struct model *md, const struct kvblk_mmio *m)
{
	return md->queue_sel < queues(md, m) ? &md->vq[md->queue_sel] : NULL;
}

static void model_show(struct model *md, const struct kvblk_mmio *m)
{
	u64 offered = md->features_sel > 1 ? 0 : m->offered;
	const struct kvblk_vq_config *vq = selected(md, m);

	show(md, VIRTIO_MMIO_DEVICE_FEATURES,
	     md->features_sel ? offered >> 32 : offered);
	show(md, VIRTIO_MMIO_QUEUE_NUM_MAX, vq ? m->queue_max : 0);
	show(md, VIRTIO_MMIO_QUEUE_READY, vq && vq->ready);
}

void model_reset_begin(struct model *md, const struct kvblk_mmio *m)
{
	show(md, VIRTIO_MMIO_STATUS, 0x40);
	model_show(md, m);
}

void model_reset(struct model *md, const struct kvblk_mmio *m)
{
	unsigned int i;

	md->driver = 0;
	md->features_sel = 0;
	md->driver_sel = 0;
	md->queue_sel = 0;
	for (i = 0; i < MODEL_QUEUES; i++)
		md->vq[i] = (struct kvblk_vq_config){ .num = m->queue_max };
	show(md, VIRTIO_MMIO_INTERRUPT_STATUS, 0);
	model_show(md, m);
}

void model_init(struct model *md, const struct kvblk_mmio *m,
		const void *config)
{
	u32 offset;

	memset(md, 0, sizeof(*md));
	memcpy(md->page, "virt", 4);
	show(md, VIRTIO_MMIO_VERSION, 2);
	show(md, VIRTIO_MMIO_DEVICE_ID, 2);
	memcpy(md->page + VIRTIO_MMIO_VENDOR_ID, "kvbl", 4);
	for (offset = 0xb0; offset < 0xc0; offset += 4)
		show(md, offset, ~0U);
	memcpy(md->page + KVBLK_MMIO_CONFIG, config, CONFIG_LEN);
	model_reset(md, m);
}

void model_needs_reset(struct model *md)
{
	show(md, VIRTIO_MMIO_STATUS, shown(md, VIRTIO_MMIO_STATUS) | 0x40);
	show(md, VIRTIO_MMIO_INTERRUPT_STATUS,
	     shown(md, VIRTIO_MMIO_INTERRUPT_STATUS) | KVBLK_INT_CONFIG);
}

/* 1, 3, 0xb, 0xf, in this order; FAILED from anywhere. */
static enum kvblk_mmio_act model_status(struct model *md,
					const struct kvblk_mmio *m, u32 to)
{
	u32 from = shown(md, VIRTIO_MMIO_STATUS);
	bool version_1 = md->driver >> 32 & 1;

	if (!to)
		return KVBLK_MMIO_RESET;
	if (to == from)
		return KVBLK_MMIO_NONE;
	if (to != (from | 0x80)) {
		if (!(from == 0 && to == 1) && !(from == 1 && to == 3) &&
		    !(from == 3 && to == 0xb) && !(from == 0xb && to == 0xf))
			return KVBLK_MMIO_REFUSED;
		if (to == 0xb && (!version_1 || md->driver & ~m->offered))
			return KVBLK_MMIO_REFUSED;
	}
	show(md, VIRTIO_MMIO_STATUS, to);
	if (to == (from | 0x80))
		return KVBLK_MMIO_FAILED;
	return to == 0xf ? KVBLK_MMIO_START : KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act model_features(struct model *md, u32 value)
{
	u32 half[2] = { md->driver, md->driver >> 32 };

	if ((shown(md, VIRTIO_MMIO_STATUS) & 0xb) != 3)
		return KVBLK_MMIO_REFUSED;
	if (md->driver_sel > 1)
		return value ? KVBLK_MMIO_REFUSED : KVBLK_MMIO_NONE;
	half[md->driver_sel] = value;
	md->driver = half[0] | (u64)half[1] << 32;
	return KVBLK_MMIO_NONE;
}

int model_accept(struct model *md, const struct kvblk_mmio *m, u64 features)
{
	if (shown(md, VIRTIO_MMIO_STATUS) & 8)
		return -EBUSY;
	if (!(features >> 32 & 1) || features & ~m->offered)
		return -EINVAL;
	md->driver = features;
	return 0;
}

/* The one selected, if it may be set up now; or NULL. */
static struct kvblk_vq_config *queue_open(struct model *md, const struct kvblk_mmio *m)
{
	return (shown(md, VIRTIO_MMIO_STATUS) & 0xf) == 0xb ? selected(md, m) : NULL;
}

static enum kvblk_mmio_act model_queue_ready(struct model *md,
					     const struct kvblk_mmio *m, u32 value)
{
	struct kvblk_vq_config *vq = selected(md, m);

	if (vq && value == vq->ready)
		return KVBLK_MMIO_NONE;
	vq = queue_open(md, m);
	if (!vq || value > 1 || (value && !areas_good(vq)))
		return KVBLK_MMIO_REFUSED;
	vq->ready = value;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act model_queue_num(struct model *md,
					   const struct kvblk_mmio *m, u32 value)
{
	struct kvblk_vq_config *vq = queue_open(md, m);

	if (!vq || vq->ready)
		return KVBLK_MMIO_REFUSED;
	if (value > m->queue_max || __builtin_popcount(value) != 1)
		return KVBLK_MMIO_REFUSED;
	vq->num = value;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act model_area(struct model *md, const struct kvblk_mmio *m,
				      u32 offset, u32 value)
{
	struct kvblk_vq_config *vq = queue_open(md, m);
	bool high = offset & 4;
	u32 half[2], align;
	u64 *addr;

	if (!vq || vq->ready)
		return KVBLK_MMIO_REFUSED;
	addr = offset < 0x90 ? &vq->desc : offset < 0xa0 ? &vq->avail : &vq->used;
	align = offset < 0x90 ? 16 : offset < 0xa0 ? 2 : 4;
	if (!high && value % align)
		return KVBLK_MMIO_REFUSED;
	half[0] = *addr;
	half[1] = *addr >> 32;
	half[high] = value;
	*addr = half[0] | (u64)half[1] << 32;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act model_register(struct model *md,
					  const struct kvblk_mmio *m,
					  u32 offset, u32 value)
{
	switch (offset) {
	case 0x014:
		md->features_sel = value;
		return KVBLK_MMIO_NONE;
	case 0x020:
		return model_features(md, value);
	case 0x024:
		md->driver_sel = value;
		return KVBLK_MMIO_NONE;
	case 0x030:
		md->queue_sel = value;
		return KVBLK_MMIO_NONE;
	case 0x038:
		return model_queue_num(md, m, value);
	case 0x044:
		return model_queue_ready(md, m, value);
	case 0x050:
		return value < queues(md, m) ? KVBLK_MMIO_NOTIFY : KVBLK_MMIO_REFUSED;
	case 0x064:
		show(md, 0x060, shown(md, 0x060) & ~value);
		return KVBLK_MMIO_NONE;
	case 0x070:
		return model_status(md, m, value);
	case 0x080:
	case 0x084:
	case 0x090:
	case 0x094:
	case 0x0a0:
	case 0x0a4:
		return model_area(md, m, offset, value);
	case 0x0ac:
		return KVBLK_MMIO_NONE;
	default:
		return KVBLK_MMIO_REFUSED;
	}
}

enum kvblk_mmio_act model_write(struct model *md, const struct kvblk_mmio *m,
				u32 offset, u32 len, u64 value)
{
	enum kvblk_mmio_act act;

	if (offset >= KVBLK_MMIO_CONFIG)
		return KVBLK_MMIO_NONE;
	if (len != 4)
		return KVBLK_MMIO_REFUSED;
	act = model_register(md, m, offset, value);
	model_show(md, m);
	return act;
}

static bool same_queue(const struct kvblk_vq_config *a, const struct kvblk_vq_config *b)
{
	return a->num == b->num && a->ready == b->ready && a->desc == b->desc &&
	       a->avail == b->avail && a->used == b->used;
}

bool model_is(const struct model *md, const struct kvblk_mmio *m)
{
	unsigned int i;

	for (i = 0; i < m->queues; i++) {
		if (!same_queue(&m->vq[i], &md->vq[i]))
			return false;
	}
	return !memcmp(m->page, md->page, sizeof(md->page)) &&
	       m->driver == md->driver && m->driver_sel == md->driver_sel &&
	       m->features_sel == md->features_sel && m->queue_sel == md->queue_sel;
}
