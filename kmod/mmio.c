// SPDX-License-Identifier: GPL-2.0
/* virtio-mmio registers: gates, status machine, what the window shows. */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <asm/byteorder.h>
#include "mmio.h"

#define MAGIC		0x74726976	/* "virt" */
#define VERSION		2
#define NO_REGION	0xffffffff	/* address and length: no shared memory */

#define ACKNOWLEDGE	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER		VIRTIO_CONFIG_S_DRIVER
#define DRIVER_OK	VIRTIO_CONFIG_S_DRIVER_OK
#define FEATURES_OK	VIRTIO_CONFIG_S_FEATURES_OK
#define NEEDS_RESET	VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED		VIRTIO_CONFIG_S_FAILED

static void reg_set(struct kvblk_mmio *m, u32 offset, u32 value)
{
	__le32 *reg = m->page + offset;

	WRITE_ONCE(*reg, cpu_to_le32(value));
}

static u32 reg_get(const struct kvblk_mmio *m, u32 offset)
{
	const __le32 *reg = m->page + offset;

	return le32_to_cpu(READ_ONCE(*reg));
}

/* Status and InterruptStatus are the words of the window themselves. */
static atomic_t *reg_atomic(const struct kvblk_mmio *m, u32 offset)
{
	return m->page + offset;
}

static int atomic_of(u32 value)
{
	return (__force int)cpu_to_le32(value);
}

static u32 value_of(int word)
{
	return le32_to_cpu((__force __le32)word);
}

u32 kvblk_mmio_status(const struct kvblk_mmio *m)
{
	return value_of(atomic_read_acquire(reg_atomic(m, VIRTIO_MMIO_STATUS)));
}

/* 5.2.2: one request queue without the feature. */
unsigned int kvblk_mmio_queues(const struct kvblk_mmio *m)
{
	bool settled = kvblk_mmio_status(m) & FEATURES_OK;

	return settled && !(m->driver & BIT_ULL(VIRTIO_BLK_F_MQ)) ? 1 : m->queues;
}

static struct kvblk_vq_config *vq_selected(struct kvblk_mmio *m)
{
	if (m->queue_sel >= kvblk_mmio_queues(m))
		return NULL;
	return &m->vq[m->queue_sel];
}

static u32 features_half(u64 features, u32 sel)
{
	return sel < 2 ? features >> (32 * sel) : 0;
}

static void show_features(struct kvblk_mmio *m)
{
	reg_set(m, VIRTIO_MMIO_DEVICE_FEATURES,
		features_half(m->offered, m->features_sel));
}

static void show_queue(struct kvblk_mmio *m)
{
	struct kvblk_vq_config *vq = vq_selected(m);

	reg_set(m, VIRTIO_MMIO_QUEUE_NUM_MAX, vq ? m->queue_max : 0);
	reg_set(m, VIRTIO_MMIO_QUEUE_READY, vq && vq->ready);
}

