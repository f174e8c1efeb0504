// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of operations and bytes. Upper bounds hold whatever the machine does:
 * a bucket never gives more than its burst and its rate times the time. Lower
 * bounds get as long as they need, up to a limit.
 */
#include <errno.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(4 * MIB)
#define DEPTH		16
#define LEN		4096
#define RUN_MIN		(1 * NSEC_PER_SEC)
#define RUN_MAX		(15 * NSEC_PER_SEC)
#define QUIET_MS	50

static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];

static void setup(void)
{
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	driver_requests(&d, rq, DEPTH, VIRTIO_BLK_T_IN, LEN);
}

static void limit(enum kvblk_limit_id id, uint64_t rate, uint64_t burst)
{
	ASSERT_EQ(disk_limit(disk.name, id, rate, burst), 0);
}

static unsigned int reap_and_resubmit(void)
{
	struct request *done;
	unsigned int n = 0;

	while ((done = driver_reap(&d))) {
		ASSERT_EQ(done->status, VIRTIO_BLK_S_OK);
		ASSERT_TRUE(driver_queue(&d, done));
		n++;
	}
	driver_flush(&d);
	return n;
}

static void start_all(uint32_t type)
{
	unsigned int i;

	for (i = 0; i < DEPTH; i++) {
		rq[i].type = type;
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
}

static bool near(double got, double want)
{
	return got > want * 0.9 && got < want * 1.1;
}

/*
 * Keeps the queue full until the requests per second are as asked, or the time
 * is over. The first second's burst is let go beforehand.
 */
static void expect_rate(double rate, uint64_t burst)
{
	uint64_t start, now, count = 0, spent = 0;
	double reached = 0;

	while (spent < burst) {
		ASSERT_EQ(driver_wait(&d), 0);
		spent += reap_and_resubmit();
	}
	start = now_ns();
	do {
		ASSERT_EQ(driver_wait(&d), 0);
		count += reap_and_resubmit();
		now = now_ns();
		reached = count * 1e9 / (now - start);
	} while (now - start < RUN_MAX &&
		 (now - start < RUN_MIN || !near(reached, rate)));
	harness_note("asked %.1f, reached %.1f per second in %.2f s", rate,
		     reached, (now - start) / 1e9);
	EXPECT_TRUE(near(reached, rate));
}

/* Never more than burst + rate * time, counted from before the limit. */
TEST(upper_bound)
{
	uint64_t start, count = 0, most;

	setup();
	start = now_ns();
	limit(KVBLK_LIMIT_OPS, 200, 300);
	start_all(VIRTIO_BLK_T_IN);
	do {
		ASSERT_EQ(driver_wait(&d), 0);
		count += reap_and_resubmit();
		most = 300 + (now_ns() - start) * 200 / NSEC_PER_SEC + 1;
		ASSERT_LE(count, most);
	} while (now_ns() - start < 2 * NSEC_PER_SEC || count < 400);
}

/* A limit for reads is none of a writer's business. */
TEST(other_direction_is_free)
{
	unsigned int i;

	setup();
	limit(KVBLK_LIMIT_OPS_READ, 1, 1);
	limit(KVBLK_LIMIT_BYTES_READ, 1, 1);
	rq[0].type = VIRTIO_BLK_T_OUT;
	for (i = 0; i < 100; i++)
		ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
	EXPECT_EQ(disk_stats(disk.name).throttled, 0);
}

/*
 * Leaves a debt of over an hour: what is larger than the burst passes once, and
 * the next request waits for longer than any test.
 */
static void stall(void)
{
	limit(KVBLK_LIMIT_BYTES, 1, 3600);
	rq[0].seg[0].len = LEN;
	ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
}

static uint8_t status_of(uint16_t head)
{
	uint8_t status;

	memory_read(&d.m, driver_status_gpa(&d, head), &status, 1);
	return status;
}

TEST(stall_is_invisible)
{
	uint16_t used, head;

	setup();
	stall();
	driver_ack(&d);
	used = ring_used_idx(&d.r);
	head = d.r.avail->ring[(d.r.avail_idx - 1) & (d.r.num - 1)];
	driver_kick(&d);
	EXPECT_EQ(event_wait(d.s.event[KVBLK_EVENT_IRQ], QUIET_MS), false);
	EXPECT_EQ(ring_used_idx(&d.r), used);
	EXPECT_EQ(status_of(head), STATUS_UNSET);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	EXPECT_EQ(disk_stats(disk.name).io_errors, 0);
	EXPECT_GE(disk_stats(disk.name).throttled, 1);
}

static const struct kvblk_limit relief[] = {
	{ 0, 0 }, { KVBLK_RATE_MAX, 0 }, { 10 * MIB, 20 * MIB },
};

static const char *const relief_variants[] = {
	"unlimited", "rate-max", "10M", NULL
};

/* A new limit reaches a request that already waits. */
TEST_EACH(live_change_ends_a_stall, relief_variants)
{
	const struct kvblk_limit *l = &relief[harness_variant()];

	setup();
	stall();
	limit(KVBLK_LIMIT_BYTES, l->rate, l->burst);
	EXPECT_EQ(driver_wait(&d), 0);
	EXPECT_TRUE(driver_reap(&d) == &rq[1]);
	EXPECT_EQ(rq[1].status, VIRTIO_BLK_S_OK);
	EXPECT_TRUE(WAIT_FOR(!disk_stats(disk.name).currently_throttled));
}

/* How long the request of stall() takes once there is no limit any more. */
static uint64_t relief_ns(void)
{
	uint64_t start = now_ns();

	limit(KVBLK_LIMIT_BYTES, 0, 0);
	EXPECT_EQ(driver_wait(&d), 0);
	EXPECT_TRUE(driver_reap(&d) == &rq[1]);
	return now_ns() - start;
}

/*
 * At once, not when the device would have looked again anyway. The best of a
 * few tries counts: the machine may be busy.
 */
TEST(live_change_is_immediate)
{
	uint64_t best = RUN_MAX, ns;
	unsigned int i;

	setup();
	for (i = 0; i < 5; i++) {
		stall();
		ns = relief_ns();
		if (ns < best)
			best = ns;
	}
	EXPECT_LT(best, NSEC_PER_SEC / 4);
}

/*
 * From a bucket of one second's 600 bytes a request of @LEN leaves a debt of 3496. After the
 * change the next one, larger than the burst too, waits until that is paid at the new rate.
 */
static const uint64_t debt_rates[] = { 6000, 900, 600 };

static const char *const debt_variants[] = { "up", "up-a-little", "same", NULL };

TEST_EACH(live_change_keeps_the_debt, debt_variants)
{
	uint64_t rate = debt_rates[harness_variant()], start, change, paid, rest;

	setup();
	start = now_ns();
	limit(KVBLK_LIMIT_BYTES, 600, 600);
	ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	limit(KVBLK_LIMIT_BYTES, rate, rate);
	change = now_ns();
	ASSERT_EQ(driver_wait(&d), 0);
	/* What was paid at the old rate until the change, at most. */
	paid = (change - start) * 600 / NSEC_PER_SEC + 1;
	rest = paid < LEN - 600 ? LEN - 600 - paid : 0;
	EXPECT_GE(now_ns() - start, rest * NSEC_PER_SEC / rate);
	harness_note("debt of %llu at %llu/s: %.3f s, not before %.3f s",
		     (unsigned long long)LEN - 600, (unsigned long long)rate,
		     (now_ns() - start) / 1e9, (double)rest / rate);
}

/* Down to a rate at which the debt takes over an hour: it is not forgiven either. */
TEST(live_change_down_keeps_the_debt)
{
	setup();
	limit(KVBLK_LIMIT_BYTES, 600, 600);
	ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
	limit(KVBLK_LIMIT_BYTES, 1, 1);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	usleep(1500000);
	EXPECT_EQ(ring_pending(&d.r), false);
	EXPECT_EQ(disk_stats(disk.name).currently_throttled, 1);
}

/* Up and down again while requests flow. */
TEST(live_change_of_rate)
{
	setup();
	limit(KVBLK_LIMIT_OPS, 30, 0);
	start_all(VIRTIO_BLK_T_IN);
	expect_rate(30, 30);
	limit(KVBLK_LIMIT_OPS, 150, 0);
	expect_rate(150, 0);
	limit(KVBLK_LIMIT_OPS, 60, 0);
	expect_rate(60, 0);
}

/* A guest that resets its device does not get its debt back. */
TEST(reset_keeps_the_debt)
{
	setup();
	stall();
	driver_restart(&d);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	EXPECT_EQ(event_wait(d.s.event[KVBLK_EVENT_IRQ], QUIET_MS), false);
	EXPECT_EQ(ring_pending(&d.r), false);
}

/* Nor does it by giving up the session. */
TEST(new_session_keeps_the_debt)
{
	setup();
	stall();
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	EXPECT_EQ(ring_pending(&d.r), false);
}

static void by_reset(void)
{
	driver_restart(&d);
}

static void by_session(void)
{
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
}

static void (*const loop_ways[])(void) = { by_reset, by_session };

static const char *const loop_variants[] = { "reset", "session", NULL };

/* A loop of them gains nothing over the rate. */
TEST_EACH(reset_loop_gains_nothing, loop_variants)
{
	uint64_t start, count = 0, most;

	setup();
	start = now_ns();
	limit(KVBLK_LIMIT_OPS, 50, 50);
	do {
		ASSERT_TRUE(driver_queue(&d, &rq[0]));
		driver_flush(&d);
		usleep(1000);
		count += ring_pending(&d.r);
		most = 50 + (now_ns() - start) * 50 / NSEC_PER_SEC + 1;
		loop_ways[harness_variant()]();
		ASSERT_LE(count, most);
	} while (now_ns() - start < 3 * NSEC_PER_SEC);
	EXPECT_GT(count, 0);
}

/* A reset does not wait for tokens, nor do close and removal. */
TEST(stall_holds_nobody_up)
{
	struct kvblk_query q;
	uint64_t start;

	setup();
	stall();
	start = now_ns();
	driver_reset(&d);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.stats.currently_throttled, 0);
	EXPECT_EQ(q.stats.in_flight, 0);
	driver_restart(&d);
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).currently_throttled));
	driver_close(&d);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
	EXPECT_LT(now_ns() - start, WAIT_SECONDS * NSEC_PER_SEC);
}

/* Requests that fail before any work cost nothing; a flush costs no bytes. */
TEST(what_is_free)
{
	unsigned int i;

	setup();
	limit(KVBLK_LIMIT_OPS, 1, 1);
	limit(KVBLK_LIMIT_BYTES, 1, 3600);
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, ~0ULL,
				    rq[0].seg[0].gpa, 512), VIRTIO_BLK_S_IOERR);
		EXPECT_EQ(driver_io(&d, 99, 0, rq[0].seg[0].gpa, 512),
			  VIRTIO_BLK_S_UNSUPP);
	}
	EXPECT_EQ(disk_stats(disk.name).throttled, 0);
	limit(KVBLK_LIMIT_OPS, 0, 0);
	ASSERT_EQ(driver_do(&d, &rq[0]), VIRTIO_BLK_S_OK);
	EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
}
