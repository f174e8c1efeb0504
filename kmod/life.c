// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a session: run, reset, close.
 *
 * Reset and close are the same to the engine: stop, and when the last I/O has
 * ended kvblk_session_finish() does what is left, in a work item. The caller only
 * waits for that, for a bounded time and without a lock. If the backing is dead the
 * caller returns, Status keeps NEEDS_RESET, the disk stays busy, and both
 * end by themselves when the I/O comes back.
 */
#include <linux/virtio_config.h>
#include "session.h"

static struct workqueue_struct *session_wq;

void kvblk_session_finish_soon(struct kvblk_session *s)
{
	kvblk_session_get(s);
	if (!queue_work(session_wq, &s->finish))
		kvblk_session_put(s);
}

/* ---- run ---- */

bool kvblk_session_idle(const struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++) {
		if (!kvblk_queue_idle(&s->vq[i].queue))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_KVBLK(kvblk_session_idle);

bool kvblk_session_quiet(const struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++) {
		if (!kvblk_queue_quiet(&s->vq[i].queue))
			return false;
	}
	return true;
}

static void session_fail_start(struct kvblk_session *s, int err)
{
	kvblk_complain(s->disk, "cannot start: the rings cannot be mapped, error %d", err);
	kvblk_session_needs_reset(s);
}

/* Maps the rings of the ready queues @from to @to. */
static int session_prepare(struct kvblk_session *s, unsigned int from, unsigned int to)
{
	int ret = 0;

	for (; !ret && from < to; from++) {
		if (s->mmio.vq[from].ready)
			ret = kvblk_queue_prepare(&s->vq[from].queue, &s->mmio.vq[from],
						  s->mmio.driver);
	}
	return ret;
}

static void session_run(struct kvblk_session *s, unsigned int from, unsigned int to)
{
	for (; from < to; from++) {
		if (s->mmio.vq[from].ready)
			kvblk_queue_run(&s->vq[from].queue);
	}
}

/*
 * After DRIVER_OK. Pinning the rings may take for ever, so the lock is not held; until
 * it is over @starting keeps a reset from ending.
 */
static void session_start(struct kvblk_session *s, unsigned int from, unsigned int to)
{
	int ret = session_prepare(s, from, to);

	mutex_lock(&s->disk->lock);
	s->starting = false;
	s->mapped = true;
	if (s->resetting || s->closing)
		kvblk_session_finish_soon(s);
	else if (ret || s->has_next)
		session_fail_start(s, ret ?: -EAGAIN);
	else
		session_run(s, from, to);
	mutex_unlock(&s->disk->lock);
}

void kvblk_session_start_late(struct kvblk_session *s, unsigned int vq)
{
	bool start;

	mutex_lock(&s->disk->lock);
	start = !s->starting && !s->resetting && !s->closing &&
		!kvblk_queue_prepared(&s->vq[vq].queue) &&
		(kvblk_mmio_status(&s->mmio) & VIRTIO_CONFIG_S_DRIVER_OK);
	if (start)
		s->starting = true;
	mutex_unlock(&s->disk->lock);
	if (start)
		session_start(s, vq, vq + 1);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_start_late);

/* ---- reset and close ---- */

void kvblk_session_stop(struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_stop(&s->vq[i].queue);
}

static void session_end_reset(struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	kvblk_mmio_reset_done(&s->mmio);
	WRITE_ONCE(s->resetting, false);
}

static void session_reset(struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	kvblk_mmio_reset_begin(&s->mmio);
	if (s->resetting)
		return;		/* joins the one that is under way */
	s->resetting = true;
	kvblk_session_stop(s);
	if (s->starting || !kvblk_session_idle(s))
		return;
	if (s->mapped)
		kvblk_session_finish_soon(s);
	else
		session_end_reset(s);
}

static void session_wait(struct kvblk_session *s, const bool *pending)
{
	u32 ms = READ_ONCE(s->drain_ms);

	if (!wait_event_timeout(s->wait, !READ_ONCE(*pending), msecs_to_jiffies(ms)))
		kvblk_complain(s->disk, "I/O has not ended after %u ms", ms);
}

/*
 * Whether the queues have stopped for good or for a reset. It stays so: nobody starts
 * a session that is resetting or closing.
 */
static bool session_is_over(struct kvblk_session *s)
{
	bool over;

	mutex_lock(&s->disk->lock);
	over = (s->resetting || s->closing) && !s->starting && kvblk_session_idle(s);
	mutex_unlock(&s->disk->lock);
	return over;
}

