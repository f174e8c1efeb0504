// SPDX-License-Identifier: GPL-2.0
/* Histograms of time, and the laps of a request that they count. */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include "hist.h"

const char * const kvblk_kind_names[KVBLK_KIND_NR] = {
	[KVBLK_KIND_READ]	= "read",
	[KVBLK_KIND_WRITE]	= "write",
	[KVBLK_KIND_FLUSH]	= "flush",
	[KVBLK_KIND_OTHER]	= "other",
};

const char * const kvblk_stage_names[KVBLK_STAGE_NR] = {
	[KVBLK_STAGE_WORKER]	= "worker",
	[KVBLK_STAGE_THROTTLE]	= "throttle",
	[KVBLK_STAGE_BACKING]	= "backing",
	[KVBLK_STAGE_PUBLISH]	= "publish",
};

unsigned int kvblk_hist_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(ns), KVBLK_HIST_BUCKETS - 1);
}

u64 kvblk_hist_floor(unsigned int bucket)
{
	return bucket ? 1ULL << (bucket - 1) : 0;
}

void kvblk_hist_add(struct kvblk_hist *h, u64 ns)
{
	u64 *bucket = &h->bucket[kvblk_hist_bucket(ns)];

	WRITE_ONCE(*bucket, *bucket + 1);
	WRITE_ONCE(h->total, h->total + ns);
}

void kvblk_lap_init(struct kvblk_lap *lap, enum kvblk_stage stage, u64 ns)
{
	*lap = (struct kvblk_lap){ .since = ns, .stage = stage };
}

void kvblk_lap_to(struct kvblk_lap *lap, enum kvblk_stage stage, u64 ns)
{
	if (ns > lap->since) {
		lap->spent[lap->stage] += ns - lap->since;
		lap->since = ns;
	}
	lap->stage = stage;
}

void kvblk_lap_end(struct kvblk_lap *lap, u64 ns, struct kvblk_hists *hists,
		   enum kvblk_kind kind)
{
	unsigned int stage;

	kvblk_lap_to(lap, lap->stage, ns);
	for (stage = 0; stage < KVBLK_STAGE_NR; stage++)
		kvblk_hist_add(&hists->hist[kind][stage], lap->spent[stage]);
}

void kvblk_hist_sum(const struct kvblk_hists *hists, unsigned int nr,
		    enum kvblk_kind kind, enum kvblk_stage stage, struct kvblk_hist *sum)
{
	const struct kvblk_hist *h;
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	while (nr--) {
		h = &hists++->hist[kind][stage];
		sum->total += READ_ONCE(h->total);
		for (i = 0; i < KVBLK_HIST_BUCKETS; i++)
			sum->bucket[i] += READ_ONCE(h->bucket[i]);
	}
}
