// SPDX-License-Identifier: GPL-2.0
/* What a disk offers: feature bits, limits, configuration space. */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <asm/byteorder.h>
#include "features.h"

static const char *const feature_names[] = {
	[VIRTIO_BLK_F_SIZE_MAX] = "SIZE_MAX",
	[VIRTIO_BLK_F_SEG_MAX] = "SEG_MAX",
	[VIRTIO_BLK_F_RO] = "RO",
	[VIRTIO_BLK_F_BLK_SIZE] = "BLK_SIZE",
	[VIRTIO_BLK_F_FLUSH] = "FLUSH",
	[VIRTIO_BLK_F_MQ] = "MQ",
	[VIRTIO_RING_F_INDIRECT_DESC] = "INDIRECT_DESC",
	[VIRTIO_RING_F_EVENT_IDX] = "EVENT_IDX",
	[VIRTIO_F_VERSION_1] = "VERSION_1",
};

u64 kvblk_features(const struct kvblk_geometry *geo)
{
	u64 features = BIT_ULL(VIRTIO_F_VERSION_1) |
		       BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
		       BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) |
		       BIT_ULL(VIRTIO_BLK_F_SEG_MAX) |
		       BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) |
		       BIT_ULL(VIRTIO_BLK_F_FLUSH);

	if (geo->size_max != KVBLK_SIZE_ANY)
		features |= BIT_ULL(VIRTIO_BLK_F_SIZE_MAX);
	if (geo->read_only)
		features |= BIT_ULL(VIRTIO_BLK_F_RO);
	if (geo->queues > 1)
		features |= BIT_ULL(VIRTIO_BLK_F_MQ);
	return features;
}

u64 kvblk_features_all(void)
{
	const struct kvblk_geometry geo = { .read_only = true, .queues = 2 };

	return kvblk_features(&geo);
}

static __virtio16 put16(u16 v)
{
	return (__force __virtio16)cpu_to_le16(v);
}

static __virtio32 put32(u32 v)
{
	return (__force __virtio32)cpu_to_le32(v);
}

static __virtio64 put64(u64 v)
{
	return (__force __virtio64)cpu_to_le64(v);
}

void kvblk_config_fill(struct virtio_blk_config *cfg,
		       const struct kvblk_geometry *geo)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->capacity = put64(geo->capacity / KVBLK_SECTOR);
	cfg->size_max = put32(geo->size_max);
	cfg->seg_max = put32(geo->seg_max);
	cfg->blk_size = put32(geo->block_size);
	/* The field is there if the feature is (5.2.4). */
	if (geo->queues > 1)
		cfg->num_queues = put16(geo->queues);
}

void kvblk_geometry_init(struct kvblk_geometry *geo)
{
	geo->size_max = KVBLK_SIZE_MAX;
	/* Header and status take two descriptors of a ring's worth. */
	geo->seg_max = min(KVBLK_SEG_MAX, geo->queue_size - 2);
}

const char *kvblk_feature_name(unsigned int bit)
{
	return bit < ARRAY_SIZE(feature_names) ? feature_names[bit] : NULL;
}

const char *kvblk_status_name(u32 bit)
{
	switch (bit) {
	case VIRTIO_CONFIG_S_ACKNOWLEDGE:
		return "ACKNOWLEDGE";
	case VIRTIO_CONFIG_S_DRIVER:
		return "DRIVER";
	case VIRTIO_CONFIG_S_DRIVER_OK:
		return "DRIVER_OK";
	case VIRTIO_CONFIG_S_FEATURES_OK:
		return "FEATURES_OK";
	case VIRTIO_CONFIG_S_NEEDS_RESET:
		return "NEEDS_RESET";
	case VIRTIO_CONFIG_S_FAILED:
		return "FAILED";
	default:
		return NULL;
	}
}
