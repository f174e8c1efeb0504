// SPDX-License-Identifier: GPL-2.0
/*
 * A turn of a queue: takes chains from the ring, starts them, publishes what has ended.
 *
 * The worker alone takes from the ring; it shares the used side (used.c). Nothing here
 * sleeps: what would have to wait for the backing, for guest memory or for anybody else
 * is handed to a work item. A turn is bounded by the size of the ring, and the state is
 * looked at for every chain, so a stop is seen at once whatever the guest does.
 */
#include <linux/blkdev.h>
#include "queue.h"
#include "trace.h"

/* A wrong wait must not lose the disk: look again at least so often. */
#define STALL_MAX_NS	NSEC_PER_SEC

/* ---- events: any context ---- */

void kvblk_queue_event(struct kvblk_queue *q, enum kvblk_queue_event ev)
{
	set_bit(ev, &q->events);
	kvblk_worker_wake(q);
}

void kvblk_queue_kicked(struct kvblk_queue *q)
{
	trace_kvblk_kick(q);
	kvblk_arrive_kick(&q->arrive);
	set_bit(KVBLK_EV_KICK, &q->events);
}

void kvblk_queue_kick(struct kvblk_queue *q)
{
	kvblk_queue_kicked(q);
	kvblk_worker_wake(q);
}

/*
 * Hands @req back to the worker. The worker may end the session as soon as it sees
 * the request: RCU keeps the queue for the wake-up.
 */
void kvblk_queue_post(struct kvblk_req *req)
{
	struct kvblk_queue *q = req->q;

	rcu_read_lock();
	if (llist_add(&req->done, &q->done))
		kvblk_worker_wake(q);
	rcu_read_unlock();
}

static enum hrtimer_restart queue_timer(struct hrtimer *timer)
{
	kvblk_queue_event(container_of(timer, struct kvblk_queue, timer),
			  KVBLK_EV_RETRY);
	return HRTIMER_NORESTART;
}

static void queue_tokens(struct kvblk_gate_waiter *waiter)
{
	kvblk_queue_event(container_of(waiter, struct kvblk_queue, waiter),
			  KVBLK_EV_RETRY);
}

/* ---- the worker ---- */

static bool queue_running(const struct kvblk_queue *q)
{
	/* Pairs with the release in kvblk_queue_run(). */
	return smp_load_acquire(&q->state) == KVBLK_QUEUE_RUNNING;
}

static void queue_set_stalled(struct kvblk_queue *q, bool stalled)
{
	q->stalled = stalled;
	kvblk_gauge(q->env.stats, KVBLK_STAT_STALLED, stalled);
}

void kvblk_queue_ready(struct kvblk_req *req)
{
	list_add_tail(&req->link, &req->q->ready);
}

static void queue_poison(struct kvblk_queue *q, const char *reason)
{
	if (q->broken)
		return;
	q->broken = true;
	trace_kvblk_broken(q, reason);
	kvblk_count(q->env.stats, KVBLK_STAT_RING_ERRORS, 1);
	q->env.ops->broken(q, reason);
}

/* A popped request that cannot be answered: the device must say so. */
void kvblk_queue_break(struct kvblk_req *req, const char *reason)
{
	queue_poison(req->q, reason);
	kvblk_used_retire(req);
}

/* Requests that came back: each goes on with its next step. False if there is none. */
static bool queue_reap(struct kvblk_queue *q, bool running)
{
	struct llist_node *list = llist_reverse_order(llist_del_all(&q->done));
	struct kvblk_req *req, *tmp;

	if (!list)
		return false;
	llist_for_each_entry_safe(req, tmp, list, done) {
		if (running)
			req->next(req);
		else
			kvblk_used_retire(req);
	}
	return true;
}

