// SPDX-License-Identifier: GPL-2.0
/*
 * A turn in the driver's own thread.
 *
 * A driver of this kernel notifies in the thread that submits to its disk, where it holds
 * RCU: nothing can be submitted there. But within a submit_bio() the block layer has a list
 * (current->bio_list) that it takes up when the driver has returned, in the same thread,
 * where it may sleep: so it does for every device that is stacked on another. A bio is
 * put there that is for a disk of our own, and rings for the turn. No other thread has to
 * run for a request.
 *
 * A driver that has run out of tags dispatches the requests of others and sleeps for a tag,
 * all within its own submission. Then the worker serves the queue, a little late.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include "here.h"
#include "queue.h"

#define LATE_NS		(10 * NSEC_PER_MSEC)	/* for a bell that does not ring */

/* Where the bell's bios go: no capacity, no node, nobody can open it. */
static struct gendisk *bell_disk;

/*
 * There is no ringer any more: who found the queue claimed, or with one, has left an event for
 * us to pass on.
 */
static void bell_pass_on(struct kvblk_queue *q)
{
	/* Pairs with set_current_state() in worker_thread(), and that in kvblk_bell_stop(). */
	smp_mb();
	if (READ_ONCE(q->state) == KVBLK_QUEUE_STOPPING)
		kvblk_queue_event(q, KVBLK_EV_STATE);
	else if (kvblk_queue_has_work(q))
		kvblk_worker_wake(q);
}

/*
 * The turn, if nobody else is at it. A queue with a ringer does not become idle; it may as
 * soon as it has none and is not claimed: RCU keeps it for the wake-up.
 */
static void bell_ring(struct bio *bio)
{
	struct kvblk_queue *q = bio->bi_private;
	bool claimed = kvblk_queue_claim(q);

	if (claimed)
		kvblk_queue_turn_here(q);
	rcu_read_lock();
	/* Pairs with the acquire of who claims it, or sees no ringer. */
	smp_store_release(&q->bell.ringer, NULL);
	if (claimed)
		kvblk_queue_unclaim(q);
	bell_pass_on(q);
	rcu_read_unlock();
}

static const struct block_device_operations bell_ops = {
	.owner		= THIS_MODULE,
	.submit_bio	= bell_ring,
};

/* An interrupt has the list of the thread that it interrupts. */
static bool bell_is_possible(const struct kvblk_queue *q)
{
	return current->bio_list && in_task() && !irqs_disabled() && bell_disk &&
	       q->env.backing->stacks;
}

/* By who hangs a bell or by the timer, which the other may start at the same moment. */
static void bell_look_later(struct kvblk_bell *bell, unsigned int hung)
{
	WRITE_ONCE(bell->seen, hung);
	hrtimer_start(&bell->timer, ns_to_ktime(LATE_NS), HRTIMER_MODE_REL);
}

/* One look at a busy queue in a while: a timer for each bell would cost more than the bell. */
static void bell_watch(struct kvblk_bell *bell)
{
	WRITE_ONCE(bell->hung, bell->hung + 1);
	if (!hrtimer_is_queued(&bell->timer))
		bell_look_later(bell, bell->hung);
}

static enum hrtimer_restart bell_timer(struct hrtimer *timer)
{
	struct kvblk_queue *q = container_of(timer, struct kvblk_queue, bell.timer);
	unsigned int hung = READ_ONCE(q->bell.hung);

	if (READ_ONCE(q->bell.ringer)) {
		if (hung == READ_ONCE(q->bell.seen))
			kvblk_worker_wake(q);
		else
			bell_look_later(&q->bell, hung);
	}
	return HRTIMER_NORESTART;
}

void kvblk_bell_setup(struct kvblk_queue *q)
{
	hrtimer_setup(&q->bell.timer, bell_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
}

bool kvblk_bell_stop(struct kvblk_queue *q)
{
	/* Pairs with those of bell_hang(), bell_pass_on(): who rings later finds it stopping. */
	smp_mb();
	if (READ_ONCE(q->bell.ringer))
		return false;
	hrtimer_cancel(&q->bell.timer);
	return true;
}

/* Whether this thread will ring, or rings already, after what it is at. */
static bool bell_hang(struct kvblk_queue *q)
{
	struct kvblk_bell *bell = &q->bell;
	struct task_struct *ringer = cmpxchg(&bell->ringer, NULL, current);

	if (ringer)
		return ringer == current;
	/*
	 * Of the two, this look and that in kvblk_bell_stop(), one sees the other; if both
	 * do, that one waits for us. Pairs with the release in kvblk_queue_run(), too.
	 */
	if (smp_load_acquire(&q->state) != KVBLK_QUEUE_RUNNING) {
		WRITE_ONCE(bell->ringer, NULL);
		bell_pass_on(q);
		return false;
	}
	bio_init(bell->bio, NULL, NULL, 0, 0);
	bell->bio->bi_bdev = bell_disk->part0;
	bell->bio->bi_private = q;
	/* The first: what is listed behind it may wait for what it does. */
	bio_list_add_head(&current->bio_list[0], bell->bio);
	bell_watch(bell);
	return true;
}

void kvblk_queue_kick_here(struct kvblk_queue *q)
{
	kvblk_queue_kicked(q);
	/* The queue may be stopped, but stays. */
	rcu_read_lock();
	if (!bell_is_possible(q) || !bell_hang(q))
		kvblk_worker_wake(q);
	rcu_read_unlock();
}

int kvblk_bell_init(void)
{
	struct gendisk *disk = kvblk_alloc_disk();
	int ret;

	if (IS_ERR_OR_NULL(disk))
		return -ENOMEM;
	disk->fops = &bell_ops;
	disk->flags |= GENHD_FL_HIDDEN | GENHD_FL_NO_PART;
	strscpy(disk->disk_name, "kvblk-bell", DISK_NAME_LEN);
	ret = add_disk(disk);
	if (ret) {
		put_disk(disk);
		return ret;
	}
	bell_disk = disk;
	return 0;
}
EXPORT_SYMBOL_KVBLK(kvblk_bell_init);

void kvblk_bell_exit(void)
{
	struct gendisk *disk = bell_disk;

	if (!disk)
		return;
	bell_disk = NULL;
	del_gendisk(disk);
	put_disk(disk);
}
EXPORT_SYMBOL_KVBLK(kvblk_bell_exit);