/* All that a reset undoes, but for Status and the configuration space. */
static void registers_reset(struct kvblk_mmio *m)
{
	unsigned int i;

	m->driver = 0;
	m->features_sel = 0;
	m->driver_sel = 0;
	m->queue_sel = 0;
	for (i = 0; i < m->queues; i++)
		m->vq[i] = (struct kvblk_vq_config){ .num = m->queue_max };
	show_features(m);
	show_queue(m);
	atomic_set(reg_atomic(m, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

void kvblk_mmio_init(struct kvblk_mmio *m, const void *config, u32 config_len)
{
	reg_set(m, VIRTIO_MMIO_MAGIC_VALUE, MAGIC);
	reg_set(m, VIRTIO_MMIO_VERSION, VERSION);
	reg_set(m, VIRTIO_MMIO_DEVICE_ID, VIRTIO_ID_BLOCK);
	reg_set(m, VIRTIO_MMIO_VENDOR_ID, KVBLK_MMIO_VENDOR);
	reg_set(m, VIRTIO_MMIO_SHM_LEN_LOW, NO_REGION);
	reg_set(m, VIRTIO_MMIO_SHM_LEN_HIGH, NO_REGION);
	reg_set(m, VIRTIO_MMIO_SHM_BASE_LOW, NO_REGION);
	reg_set(m, VIRTIO_MMIO_SHM_BASE_HIGH, NO_REGION);
	memcpy(m->page + KVBLK_MMIO_CONFIG, config, config_len);
	registers_reset(m);
}

void kvblk_mmio_reset_begin(struct kvblk_mmio *m)
{
	atomic_set_release(reg_atomic(m, VIRTIO_MMIO_STATUS),
			   atomic_of(NEEDS_RESET));
	/* Without FEATURES_OK no number of queues is settled. */
	show_queue(m);
}

void kvblk_mmio_reset_done(struct kvblk_mmio *m)
{
	registers_reset(m);
	reg_set(m, VIRTIO_MMIO_CONFIG_GENERATION,
		reg_get(m, VIRTIO_MMIO_CONFIG_GENERATION) + 1);
	/* A driver that polls for 0 (4.2.2.1) then finds all of the above. */
	atomic_set_release(reg_atomic(m, VIRTIO_MMIO_STATUS), 0);
}

void kvblk_mmio_needs_reset(struct kvblk_mmio *m)
{
	atomic_or(atomic_of(NEEDS_RESET), reg_atomic(m, VIRTIO_MMIO_STATUS));
	kvblk_mmio_raise(m, KVBLK_INT_CONFIG);
}

/*
 * Release: whoever sees the bit sees what it is about (used ring, Status).
 * Pairs with the driver's read of InterruptStatus in its interrupt handler.
 */
void kvblk_mmio_raise(struct kvblk_mmio *m, u32 bits)
{
	atomic_fetch_or_release(atomic_of(bits),
				reg_atomic(m, VIRTIO_MMIO_INTERRUPT_STATUS));
}

void kvblk_mmio_ack(struct kvblk_mmio *m, u32 bits)
{
	atomic_fetch_andnot(atomic_of(bits),
			    reg_atomic(m, VIRTIO_MMIO_INTERRUPT_STATUS));
}

u32 kvblk_mmio_interrupts(const struct kvblk_mmio *m)
{
	return value_of(atomic_read(reg_atomic(m, VIRTIO_MMIO_INTERRUPT_STATUS)));
}

/* Some bits settled, others not yet: extra bits do not matter. */
static bool status_has(struct kvblk_mmio *m, u32 set, u32 clear)
{
	return (kvblk_mmio_status(m) & (set | clear)) == set;
}

/* Queues are set up between FEATURES_OK and DRIVER_OK (3.1.1, steps 6 to 8). */
static struct kvblk_vq_config *vq_writable(struct kvblk_mmio *m)
{
	if (!status_has(m, ACKNOWLEDGE | DRIVER | FEATURES_OK, DRIVER_OK))
		return NULL;
	return vq_selected(m);
}

static bool features_acceptable(const struct kvblk_mmio *m, u64 features)
{
	return features & BIT_ULL(VIRTIO_F_VERSION_1) && !(features & ~m->offered);
}

int kvblk_mmio_accept(struct kvblk_mmio *m, u64 features)
{
	if (!status_has(m, 0, FEATURES_OK))
		return -EBUSY;
	if (!features_acceptable(m, features))
		return -EINVAL;
	m->driver = features;
	return 0;
}

/* The only bits a driver may add, one at a time and in this order (3.1.1). */
static const struct {
	u32 bit;
	u32 needs;
	enum kvblk_mmio_act act;
} status_steps[] = {
	{ ACKNOWLEDGE, 0, KVBLK_MMIO_NONE },
	{ DRIVER, ACKNOWLEDGE, KVBLK_MMIO_NONE },
	{ FEATURES_OK, ACKNOWLEDGE | DRIVER, KVBLK_MMIO_NONE },
	{ DRIVER_OK, ACKNOWLEDGE | DRIVER | FEATURES_OK, KVBLK_MMIO_START },
};

static enum kvblk_mmio_act status_step(const struct kvblk_mmio *m, u32 from,
				       u32 to)
{
	unsigned int i;

	if (to == (from | FAILED))
		return KVBLK_MMIO_FAILED;
	for (i = 0; i < ARRAY_SIZE(status_steps); i++) {
		if (from != status_steps[i].needs ||
		    to != (from | status_steps[i].bit))
			continue;
		if (status_steps[i].bit == FEATURES_OK &&
		    !features_acceptable(m, m->driver))
			continue;
		return status_steps[i].act;
	}
	return KVBLK_MMIO_REFUSED;
}

static enum kvblk_mmio_act write_status(struct kvblk_mmio *m, u32 value)
{
	atomic_t *status = reg_atomic(m, VIRTIO_MMIO_STATUS);
	int old = atomic_read(status);
	enum kvblk_mmio_act act;

	if (!value)
		return KVBLK_MMIO_RESET;
	/* The worker adds NEEDS_RESET, once: at most one more round. */
	do {
		if (value_of(old) == value)
			return KVBLK_MMIO_NONE;
		act = status_step(m, value_of(old), value);
		if (act == KVBLK_MMIO_REFUSED)
			return act;
	} while (!atomic_try_cmpxchg(status, &old, atomic_of(value)));
	/* FEATURES_OK settles which queues there are. */
	show_queue(m);
	return act;
}

static enum kvblk_mmio_act write_features(struct kvblk_mmio *m, u32 value)
{
	if (!status_has(m, ACKNOWLEDGE | DRIVER, FEATURES_OK))
		return KVBLK_MMIO_REFUSED;
	switch (m->driver_sel) {
	case 0:
		m->driver = (m->driver & ~(u64)U32_MAX) | value;
		return KVBLK_MMIO_NONE;
	case 1:
		m->driver = (u32)m->driver | (u64)value << 32;
		return KVBLK_MMIO_NONE;
	default:
		/* Bits above 63 are never offered; accepting none is right. */
		return value ? KVBLK_MMIO_REFUSED : KVBLK_MMIO_NONE;
	}
}

static enum kvblk_mmio_act write_queue_num(struct kvblk_mmio *m, u32 value)
{
	struct kvblk_vq_config *vq = vq_writable(m);

	if (!vq || vq->ready || value > m->queue_max || !is_power_of_2(value))
		return KVBLK_MMIO_REFUSED;
	vq->num = value;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act write_queue_ready(struct kvblk_mmio *m, u32 value)
{
	struct kvblk_vq_config *vq = vq_selected(m);

	/* Drivers also write 0 after a reset, to be sure (4.2.2.2). */
	if (vq && vq->ready == value)
		return KVBLK_MMIO_NONE;
	vq = vq_writable(m);
	if (!vq || value > 1 || (value && !m->queue_ok(m, vq)))
		return KVBLK_MMIO_REFUSED;
	vq->ready = value;
	show_queue(m);
	return KVBLK_MMIO_NONE;
}

/* By (offset - QueueDescLow) / 16. */
static const struct {
	size_t field;
	u32 align;
} queue_areas[] = {
	{ offsetof(struct kvblk_vq_config, desc), VRING_DESC_ALIGN_SIZE },
	{ offsetof(struct kvblk_vq_config, avail), VRING_AVAIL_ALIGN_SIZE },
	{ offsetof(struct kvblk_vq_config, used), VRING_USED_ALIGN_SIZE },
};

static enum kvblk_mmio_act write_queue_area(struct kvblk_mmio *m, u32 offset,
					    u32 value)
{
	unsigned int area = (offset - VIRTIO_MMIO_QUEUE_DESC_LOW) / 16;
	struct kvblk_vq_config *vq = vq_writable(m);
	u64 *addr;

	if (!vq || vq->ready)
		return KVBLK_MMIO_REFUSED;
	addr = (void *)vq + queue_areas[area].field;
	if (offset & 4) {
		*addr = (u32)*addr | (u64)value << 32;
		return KVBLK_MMIO_NONE;
	}
	if (!IS_ALIGNED(value, queue_areas[area].align))
		return KVBLK_MMIO_REFUSED;
	*addr = (*addr & ~(u64)U32_MAX) | value;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act latch(u32 *sel, u32 value)
{
	*sel = value;
	return KVBLK_MMIO_NONE;
}

static enum kvblk_mmio_act write_register(struct kvblk_mmio *m, u32 offset,
					  u32 value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		latch(&m->features_sel, value);
		show_features(m);
		return KVBLK_MMIO_NONE;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		return write_features(m, value);
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		return latch(&m->driver_sel, value);
	case VIRTIO_MMIO_QUEUE_SEL:
		latch(&m->queue_sel, value);
		show_queue(m);
		return KVBLK_MMIO_NONE;
	case VIRTIO_MMIO_QUEUE_NUM:
		return write_queue_num(m, value);
	case VIRTIO_MMIO_QUEUE_READY:
		return write_queue_ready(m, value);
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		return value < kvblk_mmio_queues(m) ? KVBLK_MMIO_NOTIFY : KVBLK_MMIO_REFUSED;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		kvblk_mmio_ack(m, value);
		return KVBLK_MMIO_NONE;
	case VIRTIO_MMIO_STATUS:
		return write_status(m, value);
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		return write_queue_area(m, offset, value);
	case VIRTIO_MMIO_SHM_SEL:
		return KVBLK_MMIO_NONE;
	default:
		return KVBLK_MMIO_REFUSED;
	}
}

enum kvblk_mmio_act kvblk_mmio_write(struct kvblk_mmio *m, u32 offset, u32 len,
				     u64 value)
{
	/* Drivers are known to poke at the configuration space. */
	if (offset >= KVBLK_MMIO_CONFIG)
		return KVBLK_MMIO_NONE;
	if (len != sizeof(u32))
		return KVBLK_MMIO_REFUSED;
	return write_register(m, offset, value);
}

u64 kvblk_mmio_read(const struct kvblk_mmio *m, u32 offset, u32 len)
{
	const u8 *byte = m->page + offset;
	u64 value = 0;
	u32 i;

	if (len > sizeof(value) || offset > KVBLK_MMIO_SIZE - len)
		return 0;
	for (i = 0; i < len; i++)
		value |= (u64)READ_ONCE(byte[i]) << (8 * i);
	return value;
}
