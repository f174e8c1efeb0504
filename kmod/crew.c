// SPDX-License-Identifier: GPL-2.0
/*
 * The workers of a session, and which of them serves which queue.
 *
 * A queue changes hands between two passes (worker.c), so that nothing has to stop when the
 * number of workers changes. Who changes it makes the new threads first, which is all that
 * can fail; the threads left over end when their last queue has gone. That is waited
 * for without a lock; @manning keeps the session, and others who want the same, off.
 */
#include <linux/slab.h>
#include "session.h"

#define MOVE_JIFFIES	HZ	/* for all queues together */
#define RENEW_JIFFIES	(3 * HZ)	/* until another change is over */

/**
 * struct crew_name - Name of a worker
 * @text: That of the disk; from the second one on with a number.
 */
struct crew_name {
	char text[KVBLK_DISK_NAME_LEN + sizeof(":4294967295")];
};

static const char *crew_name(const struct kvblk_session *s, unsigned int i,
			     struct crew_name *name)
{
	snprintf(name->text, sizeof(name->text), i ? "%s:%u" : "%s",
		 s->disk->spec.name, i);
	return name->text;
}

static int crew_hire_one(struct kvblk_session *s, struct task_struct *like)
{
	struct kvblk_worker *w = &s->worker[s->nr_workers];
	struct crew_name name;
	int ret;

	memset(w, 0, sizeof(*w));
	ret = kvblk_worker_init(w, &s->mem, &s->owner, like,
				crew_name(s, s->nr_workers, &name));
	if (!ret)
		s->nr_workers++;
	return ret;
}

/* Down to @nr; those above have no queue. */
static void crew_dismiss(struct kvblk_session *s, unsigned int nr)
{
	while (s->nr_workers > nr)
		kvblk_worker_exit(&s->worker[--s->nr_workers]);
}

/* Up to @nr, or as many as there were. */
static int crew_hire(struct kvblk_session *s, unsigned int nr, struct task_struct *like)
{
	unsigned int before = s->nr_workers;
	int ret = 0;

	while (!ret && s->nr_workers < nr)
		ret = crew_hire_one(s, like);
	if (ret)
		crew_dismiss(s, before);
	return ret;
}

/* Spreads the queues over the first @nr. */
static void crew_spread(struct kvblk_session *s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_send(&s->vq[i].queue, &s->worker[i % nr]);
}

/* Waits for queues that are on their way; false if not all have got there in time. */
static bool crew_await(struct kvblk_session *s)
{
	unsigned long left = MOVE_JIFFIES;
	unsigned int i;

	for (i = 0; left && i < s->nr_vqs; i++)
		left = kvblk_queue_await(&s->vq[i].queue, left);
	return left;
}

/* New threads are like the first: in the control groups it is in. */
static int crew_change(struct kvblk_session *s, unsigned int nr)
{
	int ret;

	/* A queue that was late the last time may still go to where it was sent. */
	if (!crew_await(s))
		return -EBUSY;
	ret = crew_hire(s, nr, s->worker[0].task);
	if (ret)
		return ret;
	crew_spread(s, nr);
	if (crew_await(s))
		crew_dismiss(s, nr);
	return 0;
}

int kvblk_crew_init(struct kvblk_session *s)
{
	return crew_hire(s, READ_ONCE(s->disk->workers),
			 s->ops->shared ? NULL : current);
}

void kvblk_crew_exit(struct kvblk_session *s)
{
	/* A queue that is late needs both its workers. */
	while (!crew_await(s))
		;
	crew_dismiss(s, 0);
}

unsigned int kvblk_crew_of(const struct kvblk_session *s, unsigned int vq)
{
	return READ_ONCE(s->vq[vq].queue.worker) - s->worker;
}

/* The session of @disk, held for a change; NULL if it has none to change. */
static struct kvblk_session *crew_begin(struct kvblk_disk *disk, unsigned int workers)
{
	struct kvblk_session *s;

	mutex_lock(&disk->lock);
	s = disk->session;
	if (s && s->manning) {
		s = ERR_PTR(-EBUSY);
	} else if (s && !s->closing) {
		s->manning = true;
		kvblk_session_get(s);
	} else {
		WRITE_ONCE(disk->workers, workers);
		s = NULL;
	}
	mutex_unlock(&disk->lock);
	return s;
}

static void crew_end(struct kvblk_session *s, unsigned int workers)
{
	struct kvblk_disk *disk = s->disk;

	mutex_lock(&disk->lock);
	WRITE_ONCE(disk->workers, workers);
	WRITE_ONCE(s->manning, false);
	if (s->closing)
		kvblk_session_finish_soon(s);
	mutex_unlock(&disk->lock);
	wake_up_all(&s->wait);
	kvblk_session_put(s);
}

int kvblk_crew_set(struct kvblk_disk *disk, unsigned int workers)
{
	struct kvblk_session *s = crew_begin(disk, workers);
	int ret;

	if (IS_ERR_OR_NULL(s))
		return PTR_ERR_OR_ZERO(s);
	ret = crew_change(s, workers);
	crew_end(s, ret ? disk->workers : workers);
	return ret;
}

/* As crew_begin() without a change of the number; waits for others. */
static int crew_begin_patiently(struct kvblk_session *s)
{
	unsigned long left = RENEW_JIFFIES;
	struct kvblk_session *got;

	while (left) {
		got = crew_begin(s->disk, READ_ONCE(s->disk->workers));
		if (!IS_ERR(got))
			return got == s ? 0 : -ENODEV;
		left = wait_event_timeout(s->wait, !READ_ONCE(s->manning), left);
	}
	return -EBUSY;
}

/* New threads for all workers, which do not run yet, or for none. */
static int crew_train(struct kvblk_session *s, struct task_struct *like)
{
	struct crew_name name;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < s->nr_workers; i++)
		ret = kvblk_worker_renew_begin(&s->worker[i], like,
					       crew_name(s, i, &name));
	/* The last one failed. */
	for (i--; ret && i--; )
		kvblk_worker_renew_cancel(&s->worker[i]);
	return ret;
}

int kvblk_crew_renew(struct kvblk_session *s, struct task_struct *like)
{
	unsigned int i;
	int ret = crew_begin_patiently(s);

	if (ret)
		return ret;
	ret = crew_train(s, like);
	for (i = 0; !ret && i < s->nr_workers; i++)
		kvblk_worker_renew_end(&s->worker[i]);
	crew_end(s, s->disk->workers);
	return ret;
}
