/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a queue: one writer (the worker), readers without a lock. */
#ifndef KVBLK_STATS_H
#define KVBLK_STATS_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* Index of a counter; the meanings are at struct kvblk_stats in the uapi. */
enum kvblk_stat {
	KVBLK_STAT_REQUESTS,
	KVBLK_STAT_READS,
	KVBLK_STAT_BYTES_READ,
	KVBLK_STAT_WRITES,
	KVBLK_STAT_BYTES_WRITTEN,
	KVBLK_STAT_FLUSHES,
	KVBLK_STAT_FLUSH_ERRORS,
	KVBLK_STAT_GET_IDS,
	KVBLK_STAT_UNSUPPORTED,
	KVBLK_STAT_IO_ERRORS,
	KVBLK_STAT_RING_ERRORS,
	KVBLK_STAT_INVALID_AVAIL,
	KVBLK_STAT_THROTTLED,
	KVBLK_STAT_DEFERRED,
	KVBLK_STAT_INTERRUPTS,
	KVBLK_STAT_SUPPRESSED,
	KVBLK_STAT_HELD,
	KVBLK_STAT_ASKED_LATE,
	KVBLK_STAT_IN_FLIGHT,	/* gauge */
	KVBLK_STAT_STALLED,	/* gauge */
	KVBLK_STAT_LOST_KICKS,
	KVBLK_STAT_LOST_INTERRUPTS,
	KVBLK_STAT_POLLS,
	KVBLK_STAT_POLL_HITS,
	KVBLK_STAT_NR,
};

/**
 * struct kvblk_counters - The counters; u64 is never seen half-written
 * @v: By enum kvblk_stat, written by the worker.
 * @kicks: Counted by whoever kicks.
 */
struct kvblk_counters {
	u64 v[KVBLK_STAT_NR];
	atomic64_t kicks;
};

/* For display; a name never changes its meaning. */
extern const char * const kvblk_stat_names[KVBLK_STAT_NR];

static inline void kvblk_count(struct kvblk_counters *c, enum kvblk_stat id, u64 n)
{
	WRITE_ONCE(c->v[id], c->v[id] + n);
}

static inline void kvblk_gauge(struct kvblk_counters *c, enum kvblk_stat id, u64 n)
{
	WRITE_ONCE(c->v[id], n);
}

static inline u64 kvblk_counter(const struct kvblk_counters *c, enum kvblk_stat id)
{
	return READ_ONCE(c->v[id]);
}

static inline u64 kvblk_kicks_sum(const struct kvblk_counters *c, unsigned int nr)
{
	u64 sum = 0;

	while (nr--)
		sum += atomic64_read(&c++->kicks);
	return sum;
}

/* What @nr queues have counted together; a gauge, too. */
static inline u64 kvblk_counters_sum(const struct kvblk_counters *c, unsigned int nr,
				     enum kvblk_stat id)
{
	u64 sum = 0;

	while (nr--)
		sum += kvblk_counter(c++, id);
	return sum;
}

#endif /* KVBLK_STATS_H */
