// SPDX-License-Identifier: GPL-2.0
/* For how long to look for work, in time that is only said to pass. */
#include <kunit/test.h>
#include "../poll.h"

#define US	1000ULL
#define MS	(1000 * US)
#define SEC	(1000 * MS)

static const struct kvblk_poll_limits half = { .max_ns = 100 * US, .percent = 50 };
static const struct kvblk_poll_limits all = { .max_ns = 100 * US, .percent = 100 };

/**
 * struct course - A course of work
 * @p: The policy.
 * @now: The time.
 * @looked: For so long in all.
 * @found: How often it was worth it.
 */
struct course {
	struct kvblk_poll p;
	u64 now;
	u64 looked;
	unsigned int found;
};

/* @n times: @busy ns of work, then none for @gap ns. */
static void go(struct course *c, const struct kvblk_poll_limits *lim, unsigned int n,
	       u64 busy, u64 gap)
{
	u64 window, spent;

	while (n--) {
		c->now += busy;
		window = kvblk_poll_window(&c->p, lim, c->now);
		spent = min(window, gap);
		kvblk_poll_spend(&c->p, spent);
		c->looked += spent;
		c->found += window && gap <= window;
		c->now += gap;
		kvblk_poll_work(&c->p, lim, c->now);
	}
}

/* A second of time, so that there is credit. */
#define COURSE	{ .now = SEC }

static void short_gaps_are_looked_for(struct kunit *test)
{
	struct course c = COURSE;

	go(&c, &all, 1000, 10 * US, 20 * US);
	KUNIT_EXPECT_GE(test, c.found, 990);
}

static void long_gaps_are_not(struct kunit *test)
{
	struct course c = COURSE;
	u64 before;

	go(&c, &all, 50, 10 * US, 300 * US);
	before = c.looked;
	go(&c, &all, 1000, 10 * US, 300 * US);
	KUNIT_EXPECT_EQ(test, before, c.looked);
	KUNIT_EXPECT_EQ(test, 0, c.found);
}

/* It follows the load in a few requests, whatever was before. */
static void follows(struct kunit *test)
{
	struct course c = COURSE;

	go(&c, &all, 1000, 10 * US, 10 * SEC);
	c.found = 0;
	go(&c, &all, 100, 10 * US, 20 * US);
	KUNIT_EXPECT_GE(test, c.found, 85);
	c.looked = 0;
	go(&c, &all, 100, 10 * US, 10 * MS);
	KUNIT_EXPECT_LE(test, c.looked, 10 * all.max_ns);
}

static void window_is_capped(struct kunit *test)
{
	struct course c = COURSE;
	unsigned int i;

	for (i = 1; i <= 99; i++) {
		u64 window;

		go(&c, &all, 20, 1000 * US, i * US);
		c.now += 1000 * US;
		window = kvblk_poll_window(&c.p, &all, c.now);
		KUNIT_EXPECT_LE(test, window, all.max_ns);
		KUNIT_EXPECT_GE(test, window, i * US);
	}
}

/* Half of a processor, but for what was saved up before. */
static void share_is_capped(struct kunit *test)
{
	struct course c = COURSE;
	u64 start = c.now;

	go(&c, &half, 100000, 1 * US, 50 * US);
	KUNIT_EXPECT_LE(test, c.looked, (c.now - start) / 2 + 16 * half.max_ns);
	KUNIT_EXPECT_GE(test, c.looked, (c.now - start) * 4 / 10);
}

/* What is saved up while nothing happens is bounded. */
static void rest_is_no_fortune(struct kunit *test)
{
	const struct kvblk_poll_limits one = { .max_ns = 100 * US, .percent = 1 };
	struct course c = COURSE;

	c.now += 3600 * SEC;
	go(&c, &one, 1000, 1 * US, 50 * US);
	KUNIT_EXPECT_LE(test, c.looked, 16 * one.max_ns + 1000 * 51 * US / 100);
}

/* No clock that stands still, goes back or is at its end does harm. */
static void odd_clocks(struct kunit *test)
{
	const u64 times[] = { 0, 5, 5, 1, U64_MAX, 0, U64_MAX - 1, 7 };
	struct kvblk_poll p = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		KUNIT_EXPECT_LE(test, kvblk_poll_window(&p, &half, times[i]), half.max_ns);
		kvblk_poll_spend(&p, U64_MAX);
		KUNIT_EXPECT_EQ(test, 0, p.credit);
		kvblk_poll_work(&p, &half, times[ARRAY_SIZE(times) - 1 - i]);
		KUNIT_EXPECT_LE(test, p.gap, 2 * half.max_ns);
	}
}

/* Of one that knows nothing yet: time to find out. */
static void first_look(struct kunit *test)
{
	struct kvblk_poll p = {};

	KUNIT_EXPECT_EQ(test, all.max_ns / 16, kvblk_poll_window(&p, &all, SEC));
}

/* What was usual so far is not forgotten for it. */
static void one_long_gap(struct kunit *test)
{
	struct course c = COURSE;

	go(&c, &all, 100, 10 * US, 20 * US);
	go(&c, &all, 1, 10 * US, 10 * SEC);
	c.found = 0;
	go(&c, &all, 10, 10 * US, 20 * US);
	KUNIT_EXPECT_EQ(test, 10, c.found);
}

/* Work that follows on work says nothing about gaps. */
static void work_without_a_gap(struct kunit *test)
{
	struct course c = COURSE;
	u64 gap;

	go(&c, &all, 10, 10 * US, 20 * US);
	gap = c.p.gap;
	kvblk_poll_work(&c.p, &all, c.now + 50 * US);
	KUNIT_EXPECT_EQ(test, gap, c.p.gap);
}

static void clock_goes_back(struct kunit *test)
{
	struct kvblk_poll p = {};

	KUNIT_EXPECT_NE(test, 0, kvblk_poll_window(&p, &all, SEC));
	kvblk_poll_spend(&p, U64_MAX);
	kvblk_poll_work(&p, &all, SEC - 1);
	KUNIT_EXPECT_EQ(test, 0, p.gap);
	KUNIT_EXPECT_EQ(test, 0, kvblk_poll_window(&p, &all, SEC - 2));
}

/* A rest of any length earns all there is to earn. */
static void endless_rest(struct kunit *test)
{
	struct kvblk_poll p = {};

	KUNIT_EXPECT_NE(test, 0, kvblk_poll_window(&p, &all, 1ULL << 62));
	KUNIT_EXPECT_EQ(test, 16 * all.max_ns, p.credit);
}

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(short_gaps_are_looked_for),
	KUNIT_CASE(long_gaps_are_not),
	KUNIT_CASE(follows),
	KUNIT_CASE(window_is_capped),
	KUNIT_CASE(share_is_capped),
	KUNIT_CASE(rest_is_no_fortune),
	KUNIT_CASE(odd_clocks),
	KUNIT_CASE(first_look),
	KUNIT_CASE(one_long_gap),
	KUNIT_CASE(work_without_a_gap),
	KUNIT_CASE(clock_goes_back),
	KUNIT_CASE(endless_rest),
	{}
};

static struct kunit_suite poll_suite = {
	.name = "kvblk_poll",
	.test_cases = poll_cases,
};

kunit_test_suite(poll_suite);
