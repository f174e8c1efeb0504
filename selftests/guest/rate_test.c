// SPDX-License-Identifier: GPL-2.0
/*
 * How exact the limits are on a running disk.
 *
 * A bucket forgets nothing up to its burst. So the burst is made an hour: however late the
 * machine wakes the worker or this program, what a request missed comes with the next ones,
 * and in the long run the rate is exact if anything keeps up with it at all.
 */
#include <stdlib.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(8 * MIB)
#define DEPTH		256
#define LEN		512
#define HOUR		3600
#define RUN_MIN		(2 * NSEC_PER_SEC)
#define RUN_MAX		(60 * NSEC_PER_SEC)
#define SPEED_NS	(NSEC_PER_SEC / 2)
#define LATE_MAX	(NSEC_PER_SEC / 1000)

static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];
static int control;

/* On a machine whose time does not depend on what else runs nothing is made easier. */
static bool machine_is_exact(void)
{
	return getenv("KVBLK_TEST_EXACT");
}

static void setup(uint32_t type)
{
	struct driver_config cfg = { .indirect = true };
	unsigned int i;

	control = disk_control_fd();
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, &cfg);
	driver_requests(&d, rq, DEPTH, type, LEN);
	/* From now on all of it comes out of the page cache. */
	for (i = 0; i < DEPTH; i++)
		ASSERT_EQ(driver_do(&d, &rq[i]), VIRTIO_BLK_S_OK);
}

/* One call and no more, so that its moment is known well. */
static void limit(enum kvblk_limit_id id, uint64_t rate, uint64_t burst)
{
	struct kvblk_set arg = {
		.hdr.size = sizeof(arg),
		.limit_mask = 1U << id,
	};

	arg.limits[id] = (struct kvblk_limit) { rate, burst };
	memcpy(arg.name, disk.name, sizeof(arg.name));
	ASSERT_EQ(call(control, KVBLK_SET, &arg), 0);
}

static unsigned int flying;

static void submit(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	driver_flush(&d);
	flying = nr;
}

/* Waits for requests and puts them in again, or not: how many. */
static unsigned int turn(bool again)
{
	struct request *done;
	unsigned int n = 0;

	ASSERT_EQ(driver_wait(&d), 0);
	while ((done = driver_reap(&d))) {
		ASSERT_EQ(done->status, VIRTIO_BLK_S_OK);
		if (again)
			ASSERT_TRUE(driver_queue(&d, done));
		else
			flying--;
		n++;
	}
	driver_flush(&d);
	return n;
}

static void drain(void)
{
	while (flying)
		turn(false);
}

/**
 * struct limited - A limit that counts requests
 * @id: Which.
 * @cost: Tokens of a request.
 * @rate: Requests per second; the burst is as many.
 * @before: Earliest instant it may count from.
 * @after: Latest.
 */
struct limited {
	enum kvblk_limit_id id;
	uint64_t cost;
	uint64_t rate;
	uint64_t before;
	uint64_t after;
};

/*
 * @depth requests for ever. The bucket begins with a second's tokens, and from then on
 * loses none for an hour.
 */
static void limited_start(struct limited *l, unsigned int depth)
{
	uint64_t rate = l->rate * l->cost;

	limit(l->id, 0, 0);
	drain();
	l->before = now_ns();
	limit(l->id, rate, rate);
	l->after = now_ns();
	limit(l->id, rate, HOUR * rate);
	submit(depth);
}

/* Never more than the burst and what was earned: this holds on any machine. */
static void limited_check(const struct limited *l, uint64_t count)
{
	uint64_t most = (now_ns() - l->before) * l->rate / NSEC_PER_SEC;

	ASSERT_LE(count, l->rate + most + 1);
}

/* Requests per second, without the burst, @count of them since the start. */
static double limited_reached(const struct limited *l, uint64_t count)
{
	if (count <= l->rate)
		return 0;
	return (count - l->rate) * 1e9 / (now_ns() - l->after);
}

/* What the disk does without a limit. */
static double speed(void)
{
	uint64_t start = now_ns(), count = 0;

	submit(DEPTH);
	do
		count += turn(true);
	while (now_ns() - start < SPEED_NS);
	return count * 1e9 / (now_ns() - start);
}

