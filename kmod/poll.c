// SPDX-License-Identifier: GPL-2.0
/* For how long to look for work before sleeping. */
#include <linux/math64.h>
#include <linux/minmax.h>
#include "poll.h"

#define WEIGHT		8	/* of the past against the last gap */
#define CREDIT		16	/* windows that may be saved up */

/* A share of the time since the last look; what is not used is saved up to a bound. */
static void poll_earn(struct kvblk_poll *p, const struct kvblk_poll_limits *lim, u64 now)
{
	u64 most = (u64)CREDIT * lim->max_ns;
	u64 time = now > p->earned ? now - p->earned : 0;

	p->earned = now;
	/* Time that would earn more than all is cut before it is multiplied. */
	time = min_t(u64, time, 100 * most);
	p->credit = min_t(u64, p->credit + div64_u64(time * lim->percent, 100), most);
}

u64 kvblk_poll_window(struct kvblk_poll *p, const struct kvblk_poll_limits *lim, u64 now)
{
	u64 window;

	p->since = now;
	poll_earn(p, lim, now);
	if (p->gap > lim->max_ns)
		return 0;
	/* Twice the usual gap; of a short one, time to find out. */
	window = max_t(u64, min_t(u64, 2 * p->gap, lim->max_ns), lim->max_ns / CREDIT);
	return window <= p->credit ? window : 0;
}

void kvblk_poll_spend(struct kvblk_poll *p, u64 ns)
{
	p->credit -= min_t(u64, p->credit, ns);
}

void kvblk_poll_work(struct kvblk_poll *p, const struct kvblk_poll_limits *lim, u64 now)
{
	u64 gap = now > p->since ? now - p->since : 0;

	if (!p->since)
		return;
	p->since = 0;
	/* A long rest says no more than one that is too long. */
	gap = min_t(u64, gap, 2ULL * lim->max_ns);
	p->gap = (p->gap * (WEIGHT - 1) + gap) / WEIGHT;
}
