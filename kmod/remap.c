// SPDX-License-Identifier: GPL-2.0
/*
 * Replacing the guest memory of a session.
 *
 * A map is immutable while a queue runs. To change it under a running driver the queues
 * are held still as for a pause, stopped when their I/O has ended, and run again on
 * the new map with their cursors where they were. What is decided but not popped is
 * dropped by the stop and decided again. Nobody waits without a limit: if the I/O does
 * not end, the device needs a reset, and the new map waits for the end of that.
 */
#include <linux/virtio_config.h>
#include "pause.h"
#include "session.h"

/* Takes @mem over; @old is what is to be freed. */
static void remap_now(struct kvblk_session *s, struct kvblk_mem *mem,
		      struct kvblk_mem *old)
{
	lockdep_assert_held(&s->disk->lock);
	*old = s->mem;
	s->mem = *mem;
}

static void remap_later(struct kvblk_session *s, struct kvblk_mem *mem,
			struct kvblk_mem *old)
{
	lockdep_assert_held(&s->disk->lock);
	*old = s->next_mem;
	s->next_mem = *mem;
	s->has_next = true;
}

int kvblk_session_set_mem(struct kvblk_session *s, struct kvblk_mem *mem)
{
	struct kvblk_mem old = {};
	int ret = 0;

	mutex_lock(&s->disk->lock);
	if (kvblk_session_is_set_up(s))
		ret = -EBUSY;
	else
		remap_now(s, mem, &old);
	mutex_unlock(&s->disk->lock);
	kvblk_mem_exit(&old);
	return ret;
}

/* Whether the rings that are mapped lie where they did. */
static bool remap_keeps_rings(const struct kvblk_session *s, const struct kvblk_mem *mem)
{
	const struct kvblk_vq_config *vq;
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++) {
		vq = &s->mmio.vq[i];
		if (!kvblk_queue_prepared(&s->vq[i].queue))
			continue;
		if (!kvblk_mem_agree(&s->mem, mem, vq->desc,
				     kvblk_vring_desc_size(vq->num)) ||
		    !kvblk_mem_agree(&s->mem, mem, vq->avail,
				     kvblk_vring_avail_size(vq->num)) ||
		    !kvblk_mem_agree(&s->mem, mem, vq->used,
				     kvblk_vring_used_size(vq->num)))
			return false;
	}
	return true;
}

static void remap_fail(struct kvblk_session *s, const char *reason)
{
	kvblk_complain(s->disk, "needs a reset: %s", reason);
	kvblk_session_needs_reset(s);
}

static void remap_run(struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++) {
		if (kvblk_queue_prepared(&s->vq[i].queue))
			kvblk_queue_run(&s->vq[i].queue);
	}
}

/* Holds the queues still; false if somebody else starts or ends them. */
static bool remap_begin(struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	if (s->starting || s->resetting || s->closing || kvblk_session_idle(s))
		return false;
	s->remapping = true;
	kvblk_pause_apply(s);
	return true;
}

static bool remap_wait(struct kvblk_session *s,
		       bool (*done)(const struct kvblk_session *s))
{
	return wait_event_timeout(s->wait, done(s),
				  msecs_to_jiffies(READ_ONCE(s->drain_ms)));
}

/* Stops queues that are still; without a lock. */
static bool remap_stop(struct kvblk_session *s)
{
	bool quiet = remap_wait(s, kvblk_session_quiet);

	mutex_lock(&s->disk->lock);
	kvblk_session_stop(s);
	mutex_unlock(&s->disk->lock);
	return quiet && remap_wait(s, kvblk_session_idle);
}

/* @stopped: nothing was lost by the stop, nothing uses the old map. */
static void remap_end(struct kvblk_session *s, bool stopped, struct kvblk_mem *mem,
		      struct kvblk_mem *old)
{
	bool keep;

	lockdep_assert_held(&s->disk->lock);
	s->remapping = false;
	kvblk_pause_apply(s);
	if (s->resetting || s->closing) {
		remap_later(s, mem, old);
	} else if (!s->mapped) {
		remap_now(s, mem, old);		/* a reset has come and gone */
	} else if (!stopped) {
		remap_later(s, mem, old);
		remap_fail(s, "I/O on memory that changes has not ended");
	} else {
		keep = remap_keeps_rings(s, mem);
		remap_now(s, mem, old);
		if (keep)
			remap_run(s);
		else
			remap_fail(s, "a ring is no longer where it was");
	}
}

void kvblk_session_remap(struct kvblk_session *s, struct kvblk_mem *mem)
{
	struct kvblk_mem old = {};
	bool running, stopped;

	mutex_lock(&s->disk->lock);
	running = remap_begin(s);
	if (!running && (s->mapped || s->starting || s->resetting))
		remap_later(s, mem, &old);
	else if (!running)
		remap_now(s, mem, &old);
	mutex_unlock(&s->disk->lock);

	if (running) {
		stopped = remap_stop(s);
		mutex_lock(&s->disk->lock);
		remap_end(s, stopped, mem, &old);
		mutex_unlock(&s->disk->lock);
	}
	kvblk_mem_exit(&old);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_remap);