/* A machine too slow for the rate is asked for half of what it does. */
static void fit_rate(struct limited *l, const char *name)
{
	double most;

	if (machine_is_exact())
		return;
	most = speed();
	if (most > 2.0 * l->rate)
		return;
	harness_note("%s %llu/s: this machine does %.0f/s, asked for half", name,
		     (unsigned long long)l->rate, most);
	l->rate = most / 2;
}

static bool was_throttled(void)
{
	return disk_stats(disk.name).throttled;
}

static void expect_rate(struct limited *l, const char *name)
{
	uint64_t count = 0, run;
	double reached;

	limited_start(l, DEPTH);
	do {
		count += turn(true);
		limited_check(l, count);
		reached = limited_reached(l, count);
		run = now_ns() - l->after;
		/* Once it had to wait, nothing is left of the burst but what was earned. */
	} while (run < RUN_MIN ||
		 (run < RUN_MAX && (reached < 0.99 * l->rate || !was_throttled())));
	harness_note("%s %llu/s: reached %.2f/s in %.1f s", name,
		     (unsigned long long)l->rate, reached, run / 1e9);
	EXPECT_TRUE(reached >= 0.99 * l->rate);
	EXPECT_TRUE(reached <= 1.01 * l->rate);
}

#define RATE(limit, tokens, kind, per_second) {				\
	.name = #limit, .type = VIRTIO_BLK_T_##kind,			\
	.l = { .id = KVBLK_LIMIT_##limit, .cost = tokens, .rate = per_second } }
#define OPS(limit, kind, per_second)	RATE(limit, 1, kind, per_second)
#define BYTES(limit, kind, per_second)	RATE(limit, LEN, kind, per_second)

static const struct {
	const char *name;
	uint32_t type;
	struct limited l;
} rates[] = {
	OPS(OPS, GET_ID, 10),
	OPS(OPS, GET_ID, 1000),
	OPS(OPS, GET_ID, 20000),
	OPS(OPS_READ, IN, 1000),
	OPS(OPS_WRITE, OUT, 1000),
	BYTES(BYTES, IN, 10),
	BYTES(BYTES, IN, 1000),
	BYTES(BYTES, IN, 20000),
	BYTES(BYTES_READ, IN, 1000),
	BYTES(BYTES_WRITE, OUT, 1000),
};

static const char *const rate_variants[] = {
	"ops-10", "ops-1000", "ops-20000", "ops-read-1000", "ops-write-1000",
	"bytes-10", "bytes-1000", "bytes-20000", "bytes-read-1000",
	"bytes-write-1000", NULL
};

/* Within one per cent of what was asked. */
TEST_EACH(reached, rate_variants)
{
	unsigned int i = harness_variant();
	struct limited l = rates[i].l;

	setup(rates[i].type);
	fit_rate(&l, rates[i].name);
	expect_rate(&l, rates[i].name);
	EXPECT_TRUE(was_throttled());
}

/* The bucket goes on from where it stood: up, down, and up again. */
TEST(reached_after_changes)
{
	static const uint64_t steps[] = { 500, 2000, 50, 1000 };
	struct limited l = { .id = KVBLK_LIMIT_OPS, .cost = 1, .rate = 500 };
	uint64_t count, run;
	unsigned int i;
	double want;

	setup(VIRTIO_BLK_T_GET_ID);
	limited_start(&l, DEPTH);
	for (count = 0; count < l.rate;)
		count += turn(true);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		l.rate = steps[i];
		l.before = now_ns();
		limit(l.id, l.rate, HOUR * l.rate);
		l.after = now_ns();
		count = 0;
		do {
			count += turn(true);
			run = now_ns() - l.after;
			/* What is only seen now, but older than the change, is a ring full. */
			ASSERT_LE(count, DEPTH + (now_ns() - l.before) * l.rate /
				  NSEC_PER_SEC + 1);
			want = 0.99 * l.rate * run / 1e9;
		} while (run < NSEC_PER_SEC || (count < want && run < RUN_MAX));
		EXPECT_TRUE(count >= want);
		harness_note("changed to %llu/s: %.1f/s",
			     (unsigned long long)l.rate, count * 1e9 / run);
	}
}

