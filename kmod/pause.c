// SPDX-License-Identifier: GPL-2.0
/*
 * Holding a disk still, for memory dumps and snapshots.
 *
 * Two may hold it: the control device, over sessions, and the session's VMM, as long
 * as the session lives. The worker takes no request while either does.
 */
#include <linux/kvblk.h>
#include "pause.h"
#include "session.h"

#define PAUSE_MS_DEFAULT	1000

int kvblk_pause_check(u32 timeout_ms, struct kvblk_why *why)
{
	if (timeout_ms > KVBLK_PAUSE_MS_MAX)
		return kvblk_why(why, -EINVAL, "timeout_ms: %u is above %u",
				 timeout_ms, KVBLK_PAUSE_MS_MAX);
	return 0;
}

void kvblk_pause_apply(struct kvblk_session *s)
{
	bool pause = s->disk->paused || s->paused || s->remapping;
	unsigned int i;

	lockdep_assert_held(&s->disk->lock);
	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_pause(&s->vq[i].queue, pause);
}

static u32 pause_wait(struct kvblk_session *s, u32 timeout_ms)
{
	unsigned long limit = msecs_to_jiffies(timeout_ms ?: PAUSE_MS_DEFAULT);

	if (wait_event_timeout(s->wait, kvblk_session_quiet(s), limit))
		return 0;
	/* The worker may be about to say so: never report a still disk as 0. */
	return max_t(u32, kvblk_disk_stat(s->disk, KVBLK_STAT_IN_FLIGHT), 1);
}

u32 kvblk_session_pause(struct kvblk_session *s, u32 timeout_ms)
{
	mutex_lock(&s->disk->lock);
	s->paused = true;
	kvblk_pause_apply(s);
	mutex_unlock(&s->disk->lock);
	return pause_wait(s, timeout_ms);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_pause);

void kvblk_session_resume(struct kvblk_session *s)
{
	mutex_lock(&s->disk->lock);
	s->paused = false;
	kvblk_pause_apply(s);
	mutex_unlock(&s->disk->lock);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_resume);

u32 kvblk_disk_pause(struct kvblk_disk *disk, u32 timeout_ms)
{
	struct kvblk_session *s;
	u32 left;

	mutex_lock(&disk->lock);
	disk->paused = true;
	s = disk->session;
	if (s) {
		kvblk_session_get(s);
		kvblk_pause_apply(s);
	}
	mutex_unlock(&disk->lock);
	if (!s)
		return 0;
	left = pause_wait(s, timeout_ms);
	kvblk_session_put(s);
	return left;
}

void kvblk_disk_resume(struct kvblk_disk *disk)
{
	mutex_lock(&disk->lock);
	disk->paused = false;
	if (disk->session)
		kvblk_pause_apply(disk->session);
	mutex_unlock(&disk->lock);
}
