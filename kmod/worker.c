// SPDX-License-Identifier: GPL-2.0
/*
 * The thread that serves queues, each in its turn.
 *
 * It never sleeps but for want of work. A turn is bounded by the size of the ring, so a
 * busy queue keeps the others of its worker waiting for one turn and no longer. What
 * is to be done is noted in the queue, not in the worker: a queue that moves takes it
 * along.
 */
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/wait_bit.h>
#include "queue.h"
#include "worker.h"

void kvblk_worker_wake(struct kvblk_queue *q)
{
	struct kvblk_worker *w;

	/*
	 * What the caller noted in @q first: pairs with the barrier in worker_pass_on().
	 * Either the new worker is woken here, or it finds the note by itself.
	 */
	smp_mb();
	rcu_read_lock();
	w = READ_ONCE(q->worker);
	wake_up_process(READ_ONCE(w->task));
	rcu_read_unlock();
}

void kvblk_worker_give(struct kvblk_worker *w, struct kvblk_queue *q)
{
	llist_add(&q->arrival, &w->incoming);
	rcu_read_lock();
	wake_up_process(READ_ONCE(w->task));
	rcu_read_unlock();
}

bool kvblk_worker_enter(struct kvblk_worker *w)
{
	if (!w->entered)
		w->entered = kvblk_mem_enter(w->mem);
	return w->entered;
}

static void worker_leave(struct kvblk_worker *w)
{
	if (w->entered)
		kvblk_mem_leave(w->mem);
	w->entered = false;
}

static void worker_welcome(struct kvblk_worker *w)
{
	struct llist_node *list = llist_reverse_order(llist_del_all(&w->incoming));
	struct kvblk_queue *q, *tmp;

	llist_for_each_entry_safe(q, tmp, list, arrival)
		list_add_tail(&q->turn, &w->queues);
}

/* The last this worker does with a queue that moves: no turn is under way. */
static void worker_pass_on(struct kvblk_queue *q, struct kvblk_worker *to)
{
	list_del(&q->turn);
	kvblk_queue_unclaim(q);
	/* Who waits for this may end @to: not before it is woken. */
	rcu_read_lock();
	WRITE_ONCE(q->worker, to);
	/*
	 * Its barrier comes before the new worker's look at the queue: pairs with that in
	 * kvblk_worker_wake().
	 */
	kvblk_worker_give(to, q);
	rcu_read_unlock();
	wake_up_var(&q->worker);
}

static bool worker_may_turn(const struct kvblk_queue *q)
{
	/* Who has claimed it wakes the worker if it leaves work: see bell_ring(). */
	return kvblk_queue_has_work(q) && !kvblk_queue_claimed(q);
}

/* After the turn of @q. */
static void worker_settle(struct kvblk_worker *w, struct kvblk_queue *q)
{
	struct kvblk_worker *to = READ_ONCE(q->destination);

	q->turned = false;
	kvblk_queue_settle(q);
	if (to != w)
		worker_pass_on(q, to);
	else
		kvblk_queue_unclaim(q);
}

static void worker_pass(struct kvblk_worker *w)
{
	struct kvblk_queue *q, *tmp;

	worker_welcome(w);
	list_for_each_entry(q, &w->queues, turn) {
		if (!kvblk_queue_has_work(q) || !kvblk_queue_claim(q))
			continue;
		q->turned = true;
		kvblk_queue_turn(q);
		/*
		 * KVM injects an IOAPIC interrupt from a work item on this CPU:
		 * let it run.
		 */
		cond_resched();
	}
	/* A queue that is told to be idle may get other memory. */
	worker_leave(w);
	list_for_each_entry_safe(q, tmp, &w->queues, turn) {
		if (q->turned)
			worker_settle(w, q);
	}
}

static bool worker_has_work(const struct kvblk_worker *w)
{
	struct kvblk_queue *q;

	if (!llist_empty(&w->incoming) || kthread_should_stop())
		return true;
	list_for_each_entry(q, &w->queues, turn) {
		if (worker_may_turn(q))
			return true;
	}
	return false;
}

static int worker_thread(void *data)
{
	struct kvblk_worker *w = data;
	struct mem_cgroup *old = kvblk_owner_enter(w->owner);

	while (!kthread_should_stop()) {
		kvblk_worker_look(w);
		/* Its barrier pairs with the wake-up after setting an event. */
		set_current_state(TASK_IDLE);
		if (!worker_has_work(w))
			schedule();
		__set_current_state(TASK_RUNNING);
		kvblk_worker_found(w);
		worker_pass(w);
	}
	kvblk_owner_leave(old);
	return 0;
}

/* ---- life cycle: the session ---- */

/* A thread that does not run yet. */
static struct task_struct *worker_spawn(struct kvblk_worker *w, struct task_struct *like,
					const char *name)
{
	struct task_struct *task = kthread_create(worker_thread, w, "kvblk/%s", name);
	int ret;

	if (IS_ERR(task))
		return task;
	get_task_struct(task);
	ret = like ? kvblk_owner_adopt(like, task) : 0;
	if (!ret)
		return task;
	kthread_stop(task);
	put_task_struct(task);
	return ERR_PTR(ret);
}

int kvblk_worker_init(struct kvblk_worker *w, const struct kvblk_mem *mem,
		      const struct kvblk_owner *owner, struct task_struct *like,
		      const char *name)
{
	struct task_struct *task;

	w->mem = mem;
	w->owner = owner;
	INIT_LIST_HEAD(&w->queues);
	init_llist_head(&w->incoming);

	task = worker_spawn(w, like, name);
	if (IS_ERR(task))
		return PTR_ERR(task);
	w->task = task;
	wake_up_process(task);
	return 0;
}

int kvblk_worker_renew_begin(struct kvblk_worker *w, struct task_struct *like,
			     const char *name)
{
	struct task_struct *task = worker_spawn(w, like, name);

	w->next = IS_ERR(task) ? NULL : task;
	return PTR_ERR_OR_ZERO(task);
}

void kvblk_worker_renew_cancel(struct kvblk_worker *w)
{
	kthread_stop(w->next);
	put_task_struct(w->next);
	w->next = NULL;
}

void kvblk_worker_renew_end(struct kvblk_worker *w)
{
	struct task_struct *old = w->task;

	kthread_stop(old);
	/*
	 * Who reads the old task in kvblk_worker_wake() has noted what is to be done before
	 * the new one looks: the barrier in the wake-up pairs with the one there.
	 */
	WRITE_ONCE(w->task, w->next);
	wake_up_process(w->next);
	w->next = NULL;
	synchronize_rcu();
	put_task_struct(old);
}

void kvblk_worker_exit(struct kvblk_worker *w)
{
	kthread_stop(w->task);
	/* A late kvblk_worker_wake() may still be about to wake it. */
	synchronize_rcu();
	put_task_struct(w->task);
}

void kvblk_queue_send(struct kvblk_queue *q, struct kvblk_worker *to)
{
	WRITE_ONCE(q->destination, to);
	kvblk_queue_event(q, KVBLK_EV_MOVE);
}

unsigned long kvblk_queue_await(struct kvblk_queue *q, unsigned long jiffies_max)
{
	return wait_var_event_timeout(&q->worker,
				      READ_ONCE(q->worker) == READ_ONCE(q->destination),
				      jiffies_max);
}
