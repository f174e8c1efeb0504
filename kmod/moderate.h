/* SPDX-License-Identifier: GPL-2.0 */
/* Moderation: fewer interrupts and notifications for more latency. */
#ifndef KVBLK_MODERATE_H
#define KVBLK_MODERATE_H

#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/types.h>

struct kvblk_queue;

/**
 * struct kvblk_moderation - How long a driver may be left in the dark; changed at any time
 * @count: Used elements that are worth an interrupt; 0 and 1: each is, none is held.
 * @usecs: Time after which it is sent whatever there is.
 */
struct kvblk_moderation {
	u32 count;
	u32 usecs;
};

/**
 * struct kvblk_moderate - The interrupt that a queue owes its driver
 * @timer: Sends it, and has the worker look at the ring. Runs while @held or @ahead is not 0,
 *	and may go off for nothing.
 * @held: Used elements since the last one, if the driver wants one. This and what follows is
 *	guarded by the used_lock of the queue.
 * @ahead: Chains of which the driver was asked not to notify.
 * @idle: When it was last asked so, none came.
 * @hurry: Chains that have waited for the timer: there is no time left for their answers.
 * @reach: Used elements that the driver lets come before it waits to be told.
 * @streak: Interrupts since @reach was last another.
 * @patience: So many before a larger one is tried.
 * @grown: The last change was a larger one.
 */
struct kvblk_moderate {
	struct hrtimer timer;
	unsigned int held;
	unsigned int ahead;
	bool idle;
	unsigned int hurry;
	unsigned int reach;
	unsigned int streak;
	unsigned int patience;
	bool grown;
};

void kvblk_moderate_init(struct kvblk_queue *q);

/* @count elements are published; @wanted: the driver wants to be told. True: tell it now. */
bool kvblk_moderate(struct kvblk_queue *q, u16 count, bool wanted);

/* The end of a turn that has emptied the ring: of the next chain the driver is to notify. */
void kvblk_moderate_ask(struct kvblk_queue *q);

/* The driver is told now of what it is owed. */
void kvblk_moderate_flush(struct kvblk_queue *q);

/* Nothing is in flight and nobody is to be told any more. May wait for the timer. */
void kvblk_moderate_stop(struct kvblk_queue *q);

#endif /* KVBLK_MODERATE_H */
