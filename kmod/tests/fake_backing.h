/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A backing in memory that does what its script says: it ends an attempt at once,
 * from a work item, from a hard interrupt or never; it is short, fails or sleeps.
 */
#ifndef KVBLK_TESTS_FAKE_BACKING_H
#define KVBLK_TESTS_FAKE_BACKING_H

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/workqueue.h>
#include "../backing.h"

#define FAKE_BYTES	(64 * 512)
#define FAKE_LATE_MAX	64	/* attempts under way at the same time */
#define FAKE_IRQ_NS	20000	/* from an attempt to its interrupt */

/**
 * enum fake_when - When an attempt ends
 * @FAKE_INLINE: Before it returns.
 * @FAKE_WORK: From a work item.
 * @FAKE_IRQ: From a timer, in hard interrupt context.
 * @FAKE_NEVER: When the test says so.
 * @FAKE_REFUSE: It is not possible at all.
 */
enum fake_when {
	FAKE_INLINE,
	FAKE_WORK,
	FAKE_IRQ,
	FAKE_NEVER,
	FAKE_REFUSE,
};

/**
 * struct fake_script - What a backing does
 * @when: When an attempt ends.
 * @attempt_max: Most bytes of an attempt, 0: all.
 * @attempt_err: Error of an attempt, 0: none.
 * @perform_err: Error of perform.
 * @flush_err: Error of flush.
 * @end: Bytes behind it are padding, 0: none are.
 * @dead: Perform and flush sleep until fake_revive().
 */
struct fake_script {
	enum fake_when when;
	size_t attempt_max;
	int attempt_err;
	int perform_err;
	int flush_err;
	u64 end;
	bool dead;
};

/**
 * struct fake_backing - The backing
 *
 * @b: What the engine sees.
 * @script: Set by the test while nothing is under way.
 * @bytes: The content.
 *
 * @on_attempt: Called by the worker for every attempt, if set.
 *
 * @attempts: Calls.
 * @stacked: Those of them by a driver's thread.
 * @performs: Calls.
 * @flushes: Calls.
 * @order: Positions in the order of attempts.
 * @performed_from: Bytes done when perform was called last.
 * @irqs: Attempts that ended in hard interrupt context.
 *
 * @lock: Guards what follows up to @nr_late.
 * @late: Attempts under way, oldest first.
 * @timer: Ends them.
 * @work: Ends them.
 * @revived: What the dead wait for.
 */
struct fake_backing {
	struct kvblk_backing b;
	struct fake_script script;
	u8 bytes[FAKE_BYTES];
	void (*on_attempt)(struct fake_backing *f);

	atomic_t attempts;
	atomic_t stacked;
	atomic_t performs;
	atomic_t flushes;
	u64 order[FAKE_LATE_MAX];
	size_t performed_from;
	atomic_t irqs;

	spinlock_t lock;	/* late, nr_late */
	struct kvblk_io *late[FAKE_LATE_MAX];
	unsigned int nr_late;
	struct hrtimer timer;
	struct work_struct work;
	struct completion revived;
};

static inline struct fake_backing *to_fake(struct kvblk_backing *b)
{
	return container_of(b, struct fake_backing, b);
}

static inline void fake_late_add(struct fake_backing *f, struct kvblk_io *io)
{
	unsigned long flags;

	spin_lock_irqsave(&f->lock, flags);
	if (!WARN_ON(f->nr_late == FAKE_LATE_MAX))
		f->late[f->nr_late++] = io;
	spin_unlock_irqrestore(&f->lock, flags);
}

/* Ends the attempt @i of those under way; false if there are not so many. */
static inline bool fake_end(struct fake_backing *f, unsigned int i)
{
	struct kvblk_io *io = NULL;
	unsigned long flags;

	spin_lock_irqsave(&f->lock, flags);
	if (i < f->nr_late) {
		io = f->late[i];
		f->nr_late--;
		memmove(&f->late[i], &f->late[i + 1],
			(f->nr_late - i) * sizeof(f->late[0]));
	}
	spin_unlock_irqrestore(&f->lock, flags);
	if (io)
		io->end(io);
	return io;
}

static inline void fake_end_all(struct fake_backing *f)
{
	while (fake_end(f, 0))
		;
}

/* Ends what is under way or asleep; nothing dies any more. */
static inline void fake_revive(struct fake_backing *f)
{
	f->script.when = FAKE_INLINE;
	f->script.dead = false;
	complete_all(&f->revived);
	fake_end_all(f);
}

