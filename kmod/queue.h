/* SPDX-License-Identifier: GPL-2.0 */
/* A virtqueue at work: its requests and their completion. */
#ifndef KVBLK_QUEUE_H
#define KVBLK_QUEUE_H

#include <linux/blk_types.h>
#include <linux/hrtimer.h>
#include <linux/llist.h>
#include <linux/timekeeping.h>
#include <linux/virtio_blk.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "arrive.h"
#include "backing.h"
#include "cmd.h"
#include "gate.h"
#include "hist.h"
#include "io.h"
#include "mem.h"
#include "mmio.h"
#include "moderate.h"
#include "owner.h"
#include "poll.h"
#include "pool.h"
#include "stats.h"
#include "vring.h"
#include "worker.h"

#define KVBLK_VEC_INLINE	4

struct kvblk_queue;

/**
 * struct kvblk_req - One descriptor chain from the ring until it is used
 * @q: Its queue.
 * @head: First descriptor.
 * @cmd: The decided request. @cmd.data points to scratch memory: only valid
 *	until @io.vec is made.
 * @status: The answer.
 * @used_len: Bytes written to guest memory, the status byte included.
 * @next: What the worker does when the request comes back to it.
 * @job: What a work item does with it; may sleep.
 * @job_ret: Result of @job.
 * @inline_vec: Room for a few pieces of data; for more @io.vec is allocated.
 * @lap: Where its time goes.
 * @link: In the pool, or in the queue's list of ready or of answered requests.
 * @done: In the queue's list of those that come back.
 * @io: The transfer; its work item does @job.
 */
struct kvblk_req {
	struct kvblk_queue *q;
	u16 head;
	u8 status;
	u32 used_len;
	struct kvblk_cmd cmd;

	void (*next)(struct kvblk_req *req);
	int (*job)(struct kvblk_req *req);
	int job_ret;

	union kvblk_vec inline_vec[KVBLK_VEC_INLINE];
	struct kvblk_lap lap;

	union {
		struct list_head link;
		struct llist_node done;
	};
	struct kvblk_io io;
};

/**
 * struct kvblk_queue_ops - What a queue asks of its session; none may sleep
 * @used: Elements were published; @interrupt: the driver wants to be told. Called in any
 *	context, interrupts off, too.
 * @broken: The ring cannot be trusted any more; called once per start.
 * @unanswered: Whether the driver has not acknowledged the last interrupt.
 * @quiet: A paused queue has nothing in flight any more.
 * @stopped: After kvblk_queue_stop(): nothing is in flight, and nothing of the
 *	guest will be touched before the next start.
 */
struct kvblk_queue_ops {
	void (*used)(struct kvblk_queue *q, bool interrupt);
	void (*broken)(struct kvblk_queue *q, const char *reason);
	bool (*unanswered)(struct kvblk_queue *q);
	void (*quiet)(struct kvblk_queue *q);
	void (*stopped)(struct kvblk_queue *q);
};

/**
 * struct kvblk_queue_env - What a queue works with; outlives it
 * @name: Of the disk.
 * @index: Of the queue.
 * @ops: The session.
 * @geo: The disk.
 * @serial: Answer to GET_ID, VIRTIO_BLK_ID_BYTES.
 * @mem: Guest memory; immutable while running.
 * @backing: The bytes.
 * @gate: The throttle.
 * @poll: What looking for work may cost; may change at any time.
 * @stats: Counters.
 * @hists: Histograms.
 * @moderation: When to interrupt; may change at any time.
 * @owner: Control groups.
 * @wq: For what may sleep.
 */
struct kvblk_queue_env {
	const char *name;
	u16 index;
	const struct kvblk_queue_ops *ops;
	const struct kvblk_geometry *geo;
	const u8 *serial;
	const struct kvblk_mem *mem;
	struct kvblk_backing *backing;
	struct kvblk_gate *gate;
	const struct kvblk_poll_limits *poll;
	struct kvblk_counters *stats;
	struct kvblk_hists *hists;
	const struct kvblk_moderation *moderation;
	const struct kvblk_owner *owner;
	struct workqueue_struct *wq;
};

