// SPDX-License-Identifier: GPL-2.0
/* The worker looks for work before it sleeps: what it finds, and when it stops. */
#include "bench_driver.h"

#define LOOK_NS		(5 * NSEC_PER_MSEC)
#define STEP_NS		(50 * NSEC_PER_USEC)
#define ROUNDS		50

/**
 * struct silent - A driver that adds a chain from an interrupt, and kicks if it is to
 * @timer: The interrupt.
 * @b: The bench.
 * @kicks: How often it did.
 */
static struct silent {
	struct hrtimer timer;
	struct bench *b;
	unsigned int kicks;
} silent;

static enum hrtimer_restart silent_offer(struct hrtimer *timer)
{
	bench_put(silent.b, 1, &(struct bench_req){ VIRTIO_BLK_T_IN, 3, 512 });
	/* Pairs with that in kvblk_vring_enable_notify(). */
	smp_mb();
	if (!(guest_ring_used_flags(&silent.b->ring) & VRING_USED_F_NO_NOTIFY)) {
		silent.kicks++;
		bench_kick(silent.b);
	}
	return HRTIMER_NORESTART;
}

static int look_test_init(struct kunit *test)
{
	int ret = bench_init(test);
	struct bench *b = test->priv;

	if (ret)
		return ret;
	silent.b = b;
	hrtimer_setup(&silent.timer, silent_offer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	b->poll = (struct kvblk_poll_limits){ .max_ns = LOOK_NS, .percent = 100 };
	return 0;
}

static void look_test_exit(struct kunit *test)
{
	hrtimer_cancel(&silent.timer);
	bench_exit(test);
}

/* The self-check would find the chain, too. */
static void start(struct bench *b)
{
	bench_start(b, 64, BENCH_INDIRECT);
	bench_settle(b);
	hrtimer_cancel(&b->q.watch.timer);
}

/* A request that is kicked for, and one from the interrupt at some time after that. */
static void rounds(struct bench *b)
{
	u16 i;

	silent.kicks = 0;
	start(b);
	for (i = 0; i < ROUNDS; i++) {
		bench_put_reads(b, 0, 1);
		hrtimer_start(&silent.timer, i % 20 * STEP_NS, HRTIMER_MODE_REL_HARD);
		bench_kick(b);
		bench_await_used(b, 2 * i + 2);
		bench_settle(b);
		/* It sleeps: it is to be told. */
		KUNIT_EXPECT_EQ(b->test, 0, guest_ring_used_flags(&b->ring));
	}
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	bench_stop(b);
}

static void finds_without_a_kick(struct kunit *test)
{
	struct bench *b = test->priv;

	rounds(b);
	kunit_info(test, "%llu looks, %llu found a chain, %u kicks\n",
		   bench_stat(b, KVBLK_STAT_POLLS), bench_stat(b, KVBLK_STAT_POLL_HITS),
		   silent.kicks);
	KUNIT_EXPECT_GT(test, bench_stat(b, KVBLK_STAT_POLL_HITS), 0);
	KUNIT_EXPECT_GE(test, bench_stat(b, KVBLK_STAT_POLLS),
			bench_stat(b, KVBLK_STAT_POLL_HITS));
	KUNIT_EXPECT_LT(test, silent.kicks, ROUNDS);
}

static void off_is_off(struct kunit *test)
{
	struct bench *b = test->priv;

	b->poll.max_ns = 0;
	rounds(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_POLLS));
}

/* A look ends with what it finds to do: it holds up nobody. */
static void stops_and_pauses(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		bench_start(b, 64, BENCH_INDIRECT);
		bench_put_reads(b, 0, 1);
		bench_kick(b);
		bench_await_used(b, 1);
		if (i % 2) {
			kvblk_queue_pause(&b->q, true);
			bench_until(b, kvblk_queue_quiet(&b->q));
			kvblk_queue_pause(&b->q, false);
		}
		bench_stop(b);
	}
	KUNIT_EXPECT_GT(test, bench_stat(b, KVBLK_STAT_POLLS), 0);
}

static struct kunit_case look_cases[] = {
	KUNIT_CASE(finds_without_a_kick),
	KUNIT_CASE(off_is_off),
	KUNIT_CASE(stops_and_pauses),
	{}
};

static struct kunit_suite look_suite = {
	.name = "kvblk_look",
	.init = look_test_init,
	.exit = look_test_exit,
	.test_cases = look_cases,
};

kunit_test_suite(look_suite);