static const char *queue_peek(struct kvblk_queue *q, u16 *head, int *got)
{
	*got = kvblk_vring_peek(&q->vring, head);
	if (*got == -ERANGE) {
		kvblk_count(q->env.stats, KVBLK_STAT_INVALID_AVAIL, 1);
		return "the available index is too far ahead";
	}
	return *got < 0 ? "an available entry is no descriptor" : NULL;
}

static void queue_pop(struct kvblk_req *req)
{
	struct kvblk_queue *q = req->q;

	kvblk_vring_advance(&q->vring);
	kvblk_count(q->env.stats, KVBLK_STAT_REQUESTS, 1);
	kvblk_used_pop(q);
	kvblk_watch_work(q);
	trace_kvblk_pop(req);
}

/**
 * enum queue_step - What one step has come to
 * @STEP_MORE: There may be more.
 * @STEP_EMPTY: The ring is empty: a kick tells of the next chain.
 * @STEP_BLOCKED: A kick cannot help: the end of a request, tokens, a resume, a reset can.
 */
enum queue_step {
	STEP_MORE,
	STEP_EMPTY,
	STEP_BLOCKED,
};

/* Looks for a free request, be it one that is only kept until its answer is published. */
static bool queue_refill(struct kvblk_queue *q)
{
	if (kvblk_used_reclaim(q, false))
		return true;
	kvblk_used_publish(q, false);
	return !list_empty(&q->pool.free) || kvblk_used_reclaim(q, true);
}

static struct kvblk_req *queue_get_req(struct kvblk_queue *q)
{
	struct kvblk_req *req;

	if (list_empty(&q->pool.free))
		kvblk_used_reclaim(q, false);
	req = kvblk_pool_get(&q->pool);
	if (!req && queue_refill(q))
		req = kvblk_pool_get(&q->pool);
	return req;
}

/* The first chain of the ring, as it is: not decided, not popped. */
static enum queue_step queue_find(struct kvblk_queue *q, struct kvblk_req **req)
{
	const char *reason;
	int got;
	u16 head;

	if (kvblk_pool_used_up(&q->pool) && !queue_refill(q))
		return STEP_BLOCKED;
	reason = queue_peek(q, &head, &got);
	if (reason)
		queue_poison(q, reason);
	if (got <= 0)
		return reason ? STEP_BLOCKED : STEP_EMPTY;
	*req = queue_get_req(q);
	if (!*req)
		return STEP_BLOCKED;
	(*req)->head = head;
	kvblk_arrive_find(&q->arrive, &q->vring, &(*req)->lap, kvblk_queue_now(q));
	return STEP_MORE;
}

/* Decides the chain at the front of the ring: holds it, or hands it to a work item. */
static enum queue_step queue_hold(struct kvblk_queue *q)
{
	struct kvblk_req *req;
	enum queue_step step;
	int ret;

	step = queue_find(q, &req);
	if (step != STEP_MORE)
		return step;
	ret = kvblk_req_prepare(req);
	if (!ret) {
		q->held = req;
		return STEP_MORE;
	}
	if (ret == -EFAULT || ret == -ENOMEM) {
		queue_pop(req);
		kvblk_req_prepare_patiently(req);
		return STEP_MORE;
	}
	kvblk_req_free(req);
	queue_poison(q, ret == -ENODATA ? "a chain has no room for a status" :
					  "a descriptor chain is malformed");
	return STEP_BLOCKED;
}

static void queue_stall(struct kvblk_queue *q, u64 wait)
{
	queue_set_stalled(q, true);
	kvblk_count(q->env.stats, KVBLK_STAT_THROTTLED, 1);
	hrtimer_start(&q->timer, ns_to_ktime(min_t(u64, wait, STALL_MAX_NS)),
		      HRTIMER_MODE_REL);
}

/* Starts @req if its tokens are there; else it stays first and the timer runs. */
static enum queue_step queue_start_req(struct kvblk_queue *q, struct kvblk_req *req)
{
	u64 wait = kvblk_gate_take(q->env.gate, &q->waiter, &req->cmd);

