// SPDX-License-Identifier: GPL-2.0
/* Interrupt moderation: by count, by time, never while nothing is to come, never lost. */
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define LONG_US	(3600 * USEC_PER_SEC)	/* no timer helps */
#define SOON_US	100
#define PATIENCE	8	/* as moderate.c has it */

static void moderate(struct bench *b, u32 count, u32 usecs)
{
	WRITE_ONCE(b->moderation.usecs, usecs);
	WRITE_ONCE(b->moderation.count, count);
}

/* @nr reads of which the backing keeps all. */
static void start_reads(struct bench *b, unsigned int nr)
{
	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, nr);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == nr);
	bench_settle(b);
}

/* Answers of the backing, one by one: each is a batch of its own. */
static void end_one(struct bench *b)
{
	u16 idx = guest_ring_used_idx(&b->ring);

	fake_end(&b->disk, 0);
	bench_await_used(b, idx + 1);
	bench_settle(b);
}

static void off_by_default(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	start_reads(b, 4);
	for (i = 1; i <= 4; i++) {
		end_one(b);
		KUNIT_EXPECT_EQ(test, i, b->interrupts);
	}
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_HELD));
	bench_stop(b);
}

static void by_count(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	moderate(b, 3, LONG_US);
	start_reads(b, 8);
	for (i = 1; i <= 7; i++) {
		end_one(b);
		KUNIT_EXPECT_EQ(test, i / 3, b->interrupts);
		KUNIT_EXPECT_EQ(test, !!(i % 3), hrtimer_active(&b->q.moderate.timer));
	}
	KUNIT_EXPECT_EQ(test, 5, bench_stat(b, KVBLK_STAT_HELD));
	KUNIT_EXPECT_EQ(test, 2, bench_stat(b, KVBLK_STAT_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_SUPPRESSED));
	/* The last one in flight: nothing is to be waited for. */
	end_one(b);
	KUNIT_EXPECT_EQ(test, 3, b->interrupts);
	bench_stop(b);
}

/* A request that never ends keeps no other one secret. */
static void by_time(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 64, SOON_US);
	start_reads(b, 3);
	end_one(b);
	bench_until(b, READ_ONCE(b->interrupts) == 1);
	end_one(b);
	bench_until(b, READ_ONCE(b->interrupts) == 2);
	KUNIT_EXPECT_EQ(test, 2, bench_stat(b, KVBLK_STAT_HELD));
	KUNIT_EXPECT_EQ(test, 2, bench_stat(b, KVBLK_STAT_INTERRUPTS));
	fake_end_all(&b->disk);
	bench_stop(b);
}

static void one_at_a_time_is_not_held(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	moderate(b, 64, LONG_US);
	bench_start(b, 64, 0);
	for (i = 0; i < 4; i++) {
		bench_put(b, i, &(struct bench_req){ IN, i, 512 });
		bench_kick(b);
		bench_expect_done(b, i + 1);
		bench_settle(b);
		KUNIT_EXPECT_EQ(test, i + 1, b->interrupts);
	}
	bench_stop(b);
}

static void one_read(struct bench *b, u16 slot)
{
	u16 idx = guest_ring_used_idx(&b->ring);

	bench_put_reads(b, slot, 1);
	bench_kick(b);
	bench_expect_done(b, idx + 1);
	bench_settle(b);
}

/* Interrupts for @n requests that are there one by one and end at once. */
static unsigned int told(struct bench *b, unsigned int n)
{
	unsigned int before = READ_ONCE(b->interrupts);

	while (n--)
		one_read(b, 0);
	return READ_ONCE(b->interrupts) - before;
}

/* A driver that goes on without being told is told less often, up to the limit. */
static void deep_driver(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 8, LONG_US);
	bench_start(b, 64, 0);
	KUNIT_EXPECT_EQ(test, PATIENCE, told(b, PATIENCE));
	KUNIT_EXPECT_EQ(test, PATIENCE, told(b, 2 * PATIENCE));
	KUNIT_EXPECT_EQ(test, PATIENCE, told(b, 4 * PATIENCE));
	KUNIT_EXPECT_EQ(test, PATIENCE, told(b, 8 * PATIENCE));
	KUNIT_EXPECT_EQ(test, PATIENCE, told(b, 8 * PATIENCE));
	bench_stop(b);
}

/* A try of more than one at a time, which is in vain and pays the time. */
static void vain_try(struct bench *b, unsigned int patience)
{
	struct kunit *test = b->test;
	u64 held = bench_stat(b, KVBLK_STAT_HELD);

	moderate(b, 8, LONG_US);
	KUNIT_EXPECT_EQ(test, patience, told(b, patience));
	moderate(b, 8, SOON_US);
	KUNIT_EXPECT_EQ(test, held, bench_stat(b, KVBLK_STAT_HELD));
	one_read(b, 0);
	bench_until(b, READ_ONCE(b->interrupts) == bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, held + 1, bench_stat(b, KVBLK_STAT_HELD));
}

/* One that waits to be told pays the time once, and then less and less often. */
static void shallow_driver(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int round;

	bench_start(b, 64, 0);
	for (round = 0; round < 3; round++)
		vain_try(b, PATIENCE << round);
	bench_stop(b);
}

