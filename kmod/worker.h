/* SPDX-License-Identifier: GPL-2.0 */
/* The thread that serves queues. */
#ifndef KVBLK_WORKER_H
#define KVBLK_WORKER_H

#include <linux/list.h>
#include <linux/llist.h>
#include "guest.h"
#include "mem.h"
#include "owner.h"
#include "poll.h"

struct kvblk_queue;

/**
 * struct kvblk_worker - A thread and the queues it serves in turn
 * @task: The thread, from init to exit; a reference is held, RCU keeps one that is replaced.
 * @next: Takes over from @task at kvblk_worker_renew_end().
 * @mem: Guest memory of all its queues, borrowed for a pass at a time.
 * @owner: Control groups.
 * @queues: In the order of their turns; the thread's own.
 * @incoming: Queues handed to it, from any context.
 * @poll: When work comes; the thread's own.
 * @entered: @mem is borrowed; the thread's own.
 */
struct kvblk_worker {
	struct task_struct *task;
	struct task_struct *next;
	const struct kvblk_mem *mem;
	const struct kvblk_owner *owner;
	struct list_head queues;
	struct llist_head incoming;
	struct kvblk_poll poll;
	bool entered;
};

/**
 * kvblk_worker_init - Start a worker without queues
 * @w: Zeroed.
 * @mem: Guest memory; may change while none of its queues runs.
 * @owner: Control groups for what it causes.
 * @like: The thread joins the control groups of this task; NULL: it is in those of kernel
 *	threads.
 * @name: The thread is called kvblk/@name.
 *
 * Return: 0 or -errno.
 */
int kvblk_worker_init(struct kvblk_worker *w, const struct kvblk_mem *mem,
		      const struct kvblk_owner *owner, struct task_struct *like,
		      const char *name);

/*
 * Replace the thread by a new one, with or without work, in two steps: make it, see
 * kvblk_worker_init(): 0 or -errno; and let it take over, or drop it. Taking over waits for
 * a pass of the old one, and for RCU.
 */
int kvblk_worker_renew_begin(struct kvblk_worker *w, struct task_struct *like,
			     const char *name);
void kvblk_worker_renew_end(struct kvblk_worker *w);
void kvblk_worker_renew_cancel(struct kvblk_worker *w);

/*
 * End a worker whose queues are idle or have moved away. Waits for an RCU grace period:
 * then it and its queues may be freed.
 */
void kvblk_worker_exit(struct kvblk_worker *w);

/* Wake the worker that has @q: any context. It finds what is set in @q before. */
void kvblk_worker_wake(struct kvblk_queue *q);

/* Borrow guest memory until the end of this pass; false if it is gone. */
bool kvblk_worker_enter(struct kvblk_worker *w);

/* Give a new queue to @w. */
void kvblk_worker_give(struct kvblk_worker *w, struct kvblk_queue *q);

/* look.c: called by the worker: before it sleeps, and when there is work again */
void kvblk_worker_look(struct kvblk_worker *w);
void kvblk_worker_found(struct kvblk_worker *w);

#endif /* KVBLK_WORKER_H */
