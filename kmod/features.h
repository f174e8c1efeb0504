/* SPDX-License-Identifier: GPL-2.0 */
/* Feature bits and configuration space of a disk (virtio 1.2, 5.2.3 and 5.2.4). */
#ifndef KVBLK_FEATURES_H
#define KVBLK_FEATURES_H

#include <linux/types.h>
#include <linux/virtio_blk.h>
#include "cmd.h"

/* Feature bits offered for @geo. */
u64 kvblk_features(const struct kvblk_geometry *geo);

/* Feature bits that any disk may offer. */
u64 kvblk_features_all(void);

/* Fill the whole of @cfg, little-endian, for @geo. */
void kvblk_config_fill(struct virtio_blk_config *cfg,
		       const struct kvblk_geometry *geo);

/* Fill @geo's limits from its capacity, block size, queue size, read only. */
void kvblk_geometry_init(struct kvblk_geometry *geo);

/* Name of feature bit @bit, or NULL; for display. */
const char *kvblk_feature_name(unsigned int bit);

/* Name of device status bit @bit (a mask of one bit), or NULL; for display. */
const char *kvblk_status_name(u32 bit);

#endif /* KVBLK_FEATURES_H */
