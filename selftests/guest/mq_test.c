// SPDX-License-Identifier: GPL-2.0
/* Several queues, served by one thread or by several, also while that changes. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "contract.h"
#include "driver.h"
#include "harness.h"
#include "latency.h"
#include "pattern.h"

#define QUEUES		4
#define DEPTH		8
#define BLOCK		4096
#define SECTORS(block)	((block) * (BLOCK / KVBLK_SECTOR_SIZE))
#define BLOCKS		256	/* of each queue */
#define SIZE		((uint64_t)QUEUES * BLOCKS * BLOCK)
#define ROUNDS		20000

/* A request with a buffer of its own. */
struct slot {
	struct request rq;
	unsigned int block;
	uint32_t seed;
};

static struct disk disk;
static struct driver queue[QUEUES];
static struct slot slots[QUEUES][DEPTH];

/* What each block holds: a seed, 0 for zeros. Queues have blocks of their own. */
static uint32_t content[QUEUES][BLOCKS];

static const char *const crews[] = { "one_worker", "two_workers", "a_worker_each", NULL };
static const unsigned int crew_size[] = { 1, 2, QUEUES };

static void make(unsigned int queues, unsigned int workers)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.queues = queues;
	add.workers = workers;
	disk_add(&disk, &add);
}

static int set_workers(unsigned int workers)
{
	struct kvblk_set arg = { .hdr.size = sizeof(arg), .workers = workers };

	memcpy(arg.name, disk.name, sizeof(arg.name));
	return disk_control(KVBLK_SET, &arg);
}

static void queue_stats(struct kvblk_queue_stats *stats, unsigned int nr)
{
	struct kvblk_queues arg = {
		.hdr.size = sizeof(arg),
		.queues = (uintptr_t)stats,
		.count = nr,
	};

	memcpy(arg.name, disk.name, sizeof(arg.name));
	ASSERT_EQ(disk_control(KVBLK_QUEUES, &arg), 0);
	ASSERT_EQ(arg.count, QUEUES);
}

static void set_up_queues(void)
{
	unsigned int i;

	driver_negotiate(&queue[0]);
	for (i = 0; i < QUEUES; i++) {
		driver_set_queue(&queue[i]);
		ASSERT_EQ(session_read(&queue[0].s, VIRTIO_MMIO_QUEUE_READY), 1);
	}
	driver_ok(&queue[0]);
}

static void open_queues(bool poll)
{
	struct driver_config cfg = { .features = F_MQ | F_EVENT_IDX, .num = 64, .poll = poll };
	unsigned int i, k;
	uint64_t gpa;

	driver_init(&queue[0], disk.name, &cfg);
	for (i = 1; i < QUEUES; i++)
		driver_add_queue(&queue[i], &queue[0], i);
	for (i = 0; i < QUEUES; i++) {
		for (k = 0; k < DEPTH; k++) {
			gpa = memory_alloc(&queue[0].m, BLOCK, BLOCK);
			slots[i][k].rq.seg[0] = (struct seg) { gpa, BLOCK };
			slots[i][k].rq.nr = 1;
		}
	}
	set_up_queues();
}

static void setup(unsigned int workers)
{
	make(QUEUES, workers);
	open_queues(true);
}

/* ---- load with data that is checked ---- */

static void submit(unsigned int i, struct slot *s)
{
	unsigned int block = s - slots[i] + DEPTH * (random_u32() % (BLOCKS / DEPTH));
	bool write = !content[i][block] || random_u32() % 2;

	s->block = block;
	s->rq.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	s->rq.sector = SECTORS(i * BLOCKS + block);
	s->seed = write ? random_u32() | 1 : content[i][block];
	segs_fill(&queue[i].m, s->rq.seg, 1, write ? s->seed : ~s->seed);
	ASSERT_TRUE(driver_queue(&queue[i], &s->rq));
}

static void check(unsigned int i, struct slot *s)
{
	ASSERT_EQ(s->rq.status, VIRTIO_BLK_S_OK);
	if (s->rq.type == VIRTIO_BLK_T_OUT)
		content[i][s->block] = s->seed;
	else
		ASSERT_EQ(segs_check(&queue[i].m, s->rq.seg, 1, s->seed), BLOCK);
}

