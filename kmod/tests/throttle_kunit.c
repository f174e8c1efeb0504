// SPDX-License-Identifier: GPL-2.0
/* Token buckets in simulated time: exact to the nanosecond, for ever. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/string.h>
#include "../throttle.h"
#include "prng.h"

#define SEC	1000000000ULL
#define HOUR	(3600 * SEC)
#define DAY	(24 * HOUR)
#define RATE_MAX BIT_ULL(40)

#define OPS	KVBLK_BUCKET_OPS
#define BYTES	KVBLK_BUCKET_BYTES

static int throttle_test_init(struct kunit *test)
{
	struct kvblk_throttle *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	test->priv = t;
	kvblk_throttle_init(t);
	return 0;
}

static u64 take_op(struct kvblk_throttle *t, u64 now)
{
	return kvblk_throttle_take(t, false, false, 0, now);
}

static u64 take_bytes(struct kvblk_throttle *t, u32 bytes, u64 now)
{
	return kvblk_throttle_take(t, true, false, bytes, now);
}

static s64 ops(const struct kvblk_throttle *t, u64 now)
{
	return kvblk_throttle_balance(t, OPS, now);
}

static s64 bytes(const struct kvblk_throttle *t, u64 now)
{
	return kvblk_throttle_balance(t, BYTES, now);
}

/* Whole tokens earned in @ns; for rates below 2^34. */
static u64 earned(u64 ns, u64 rate)
{
	u64 rest, seconds = div64_u64_rem(ns, SEC, &rest);

	return seconds * rate + div64_u64(rest * rate, SEC);
}

/* ns until @tokens are earned, rounded up; for tokens below 2^34. */
static u64 earning(u64 tokens, u64 rate)
{
	return div64_u64(tokens * SEC + rate - 1, rate);
}

static void no_limit(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, t->limited);
	for (i = 0; i < 100000; i++)
		KUNIT_ASSERT_EQ(test, take_bytes(t, U32_MAX, 0), 0);
	KUNIT_EXPECT_EQ(test, bytes(t, 0), 0);

	/* A limit elsewhere changes nothing here. */
	kvblk_throttle_set(t, KVBLK_BUCKET_OPS_WRITE, 1, 1, 0);
	KUNIT_EXPECT_TRUE(test, t->limited);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, take_bytes(t, U32_MAX, 0), 0);
	kvblk_throttle_set(t, KVBLK_BUCKET_OPS_READ, 0, 0, 0);
	KUNIT_EXPECT_TRUE(test, t->limited);
	kvblk_throttle_set(t, KVBLK_BUCKET_OPS_WRITE, 0, 0, 0);
	KUNIT_EXPECT_FALSE(test, t->limited);
}

static void starts_full(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;
	unsigned int i;

	kvblk_throttle_set(t, OPS, 10, 25, 0);
	KUNIT_EXPECT_EQ(test, ops(t, 0), 25);
	for (i = 0; i < 25; i++)
		KUNIT_EXPECT_EQ(test, take_op(t, 0), 0);
	KUNIT_EXPECT_EQ(test, ops(t, 0), 0);
	KUNIT_EXPECT_EQ(test, take_op(t, 0), SEC / 10);
	KUNIT_EXPECT_EQ(test, ops(t, 0), 0);
}

static const struct wait_row {
	const char *name;
	u64 rate;
	u64 burst;
	u32 taken;		/* beforehand */
	u32 bytes;
	u64 wait;
	s64 balance;		/* behind it */
} wait_rows[] = {
	{ "there", 10, 10, 0, 10, 0, 0 },
	{ "half a second", 10, 10, 10, 5, SEC / 2, 0 },
	{ "all of the burst", 10, 10, 1, 10, SEC / 10, 9 },
	{ "rounded up", 3, 3, 3, 1, 333333334, 0 },
	{ "two thirds", 3, 3, 3, 2, 666666667, 0 },
	{ "a second", 3, 3, 3, 3, SEC, 0 },
	{ "faster than the clock", 3 * SEC, 3 * SEC, 3000000000U, 1, 1, 0 },
	{ "four in two ns", 3 * SEC, 3 * SEC, 3000000000U, 4, 2, 0 },
	{ "above the burst from full", 100, 100, 0, 150, 0, -50 },
	{ "above the burst from zero", 100, 100, 100, 150, 0, -150 },
	{ "in debt, above the burst", 100, 100, 150, 101, SEC / 2, -50 },
	{ "in debt, far above it", 100, 100, 150, 200, SEC / 2, -50 },
	{ "in debt, little", 100, 100, 150, 10, 6 * SEC / 10, -50 },
	{ "in debt, the burst", 100, 100, 150, 100, 3 * SEC / 2, -50 },
	{ "in debt, nothing", 100, 100, 150, 0, 0, -50 },
	{ "longest request, slowest rate", 1, 1, 0, U32_MAX, 0,
	  1 - (s64)U32_MAX },
	{ "behind it", 1, 1, U32_MAX, 1, (u64)U32_MAX * SEC,
	  1 - (s64)U32_MAX },
	{ "fastest rate, longest burst", RATE_MAX, 3600 * RATE_MAX, 0, U32_MAX,
	  0, 3600 * RATE_MAX - U32_MAX },
};

