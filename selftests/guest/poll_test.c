// SPDX-License-Identifier: GPL-2.0
/* The worker looks for requests before it sleeps: fewer kicks, none lost, none while idle. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define MANY		2000
#define COUNTERS	"/sys/kernel/debug/kvblk/%s/counters"

static struct disk disk;
static struct driver d;

static int set_poll(uint32_t us, uint32_t percent)
{
	struct kvblk_set set = {
		.hdr = { .size = sizeof(set), .flags = KVBLK_SET_POLL },
		.poll_us = us,
		.poll_percent = percent,
	};

	memcpy(set.name, disk.name, sizeof(set.name));
	return disk_control(KVBLK_SET, &set);
}

static unsigned long long counter(const char *name)
{
	unsigned long long value;
	char path[128], got[64];
	FILE *f;

	snprintf(path, sizeof(path), COUNTERS, disk.name);
	f = fopen(path, "r");
	ASSERT_TRUE(f);
	while (fscanf(f, "%63s %llu", got, &value) == 2) {
		if (!strcmp(got, name)) {
			fclose(f);
			return value;
		}
	}
	fclose(f);
	DIE("there is no %s", name);
	return 0;
}

/* A driver that kicks only when it is asked to. */
static void setup(uint64_t features)
{
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name,
		    &(struct driver_config) { .features = features, .polite = true });
}

/* Answered in place, each as soon as the last one has ended. */
static void requests(unsigned int n)
{
	struct request rq = { .type = VIRTIO_BLK_T_GET_ID };

	while (n--) {
		ASSERT_TRUE(driver_queue(&d, &rq));
		driver_flush(&d);
		ASSERT_TRUE(WAIT_FOR(ring_pending(&d.r)));
		ASSERT_TRUE(driver_reap(&d) == &rq);
	}
}

TEST(arguments)
{
	struct kvblk_query q;

	disk_make(&disk, SIZE, 0);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.poll_us, 0);
	EXPECT_EQ(set_poll(KVBLK_POLL_US_MAX, 100), 0);
	EXPECT_EQ(set_poll(KVBLK_POLL_US_MAX + 1, 100), -EINVAL);
	EXPECT_EQ(set_poll(1, 1), 0);
	EXPECT_EQ(set_poll(1, 0), -EINVAL);
	EXPECT_EQ(set_poll(1, 101), -EINVAL);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.poll_us, 1);
	EXPECT_EQ(q.poll_percent, 1);
	EXPECT_EQ(set_poll(0, 101), 0);
}

static void finds(uint64_t features)
{
	unsigned long long hits, kicks;

	setup(features);
	requests(MANY);
	kicks = counter("kicks");
	EXPECT_EQ(counter("polls"), 0);
	ASSERT_EQ(set_poll(KVBLK_POLL_US_MAX, 100), 0);
	requests(MANY);
	hits = counter("poll_hits");
	kicks = counter("kicks") - kicks;
	printf("# %llu looks, %llu found a request, %llu kicks for %u requests\n",
	       counter("polls"), hits, kicks, MANY);
	/* With one processor the driver needs it whenever there is something to find. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		EXPECT_GT(hits, MANY / 10);
		EXPECT_LE(kicks, MANY - MANY / 10);
	}
	ASSERT_EQ(set_poll(0, 0), 0);
	requests(10);
	hits = counter("poll_hits");
	requests(MANY);
	EXPECT_EQ(counter("poll_hits"), hits);
	EXPECT_EQ(counter("lost_kicks"), 0);
	driver_close(&d);
}

TEST(finds_by_flag) { finds(0); }
TEST(finds_by_event_idx) { finds(F_EVENT_IDX); }

/* The self-check looks at a disk for some seconds after work; nothing does after that. */
TEST(idle_is_left_alone)
{
	unsigned long long polls;

	setup(0);
	ASSERT_EQ(set_poll(1000, 100), 0);
	requests(10);
	sleep(6);
	polls = counter("polls");
	sleep(2);
	EXPECT_EQ(counter("polls"), polls);
	EXPECT_EQ(d.r.used->flags, 0);
	driver_close(&d);
}