	if (wait) {
		kvblk_arrive_stall(&q->arrive, &q->vring, &req->lap, ktime_get_ns());
		trace_kvblk_stall(req, wait);
		queue_stall(q, wait);
		return STEP_BLOCKED;
	}
	if (req == q->held) {
		q->held = NULL;
		queue_pop(req);
	} else {
		list_del(&req->link);
	}
	kvblk_req_start(req);
	return STEP_MORE;
}

/* One chain. A pause lets the popped ones end. */
static enum queue_step queue_step(struct kvblk_queue *q)
{
	enum queue_step step = STEP_MORE;
	struct kvblk_req *req;

	req = list_first_entry_or_null(&q->ready, struct kvblk_req, link);
	if (req)
		return queue_start_req(q, req);
	if (READ_ONCE(q->paused))
		return STEP_BLOCKED;
	if (!q->held && q->broken)
		return STEP_BLOCKED;
	if (!q->held)
		step = queue_hold(q);
	return q->held ? queue_start_req(q, q->held) : step;
}

/* Up to a ring full of chains. True if there may be more. */
static bool queue_serve(struct kvblk_queue *q)
{
	unsigned int budget = q->vring.num;
	enum queue_step step;

	q->waiting = false;
	/* Of a ring that is held still not even a flag is written. */
	if (READ_ONCE(q->paused) && list_empty(&q->ready))
		return false;
	kvblk_used_reclaim(q, false);
	kvblk_vring_disable_notify(&q->vring);
	while (budget--) {
		if (!queue_running(q))
			return false;
		step = queue_step(q);
		if (step == STEP_BLOCKED)
			return false;
		if (step == STEP_MORE)
			continue;
		if (!kvblk_vring_enable_notify(&q->vring)) {
			q->waiting = true;
			return false;
		}
		kvblk_vring_disable_notify(&q->vring);
	}
	return true;
}

/* Nothing of the guest is touched from here until the next start. */
static void queue_finish_stop(struct kvblk_queue *q)
{
	struct kvblk_req *req, *tmp;

	list_for_each_entry_safe(req, tmp, &q->ready, link) {
		list_del(&req->link);
		kvblk_used_retire(req);
	}
	if (q->held)
		kvblk_req_free(q->held);
	q->held = NULL;
	if (kvblk_used_in_flight(q))
		return;
	if (!kvblk_bell_stop(q))
		return;

	kvblk_used_reclaim(q, false);
	hrtimer_cancel(&q->timer);
	kvblk_gate_quit(q->env.gate, &q->waiter);
	kvblk_watch_stop(q);
	kvblk_moderate_stop(q);
	queue_set_stalled(q, false);
	/* Pairs with the acquire in kvblk_queue_idle(). */
	smp_store_release(&q->state, KVBLK_QUEUE_IDLE);
	q->env.ops->stopped(q);
}

/* What a lost kick would have asked for: not in the look that only suspects it. */
static bool queue_may_serve(struct kvblk_queue *q, unsigned long events)
{
	if (events & BIT(KVBLK_EV_CHECK) && !kvblk_watch_look(q, events & BIT(KVBLK_EV_KICK)))
		return false;
	return !q->stalled;
}

static void queue_turn_running(struct kvblk_queue *q, unsigned long events)
{
	struct blk_plug plug;
	bool serve;

	kvblk_arrive_turn(&q->arrive);
	/* A driver's own thread is here as soon as it has notified. */
	q->now = q->here ? q->arrive.turn : 0;
	kvblk_used_begin(q);
	blk_start_plug(&plug);
	if (queue_reap(q, true))
		kvblk_used_publish(q, false);
	if (events & BIT(KVBLK_EV_RETRY))
		queue_set_stalled(q, false);
	serve = queue_may_serve(q, events);
	if (serve && queue_serve(q))
		set_bit(KVBLK_EV_KICK, &q->events);
	/* What the plug holds back may end here and now. */
	blk_finish_plug(&plug);
	kvblk_used_publish(q, true);
	if (serve && q->waiting)
		kvblk_moderate_ask(q);
}

