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

/* Sends the queues where @crew wants them. */
static void crew_send(struct kvblk_session *s, const struct kvblk_crew *crew)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_send(&s->vq[i].queue, &s->worker[crew->of[i]]);
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
static int crew_follow(struct kvblk_session *s, const struct kvblk_crew *crew)
{
	int ret;

	/* A queue that was late the last time may still go to where it was sent. */
	if (!crew_await(s))
		return -EBUSY;
	ret = crew_hire(s, crew->nr, s->worker[0].task);
	if (ret)
		return ret;
	crew_send(s, crew);
	if (crew_await(s))
		crew_dismiss(s, crew->nr);
	return 0;
}

int kvblk_crew_init(struct kvblk_session *s, const struct kvblk_crew *crew)
{
	return crew_hire(s, crew->nr, s->ops->shared ? NULL : current);
}

void kvblk_crew_exit(struct kvblk_session *s)
{
	/* A queue that is late needs both its workers. */
	while (!crew_await(s))
		;
	crew_dismiss(s, 0);
}

/* ---- which queue is whose ---- */

void kvblk_crew_spread(struct kvblk_crew *crew, unsigned int nr)
{
	unsigned int i;

	crew->nr = nr;
	for (i = 0; i < ARRAY_SIZE(crew->of); i++)
		crew->of[i] = i % nr;
}

struct kvblk_crew kvblk_crew_get(struct kvblk_disk *disk)
{
	struct kvblk_crew crew;

	mutex_lock(&disk->lock);
	crew = disk->crew;
	mutex_unlock(&disk->lock);
	return crew;
}

unsigned int kvblk_crew_of(const struct kvblk_disk *disk, unsigned int queue)
{
	const struct kvblk_session *s = disk->session;

	lockdep_assert_held(&disk->lock);
	return s ? READ_ONCE(s->vq[queue].queue.worker) - s->worker : disk->crew.of[queue];
}

/* ---- changes ---- */

/*
 * Keeps others off, and the session of @disk from ending. Returns that, or NULL if there is
 * none to change, or an ERR_PTR.
 */
static struct kvblk_session *crew_begin(struct kvblk_disk *disk)
{
	struct kvblk_session *s = ERR_PTR(-EBUSY);

	mutex_lock(&disk->lock);
	if (!disk->manning) {
		WRITE_ONCE(disk->manning, true);
		s = disk->session;
		if (s && s->closing)
			s = NULL;
	}
	mutex_unlock(&disk->lock);
	return s;
}

static void crew_end(struct kvblk_disk *disk)
{
	struct kvblk_session *s;

	mutex_lock(&disk->lock);
	WRITE_ONCE(disk->manning, false);
	s = disk->session;
	if (s && s->closing)
		kvblk_session_finish_soon(s);
	if (s)
		wake_up_all(&s->wait);
	mutex_unlock(&disk->lock);
}

/* Makes @crew that of @disk, and of @s if there is one. */
static int crew_change(struct kvblk_disk *disk, struct kvblk_session *s,
		       const struct kvblk_crew *crew)
{
	int ret = s ? crew_follow(s, crew) : 0;

	if (ret)
		return ret;
	mutex_lock(&disk->lock);
	disk->crew = *crew;
	mutex_unlock(&disk->lock);
	return 0;
}

int kvblk_crew_set(struct kvblk_disk *disk, unsigned int workers)
{
	struct kvblk_session *s = crew_begin(disk);
	struct kvblk_crew crew;
	int ret;

	if (IS_ERR(s))
		return PTR_ERR(s);
	kvblk_crew_spread(&crew, workers);
	ret = crew_change(disk, s, &crew);
	crew_end(disk);
	return ret;
}

int kvblk_crew_move(struct kvblk_disk *disk, unsigned int queue, unsigned int worker)
{
	struct kvblk_session *s = crew_begin(disk);
	struct kvblk_crew crew;
	int ret;

	if (IS_ERR(s))
		return PTR_ERR(s);
	crew = disk->crew;
	crew.of[queue] = worker;
	ret = worker < crew.nr ? crew_change(disk, s, &crew) : -EINVAL;
	crew_end(disk);
	return ret;
}

/* As crew_begin(); waits for others. */
static struct kvblk_session *crew_begin_patiently(struct kvblk_session *s)
{
	struct kvblk_session *got = crew_begin(s->disk);
	unsigned long left = RENEW_JIFFIES;

	while (left && IS_ERR(got)) {
		left = wait_event_timeout(s->wait, !READ_ONCE(s->disk->manning), left);
		got = crew_begin(s->disk);
	}
	return got;
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
	struct kvblk_session *got = crew_begin_patiently(s);
	unsigned int i;
	int ret;

	if (IS_ERR(got))
		return PTR_ERR(got);
	ret = got ? crew_train(s, like) : -ENODEV;
	for (i = 0; !ret && i < s->nr_workers; i++)
		kvblk_worker_renew_end(&s->worker[i]);
	crew_end(s->disk);
	return ret;
}
