// SPDX-License-Identifier: GPL-2.0
/* How a driver sets up a queue by registers, and when it may. */
#include <kunit/test.h>
#include "mmio_test.h"

/* Between FEATURES_OK and DRIVER_OK; more bits do not close the window. */
static void queue_window(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	const u32 need = A | D | F_OK;
	u32 status;
	bool open;

	for (status = 0; status < 0x100; status++) {
		set_status(mt, status);
		open = (status & need) == need && !(status & D_OK);
		expect_queue_writes(test, mt, open ? NONE : REFUSED);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 1),
				open ? NONE : REFUSED);
		KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), open);
		set_status(mt, need);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 0), NONE);
		set_status(mt, status);
		/* Writing what it is already is no offence in any state. */
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 0), NONE);
	}
}

static void queue_num(struct kunit *test)
{
	static const struct {
		u32 value;
		bool good;
	} rows[] = {
		{ 1, true }, { 2, true }, { 64, true }, { 256, true },
		{ 0, false }, { 3, false }, { 255, false }, { 257, false },
		{ 512, false }, { 0x10000, false }, { 0x10100, false },
		{ 0x80000000, false }, { 0xffffffff, false },
	};
	struct mmio_test *mt = test->priv;
	unsigned int i;

	start(test, mt, F_OK);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].num, QUEUE_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		mt->m.vq[0].num = 16;
		KUNIT_EXPECT_EQ_MSG(test,
				    wr(mt, VIRTIO_MMIO_QUEUE_NUM,
				       rows[i].value),
				    rows[i].good ? NONE : REFUSED, "%u",
				    rows[i].value);
		KUNIT_EXPECT_EQ(test, mt->m.vq[0].num,
				rows[i].good ? rows[i].value : 16);
	}
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM), 0);
}

static void queue_select(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	start(test, mt, F_OK);
	wr(mt, VIRTIO_MMIO_QUEUE_READY, 1);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 1);
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, KVBLK_MMIO_QUEUES);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 0);
	expect_queue_writes(test, mt, REFUSED);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 0), REFUSED);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 1), REFUSED);
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, 0xffffffff);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, 0);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 1);
	KUNIT_EXPECT_EQ(test, mt->asks, 1);
}

static void start_with(struct kunit *test, struct mmio_test *mt, u32 low)
{
	static const u32 steps[] = { A, A | D };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		wr(mt, VIRTIO_MMIO_STATUS, steps[i]);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, low);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	KUNIT_ASSERT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, A | D | F_OK), NONE);
}

/* A driver that accepts MQ has all queues, each with a setting of its own. */
static void several_queues(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	u32 i, num;

	mt->m.queues = KVBLK_MMIO_QUEUES;
	mt->m.offered |= BIT_ULL(VIRTIO_BLK_F_MQ);
	start_with(test, mt, BIT(VIRTIO_BLK_F_MQ));
	KUNIT_EXPECT_EQ(test, kvblk_mmio_queues(&mt->m), KVBLK_MMIO_QUEUES);
	for (i = 0; i < KVBLK_MMIO_QUEUES; i++) {
		wr(mt, VIRTIO_MMIO_QUEUE_SEL, i);
		KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX);
		num = BIT(i & 7);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NUM, num), NONE);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_DESC_LOW, 16 * i), NONE);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, i & 1), NONE);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY, i),
				KVBLK_MMIO_NOTIFY);
	}
	for (i = 0; i < KVBLK_MMIO_QUEUES; i++) {
		KUNIT_EXPECT_EQ(test, mt->m.vq[i].num, BIT(i & 7));
		KUNIT_EXPECT_EQ(test, mt->m.vq[i].desc, 16 * i);
		KUNIT_EXPECT_EQ(test, mt->m.vq[i].ready, i & 1);
	}
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, i);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY, i), REFUSED);
}

/* Which queues there are is settled at FEATURES_OK, also for the one selected before. */
static void queues_without_feature(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	mt->m.queues = 4;
	mt->m.offered |= BIT_ULL(VIRTIO_BLK_F_MQ);
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, 1);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_queues(&mt->m), 4);
	start_with(test, mt, 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_queues(&mt->m), 1);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 1), REFUSED);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY, 1), REFUSED);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY, 0), KVBLK_MMIO_NOTIFY);
	kvblk_mmio_reset_begin(&mt->m);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NUM_MAX), QUEUE_MAX);
	kvblk_mmio_reset_done(&mt->m);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_queues(&mt->m), 4);
}

