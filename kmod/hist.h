/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the time of requests goes: a histogram for each kind of request and each stage
 * of its life. One writer at a time, readers without a lock.
 */
#ifndef KVBLK_HIST_H
#define KVBLK_HIST_H

#include <linux/types.h>

#define KVBLK_HIST_BUCKETS	40

/**
 * struct kvblk_hist - How long something took, by powers of two
 * @total: Sum of all, ns.
 * @bucket: How many took 0 ns, then 1, 2 to 3, 4 to 7 and so on; the last also has all that
 *	is above its range, 2^38 ns (4.6 minutes) or more.
 */
struct kvblk_hist {
	u64 total;
	u64 bucket[KVBLK_HIST_BUCKETS];
};

/* What a request was. */
enum kvblk_kind {
	KVBLK_KIND_READ,
	KVBLK_KIND_WRITE,
	KVBLK_KIND_FLUSH,
	KVBLK_KIND_OTHER,	/* GET_ID, and what was only refused */
	KVBLK_KIND_NR,
};

/* What a request waited for, in this order. */
enum kvblk_stage {
	KVBLK_STAGE_WORKER,	/* to be taken up */
	KVBLK_STAGE_THROTTLE,	/* for tokens */
	KVBLK_STAGE_BACKING,	/* for the backing file */
	KVBLK_STAGE_PUBLISH,	/* until the driver was shown the answer */
	KVBLK_STAGE_NR,
};

/**
 * struct kvblk_hists - All histograms of a queue
 * @hist: A request that ends is counted once in each stage.
 */
struct kvblk_hists {
	struct kvblk_hist hist[KVBLK_KIND_NR][KVBLK_STAGE_NR];
};

/**
 * struct kvblk_lap - The time of one request so far
 * @since: When it entered @stage, ns.
 * @spent: In each stage, ns.
 * @stage: Where it is.
 */
struct kvblk_lap {
	u64 since;
	u64 spent[KVBLK_STAGE_NR];
	enum kvblk_stage stage;
};

/* For display; a name never changes its meaning. */
extern const char * const kvblk_kind_names[KVBLK_KIND_NR];
extern const char * const kvblk_stage_names[KVBLK_STAGE_NR];

/* Bucket of @ns, and the smallest number that falls into @bucket. */
unsigned int kvblk_hist_bucket(u64 ns);
u64 kvblk_hist_floor(unsigned int bucket);

void kvblk_hist_add(struct kvblk_hist *h, u64 ns);

/* A request comes into being: it has been in @stage since @ns. */
void kvblk_lap_init(struct kvblk_lap *lap, enum kvblk_stage stage, u64 ns);

/* It goes on to @stage at @ns. A clock that went back counts as one that stood still. */
void kvblk_lap_to(struct kvblk_lap *lap, enum kvblk_stage stage, u64 ns);

/* It ends at @ns: counts it. */
void kvblk_lap_end(struct kvblk_lap *lap, u64 ns, struct kvblk_hists *hists,
		   enum kvblk_kind kind);

/* What @nr queues have counted together. */
void kvblk_hist_sum(const struct kvblk_hists *hists, unsigned int nr,
		    enum kvblk_kind kind, enum kvblk_stage stage, struct kvblk_hist *sum);

#endif /* KVBLK_HIST_H */
