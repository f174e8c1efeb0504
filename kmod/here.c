// SPDX-License-Identifier: GPL-2.0
/*
 * A turn in the driver's own thread.
 *
 * A driver of this kernel notifies in the thread that submits to its disk. Within a
 * submit_bio() the block layer only lists what is submitted (current->bio_list) and takes
 * it up when the driver has returned, in the same thread, where it may sleep: so it does
 * for every device that is stacked on another. The notification can thus be served here
 * and now, and no other thread has to run for a request.
 */
#include <linux/blkdev.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include "queue.h"

/* An interrupt has the list of the thread that it interrupts. */
static bool here_is_possible(const struct kvblk_queue *q)
{
	return current->bio_list && in_task() && !irqs_disabled() &&
	       q->env.backing->stacks;
}

static void here_turn(struct kvblk_queue *q)
{
	/* It never sleeps; nobody is to wait for it longer than it takes. */
	preempt_disable();
	if (kvblk_queue_claim(q)) {
		kvblk_queue_turn_here(q);
		kvblk_queue_unclaim(q);
		/*
		 * Who found it claimed has left an event for us to pass on: pairs with
		 * set_current_state() in worker_thread().
		 */
		smp_mb();
	}
	preempt_enable();
}

void kvblk_queue_kick_here(struct kvblk_queue *q)
{
	kvblk_queue_kicked(q);
	/* The queue may be stopped, but stays. */
	rcu_read_lock();
	if (here_is_possible(q))
		here_turn(q);
	if (kvblk_queue_has_work(q))
		kvblk_worker_wake(q);
	rcu_read_unlock();
}