/* After a turn, when no request can be taken any more. */
static void queue_tell_quiet(struct kvblk_queue *q)
{
	if (!READ_ONCE(q->paused) || READ_ONCE(q->quiet) || kvblk_used_in_flight(q))
		return;
	/* The driver that is told is the one that was there before a snapshot. */
	kvblk_moderate_flush(q);
	/* Pairs with the acquire in kvblk_queue_quiet(). */
	smp_store_release(&q->quiet, true);
	q->env.ops->quiet(q);
}

void kvblk_queue_turn(struct kvblk_queue *q)
{
	unsigned long events = xchg(&q->events, 0);

	if (queue_running(q) && kvblk_worker_enter(q->worker))
		queue_turn_running(q, events);
	else
		/* Stopping, or the VMM is gone: nobody to answer. */
		queue_reap(q, false);
}

/*
 * A turn for a notification and nothing else: what settles the queue is the worker's. So is
 * a paused queue, which must be settled when its last request has come back.
 */
void kvblk_queue_turn_here(struct kvblk_queue *q)
{
	if (!queue_running(q) || READ_ONCE(q->paused) || !q->env.mem->ops->pages)
		return;
	if (!test_and_clear_bit(KVBLK_EV_KICK, &q->events))
		return;
	q->here = true;
	queue_turn_running(q, BIT(KVBLK_EV_KICK));
	q->here = false;
}

/* After its turn, when guest memory is not borrowed any more. */
void kvblk_queue_settle(struct kvblk_queue *q)
{
	if (READ_ONCE(q->state) == KVBLK_QUEUE_STOPPING)
		queue_finish_stop(q);
	queue_tell_quiet(q);
}

/* ---- life cycle: the session ---- */

void kvblk_queue_init(struct kvblk_queue *q, const struct kvblk_queue_env *env,
		      struct kvblk_worker *worker)
{
	q->env = *env;
	init_llist_head(&q->done);
	kvblk_pool_init(&q->pool);
	INIT_LIST_HEAD(&q->ready);
	INIT_LIST_HEAD(&q->answered);
	INIT_LIST_HEAD(&q->spent);
	spin_lock_init(&q->used_lock);
	kvblk_gate_waiter_init(&q->waiter, queue_tokens);
	hrtimer_setup(&q->timer, queue_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	kvblk_watch_init(q);
	kvblk_bell_setup(q);
	kvblk_moderate_init(q);
	q->destination = worker;
	q->worker = worker;
	kvblk_worker_give(worker, q);
}

void kvblk_queue_run(struct kvblk_queue *q)
{
	kvblk_watch_start(q);
	/* Hand all that was prepared to the worker; pairs with queue_running(). */
	smp_store_release(&q->state, KVBLK_QUEUE_RUNNING);
	/* What the driver made available before now has no kick of its own. */
	kvblk_queue_event(q, KVBLK_EV_KICK);
}

void kvblk_queue_pause(struct kvblk_queue *q, bool pause)
{
	/* First: a worker that sees the new pause says so afresh. */
	WRITE_ONCE(q->quiet, false);
	/* Pairs with the look of a pass at the flag: seen there, seen quiet. */
	smp_store_release(&q->paused, pause);
	kvblk_queue_event(q, KVBLK_EV_STATE);
}

bool kvblk_queue_stop(struct kvblk_queue *q)
{
	if (q->state != KVBLK_QUEUE_RUNNING)
		return false;
	trace_kvblk_reset(q);
	WRITE_ONCE(q->state, KVBLK_QUEUE_STOPPING);
	kvblk_queue_event(q, KVBLK_EV_STATE);
	return true;
}
