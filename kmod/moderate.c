// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that the driver wants is held back until there are more answers to tell of.
 *
 * Only while more are to come. Some are in flight; or the driver is known to go on for a while
 * without being told, which a fast disk needs, whose answers are there before the next request
 * is. How far it goes is found out: a timer, which ends the wait in any case, says that it went
 * no further; after a while without the timer a larger number is tried.
 */
#include "queue.h"
#include "trace.h"

#define PATIENCE	64
#define PATIENCE_MAX	4096	/* a vain try costs the time of the timer */

static void moderate_reset(struct kvblk_moderate *m)
{
	m->held = 0;
	m->reach = 1;
	m->streak = 0;
	m->patience = PATIENCE;
	m->grown = false;
}

/* They are enough, or none is to come before the driver has been told. */
static bool moderate_is_due(const struct kvblk_queue *q)
{
	const struct kvblk_moderate *m = &q->moderate;

	return m->held >= READ_ONCE(q->env.moderation->count) ||
	       (!q->in_flight && m->held >= m->reach);
}

static void moderate_in_time(struct kvblk_moderate *m)
{
	if (++m->streak < m->patience)
		return;
	/* The last try was a good one. */
	if (m->grown)
		m->patience = PATIENCE;
	m->grown = true;
	m->streak = 0;
	m->reach = 2 * m->held;
}

static void moderate_too_late(struct kvblk_moderate *m)
{
	if (m->grown)
		m->patience = min(2 * m->patience, (unsigned int)PATIENCE_MAX);
	m->grown = false;
	m->streak = 0;
	m->reach = m->held;
}

static u64 moderate_ns(const struct kvblk_queue *q)
{
	return READ_ONCE(q->env.moderation->usecs) * (u64)NSEC_PER_USEC;
}

static void moderate_tell(struct kvblk_queue *q)
{
	q->moderate.held = 0;
	trace_kvblk_publish(q, 0, true);
	kvblk_count(q->env.stats, KVBLK_STAT_INTERRUPTS, 1);
	q->watch.interrupted = true;
	q->env.ops->used(q, true);
}

static enum hrtimer_restart moderate_timer(struct hrtimer *timer)
{
	struct kvblk_queue *q = container_of(timer, struct kvblk_queue, moderate.timer);
	unsigned long flags;

	spin_lock_irqsave(&q->used_lock, flags);
	if (q->moderate.held) {
		moderate_too_late(&q->moderate);
		moderate_tell(q);
	}
	spin_unlock_irqrestore(&q->used_lock, flags);
	return HRTIMER_NORESTART;
}

void kvblk_moderate_init(struct kvblk_queue *q)
{
	moderate_reset(&q->moderate);
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
		moderate_in_time(m);
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

void kvblk_moderate_flush(struct kvblk_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->used_lock, flags);
	if (q->moderate.held) {
		hrtimer_try_to_cancel(&q->moderate.timer);
		moderate_tell(q);
	}
	spin_unlock_irqrestore(&q->used_lock, flags);
}

void kvblk_moderate_stop(struct kvblk_queue *q)
{
	hrtimer_cancel(&q->moderate.timer);
	moderate_reset(&q->moderate);
}
