/* SPDX-License-Identifier: GPL-2.0 */
/* Since when the chains of a ring have been there. */
#ifndef KVBLK_ARRIVE_H
#define KVBLK_ARRIVE_H

#include <linux/types.h>
#include "hist.h"
#include "vring.h"

/**
 * struct kvblk_arrive - Since when the chains of a ring have been there
 * @kicked: First notification that no turn has taken; 0: none. From any context.
 * @turn: The notification that this turn took, until a chain is found for it; 0: none.
 * @until: Chains before this index of the available ring
 * @since: were there at this time, ns, and
 * @stage: have waited for this since.
 */
struct kvblk_arrive {
	u64 kicked;
	u64 turn;
	u16 until;
	u64 since;
	enum kvblk_stage stage;
};

/* A ring whose first chain will be that at index @base of the available ring. */
void kvblk_arrive_init(struct kvblk_arrive *a, u16 base);

/* The driver notifies: any context, before the worker is told. */
void kvblk_arrive_kick(struct kvblk_arrive *a);

/* The worker: a turn begins. */
void kvblk_arrive_turn(struct kvblk_arrive *a);

/* The worker: the chain at the front of @vr is taken up. */
void kvblk_arrive_find(struct kvblk_arrive *a, const struct kvblk_vring *vr,
		       struct kvblk_lap *lap, u64 now);

/* The worker: the request of @lap, first of all, must wait for tokens. */
void kvblk_arrive_stall(struct kvblk_arrive *a, const struct kvblk_vring *vr,
			struct kvblk_lap *lap, u64 now);

#endif /* KVBLK_ARRIVE_H */
