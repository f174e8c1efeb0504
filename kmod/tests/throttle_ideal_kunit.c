// SPDX-License-Identifier: GPL-2.0
/*
 * Token buckets against the ideal: a balance that is counted forward in nanotokens, which
 * is exact but would not fit in one number. In simulated time.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/string.h>
#include "../throttle.h"
#include "prng.h"

#define SEC	1000000000ULL
#define DAY	(86400 * SEC)
#define HOUR	3600ULL		/* seconds of the rate: the longest burst */
#define MONTH	(30 * DAY)
#define BYTES	KVBLK_BUCKET_BYTES
#define GRANTS	250		/* all windows between so many are looked at */

static int ideal_test_init(struct kunit *test)
{
	struct kvblk_throttle *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	kvblk_throttle_init(t);
	return 0;
}

static u64 take(struct kvblk_throttle *t, u32 bytes, u64 now)
{
	return kvblk_throttle_take(t, true, false, bytes, now);
}

static s64 balance(const struct kvblk_throttle *t, u64 now)
{
	return kvblk_throttle_balance(t, BYTES, now);
}

/* A bucket without a token or a debt. */
static void make_empty(struct kunit *test, struct kvblk_throttle *t, u64 rate,
		       u64 burst, u64 now)
{
	s64 left;

	kvblk_throttle_init(t);
	kvblk_throttle_set(t, BYTES, rate, burst, now);
	while ((left = balance(t, now)) > 0)
		KUNIT_ASSERT_EQ(test, take(t, min_t(s64, left, 1U << 31), now), 0);
}

/* Whole tokens earned in @ns, and the rest in nanotokens; for rates below 2^34. */
static u64 earned(u64 ns, u64 rate, u64 *nano)
{
	u64 rest, seconds = div64_u64_rem(ns, SEC, &rest);

	return seconds * rate + div64_u64_rem(rest * rate, SEC, nano);
}

/* ns until @tokens are earned, rounded up; for rates below 2^34. */
static u64 earning(u64 tokens, u64 rate)
{
	u64 rest, seconds = div64_u64_rem(tokens, rate, &rest);

	return seconds * SEC + div64_u64(rest * SEC + rate - 1, rate);
}

static const struct rate_row {
	const char *name;
	u64 rate;
	u64 burst;
} rate_rows[] = {
	{ "1/s", 1, 1 },
	{ "1/s, an hour", 1, HOUR },
	{ "3/s", 3, 3 },
	{ "10/s", 10, 10 },
	{ "10/s, an hour", 10, 10 * HOUR },
	{ "999/s", 999, 1000 },
	{ "1000/s", 1000, 1000 },
	{ "20000/s", 20000, 20000 },
	{ "20000/s, an hour", 20000, 20000 * HOUR },
	{ "65537/s", 65537, 2 * 65537 },
	{ "1000000/s, an hour", 1000000, 1000000 * HOUR },
	{ "9999991/s", 9999991, 9999991 },
	{ "10000000/s", 10000000, 10000000 },
	{ "10000000/s, an hour", 10000000, 10000000 * HOUR },
};

static void rate_desc(const struct rate_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rate, rate_rows, rate_desc);

/*
 * The narrowest window that holds @n grants, and the widest that holds @n - 2: neither may
 * differ from what is earned in it by more than one of @cost.
 */
static void check_window(struct kunit *test, u64 ns, u64 n, u64 rate, u64 cost)
{
	u64 rest, most = earned(ns + 1, rate, &rest) + cost;

	KUNIT_ASSERT_TRUE(test, n * cost <= most);
	if (n < 2 || !ns)
		return;
	most = earned(ns - 1, rate, &rest);
	KUNIT_ASSERT_TRUE(test, (n - 2) * cost + cost >= most + !!rest);
}

static void all_windows(struct kunit *test, const struct rate_row *row, u32 cost)
{
	struct kvblk_throttle *t = test->priv;
	u64 *at = kunit_kzalloc(test, GRANTS * sizeof(*at), GFP_KERNEL);
	u64 now = 12345678901ULL, wait;
	unsigned int i, j;

	KUNIT_ASSERT_NOT_NULL(test, at);
	make_empty(test, t, row->rate, row->burst, now);
	for (i = 0; i < GRANTS; i++) {
		wait = take(t, cost, now);
		now += wait;
		if (wait)
			KUNIT_ASSERT_EQ(test, take(t, cost, now), 0);
		at[i] = now;
	}
	for (i = 0; i < GRANTS; i++)
		for (j = i; j < GRANTS; j++)
			check_window(test, at[j] - at[i], j - i + 1, row->rate,
				     cost);
}

/* Who always has a request gets over any window what is earned, to one request. */
static void any_window(struct kunit *test)
{
	const struct rate_row *row = test->param_value;

	all_windows(test, row, 1);
	all_windows(test, row, 7);
	all_windows(test, row, row->rate);
	all_windows(test, row, min_t(u64, row->burst, U32_MAX));
	all_windows(test, row, min_t(u64, row->burst + 1, U32_MAX));
}

