// SPDX-License-Identifier: GPL-2.0
/* The self-check: lost notifications are found, repaired and counted. */
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN

static const struct bench_req a_read = { .type = IN, .sector = 3, .len = 512 };

static void serve_one(struct bench *b, u16 slot)
{
	bench_put(b, slot, &a_read);
	bench_kick(b);
	bench_expect_done(b, slot + 1);
}

struct watch_row {
	const char *name;
	u64 features;
	u16 kicked;	/* requests before the one whose kick is lost */
};

static const struct watch_row watch_rows[] = {
	{ "first request", 0, 0 },
	{ "first request, event index", BENCH_EVENT_IDX, 0 },
	{ "later request", 0, 3 },
	{ "later request, event index", BENCH_EVENT_IDX, 3 },
};

KUNIT_ARRAY_PARAM_DESC(watch, watch_rows, name);

static void lost_kick_is_found(struct kunit *test)
{
	const struct watch_row *row = test->param_value;
	struct bench *b = test->priv;
	u16 i;

	bench_start(b, 16, row->features);
	bench_settle(b);
	for (i = 0; i < row->kicked; i++)
		serve_one(b, i);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));

	bench_put(b, i, &a_read);
	bench_expect_done(b, i + 1);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_LOST_KICKS));
}

/* Two looks that find nothing but good order. */
static void await_looks(struct bench *b)
{
	u8 rounds = READ_ONCE(b->q.watch.rounds);

	bench_until(b, READ_ONCE(b->q.watch.rounds) >= rounds + 2);
}

static void order_is_no_loss(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_start(b, 16, BENCH_EVENT_IDX);
	serve_one(b, 0);
	await_looks(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 1, b->interrupts);
}

static void lost_interrupt_is_repeated_once(struct kunit *test)
{
	struct bench *b = test->priv;

	b->unanswered = true;
	bench_start(b, 16, 0);
	serve_one(b, 0);
	KUNIT_EXPECT_EQ(test, 1, READ_ONCE(b->interrupts));
	bench_until(b, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	await_looks(b);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 2, READ_ONCE(b->interrupts));
}

/* A driver that polls asked for no interrupt: none is missing. */
static void polling_driver_is_left_alone(struct kunit *test)
{
	struct bench *b = test->priv;

	b->unanswered = true;
	bench_start(b, 16, 0);
	b->ring.avail->flags = cpu_to_le16(VRING_AVAIL_F_NO_INTERRUPT);
	serve_one(b, 0);
	await_looks(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(b->interrupts));
}

/* The timer ends by itself: an idle disk is not woken. */
static void idle_queue_sleeps(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_start(b, 16, 0);
	serve_one(b, 0);
	/* In a look it is not armed for a moment. */
	bench_until(b, bench_asleep(b) && !READ_ONCE(b->q.watch.armed));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&b->q.watch.timer));
	serve_one(b, 1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(b->q.watch.armed));
}

static void stall_is_no_loss(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 16, 0);
	bench_put(b, 0, &a_read);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	await_looks(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_REQUESTS));
}

static struct kunit_case watch_cases[] = {
	KUNIT_CASE_PARAM(lost_kick_is_found, watch_gen_params),
	KUNIT_CASE(order_is_no_loss),
	KUNIT_CASE(lost_interrupt_is_repeated_once),
	KUNIT_CASE(polling_driver_is_left_alone),
	KUNIT_CASE(idle_queue_sleeps),
	KUNIT_CASE(stall_is_no_loss),
	{}
};

static struct kunit_suite watch_suite = {
	.name = "kvblk_watch",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = watch_cases,
};

kunit_test_suite(watch_suite);