static void wait_desc(const struct wait_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(wait, wait_rows, wait_desc);

static void wait_for_it(struct kunit *test)
{
	const struct wait_row *row = test->param_value;
	struct kvblk_throttle *t = test->priv;
	u64 now = 77 * SEC + 5;

	kvblk_throttle_set(t, BYTES, row->rate, row->burst, now);
	KUNIT_ASSERT_EQ(test, take_bytes(t, row->taken, now), 0);
	KUNIT_ASSERT_EQ(test, take_bytes(t, row->bytes, now), row->wait);
	KUNIT_EXPECT_EQ(test, bytes(t, now), row->balance);
	if (!row->wait)
		return;
	KUNIT_EXPECT_EQ(test, take_bytes(t, row->bytes, now + row->wait - 1),
			1);
	KUNIT_EXPECT_EQ(test, take_bytes(t, row->bytes, now + row->wait), 0);
}

/* The second of two large ones waits, and does not deepen the debt meanwhile. */
static void debt_is_paid_first(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;
	unsigned int i;

	kvblk_throttle_set(t, BYTES, 100, 100, 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 400, 0), 0);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, take_bytes(t, 400, 0), 3 * SEC);
	KUNIT_EXPECT_EQ(test, bytes(t, 0), -300);
	KUNIT_EXPECT_EQ(test, bytes(t, 3 * SEC - 1), -1);
	KUNIT_EXPECT_EQ(test, bytes(t, 3 * SEC), 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 400, 3 * SEC), 0);
	KUNIT_EXPECT_EQ(test, bytes(t, 3 * SEC), -400);
}

static void idle_earns_the_burst(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;

	kvblk_throttle_set(t, BYTES, 1000, 5000, 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 5000, 0), 0);
	KUNIT_EXPECT_EQ(test, bytes(t, 5 * SEC - 1), 4999);
	KUNIT_EXPECT_EQ(test, bytes(t, 5 * SEC), 5000);
	KUNIT_EXPECT_EQ(test, bytes(t, 5 * SEC + 1), 5000);
	KUNIT_EXPECT_EQ(test, bytes(t, 50000 * DAY), 5000);
	/* What was not kept is not there for a longer burst either. */
	kvblk_throttle_set(t, BYTES, 1000, 6000, 50000 * DAY);
	KUNIT_EXPECT_EQ(test, bytes(t, 50000 * DAY), 5000);
	kvblk_throttle_set(t, BYTES, 1000, 5000, 50000 * DAY);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 5000, 100000 * DAY), 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 1, 100000 * DAY), SEC / 1000);
}

static const struct rate_row {
	const char *name;
	u64 rate;
	u64 burst;
} rate_rows[] = {
	{ "1/s", 1, 1 },
	{ "1/s, an hour", 1, 3600 },
	{ "3/s", 3, 3 },
	{ "7/s, an hour", 7, 7 * 3600 },
	{ "10/s", 10, 10 },
	{ "999/s", 999, 1000 },
	{ "4096/s", 4096, 40960 },
	{ "65537/s", 65537, 65537 },
	{ "1000000/s", 1000000, 1000000 },
	{ "9999991/s", 9999991, 9999991 },
	{ "10000000/s, an hour", 10000000, 36000000000ULL },
};

static void rate_desc(const struct rate_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rate, rate_rows, rate_desc);

/* Empty a full byte bucket in requests of at most 2^31. */
static void drain(struct kunit *test, struct kvblk_throttle *t, u64 now)
{
	s64 left;

	while ((left = bytes(t, now)) > 0)
		KUNIT_ASSERT_EQ(test, take_bytes(t, min_t(s64, left, 1U << 31),
						 now), 0);
}

