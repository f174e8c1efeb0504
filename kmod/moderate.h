/* SPDX-License-Identifier: GPL-2.0 */
/* Interrupt moderation: fewer interrupts for more latency. */
#ifndef KVBLK_MODERATE_H
#define KVBLK_MODERATE_H

#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/types.h>

struct kvblk_queue;

/**
 * struct kvblk_moderation - How long an interrupt may be held back; changed at any time
 * @count: Used elements that are worth an interrupt; 0 and 1: each is, none is held.
 * @usecs: Time after which it is sent whatever there is.
 */
struct kvblk_moderation {
	u32 count;
	u32 usecs;
};

/**
 * struct kvblk_moderate - The interrupt that a queue owes its driver
 * @timer: Sends it. Runs while @held is not 0.
 * @held: Used elements since the last one, if the driver wants one. This and what follows is
 *	guarded by the used_lock of the queue.
 * @reach: Used elements that the driver lets come before it waits to be told.
 * @streak: Interrupts since @reach was last another.
 * @patience: So many before a larger one is tried.
 * @grown: The last change was a larger one.
 */
struct kvblk_moderate {
	struct hrtimer timer;
	unsigned int held;
	unsigned int reach;
	unsigned int streak;
	unsigned int patience;
	bool grown;
};

void kvblk_moderate_init(struct kvblk_queue *q);

/* @count elements are published; @wanted: the driver wants to be told. True: tell it now. */
bool kvblk_moderate(struct kvblk_queue *q, u16 count, bool wanted);

/* The driver is told now of what it is owed. */
void kvblk_moderate_flush(struct kvblk_queue *q);

/* Nothing is in flight and nobody is to be told any more. May wait for the timer. */
void kvblk_moderate_stop(struct kvblk_queue *q);

#endif /* KVBLK_MODERATE_H */