static inline enum hrtimer_restart fake_timer(struct hrtimer *timer)
{
	struct fake_backing *f = container_of(timer, struct fake_backing, timer);

	while (fake_end(f, 0))
		atomic_add(!!in_hardirq(), &f->irqs);
	return HRTIMER_NORESTART;
}

static inline void fake_work(struct work_struct *work)
{
	fake_end_all(container_of(work, struct fake_backing, work));
}

/* Moves at most @max bytes from io->done on; returns the number. */
static inline size_t fake_move(struct fake_backing *f, struct kvblk_io *io,
			       size_t max)
{
	size_t n = min(io->len - io->done, max);
	u8 *at = f->bytes + io->pos + io->done;
	struct iov_iter iter;

	kvblk_io_iter(io, io->write ? ITER_SOURCE : ITER_DEST, &iter);
	return io->write ? copy_from_iter(at, n, &iter) :
			   copy_to_iter(at, n, &iter);
}

static inline size_t fake_left(const struct fake_backing *f,
			       const struct kvblk_io *io)
{
	u64 at = io->pos + io->done;

	if (!f->script.end)
		return SIZE_MAX;
	return at < f->script.end ? f->script.end - at : 0;
}

static inline bool fake_attempt(struct kvblk_backing *b, struct kvblk_io *io)
{
	struct fake_backing *f = to_fake(b);
	const struct fake_script *s = &f->script;
	unsigned int nr = atomic_read(&f->attempts);

	f->order[nr % FAKE_LATE_MAX] = io->pos;
	atomic_inc(&f->attempts);
	if (f->on_attempt)
		f->on_attempt(f);
	if (s->when == FAKE_REFUSE)
		return false;

	io->result = s->attempt_err ?:
		     fake_move(f, io, min(s->attempt_max ?: SIZE_MAX,
					  fake_left(f, io)));
	if (s->when == FAKE_INLINE) {
		io->end(io);
		return true;
	}
	fake_late_add(f, io);
	if (s->when == FAKE_WORK)
		schedule_work(&f->work);
	else if (s->when == FAKE_IRQ)
		hrtimer_start(&f->timer, FAKE_IRQ_NS, HRTIMER_MODE_REL_HARD);
	return true;
}

static inline bool fake_stack(struct kvblk_backing *b, struct kvblk_io *io)
{
	WARN_ON(!current->bio_list);
	atomic_inc(&to_fake(b)->stacked);
	return fake_attempt(b, io);
}

static inline int fake_perform(struct kvblk_backing *b, struct kvblk_io *io)
{
	struct fake_backing *f = to_fake(b);

	might_sleep();
	f->performed_from = io->done;
	atomic_inc(&f->performs);
	if (f->script.dead)
		wait_for_completion(&f->revived);
	if (f->script.perform_err)
		return f->script.perform_err;
	io->delivered += min(io->len - io->done, fake_left(f, io));
	io->done += fake_move(f, io, SIZE_MAX);
	return 0;
}

static inline int fake_flush(struct kvblk_backing *b)
{
	struct fake_backing *f = to_fake(b);

	might_sleep();
	atomic_inc(&f->flushes);
	if (f->script.dead)
		wait_for_completion(&f->revived);
	return f->script.flush_err;
}

static const struct kvblk_backing_ops fake_ops = {
	.attempt	= fake_attempt,
	.stack		= fake_stack,
	.perform	= fake_perform,
	.flush		= fake_flush,
};

/* @f: Zeroed. */
static inline void fake_init(struct fake_backing *f)
{
	unsigned int i;

	f->b = (struct kvblk_backing){
		.ops = &fake_ops,
		.size = FAKE_BYTES,
		.offset_align = 1,
		.mem_align = 1,
	};
	/* No two sectors are alike. */
	for (i = 0; i < FAKE_BYTES; i++)
		f->bytes[i] = i / 512 * 7 + i;
	spin_lock_init(&f->lock);
	INIT_WORK(&f->work, fake_work);
	init_completion(&f->revived);
	hrtimer_setup(&f->timer, fake_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
}

/* Nothing is under way. */
static inline void fake_exit(struct fake_backing *f)
{
	hrtimer_cancel(&f->timer);
	cancel_work_sync(&f->work);
}

#endif /* KVBLK_TESTS_FAKE_BACKING_H */
