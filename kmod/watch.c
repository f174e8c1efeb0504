// SPDX-License-Identifier: GPL-2.0
/*
 * The self-check of a queue: a lost notification is a counter, not a dead guest.
 *
 * While there is work, and a little longer, a timer looks for a chain nobody kicked
 * for and for an interrupt nobody answered. Both are repaired. An idle disk is
 * looked at three times, then left alone, and gives memory back: it costs nothing.
 */
#include "queue.h"
#include "trace.h"

#define LOOK_NS		NSEC_PER_SEC
#define DOUBT_NS	(10 * NSEC_PER_MSEC)	/* for a kick that is on its way */
#define IDLE_ROUNDS	3

static enum hrtimer_restart watch_timer(struct hrtimer *timer)
{
	struct kvblk_queue *q = container_of(timer, struct kvblk_queue, watch.timer);

	kvblk_queue_event(q, KVBLK_EV_CHECK);
	return HRTIMER_NORESTART;
}

void kvblk_watch_init(struct kvblk_queue *q)
{
	hrtimer_setup(&q->watch.timer, watch_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

static void watch_arm(struct kvblk_watch *w, u64 ns)
{
	w->armed = true;
	hrtimer_start(&w->timer, ns_to_ktime(ns), HRTIMER_MODE_REL);
}

void kvblk_watch_start(struct kvblk_queue *q)
{
	struct kvblk_watch *w = &q->watch;

	w->requests = kvblk_counter(q->env.stats, KVBLK_STAT_REQUESTS);
	w->used = 0;
	w->told = 0;
	w->suspect = false;
	w->interrupted = false;
	w->rounds = 0;
	/* A driver whose first kick is lost has done no work yet. */
	watch_arm(w, LOOK_NS);
}

void kvblk_watch_stop(struct kvblk_queue *q)
{
	hrtimer_cancel(&q->watch.timer);
	q->watch.armed = false;
}

/* The worker took or published something. */
void kvblk_watch_work(struct kvblk_queue *q)
{
	struct kvblk_watch *w = &q->watch;

	w->rounds = 0;
	if (!w->armed)
		watch_arm(w, LOOK_NS);
}

/* The worker sleeps for a kick, and there is a chain. */
static bool watch_finds_chain(struct kvblk_queue *q)
{
	u16 head;

	return q->waiting && !READ_ONCE(q->paused) &&
	       kvblk_vring_peek(&q->vring, &head) > 0;
}

/* Nothing was published for a whole round, and what was is not acknowledged. */
static void watch_interrupt(struct kvblk_queue *q)
{
	struct kvblk_watch *w = &q->watch;
	bool interrupted;
	u16 used;

	spin_lock_irq(&q->used_lock);
	used = q->vring.published;
	interrupted = w->interrupted;
	spin_unlock_irq(&q->used_lock);

	if (used != w->used) {
		/* Also what was published without the worker is work. */
		w->used = used;
		w->rounds = 0;
	} else if (interrupted && used != w->told && !READ_ONCE(q->paused) &&
		   q->env.ops->unanswered(q)) {
		w->told = used;
		trace_kvblk_lost(q, "interrupt");
		kvblk_count(q->env.stats, KVBLK_STAT_LOST_INTERRUPTS, 1);
		q->env.ops->used(q, true);
	}
}

/* Chains without a kick: false while the kick may still be on its way. */
static bool watch_kick(struct kvblk_queue *q, bool kicked)
{
	u64 requests = kvblk_counter(q->env.stats, KVBLK_STAT_REQUESTS);
	struct kvblk_watch *w = &q->watch;
	bool found = !kicked && watch_finds_chain(q);
	bool sure = w->suspect && requests == w->requests;

	w->requests = requests;
	w->suspect = found && !sure;
	if (found && sure) {
		trace_kvblk_lost(q, "kick");
		kvblk_count(q->env.stats, KVBLK_STAT_LOST_KICKS, 1);
		w->rounds = 0;
	}
	return !w->suspect;
}

/* Nothing has happened for a while: memory is given back. */
static void watch_rest(struct kvblk_queue *q)
{
	if (kvblk_used_in_flight(q) || q->held)
		return;
	kvblk_used_reclaim(q, false);
	kvblk_pool_trim(&q->pool);
}

/*
 * On KVBLK_EV_CHECK; @kicked: there is a kick, too. False: leave the ring alone in this
 * pass.
 */
bool kvblk_watch_look(struct kvblk_queue *q, bool kicked)
{
	struct kvblk_watch *w = &q->watch;

	w->armed = false;
	if (!watch_kick(q, kicked)) {
		watch_arm(w, DOUBT_NS);
		return false;
	}
	watch_interrupt(q);
	/* What is in flight may end without the worker: it is not over before. */
	if (kvblk_used_in_flight(q))
		watch_arm(w, LOOK_NS);
	else if (w->rounds++ < IDLE_ROUNDS)
		watch_arm(w, LOOK_NS);
	else
		watch_rest(q);
	return true;
}