/* One waits as long as it is told and never longer: the k-th comes on time. */
static void patient_driver(struct kunit *test)
{
	const struct rate_row *row = test->param_value;
	struct kvblk_throttle *t = test->priv;
	u64 start = 12345678901ULL, now = start;
	unsigned int k;

	kvblk_throttle_set(t, BYTES, row->rate, row->burst, now);
	drain(test, t, now);
	for (k = 1; k <= 3000; k++) {
		now += take_bytes(t, 1, now);
		KUNIT_ASSERT_EQ(test, now - start, earning(k, row->rate));
		KUNIT_ASSERT_EQ(test, take_bytes(t, 1, now), 0);
	}
}

/*
 * Comes at any time and takes what there is. By then exactly what was earned
 * has passed, so that over any window the number is right to one request.
 */
static void greedy_driver(struct kunit *test)
{
	const struct rate_row *row = test->param_value;
	struct prng p = { .state = row->rate * 77 + row->burst };
	struct kvblk_throttle *t = test->priv;
	u64 burst = max(row->burst, 2 * row->rate);
	u64 start = 987654321, now = start, taken = 0, n;
	unsigned int round;

	kvblk_throttle_set(t, BYTES, row->rate, burst, now);
	drain(test, t, now);
	for (round = 0; round < 3000; round++) {
		/* Less than a second: two of them are never earned. */
		now += prng_below(&p, SEC);
		n = earned(now - start, row->rate) - taken;
		KUNIT_ASSERT_EQ(test, bytes(t, now), n);
		KUNIT_ASSERT_NE(test, take_bytes(t, n + 1, now), 0);
		KUNIT_ASSERT_EQ(test, take_bytes(t, n, now), 0);
		taken += n;
	}
}

/* In a month not one token is lost or made, whatever the sampling. */
static void no_drift(struct kunit *test)
{
	const u64 rate = 3333333, start = 5 * SEC + 1;
	struct prng p = { .state = 0x6b76626c6b2d7431ULL };
	struct kvblk_throttle *t = test->priv;
	u64 now = start, taken = 0;
	s64 left;

	kvblk_throttle_set(t, BYTES, rate, 600 * rate, now);
	while (now < start + 30 * DAY) {
		left = 600 * rate + earned(now - start, rate) - taken;
		KUNIT_ASSERT_EQ(test, bytes(t, now), left);
		/* All of it, so that ten minutes never fill the bucket. */
		KUNIT_ASSERT_EQ(test, take_bytes(t, left, now), 0);
		taken += left;
		now += prng_below(&p, 128) ? prng_below(&p, 2 * SEC) :
		       prng_below(&p, 300) * SEC;
	}
	KUNIT_EXPECT_GE(test, taken, 30 * 86400 * rate);
}

/* From the moment it is told to the moment it passes, for any history. */
static void wait_is_exact(struct kunit *test)
{
	struct prng p = { .state = 0x6b76626c6b2d7432ULL };
	struct kvblk_throttle *t = test->priv;
	u64 now = 0, rate, wait;
	unsigned int round, waits = 0;
	u32 n;

	for (round = 0; round < 20000; round++) {
		if (!(round % 100)) {
			rate = 1 + (prng_next(&p) >> (24 + prng_below(&p, 40)));
			kvblk_throttle_set(t, BYTES, rate,
					   rate * (1 + prng_below(&p, 3600)),
					   now);
		}
		n = prng_next(&p) >> (32 + prng_below(&p, 32));
		wait = take_bytes(t, n, now);
		if (wait) {
			waits++;
			KUNIT_ASSERT_EQ(test, take_bytes(t, n, now + wait - 1),
					1);
			now += wait;
			KUNIT_ASSERT_EQ(test, take_bytes(t, n, now), 0);
		}
		/* Debts of a hundred years would use up the clock. */
		if (now > 1000 * DAY) {
			kvblk_throttle_init(t);
			round += 99 - round % 100;
			now = 0;
		}
	}
	KUNIT_EXPECT_GT(test, waits, 1000);
}

