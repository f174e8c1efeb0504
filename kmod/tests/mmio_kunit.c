// SPDX-License-Identifier: GPL-2.0
/* Registers as the guest sees them: what is shown, gates, status machine, reset. */
#include <kunit/test.h>
#include "mmio_test.h"

static u32 word_after_reset(u32 offset)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return 0x74726976;
	case VIRTIO_MMIO_VERSION:
	case VIRTIO_MMIO_DEVICE_ID:
		return 2;
	case VIRTIO_MMIO_VENDOR_ID:
		return KVBLK_MMIO_VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return (u32)OFFERED;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return QUEUE_MAX;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return 0xffffffff;
	default:
		return 0;
	}
}

static void expect_window(struct kunit *test, const struct mmio_test *mt,
			  u32 generation)
{
	u32 offset, want;

	for (offset = 0; offset < KVBLK_MMIO_CONFIG; offset += 4) {
		want = word_after_reset(offset);
		if (offset == VIRTIO_MMIO_CONFIG_GENERATION)
			want = generation;
		KUNIT_EXPECT_EQ_MSG(test, rd(mt, offset), want, "register %#x",
				    offset);
	}
	KUNIT_EXPECT_MEMEQ(test, (u8 *)mt->m.page + KVBLK_MMIO_CONFIG, config,
			   sizeof(config));
	for (offset = KVBLK_MMIO_CONFIG + sizeof(config);
	     offset < KVBLK_MMIO_SIZE; offset += 4)
		KUNIT_EXPECT_EQ(test, rd(mt, offset), 0);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].num, QUEUE_MAX);
	KUNIT_EXPECT_FALSE(test, mt->m.vq[0].ready);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].desc, 0);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].avail, 0);
	KUNIT_EXPECT_EQ(test, mt->m.vq[0].used, 0);
}

static void after_init(struct kunit *test)
{
	expect_window(test, test->priv, 0);
}

static void read_widths(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	struct kvblk_mmio *m = &mt->m;

	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0x100, 1), 0x11);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0x101, 2), 0x3322);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0x103, 4), 0x77665544);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0x100, 8),
			0x8877665544332211ULL);
	/* Over the end of the configuration space: zeros. */
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0x108, 8), 0xccbbaa99);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0, 2), 0x6976);
	/* To the end of the window and beyond. */
	((u8 *)m->page)[4095] = 0x5a;
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 4095, 1), 0x5a);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 4088, 8), 0x5aULL << 56);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 4092, 8), 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 4096, 1), 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0xffffffff, 8), 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_read(m, 0, 16), 0);
}

/* Neither width nor place nor register is right: nothing happens. */
static void odd_writes(struct kunit *test)
{
	static const u32 dead[] = {
		VIRTIO_MMIO_MAGIC_VALUE, VIRTIO_MMIO_VERSION,
		VIRTIO_MMIO_DEVICE_ID, VIRTIO_MMIO_VENDOR_ID,
		VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_SHM_LEN_LOW,
		VIRTIO_MMIO_SHM_BASE_HIGH, 0x18, 0x28, 0x3c, 0x54, 0x74, 0x88,
		0x98, 0xa8, 0xc0, 0xf8, VIRTIO_MMIO_CONFIG_GENERATION,
		VIRTIO_MMIO_STATUS + 1, VIRTIO_MMIO_QUEUE_SEL + 2,
	};
	static const u32 widths[] = { 0, 1, 2, 8 };
	struct mmio_test *mt = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dead); i++)
		KUNIT_EXPECT_EQ_MSG(test, wr(mt, dead[i], 1), REFUSED,
				    "register %#x", dead[i]);
	for (i = 0; i < ARRAY_SIZE(widths); i++)
		KUNIT_EXPECT_EQ(test, kvblk_mmio_write(&mt->m,
						       VIRTIO_MMIO_STATUS,
						       widths[i], A), REFUSED);
	for (i = KVBLK_MMIO_CONFIG; i < KVBLK_MMIO_SIZE; i += 4)
		KUNIT_EXPECT_EQ(test, wr(mt, i, 0xffffffff), NONE);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_write(&mt->m, 0x100, 8, 7), NONE);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_SHM_SEL, 1), NONE);
	expect_window(test, mt, 0);
}

