// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of the vDPA bus, told to the session: a register file is the one place
 * where the device's state is, whoever asks for it.
 */
#include <linux/cc_platform.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <net/netlink.h>
#include <uapi/linux/vdpa.h>
#include "../pause.h"
#include "vdpa.h"

static struct kvblk_session *to_session(const struct vdpa_device *vdpa)
{
	return to_kvblk_vdpa(vdpa)->session;
}

static struct kvblk_mmio *to_mmio(const struct vdpa_device *vdpa)
{
	return &to_session(vdpa)->mmio;
}

/* ---- queues ---- */

/*
 * Locks the set-up of queue @idx, or NULL while the queue runs or drains: a suspended
 * queue keeps its rings and index. Undone by vq_unlock().
 */
static struct kvblk_vq_config *vq_lock(struct vdpa_device *vdpa, u16 idx)
{
	struct kvblk_session *s = to_session(vdpa);

	mutex_lock(&s->disk->lock);
	if (kvblk_queue_idle(&s->vq[idx].queue) && !s->starting && !s->resetting)
		return &s->mmio.vq[idx];
	mutex_unlock(&s->disk->lock);
	return NULL;
}

static void vq_unlock(struct vdpa_device *vdpa)
{
	mutex_unlock(&to_session(vdpa)->disk->lock);
}