static const struct set_row {
	const char *name;
	u64 rate;
	u64 burst;
	u32 taken;
	u64 new_rate;
	u64 new_burst;
	s64 balance;
} set_rows[] = {
	{ "faster", 100, 100, 40, 1000, 1000, 60 },
	{ "slower", 1000, 1000, 940, 100, 100, 60 },
	{ "slower, cut", 1000, 1000, 100, 100, 300, 300 },
	{ "same", 100, 100, 40, 100, 100, 60 },
	{ "longer burst stays as full", 100, 100, 0, 100, 360000, 100 },
	{ "debt, faster", 100, 100, 400, 100000, 100000, -300 },
	{ "debt, slower", 100000, 100000, 100300, 1, 3600, -300 },
	{ "empty", 100, 100, 100, 7, 7, 0 },
	{ "odd rates", 7, 7, 3, 13, 13, 4 },
	{ "fastest to slowest", RATE_MAX, 3600 * RATE_MAX, 0, 1, 1, 1 },
	{ "slowest to fastest", 1, 3600, 600, RATE_MAX, RATE_MAX, 3000 },
	{ "largest debt to fastest", 1, 1, U32_MAX, RATE_MAX, 3600 * RATE_MAX,
	  1 - (s64)U32_MAX },
	{ "largest debt to slowest", 5, 5, U32_MAX, 1, 1, 5 - (s64)U32_MAX },
};

static void set_desc(const struct set_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(set, set_rows, set_desc);

static void change_keeps_balance(struct kunit *test)
{
	const struct set_row *row = test->param_value;
	struct kvblk_throttle *t = test->priv;
	u64 now = 1000 * DAY + 3;

	kvblk_throttle_set(t, BYTES, row->rate, row->burst, now);
	KUNIT_ASSERT_EQ(test, take_bytes(t, row->taken, now), 0);
	kvblk_throttle_set(t, BYTES, row->new_rate, row->new_burst, now);
	KUNIT_EXPECT_EQ(test, bytes(t, now), row->balance);
	/* The new rate counts from now on. */
	KUNIT_EXPECT_EQ(test, bytes(t, now + SEC),
			min_t(s64, row->balance + row->new_rate,
			      row->new_burst));
}

/* Many changes at odd moments neither make nor lose a fraction of a token. */
static void changes_do_not_leak(struct kunit *test)
{
	static const u64 rates[] = { 7, 11, 13, 9999991, 3, 1000003 };
	struct prng p = { .state = 0x6b76626c6b2d7433ULL };
	struct kvblk_throttle *t = test->priv;
	u64 now = 0, nano = 0, rate = 7;
	unsigned int i;

	kvblk_throttle_set(t, BYTES, rate, 3600 * rate, now);
	KUNIT_ASSERT_EQ(test, take_bytes(t, 3600 * rate + 1000000, 0), 0);
	for (i = 0; i < 10000; i++) {
		u64 step = prng_below(&p, 100000);

		now += step;
		nano += step * rate;
		rate = rates[i % ARRAY_SIZE(rates)];
		kvblk_throttle_set(t, BYTES, rate, 3600 * rate, now);
		KUNIT_ASSERT_EQ(test, bytes(t, now),
				(s64)div64_u64(nano, SEC) - 1000000);
		/* Debt throughout, so that no burst can cut anything. */
		KUNIT_ASSERT_TRUE(test, nano < 1000000 * SEC);
	}
	KUNIT_EXPECT_GT(test, nano, 100000 * SEC);
}

static void limit_lifted_and_back(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;

	kvblk_throttle_set(t, BYTES, 100, 100, 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 400, 0), 0);
	kvblk_throttle_set(t, BYTES, 0, 0, 1);
	KUNIT_EXPECT_FALSE(test, t->limited);
	KUNIT_EXPECT_EQ(test, take_bytes(t, U32_MAX, 2), 0);
	kvblk_throttle_set(t, BYTES, 50, 60, 3);
	KUNIT_EXPECT_EQ(test, bytes(t, 3), 60);
}

/* A shorter burst counts for what follows; the wait is that of the new rate. */
static void change_while_waiting(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;

	kvblk_throttle_set(t, OPS, 1, 1, 0);
	KUNIT_EXPECT_EQ(test, take_op(t, 0), 0);
	KUNIT_EXPECT_EQ(test, take_op(t, SEC / 2), SEC / 2);
	kvblk_throttle_set(t, OPS, 1000, 1000, SEC / 2);
	KUNIT_EXPECT_EQ(test, take_op(t, SEC / 2), SEC / 2000);
	kvblk_throttle_set(t, OPS, 1, 1, SEC / 2);
	KUNIT_EXPECT_EQ(test, take_op(t, SEC / 2), SEC / 2);
}

