// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that the driver wants is held back until there are more answers to tell of.
 *
 * Only while more are to come: with nothing left in flight nothing is gained by waiting. A
 * timer ends it in any case, so no interrupt is lost, and a request that never ends keeps
 * no other one secret.
 */
#include "queue.h"
#include "trace.h"

/* The last one is in flight no more, or they are enough. */
static bool moderate_is_due(const struct kvblk_queue *q)
{
	return !q->in_flight ||
	       q->moderate.held >= READ_ONCE(q->env.moderation->count);
}

static u64 moderate_ns(const struct kvblk_queue *q)
{
	return READ_ONCE(q->env.moderation->usecs) * (u64)NSEC_PER_USEC;
}

static enum hrtimer_restart moderate_timer(struct hrtimer *timer)
{
	struct kvblk_queue *q = container_of(timer, struct kvblk_queue, moderate.timer);
	unsigned long flags;

	spin_lock_irqsave(&q->used_lock, flags);
	if (q->moderate.held) {
		q->moderate.held = 0;
		trace_kvblk_publish(q, 0, true);
		kvblk_count(q->env.stats, KVBLK_STAT_INTERRUPTS, 1);
		q->watch.interrupted = true;
		q->env.ops->used(q, true);
	}
	spin_unlock_irqrestore(&q->used_lock, flags);
	return HRTIMER_NORESTART;
}

void kvblk_moderate_init(struct kvblk_queue *q)
{
	hrtimer_setup(&q->moderate.timer, moderate_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

bool kvblk_moderate(struct kvblk_queue *q, u16 count, bool wanted)
{
	struct kvblk_moderate *m = &q->moderate;
	bool first = !m->held;

	lockdep_assert_held(&q->used_lock);
	if (first && !wanted)
		return false;
	m->held += count;
	if (moderate_is_due(q)) {
		m->held = 0;
		if (!first)
			hrtimer_try_to_cancel(&m->timer);
		return true;
	}
	kvblk_count(q->env.stats, KVBLK_STAT_HELD, 1);
	if (first)
		hrtimer_start(&m->timer, ns_to_ktime(moderate_ns(q)), HRTIMER_MODE_REL);
	return false;
}

void kvblk_moderate_stop(struct kvblk_queue *q)
{
	hrtimer_cancel(&q->moderate.timer);
	q->moderate.held = 0;
}
