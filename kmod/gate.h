/* SPDX-License-Identifier: GPL-2.0 */
/* The throttle of a disk as the worker and the control device share it. */
#ifndef KVBLK_GATE_H
#define KVBLK_GATE_H

#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include "cmd.h"
#include "throttle.h"

/**
 * struct kvblk_gate - A throttle, its lock and the clock
 * @lock: Guards @throttle: the worker takes tokens, the control device changes
 *	limits. Held for a few instructions only.
 * @throttle: Outlives sessions, so that a reset refills nothing.
 */
struct kvblk_gate {
	spinlock_t lock;	/* guards the throttle */
	struct kvblk_throttle throttle;
};

static inline void kvblk_gate_init(struct kvblk_gate *gate)
{
	spin_lock_init(&gate->lock);
	kvblk_throttle_init(&gate->throttle);
}

/* For messages and display. */
extern const char * const kvblk_bucket_names[KVBLK_BUCKET_NR];

/* Takes the tokens of @cmd: 0, or the ns to wait for them. */
u64 kvblk_gate_take(struct kvblk_gate *gate, const struct kvblk_cmd *cmd);

void kvblk_gate_set(struct kvblk_gate *gate, enum kvblk_bucket_id id, u64 rate,
		    u64 burst);

/* A copy of bucket @id and its balance in tokens. */
struct kvblk_bucket kvblk_gate_get(struct kvblk_gate *gate,
				   enum kvblk_bucket_id id, s64 *balance);

#endif /* KVBLK_GATE_H */
