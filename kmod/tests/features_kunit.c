// SPDX-License-Identifier: GPL-2.0
/* What a disk offers, bit by bit and byte by byte. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include "../features.h"

static const struct kvblk_geometry geometry = {
	.capacity = 0x123456789abcULL * 4096,
	.block_size = 4096,
	.size_max = 0x100000,
	.seg_max = 254,
	.queue_size = 256,
};

static void offered(struct kunit *test)
{
	struct kvblk_geometry geo = geometry;
	u64 always = 1ULL << 32 | 1 << 29 | 1 << 28 | 1 << 9 | 1 << 6 | 1 << 2 |
		     1 << 1;

	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), always);
	geo.read_only = true;
	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), always | 1 << 5);
	KUNIT_EXPECT_EQ(test, kvblk_features_all(), always | 1 << 5 | 1 << 12);
	geo.size_max = KVBLK_SIZE_ANY;
	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), (always & ~(1 << 1)) | 1 << 5);
	geo = geometry;
	geo.queues = 1;
	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), always);
	geo.queues = 2;
	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), always | 1 << 12);
	geo.queues = 64;
	KUNIT_EXPECT_EQ(test, kvblk_features(&geo), always | 1 << 12);
}

static void limits(struct kunit *test)
{
	static const struct {
		u16 queue_size;
		u32 seg_max;
	} rows[] = {
		{ 16, 14 }, { 64, 62 }, { 128, 126 }, { 256, 254 },
		{ 512, 254 }, { 1024, 254 },
	};
	struct kvblk_geometry geo;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		geo = (struct kvblk_geometry){
			.capacity = 1 << 20,
			.block_size = 512,
			.queue_size = rows[i].queue_size,
		};
		kvblk_geometry_init(&geo);
		KUNIT_EXPECT_EQ(test, geo.seg_max, rows[i].seg_max);
		KUNIT_EXPECT_EQ(test, geo.size_max, 1 << 20);
		KUNIT_EXPECT_EQ(test, geo.capacity, 1 << 20);
		KUNIT_EXPECT_EQ(test, geo.block_size, 512);
	}
}

/* Capacity in sectors of 512 bytes, whatever the block size (5.2.4). */
static void config_space(struct kunit *test)
{
	static const u8 want[24] = {
		0xe0, 0xd5, 0xc4, 0xb3, 0xa2, 0x91, 0x00, 0x00,
		0x00, 0x00, 0x10, 0x00, 0xfe, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00,
	};
	struct virtio_blk_config cfg;
	const u8 *byte = (const u8 *)&cfg;
	unsigned int i;

	memset(&cfg, 0xff, sizeof(cfg));
	kvblk_config_fill(&cfg, &geometry);
	KUNIT_EXPECT_MEMEQ(test, byte, want, sizeof(want));
	for (i = sizeof(want); i < sizeof(cfg); i++)
		KUNIT_EXPECT_EQ(test, byte[i], 0);
}

/* num_queues is at 34, little-endian, and only there with the feature (5.2.4). */
static void config_queues(struct kunit *test)
{
	static const u16 rows[] = { 1, 2, 64, 0x102 };
	struct kvblk_geometry geo = geometry;
	struct virtio_blk_config cfg;
	const u8 *byte = (const u8 *)&cfg;
	unsigned int i, k, want;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		geo.queues = rows[i];
		want = rows[i] > 1 ? rows[i] : 0;
		kvblk_config_fill(&cfg, &geo);
		KUNIT_EXPECT_EQ(test, byte[34], want & 0xff);
		KUNIT_EXPECT_EQ(test, byte[35], want >> 8);
		for (k = 24; k < sizeof(cfg); k++)
			KUNIT_EXPECT_TRUE(test, !byte[k] || k == 34 || k == 35);
	}
}

static void feature_names(struct kunit *test)
{
	static const char *const names[64] = {
		[1] = "SIZE_MAX",
		[2] = "SEG_MAX",
		[5] = "RO",
		[6] = "BLK_SIZE",
		[9] = "FLUSH",
		[12] = "MQ",
		[28] = "INDIRECT_DESC",
		[29] = "EVENT_IDX",
		[32] = "VERSION_1",
	};
	struct kvblk_geometry geo = geometry;
	unsigned int bit;

	geo.read_only = true;
	geo.queues = 2;
	for (bit = 0; bit < 64; bit++) {
		KUNIT_EXPECT_EQ(test, !!names[bit],
				kvblk_features(&geo) >> bit & 1);
		if (names[bit])
			KUNIT_EXPECT_STREQ(test, kvblk_feature_name(bit),
					   names[bit]);
		else
			KUNIT_EXPECT_NULL(test, kvblk_feature_name(bit));
	}
	KUNIT_EXPECT_NULL(test, kvblk_feature_name(64));
	KUNIT_EXPECT_NULL(test, kvblk_feature_name(~0U));
}

static void status_names(struct kunit *test)
{
	static const char *const names[32] = {
		"ACKNOWLEDGE", "DRIVER", "DRIVER_OK", "FEATURES_OK", NULL, NULL,
		"NEEDS_RESET", "FAILED",
	};
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		if (names[bit])
			KUNIT_EXPECT_STREQ(test, kvblk_status_name(1U << bit),
					   names[bit]);
		else
			KUNIT_EXPECT_NULL(test, kvblk_status_name(1U << bit));
	}
	KUNIT_EXPECT_NULL(test, kvblk_status_name(0));
	KUNIT_EXPECT_NULL(test, kvblk_status_name(3));
}

static struct kunit_case features_cases[] = {
	KUNIT_CASE(offered),
	KUNIT_CASE(limits),
	KUNIT_CASE(config_space),
	KUNIT_CASE(config_queues),
	KUNIT_CASE(feature_names),
	KUNIT_CASE(status_names),
	{}
};

static struct kunit_suite features_suite = {
	.name = "kvblk_features",
	.test_cases = features_cases,
};

kunit_test_suite(features_suite);
