// SPDX-License-Identifier: GPL-2.0
/*
 * A moderated driver that goes on without being told is asked to notify late: fewer kicks, none
 * of them missed, no request kept waiting beyond the time.
 */
#include "bench_driver.h"

#define LONG_US		(3600 * USEC_PER_SEC)	/* no timer helps */
#define PATIENCE	8			/* as moderate.c has it */

/*
 * Reads one by one, as a driver that notifies only if asked to and that wants to be told of
 * whatever comes after the last interrupt. For how many it notified.
 */
static unsigned int reads(struct bench *b, unsigned int n)
{
	unsigned int kicks = 0, told;
	u16 old;

	while (n--) {
		told = READ_ONCE(b->interrupts);
		old = b->ring.avail_idx;
		bench_put_reads(b, 0, 1);
		/* Pairs with that in vring_has_passed(). */
		smp_mb();
		if (vring_need_event(guest_ring_avail_event(&b->ring), b->ring.avail_idx, old)) {
			kicks++;
			bench_kick(b);
		}
		bench_settle(b);
		if (READ_ONCE(b->interrupts) != told)
			guest_ring_set_used_event(&b->ring, guest_ring_used_idx(&b->ring));
	}
	return kicks;
}

/* The timer that runs goes off now; the worker may start it again. */
static void time_is_over(struct bench *b)
{
	struct hrtimer *timer = &b->q.moderate.timer;
	ktime_t now = ktime_get();

	KUNIT_ASSERT_TRUE(b->test, hrtimer_active(timer));
	hrtimer_start(timer, now, HRTIMER_MODE_ABS);
	bench_until(b, !hrtimer_active(timer) || hrtimer_get_expires(timer) != now);
	bench_settle(b);
}

/* It is known that the driver goes on for four requests. */
static void start_deep(struct bench *b)
{
	b->moderation = (struct kvblk_moderation){ 64, LONG_US };
	bench_start(b, 64, BENCH_EVENT_IDX);
	reads(b, PATIENCE);
	reads(b, 2 * PATIENCE);
	KUNIT_ASSERT_EQ(b->test, 2 * PATIENCE, b->interrupts);
	KUNIT_ASSERT_EQ(b->test, 4, b->q.moderate.reach);
}

/* One kick and one interrupt for as many as the driver is known to go on for. */
static void late_kicks(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int reach;

	b->moderation = (struct kvblk_moderation){ 8, LONG_US };
	bench_start(b, 64, BENCH_EVENT_IDX);
	for (reach = 1; reach <= 8; reach *= 2)
		KUNIT_EXPECT_EQ(test, PATIENCE, reads(b, reach * PATIENCE));
	KUNIT_EXPECT_EQ(test, PATIENCE, reads(b, 8 * PATIENCE));
	KUNIT_EXPECT_EQ(test, 5 * PATIENCE, b->interrupts);
	KUNIT_EXPECT_EQ(test, bench_stat(b, KVBLK_STAT_REQUESTS), guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	bench_stop(b);
}

/* Chains that stay fewer are served when the time is over, and told of without more ado. */
static void few_are_served(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int told;
	u16 used;

	start_deep(b);
	told = b->interrupts;
	used = guest_ring_used_idx(&b->ring);
	KUNIT_EXPECT_EQ(test, 0, reads(b, 2));
	KUNIT_EXPECT_EQ(test, used, guest_ring_used_idx(&b->ring));
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, (u16)(used + 2), guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, told + 1, b->interrupts);
	KUNIT_EXPECT_EQ(test, 2, b->q.moderate.reach);
	KUNIT_EXPECT_EQ(test, 0, b->q.moderate.streak);
	/* That was for them: the next is held again. */
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, 1, reads(b, 1));
	KUNIT_EXPECT_EQ(test, told + 1, b->interrupts);
	bench_stop(b);
}

