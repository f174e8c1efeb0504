// SPDX-License-Identifier: GPL-2.0
/* Where the engine says that the time of requests went. */
#include <linux/ktime.h>
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define HOLD_MS	20
#define HOLD_NS	(HOLD_MS * NSEC_PER_MSEC)

static u64 hist_count(const struct bench *b, enum kvblk_kind kind, enum kvblk_stage stage)
{
	const struct kvblk_hist *h = &b->hists.hist[kind][stage];
	u64 n = 0;
	int i;

	for (i = 0; i < KVBLK_HIST_BUCKETS; i++)
		n += READ_ONCE(h->bucket[i]);
	return n;
}

/* The worker has counted what it published: it sleeps. */
static void expect_counts(struct bench *b, u64 read, u64 write, u64 flush, u64 other)
{
	const u64 want[KVBLK_KIND_NR] = { read, write, flush, other };
	int kind, stage;

	for (kind = 0; kind < KVBLK_KIND_NR; kind++) {
		for (stage = 0; stage < KVBLK_STAGE_NR; stage++)
			KUNIT_EXPECT_EQ_MSG(b->test, want[kind], hist_count(b, kind, stage),
					    "%s, %s", kvblk_kind_names[kind],
					    kvblk_stage_names[stage]);
	}
}

static u64 total(const struct bench *b, enum kvblk_stage stage)
{
	u64 sum = 0;
	int kind;

	for (kind = 0; kind < KVBLK_KIND_NR; kind++)
		sum += READ_ONCE(b->hists.hist[kind][stage].total);
	return sum;
}

/* @stage has the @held ns, and all others only what is left of @elapsed. */
static void expect_stage(struct bench *b, enum kvblk_stage stage, u64 held, u64 elapsed)
{
	u64 all = 0;
	int i;

	for (i = 0; i < KVBLK_STAGE_NR; i++)
		all += total(b, i);
	KUNIT_EXPECT_GE(b->test, total(b, stage), held);
	KUNIT_EXPECT_LE(b->test, all, elapsed);
	KUNIT_EXPECT_LE(b->test, all - total(b, stage), elapsed - held);
}

struct way_row {
	const char *name;
	struct fake_script script;
};

static const struct way_row way_rows[] = {
	{ "inline", { FAKE_INLINE } },
	{ "work item", { FAKE_WORK } },
	{ "interrupt", { FAKE_IRQ } },
	{ "refused", { FAKE_REFUSE } },
	{ "short", { FAKE_INLINE, .attempt_max = 100 } },
	{ "error", { FAKE_INLINE, .attempt_err = -EIO, .perform_err = -EIO } },
};

KUNIT_ARRAY_PARAM_DESC(way, way_rows, name);

/* Every request once in every stage, whatever way it goes. */
static void every_way(struct kunit *test)
{
	const struct way_row *row = test->param_value;
	struct bench *b = test->priv;

	b->disk.script = row->script;
	bench_start(b, 64, BENCH_FLUSH);
	bench_put_reads(b, 0, 7);
	bench_put(b, 7, &(struct bench_req){ OUT, 7, 512 });
	bench_put(b, 8, &(struct bench_req){ OUT, 8, 512 });
	bench_put(b, 9, &(struct bench_req){ VIRTIO_BLK_T_FLUSH });
	bench_put(b, 10, &(struct bench_req){ VIRTIO_BLK_T_GET_ID, 0, 20 });
	bench_put(b, 11, &(struct bench_req){ 77 });
	bench_put(b, 12, &(struct bench_req){ IN, 4096, 512 });
	bench_kick(b);
	bench_expect_done(b, 13);
	expect_counts(b, 7, 2, 1, 3);
	bench_stop(b);
}

static void backing(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start = ktime_get_ns();

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 1);
	bench_settle(b);
	msleep(HOLD_MS);
	fake_end_all(&b->disk);
	bench_expect_done(b, 1);
	expect_stage(b, KVBLK_STAGE_BACKING, HOLD_NS, ktime_get_ns() - start);
	bench_stop(b);
}

