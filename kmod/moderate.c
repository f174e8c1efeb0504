// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that the driver wants is held back until there are more answers to tell of.
 *
 * Only while more are to come. Some are in flight; or the driver is known to go on for a while
 * without being told, which a fast disk needs, whose answers are there before the next request
 * is. How far it goes is found out: a timer, which ends the wait in any case, says that it went
 * no further; after a while without the timer a larger number is tried.
 *
 * A driver that goes on like that need not notify of each request either: none of them is told
 * of before all are there. Within the same time it is asked to notify of the last one only.
 */
#include "queue.h"
#include "trace.h"

#define PATIENCE	8
#define PATIENCE_MAX	4096	/* a vain try costs the time of the timer */

static void moderate_reset(struct kvblk_moderate *m)
{
	m->held = 0;
	m->ahead = 0;
	m->idle = false;
	m->hurry = 0;
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

static void moderate_in_time(struct kvblk_queue *q)
{
	struct kvblk_moderate *m = &q->moderate;

	/* It went further than it was let to: a try is less likely to be vain. */
	if (!q->in_flight && m->held > m->reach)
		m->patience = max(m->patience / 2, (unsigned int)PATIENCE);
	if (++m->streak < m->patience)
		return;
	/* The last try was a good one. */
	if (m->grown)
		m->patience = PATIENCE;
	m->grown = true;
	m->streak = 0;
	m->reach = 2 * m->held;
}

/* The time is over, and the driver has gone as far as @came. */
static void moderate_too_late(struct kvblk_moderate *m, unsigned int came)
{
	if (m->grown)
		m->patience = min(2 * m->patience, (unsigned int)PATIENCE_MAX);
	m->grown = false;
	m->streak = 0;
	m->reach = came;
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

/* Chains that the driver has not notified of; may be any number below that of the ring. */
static unsigned int moderate_waiting(const struct kvblk_queue *q)
{
	u16 n = kvblk_vring_end(&q->vring) - READ_ONCE(q->vring.next_avail);

	return min(n, q->vring.num);
}

/* Neither an answer nor a request waits any longer. */
static void moderate_timeout(struct kvblk_queue *q)
{
	struct kvblk_moderate *m = &q->moderate;
	unsigned int waiting = m->ahead ? moderate_waiting(q) : 0;

	if (m->held + waiting)
		moderate_too_late(m, m->held + waiting);
	if (m->ahead) {
		m->hurry = waiting;
		m->idle = !m->held && !waiting;
		m->ahead = 0;
		kvblk_queue_event(q, KVBLK_EV_KICK);
	}
	if (m->held)
		moderate_tell(q);
}

static enum hrtimer_restart moderate_timer(struct hrtimer *timer)
{
	struct kvblk_queue *q = container_of(timer, struct kvblk_queue, moderate.timer);
	unsigned long flags;

	spin_lock_irqsave(&q->used_lock, flags);
	moderate_timeout(q);
	spin_unlock_irqrestore(&q->used_lock, flags);
	return HRTIMER_NORESTART;
}

void kvblk_moderate_init(struct kvblk_queue *q)
{
	moderate_reset(&q->moderate);
	hrtimer_setup(&q->moderate.timer, moderate_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

static void moderate_start_timer(struct kvblk_queue *q)
{
	hrtimer_start(&q->moderate.timer, ns_to_ktime(moderate_ns(q)), HRTIMER_MODE_REL);
}

/* The driver is told of all that is held. */
static void moderate_settle(struct kvblk_queue *q, bool hurried)
{
	struct kvblk_moderate *m = &q->moderate;

	if (!hurried)
		moderate_in_time(q);
	m->held = 0;
	if (hrtimer_is_queued(&m->timer))
		hrtimer_try_to_cancel(&m->timer);
}

bool kvblk_moderate(struct kvblk_queue *q, u16 count, bool wanted)
{
	struct kvblk_moderate *m = &q->moderate;
	bool hurried = m->hurry;

	lockdep_assert_held(&q->used_lock);
	m->hurry -= min_t(unsigned int, m->hurry, count);
	m->idle = false;
	if (!m->held && !wanted)
		return false;
	m->held += count;
	if (hurried || moderate_is_due(q)) {
		moderate_settle(q, hurried);
		return true;
	}
	kvblk_count(q->env.stats, KVBLK_STAT_HELD, 1);
	/* Or it runs since the driver was asked to notify late: the rest is for the answers. */
	if (!hrtimer_is_queued(&m->timer))
		moderate_start_timer(q);
	return false;
}

/* Of how many the driver need not notify, since it is not told before the next. */
static unsigned int moderate_ahead(const struct kvblk_queue *q)
{
	const struct kvblk_moderate *m = &q->moderate;
	unsigned int n = min3(READ_ONCE(q->env.moderation->count), m->reach,
			      (unsigned int)q->vring.num);

	lockdep_assert_held(&q->used_lock);
	if (q->in_flight || m->idle || n <= m->held)
		return 0;
	return n - m->held - 1;
}

void kvblk_moderate_ask(struct kvblk_queue *q)
{
	struct kvblk_moderate *m = &q->moderate;
	unsigned int ahead;

	if (READ_ONCE(q->env.moderation->count) <= 1 || !q->vring.event_idx ||
	    READ_ONCE(q->env.poll->max_ns))
		return;
	spin_lock_irq(&q->used_lock);
	ahead = moderate_ahead(q);
	m->ahead = ahead;
	if (ahead && !m->held)
		moderate_start_timer(q);
	spin_unlock_irq(&q->used_lock);
	if (!ahead)
		return;
	kvblk_count(q->env.stats, KVBLK_STAT_ASKED_LATE, 1);
	/* Who looks after what waits is the timer. */
	q->waiting = false;
	if (kvblk_vring_notify_after(&q->vring, ahead))
		set_bit(KVBLK_EV_KICK, &q->events);
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