/* Most pieces of a chain: it is not longer than its ring (2.7.5.3.1). */
static inline u16 kvblk_chain_max(u16 num)
{
	return min_t(u16, num, KVBLK_CHAIN_MAX);
}

/* Bits of kvblk_queue.events. */
enum kvblk_queue_event {
	KVBLK_EV_KICK,		/* look at the ring */
	KVBLK_EV_RETRY,		/* tokens may be there: timer, new limits */
	KVBLK_EV_CHECK,		/* look for what got lost */
	KVBLK_EV_STATE,		/* stopped, paused, or what somebody waits for has ended */
	KVBLK_EV_MOVE,		/* the destination has changed */
};

enum kvblk_queue_state {
	KVBLK_QUEUE_IDLE,
	KVBLK_QUEUE_RUNNING,
	KVBLK_QUEUE_STOPPING,
};

/**
 * struct kvblk_watch - Looks for lost notifications; see watch.c
 * @timer: Sets KVBLK_EV_CHECK. Armed after work, not for ever.
 * @armed: The timer runs.
 * @rounds: Looks since the last work.
 * @requests: Chains popped at the last look.
 * @used: Index of the used ring at the last look.
 * @told: Of the last interrupt that was sent again.
 * @suspect: The last look found a chain that nobody had kicked for.
 * @interrupted: The last batch sent an interrupt; guarded by @used_lock of the queue.
 */
struct kvblk_watch {
	struct hrtimer timer;
	bool armed;
	u8 rounds;
	u64 requests;
	u16 used;
	u16 told;
	bool suspect;
	bool interrupted;
};

/**
 * struct kvblk_bell - Reminds a driver's thread that it is to serve the queue; see here.c
 * @bio: What it finds in its list.
 * @ringer: That thread: the queue does not get idle before it has been at it.
 * @timer: The thread sleeps meanwhile: wakes the worker.
 * @hung: How often it was hung.
 * @seen: @hung when the timer was started.
 */
struct kvblk_bell {
	struct bio *bio;
	struct task_struct *ringer;
	struct hrtimer timer;
	unsigned int hung;
	unsigned int seen;
};

/**
 * struct kvblk_queue - A virtqueue
 *
 * @env: Immutable.
 * @worker: Who serves it: written by the one that does when it passes it on.
 * @destination: Who is to serve it; written by kvblk_queue_send().
 * @arrival: In the list of queues handed to @worker.
 * @turn: In @worker's list.
 *
 * @claimed: Bit 0: somebody is at its turn; all that belongs to the worker is theirs: the
 *	worker itself, until it has settled the queue, or a driver's thread (here.c).
 * @turned: It is the worker; written by the worker only.
 * @here: It is a driver's thread.
 * @bell: One will be.
 *
 * @events: enum kvblk_queue_event, from any context.
 * @done: Requests that come back, from any context.
 * @timer: Sets KVBLK_EV_RETRY.
 *
 * @state: IDLE -> RUNNING -> STOPPING by the session; STOPPING -> IDLE by the
 *	worker. What follows belongs to the session while IDLE, else to the
 *	worker.
 *
 * @paused: No request is to be taken; written by the session.
 * @quiet: Paused and nothing in flight; true is written by the worker.
 *
 * @vring: Cursors.
 * @write_through: The driver cannot flush: a write that ends is durable (5.2.6.2).
 * @now: The clock at this turn, ns; 0: not read yet.
 * @scratch: Pieces of the chain at hand.
 * @area: Mapped descriptor table, driver area, device area.
 * @pool: Requests.
 * @ready: Popped and decided requests that wait for tokens.
 * @held: The first chain of the ring, decided, not popped: it waits for tokens.
 * @arrive: Since when the chains of the ring have been there.
 * @stalled: The first request waits for tokens and the timer runs.
 * @waiter: Its place among the queues of the disk that wait for tokens.
 * @broken: The ring is not looked at any more.
 * @waiting: The ring was empty, and the driver was asked to notify.
 * @watch: Self-check.
 *
 * @used_lock: Guards what follows, the used side of @vring and the counters of answers: the
 *	worker, and while it runs whoever completes a request (used.c).
 * @in_flight: Requests popped and not yet completed.
 * @answered: Requests that are, but the driver does not see it yet.
 * @spent: Requests of which it does, and that the worker has not taken back.
 * @batching: The worker is at its turn and will publish.
 * @hungry: The worker waits for a request to be free.
 * @moderate: The interrupt that the driver is owed.
 */