/* The second attempt, by a work item, is the backing's time, too. */
static void backing_in_work_item(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start = ktime_get_ns();

	b->disk.script = (struct fake_script){ FAKE_REFUSE, .dead = true };
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.performs) == 1);
	msleep(HOLD_MS);
	fake_revive(&b->disk);
	bench_expect_done(b, 1);
	expect_stage(b, KVBLK_STAGE_BACKING, HOLD_NS, ktime_get_ns() - start);
	bench_stop(b);
}

/* Those in the ring behind the first have waited for its tokens as well. */
static void throttle(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start = ktime_get_ns();

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 5);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	msleep(HOLD_MS);
	/* It looks, and waits on: what has passed still counts. */
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_until(b, bench_stat(b, KVBLK_STAT_THROTTLED) > 1);
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_expect_done(b, 5);
	expect_counts(b, 5, 0, 0, 0);
	expect_stage(b, KVBLK_STAGE_THROTTLE, 5 * HOLD_NS, 5 * (ktime_get_ns() - start));
	bench_stop(b);
}

/* A kick that the worker does not get to see for a while. */
static void worker(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start = ktime_get_ns();

	bench_start(b, 64, 0);
	bench_settle(b);
	bench_put_reads(b, 0, 3);
	kvblk_arrive_kick(&b->q.arrive);
	msleep(HOLD_MS);
	/* The first of two counts. */
	bench_kick(b);
	bench_expect_done(b, 3);
	expect_stage(b, KVBLK_STAGE_WORKER, 3 * HOLD_NS, 3 * (ktime_get_ns() - start));
	bench_stop(b);
}

static u64 added;

static void add_one(struct fake_backing *f)
{
	f->on_attempt = NULL;
	added = ktime_get_ns();
	bench_put(container_of(f, struct bench, disk), 1, &(struct bench_req){ IN, 1, 512 });
}

/* What comes while the worker is at it has not waited since the kick. */
static void added_in_a_turn(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start = ktime_get_ns(), end;

	bench_start(b, 64, 0);
	bench_settle(b);
	bench_put_reads(b, 0, 1);
	kvblk_arrive_kick(&b->q.arrive);
	msleep(HOLD_MS);
	b->disk.on_attempt = add_one;
	bench_kick(b);
	bench_expect_done(b, 2);
	end = ktime_get_ns();
	KUNIT_EXPECT_GE(test, total(b, KVBLK_STAGE_WORKER), HOLD_NS);
	KUNIT_EXPECT_LE(test, total(b, KVBLK_STAGE_WORKER), end - start + end - added);
	bench_stop(b);
}

/* What has waited before a stop does not count after it. */
static void restart(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 start;

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 5);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	bench_stop(b);
	bench_kick(b);
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	msleep(HOLD_MS);
	start = ktime_get_ns();
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_expect_done(b, 1);
	expect_counts(b, 1, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, total(b, KVBLK_STAGE_THROTTLE));
	KUNIT_EXPECT_LE(test, total(b, KVBLK_STAGE_WORKER), ktime_get_ns() - start);
	bench_stop(b);
}

/*
 * With all requests of the pool in use, but one of them only until its answer is published,
 * the driver is asked for notifications as ever: it has room for one chain more.
 */
static void full_pool_asks_for_kicks(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 16, BENCH_INDIRECT);
	bench_put_reads(b, 0, 15);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 15);
	bench_settle(b);
	bench_put(b, 15, &(struct bench_req){ 77 });
	bench_kick(b);
	bench_await_used(b, 1);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_flags(&b->ring));
	fake_revive(&b->disk);
	bench_expect_done(b, 16);
	bench_stop(b);
}

static struct kunit_case latency_cases[] = {
	KUNIT_CASE_PARAM(every_way, way_gen_params),
	KUNIT_CASE(backing),
	KUNIT_CASE(backing_in_work_item),
	KUNIT_CASE(throttle),
	KUNIT_CASE(worker),
	KUNIT_CASE(added_in_a_turn),
	KUNIT_CASE(restart),
	KUNIT_CASE(full_pool_asks_for_kicks),
	{}
};

static struct kunit_suite latency_suite = {
	.name = "kvblk_latency",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = latency_cases,
};

kunit_test_suite(latency_suite);