static void all_or_nothing(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;

	kvblk_throttle_set(t, OPS, 10, 10, 0);
	kvblk_throttle_set(t, BYTES, 1000, 1000, 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 1000, 0), 0);
	KUNIT_EXPECT_EQ(test, ops(t, 0), 9);
	/* Bytes are missing: no operation is charged. */
	KUNIT_EXPECT_EQ(test, take_bytes(t, 500, 0), SEC / 2);
	KUNIT_EXPECT_EQ(test, ops(t, 0), 9);
	KUNIT_EXPECT_EQ(test, bytes(t, 0), 0);
	/* Without bytes it passes, until operations are missing too. */
	while (ops(t, 0) > 0)
		KUNIT_ASSERT_EQ(test, take_bytes(t, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 0, 0), SEC / 10);
	/* The longer wait is told, whichever bucket asks for it. */
	KUNIT_EXPECT_EQ(test, take_bytes(t, 500, 0), SEC / 2);
	KUNIT_EXPECT_EQ(test, take_bytes(t, 50, 0), SEC / 10);
	/* Operations are missing: no byte is charged. */
	KUNIT_EXPECT_NE(test, take_bytes(t, 50, SEC / 20), 0);
	KUNIT_EXPECT_EQ(test, bytes(t, SEC / 20), 50);
}

static const struct concern_row {
	const char *name;
	bool read;
	bool write;
	s64 left[KVBLK_BUCKET_NR];
} concern_rows[] = {
	{ "read", true, false, { 99, 99, 100, 93, 93, 100 } },
	{ "write", false, true, { 99, 100, 99, 93, 100, 93 } },
	{ "neither", false, false, { 99, 100, 100, 93, 100, 100 } },
};

static void concern_desc(const struct concern_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(concern, concern_rows, concern_desc);

static void buckets_concerned(struct kunit *test)
{
	const struct concern_row *row = test->param_value;
	struct kvblk_throttle *t = test->priv;
	unsigned int id;

	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		kvblk_throttle_set(t, id, 100, 100, 0);
	KUNIT_EXPECT_EQ(test, kvblk_throttle_take(t, row->read, row->write, 7,
						  0), 0);
	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		KUNIT_EXPECT_EQ_MSG(test, kvblk_throttle_balance(t, id, 0),
				    row->left[id], "bucket %u", id);
}

/* A look at the balance, for display, must not change it. */
static void balance_only_looks(struct kunit *test)
{
	struct kvblk_throttle *t = test->priv;
	u64 now;

	kvblk_throttle_set(t, OPS, 3, 3, 0);
	while (ops(t, 0))
		KUNIT_ASSERT_EQ(test, take_op(t, 0), 0);
	for (now = 0; now < SEC / 3; now += 1000003)
		KUNIT_EXPECT_EQ(test, ops(t, now), 0);
	KUNIT_EXPECT_EQ(test, ops(t, 333333333), 0);
	KUNIT_EXPECT_EQ(test, ops(t, 333333334), 1);
	KUNIT_EXPECT_EQ(test, take_op(t, 333333333), 1);
}

static struct kunit_case throttle_cases[] = {
	KUNIT_CASE(no_limit),
	KUNIT_CASE(starts_full),
	KUNIT_CASE_PARAM(wait_for_it, wait_gen_params),
	KUNIT_CASE(debt_is_paid_first),
	KUNIT_CASE(idle_earns_the_burst),
	KUNIT_CASE_PARAM(patient_driver, rate_gen_params),
	KUNIT_CASE_PARAM(greedy_driver, rate_gen_params),
	KUNIT_CASE(no_drift),
	KUNIT_CASE(wait_is_exact),
	KUNIT_CASE_PARAM(change_keeps_balance, set_gen_params),
	KUNIT_CASE(changes_do_not_leak),
	KUNIT_CASE(limit_lifted_and_back),
	KUNIT_CASE(change_while_waiting),
	KUNIT_CASE(all_or_nothing),
	KUNIT_CASE_PARAM(buckets_concerned, concern_gen_params),
	KUNIT_CASE(balance_only_looks),
	{}
};

static struct kunit_suite throttle_suite = {
	.name = "kvblk_throttle",
	.init = throttle_test_init,
	.test_cases = throttle_cases,
};

kunit_test_suite(throttle_suite);
