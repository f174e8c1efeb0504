// SPDX-License-Identifier: GPL-2.0
/* Many requests at once: ring sizes, wrap-around, depths, order of the end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "backing.h"
#include "driver.h"
#include "harness.h"
#include "pattern.h"

#define SIZE		(16 * MIB)
#define BLOCK		4096
#define BLOCKS		(SIZE / BLOCK)
#define SECTORS(block)	((block) * (BLOCK / KVBLK_SECTOR_SIZE))
#define UNKNOWN_TYPE	77	/* answered at once */
#define WRAP		(65536 + 1000)	/* more than an index can count */

static struct disk disk;
static struct driver d;

/* A request with a block of its own on the disk and in memory. */
struct slot {
	struct request rq;
	bool busy;
	unsigned int block;
	uint32_t seed;
};

static struct slot slots[RING_MAX];

/* What each block holds: a seed, 0 for zeros. */
static uint32_t content[BLOCKS];

static void setup(struct driver_config cfg, uint32_t queue_size)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.queue_size = queue_size;
	disk_add(&disk, &add);
	driver_open(&d, disk.name, &cfg);
}

static void submit(struct slot *s, unsigned int block)
{
	bool write = !content[block] || random_u32() % 2;

	s->busy = true;
	s->block = block;
	s->rq.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	s->rq.sector = SECTORS(block);
	s->seed = write ? random_u32() | 1 : content[block];
	segs_fill(&d.m, s->rq.seg, s->rq.nr, write ? s->seed : ~s->seed);
	ASSERT_TRUE(driver_queue(&d, &s->rq));
}

static void check(struct slot *s)
{
	ASSERT_EQ(s->rq.status, VIRTIO_BLK_S_OK);
	if (s->rq.type == VIRTIO_BLK_T_OUT)
		content[s->block] = s->seed;
	else
		ASSERT_EQ(segs_check(&d.m, s->rq.seg, s->rq.nr, s->seed),
			  BLOCK);
	s->busy = false;
}

/* Completions come in any order; the request leads back to its slot. */
static unsigned int reap_all(void)
{
	unsigned int n = 0;
	struct request *rq;

	while ((rq = driver_reap(&d))) {
		check((struct slot *)rq);
		n++;
	}
	return n;
}

static unsigned int fill_queue(unsigned int depth, unsigned int room)
{
	unsigned int i, n = 0;

	for (i = 0; i < depth && n < room; i++) {
		if (slots[i].busy)
			continue;
		/* Slots never share a block: their order would matter. */
		submit(&slots[i],
		       random_u32() % (BLOCKS / depth) * depth + i);
		n++;
	}
	return n;
}

static void prepare(unsigned int depth, unsigned int segs)
{
	uint64_t gpa = memory_alloc(&d.m, depth * BLOCK, BLOCK);
	unsigned int i, n;

	for (i = 0; i < depth; i++) {
		slots[i].rq.nr = segs;
		for (n = 0; n < segs; n++, gpa += BLOCK / segs)
			slots[i].rq.seg[n] = (struct seg) { gpa, BLOCK / segs };
	}
}

/* Keeps @depth requests in flight until @total are done. */
static void run(unsigned int depth, unsigned int segs, unsigned int total)
{
	unsigned int sent = 0, done = 0;

	prepare(depth, segs);
	while (done < total) {
		sent += fill_queue(depth, total - sent);
		driver_flush(&d);
		ASSERT_EQ(driver_wait(&d), 0);
		done += reap_all();
	}
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
}

static void verify_disk(void)
{
	uint8_t buf[BLOCK];
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		backing_read(&disk, i * BLOCK, buf, BLOCK);
		if (content[i])
			ASSERT_EQ(pattern_check(buf, BLOCK, content[i]), BLOCK);
		else
			ASSERT_EQ(pattern_check_byte(buf, BLOCK, 0), BLOCK);
	}
}

static const char *const ring_variants[] = {
	"16", "256", "1024", "16-event-idx", "256-event-idx", "1024-indirect",
	NULL
};

TEST_EACH(mixed, ring_variants)
{
	static const uint16_t num[] = { 16, 256, 1024, 16, 256, 1024 };
	unsigned int v = harness_variant();
	unsigned int depth = v == 5 ? num[v] : num[v] / 4;

	setup((struct driver_config) {
		.num = num[v],
		.features = v == 3 || v == 4 ? F_EVENT_IDX : 0,
		.indirect = v == 5,
		.polite = v >= 3,
	}, num[v]);
	run(depth, 2, 4000);
	verify_disk();
}

/* The disk offers more than the driver takes. */
TEST(smaller_ring_than_offered)
{
	setup((struct driver_config) { .num = 32 }, 1024);
	run(8, 2, 500);
	verify_disk();
}

TEST(index_wraps_on_a_small_ring)
{
	unsigned int sent = 0, done = 0, i;

	setup((struct driver_config) {
		.num = 16, .features = F_EVENT_IDX,
		.polite = true, .poll = true,
	}, 16);
	for (i = 0; i < 8; i++)
		slots[i].rq.type = UNKNOWN_TYPE;
	while (done < WRAP) {
		for (i = 0; i < 8 && sent < WRAP; i++, sent++)
			ASSERT_TRUE(driver_queue(&d, &slots[i].rq));
		driver_flush(&d);
		while (done < sent) {
			ASSERT_EQ(driver_wait(&d), 0);
			while (driver_reap(&d))
				done++;
		}
	}
	EXPECT_EQ(disk_stats(disk.name).unsupported, WRAP);
	EXPECT_EQ(ring_used_idx(&d.r), (uint16_t)WRAP);
	driver_prove(&d, 0, 1);
}

static const char *const depth_variants[] = { "1", "2", "7", "full", NULL };

TEST_EACH(depth, depth_variants)
{
	static const unsigned int depth[] = { 1, 2, 7, 64 };

	setup((struct driver_config) { .indirect = true, .num = 64 }, 64);
	run(depth[harness_variant()], 1, 1000);
	verify_disk();
}

TEST_EACH(deep_on_every_backing, backing_variants)
{
	backing_disk(&disk, SIZE, 0);
	driver_open(&d, disk.name, &(struct driver_config) {
		.features = F_EVENT_IDX,
	});
	run(64, 2, 1500);
	verify_disk();
}

/* All of a ring offered in one go, without a look at it meanwhile. */
TEST(one_full_ring)
{
	unsigned int i, done = 0;

	setup((struct driver_config) { .indirect = true, .num = 1024 }, 1024);
	prepare(1024, 1);
	for (i = 0; i < 1024; i++)
		submit(&slots[i], i);
	EXPECT_EQ(d.r.nr_free, 0);
	driver_flush(&d);
	while (done < 1024) {
		ASSERT_EQ(driver_wait(&d), 0);
		done += reap_all();
	}
	verify_disk();
}

TEST(disk_outlives_many_sessions)
{
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	for (i = 1; i <= 30; i++) {
		driver_open(&d, disk.name, NULL);
		driver_prove(&d, i * 8, i);
		driver_close(&d);
	}
	EXPECT_EQ(disk_stats(disk.name).writes_completed, 30);
}