static void submit_all(void)
{
	unsigned int i, k;

	for (i = 0; i < QUEUES; i++) {
		for (k = 0; k < DEPTH; k++)
			submit(i, &slots[i][k]);
		driver_flush(&queue[i]);
	}
}

/* Takes what is there from every queue; offers it again. Requests taken. */
static unsigned int turn(bool again)
{
	unsigned int i, n = 0, before;
	struct request *rq;

	for (i = 0; i < QUEUES; i++) {
		before = n;
		while ((rq = driver_reap(&queue[i]))) {
			check(i, (struct slot *)rq);
			if (again)
				submit(i, (struct slot *)rq);
			n++;
		}
		if (n > before && again)
			driver_flush(&queue[i]);
	}
	return n;
}

static unsigned int run(unsigned int rounds)
{
	unsigned int done = 0;

	while (done < rounds) {
		ASSERT_TRUE(WAIT_FOR(ring_pending(&queue[0].r) || ring_pending(&queue[1].r) ||
				     ring_pending(&queue[2].r) || ring_pending(&queue[3].r)));
		done += turn(true);
	}
	return done;
}

static void drain(void)
{
	unsigned int left = QUEUES * DEPTH;

	ASSERT_TRUE(WAIT_FOR(!(left -= turn(false))));
}

static uint64_t sum_of(const struct kvblk_queue_stats *stats, size_t offset)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < QUEUES; i++)
		sum += *(const __u64 *)((const char *)&stats[i].stats + offset);
	return sum;
}

/* What the queues have counted is, together, what the disk has. */
static void expect_sums(unsigned int workers)
{
	struct kvblk_queue_stats stats[QUEUES];
	struct kvblk_query query;
	unsigned int i;
	size_t at;

	disk_query(disk.name, &query);
	queue_stats(stats, QUEUES);
	EXPECT_EQ(query.queues, QUEUES);
	EXPECT_EQ(query.workers, workers);
	for (at = 0; at < sizeof(query.stats); at += sizeof(__u64))
		EXPECT_EQ(sum_of(stats, at), *(__u64 *)((char *)&query.stats + at));
	for (i = 0; i < QUEUES; i++) {
		EXPECT_EQ(stats[i].queue, i);
		EXPECT_EQ(stats[i].worker, i % workers);
		EXPECT_GT(stats[i].stats.requests, 0);
		EXPECT_GT(stats[i].stats.kicks, 0);
		EXPECT_EQ(stats[i].stats.in_flight, 0);
		EXPECT_EQ(stats[i].stats.lost_kicks, 0);
	}
}

TEST_EACH(all_queues_work, crews)
{
	unsigned int done, workers = crew_size[harness_variant()];

	setup(workers);
	submit_all();
	done = run(ROUNDS);
	drain();
	expect_sums(workers);
	EXPECT_EQ(disk_stats(disk.name).requests, done + QUEUES * DEPTH);
	driver_close(&queue[0]);
}

/* What has no room is not stored; the number of queues is told in any case. */
TEST(room_for_some_queues)
{
	struct kvblk_queue_stats stats[QUEUES];
	struct kvblk_queues arg = { .hdr.size = sizeof(arg), .name = "missing" };
	unsigned int i, room;

	make(QUEUES, 1);
	contract_refuse(disk_control_fd(), KVBLK_QUEUES, &arg, -ENOENT, "missing");
	memcpy(arg.name, disk.name, sizeof(arg.name));
	arg.queues = (uintptr_t)stats;
	for (room = 0; room <= QUEUES + 1; room++) {
		memset(stats, 0xff, sizeof(stats));
		arg.count = room;
		ASSERT_EQ(disk_control(KVBLK_QUEUES, &arg), 0);
		EXPECT_EQ(arg.count, QUEUES);
		for (i = 0; i < QUEUES; i++)
			EXPECT_EQ(stats[i].queue, i < room ? i : UINT32_MAX);
	}
	arg.queues = 8;
	contract_refuse(disk_control_fd(), KVBLK_QUEUES, &arg, -EFAULT, "queues");
}

