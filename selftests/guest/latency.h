/* SPDX-License-Identifier: GPL-2.0 */
/* The histograms of a disk, as a table. */
#ifndef KVBLK_TEST_LATENCY_H
#define KVBLK_TEST_LATENCY_H

#include <stdint.h>
#include <linux/kvblk.h>

#define LATENCY_NR	(KVBLK_LATENCY_OP_NR * KVBLK_LATENCY_STAGE_NR)

struct latency {
	struct kvblk_latency_hist hist[KVBLK_LATENCY_OP_NR][KVBLK_LATENCY_STAGE_NR];
};

void latency_read(struct latency *l, const char *disk);

/* Requests of a histogram. */
uint64_t latency_count(const struct kvblk_latency_hist *hist);

/* Requests of all kinds. Ends the test unless every stage has counted the same ones. */
uint64_t latency_requests(const struct latency *l);

/* The same, read afresh. */
uint64_t latency_answered(const char *disk);

/* Time of all requests in @stage. */
uint64_t latency_total(const struct latency *l, enum kvblk_latency_stage stage);

#endif /* KVBLK_TEST_LATENCY_H */