struct kvblk_queue {
	struct kvblk_queue_env env;
	struct kvblk_worker *worker;
	struct kvblk_worker *destination;
	struct llist_node arrival;
	struct list_head turn;

	unsigned long claimed;
	bool turned;
	bool here;
	struct kvblk_bell bell;

	unsigned long events;
	struct llist_head done;
	struct hrtimer timer;
	enum kvblk_queue_state state;
	bool paused;
	bool quiet;

	struct kvblk_vring vring;
	bool write_through;
	u64 now;
	struct kvblk_seg *scratch;
	struct kvblk_mapping area[3];
	struct kvblk_pool pool;
	struct list_head ready;
	struct kvblk_req *held;
	struct kvblk_arrive arrive;
	bool stalled;
	struct kvblk_gate_waiter waiter;
	bool broken;
	bool waiting;
	struct kvblk_watch watch;

	spinlock_t used_lock;	/* guards the used side */
	unsigned int in_flight;
	struct list_head answered;
	struct list_head spent;
	bool batching;
	bool hungry;
	struct kvblk_moderate moderate;
};

/**
 * kvblk_queue_init - Make an idle queue
 * @q: Zeroed. Of the idle queue nothing is to be undone, but it must stay until
 *	kvblk_worker_exit() of its worker.
 * @env: Copied; @env->mem is that of @worker.
 * @worker: Serves it.
 */
void kvblk_queue_init(struct kvblk_queue *q, const struct kvblk_queue_env *env,
		      struct kvblk_worker *worker);

/*
 * Have a queue served by @to, of the same session; running or not. The old worker passes it
 * on after its pass. One at a time for each queue.
 */
void kvblk_queue_send(struct kvblk_queue *q, struct kvblk_worker *to);

/* Until it is there: the old worker may end then. Jiffies left, or 0 if it is not. */
unsigned long kvblk_queue_await(struct kvblk_queue *q, unsigned long jiffies_max);

/**
 * kvblk_queue_prepare - Map the rings
 * @q: Idle; stays so.
 * @vq: The queue as the driver set it up.
 * @features: What was negotiated.
 *
 * Faults pages in: sleeps as long as it takes.
 *
 * Return: 0 or -errno. What was done is undone by kvblk_queue_release().
 */
int kvblk_queue_prepare(struct kvblk_queue *q, const struct kvblk_vq_config *vq,
			u64 features);

/* Whether the rings are mapped. */
static inline bool kvblk_queue_prepared(const struct kvblk_queue *q)
{
	return q->vring.num;
}

/* Serve what was prepared, until kvblk_queue_stop(). */
void kvblk_queue_run(struct kvblk_queue *q);

/* Stop popping and publishing; env.ops->stopped follows. False if not running. */
bool kvblk_queue_stop(struct kvblk_queue *q);

/* After env.ops->stopped, or without a run: give the rings back. Sleeps. */
void kvblk_queue_release(struct kvblk_queue *q);

/* Whether the queue is stopped (or was never started). */
static inline bool kvblk_queue_idle(const struct kvblk_queue *q)
{
	/* Pairs with the release in queue_finish_stop(). */
	return smp_load_acquire(&q->state) == KVBLK_QUEUE_IDLE;
}

/* Take requests or not; running or not. With @pause env.ops->quiet follows. */
void kvblk_queue_pause(struct kvblk_queue *q, bool pause);

/* Whether a paused queue touches nothing of the guest any more. */
static inline bool kvblk_queue_quiet(const struct kvblk_queue *q)
{
	/* Pairs with the release in queue_tell_quiet(). */
	return smp_load_acquire(&q->quiet) || kvblk_queue_idle(q);
}

/* Set an event and wake the worker: any context. */
void kvblk_queue_event(struct kvblk_queue *q, enum kvblk_queue_event ev);

/* The driver notified: any context. */
void kvblk_queue_kick(struct kvblk_queue *q);

