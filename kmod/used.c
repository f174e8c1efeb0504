// SPDX-License-Identifier: GPL-2.0
/*
 * The used side of a queue: answers, by the worker or by whoever completes.
 *
 * Where guest memory is always present a request can be answered in the context that
 * completes it, a hard interrupt as well: status byte, used element, interrupt. No
 * thread has to run for that. Both sides meet under used_lock, which is held for a few
 * stores and an eventfd; what the worker alone does needs no lock.
 */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include "queue.h"
#include "trace.h"

/* Shows the driver @count answers; whether it is to be interrupted for them. */
static bool used_interrupt(struct kvblk_queue *q, u16 count)
{
	bool wanted = kvblk_vring_publish(&q->vring);
	bool interrupt = kvblk_moderate(q, count, wanted);

	if (interrupt)
		kvblk_count(q->env.stats, KVBLK_STAT_INTERRUPTS, 1);
	else if (!q->moderate.held)
		kvblk_count(q->env.stats, KVBLK_STAT_SUPPRESSED, 1);
	return interrupt;
}

/* Moves to @shown what the driver sees now; false if there is nothing to publish. */
static bool used_publish(struct kvblk_queue *q, struct list_head *shown, bool *interrupt)
{
	u16 count = q->vring.next_used - q->vring.published;

	lockdep_assert_held(&q->used_lock);
	if (!count)
		return false;
	list_splice_init(&q->answered, shown);
	*interrupt = used_interrupt(q, count);
	trace_kvblk_publish(q, count, *interrupt);
	q->watch.interrupted = *interrupt;
	return true;
}

static void used_set_in_flight(struct kvblk_queue *q, unsigned int n)
{
	lockdep_assert_held(&q->used_lock);
	q->in_flight = n;
	kvblk_gauge(q->env.stats, KVBLK_STAT_IN_FLIGHT, n);
}

/* The end of it all, at one time. After the interrupt: it must not delay that. */
static void used_end(struct kvblk_queue *q, struct list_head *shown, u64 now)
{
	struct kvblk_req *req;

	lockdep_assert_held(&q->used_lock);
	list_for_each_entry(req, shown, link)
		kvblk_lap_end(&req->lap, now, q->env.hists, kvblk_req_kind(req));
}

static void used_push(struct kvblk_req *req)
{
	struct kvblk_queue *q = req->q;

	trace_kvblk_complete(req);
	kvblk_req_count(req);
	kvblk_vring_push(&q->vring, req->head, req->used_len);
	used_set_in_flight(q, q->in_flight - 1);
	list_add_tail(&req->link, &q->answered);
}

/* ---- the worker ---- */

void kvblk_used_begin(struct kvblk_queue *q)
{
	spin_lock_irq(&q->used_lock);
	q->batching = true;
	/* The ring is looked at: no chain waits for a notification. */
	q->moderate.ahead = 0;
	spin_unlock_irq(&q->used_lock);
}

static void used_free(struct list_head *list)
{
	struct kvblk_req *req, *tmp;

	list_for_each_entry_safe(req, tmp, list, link)
		kvblk_req_free(req);
}

void kvblk_used_publish(struct kvblk_queue *q, bool end)
{
	bool published, interrupt;
	LIST_HEAD(shown);

	spin_lock_irq(&q->used_lock);
	published = used_publish(q, &shown, &interrupt);
	if (end)
		q->batching = false;
	spin_unlock_irq(&q->used_lock);
	if (!published)
		return;
	kvblk_watch_work(q);
	q->env.ops->used(q, interrupt);

	spin_lock_irq(&q->used_lock);
	used_end(q, &shown, ktime_get_ns());
	spin_unlock_irq(&q->used_lock);
	used_free(&shown);
}

void kvblk_used_pop(struct kvblk_queue *q)
{
	spin_lock_irq(&q->used_lock);
	used_set_in_flight(q, q->in_flight + 1);
	spin_unlock_irq(&q->used_lock);
}

void kvblk_used_push(struct kvblk_req *req)
{
	spin_lock_irq(&req->q->used_lock);
	used_push(req);
	spin_unlock_irq(&req->q->used_lock);
}

void kvblk_used_retire(struct kvblk_req *req)
{
	spin_lock_irq(&req->q->used_lock);
	used_set_in_flight(req->q, req->q->in_flight - 1);
	spin_unlock_irq(&req->q->used_lock);
	kvblk_req_free(req);
}

unsigned int kvblk_used_in_flight(struct kvblk_queue *q)
{
	unsigned int n;

	spin_lock_irq(&q->used_lock);
	n = q->in_flight;
	spin_unlock_irq(&q->used_lock);
	return n;
}

bool kvblk_used_reclaim(struct kvblk_queue *q, bool wait)
{
	LIST_HEAD(spent);

	if (!wait && list_empty_careful(&q->spent))
		return false;
	spin_lock_irq(&q->used_lock);
	list_splice_init(&q->spent, &spent);
	q->hungry = wait && list_empty(&spent);
	spin_unlock_irq(&q->used_lock);
	if (list_empty(&spent))
		return false;
	used_free(&spent);
	return true;
}

/* ---- any context ---- */

/* Whether the worker waits for the end of a request: then tell it. */
static bool used_is_awaited(struct kvblk_queue *q)
{
	if (q->hungry) {
		q->hungry = false;
		return true;
	}
	return !q->in_flight && READ_ONCE(q->paused);
}

static void used_answer(struct kvblk_req *req)
{
	struct kvblk_queue *q = req->q;
	bool interrupt;
	LIST_HEAD(shown);

	used_push(req);
	/* A worker that is at it publishes at the end of its turn. */
	if (!q->batching && used_publish(q, &shown, &interrupt)) {
		q->env.ops->used(q, interrupt);
		/* It ended just now: the clock need not be asked again. */
		used_end(q, &shown, req->lap.since);
		list_splice(&shown, &q->spent);
	}
	if (used_is_awaited(q))
		kvblk_queue_event(q, KVBLK_EV_STATE);
}

static bool used_try_answer(struct kvblk_req *req)
{
	struct kvblk_queue *q = req->q;
	unsigned long flags;
	bool done = false;

	spin_lock_irqsave(&q->used_lock, flags);
	if (READ_ONCE(q->state) == KVBLK_QUEUE_RUNNING && !kvblk_req_store(req)) {
		used_answer(req);
		done = true;
	}
	spin_unlock_irqrestore(&q->used_lock, flags);
	return done;
}

bool kvblk_used_direct(struct kvblk_req *req)
{
	bool done;

	if (!req->q->env.mem->ops->present)
		return false;
	if (!in_task() || irqs_disabled())
		return used_try_answer(req);
	/* A driver on this machine raises soft interrupts when it is told: let them run. */
	local_bh_disable();
	done = used_try_answer(req);
	local_bh_enable();
	return done;
}
