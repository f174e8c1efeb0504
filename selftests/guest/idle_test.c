// SPDX-License-Identifier: GPL-2.0
/* What a disk costs while nothing happens: its worker is not woken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "worker.h"

#define SIZE		(1 * MIB)
#define REQUESTS	100
#define QUIET_SECONDS	2	/* longer than any period the worker could have */

static const char *const states[] = {
	"never_kicked", "after_work", "throttled", "paused", NULL,
};

enum { NEVER_KICKED, AFTER_WORK, THROTTLED, PAUSED };

static struct disk disk;
static struct driver d;
static uint64_t gpa;
static char worker[32];		/* its directory in /proc */

/* How often it went to sleep, or was made to wait. */
static uint64_t switches(void)
{
	char line[80];
	uint64_t n = 0;

	if (worker_line(worker, "status", "voluntary_ctxt_switches:", line, sizeof(line)))
		n += strtoull(strchr(line, ':') + 1, NULL, 10);
	if (worker_line(worker, "status", "nonvoluntary_ctxt_switches:", line, sizeof(line)))
		n += strtoull(strchr(line, ':') + 1, NULL, 10);
	ASSERT_TRUE(n);
	return n;
}

/* Whether it comes to rest: a time without a switch. */
static bool comes_to_rest(void)
{
	uint64_t end = now_ns() + WAIT_SECONDS * NSEC_PER_SEC, before;

	do {
		before = switches();
		sleep(QUIET_SECONDS);
		if (switches() == before)
			return true;
	} while (now_ns() < end);
	return false;
}

static void work(unsigned int n)
{
	while (n--)
		ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, 0, gpa, 512),
			  VIRTIO_BLK_S_OK);
}

static void pause_it(void)
{
	struct kvblk_pause arg = {
		.hdr.size = sizeof(arg), .timeout_ms = 1000,
	};

	memcpy(arg.name, disk.name, sizeof(arg.name));
	ASSERT_EQ(disk_control(KVBLK_PAUSE, &arg), 0);
}

TEST_EACH(worker_sleeps, states)
{
	uint64_t before;

	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	gpa = memory_alloc(&d.m, 512, 512);
	ASSERT_TRUE(worker_find(disk.name, worker));
	if (harness_variant() == THROTTLED)
		ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 1000, 1000), 0);
	if (harness_variant() != NEVER_KICKED)
		work(REQUESTS);
	if (harness_variant() == PAUSED)
		pause_it();
	EXPECT_TRUE(comes_to_rest());
	if (harness_variant() == PAUSED)
		return;
	/* What was counted is the worker that does the work. */
	before = switches();
	work(1);
	EXPECT_GT(switches(), before);
	EXPECT_TRUE(comes_to_rest());
}