/* Requests that the histograms of queue @vq have. */
static uint64_t answered_by(unsigned int vq)
{
	struct kvblk_latency_hist hists[LATENCY_NR];
	struct kvblk_latency arg = {
		.hdr.size = sizeof(arg),
		.hists = (uintptr_t)hists,
		.count = LATENCY_NR,
		.queue = vq + 1,
	};
	uint64_t sum = 0;
	unsigned int i;

	memcpy(arg.name, disk.name, sizeof(arg.name));
	ASSERT_EQ(disk_control(KVBLK_LATENCY, &arg), 0);
	for (i = 0; i < LATENCY_NR; i++) {
		if (hists[i].stage == KVBLK_LATENCY_PUBLISH)
			sum += latency_count(&hists[i]);
	}
	return sum;
}

TEST(latency_by_queue)
{
	unsigned int i, n;

	setup(2);
	for (i = 0; i < QUEUES; i++) {
		for (n = 0; n <= i; n++)
			submit(i, &slots[i][n]);
		driver_flush(&queue[i]);
		for (n = 0; n <= i; n++) {
			ASSERT_TRUE(WAIT_FOR(ring_pending(&queue[i].r)));
			check(i, (struct slot *)driver_reap(&queue[i]));
		}
	}
	for (i = 0; i < QUEUES; i++)
		EXPECT_TRUE(WAIT_FOR(answered_by(i) == i + 1));
	EXPECT_EQ(latency_answered(disk.name), 1 + 2 + 3 + 4);
	driver_close(&queue[0]);
}

/* One line for all queues: each answer raises it. */
TEST(every_queue_interrupts)
{
	unsigned int i;

	make(QUEUES, 2);
	open_queues(false);
	for (i = 0; i < QUEUES; i++)
		driver_prove(&queue[i], SECTORS(i * BLOCKS), i + 1);
	driver_close(&queue[0]);
}

/* ---- the number of workers ---- */

/* How many threads of the disk there are. */
static unsigned int threads(void)
{
	unsigned int n = 0;
	struct dirent *e;
	DIR *dir = opendir("/proc");
	char path[300], want[64], line[64];
	FILE *f;

	snprintf(want, sizeof(want), "kvblk/%s", disk.name);
	ASSERT_TRUE(dir);
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		n += fgets(line, sizeof(line), f) && !strncmp(line, want, strlen(want));
		fclose(f);
	}
	closedir(dir);
	return n;
}

/* Queue n is served by thread n modulo @workers. */
static void expect_spread(unsigned int workers)
{
	struct kvblk_queue_stats stats[QUEUES];
	unsigned int i;

	queue_stats(stats, QUEUES);
	for (i = 0; i < QUEUES; i++)
		EXPECT_EQ(stats[i].worker, i % workers);
}

TEST(workers_change_under_load)
{
	static const unsigned int sizes[] = { 4, 1, 3, 2, 4, 2, 1 };
	unsigned int i, n = 0, done = 0;

	setup(1);
	submit_all();
	for (i = 0; i < 140; i++) {
		n = sizes[i % 7];
		ASSERT_EQ(set_workers(n), 0);
		EXPECT_EQ(threads(), n);
		expect_spread(n);
		done += run(50);
	}
	drain();
	expect_sums(n);
	EXPECT_EQ(disk_stats(disk.name).requests, done + QUEUES * DEPTH);
	driver_close(&queue[0]);
	EXPECT_TRUE(WAIT_FOR(!threads()));
}

TEST(workers_without_a_session)
{
	make(QUEUES, 1);
	EXPECT_EQ(set_workers(3), 0);
	EXPECT_EQ(threads(), 0);
	open_queues(true);
	EXPECT_EQ(threads(), 3);
	submit_all();
	run(1000);
	drain();
	expect_sums(3);
	driver_close(&queue[0]);
}

static void expect_refused(struct kvblk_add *add, const char *field)
{
	char why[128] = "";

	add->hdr.msg = (uintptr_t)why;
	add->hdr.msg_len = sizeof(why);
	EXPECT_EQ(disk_control(KVBLK_ADD, add), -EINVAL);
	if (strncmp(why, field, strlen(field)))
		FAIL("not about %s: %s", field, why);
}

