// SPDX-License-Identifier: GPL-2.0
/*
 * Properties that hold for every chain a driver can think of, each tried on 256
 * random ones: the device lives, the driver gets an answer, nothing counts back.
 */
#include <errno.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define CASES		256
#define DATA_MAX	(4 * MIB)
#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE

static struct disk disk;
static struct driver d;
static struct kvblk_stats last;
static uint64_t data;

static void setup(uint64_t features)
{
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, &(struct driver_config) {
		.features = features,
	});
	data = memory_alloc(&d.m, DATA_MAX, 4096);
	last = disk_stats(disk.name);
}

static uint64_t random_u64(void)
{
	return (uint64_t)random_u32() << 32 | random_u32();
}

/* Counters only grow; only gauges may fall. */
static void expect_growth(void)
{
	struct kvblk_stats now = disk_stats(disk.name);
	const uint64_t *a = (const uint64_t *)&last;
	const uint64_t *b = (const uint64_t *)&now;
	unsigned int i;

	now.in_flight = last.in_flight;
	now.currently_throttled = last.currently_throttled;
	for (i = 0; i < sizeof(now) / sizeof(*a); i++) {
		if (b[i] < a[i])
			FAIL("counter %u falls", i);
	}
	last = now;
}

static void offer(uint16_t head)
{
	d.r.taken[head] = 1;
	ring_offer(&d.r, head);
	driver_flush(&d);
}

/* The status byte of slot 0 once a used element names it, or -EIO. */
static int answer(void)
{
	uint8_t status;
	uint32_t len;
	int err = driver_wait(&d);

	if (err)
		return err;
	EXPECT_EQ(ring_take(&d.r, &len), 0);
	EXPECT_EQ(ring_pending(&d.r), false);
	memory_read(&d.m, driver_status_gpa(&d, 0), &status, 1);
	return status;
}

static void expect_answer(void)
{
	int got = answer();

	if (got < VIRTIO_BLK_S_OK || got > VIRTIO_BLK_S_UNSUPP)
		DIE("answered by %d", got);
	expect_growth();
}

/* Whatever the table holds, something happens that the driver can see. */
TEST(any_descriptors)
{
	unsigned int i, n, nr;

	setup(0);
	for (i = 0; i < CASES; i++) {
		nr = 1 + random_u32() % 200;
		for (n = 0; n < nr; n++)
			ring_set(&d.r, n, random_u32() % (1U << 24),
				 random_u32() % (8 * MIB), random_u32() % 8,
				 random_u32());
		offer(random_u32() % nr);
		/* Requests may well overwrite the ring itself. */
		if (!WAIT_FOR(ring_used_idx(&d.r) ||
			      driver_status(&d) & STATUS_BROKEN))
			DIE("case %u: no sign of life", i);
		expect_growth();
		driver_restart(&d);
	}
}

/* Header anywhere, in memory or not: one answer. */
TEST(any_header_address)
{
	unsigned int i;
	uint64_t gpa;

	setup(0);
	for (i = 0; i < CASES; i++) {
		gpa = random_u32() % 4 ? random_u32() % MEMORY_GAP :
					 random_u64() >> 1;
		driver_set_header(&d, 0, random_u32() % 16, 0);
		ring_set(&d.r, 0, gpa, 16, NEXT, 1);
		ring_set(&d.r, 1, data, 512, NEXT | WRITE, 2);
		ring_set(&d.r, 2, driver_status_gpa(&d, 0), 1, WRITE, 0);
		offer(0);
		expect_answer();
	}
}

/* Data of any length, for any type: one answer. */
TEST(any_length_and_type)
{
	uint32_t type, len;
	unsigned int i;

	setup(0);
	for (i = 0; i < CASES; i++) {
		type = i % 9;
		len = random_u32() % (i % 2 ? 2048 : 2 * MIB);
		if (!(random_u32() % 4))
			len = len / KVBLK_SECTOR_SIZE * KVBLK_SECTOR_SIZE;
		driver_set_header(&d, 0, type, random_u32() % 2048);
		ring_set(&d.r, 0, driver_header_gpa(&d, 0), 16, NEXT, 1);
		ring_set(&d.r, 1, data, len, random_u32() % 8 ?
			 NEXT | (type == VIRTIO_BLK_T_OUT ? 0 : WRITE) :
			 NEXT | WRITE, 2);
		ring_set(&d.r, 2, driver_status_gpa(&d, 0), 1, WRITE, 0);
		offer(0);
		expect_answer();
	}
}

/* Any flags in the middle of a chain: an answer, or the ring is broken. */
TEST(any_flags)
{
	unsigned int i;
	int got;

	setup(F_INDIRECT);
	for (i = 0; i < CASES; i++) {
		driver_set_header(&d, 0, random_u32() % 2, random_u32() % 8);
		ring_set(&d.r, 0, driver_header_gpa(&d, 0), 16, NEXT, 1);
		ring_set(&d.r, 1, data, KVBLK_SECTOR_SIZE, random_u32(), 2);
		ring_set(&d.r, 2, driver_status_gpa(&d, 0), 1, WRITE, 0);
		offer(0);
		got = answer();
		if (got == -EIO)
			driver_restart(&d);
		else if (got < 0)
			DIE("case %u: %d", i, got);
		expect_growth();
	}
}

static void random_transfer(struct request *rq)
{
	uint64_t gpa = data;
	unsigned int i;

	rq->type = random_u32() % 2;
	rq->sector = random_u32() % 8;
	rq->nr = 1 + random_u32() % 8;
	for (i = 0; i < rq->nr; i++) {
		rq->seg[i].gpa = gpa;
		rq->seg[i].len = KVBLK_SECTOR_SIZE * (1 + random_u32() % 4);
		gpa += rq->seg[i].len;
	}
}

/* No tokens, no transfer: a good request waits and shows nothing of it. */
TEST(any_transfer_without_tokens)
{
	struct request rq;
	unsigned int i;
	uint8_t status;

	setup(0);
	/* Passes once, and leaves a debt of a month. */
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_BYTES, 1, 1), 0);
	ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, 0, data, MIB),
		  VIRTIO_BLK_S_OK);
	last = disk_stats(disk.name);
	for (i = 0; i < CASES; i++) {
		driver_restart(&d);
		random_transfer(&rq);
		ASSERT_TRUE(driver_queue(&d, &rq));
		driver_flush(&d);
		ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
		memory_read(&d.m, driver_status_gpa(&d, 0), &status, 1);
		ASSERT_EQ(status, STATUS_UNSET);
		ASSERT_EQ(ring_used_idx(&d.r), 0);
		expect_growth();
	}
	EXPECT_EQ(last.requests, 1);
	EXPECT_EQ(last.reads_completed, 1);
	EXPECT_EQ(last.writes_completed, 0);
	EXPECT_EQ(last.io_errors, 0);
}