/*
 * The same, where the caller's thread may serve the queue itself: in a thread, without a
 * lock that the driver's callback takes.
 */
void kvblk_queue_kick_here(struct kvblk_queue *q);

/* Be the one at @q's turn; false if there is one. Never waits. */
static inline bool kvblk_queue_claim(struct kvblk_queue *q)
{
	/* Pairs with the release in kvblk_queue_unclaim(). */
	return !test_and_set_bit_lock(0, &q->claimed);
}

static inline void kvblk_queue_unclaim(struct kvblk_queue *q)
{
	/* Pairs with the acquire in kvblk_queue_claim(). */
	clear_bit_unlock(0, &q->claimed);
}

static inline bool kvblk_queue_claimed(const struct kvblk_queue *q)
{
	return test_bit(0, &q->claimed);
}

/* here.c: called by queue.c; stop is false while somebody is to ring. */
void kvblk_bell_setup(struct kvblk_queue *q);
bool kvblk_bell_stop(struct kvblk_queue *q);

/* queue.c: called by here.c */
void kvblk_queue_kicked(struct kvblk_queue *q);
void kvblk_queue_turn_here(struct kvblk_queue *q);

/* queue.c: called by the worker */

static inline bool kvblk_queue_has_work(const struct kvblk_queue *q)
{
	return READ_ONCE(q->events) || !llist_empty(&q->done);
}

void kvblk_queue_turn(struct kvblk_queue *q);
void kvblk_queue_settle(struct kvblk_queue *q);

/* watch.c: called by the worker */
void kvblk_watch_init(struct kvblk_queue *q);
void kvblk_watch_start(struct kvblk_queue *q);
void kvblk_watch_stop(struct kvblk_queue *q);
void kvblk_watch_work(struct kvblk_queue *q);
bool kvblk_watch_look(struct kvblk_queue *q, bool kicked);

/* request.c: the steps of a request, called by the worker. */
int kvblk_req_prepare(struct kvblk_req *req);
void kvblk_req_prepare_patiently(struct kvblk_req *req);
void kvblk_req_start(struct kvblk_req *req);
void kvblk_req_free(struct kvblk_req *req);
enum kvblk_kind kvblk_req_kind(const struct kvblk_req *req);

/* The time at this turn: read once for all that it takes up and starts. */
static inline u64 kvblk_queue_now(struct kvblk_queue *q)
{
	if (!q->now)
		q->now = ktime_get_ns();
	return q->now;
}

/* It now waits for @stage: any context. */
static inline void kvblk_req_lap(struct kvblk_req *req, enum kvblk_stage stage)
{
	if (req->lap.stage != stage)
		kvblk_lap_to(&req->lap, stage, ktime_get_ns());
}

/* Counts the answer; under @used_lock of the queue. */
void kvblk_req_count(const struct kvblk_req *req);

/* Stores the status byte without sleeping: 0 or -errno. Any context, if memory is present. */
int kvblk_req_store(struct kvblk_req *req);

/* used.c: called by the worker */

/* From here to kvblk_used_publish() with @end what is answered is published together. */
void kvblk_used_begin(struct kvblk_queue *q);
void kvblk_used_publish(struct kvblk_queue *q, bool end);

/* A request is in flight; answers it; ends it without an answer. */
void kvblk_used_pop(struct kvblk_queue *q);
void kvblk_used_push(struct kvblk_req *req);
void kvblk_used_retire(struct kvblk_req *req);

/* Who has ended the last one touches nothing of the queue any more if this is 0. */
unsigned int kvblk_used_in_flight(struct kvblk_queue *q);

/* Free what was answered without the worker; with @wait, if there is nothing, be told. */
bool kvblk_used_reclaim(struct kvblk_queue *q, bool wait);

/*
 * Answer @req here and now, in any context: @status and @used_len are set. False if only the
 * worker can; else @req and, if it runs no more, the queue are gone.
 */
bool kvblk_used_direct(struct kvblk_req *req);

/* queue.c: called by request.c */
void kvblk_queue_ready(struct kvblk_req *req);
void kvblk_queue_break(struct kvblk_req *req, const char *reason);
void kvblk_queue_post(struct kvblk_req *req);

#endif /* KVBLK_QUEUE_H */