static void device_features(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DEVICE_FEATURES), 1);
	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0xffffffff);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DEVICE_FEATURES),
			(u32)OFFERED);
	/* The selectors themselves cannot be read. */
	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL), 0);
}

static void driver_features(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 2), REFUSED);
	wr(mt, VIRTIO_MMIO_STATUS, A);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 2), REFUSED);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0);
	wr(mt, VIRTIO_MMIO_STATUS, A | D);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff),
			NONE);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x80000001),
			NONE);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0x80000001ffffffffULL);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x240);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0x8000000100000240ULL);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0), NONE);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 1), REFUSED);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0x8000000100000240ULL);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_DRIVER_FEATURES), 0);
}

static void features_negotiated(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	u32 ready = A | D | F_OK;

	start(test, mt, D);
	/* VERSION_1 is missing, then a bit is not offered. */
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x240);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, ready), REFUSED);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), A | D);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 1);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x240 | BIT(13));
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, ready), REFUSED);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), A | D);
	wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x240);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, ready), NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), ready);
	/* From here on they are settled. */
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x40),
			REFUSED);
	KUNIT_EXPECT_EQ(test, mt->m.driver,
			BIT_ULL(VIRTIO_F_VERSION_1) | 0x240);
}

/* A front end without registers hands them over as a whole, until settled. */
static void features_accepted(struct kunit *test)
{
	u64 good = BIT_ULL(VIRTIO_F_VERSION_1) | 0x240;
	struct mmio_test *mt = test->priv;

	KUNIT_EXPECT_EQ(test, kvblk_mmio_accept(&mt->m, 0x240), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_accept(&mt->m, good | BIT(13)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_accept(&mt->m, OFFERED), 0);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_accept(&mt->m, good), 0);
	KUNIT_EXPECT_EQ(test, mt->m.driver, good);
	set_status(mt, A | D | F_OK);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_accept(&mt->m, OFFERED), -EBUSY);
	KUNIT_EXPECT_EQ(test, mt->m.driver, good);
}

/* The rules as a list of what is allowed, the driver's features being good. */
static enum kvblk_mmio_act status_rule(u32 from, u32 to)
{
	static const struct {
		u32 from;
		u32 to;
		enum kvblk_mmio_act act;
	} legal[] = {
		{ 0x0, 0x1, NONE },
		{ 0x1, 0x3, NONE },
		{ 0x3, 0xb, NONE },
		{ 0xb, 0xf, KVBLK_MMIO_START },
	};
	unsigned int i;

	if (!to)
		return KVBLK_MMIO_RESET;
	if (to == from)
		return NONE;
	if (!(from & 0x80) && to == from + 0x80)
		return KVBLK_MMIO_FAILED;
	for (i = 0; i < ARRAY_SIZE(legal); i++)
		if (from == legal[i].from && to == legal[i].to)
			return legal[i].act;
	return REFUSED;
}

static void every_status_step(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	enum kvblk_mmio_act want;
	u32 from, to, after;

	mt->m.driver = OFFERED;
	for (from = 0; from < 0x100; from++) {
		for (to = 0; to < 0x200; to++) {
			set_status(mt, from);
			want = status_rule(from, to);
			KUNIT_ASSERT_EQ_MSG(test,
					    wr(mt, VIRTIO_MMIO_STATUS, to),
					    want, "%#x to %#x", from, to);
			after = want == REFUSED || want == KVBLK_MMIO_RESET ?
				from : to;
			KUNIT_ASSERT_EQ_MSG(test, kvblk_mmio_status(&mt->m),
					    after, "%#x to %#x", from, to);
		}
	}
}

static void needs_reset(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	start(test, mt, D_OK);
	kvblk_mmio_needs_reset(&mt->m);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), 0x4f);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS),
			KVBLK_INT_CONFIG);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, 0xf), REFUSED);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), 0x4f);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, 0x8f), REFUSED);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, 0xcf),
			KVBLK_MMIO_FAILED);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), 0xcf);
}

