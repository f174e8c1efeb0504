// SPDX-License-Identifier: GPL-2.0
/*
 * What kvblkctl makes of histograms that are known: latency_test [json], for tools_test.sh to
 * compare. Of 1000 reads in the backing 500 took 4096 to 8191 ns, 490 eight times as long, 9 again
 * twice that; one went on for ever. One histogram is of a kind that this program does not know.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "latency.h"

static const struct kvblk_latency_hist known[] = {
	{ 77, KVBLK_LATENCY_BACKING, 5, { [3] = 1 } },
	{ KVBLK_LATENCY_READ, KVBLK_LATENCY_BACKING, 30000000,
	  { [13] = 500, [16] = 490, [17] = 9, [KVBLK_LATENCY_BUCKETS - 1] = 1 } },
	{ KVBLK_LATENCY_READ, KVBLK_LATENCY_THROTTLE, 0, { 1000 } },
	{ KVBLK_LATENCY_READ, KVBLK_LATENCY_WORKER, 1000000, { 1, [10] = 999 } },
};

int kvblk_disk_latency(int ctl, const char *name, uint32_t queue,
		       struct kvblk_latency_hist **hists,
		       size_t *count, char *why, size_t why_len)
{
	(void)ctl, (void)name, (void)queue, (void)why, (void)why_len;
	*hists = malloc(sizeof(known));
	if (!*hists)
		return -1;
	memcpy(*hists, known, sizeof(known));
	*count = sizeof(known) / sizeof(known[0]);
	return 0;
}

int refused(const char *disk, int err, const char *why)
{
	(void)disk, (void)err, (void)why;
	return CODE_REFUSED;
}

int main(int argc, char **argv)
{
	(void)argv;
	return show_latency(-1, "disk", 0, argc > 1);
}
