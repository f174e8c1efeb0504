/* SPDX-License-Identifier: GPL-2.0 */
/* The throttle of a disk as its queues and the control device share it. */
#ifndef KVBLK_GATE_H
#define KVBLK_GATE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include "cmd.h"
#include "throttle.h"

/**
 * struct kvblk_gate_waiter - A queue's place before the gate
 * @link: In the gate's list; empty: it does not wait.
 * @buckets: What its request takes from: bits by enum kvblk_bucket_id.
 * @look: Called under the gate's lock when somebody before it has gone.
 */
struct kvblk_gate_waiter {
	struct list_head link;
	unsigned int buckets;
	void (*look)(struct kvblk_gate_waiter *waiter);
};

/**
 * struct kvblk_gate - A throttle, its lock and the clock; for all queues of a disk
 * @lock: Guards the rest: workers take tokens, the control device changes limits. Held
 *	for a few instructions only.
 * @throttle: Outlives sessions, so that a reset refills nothing.
 * @waiters: Queues that wait, first come first.
 */
struct kvblk_gate {
	spinlock_t lock;	/* guards the rest */
	struct kvblk_throttle throttle;
	struct list_head waiters;
};

static inline void kvblk_gate_init(struct kvblk_gate *gate)
{
	spin_lock_init(&gate->lock);
	kvblk_throttle_init(&gate->throttle);
	INIT_LIST_HEAD(&gate->waiters);
}

static inline void
kvblk_gate_waiter_init(struct kvblk_gate_waiter *waiter,
		       void (*look)(struct kvblk_gate_waiter *waiter))
{
	INIT_LIST_HEAD(&waiter->link);
	waiter->look = look;
}

/* For messages and display. */
extern const char * const kvblk_bucket_names[KVBLK_BUCKET_NR];

/**
 * kvblk_gate_take - Take the tokens of a request
 * @gate: The gate.
 * @waiter: Of the queue.
 * @cmd: The first request of the queue.
 *
 * Who came first and waits for a bucket that this one needs, too, goes first.
 *
 * Return: 0 if taken; else @waiter has its place, and the result is the ns to wait. It may
 * be told to look earlier.
 */
u64 kvblk_gate_take(struct kvblk_gate *gate, struct kvblk_gate_waiter *waiter,
		    const struct kvblk_cmd *cmd);

/* Give up the place of @waiter, if it has one. */
void kvblk_gate_quit(struct kvblk_gate *gate, struct kvblk_gate_waiter *waiter);

void kvblk_gate_set(struct kvblk_gate *gate, enum kvblk_bucket_id id, u64 rate,
		    u64 burst);

/* A copy of bucket @id and its balance in tokens. */
struct kvblk_bucket kvblk_gate_get(struct kvblk_gate *gate,
				   enum kvblk_bucket_id id, s64 *balance);

#endif /* KVBLK_GATE_H */