static void notify(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	u32 status;

	for (status = 0; status < 0x100; status++) {
		set_status(mt, status);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY, 0),
				KVBLK_MMIO_NOTIFY);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_QUEUE_NOTIFY,
					 KVBLK_MMIO_QUEUES), REFUSED);
	}
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_QUEUE_NOTIFY), 0);
}

static void interrupts(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	kvblk_mmio_raise(&mt->m, KVBLK_INT_VRING);
	kvblk_mmio_raise(&mt->m, KVBLK_INT_VRING | KVBLK_INT_CONFIG);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_INTERRUPT_ACK, 1), NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_INTERRUPT_ACK, 0), NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	kvblk_mmio_raise(&mt->m, KVBLK_INT_VRING);
	kvblk_mmio_ack(&mt->m, KVBLK_INT_CONFIG);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff),
			NONE);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_INTERRUPT_ACK), 0);
}

static void disturb(struct kunit *test, struct mmio_test *mt)
{
	start(test, mt, F_OK);
	wr(mt, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	wr(mt, VIRTIO_MMIO_QUEUE_NUM, 64);
	wr(mt, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
	wr(mt, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0x2000);
	wr(mt, VIRTIO_MMIO_QUEUE_USED_LOW, 0x3000);
	wr(mt, VIRTIO_MMIO_QUEUE_READY, 1);
	wr(mt, VIRTIO_MMIO_STATUS, A | D | F_OK | D_OK);
	wr(mt, VIRTIO_MMIO_QUEUE_SEL, 5);
	kvblk_mmio_raise(&mt->m, KVBLK_INT_VRING);
	kvblk_mmio_needs_reset(&mt->m);
}

/* Writing 0 only asks; begin shuts the device; done makes it new. */
static void reset(struct kunit *test)
{
	struct mmio_test *mt = test->priv;
	u32 cycle;

	for (cycle = 1; cycle <= 16; cycle++) {
		disturb(test, mt);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, 0),
				KVBLK_MMIO_RESET);
		KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), 0x4f);
		KUNIT_EXPECT_TRUE(test, mt->m.vq[0].ready);

		kvblk_mmio_reset_begin(&mt->m);
		KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), BROKEN);
		KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_CONFIG_GENERATION),
				cycle - 1);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, BROKEN | A),
				REFUSED);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, A), REFUSED);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0),
				REFUSED);
		wr(mt, VIRTIO_MMIO_QUEUE_SEL, 0);
		expect_queue_writes(test, mt, REFUSED);
		wr(mt, VIRTIO_MMIO_QUEUE_SEL, 5);
		wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, 0),
				KVBLK_MMIO_RESET);

		kvblk_mmio_reset_done(&mt->m);
		expect_window(test, mt, cycle);
	}
	/* The selectors begin at 0 as well. */
	start(test, mt, D);
	KUNIT_EXPECT_EQ(test, wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 0x240), NONE);
	KUNIT_EXPECT_EQ(test, mt->m.driver, 0x240);
}

static void generation_wraps(struct kunit *test)
{
	struct mmio_test *mt = test->priv;

	memset(mt->m.page + VIRTIO_MMIO_CONFIG_GENERATION, 0xff, 4);
	kvblk_mmio_reset_begin(&mt->m);
	kvblk_mmio_reset_done(&mt->m);
	KUNIT_EXPECT_EQ(test, rd(mt, VIRTIO_MMIO_CONFIG_GENERATION), 0);
}

static struct kunit_case mmio_cases[] = {
	KUNIT_CASE(after_init),
	KUNIT_CASE(read_widths),
	KUNIT_CASE(odd_writes),
	KUNIT_CASE(device_features),
	KUNIT_CASE(driver_features),
	KUNIT_CASE(features_negotiated),
	KUNIT_CASE(features_accepted),
	KUNIT_CASE(every_status_step),
	KUNIT_CASE(needs_reset),
	KUNIT_CASE(notify),
	KUNIT_CASE(interrupts),
	KUNIT_CASE(reset),
	KUNIT_CASE(generation_wraps),
	{}
};

static struct kunit_suite mmio_suite = {
	.name = "kvblk_mmio",
	.init = mmio_test_init,
	.test_cases = mmio_cases,
};

kunit_test_suite(mmio_suite);
