// SPDX-License-Identifier: GPL-2.0
/*
 * Since when the chains of a ring have been there.
 *
 * A ring tells what came, not when. What is known is when the driver notified, and what
 * was in the ring when the worker looked. So the chains that are there at such a moment share
 * its time, and the clock is read once for all of them. A driver that adds chains while
 * the worker is busy, or that was asked to notify late (moderate.c), does not notify of them:
 * their time begins with the look that finds them, or, if they lie behind one that waits for
 * tokens, with that wait.
 */
#include <linux/atomic.h>
#include <linux/timekeeping.h>
#include "arrive.h"

void kvblk_arrive_init(struct kvblk_arrive *a, u16 base)
{
	/* A notification of an earlier start says nothing about this one. */
	WRITE_ONCE(a->kicked, 0);
	a->turn = 0;
	a->until = base;
}

void kvblk_arrive_kick(struct kvblk_arrive *a)
{
	if (!READ_ONCE(a->kicked))
		WRITE_ONCE(a->kicked, ktime_get_ns());
}

void kvblk_arrive_turn(struct kvblk_arrive *a)
{
	a->turn = READ_ONCE(a->kicked) ? xchg(&a->kicked, 0) : 0;
}

/* All that is in @vr has waited for @stage since @ns. */
static void arrive_mark(struct kvblk_arrive *a, const struct kvblk_vring *vr,
			enum kvblk_stage stage, u64 ns)
{
	a->until = kvblk_vring_end(vr);
	a->since = ns;
	a->stage = stage;
}

void kvblk_arrive_find(struct kvblk_arrive *a, const struct kvblk_vring *vr,
		       struct kvblk_lap *lap, u64 now)
{
	if ((s16)(a->until - vr->next_avail) <= 0) {
		arrive_mark(a, vr, KVBLK_STAGE_WORKER, a->turn ?: now);
		a->turn = 0;
	}
	kvblk_lap_init(lap, a->stage, a->since);
}

void kvblk_arrive_stall(struct kvblk_arrive *a, const struct kvblk_vring *vr,
			struct kvblk_lap *lap, u64 now)
{
	if (lap->stage == KVBLK_STAGE_THROTTLE)
		return;
	kvblk_lap_to(lap, KVBLK_STAGE_THROTTLE, now);
	arrive_mark(a, vr, KVBLK_STAGE_THROTTLE, now);
}
