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
 * @pause: It pauses the queue instead.
 */
static struct silent {
	struct hrtimer timer;
	struct bench *b;
	unsigned int kicks;
	bool pause;
} silent;

static enum hrtimer_restart silent_offer(struct hrtimer *timer)
{
	bench_put(silent.b, 1, &(struct bench_req){ VIRTIO_BLK_T_IN, 3, 512 });
	/* Pairs with that in vring_has_passed(). */
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
		KUNIT_EXPECT_FALSE(b->test, b->q.turned);
		KUNIT_EXPECT_FALSE(b->test, kvblk_queue_claimed(&b->q));
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
	KUNIT_EXPECT_NE(test, 0, b->worker.poll.gap);
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

static enum hrtimer_restart silent_kick(struct hrtimer *timer)
{
	bench_kick(silent.b);
	return HRTIMER_NORESTART;
}

/* Wakes the worker, with credit and short gaps, @alone or not: for how long it has looked. */
static u64 look_costs(struct bench *b, bool alone)
{
	unsigned long end = jiffies + BENCH_WAIT;
	struct kvblk_poll *p = &b->worker.poll;

	bench_settle(b);
	p->gap = 0;
	p->since = 0;
	p->credit = LOOK_NS;
	p->earned = U64_MAX;
	hrtimer_start(&silent.timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_HARD);
	while (!alone && READ_ONCE(p->earned) == U64_MAX && time_before(jiffies, end))
		schedule();
	bench_until(b, READ_ONCE(p->earned) != U64_MAX);
	bench_settle(b);
	return LOOK_NS - min_t(u64, p->credit, LOOK_NS);
}

/* A queue that does not wait for a kick costs no time: stopped, paused, before an empty bucket. */
static void nothing_to_look_at(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 polls;

	hrtimer_setup(&silent.timer, silent_kick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	start(b);
	bench_until(b, look_costs(b, true));
	bench_stop(b);
	KUNIT_EXPECT_EQ(test, 0, look_costs(b, true));
	start(b);
	polls = bench_stat(b, KVBLK_STAT_POLLS);
	kvblk_queue_pause(&b->q, true);
	KUNIT_EXPECT_EQ(test, 0, look_costs(b, true));
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_put_reads(b, 0, 1);
	kvblk_queue_pause(&b->q, false);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_EQ(test, 0, look_costs(b, true));
	KUNIT_EXPECT_EQ(test, polls, bench_stat(b, KVBLK_STAT_POLLS));
	bench_stop(b);
}

/* First a kick, so that the worker looks; then what the case is about. */
static enum hrtimer_restart silent_end(struct hrtimer *timer)
{
	struct bench *b = silent.b;

	if (!silent.kicks++) {
		bench_kick(b);
		hrtimer_forward_now(timer, NSEC_PER_MSEC);
		return HRTIMER_RESTART;
	}
	if (silent.pause)
		kvblk_queue_pause(&b->q, true);
	else
		silent_offer(timer);
	return HRTIMER_NORESTART;
}

/* A pause was seen, or the chain served. */
static bool silent_is_over(struct bench *b)
{
	return silent.pause ? kvblk_queue_quiet(&b->q) :
			      guest_ring_used_idx(&b->ring) == b->ring.avail_idx;
}

/* A look for seconds, and what comes into it: whether it is over when we come back. */
static bool ends_a_look(struct bench *b)
{
	struct kvblk_poll *p = &b->worker.poll;
	bool over;

	bench_settle(b);
	silent.kicks = 0;
	p->gap = b->poll.max_ns / 2;
	p->since = 0;
	p->credit = b->poll.max_ns;
	hrtimer_start(&silent.timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_HARD);
	msleep(30);
	over = silent.kicks > 1 && silent_is_over(b);
	bench_until(b, silent.kicks > 1 && silent_is_over(b));
	kvblk_queue_pause(&b->q, false);
	return over;
}

static const bool pause_rows[] = { false, true };

static void pause_desc(const bool *pause, char *desc)
{
	strscpy(desc, *pause ? "pause" : "chain", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pause, pause_rows, pause_desc);

/* What there is to do ends a look, whoever tells of it or not. */
static void work_ends_a_look(struct kunit *test)
{
	const bool *pause = test->param_value;
	struct bench *b = test->priv;
	unsigned int i, over = 0;

	b->poll.max_ns = 4 * NSEC_PER_SEC;
	silent.pause = *pause;
	hrtimer_setup(&silent.timer, silent_end, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	start(b);
	for (i = 0; i < ROUNDS / 2; i++)
		over += ends_a_look(b);
	/* We may be there before the worker now and then. */
	KUNIT_EXPECT_GT(test, over, ROUNDS / 4);
	bench_stop(b);
}

/* Whoever else wants the processor gets it at once. */
static void looks_only_if_alone(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int i, free = 0;

	if (num_online_cpus() > 1)
		kunit_skip(test, "we may run elsewhere");
	hrtimer_setup(&silent.timer, silent_kick, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	start(b);
	for (i = 0; i < ROUNDS; i++)
		free += !look_costs(b, false);
	/* We may sleep just when it begins. */
	KUNIT_EXPECT_GT(test, free, ROUNDS / 2);
	bench_stop(b);
}

static struct kunit_case look_cases[] = {
	KUNIT_CASE(finds_without_a_kick),
	KUNIT_CASE(off_is_off),
	KUNIT_CASE(stops_and_pauses),
	KUNIT_CASE(nothing_to_look_at),
	KUNIT_CASE(looks_only_if_alone),
	KUNIT_CASE_PARAM(work_ends_a_look, pause_gen_params),
	{}
};

static struct kunit_suite look_suite = {
	.name = "kvblk_look",
	.init = look_test_init,
	.exit = look_test_exit,
	.test_cases = look_cases,
};

kunit_test_suite(look_suite);