TEST(limits_of_numbers)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.queues = KVBLK_QUEUES_MAX + 1;
	expect_refused(&add, "queues: 65 is above 64");
	add.queues = UINT16_MAX;
	expect_refused(&add, "queues");
	add.queues = 2;
	add.workers = 3;
	expect_refused(&add, "workers: 3 is above the 2 of queues");
	add.queues = 0;
	add.workers = 2;
	expect_refused(&add, "workers: 2 is above the 1 of queues");

	make(QUEUES, 2);
	EXPECT_EQ(set_workers(QUEUES + 1), -EINVAL);
	EXPECT_EQ(set_workers(UINT32_MAX), -EINVAL);
	EXPECT_EQ(set_workers(0), 0);
	open_queues(true);
	EXPECT_EQ(set_workers(QUEUES + 1), -EINVAL);
	submit_all();
	run(100);
	drain();
	expect_sums(2);
	driver_close(&queue[0]);
}

/* A call that fails changes neither workers nor limits. */
TEST(failed_set_changes_nothing)
{
	struct kvblk_set arg = {
		.hdr.size = sizeof(arg),
		.workers = QUEUES + 1,
		.limit_mask = 1U << KVBLK_LIMIT_OPS,
		.limits[KVBLK_LIMIT_OPS] = { 100, 0 },
	};
	struct kvblk_query q;

	make(QUEUES, 2);
	memcpy(arg.name, disk.name, sizeof(arg.name));
	EXPECT_EQ(disk_control(KVBLK_SET, &arg), -EINVAL);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.workers, 2);
	EXPECT_EQ(q.limits[KVBLK_LIMIT_OPS].rate, 0);
}

/* ---- what a driver may see ---- */

TEST(without_the_feature_one_queue)
{
	struct driver *d = &queue[0];

	make(QUEUES, 2);
	driver_init(d, disk.name, NULL);
	EXPECT_TRUE(session_features(&d->s) & F_MQ);
	driver_negotiate(d);
	session_write(&d->s, VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	session_write(&d->s, VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_set_queue(d);
	driver_ok(d);
	session_write(&d->s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	driver_prove(d, 0, 1);
	driver_close(d);
}

TEST(one_queue_offers_no_feature)
{
	struct driver *d = &queue[0];

	make(1, 1);
	driver_init(d, disk.name, NULL);
	EXPECT_TRUE(!(session_features(&d->s) & F_MQ));
	EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_CONFIG + 0x20), 0);
	driver_start(d);
	driver_prove(d, 0, 1);
	driver_close(d);
}

TEST(queues_beyond_the_last)
{
	static const uint32_t beyond[] = { QUEUES, QUEUES + 1, 63, 64, 65535, 65536, UINT32_MAX };
	struct driver *d = &queue[0];
	uint64_t config;
	unsigned int i;

	make(QUEUES, 2);
	driver_init(d, disk.name, &(struct driver_config) { .features = F_MQ });
	config = session_read(&d->s, VIRTIO_MMIO_CONFIG + 0x20);
	EXPECT_EQ(config >> 16, QUEUES);	/* num_queues at 34 */
	driver_negotiate(d);
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		session_write(&d->s, VIRTIO_MMIO_QUEUE_SEL, beyond[i]);
		EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
		session_write(&d->s, VIRTIO_MMIO_QUEUE_NUM, 16);
		session_write(&d->s, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x10000);
		session_write(&d->s, VIRTIO_MMIO_QUEUE_READY, 1);
		EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_QUEUE_READY), 0);
		session_write(&d->s, VIRTIO_MMIO_QUEUE_NOTIFY, beyond[i]);
	}
	EXPECT_EQ(session_bind(d->s.fd, KVBLK_EVENT_KICK, QUEUES, d->s.event[0]), -EINVAL);
	driver_set_queue(d);
	driver_ok(d);
	/* Queues that are not ready are kicked without effect. */
	for (i = 0; i < QUEUES; i++)
		session_write(&d->s, VIRTIO_MMIO_QUEUE_NOTIFY, QUEUES - 1 - i);
	driver_prove(d, 0, 1);
	driver_close(d);
}

/* ---- reset, pause, errors ---- */

