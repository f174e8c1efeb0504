// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms of where the time of requests goes. Their sums are compared with counters and with
 * what the driver measured around the same requests; no time is expected to be short.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "backing.h"
#include "contract.h"
#include "dm.h"
#include "driver.h"
#include "harness.h"
#include "latency.h"

#define SIZE		(4 * MIB)
#define LEN		4096
#define DEPTH		16
#define HOLD_MS		100
#define HOLD_NS		(HOLD_MS * 1000000ULL)
#define DEBUG_FILE	"/sys/kernel/debug/kvblk/%s/latency"

static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];

static void open_driver(void)
{
	driver_open(&d, disk.name, NULL);
	driver_requests(&d, rq, DEPTH, VIRTIO_BLK_T_IN, LEN);
}

static void reap_all(unsigned int n)
{
	struct request *done;

	while (n) {
		ASSERT_EQ(driver_wait(&d), 0);
		while ((done = driver_reap(&d))) {
			ASSERT_EQ(done->status, VIRTIO_BLK_S_OK);
			n--;
		}
	}
}

static void offer(unsigned int n, uint32_t type)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		rq[i].type = type;
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
}

/* They are counted just after the driver sees them. */
static void settle(struct latency *l, uint64_t requests)
{
	ASSERT_TRUE(WAIT_FOR(latency_answered(disk.name) == requests));
	latency_read(l, disk.name);
	ASSERT_EQ(latency_requests(l), requests);
}

static uint64_t count(const struct latency *l, enum kvblk_latency_op op)
{
	return latency_count(&l->hist[op][KVBLK_LATENCY_PUBLISH]);
}

/* Every request in its kind, once in each stage. */
TEST_EACH(counts_add_up, backing_variants)
{
	const unsigned int rounds = 20;
	struct kvblk_stats stats;
	struct latency l;
	unsigned int i;

	backing_disk(&disk, SIZE, 0);
	open_driver();
	for (i = 0; i < rounds; i++) {
		offer(DEPTH, VIRTIO_BLK_T_OUT);
		reap_all(DEPTH);
		offer(DEPTH - 1, VIRTIO_BLK_T_IN);
		reap_all(DEPTH - 1);
		ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
		ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_GET_ID, 0, rq[0].seg[0].gpa, 20),
			  VIRTIO_BLK_S_OK);
		ASSERT_EQ(driver_io(&d, 99, 0, rq[0].seg[0].gpa, 512),
			  VIRTIO_BLK_S_UNSUPP);
		ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, ~0ULL, rq[0].seg[0].gpa, 512),
			  VIRTIO_BLK_S_IOERR);
	}
	stats = disk_stats(disk.name);
	ASSERT_EQ(stats.requests, rounds * (2 * DEPTH + 3));
	settle(&l, stats.requests);
	EXPECT_EQ(count(&l, KVBLK_LATENCY_WRITE), stats.writes_completed);
	EXPECT_EQ(count(&l, KVBLK_LATENCY_READ), stats.reads_completed);
	EXPECT_EQ(count(&l, KVBLK_LATENCY_FLUSH), stats.flushes_completed);
	EXPECT_EQ(count(&l, KVBLK_LATENCY_OTHER),
		  stats.get_ids + stats.unsupported + stats.io_errors);
}

/* All that is not @stage fits into what the driver saw beyond the time it was held. */
static void expect_stage(const struct latency *l, enum kvblk_latency_stage stage,
			 uint64_t held, uint64_t elapsed)
{
	uint64_t all = 0;
	unsigned int i;

	for (i = 0; i < KVBLK_LATENCY_STAGE_NR; i++)
		all += latency_total(l, i);
	EXPECT_GE(latency_total(l, stage), held);
	EXPECT_LE(all, elapsed);
	EXPECT_LE(all - latency_total(l, stage), elapsed - held);
}

/* The histogram of the only request says the same as its sum. */
static void expect_bucket(const struct kvblk_latency_hist *hist)
{
	unsigned int i = 0;

	while (i < KVBLK_LATENCY_BUCKETS - 1 && !hist->bucket[i])
		i++;
	EXPECT_EQ(hist->bucket[i], 1);
	EXPECT_EQ(hist->total >> i, 0);
	EXPECT_EQ(hist->total >> (i - 1), 1);
}

/* A debt that takes an hour to pay, and an empty histogram afterwards: 0 ns are 0 ns. */
static void empty_bucket(void)
{
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_BYTES, 1, 3600), 0);
	ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
}

static void lift(void)
{
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_BYTES, 0, 0), 0);
}

static void subtract(struct latency *from, const struct latency *what)
{
	struct kvblk_latency_hist *hist = from->hist[0];
	const struct kvblk_latency_hist *old = what->hist[0];
	unsigned int i, b;

	for (i = 0; i < LATENCY_NR; i++) {
		hist[i].total -= old[i].total;
		for (b = 0; b < KVBLK_LATENCY_BUCKETS; b++)
			hist[i].bucket[b] -= old[i].bucket[b];
	}
}