/* However slowly they end: none of their answers is held. */
static void slow_are_told(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int told, i;

	start_deep(b);
	b->disk.script.when = FAKE_NEVER;
	KUNIT_EXPECT_EQ(test, 0, reads(b, 3));
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, 3, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	told = b->interrupts;
	for (i = 1; i <= 3; i++) {
		guest_ring_set_used_event(&b->ring, guest_ring_used_idx(&b->ring));
		fake_end(&b->disk, 0);
		bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 3 - i);
		bench_settle(b);
		KUNIT_EXPECT_EQ(test, told + i, b->interrupts);
		KUNIT_EXPECT_EQ(test, 3 - i, b->q.moderate.hurry);
	}
	bench_stop(b);
}

/* A look that only suspects a lost notification leaves the ring to the next one. */
static void lost_is_lost(struct kunit *test)
{
	struct bench *b = test->priv;

	/* Such as is answered where it ends, so that no turn follows. */
	KUNIT_ASSERT_EQ(test, 0, bench_use_pages(b));
	start_deep(b);
	b->disk.script.when = FAKE_NEVER;
	KUNIT_EXPECT_EQ(test, 1, reads(b, 4));
	fake_end_all(&b->disk);
	bench_await_used(b, b->ring.avail_idx);
	bench_settle(b);
	bench_put_reads(b, 0, 1);
	kvblk_queue_event(&b->q, KVBLK_EV_CHECK);
	bench_until(b, bench_stat(b, KVBLK_STAT_LOST_KICKS) == 1);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 1);
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* A driver that has nothing to do is asked to notify of the next chain, once. */
static void none_ends_it(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int told;
	u64 asked;

	start_deep(b);
	told = b->interrupts;
	asked = bench_stat(b, KVBLK_STAT_ASKED_LATE);
	KUNIT_EXPECT_GT(test, asked, 0);
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, told, b->interrupts);
	KUNIT_EXPECT_EQ(test, asked, bench_stat(b, KVBLK_STAT_ASKED_LATE));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&b->q.moderate.timer));
	KUNIT_EXPECT_EQ(test, b->ring.avail_idx, guest_ring_avail_event(&b->ring));
	/* The first tells that there is more to come: of the next two it need not. */
	KUNIT_EXPECT_EQ(test, 1, reads(b, 1));
	KUNIT_EXPECT_EQ(test, told, b->interrupts);
	KUNIT_EXPECT_EQ(test, 0, reads(b, 2));
	KUNIT_EXPECT_EQ(test, 1, reads(b, 1));
	KUNIT_EXPECT_EQ(test, told + 1, b->interrupts);
	bench_stop(b);
}

/* Answers that are held do not wait longer for requests that are late. */
static void held_and_late(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int told;

	start_deep(b);
	time_is_over(b);
	told = b->interrupts;
	KUNIT_EXPECT_EQ(test, 1, reads(b, 1));
	KUNIT_EXPECT_EQ(test, 0, reads(b, 1));
	/* As if it looked at once: it waits for the next one, too. */
	guest_ring_set_used_event(&b->ring, guest_ring_used_idx(&b->ring));
	time_is_over(b);
	/* One for the answer that was held, one for that of the late request. */
	KUNIT_EXPECT_EQ(test, told + 2, b->interrupts);
	KUNIT_EXPECT_EQ(test, b->ring.avail_idx, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 2, b->q.moderate.reach);
	bench_stop(b);
}