/* Requests that come together show that it has become a deep one: more is tried again soon. */
static void deep_again(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int before, round;

	bench_start(b, 64, 0);
	for (round = 0; round < 3; round++)
		vain_try(b, PATIENCE << round);
	moderate(b, 8, LONG_US);
	before = READ_ONCE(b->interrupts);
	for (round = 0; round < PATIENCE; round++) {
		KUNIT_EXPECT_EQ(test, before + round, READ_ONCE(b->interrupts));
		bench_put_reads(b, 0, 2);
		bench_kick(b);
		bench_await_used(b, b->ring.avail_idx);
		bench_settle(b);
	}
	KUNIT_EXPECT_EQ(test, 4, b->q.moderate.reach);
	bench_stop(b);
}

/* Those that were in flight together do not: its driver may wait for all of them. */
static void burst_says_nothing(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int round;

	bench_start(b, 64, 0);
	for (round = 0; round < 3; round++)
		vain_try(b, PATIENCE << round);
	moderate(b, 3, LONG_US);
	b->disk.script.when = FAKE_NEVER;
	bench_put_reads(b, 0, 8);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 8);
	bench_settle(b);
	for (round = 0; round < 6; round++)
		end_one(b);
	KUNIT_EXPECT_EQ(test, PATIENCE << 3, b->q.moderate.patience);
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* Who pauses the disk takes a snapshot: nothing is owed over it. */
static void pause_tells(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 8, LONG_US);
	bench_start(b, 64, 0);
	told(b, PATIENCE);
	KUNIT_EXPECT_EQ(test, 0, told(b, 1));
	kvblk_queue_pause(&b->q, true);
	bench_until(b, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(test, PATIENCE + 1, b->interrupts);
	kvblk_queue_pause(&b->q, false);
	KUNIT_EXPECT_EQ(test, 0, told(b, 1));
	KUNIT_EXPECT_EQ(test, 1, told(b, 1));
	bench_stop(b);
}

/* What the driver does not want is not owed to it. */
static void unwanted_is_not_owed(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 2, LONG_US);
	start_reads(b, 4);
	guest_ring_set_avail_flags(&b->ring, VRING_AVAIL_F_NO_INTERRUPT);
	end_one(b);
	end_one(b);
	end_one(b);
	KUNIT_EXPECT_EQ(test, 0, b->interrupts);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_HELD));
	KUNIT_EXPECT_EQ(test, 3, bench_stat(b, KVBLK_STAT_SUPPRESSED));
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* What is owed is sent when it is due, though the driver does not ask for more. */
static void owed_is_sent(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 2, LONG_US);
	start_reads(b, 4);
	end_one(b);
	guest_ring_set_avail_flags(&b->ring, VRING_AVAIL_F_NO_INTERRUPT);
	end_one(b);
	KUNIT_EXPECT_EQ(test, 1, b->interrupts);
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* Answers are counted, not batches. */
static void batch_counts_each(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	moderate(b, 4, LONG_US);
	start_reads(b, 1);
	b->disk.script.when = FAKE_INLINE;
	for (i = 1; i <= 4; i++)
		bench_put(b, i, &(struct bench_req){ IN, i, 512 });
	bench_kick(b);
	bench_await_used(b, 4);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 1, b->interrupts);
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* What the timer has sent can get lost like any other. */
static void lost_is_found(struct kunit *test)
{
	struct bench *b = test->priv;

	b->unanswered = true;
	moderate(b, 64, SOON_US);
	start_reads(b, 2);
	end_one(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 2, READ_ONCE(b->interrupts));
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* Who turns it off, or on, need not restart anything. */
static void changed_live(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 64, LONG_US);
	start_reads(b, 4);
	end_one(b);
	KUNIT_EXPECT_EQ(test, 0, b->interrupts);
	moderate(b, 0, 0);
	end_one(b);
	KUNIT_EXPECT_EQ(test, 1, b->interrupts);
	end_one(b);
	KUNIT_EXPECT_EQ(test, 2, b->interrupts);
	fake_end_all(&b->disk);
	bench_stop(b);
}

/* The next start owes nothing. */
static void stop_forgets(struct kunit *test)
{
	struct bench *b = test->priv;

	moderate(b, 64, LONG_US);
	start_reads(b, 4);
	end_one(b);
	KUNIT_ASSERT_TRUE(test, kvblk_queue_stop(&b->q));
	fake_end_all(&b->disk);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, 0, b->interrupts);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&b->q.moderate.timer));
	moderate(b, 64, SOON_US);
	start_reads(b, 2);
	end_one(b);
	bench_until(b, READ_ONCE(b->interrupts) == 1);
	fake_end_all(&b->disk);
	bench_stop(b);
}

static struct kunit_case moderate_cases[] = {
	KUNIT_CASE(off_by_default),
	KUNIT_CASE(by_count),
	KUNIT_CASE(by_time),
	KUNIT_CASE(one_at_a_time_is_not_held),
	KUNIT_CASE(deep_driver),
	KUNIT_CASE(shallow_driver),
	KUNIT_CASE(deep_again),
	KUNIT_CASE(burst_says_nothing),
	KUNIT_CASE(pause_tells),
	KUNIT_CASE(unwanted_is_not_owed),
	KUNIT_CASE(owed_is_sent),
	KUNIT_CASE(batch_counts_each),
	KUNIT_CASE(lost_is_found),
	KUNIT_CASE(changed_live),
	KUNIT_CASE(stop_forgets),
	{}
};

static struct kunit_suite moderate_suite = {
	.name = "kvblk_moderate",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = moderate_cases,
};

kunit_test_suite(moderate_suite);
