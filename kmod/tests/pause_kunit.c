// SPDX-License-Identifier: GPL-2.0
/* A paused queue takes nothing, lets end what it has, and says when it is still. */
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN

static void expect_quiet(struct bench *b)
{
	bench_until(b, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
}

static void takes_nothing(struct kunit *test)
{
	struct bench *b = test->priv;
	const u16 flags = 0xbeef;	/* no device writes that */

	bench_start(b, 16, 0);
	kvblk_queue_pause(&b->q, true);
	expect_quiet(b);
	WRITE_ONCE(b->ring.used->flags, (__force __virtio16)cpu_to_le16(flags));
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, flags, guest_ring_used_flags(&b->ring));

	/* The kick was not lost. */
	kvblk_queue_pause(&b->q, false);
	bench_expect_done(b, 4);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
}

/* The self-check in the turn of the resume: what was offered meanwhile had its kick. */
static void self_check_with_the_resume(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_expect_done(b, 1);
	kvblk_queue_pause(&b->q, true);
	expect_quiet(b);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_settle(b);

	set_bit(KVBLK_EV_CHECK, &b->q.events);
	kvblk_queue_pause(&b->q, false);
	bench_expect_done(b, 5);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
}

static void lets_end_what_is_in_flight(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 3);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 3);
	bench_settle(b);

	kvblk_queue_pause(&b->q, true);
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(test, 0, READ_ONCE(b->quiet));
	fake_end_all(&b->disk);
	expect_quiet(b);
	KUNIT_EXPECT_EQ(test, 3, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 1, READ_ONCE(b->quiet));
}

static void again_is_no_error(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	bench_start(b, 16, 0);
	for (i = 0; i < 3; i++) {
		kvblk_queue_pause(&b->q, true);
		expect_quiet(b);
	}
	kvblk_queue_pause(&b->q, false);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_expect_done(b, 1);
}

/* A resume and a new pause at once: what is said is true of the new one. */
static void quick_changes(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int round;
	u64 requests;
	u16 used;

	bench_start(b, 16, BENCH_EVENT_IDX);
	for (round = 0; round < 200; round++) {
		bench_put_reads(b, 0, 4);
		bench_kick(b);
		kvblk_queue_pause(&b->q, true);
		expect_quiet(b);
		requests = bench_stat(b, KVBLK_STAT_REQUESTS);
		used = guest_ring_used_idx(&b->ring);
		bench_kick(b);
		bench_settle(b);
		KUNIT_ASSERT_EQ(test, requests, bench_stat(b, KVBLK_STAT_REQUESTS));
		KUNIT_ASSERT_EQ(test, used, guest_ring_used_idx(&b->ring));
		kvblk_queue_pause(&b->q, false);
		bench_await_used(b, 4 * (round + 1));
	}
}

static void stop_wins(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_start(b, 16, 0);
	kvblk_queue_pause(&b->q, true);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_stop(b);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_quiet(&b->q));

	/* The pause outlives the stop. */
	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	kvblk_queue_pause(&b->q, false);
	bench_expect_done(b, 2);
}

static void stop_wins_over_a_pause_that_waits(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 1);
	kvblk_queue_pause(&b->q, true);
	KUNIT_ASSERT_TRUE(test, kvblk_queue_stop(&b->q));
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_quiet(&b->q));
	fake_end_all(&b->disk);
	bench_await_stop(b);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
}

static struct kunit_case pause_cases[] = {
	KUNIT_CASE(takes_nothing),
	KUNIT_CASE(self_check_with_the_resume),
	KUNIT_CASE(lets_end_what_is_in_flight),
	KUNIT_CASE(again_is_no_error),
	KUNIT_CASE(quick_changes),
	KUNIT_CASE(stop_wins),
	KUNIT_CASE(stop_wins_over_a_pause_that_waits),
	{}
};

static struct kunit_suite pause_suite = {
	.name = "kvblk_pause",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = pause_cases,
};

kunit_test_suite(pause_suite);
