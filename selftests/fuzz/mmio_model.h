/* SPDX-License-Identifier: GPL-2.0 */
/* A model of the register file, by the specification (virtio 1.2, 3.1.1 and 4.2.2). */
#ifndef FUZZ_MMIO_MODEL_H
#define FUZZ_MMIO_MODEL_H

#include <linux/virtio_blk.h>
#include "input.h"
#include "mmio.h"

#define CONFIG_LEN	sizeof(struct virtio_blk_config)
#define MODEL_QUEUES	8	/* at most */

/**
 * struct model - What the register file must be
 * @page: What the guest reads.
 * @driver: As in struct kvblk_mmio, like all below.
 * @features_sel: Likewise.
 * @driver_sel: Likewise.
 * @queue_sel: Likewise.
 * @vq: The queues.
 */
struct model {
	u8 page[KVBLK_MMIO_SIZE];
	u64 driver;
	u32 features_sel;
	u32 driver_sel;
	u32 queue_sel;
	struct kvblk_vq_config vq[MODEL_QUEUES];
};

/* Takes from @m what is given to it: offered features, largest ring, number of queues. */
void model_init(struct model *md, const struct kvblk_mmio *m,
		const void *config);

/* A reset begins. */
void model_reset_begin(struct model *md, const struct kvblk_mmio *m);

/* The end of a reset, without Status and ConfigGeneration. */
void model_reset(struct model *md, const struct kvblk_mmio *m);

/* A ring broke. */
void model_needs_reset(struct model *md);

/* Of @m only what was given to model_init(). */
enum kvblk_mmio_act model_write(struct model *md, const struct kvblk_mmio *m,
				u32 offset, u32 len, u64 value);

/* The features as a whole, by no register: 0, -EBUSY or -EINVAL. */
int model_accept(struct model *md, const struct kvblk_mmio *m, u64 features);

/* Whether @m is what the model says. */
bool model_is(const struct model *md, const struct kvblk_mmio *m);

/* Where guest memory has room for rings. */
bool areas_good(const struct kvblk_vq_config *vq);

/* A register of the window. */
u32 shown(const struct model *md, u32 offset);
void show(struct model *md, u32 offset, u32 value);

#endif /* FUZZ_MMIO_MODEL_H */