/* ---- how late a stalled request starts ---- */

#define SAMPLES	60
#define ROUNDS	10
#define HEADS	4	/* one that waits, and some behind it */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Nanoseconds from when the next one fits to when it is seen to have ended. */
static void measure_lateness(struct limited *l, uint64_t *late)
{
	uint64_t count = 0, due, now;
	unsigned int i, n = 0;

	limited_start(l, HEADS);
	while (count < l->rate)
		count += turn(true);
	while (n < SAMPLES) {
		i = turn(true);
		now = now_ns();
		for (; i; i--) {
			due = l->before + (++count - l->rate) * NSEC_PER_SEC / l->rate;
			/* Not a nanosecond early. */
			ASSERT_GE(now, due);
			if (n < SAMPLES)
				late[n++] = now - due;
		}
	}
	qsort(late, SAMPLES, sizeof(*late), compare);
}

/*
 * On a busy machine a look may be late for reasons of its own, so the median of the best
 * round counts; a timer that goes by ticks would be late in the median of every round.
 */
TEST(stalled_head_starts_on_time)
{
	/* A prime, so that no tick of a clock falls together with it. */
	struct limited l = { .id = KVBLK_LIMIT_OPS, .cost = 1, .rate = 97 };
	uint64_t late[SAMPLES], best = RUN_MAX;
	unsigned int i;

	setup(VIRTIO_BLK_T_GET_ID);
	for (i = 0; i < ROUNDS && best > LATE_MAX; i++) {
		measure_lateness(&l, late);
		if (late[SAMPLES / 2] < best)
			best = late[SAMPLES / 2];
		harness_note("a stalled head starts %.0f us after it fits (median of %d; %.0f to %.0f)",
			     late[SAMPLES / 2] / 1e3, SAMPLES, late[0] / 1e3,
			     late[SAMPLES - 1] / 1e3);
	}
	EXPECT_LE(best, LATE_MAX);
	if (machine_is_exact())
		EXPECT_LE(late[SAMPLES - 1], LATE_MAX);
}

/* ---- requests larger than the burst ---- */

#define LARGE_RATE	(1 * MIB)
#define LARGE_LEN	(2 * MIB)
#define LARGE_PAIRS	3

static void make_large(struct request *r, uint32_t len)
{
	*r = (struct request) { .type = VIRTIO_BLK_T_IN };
	for (; len; len -= r->seg[r->nr++].len)
		r->seg[r->nr] = (struct seg) {
			MEMORY_SEAM + r->nr * MIB, len < MIB ? len : MIB
		};
}

/*
 * Large and small ones in turn. Each large one goes when there is no debt and leaves two
 * seconds of it (one from a full bucket), for which the small one behind it waits. All of
 * them come, and none before its time.
 */
TEST(oversized_starve_nobody)
{
	struct request *done;
	uint64_t start, took;
	unsigned int i, n;

	setup(VIRTIO_BLK_T_IN);
	for (i = 0; i < 2 * LARGE_PAIRS; i++)
		make_large(&rq[i], i % 2 ? LEN : LARGE_LEN);
	start = now_ns();
	limit(KVBLK_LIMIT_BYTES, LARGE_RATE, 0);
	submit(2 * LARGE_PAIRS);
	for (n = 0; n < 2 * LARGE_PAIRS;) {
		ASSERT_EQ(driver_wait(&d), 0);
		took = now_ns() - start;
		for (; (done = driver_reap(&d)); n++) {
			EXPECT_EQ(done->status, VIRTIO_BLK_S_OK);
			/* Of the pairs in front of it, and of its own if it is small. */
			i = done - rq + 1;
			if (i > 1)
				EXPECT_GE(took, (i / 2 * 2 - 1) * NSEC_PER_SEC);
		}
	}
	harness_note("%d pairs of 2 MiB and 512 bytes at 1 MiB/s: %.3f s, ideal %d s",
		     LARGE_PAIRS, took / 1e9, 2 * LARGE_PAIRS - 1);
}