/* A month of requests of half an hour each, as far as they can be so large. */
static void no_drift_in_a_month(struct kunit *test)
{
	const struct rate_row *row = test->param_value;
	u32 cost = min_t(u64, 1800 * row->rate + 1, U32_MAX);
	struct kvblk_throttle *t = test->priv;
	u64 start = 77, now = start, spent = 0;

	make_empty(test, t, row->rate, row->burst, now);
	if (cost > row->burst) {
		KUNIT_ASSERT_EQ(test, take(t, cost, now), 0);
		spent = cost;
	}
	while (now < start + MONTH) {
		now += take(t, cost, now);	/* never 0: the bucket is empty */
		/* Above the burst it waits for the debt, else for its own tokens. */
		KUNIT_ASSERT_EQ(test, now - start,
				earning(cost > row->burst ? spent : spent + cost,
					row->rate));
		KUNIT_ASSERT_EQ(test, take(t, cost, now), 0);
		spent += cost;
	}
}

/* The balance is @tokens + @nano / 1e9; @nano is below 1e9. */
struct ideal {
	u64 rate;
	u64 burst;
	s64 tokens;
	u64 nano;
};

/* Above the burst only what less than @ns earned stays. */
static void ideal_cut(struct ideal *b, u64 ns)
{
	s64 above = b->tokens - (s64)b->burst;

	if (above < 0 || (!above && b->nano < ns * b->rate))
		return;
	b->tokens = b->burst;
	b->nano = 0;
}

static void ideal_earn(struct ideal *b, u64 ns)
{
	u64 nano;

	b->tokens += earned(ns, b->rate, &nano);
	b->nano += nano;
	if (b->nano >= SEC) {
		b->nano -= SEC;
		b->tokens++;
	}
	ideal_cut(b, 1);
}

static bool ideal_fits(const struct ideal *b, u32 n)
{
	return b->tokens >= (n <= b->burst ? (s64)n : 0);
}

static void ideal_set(struct ideal *b, struct kvblk_throttle *t,
		      const struct rate_row *row, u64 now)
{
	kvblk_throttle_set(t, BYTES, row->rate, row->burst, now);
	b->rate = row->rate;
	b->burst = row->burst;
	ideal_cut(b, 0);
}

/* The told wait is the shortest after which @n fits. */
static void check_wait(struct kunit *test, const struct ideal *b, u32 n, u64 wait)
{
	struct ideal before = *b, after = *b;

	ideal_earn(&before, wait - 1);
	ideal_earn(&after, wait);
	KUNIT_ASSERT_TRUE(test, !ideal_fits(&before, n));
	KUNIT_ASSERT_TRUE(test, ideal_fits(&after, n));
}

static u64 random_step(struct prng *p, u64 wait)
{
	switch (prng_below(p, 8)) {
	case 0:
		return 0;
	case 1:
		return prng_below(p, 1000);
	case 2:
		return prng_next(p) % DAY;
	case 3:
		/* When it fits, or a little earlier. */
		return wait < DAY ? wait - !!(wait && prng_below(p, 2)) : 0;
	default:
		return prng_below(p, 2 * SEC);
	}
}

static u32 random_cost(struct prng *p, const struct ideal *b)
{
	u64 n = prng_next(p);

	switch (prng_below(p, 4)) {
	case 0:
		return 1;
	case 1:
		return b->tokens > 0 ? min_t(s64, b->tokens, U32_MAX) : 1;
	case 2:
		return n % b->rate;
	default:
		return n % min_t(u64, 2 * b->burst, U32_MAX);
	}
}

/*
 * Any requests at any time, with limits that change in between: granted exactly when the
 * ideal would, and the balance is the ideal's to the token.
 */
static void as_the_ideal(struct kunit *test)
{
	const struct rate_row *row = test->param_value;
	struct prng p = { .state = row->rate * 31 + row->burst };
	struct kvblk_throttle *t = test->priv;
	struct ideal b = { .tokens = S64_MAX };
	unsigned int round, granted = 0;
	u64 now = 5, wait = 0, step;
	u32 n;

	ideal_set(&b, t, row, now);
	for (round = 0; round < 20000; round++) {
		step = random_step(&p, wait);
		now += step;
		ideal_earn(&b, step);
		if (!prng_below(&p, 50))
			ideal_set(&b, t, prng_below(&p, 2) ? row :
				  &rate_rows[prng_below(&p, ARRAY_SIZE(rate_rows))],
				  now);
		n = random_cost(&p, &b);
		wait = take(t, n, now);
		KUNIT_ASSERT_EQ(test, !wait, !n || ideal_fits(&b, n));
		if (wait) {
			check_wait(test, &b, n, wait);
		} else {
			b.tokens -= n;
			granted++;
		}
		KUNIT_ASSERT_EQ(test, balance(t, now), b.tokens);
	}
	KUNIT_EXPECT_GT(test, granted, 1000);
}

static struct kunit_case ideal_cases[] = {
	KUNIT_CASE_PARAM(any_window, rate_gen_params),
	KUNIT_CASE_PARAM(no_drift_in_a_month, rate_gen_params),
	KUNIT_CASE_PARAM(as_the_ideal, rate_gen_params),
	{}
};

static struct kunit_suite ideal_suite = {
	.name = "kvblk_throttle_ideal",
	.init = ideal_test_init,
	.test_cases = ideal_cases,
};

kunit_test_suite(ideal_suite);
