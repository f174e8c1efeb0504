// SPDX-License-Identifier: GPL-2.0
/* Registers as the guest sees them: what is shown, gates, status machine, reset. */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "../mmio.h"

#define OFFERED		(BIT_ULL(VIRTIO_F_VERSION_1) | 0x30000246)
#define QUEUE_MAX	256

#define A	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define D	VIRTIO_CONFIG_S_DRIVER
#define F_OK	VIRTIO_CONFIG_S_FEATURES_OK
#define D_OK	VIRTIO_CONFIG_S_DRIVER_OK
#define BROKEN	VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED	VIRTIO_CONFIG_S_FAILED

#define NONE	KVBLK_MMIO_NONE
#define REFUSED	KVBLK_MMIO_REFUSED

static const u8 config[] = {
	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
};

struct mmio_test {
	struct kvblk_mmio m;
	bool queue_bad;
	struct kvblk_vq_config asked;	/* last argument of queue_ok() */
	unsigned int asks;
};

static bool queue_ok(struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	struct mmio_test *mt = container_of(m, struct mmio_test, m);

	mt->asks++;
	mt->asked = *vq;
	return !mt->queue_bad;
}

static int mmio_test_init(struct kunit *test)
{
	struct mmio_test *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);

	if (!mt)
		return -ENOMEM;
	mt->m.page = kunit_kzalloc(test, KVBLK_MMIO_SIZE, GFP_KERNEL);
	if (!mt->m.page)
		return -ENOMEM;
	mt->m.offered = OFFERED;
	mt->m.queue_max = QUEUE_MAX;
	mt->m.queue_ok = queue_ok;
	kvblk_mmio_init(&mt->m, config, sizeof(config));
	test->priv = mt;
	return 0;
}

static enum kvblk_mmio_act wr(struct mmio_test *mt, u32 offset, u32 value)
{
	return kvblk_mmio_write(&mt->m, offset, 4, value);
}

static u32 rd(const struct mmio_test *mt, u32 offset)
{
	return kvblk_mmio_read(&mt->m, offset, 4);
}

/* Steps of a driver's start, up to and including @last. */
static void start(struct kunit *test, struct mmio_test *mt, u32 last)
{
	static const u32 steps[] = { A, A | D, A | D | F_OK,
				     A | D | F_OK | D_OK };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] == (A | D | F_OK)) {
			wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
			wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 1);
		}
		KUNIT_ASSERT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, steps[i]),
				steps[i] & D_OK ? KVBLK_MMIO_START : NONE);
		if (steps[i] & last)
			break;
	}
	KUNIT_ASSERT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), steps[i]);
}

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

static void set_status(struct mmio_test *mt, u32 status)
{
	((u8 *)mt->m.page)[VIRTIO_MMIO_STATUS] = status;
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

static const u32 queue_registers[] = {
	VIRTIO_MMIO_QUEUE_NUM,
	VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH,
	VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
	VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH,
};

static void expect_queue_writes(struct kunit *test, struct mmio_test *mt,
				enum kvblk_mmio_act want)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queue_registers); i++)
		KUNIT_EXPECT_EQ_MSG(test, wr(mt, queue_registers[i], 16), want,
				    "status %#x, register %#x",
				    rd(mt, VIRTIO_MMIO_STATUS),
				    queue_registers[i]);
}

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
	KUNIT_CASE(every_status_step),
	KUNIT_CASE(needs_reset),
	KUNIT_CASE(queue_window),
	KUNIT_CASE(queue_num),
	KUNIT_CASE(queue_select),
	KUNIT_CASE(queue_addresses),
	KUNIT_CASE(queue_ready),
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