static void forget(void)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++) {
		ring_clear(&queue[i].r);
		memset(queue[i].flying, 0, sizeof(queue[i].flying));
	}
	/* Writes that were under way may or may not have been done. */
	memset(content, 0, sizeof(content));
}

TEST_EACH(reset_under_load, crews)
{
	unsigned int workers = crew_size[harness_variant()];
	int i;

	setup(workers);
	for (i = 0; i < 100; i++) {
		submit_all();
		run(random_u32() % 200);
		if (i % 3 == 0)
			ASSERT_EQ(set_workers(i % 2 ? workers : QUEUES), 0);
		driver_reset(&queue[0]);
		forget();
		set_up_queues();
	}
	submit_all();
	run(1000);
	drain();
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
	driver_close(&queue[0]);
}

/* The others go on; the device says that it needs a reset, which heals it. */
TEST_EACH(error_in_one_queue, crews)
{
	struct kvblk_queue_stats stats[QUEUES];
	unsigned int i;

	setup(crew_size[harness_variant()]);
	queue[2].r.avail->idx += 1000;
	driver_kick(&queue[2]);
	ASSERT_TRUE(WAIT_FOR(driver_status(&queue[0]) & STATUS_BROKEN));
	queue_stats(stats, QUEUES);
	for (i = 0; i < QUEUES; i++) {
		EXPECT_EQ(stats[i].stats.ring_errors, i == 2);
		EXPECT_EQ(stats[i].stats.invalid_avail_idx, i == 2);
	}
	submit(0, &slots[0][0]);
	driver_flush(&queue[0]);
	EXPECT_TRUE(WAIT_FOR(ring_pending(&queue[0].r)));
	driver_reset(&queue[0]);
	forget();
	set_up_queues();
	for (i = 0; i < QUEUES; i++)
		driver_prove(&queue[i], SECTORS(i * BLOCKS), i + 1);
	driver_close(&queue[0]);
}

TEST_EACH(pause_holds_all_queues, crews)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };
	uint16_t used[QUEUES];
	unsigned int i;

	setup(crew_size[harness_variant()]);
	memcpy(arg.name, disk.name, sizeof(arg.name));
	submit_all();
	run(500);
	ASSERT_EQ(disk_control(KVBLK_PAUSE, &arg), 0);
	EXPECT_EQ(arg.in_flight, 0);
	for (i = 0; i < QUEUES; i++)
		used[i] = ring_used_idx(&queue[i].r);
	turn(true);
	ASSERT_EQ(set_workers(2), 0);
	usleep(20000);
	for (i = 0; i < QUEUES; i++)
		EXPECT_EQ(ring_used_idx(&queue[i].r), used[i]);
	ASSERT_EQ(disk_control(KVBLK_RESUME, &arg), 0);
	run(500);
	drain();
	driver_close(&queue[0]);
}

/* ---- the limit is the disk's ---- */

/*
 * All queues want as much as they can get: together they get the burst and what comes in
 * since, each its share. A bucket that is in debt to nobody is exact however the
 * machine dawdles, so the bound is counted in requests.
 */
TEST_EACH(limit_is_shared, crews)
{
	struct kvblk_queue_stats stats[QUEUES];
	const uint64_t rate = 2000, burst = 2000;
	uint64_t start, done = 0, most, least;
	unsigned int i;

	setup(crew_size[harness_variant()]);
	start = now_ns();
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, rate, burst), 0);
	submit_all();
	done = run(8000);
	most = burst + (now_ns() - start) * rate / NSEC_PER_SEC + 1;
	EXPECT_LE(done, most);
	queue_stats(stats, QUEUES);
	least = stats[0].stats.requests;
	most = least;
	for (i = 1; i < QUEUES; i++) {
		least = stats[i].stats.requests < least ? stats[i].stats.requests : least;
		most = stats[i].stats.requests > most ? stats[i].stats.requests : most;
	}
	harness_note("least %llu, most %llu", (unsigned long long)least,
		     (unsigned long long)most);
	EXPECT_LE(most, least * 2);
	EXPECT_GT(disk_stats(disk.name).throttled, 0);
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 0, 0), 0);
	drain();
	driver_close(&queue[0]);
}