/* Low half first or last; a half that breaks the alignment leaves the old. */
static void queue_addresses(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	struct kvblk_vq_config *vq = &mt->m.vq[0];
	static const struct {
		u32 low;
		size_t field;
		u32 align;
	} rows[] = {
		{ VIRTIO_MMIO_QUEUE_DESC_LOW,
		  offsetof(struct kvblk_vq_config, desc), 16 },
		{ VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		  offsetof(struct kvblk_vq_config, avail), 2 },
		{ VIRTIO_MMIO_QUEUE_USED_LOW,
		  offsetof(struct kvblk_vq_config, used), 4 },
	};
	unsigned int i;
	u32 low, high, off;
	u64 *addr;

	start(test, mt, F_OK);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		addr = (void *)vq + rows[i].field;
		low = rows[i].low;
		high = low + 4;
		KUNIT_EXPECT_EQ(test, wr(mt, high, 0x12345679), NONE);
		KUNIT_EXPECT_EQ(test, *addr, 0x1234567900000000ULL);
		KUNIT_EXPECT_EQ(test, wr(mt, low, 0x9abcdef0), NONE);
		KUNIT_EXPECT_EQ(test, *addr, 0x123456799abcdef0ULL);
		KUNIT_EXPECT_EQ(test, wr(mt, high, 1), NONE);
		KUNIT_EXPECT_EQ(test, *addr, 0x19abcdef0ULL);
		for (off = 1; off < rows[i].align; off++)
			KUNIT_EXPECT_EQ(test, wr(mt, low, 0x1000 + off),
					REFUSED);
		KUNIT_EXPECT_EQ(test, *addr, 0x19abcdef0ULL);
		KUNIT_EXPECT_EQ(test, wr(mt, low, 0x1000 + off), NONE);
		KUNIT_EXPECT_EQ(test, *addr, 0x100001000ULL + rows[i].align);
		KUNIT_EXPECT_EQ(test, rd(mt, low), 0);
		KUNIT_EXPECT_EQ(test, rd(mt, high), 0);
	}
}

static void queue_ready(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	start(test, mt, F_OK);
	wr(mt, VIRTIO_MMIO_QUEUE_NUM, 64);
	wr(mt, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	wr(mt, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x2000);
	wr(mt, VIRTIO_MMIO_QUEUE_USED_LOW, 0x3000);
	KUNIT_EXPECT_EQ(test, mt->asks, 0);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 2), REFUSED);

	mt->queue_bad = true;
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 1), REFUSED);
	KUNIT_EXPECT_EQ(test, mt->asks, 1);
	KUNIT_EXPECT_EQ(test, mt->asked.num, 64);
	KUNIT_EXPECT_EQ(test, mt->asked.desc, 0x1000);
	KUNIT_EXPECT_EQ(test, mt->asked.avail, 0x2000);
	KUNIT_EXPECT_EQ(test, mt->asked.used, 0x3000);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 0);
	KUNIT_EXPECT_FALSE(test, mt->m.vq[0].ready);

	mt->queue_bad = false;
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 1), NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 1);
	KUNIT_EXPECT_TRUE(test, mt->m.vq[0].ready);
	/* What was checked stays as it is until it is not ready any more. */
	expect_queue_writes(test, mt, REFUSED);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].desc, 0x1000);
	mt->queue_bad = true;
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_READY, 0), NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_READY), 0);
	expect_queue_writes(test, mt, NONE);
}

static struct kunit_case mmio_queue_cases[] = {
	KUNIT_CASE(queue_window),
	KUNIT_CASE(queue_num),
	KUNIT_CASE(queue_select),
	KUNIT_CASE(several_queues),
	KUNIT_CASE(queues_without_feature),
	KUNIT_CASE(queue_addresses),
	KUNIT_CASE(queue_ready),
	{}
};

static struct kunit_suite mmio_queue_suite = {
	.name = "kvblk_mmio_queue",
	.init = mmio_test_init,
	.test_cases = mmio_queue_cases,
};

kunit_test_suite(mmio_queue_suite);
