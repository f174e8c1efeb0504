// SPDX-License-Identifier: GPL-2.0
/*
 * The worker looks for work for a while before it sleeps, with notifications off.
 *
 * It looks only as long as nobody else wants its processor. KVM finishes the injection of an
 * IOAPIC interrupt in a work item there, so an interrupt never waits for a look.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include "queue.h"
#include "worker.h"

/* Only a queue that would sleep for a kick; it stays claimed. */
static bool look_at(struct kvblk_queue *q)
{
	if (!kvblk_queue_claim(q))
		return false;
	/* Pairs with the release in kvblk_queue_run(). */
	if (smp_load_acquire(&q->state) == KVBLK_QUEUE_RUNNING && q->waiting &&
	    !READ_ONCE(q->paused)) {
		kvblk_vring_disable_notify(&q->vring);
		return true;
	}
	kvblk_queue_unclaim(q);
	return false;
}

/* Asks for notifications again: what has come meanwhile has none. */
static void look_away(struct kvblk_queue *q)
{
	kvblk_count(q->env.stats, KVBLK_STAT_POLLS, 1);
	if (kvblk_vring_enable_notify(&q->vring)) {
		kvblk_count(q->env.stats, KVBLK_STAT_POLL_HITS, 1);
		set_bit(KVBLK_EV_KICK, &q->events);
	}
	kvblk_queue_unclaim(q);
}

/* False: all are stopped, paused or wait for something else. */
static bool look_begin(struct kvblk_worker *w)
{
	struct kvblk_queue *q;
	bool any = false;

	list_for_each_entry(q, &w->queues, turn) {
		q->turned = look_at(q);
		any |= q->turned;
	}
	return any;
}

static void look_end(struct kvblk_worker *w)
{
	struct kvblk_queue *q;

	list_for_each_entry(q, &w->queues, turn) {
		if (q->turned)
			look_away(q);
		q->turned = false;
	}
}

static bool look_has_chain(const struct kvblk_queue *q)
{
	return q->turned && kvblk_vring_end(&q->vring) != q->vring.next_avail;
}

/* Whether there is a chain, or anything else to do. */
static bool look_finds(struct kvblk_worker *w)
{
	struct kvblk_queue *q;

	if (!llist_empty(&w->incoming) || kthread_should_stop())
		return true;
	list_for_each_entry(q, &w->queues, turn) {
		if (kvblk_queue_has_work(q) || look_has_chain(q))
			return true;
	}
	return false;
}

static u64 look_for(struct kvblk_worker *w, u64 start, u64 window)
{
	u64 now = start;

	while (!look_finds(w) && now - start < window && single_task_running() &&
	       !need_resched()) {
		cpu_relax();
		now = ktime_get_ns();
	}
	return now - start;
}

/* All queues of a worker are of one disk. False: looking is off. */
static bool look_limits(struct kvblk_worker *w, struct kvblk_poll_limits *lim)
{
	struct kvblk_queue *q;

	q = list_first_entry_or_null(&w->queues, struct kvblk_queue, turn);
	if (!q)
		return false;
	lim->max_ns = READ_ONCE(q->env.poll->max_ns);
	lim->percent = READ_ONCE(q->env.poll->percent);
	return lim->max_ns;
}

void kvblk_worker_look(struct kvblk_worker *w)
{
	struct kvblk_poll_limits lim;
	u64 start, window;

	if (!look_limits(w, &lim) || look_finds(w))
		return;
	start = ktime_get_ns();
	window = kvblk_poll_window(&w->poll, &lim, start);
	if (!window || !look_begin(w))
		return;
	kvblk_poll_spend(&w->poll, look_for(w, start, window));
	look_end(w);
}

void kvblk_worker_found(struct kvblk_worker *w)
{
	struct kvblk_poll_limits lim;

	if (look_limits(w, &lim))
		kvblk_poll_work(&w->poll, &lim, ktime_get_ns());
}
