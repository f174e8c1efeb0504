// SPDX-License-Identifier: GPL-2.0
/* The worker looks for requests before it sleeps: fewer kicks, none lost, none while idle. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define MANY		2000

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
	struct kvblk_stats before, after;

	setup(features);
	requests(MANY);
	before = disk_stats(disk.name);
	EXPECT_EQ(before.polls, 0);
	ASSERT_EQ(set_poll(KVBLK_POLL_US_MAX, 100), 0);
	requests(MANY);
	after = disk_stats(disk.name);
	harness_note("%llu looks, %llu found a request, %llu kicks for %u requests",
		     (unsigned long long)after.polls, (unsigned long long)after.poll_hits,
		     (unsigned long long)(after.kicks - before.kicks), MANY);
	/* With one processor the driver needs it whenever there is something to find. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		EXPECT_GT(after.poll_hits, MANY / 10);
		EXPECT_LE(after.kicks - before.kicks, MANY - MANY / 10);
	}
	ASSERT_EQ(set_poll(0, 0), 0);
	requests(10);
	before = disk_stats(disk.name);
	requests(MANY);
	after = disk_stats(disk.name);
	EXPECT_EQ(after.poll_hits, before.poll_hits);
	EXPECT_EQ(after.lost_kicks, 0);
	driver_close(&d);
}

TEST(finds_by_flag) { finds(0); }
TEST(finds_by_event_idx) { finds(F_EVENT_IDX); }

/* The self-check looks at a disk for some seconds after work; nothing does after that. */
TEST(idle_is_left_alone)
{
	uint64_t polls;

	setup(0);
	ASSERT_EQ(set_poll(1000, 100), 0);
	requests(10);
	sleep(6);
	polls = disk_stats(disk.name).polls;
	sleep(2);
	EXPECT_EQ(disk_stats(disk.name).polls, polls);
	EXPECT_EQ(d.r.used->flags, 0);
	driver_close(&d);
}
