/* SPDX-License-Identifier: GPL-2.0 */
/* For how long to look for work before sleeping: no clock, no lock. */
#ifndef KVBLK_POLL_H
#define KVBLK_POLL_H

#include <linux/types.h>

/**
 * struct kvblk_poll_limits - What looking may cost
 * @max_ns: Longest window; 0: do not look.
 * @percent: Share of a processor, 1 to 100.
 */
struct kvblk_poll_limits {
	u32 max_ns;
	u32 percent;
};

/**
 * struct kvblk_poll - When work comes; zeroed: nothing is known
 * @gap: Usual time from the end of work to the next, ns.
 * @since: End of work, ns; 0: there is work.
 * @credit: Time that looking may still take, ns.
 * @earned: Until when credit was given, ns.
 */
struct kvblk_poll {
	u64 gap;
	u64 since;
	u64 credit;
	u64 earned;
};

/**
 * kvblk_poll_window - Work has ended: for how long to look for more
 * @p: The past.
 * @lim: Limits, with a window.
 * @now: ns.
 *
 * Return: ns; 0: sleep at once, since work is not to be expected in time or looking has
 * cost too much.
 */
u64 kvblk_poll_window(struct kvblk_poll *p, const struct kvblk_poll_limits *lim, u64 now);

/* Looking took @ns. */
void kvblk_poll_spend(struct kvblk_poll *p, u64 ns);

/* There is work at @now, found or told of. */
void kvblk_poll_work(struct kvblk_poll *p, const struct kvblk_poll_limits *lim, u64 now);

#endif /* KVBLK_POLL_H */