/* Whether the first of @n requests waits for tokens, or all of them do. */
static void throttled(unsigned int n)
{
	struct latency before, l;
	uint64_t start, elapsed;

	disk_make(&disk, SIZE, 0);
	open_driver();
	empty_bucket();
	settle(&before, 1);
	start = now_ns();
	offer(n, VIRTIO_BLK_T_IN);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	usleep(HOLD_MS * 1000);
	lift();
	reap_all(n);
	settle(&l, n + 1);
	elapsed = now_ns() - start;
	subtract(&l, &before);
	expect_stage(&l, KVBLK_LATENCY_THROTTLE, n * HOLD_NS, n * elapsed);
	if (n == 1)
		expect_bucket(&l.hist[KVBLK_LATENCY_READ][KVBLK_LATENCY_THROTTLE]);
}

TEST(throttle)
{
	throttled(1);
}

/* Those behind it in the ring wait for the same. */
TEST(throttle_behind)
{
	throttled(DEPTH);
}

static const char * const held_variants[] = { "read", "write", "flush", NULL };

/* A device that does not answer for a while. */
TEST_EACH(backing, held_variants)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
	};
	uint64_t start, elapsed;
	struct kvblk_add add;
	struct latency l;
	struct dm dm;

	dm_make(&dm, SIZE);
	disk_add_init(&add, open(dm.path, O_RDWR | O_CLOEXEC));
	add.hdr.flags = KVBLK_DISK_DIRECT;
	disk_add(&disk, &add);
	open_driver();
	rq[0].type = types[harness_variant()];
	if (rq[0].type == VIRTIO_BLK_T_FLUSH)
		rq[0].nr = 0;
	dm_suspend(&dm);
	start = now_ns();
	ASSERT_TRUE(driver_queue(&d, &rq[0]));
	driver_flush(&d);
	if (!WAIT_FOR(disk_stats(disk.name).in_flight))
		FAIL("the request was not taken up");
	usleep(HOLD_MS * 1000);
	dm_resume(&dm);
	reap_all(1);
	settle(&l, 1);
	elapsed = now_ns() - start;
	expect_stage(&l, KVBLK_LATENCY_BACKING, HOLD_NS, elapsed);
	expect_bucket(&l.hist[harness_variant()][KVBLK_LATENCY_BACKING]);
	driver_close(&d);
	close(add.fd);
	ASSERT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
	dm_forget(&dm);
}

/* What a reset gives up was not answered; what was answered stays. */
TEST(reset_and_session)
{
	struct latency l;

	disk_make(&disk, SIZE, 0);
	open_driver();
	empty_bucket();
	offer(DEPTH, VIRTIO_BLK_T_IN);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	driver_restart(&d);
	settle(&l, 1);
	lift();
	offer(DEPTH, VIRTIO_BLK_T_IN);
	reap_all(DEPTH);
	driver_close(&d);
	open_driver();
	settle(&l, DEPTH + 1);
	/* What waited before the reset brings nothing to what came after it. */
	EXPECT_EQ(latency_total(&l, KVBLK_LATENCY_THROTTLE), 0);
}

TEST(contract)
{
	struct kvblk_latency_hist hists[3];
	struct kvblk_latency arg = { .hdr.size = sizeof(arg), .name = "missing" };
	int fd = disk_control_fd();

	disk_make(&disk, SIZE, 0);
	contract_refuse(fd, KVBLK_LATENCY, &arg, -ENOENT, "missing");
	memcpy(arg.name, disk.name, sizeof(arg.name));
	ASSERT_EQ(call(fd, KVBLK_LATENCY, &arg), 0);
	EXPECT_EQ(arg.count, LATENCY_NR);

	memset(hists, 0xff, sizeof(hists));
	arg.hists = (uintptr_t)hists;
	arg.count = 2;
	ASSERT_EQ(call(fd, KVBLK_LATENCY, &arg), 0);
	EXPECT_EQ(arg.count, LATENCY_NR);
	EXPECT_EQ(hists[1].total, 0);
	EXPECT_EQ(hists[2].total, ~0ULL);

	arg.hists = 8;
	contract_refuse(fd, KVBLK_LATENCY, &arg, -EFAULT, "hists");
	arg.hists = (uintptr_t)hists;
	arg.count = 1;
	arg.queue = 2;
	contract_refuse(fd, KVBLK_LATENCY, &arg, -EINVAL, "queue");
}

/* Of the kind that has requests. */
static uint64_t debug_sum(const char *prefix)
{
	char path[128], line[128];
	uint64_t sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), DEBUG_FILE, disk.name);
	file = fopen(path, "r");
	if (!file)
		SKIP("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, prefix, strlen(prefix)))
			sum += strtoull(strchr(line, ' '), NULL, 10);
	}
	fclose(file);
	return sum;
}

TEST(debugfs)
{
	struct latency l;

	disk_make(&disk, SIZE, 0);
	open_driver();
	offer(DEPTH, VIRTIO_BLK_T_OUT);
	reap_all(DEPTH);
	settle(&l, DEPTH);
	EXPECT_EQ(debug_sum("write_worker_from_"), DEPTH);
	EXPECT_EQ(debug_sum("write_throttle_from_0 "), DEPTH);
	EXPECT_EQ(debug_sum("write_backing_from_"), DEPTH);
	EXPECT_EQ(debug_sum("write_publish_from_"), DEPTH);
	EXPECT_EQ(debug_sum("read_"), 0);
	EXPECT_EQ(debug_sum("write_backing_total "),
		  l.hist[KVBLK_LATENCY_WRITE][KVBLK_LATENCY_BACKING].total);
}