static int vdpa_set_vq_address(struct vdpa_device *vdpa, u16 idx, u64 desc, u64 driver,
			       u64 device)
{
	struct kvblk_vq_config *vq;

	if (!IS_ALIGNED(desc, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(driver, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(device, VRING_USED_ALIGN_SIZE))
		return -EINVAL;
	vq = vq_lock(vdpa, idx);
	if (!vq)
		return -EBUSY;
	vq->desc = desc;
	vq->avail = driver;
	vq->used = device;
	vq_unlock(vdpa);
	return 0;
}

/* Drivers ask for the maximum first; what is no ring is left as it was. */
static void vdpa_set_vq_num(struct vdpa_device *vdpa, u16 idx, u32 num)
{
	struct kvblk_vq_config *vq;

	if (!is_power_of_2(num) || num > to_mmio(vdpa)->queue_max)
		return;
	vq = vq_lock(vdpa, idx);
	if (!vq)
		return;
	vq->num = num;
	vq_unlock(vdpa);
}

static u16 vdpa_get_vq_size(struct vdpa_device *vdpa, u16 idx)
{
	return READ_ONCE(to_mmio(vdpa)->vq[idx].num);
}

static void vdpa_set_vq_ready(struct vdpa_device *vdpa, u16 idx, bool ready)
{
	struct kvblk_session *s = to_session(vdpa);
	struct kvblk_vq_config *vq;

	if (!ready)
		kvblk_session_stop_queue(s, idx);
	vq = vq_lock(vdpa, idx);
	if (!vq)
		return;
	/* A queue that was not negotiated is not there. */
	ready = ready && idx < kvblk_session_queues(s);
	vq->ready = ready;
	vq_unlock(vdpa);
	if (ready)
		kvblk_session_start_late(s, idx);
}

static bool vdpa_get_vq_ready(struct vdpa_device *vdpa, u16 idx)
{
	return READ_ONCE(to_mmio(vdpa)->vq[idx].ready);
}

static int vdpa_set_vq_state(struct vdpa_device *vdpa, u16 idx,
			     const struct vdpa_vq_state *state)
{
	struct kvblk_vq_config *vq = vq_lock(vdpa, idx);

	if (!vq)
		return -EBUSY;
	vq->base = state->split.avail_index;
	vq_unlock(vdpa);
	return 0;
}

/* Of a suspended queue: whatever was taken before this index has been used. */
static int vdpa_get_vq_state(struct vdpa_device *vdpa, u16 idx,
			     struct vdpa_vq_state *state)
{
	struct kvblk_session *s = to_session(vdpa);
	const struct kvblk_queue *q = &s->vq[idx].queue;

	mutex_lock(&s->disk->lock);
	state->split.avail_index = kvblk_queue_prepared(q) ?
				   READ_ONCE(q->vring.next_avail) : s->mmio.vq[idx].base;
	mutex_unlock(&s->disk->lock);
	return 0;
}

static void vdpa_set_vq_cb(struct vdpa_device *vdpa, u16 idx, struct vdpa_callback *cb)
{
	kvblk_vdpa_call_set(&to_kvblk_vdpa(vdpa)->used[idx], cb);
}

static void vdpa_kick_vq(struct vdpa_device *vdpa, u16 idx)
{
	kvblk_session_kick_here(to_session(vdpa), idx);
}

static u32 vdpa_get_vq_align(struct vdpa_device *vdpa)
{
	return SMP_CACHE_BYTES;
}

static u16 vdpa_get_vq_num_max(struct vdpa_device *vdpa)
{
	return to_mmio(vdpa)->queue_max;
}

static int vdpa_put_stat(struct sk_buff *msg, const char *name, u64 value)
{
	if (nla_put_string(msg, VDPA_ATTR_DEV_VENDOR_ATTR_NAME, name) ||
	    nla_put_u64_64bit(msg, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE, value,
			      VDPA_ATTR_PAD))
		return -EMSGSIZE;
	return 0;
}

static int vdpa_get_vendor_vq_stats(struct vdpa_device *vdpa, u16 idx,
				    struct sk_buff *msg, struct netlink_ext_ack *extack)
{
	const struct kvblk_counters *c = &to_session(vdpa)->disk->stats[idx];
	int id, ret = 0;

	for (id = 0; !ret && id < KVBLK_STAT_NR; id++)
		ret = vdpa_put_stat(msg, kvblk_stat_names[id], kvblk_counter(c, id));
	return ret ?: vdpa_put_stat(msg, "kicks", atomic64_read(&c->kicks));
}

/* ---- the device ---- */

/*
 * The host's own driver needs no DMA mapping of what it hands out: without ACCESS_PLATFORM
 * (6.1) it gives physical addresses itself. Where memory is encrypted the driver insists.
 */
static u64 vdpa_get_device_features(struct vdpa_device *vdpa)
{
	u64 offered = to_mmio(vdpa)->offered;

	if (to_kvblk_vdpa(vdpa)->identity && !cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		offered &= ~BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	return offered;
}

static u64 vdpa_get_backend_features(const struct vdpa_device *vdpa)
{
	return BIT_ULL(VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK);
}

static int vdpa_set_driver_features(struct vdpa_device *vdpa, u64 features)
{
	return kvblk_session_accept(to_session(vdpa), features);
}

static u64 vdpa_get_driver_features(struct vdpa_device *vdpa)
{
	return READ_ONCE(to_mmio(vdpa)->driver);
}

static void vdpa_set_config_cb(struct vdpa_device *vdpa, struct vdpa_callback *cb)
{
	kvblk_vdpa_call_set(&to_kvblk_vdpa(vdpa)->config, cb);
}

static u32 vdpa_get_device_id(struct vdpa_device *vdpa)
{
	return VIRTIO_ID_BLOCK;
}

static u32 vdpa_get_vendor_id(struct vdpa_device *vdpa)
{
	return KVBLK_MMIO_VENDOR;
}

static u8 vdpa_get_status(struct vdpa_device *vdpa)
{
	return kvblk_session_status(to_session(vdpa));
}

/* Bits that come together are taken one by one, in the order of virtio 1.2, 3.1.1. */
static void vdpa_set_status_bits(struct vdpa_device *vdpa, u8 status)
{
	static const u8 order[] = {
		VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER,
		VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER_OK,
		VIRTIO_CONFIG_S_FAILED,
	};
	unsigned int i;
	u8 now;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		now = vdpa_get_status(vdpa);
		if (status & ~now & order[i])
			kvblk_session_write(to_session(vdpa), VIRTIO_MMIO_STATUS,
					    sizeof(u32), now | order[i]);
	}
}

static int vdpa_reset_device(struct vdpa_device *vdpa)
{
	struct kvblk_session *s = to_session(vdpa);

	kvblk_session_write(s, VIRTIO_MMIO_STATUS, sizeof(u32), 0);
	/* Not before it has stopped: who suspended it may have gone on elsewhere. */
	kvblk_session_resume(s);
	kvblk_vdpa_map_of_driver(to_kvblk_vdpa(vdpa));
	return vdpa_get_status(vdpa) ? -ETIMEDOUT : 0;
}

static int vdpa_suspend(struct vdpa_device *vdpa)
{
	struct kvblk_session *s = to_session(vdpa);

	if (!kvblk_session_pause(s, s->drain_ms))
		return 0;
	kvblk_session_resume(s);
	return -ETIMEDOUT;
}

static int vdpa_resume(struct vdpa_device *vdpa)
{
	kvblk_session_resume(to_session(vdpa));
	return 0;
}

static size_t vdpa_get_config_size(struct vdpa_device *vdpa)
{
	return sizeof(struct virtio_blk_config);
}

static void vdpa_read_config(struct vdpa_device *vdpa, unsigned int offset, void *buf,
			     unsigned int len)
{
	size_t size = vdpa_get_config_size(vdpa);

	if (offset <= size && len <= size - offset)
		memcpy(buf, to_mmio(vdpa)->page + KVBLK_MMIO_CONFIG + offset, len);
	else
		memset(buf, 0, len);
}

/* No field is writable. */
static void vdpa_write_config(struct vdpa_device *vdpa, unsigned int offset,
			      const void *buf, unsigned int len)
{
}

static u32 vdpa_get_generation(struct vdpa_device *vdpa)
{
	return kvblk_session_read(to_session(vdpa), VIRTIO_MMIO_CONFIG_GENERATION,
				  sizeof(u32));
}

static struct vdpa_iova_range vdpa_get_iova_range(struct vdpa_device *vdpa)
{
	return (struct vdpa_iova_range){ .first = 0, .last = U64_MAX };
}

static void vdpa_free(struct vdpa_device *vdpa)
{
	struct kvblk_vdpa *kv = to_kvblk_vdpa(vdpa);

	kvblk_vdpa_unbind_mm(vdpa);
	kfree(kv->used);
}

#define KVBLK_VDPA_OPS \
	.set_vq_address		= vdpa_set_vq_address, \
	.set_vq_num		= vdpa_set_vq_num, \
	.kick_vq		= vdpa_kick_vq, \
	.set_vq_cb		= vdpa_set_vq_cb, \
	.set_vq_ready		= vdpa_set_vq_ready, \
	.get_vq_ready		= vdpa_get_vq_ready, \
	.set_vq_state		= vdpa_set_vq_state, \
	.get_vq_state		= vdpa_get_vq_state, \
	.get_vendor_vq_stats	= vdpa_get_vendor_vq_stats, \
	.get_vq_size		= vdpa_get_vq_size, \
	.get_vq_align		= vdpa_get_vq_align, \
	.get_device_features	= vdpa_get_device_features, \
	.get_backend_features	= vdpa_get_backend_features, \
	.set_driver_features	= vdpa_set_driver_features, \
	.get_driver_features	= vdpa_get_driver_features, \
	.set_config_cb		= vdpa_set_config_cb, \
	.get_vq_num_max		= vdpa_get_vq_num_max, \
	.get_device_id		= vdpa_get_device_id, \
	.get_vendor_id		= vdpa_get_vendor_id, \
	.get_status		= vdpa_get_status, \
	.set_status		= vdpa_set_status_bits, \
	.reset			= vdpa_reset_device, \
	.suspend		= vdpa_suspend, \
	.resume			= vdpa_resume, \
	.get_config_size	= vdpa_get_config_size, \
	.get_config		= vdpa_read_config, \
	.set_config		= vdpa_write_config, \
	.get_generation		= vdpa_get_generation, \
	.get_iova_range		= vdpa_get_iova_range, \
	.set_map		= kvblk_vdpa_set_map, \
	.reset_map		= kvblk_vdpa_reset_map, \
	.free			= vdpa_free

const struct vdpa_config_ops kvblk_vdpa_user_ops = {
	KVBLK_VDPA_OPS,
	.bind_mm		= kvblk_vdpa_bind_mm,
	.unbind_mm		= kvblk_vdpa_unbind_mm,
};

const struct vdpa_config_ops kvblk_vdpa_phys_ops = {
	KVBLK_VDPA_OPS,
};