/* Who waits for the backing is asked to notify of each: it can work meanwhile. */
static void not_in_flight(struct kunit *test)
{
	struct bench *b = test->priv;
	ktime_t end;

	start_deep(b);
	end = hrtimer_get_expires(&b->q.moderate.timer);
	b->disk.script.when = FAKE_NEVER;
	KUNIT_EXPECT_EQ(test, 1, reads(b, 4));
	KUNIT_EXPECT_EQ(test, 4, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, 3, reads(b, 3));
	KUNIT_EXPECT_EQ(test, 7, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	/* Its answers have what the requests have left of the time. */
	fake_end(&b->disk, 0);
	bench_until(b, b->q.moderate.held == 1);
	KUNIT_EXPECT_EQ(test, end, hrtimer_get_expires(&b->q.moderate.timer));
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* Who waits for tokens was notified of. */
static void not_throttled(struct kunit *test)
{
	struct bench *b = test->priv;

	start_deep(b);
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	KUNIT_EXPECT_EQ(test, 1, reads(b, 4));
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_EQ(test, 0, b->q.moderate.ahead);
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	bench_stop(b);
}

/* Without the means to ask (the flag knows all or none), with a worker that looks, or off. */
static void not_without(struct kunit *test)
{
	struct bench *b = test->priv;

	start_deep(b);
	b->poll = (struct kvblk_poll_limits){ .max_ns = 1, .percent = 1 };
	reads(b, 4);
	KUNIT_EXPECT_EQ(test, 8, reads(b, 8));
	b->poll = (struct kvblk_poll_limits){};
	/* The first tells that there are more. */
	KUNIT_EXPECT_EQ(test, 3, reads(b, 8));
	b->moderation = (struct kvblk_moderation){};
	reads(b, 4);
	KUNIT_EXPECT_EQ(test, 8, reads(b, 8));
	bench_stop(b);

	b->moderation = (struct kvblk_moderation){ 64, LONG_US };
	bench_start(b, 64, 0);
	b->q.moderate.reach = 4;
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 1, b->q.moderate.held);
	KUNIT_EXPECT_EQ(test, 0, b->q.moderate.ahead);
	KUNIT_EXPECT_FALSE(test, guest_ring_used_flags(&b->ring) & VRING_USED_F_NO_NOTIFY);
	bench_stop(b);
}

/* What waits when a disk is paused is served when it goes on. */
static void over_a_pause(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int told;

	start_deep(b);
	told = b->interrupts;
	KUNIT_EXPECT_EQ(test, 0, reads(b, 2));
	kvblk_queue_pause(&b->q, true);
	bench_until(b, kvblk_queue_quiet(&b->q));
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, told, b->interrupts);
	kvblk_queue_pause(&b->q, false);
	bench_await_used(b, b->ring.avail_idx);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 2, b->q.moderate.held);
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, told + 1, b->interrupts);
	bench_stop(b);
}

/* What nobody was to notify of is no lost notification. */
static void not_lost(struct kunit *test)
{
	struct bench *b = test->priv;

	start_deep(b);
	KUNIT_EXPECT_EQ(test, 0, reads(b, 2));
	kvblk_queue_event(&b->q, KVBLK_EV_CHECK);
	bench_await_used(b, b->ring.avail_idx);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	KUNIT_EXPECT_EQ(test, 2, b->q.moderate.held);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&b->q.moderate.timer));
	bench_stop(b);
}

/* A ring that a hostile driver spoils meanwhile is found out, not counted with. */
static void spoiled_meanwhile(struct kunit *test)
{
	struct bench *b = test->priv;

	start_deep(b);
	guest_ring_set_avail_idx(&b->ring, b->ring.avail_idx - 1);
	time_is_over(b);
	KUNIT_EXPECT_EQ(test, 1, b->broken);
	KUNIT_EXPECT_LE(test, b->q.moderate.reach, b->q.vring.num);
	bench_stop(b);
}

static struct kunit_case ask_cases[] = {
	KUNIT_CASE(late_kicks),
	KUNIT_CASE(few_are_served),
	KUNIT_CASE(slow_are_told),
	KUNIT_CASE(lost_is_lost),
	KUNIT_CASE(none_ends_it),
	KUNIT_CASE(held_and_late),
	KUNIT_CASE(not_in_flight),
	KUNIT_CASE(not_throttled),
	KUNIT_CASE(not_without),
	KUNIT_CASE(over_a_pause),
	KUNIT_CASE(not_lost),
	KUNIT_CASE(spoiled_meanwhile),
	{}
};

static struct kunit_suite ask_suite = {
	.name = "kvblk_ask",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = ask_cases,
};

kunit_test_suite(ask_suite);
