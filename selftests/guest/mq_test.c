// SPDX-License-Identifier: GPL-2.0
/* Several queues, served by one thread or by several. */
#include <errno.h>
#include <string.h>
#include "contract.h"
#include "harness.h"
#include "latency.h"
#include "mq.h"

#define ROUNDS		20000

TEST_EACH(all_queues_work, mq_crews)
{
	unsigned int done, workers = mq_crew_size[harness_variant()];

	mq_setup(workers);
	mq_submit_all();
	done = mq_run(ROUNDS);
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(workers);
	EXPECT_EQ(disk_stats(mq_disk.name).requests, done + MQ_QUEUES * MQ_DEPTH);
	driver_close(&mq_queue[0]);
}

/* What has no room is not stored; the number of queues is told in any case. */
TEST(room_for_some_queues)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	struct kvblk_queues arg = { .hdr.size = sizeof(arg), .name = "missing" };
	unsigned int i, room;

	mq_make(MQ_QUEUES, 1);
	contract_refuse(disk_control_fd(), KVBLK_QUEUES, &arg, -ENOENT, "missing");
	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	arg.queues = (uintptr_t)stats;
	for (room = 0; room <= MQ_QUEUES + 1; room++) {
		memset(stats, 0xff, sizeof(stats));
		arg.count = room;
		ASSERT_EQ(disk_control(KVBLK_QUEUES, &arg), 0);
		EXPECT_EQ(arg.count, MQ_QUEUES);
		for (i = 0; i < MQ_QUEUES; i++)
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

	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
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

	mq_setup(2);
	for (i = 0; i < MQ_QUEUES; i++) {
		for (n = 0; n <= i; n++)
			mq_submit(i, &mq_slots[i][n]);
		driver_flush(&mq_queue[i]);
		for (n = 0; n <= i; n++) {
			ASSERT_TRUE(WAIT_FOR(ring_pending(&mq_queue[i].r)));
			mq_check(i, (struct mq_slot *)driver_reap(&mq_queue[i]));
		}
	}
	for (i = 0; i < MQ_QUEUES; i++)
		EXPECT_TRUE(WAIT_FOR(answered_by(i) == i + 1));
	EXPECT_EQ(latency_answered(mq_disk.name), 1 + 2 + 3 + 4);
	driver_close(&mq_queue[0]);
}

/* One line for all queues: each answer raises it. */
TEST(every_queue_interrupts)
{
	unsigned int i;

	mq_make(MQ_QUEUES, 2);
	mq_open(false);
	for (i = 0; i < MQ_QUEUES; i++)
		driver_prove(&mq_queue[i], MQ_SECTORS(i * MQ_BLOCKS), i + 1);
	driver_close(&mq_queue[0]);
}

/* ---- numbers ---- */

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

	disk_add_init(&add, disk_file(MQ_SIZE));
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

	mq_make(MQ_QUEUES, 2);
	EXPECT_EQ(mq_set_workers(MQ_QUEUES + 1), -EINVAL);
	EXPECT_EQ(mq_set_workers(UINT32_MAX), -EINVAL);
	EXPECT_EQ(mq_set_workers(0), 0);
	mq_open(true);
	EXPECT_EQ(mq_set_workers(MQ_QUEUES + 1), -EINVAL);
	mq_submit_all();
	mq_run(100);
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(2);
	driver_close(&mq_queue[0]);
}

/* A call that fails changes neither workers nor limits. */
TEST(failed_set_changes_nothing)
{
	struct kvblk_set arg = {
		.hdr.size = sizeof(arg),
		.workers = MQ_QUEUES + 1,
		.limit_mask = 1U << KVBLK_LIMIT_OPS,
		.limits[KVBLK_LIMIT_OPS] = { 100, 0 },
	};
	struct kvblk_query q;

	mq_make(MQ_QUEUES, 2);
	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	EXPECT_EQ(disk_control(KVBLK_SET, &arg), -EINVAL);
	disk_query(mq_disk.name, &q);
	EXPECT_EQ(q.workers, 2);
	EXPECT_EQ(q.limits[KVBLK_LIMIT_OPS].rate, 0);
}

/* ---- what a driver may see ---- */

TEST(without_the_feature_one_queue)
{
	struct driver *d = &mq_queue[0];

	mq_make(MQ_QUEUES, 2);
	driver_init(d, mq_disk.name, NULL);
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
	struct driver *d = &mq_queue[0];

	mq_make(1, 1);
	driver_init(d, mq_disk.name, NULL);
	EXPECT_TRUE(!(session_features(&d->s) & F_MQ));
	EXPECT_EQ(session_read(&d->s, VIRTIO_MMIO_CONFIG + 0x20), 0);
	driver_start(d);
	driver_prove(d, 0, 1);
	driver_close(d);
}

