// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "disk.h"
#include "harness.h"
#include "mq.h"
#include "pattern.h"

struct disk mq_disk;
struct driver mq_queue[MQ_QUEUES];
struct mq_slot mq_slots[MQ_QUEUES][MQ_DEPTH];

/* What each block holds: a seed, 0 for zeros. Queues have blocks of their own. */
static uint32_t content[MQ_QUEUES][MQ_BLOCKS];

const char *const mq_crews[] = { "one_worker", "two_workers", "a_worker_each", NULL };
const unsigned int mq_crew_size[] = { 1, 2, MQ_QUEUES };

void mq_make(unsigned int queues, unsigned int workers)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(MQ_SIZE));
	add.queues = queues;
	add.workers = workers;
	disk_add(&mq_disk, &add);
}

int mq_set_workers(unsigned int workers)
{
	struct kvblk_set arg = { .hdr.size = sizeof(arg), .workers = workers };

	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	return disk_control(KVBLK_SET, &arg);
}

void mq_stats(struct kvblk_queue_stats *stats, unsigned int nr)
{
	struct kvblk_queues arg = {
		.hdr.size = sizeof(arg),
		.queues = (uintptr_t)stats,
		.count = nr,
	};

	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	ASSERT_EQ(disk_control(KVBLK_QUEUES, &arg), 0);
	ASSERT_EQ(arg.count, MQ_QUEUES);
}

void mq_start(void)
{
	unsigned int i;

	driver_negotiate(&mq_queue[0]);
	for (i = 0; i < MQ_QUEUES; i++) {
		driver_set_queue(&mq_queue[i]);
		ASSERT_EQ(session_read(&mq_queue[0].s, VIRTIO_MMIO_QUEUE_READY), 1);
	}
	driver_ok(&mq_queue[0]);
}

void mq_open(bool poll)
{
	struct driver_config cfg = { .features = F_MQ | F_EVENT_IDX, .num = 64, .poll = poll };
	unsigned int i, k;
	uint64_t gpa;

	driver_init(&mq_queue[0], mq_disk.name, &cfg);
	for (i = 1; i < MQ_QUEUES; i++)
		driver_add_queue(&mq_queue[i], &mq_queue[0], i);
	for (i = 0; i < MQ_QUEUES; i++) {
		for (k = 0; k < MQ_DEPTH; k++) {
			gpa = memory_alloc(&mq_queue[0].m, MQ_BLOCK, MQ_BLOCK);
			mq_slots[i][k].rq.seg[0] = (struct seg) { gpa, MQ_BLOCK };
			mq_slots[i][k].rq.nr = 1;
		}
	}
	mq_start();
}

void mq_setup(unsigned int workers)
{
	mq_make(MQ_QUEUES, workers);
	mq_open(true);
}

void mq_submit(unsigned int i, struct mq_slot *s)
{
	unsigned int block = s - mq_slots[i] + MQ_DEPTH * (random_u32() % (MQ_BLOCKS / MQ_DEPTH));
	bool write = !content[i][block] || random_u32() % 2;

	s->block = block;
	s->rq.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	s->rq.sector = MQ_SECTORS(i * MQ_BLOCKS + block);
	s->seed = write ? random_u32() | 1 : content[i][block];
	segs_fill(&mq_queue[i].m, s->rq.seg, 1, write ? s->seed : ~s->seed);
	ASSERT_TRUE(driver_queue(&mq_queue[i], &s->rq));
}

void mq_check(unsigned int i, struct mq_slot *s)
{
	ASSERT_EQ(s->rq.status, VIRTIO_BLK_S_OK);
	if (s->rq.type == VIRTIO_BLK_T_OUT)
		content[i][s->block] = s->seed;
	else
		ASSERT_EQ(segs_check(&mq_queue[i].m, s->rq.seg, 1, s->seed), MQ_BLOCK);
}

void mq_submit_all(void)
{
	unsigned int i, k;

	for (i = 0; i < MQ_QUEUES; i++) {
		for (k = 0; k < MQ_DEPTH; k++)
			mq_submit(i, &mq_slots[i][k]);
		driver_flush(&mq_queue[i]);
	}
}

unsigned int mq_turn(bool again)
{
	unsigned int i, n = 0, before;
	struct request *rq;

	for (i = 0; i < MQ_QUEUES; i++) {
		before = n;
		while ((rq = driver_reap(&mq_queue[i]))) {
			mq_check(i, (struct mq_slot *)rq);
			if (again)
				mq_submit(i, (struct mq_slot *)rq);
			n++;
		}
		if (n > before && again)
			driver_flush(&mq_queue[i]);
	}
	return n;
}

unsigned int mq_run(unsigned int rounds)
{
	unsigned int done = 0;

	while (done < rounds) {
		ASSERT_TRUE(WAIT_FOR(ring_pending(&mq_queue[0].r) || ring_pending(&mq_queue[1].r) ||
				     ring_pending(&mq_queue[2].r) || ring_pending(&mq_queue[3].r)));
		done += mq_turn(true);
	}
	return done;
}

void mq_drain(void)
{
	unsigned int left = MQ_QUEUES * MQ_DEPTH;

	ASSERT_TRUE(WAIT_FOR(!(left -= mq_turn(false))));
}

static uint64_t sum_of(const struct kvblk_queue_stats *stats, size_t offset)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < MQ_QUEUES; i++)
		sum += *(const __u64 *)((const char *)&stats[i].stats + offset);
	return sum;
}

void mq_expect_sums(void)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	struct kvblk_query query;
	unsigned int i;
	size_t at;

	disk_query(mq_disk.name, &query);
	mq_stats(stats, MQ_QUEUES);
	EXPECT_EQ(query.queues, MQ_QUEUES);
	for (at = 0; at < sizeof(query.stats); at += sizeof(__u64))
		EXPECT_EQ(sum_of(stats, at), *(__u64 *)((char *)&query.stats + at));
	for (i = 0; i < MQ_QUEUES; i++) {
		EXPECT_EQ(stats[i].queue, i);
		EXPECT_GT(stats[i].stats.requests, 0);
		EXPECT_GT(stats[i].stats.kicks, 0);
		EXPECT_EQ(stats[i].stats.in_flight, 0);
		EXPECT_EQ(stats[i].stats.lost_kicks, 0);
	}
}

void mq_expect_map(unsigned int workers, const unsigned int *map)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	struct kvblk_query query;
	unsigned int i;

	disk_query(mq_disk.name, &query);
	mq_stats(stats, MQ_QUEUES);
	EXPECT_EQ(query.workers, workers);
	for (i = 0; i < MQ_QUEUES; i++)
		EXPECT_EQ(stats[i].worker, map[i]);
}

void mq_expect_spread(unsigned int workers)
{
	unsigned int map[MQ_QUEUES], i;

	for (i = 0; i < MQ_QUEUES; i++)
		map[i] = i % workers;
	mq_expect_map(workers, map);
}

void mq_forget(void)
{
	unsigned int i;

	for (i = 0; i < MQ_QUEUES; i++) {
		ring_clear(&mq_queue[i].r);
		memset(mq_queue[i].flying, 0, sizeof(mq_queue[i].flying));
	}
	/* Writes that were under way may or may not have been done. */
	memset(content, 0, sizeof(content));
}
