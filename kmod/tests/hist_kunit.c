// SPDX-License-Identifier: GPL-2.0
/* Histograms: every number has one bucket, every request is counted once in each stage. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include "../hist.h"

static void edges(struct kunit *test)
{
	static const struct {
		u64 ns;
		unsigned int bucket;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 2 }, { 4, 3 }, { 1023, 10 },
		{ 1024, 11 }, { (1ULL << 38) - 1, 38 }, { 1ULL << 38, 39 },
		{ 1ULL << 39, 39 }, { 1ULL << 63, 39 }, { U64_MAX, 39 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		KUNIT_EXPECT_EQ_MSG(test, rows[i].bucket, kvblk_hist_bucket(rows[i].ns),
				    "%llu", (unsigned long long)rows[i].ns);
}

/* The buckets lie side by side: the floor of each is in it, one less is in the one below. */
static void floors(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0ULL, kvblk_hist_floor(0));
	for (i = 1; i < KVBLK_HIST_BUCKETS; i++) {
		KUNIT_EXPECT_EQ(test, i, kvblk_hist_bucket(kvblk_hist_floor(i)));
		KUNIT_EXPECT_EQ(test, i - 1, kvblk_hist_bucket(kvblk_hist_floor(i) - 1));
	}
}

static void add(struct kunit *test)
{
	struct kvblk_hist h = { .total = 0 };

	kvblk_hist_add(&h, 0);
	kvblk_hist_add(&h, 5);
	kvblk_hist_add(&h, 7);
	kvblk_hist_add(&h, 1ULL << 50);
	KUNIT_EXPECT_EQ(test, (1ULL << 50) + 12, h.total);
	KUNIT_EXPECT_EQ(test, 1ULL, h.bucket[0]);
	KUNIT_EXPECT_EQ(test, 2ULL, h.bucket[3]);
	KUNIT_EXPECT_EQ(test, 1ULL, h.bucket[KVBLK_HIST_BUCKETS - 1]);
}

static u64 count(const struct kvblk_hists *hists, enum kvblk_kind kind,
		 enum kvblk_stage stage)
{
	u64 n = 0;
	int i;

	for (i = 0; i < KVBLK_HIST_BUCKETS; i++)
		n += hists->hist[kind][stage].bucket[i];
	return n;
}

/* Through all stages, back to an earlier one, and to the end. */
static void laps(struct kunit *test)
{
	struct kvblk_hists *hists = kunit_kzalloc(test, sizeof(*hists), GFP_KERNEL);
	const struct kvblk_hist *h;
	struct kvblk_lap lap;
	int kind, stage;

	KUNIT_ASSERT_NOT_NULL(test, hists);
	h = hists->hist[KVBLK_KIND_WRITE];
	kvblk_lap_init(&lap, KVBLK_STAGE_WORKER, 1000);
	kvblk_lap_to(&lap, KVBLK_STAGE_THROTTLE, 1001);
	kvblk_lap_to(&lap, KVBLK_STAGE_BACKING, 1011);
	kvblk_lap_to(&lap, KVBLK_STAGE_PUBLISH, 1111);
	kvblk_lap_to(&lap, KVBLK_STAGE_BACKING, 1112);
	kvblk_lap_to(&lap, KVBLK_STAGE_PUBLISH, 2112);
	kvblk_lap_end(&lap, 2312, hists, KVBLK_KIND_WRITE);

	KUNIT_EXPECT_EQ(test, 1ULL, h[KVBLK_STAGE_WORKER].total);
	KUNIT_EXPECT_EQ(test, 10ULL, h[KVBLK_STAGE_THROTTLE].total);
	KUNIT_EXPECT_EQ(test, 1100ULL, h[KVBLK_STAGE_BACKING].total);
	KUNIT_EXPECT_EQ(test, 201ULL, h[KVBLK_STAGE_PUBLISH].total);
	for (kind = 0; kind < KVBLK_KIND_NR; kind++) {
		for (stage = 0; stage < KVBLK_STAGE_NR; stage++)
			KUNIT_EXPECT_EQ(test, (u64)(kind == KVBLK_KIND_WRITE),
					count(hists, kind, stage));
	}
}

/* What began elsewhere brings nothing from there. */
static void begin_late(struct kunit *test)
{
	struct kvblk_hists *hists = kunit_kzalloc(test, sizeof(*hists), GFP_KERNEL);
	const struct kvblk_hist *h;
	struct kvblk_lap lap;

	KUNIT_ASSERT_NOT_NULL(test, hists);
	h = hists->hist[KVBLK_KIND_READ];
	lap.spent[KVBLK_STAGE_WORKER] = 99;
	kvblk_lap_init(&lap, KVBLK_STAGE_THROTTLE, 500);
	kvblk_lap_end(&lap, 700, hists, KVBLK_KIND_READ);
	KUNIT_EXPECT_EQ(test, 200ULL, h[KVBLK_STAGE_THROTTLE].total);
	KUNIT_EXPECT_EQ(test, 1ULL, h[KVBLK_STAGE_WORKER].bucket[0]);
}

/* Processors' clocks may differ a little: no time is ever negative. */
static void clock_goes_back(struct kunit *test)
{
	struct kvblk_lap lap;

	kvblk_lap_init(&lap, KVBLK_STAGE_WORKER, 1000);
	kvblk_lap_to(&lap, KVBLK_STAGE_BACKING, 900);
	kvblk_lap_to(&lap, KVBLK_STAGE_PUBLISH, 950);
	kvblk_lap_to(&lap, KVBLK_STAGE_PUBLISH, 1005);
	KUNIT_EXPECT_EQ(test, 0ULL, lap.spent[KVBLK_STAGE_WORKER]);
	KUNIT_EXPECT_EQ(test, 0ULL, lap.spent[KVBLK_STAGE_BACKING]);
	KUNIT_EXPECT_EQ(test, 5ULL, lap.spent[KVBLK_STAGE_PUBLISH]);
}

static void sum(struct kunit *test)
{
	struct kvblk_hists *hists = kunit_kzalloc(test, 3 * sizeof(*hists), GFP_KERNEL);
	struct kvblk_hist total = { .total = 99 };
	int i;

	KUNIT_ASSERT_NOT_NULL(test, hists);
	for (i = 0; i < 3; i++)
		kvblk_hist_add(&hists[i].hist[KVBLK_KIND_FLUSH][KVBLK_STAGE_BACKING],
			       1 << i);
	kvblk_hist_sum(hists, 3, KVBLK_KIND_FLUSH, KVBLK_STAGE_BACKING, &total);
	KUNIT_EXPECT_EQ(test, 7ULL, total.total);
	for (i = 0; i < KVBLK_HIST_BUCKETS; i++)
		KUNIT_EXPECT_EQ(test, (u64)(i >= 1 && i <= 3), total.bucket[i]);
	kvblk_hist_sum(hists, 3, KVBLK_KIND_FLUSH, KVBLK_STAGE_PUBLISH, &total);
	KUNIT_EXPECT_EQ(test, 0ULL, total.total);
}

static struct kunit_case hist_cases[] = {
	KUNIT_CASE(edges),
	KUNIT_CASE(floors),
	KUNIT_CASE(add),
	KUNIT_CASE(laps),
	KUNIT_CASE(begin_late),
	KUNIT_CASE(clock_goes_back),
	KUNIT_CASE(sum),
	{}
};

static struct kunit_suite hist_suite = {
	.name = "kvblk_hist",
	.test_cases = hist_cases,
};

kunit_test_suite(hist_suite);
