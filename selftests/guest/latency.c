// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include "disk.h"
#include "harness.h"
#include "latency.h"

/* Whatever the order in which they come. */
void latency_read(struct latency *l, const char *disk)
{
	struct kvblk_latency_hist hists[LATENCY_NR];
	struct kvblk_latency arg = {
		.hdr.size = sizeof(arg),
		.hists = (uintptr_t)hists,
		.count = LATENCY_NR,
	};
	unsigned int i;

	memset(l, 0, sizeof(*l));
	snprintf(arg.name, sizeof(arg.name), "%.31s", disk);
	ASSERT_EQ(disk_control(KVBLK_LATENCY, &arg), 0);
	ASSERT_EQ(arg.count, LATENCY_NR);
	for (i = 0; i < LATENCY_NR; i++) {
		ASSERT_TRUE(hists[i].op < KVBLK_LATENCY_OP_NR);
		ASSERT_TRUE(hists[i].stage < KVBLK_LATENCY_STAGE_NR);
		l->hist[hists[i].op][hists[i].stage] = hists[i];
	}
}

uint64_t latency_count(const struct kvblk_latency_hist *hist)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < KVBLK_LATENCY_BUCKETS; i++)
		sum += hist->bucket[i];
	return sum;
}

uint64_t latency_requests(const struct latency *l)
{
	uint64_t sum = 0, count;
	unsigned int op, stage;

	for (op = 0; op < KVBLK_LATENCY_OP_NR; op++) {
		count = latency_count(&l->hist[op][0]);
		sum += count;
		for (stage = 1; stage < KVBLK_LATENCY_STAGE_NR; stage++)
			ASSERT_EQ(latency_count(&l->hist[op][stage]), count);
	}
	return sum;
}

uint64_t latency_answered(const char *disk)
{
	struct latency l;

	latency_read(&l, disk);
	return latency_count(&l.hist[KVBLK_LATENCY_READ][KVBLK_LATENCY_PUBLISH]) +
	       latency_count(&l.hist[KVBLK_LATENCY_WRITE][KVBLK_LATENCY_PUBLISH]) +
	       latency_count(&l.hist[KVBLK_LATENCY_FLUSH][KVBLK_LATENCY_PUBLISH]) +
	       latency_count(&l.hist[KVBLK_LATENCY_OTHER][KVBLK_LATENCY_PUBLISH]);
}

uint64_t latency_total(const struct latency *l, enum kvblk_latency_stage stage)
{
	uint64_t sum = 0;
	unsigned int op;

	for (op = 0; op < KVBLK_LATENCY_OP_NR; op++)
		sum += l->hist[op][stage].total;
	return sum;
}