static void session_release_queues(struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_release(&s->vq[i].queue);
}

/* The memory map that came while the old one was still needed. */
static void session_take_next_mem(struct kvblk_session *s, struct kvblk_mem *old)
{
	if (!s->has_next)
		return;
	*old = s->mem;
	s->mem = s->next_mem;
	s->next_mem = (struct kvblk_mem){};
	s->has_next = false;
}

/* Ends the reset, the session or both; true for the session. */
static bool session_settle(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;
	struct kvblk_mem old = {};
	bool last;

	mutex_lock(&disk->lock);
	s->mapped = false;
	session_take_next_mem(s, &old);
	if (s->resetting)
		session_end_reset(s);
	/* Who changes the workers queues this again: see crew_end(). */
	last = s->closing && !disk->manning;
	if (last) {
		disk->session = NULL;
		WRITE_ONCE(s->closing, false);
	}
	mutex_unlock(&disk->lock);
	wake_up_all(&s->wait);
	kvblk_mem_exit(&old);
	return last;
}

void kvblk_session_finish(struct work_struct *work)
{
	struct kvblk_session *s = container_of(work, struct kvblk_session, finish);

	if (session_is_over(s)) {
		/* Unpinning may wait for pages: not under the lock. */
		session_release_queues(s);
		if (session_settle(s)) {
			kvblk_crew_exit(s);
			kvblk_session_put(s);
		}
	}
	kvblk_session_put(s);
}

void kvblk_session_close(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;

	mutex_lock(&disk->lock);
	s->closing = true;
	kvblk_session_stop(s);
	if (!s->starting && kvblk_session_idle(s))
		kvblk_session_finish_soon(s);
	mutex_unlock(&disk->lock);

	session_wait(s, &s->closing);
	kvblk_session_put(s);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_close);

void kvblk_session_stop_queue(struct kvblk_session *s, unsigned int vq)
{
	struct kvblk_queue *q = &s->vq[vq].queue;

	mutex_lock(&s->disk->lock);
	kvblk_queue_stop(q);
	mutex_unlock(&s->disk->lock);
	wait_event_timeout(s->wait, kvblk_queue_idle(q),
			   msecs_to_jiffies(READ_ONCE(s->drain_ms)));
}
EXPORT_SYMBOL_KVBLK(kvblk_session_stop_queue);

/* ---- set-up ---- */

bool kvblk_session_is_set_up(const struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	return s->resetting || !kvblk_session_idle(s) ||
	       (kvblk_mmio_status(&s->mmio) & VIRTIO_CONFIG_S_DRIVER_OK);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_is_set_up);

/* What a refused or final write leaves in the log. */
static void session_log_write(struct kvblk_session *s, enum kvblk_mmio_act act,
			      u32 offset, u64 value)
{
	if (act == KVBLK_MMIO_REFUSED)
		kvblk_complain(s->disk, "refused to write %#llx to register %#x, status %#x",
			       value, offset, kvblk_mmio_status(&s->mmio));
	else if (act == KVBLK_MMIO_FAILED)
		kvblk_complain(s->disk, "the driver gave up");
}

static bool session_has_ready_queue(const struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++) {
		if (s->mmio.vq[i].ready)
			return true;
	}
	return false;
}

void kvblk_session_write(struct kvblk_session *s, u32 offset, u32 len, u64 value)
{
	enum kvblk_mmio_act act;

	mutex_lock(&s->disk->lock);
	act = kvblk_mmio_write(&s->mmio, offset, len, value);
	if (act == KVBLK_MMIO_RESET)
		session_reset(s);
	else if (act == KVBLK_MMIO_NOTIFY)
		kvblk_session_kick(s, value);
	else if (act == KVBLK_MMIO_START)
		s->starting = session_has_ready_queue(s);
	mutex_unlock(&s->disk->lock);

	if (act == KVBLK_MMIO_START && s->starting)
		session_start(s, 0, s->nr_vqs);
	else if (act == KVBLK_MMIO_RESET)
		session_wait(s, &s->resetting);
	session_log_write(s, act, offset, value);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_write);

int kvblk_sessions_init(void)
{
	session_wq = alloc_workqueue("kvblk", WQ_UNBOUND, 0);
	return session_wq ? 0 : -ENOMEM;
}

void kvblk_sessions_exit(void)
{
	destroy_workqueue(session_wq);
}