TEST(queues_beyond_the_last)
{
	static const uint32_t beyond[] = {
		MQ_QUEUES, MQ_QUEUES + 1, 63, 64, 65535, 65536, UINT32_MAX,
	};
	struct driver *d = &mq_queue[0];
	uint64_t config;
	unsigned int i;

	mq_make(MQ_QUEUES, 2);
	driver_init(d, mq_disk.name, &(struct driver_config) { .features = F_MQ });
	config = session_read(&d->s, VIRTIO_MMIO_CONFIG + 0x20);
	EXPECT_EQ(config >> 16, MQ_QUEUES);	/* num_queues at 34 */
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
	EXPECT_EQ(session_bind(d->s.fd, KVBLK_EVENT_KICK, MQ_QUEUES, d->s.event[0]), -EINVAL);
	driver_set_queue(d);
	driver_ok(d);
	/* Queues that are not ready are kicked without effect. */
	for (i = 0; i < MQ_QUEUES; i++)
		session_write(&d->s, VIRTIO_MMIO_QUEUE_NOTIFY, MQ_QUEUES - 1 - i);
	driver_prove(d, 0, 1);
	driver_close(d);
}

/* ---- reset, pause, errors ---- */

TEST_EACH(reset_under_load, mq_crews)
{
	unsigned int workers = mq_crew_size[harness_variant()];
	int i;

	mq_setup(workers);
	for (i = 0; i < 100; i++) {
		mq_submit_all();
		mq_run(random_u32() % 200);
		if (i % 3 == 0)
			ASSERT_EQ(mq_set_workers(i % 2 ? workers : MQ_QUEUES), 0);
		driver_reset(&mq_queue[0]);
		mq_forget();
		mq_start();
	}
	mq_submit_all();
	mq_run(1000);
	mq_drain();
	EXPECT_EQ(disk_stats(mq_disk.name).in_flight, 0);
	driver_close(&mq_queue[0]);
}

/* The others go on; the device says that it needs a reset, which heals it. */
TEST_EACH(error_in_one_queue, mq_crews)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	unsigned int i;

	mq_setup(mq_crew_size[harness_variant()]);
	mq_queue[2].r.avail->idx += 1000;
	driver_kick(&mq_queue[2]);
	ASSERT_TRUE(WAIT_FOR(driver_status(&mq_queue[0]) & STATUS_BROKEN));
	mq_stats(stats, MQ_QUEUES);
	for (i = 0; i < MQ_QUEUES; i++) {
		EXPECT_EQ(stats[i].stats.ring_errors, i == 2);
		EXPECT_EQ(stats[i].stats.invalid_avail_idx, i == 2);
	}
	mq_submit(0, &mq_slots[0][0]);
	driver_flush(&mq_queue[0]);
	EXPECT_TRUE(WAIT_FOR(ring_pending(&mq_queue[0].r)));
	driver_reset(&mq_queue[0]);
	mq_forget();
	mq_start();
	for (i = 0; i < MQ_QUEUES; i++)
		driver_prove(&mq_queue[i], MQ_SECTORS(i * MQ_BLOCKS), i + 1);
	driver_close(&mq_queue[0]);
}

TEST_EACH(pause_holds_all_queues, mq_crews)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };
	uint16_t used[MQ_QUEUES];
	unsigned int i;

	mq_setup(mq_crew_size[harness_variant()]);
	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	mq_submit_all();
	mq_run(500);
	ASSERT_EQ(disk_control(KVBLK_PAUSE, &arg), 0);
	EXPECT_EQ(arg.in_flight, 0);
	for (i = 0; i < MQ_QUEUES; i++)
		used[i] = ring_used_idx(&mq_queue[i].r);
	mq_turn(true);
	ASSERT_EQ(mq_set_workers(2), 0);
	usleep(20000);
	for (i = 0; i < MQ_QUEUES; i++)
		EXPECT_EQ(ring_used_idx(&mq_queue[i].r), used[i]);
	ASSERT_EQ(disk_control(KVBLK_RESUME, &arg), 0);
	mq_run(500);
	mq_drain();
	driver_close(&mq_queue[0]);
}

/* ---- the limit is the disk's ---- */

/*
 * All queues want as much as they can get: together they get the burst and what comes in
 * since, each its share. A bucket that is in debt to nobody is exact however the
 * machine dawdles, so the bound is counted in requests.
 */
TEST_EACH(limit_is_shared, mq_crews)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	const uint64_t rate = 2000, burst = 2000;
	uint64_t start, done = 0, most, least;
	unsigned int i;

	mq_setup(mq_crew_size[harness_variant()]);
	start = now_ns();
	ASSERT_EQ(disk_limit(mq_disk.name, KVBLK_LIMIT_OPS, rate, burst), 0);
	mq_submit_all();
	done = mq_run(8000);
	most = burst + (now_ns() - start) * rate / NSEC_PER_SEC + 1;
	EXPECT_LE(done, most);
	mq_stats(stats, MQ_QUEUES);
	least = stats[0].stats.requests;
	most = least;
	for (i = 1; i < MQ_QUEUES; i++) {
		least = stats[i].stats.requests < least ? stats[i].stats.requests : least;
		most = stats[i].stats.requests > most ? stats[i].stats.requests : most;
	}
	harness_note("least %llu, most %llu", (unsigned long long)least,
		     (unsigned long long)most);
	EXPECT_LE(most, least * 2);
	EXPECT_GT(disk_stats(mq_disk.name).throttled, 0);
	ASSERT_EQ(disk_limit(mq_disk.name, KVBLK_LIMIT_OPS, 0, 0), 0);
	mq_drain();
	driver_close(&mq_queue[0]);
}
