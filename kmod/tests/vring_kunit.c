// SPDX-License-Identifier: GPL-2.0
/* The device side of a split ring against a driver in the same memory. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include "../vring.h"
#include "guest_ring.h"
#include "prng.h"

#define NUM	8		/* entries, unless a test says otherwise */
#define NUM_MAX	64
#define TABLE	0x10000ULL	/* where guest memory for tables begins */
#define ENTRIES	128		/* descriptors that fit there */

#define NEXT	VRING_DESC_F_NEXT
#define WR	VRING_DESC_F_WRITE
#define IND	VRING_DESC_F_INDIRECT

struct ring_test {
	struct kvblk_guest g;
	struct kvblk_vring vr;
	struct guest_ring drv;
	struct kvblk_chain chain;
	struct kvblk_seg seg[NUM_MAX];
	struct vring_desc table[ENTRIES];
	u32 table_bytes;	/* guest memory ends behind them */
	unsigned int reads;
	int read_error;
	bool wipe;		/* the driver rewrites the table once read */
};

static int table_read(const struct kvblk_guest *g, u64 gpa, void *dst, u32 len)
{
	struct ring_test *rt = container_of(g, struct ring_test, g);
	u64 offset = gpa - TABLE;

	rt->reads++;
	if (rt->read_error)
		return rt->read_error;
	if (!len || offset > rt->table_bytes ||
	    len > rt->table_bytes - offset)
		return -ENXIO;
	memcpy(dst, (u8 *)rt->table + offset, len);
	if (rt->wipe)
		memset((u8 *)rt->table + offset, 0xff, len);
	return 0;
}

static void ring_setup(struct kunit *test, struct ring_test *rt, u16 num)
{
	void *mem = kunit_kzalloc(test, guest_ring_bytes(num), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	guest_ring_init(&rt->drv, mem, num);
	rt->g.read = table_read;
	rt->table_bytes = sizeof(rt->table);
	rt->vr = (struct kvblk_vring){
		.num = num,
		.indirect = true,
		.desc = rt->drv.desc,
		.avail = rt->drv.avail,
		.used = rt->drv.used,
	};
	rt->chain = (struct kvblk_chain){ .seg = rt->seg, .max = NUM_MAX };
}

static int ring_test_init(struct kunit *test)
{
	struct ring_test *rt = kunit_kzalloc(test, sizeof(*rt), GFP_KERNEL);

	if (!rt)
		return -ENOMEM;
	test->priv = rt;
	ring_setup(test, rt, NUM);
	return 0;
}

static void start_at(struct ring_test *rt, u16 idx)
{
	guest_ring_start_at(&rt->drv, idx);
	rt->vr.next_avail = idx;
	rt->vr.next_used = idx;
	rt->vr.published = idx;
}

static int walk(struct ring_test *rt, u16 head)
{
	return kvblk_vring_walk(&rt->vr, head, &rt->g, &rt->chain);
}

static void sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvblk_vring_desc_size(1), 16);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(1), 8);
	KUNIT_EXPECT_EQ(test, kvblk_vring_used_size(1), 14);
	KUNIT_EXPECT_EQ(test, kvblk_vring_desc_size(1024), 16384);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(1024), 2054);
	KUNIT_EXPECT_EQ(test, kvblk_vring_used_size(1024), 8198);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(32768), 65542);
}

static void peek_takes_nothing(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 head = 99;

	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
	KUNIT_EXPECT_EQ(test, head, 99);
	guest_ring_offer(&rt->drv, 5);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	KUNIT_EXPECT_EQ(test, head, 5);
	head = 99;
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	KUNIT_EXPECT_EQ(test, head, 5);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
}

static void peek_keeps_order(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 i, head;

	start_at(rt, 65533);
	for (i = 0; i < NUM; i++)
		guest_ring_offer(&rt->drv, NUM - 1 - i);
	for (i = 0; i < NUM; i++) {
		KUNIT_ASSERT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
		KUNIT_EXPECT_EQ(test, head, NUM - 1 - i);
		kvblk_vring_advance(&rt->vr);
	}
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
	KUNIT_EXPECT_EQ(test, rt->vr.next_avail, 5);
}

static const struct ahead_row {
	const char *name;
	u16 next;
	u16 idx;
	int ret;
} ahead_rows[] = {
	{ "equal", 7, 7, 0 },
	{ "one", 7, 8, 1 },
	{ "a full ring", 7, 7 + NUM, 1 },
	{ "one too many", 7, 8 + NUM, -ERANGE },
	{ "far ahead", 7, 1007, -ERANGE },
	{ "one back", 7, 6, -ERANGE },
	{ "wrapped, full", 65530, (u16)(65530 + NUM), 1 },
	{ "wrapped, too many", 65530, (u16)(65531 + NUM), -ERANGE },
	{ "wrapped, equal", 0, 0, 0 },
	{ "behind by one over the wrap", 0, 65535, -ERANGE },
};

static void ahead_desc(const struct ahead_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ahead, ahead_rows, ahead_desc);

static void avail_idx(struct kunit *test)
{
	const struct ahead_row *row = test->param_value;
	struct ring_test *rt = test->priv;
	u16 head;

	start_at(rt, row->next);
	guest_ring_set_avail_idx(&rt->drv, row->idx);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), row->ret);
	KUNIT_EXPECT_EQ(test, rt->vr.next_avail, row->next);
}

static void bad_head(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 head;

	guest_ring_offer(&rt->drv, NUM - 1);
	guest_ring_offer(&rt->drv, NUM);
	guest_ring_offer(&rt->drv, 65535);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), -EINVAL);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), -EINVAL);
}

struct walk_row {
	const char *name;
	struct guest_desc ring[4];
	struct guest_desc table[4];
	bool no_indirect;
	u16 max;		/* of the chain; 0: enough */
	int ret;
	u16 nr_out;
	u16 nr_in;
	u64 out_bytes;
	u64 in_bytes;
};

/* Unless its name says so, a row begins at ring[0] and @next is the index. */
static const struct walk_row walk_rows[] = {
	{ "one readable", { { 0x1000, 16 } },
	  .nr_out = 1, .out_bytes = 16 },
	{ "one writable", { { 0x1000, 1, WR } },
	  .nr_in = 1, .in_bytes = 1 },
	{ "a read request",
	  { { 0x1000, 16, NEXT, 2 }, { 0x3000, 1, WR },
	    { 0x2000, 512, NEXT | WR, 1 } },
	  .nr_out = 1, .nr_in = 2, .out_bytes = 16, .in_bytes = 513 },
	{ "a write request",
	  { { 0x1000, 16, NEXT, 1 }, { 0x2000, 512, NEXT, 2 },
	    { 0x3000, 1, WR } },
	  .nr_out = 2, .nr_in = 1, .out_bytes = 528, .in_bytes = 1 },
	{ "empty pieces", { { 0, 0, NEXT, 1 }, { 0, 0, WR } },
	  .nr_out = 1, .nr_in = 1 },
	{ "next is dead without NEXT", { { 0x1000, 16, 0, 65535 } },
	  .nr_out = 1, .out_bytes = 16 },
	{ "unknown flags say nothing", { { 0x1000, 16, 0xfff8 } },
	  .nr_out = 1, .out_bytes = 16 },
	{ "longest piece", { { 0x1000, U32_MAX, NEXT, 1 },
			     { 0x2000, U32_MAX, 0 } },
	  .nr_out = 2, .out_bytes = 2ULL * U32_MAX },
	{ "last byte but one of the address space",
	  { { U64_MAX - 16, 16 } }, .nr_out = 1, .out_bytes = 16 },
	{ "address wraps to 0", { { U64_MAX - 15, 16 } }, .ret = -EINVAL },
	{ "address wraps", { { U64_MAX, U32_MAX, WR } }, .ret = -EINVAL },
	{ "readable behind writable",
	  { { 0x1000, 16, WR | NEXT, 1 }, { 0x2000, 16 } },
	  .ret = -EINVAL },
	{ "empty readable behind empty writable",
	  { { 0x1000, 0, WR | NEXT, 1 }, { 0x2000, 0 } },
	  .ret = -EINVAL },
	{ "next outside the ring", { { 0x1000, 16, NEXT, NUM } },
	  .ret = -EINVAL },
	{ "next far outside", { { 0x1000, 16, NEXT, 65535 } },
	  .ret = -EINVAL },
	{ "loop of one", { { 0x1000, 16, NEXT, 0 } }, .ret = -EINVAL },
	{ "loop of two", { { 0, 0, NEXT, 1 }, { 0, 0, NEXT, 0 } },
	  .ret = -EINVAL },
	{ "as long as the store",
	  { { 0x1000, 1, NEXT, 1 }, { 0x2000, 2 } }, .max = 2,
	  .nr_out = 2, .out_bytes = 3 },
	{ "longer than the store",
	  { { 0x1000, 1, NEXT, 1 }, { 0x2000, 2, NEXT, 2 }, { 0x3000, 3 } },
	  .max = 2, .ret = -EINVAL },

	{ "indirect", { { TABLE, 32, IND } },
	  { { 0x1000, 16, NEXT, 1 }, { 0x2000, 1, WR } },
	  .nr_out = 1, .nr_in = 1, .out_bytes = 16, .in_bytes = 1 },
	{ "indirect, out of order", { { TABLE, 48, IND } },
	  { { 0x1000, 16, NEXT, 2 }, { 0x3000, 1, WR },
	    { 0x2000, 512, NEXT | WR, 1 } },
	  .nr_out = 1, .nr_in = 2, .out_bytes = 16, .in_bytes = 513 },
	{ "indirect, WRITE ignored", { { TABLE, 16, IND | WR } },
	  { { 0x1000, 16 } },
	  .nr_out = 1, .out_bytes = 16 },
	{ "indirect behind direct",
	  { { 0x1000, 16, NEXT, 1 }, { TABLE, 16, IND } },
	  { { 0x2000, 1, WR } },
	  .nr_out = 1, .nr_in = 1, .out_bytes = 16, .in_bytes = 1 },
	{ "indirect, unaligned table", { { TABLE + 1, 16, IND } },
	  .nr_out = 1 },
	{ "indirect, readable behind direct writable",
	  { { 0x1000, 16, NEXT | WR, 1 }, { TABLE, 16, IND } },
	  { { 0x2000, 1 } }, .ret = -EINVAL },
	{ "indirect not negotiated", { { TABLE, 16, IND } },
	  { { 0x1000, 16 } }, .no_indirect = true, .ret = -EINVAL },
	{ "indirect with NEXT",
	  { { TABLE, 16, IND | NEXT, 1 }, { 0x2000, 16 } },
	  { { 0x1000, 16 } }, .ret = -EINVAL },
	{ "indirect in indirect", { { TABLE, 32, IND } },
	  { { TABLE + 16, 16, IND }, { 0x1000, 16 } }, .ret = -EINVAL },
	{ "indirect, empty", { { TABLE, 0, IND } }, .ret = -EINVAL },
	{ "indirect, 15 bytes", { { TABLE, 15, IND } }, .ret = -EINVAL },
	{ "indirect, 17 bytes", { { TABLE, 17, IND } },
	  { { 0x1000, 16 } }, .ret = -EINVAL },
	{ "indirect, as large as the ring", { { TABLE, 16 * NUM, IND } },
	  { { 0x1000, 16 } }, .nr_out = 1, .out_bytes = 16 },
	{ "indirect, larger than the ring", { { TABLE, 16 * NUM + 16, IND } },
	  { { 0x1000, 16 } }, .ret = -EINVAL },
	{ "indirect, 2^32 - 16 bytes", { { TABLE, 0xfffffff0, IND } },
	  { { 0x1000, 16 } }, .ret = -EINVAL },
	{ "indirect, next outside the table", { { TABLE, 32, IND } },
	  { { 0x1000, 16, NEXT, 2 }, { 0x2000, 1 }, { 0x3000, 1 } },
	  .ret = -EINVAL },
	{ "indirect, loop", { { TABLE, 32, IND } },
	  { { 0x1000, 16, NEXT, 1 }, { 0x2000, 1, NEXT, 0 } },
	  .ret = -EINVAL },
	{ "indirect, piece wraps", { { TABLE, 16, IND } },
	  { { U64_MAX - 3, 16 } }, .ret = -EINVAL },
	{ "indirect, table wraps", { { U64_MAX - 15, 16, IND } },
	  .ret = -EINVAL },
	{ "indirect, outside memory", { { TABLE - 16, 32, IND } },
	  .ret = -ENXIO },
};

static void walk_desc(const struct walk_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(walk, walk_rows, walk_desc);

static void walk_verdict(struct kunit *test)
{
	const struct walk_row *row = test->param_value;
	struct ring_test *rt = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(row->ring); i++) {
		guest_desc_write(&rt->drv.desc[i], &row->ring[i]);
		guest_desc_write(&rt->table[i], &row->table[i]);
	}
	rt->vr.indirect = !row->no_indirect;
	if (row->max)
		rt->chain.max = row->max;
	KUNIT_ASSERT_EQ(test, walk(rt, 0), row->ret);
	if (row->ret)
		return;
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, row->nr_out);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_in, row->nr_in);
	KUNIT_EXPECT_EQ(test, rt->chain.out_bytes, row->out_bytes);
	KUNIT_EXPECT_EQ(test, rt->chain.in_bytes, row->in_bytes);
}

static void walk_copies_pieces(struct kunit *test)
{
	static const struct guest_desc d[] = {
		{ 0x1000, 16 }, { 0x5000, 7 },
		{ 0x123456789abcdefULL, 0x87654321, WR }, { 0x9, 1, WR },
	};
	struct ring_test *rt = test->priv;
	unsigned int i;

	guest_ring_chain(&rt->drv, 3, d, ARRAY_SIZE(d));
	KUNIT_ASSERT_EQ(test, walk(rt, 3), 0);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		KUNIT_EXPECT_EQ(test, rt->seg[i].gpa, d[i].addr);
		KUNIT_EXPECT_EQ(test, rt->seg[i].len, d[i].len);
	}
	/* A second walk starts from nothing. */
	KUNIT_ASSERT_EQ(test, walk(rt, 6), 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_in, 1);
	KUNIT_EXPECT_EQ(test, rt->chain.out_bytes, 0);
	KUNIT_EXPECT_EQ(test, rt->chain.in_bytes, 1);
}

/* 2.7.5.3.1: a chain is as long as the queue at most, wherever it lies. */
static void longest_chain(struct kunit *test)
{
	struct guest_desc d[NUM] = { { .addr = 0x1000, .len = 1 } };
	struct ring_test *rt = test->priv;
	struct guest_desc ind = { TABLE, 16 * NUM, IND, 0 };
	u16 i;

	guest_ring_chain(&rt->drv, 0, d, NUM);
	KUNIT_ASSERT_EQ(test, walk(rt, 0), 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, NUM);

	for (i = 0; i < NUM; i++)
		rt->table[i] = rt->drv.desc[i];
	guest_desc_write(&rt->drv.desc[1], &ind);
	KUNIT_ASSERT_EQ(test, walk(rt, 1), 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, NUM);
	KUNIT_EXPECT_EQ(test, walk(rt, 0), -EINVAL);
}

static void read_errors_pass(struct kunit *test)
{
	struct guest_desc ind = { TABLE, 16, IND, 0 };
	struct ring_test *rt = test->priv;

	guest_desc_write(&rt->drv.desc[0], &ind);
	rt->read_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, walk(rt, 0), -EFAULT);
	rt->read_error = 0;
	KUNIT_EXPECT_EQ(test, walk(rt, 0), 0);
}

static void fill_table(struct ring_test *rt, u16 nr, u16 step)
{
	struct guest_desc d = { .flags = NEXT };
	u16 i, at = 0;

	for (i = 0; i < nr; i++) {
		d.addr = 0x1000 * (i + 1);
		d.len = i + 1;
		d.next = (at + step) % nr;
		if (i == nr - 1)
			d.flags = 0;
		guest_desc_write(&rt->table[at], &d);
		at = d.next;
	}
}

/* Nothing is taken from a table twice: what was read may already be gone. */
static void table_is_read_once(struct kunit *test)
{
	struct guest_desc ind = { TABLE, 16 * 40, IND, 0 };
	struct ring_test *rt = test->priv;
	u16 i;

	ring_setup(test, rt, NUM_MAX);
	guest_desc_write(&rt->drv.desc[0], &ind);
	fill_table(rt, 40, 1);
	rt->table_bytes = 16 * 40;
	rt->wipe = true;
	KUNIT_ASSERT_EQ(test, walk(rt, 0), 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, 40);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, rt->seg[i].len, i + 1);
	KUNIT_EXPECT_LE(test, rt->reads, 3);
}

/* Jumps over the table cost reads, but never more than one for each piece. */
static void scattered_table(struct kunit *test)
{
	struct guest_desc ind = { TABLE, 16 * 61, IND, 0 };
	struct ring_test *rt = test->priv;
	u16 i;

	ring_setup(test, rt, NUM_MAX);
	guest_desc_write(&rt->drv.desc[0], &ind);
	fill_table(rt, 61, 23);
	KUNIT_ASSERT_EQ(test, walk(rt, 0), 0);
	KUNIT_EXPECT_EQ(test, rt->chain.nr_out, 61);
	for (i = 0; i < 61; i++)
		KUNIT_EXPECT_EQ(test, rt->seg[i].gpa, 0x1000 * (i + 1));
	KUNIT_EXPECT_LE(test, rt->reads, 61);
}

static void push_is_not_seen(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u32 id, len;

	start_at(rt, 65535);
	kvblk_vring_push(&rt->vr, 3, 513);
	kvblk_vring_push(&rt->vr, 7, U32_MAX);
	KUNIT_EXPECT_FALSE(test, guest_ring_take(&rt->drv, &id, &len));
	kvblk_vring_publish(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv), 1);
	KUNIT_ASSERT_TRUE(test, guest_ring_take(&rt->drv, &id, &len));
	KUNIT_EXPECT_EQ(test, id, 3);
	KUNIT_EXPECT_EQ(test, len, 513);
	KUNIT_ASSERT_TRUE(test, guest_ring_take(&rt->drv, &id, &len));
	KUNIT_EXPECT_EQ(test, id, 7);
	KUNIT_EXPECT_EQ(test, len, U32_MAX);
	KUNIT_EXPECT_FALSE(test, guest_ring_take(&rt->drv, &id, &len));
}

static const struct signal_row {
	const char *name;
	bool event_idx;
	u16 avail_flags;
	u16 start;
	u16 pushed;
	u16 used_event;
	bool interrupt;
} signal_rows[] = {
	{ "nothing pushed", false, 0, 0, 0, 0, false },
	{ "nothing pushed, event", true, 0, 0, 0, 0, false },
	{ "plain", false, 0, 0, 1, 0xffff, true },
	{ "plain, three", false, 0, 9, 3, 0, true },
	{ "no interrupt asked", false, VRING_AVAIL_F_NO_INTERRUPT, 0, 1, 0,
	  false },
	{ "only that flag counts", false, 0xfffe, 0, 1, 0, true },
	{ "event, this one", true, 0, 0, 1, 0, true },
	{ "event, the next one", true, 0, 0, 1, 1, false },
	{ "event, long ago", true, 0, 8, 1, 3, false },
	{ "event, first of three", true, 0, 4, 3, 4, true },
	{ "event, last of three", true, 0, 4, 3, 6, true },
	{ "event, behind three", true, 0, 4, 3, 7, false },
	{ "event, before three", true, 0, 4, 3, 3, false },
	{ "event, threshold 10", true, 0, 0, 3, 10, false },
	{ "event over the wrap", true, 0, 65534, 3, 65535, true },
	{ "event 0 over the wrap", true, 0, 65534, 3, 0, true },
	{ "event behind the wrap", true, 0, 65534, 3, 1, false },
	{ "event beats NO_INTERRUPT", true, VRING_AVAIL_F_NO_INTERRUPT, 0, 1,
	  0, true },
};

static void signal_desc(const struct signal_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(signal, signal_rows, signal_desc);

static void interrupt_decision(struct kunit *test)
{
	const struct signal_row *row = test->param_value;
	struct ring_test *rt = test->priv;
	u16 i;

	start_at(rt, row->start);
	rt->vr.event_idx = row->event_idx;
	guest_ring_set_avail_flags(&rt->drv, row->avail_flags);
	guest_ring_set_used_event(&rt->drv, row->used_event);
	for (i = 0; i < row->pushed; i++)
		kvblk_vring_push(&rt->vr, i, 1);
	KUNIT_EXPECT_EQ(test, kvblk_vring_publish(&rt->vr), row->interrupt);
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv),
			(u16)(row->start + row->pushed));
	/* Asked again, there is nothing new to tell. */
	KUNIT_EXPECT_FALSE(test, kvblk_vring_publish(&rt->vr));
}

/* Batch after batch, exactly the one that reaches used_event interrupts. */
static void event_over_batches(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	unsigned int batch, interrupts = 0;

	rt->vr.event_idx = true;
	guest_ring_set_used_event(&rt->drv, 4);
	for (batch = 0; batch < 4; batch++) {
		kvblk_vring_push(&rt->vr, 0, 1);
		kvblk_vring_push(&rt->vr, 1, 1);
		if (kvblk_vring_publish(&rt->vr)) {
			interrupts++;
			KUNIT_EXPECT_EQ(test, batch, 2);
		}
	}
	KUNIT_EXPECT_EQ(test, interrupts, 1);
}

static void notify_by_flag(struct kunit *test)
{
	struct ring_test *rt = test->priv;

	kvblk_vring_disable_notify(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv),
			VRING_USED_F_NO_NOTIFY);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 0);
	guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_TRUE(test, kvblk_vring_enable_notify(&rt->vr));
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
}

static void notify_by_event(struct kunit *test)
{
	struct ring_test *rt = test->priv;

	rt->vr.event_idx = true;
	start_at(rt, 65535);
	kvblk_vring_disable_notify(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 65535);
	guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_TRUE(test, kvblk_vring_enable_notify(&rt->vr));
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 0);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
}

/* The areas are exactly as large as the sizes say: nothing is written beyond. */
static void areas_are_respected(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	void *desc, *avail, *used;
	u16 head, i;

	desc = kunit_kzalloc(test, kvblk_vring_desc_size(NUM), GFP_KERNEL);
	avail = kunit_kzalloc(test, kvblk_vring_avail_size(NUM), GFP_KERNEL);
	used = kunit_kzalloc(test, kvblk_vring_used_size(NUM), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, desc);
	KUNIT_ASSERT_NOT_NULL(test, avail);
	KUNIT_ASSERT_NOT_NULL(test, used);
	rt->vr.desc = desc;
	rt->vr.avail = avail;
	rt->vr.used = used;
	rt->drv.avail = avail;
	rt->drv.used = used;
	rt->vr.event_idx = true;
	for (i = 0; i < 3 * NUM; i++) {
		guest_ring_offer(&rt->drv, i % NUM);
		KUNIT_ASSERT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
		KUNIT_ASSERT_EQ(test, walk(rt, head), 0);
		kvblk_vring_advance(&rt->vr);
		kvblk_vring_push(&rt->vr, head, i);
		kvblk_vring_publish(&rt->vr);
		kvblk_vring_enable_notify(&rt->vr);
	}
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv), 3 * NUM);
}

static struct guest_desc random_desc(struct prng *p, u16 num)
{
	struct guest_desc d = {
		.addr = prng_below(p, 16) ? prng_below(p, 1 << 24) :
					    U64_MAX - prng_below(p, 1 << 24),
		.len = prng_below(p, 8) ? prng_below(p, 1 << 20) :
					  prng_next(p),
		.flags = prng_below(p, 4) ? NEXT : 0,
		.next = prng_below(p, num + 1),
	};

	if (!prng_below(p, 4))
		d.flags |= WR;
	if (!prng_below(p, 8)) {
		d.flags = (d.flags & ~NEXT) | IND;
		d.addr = TABLE + 16 * prng_below(p, ENTRIES);
		d.len = 16 * prng_below(p, num + 2);
	}
	return d;
}

/* What a good walk gives, whatever the ring held. */
static void expect_sane(struct kunit *test, const struct kvblk_chain *c,
			u16 num)
{
	u64 out = 0, in = 0, end;
	u16 i;

	KUNIT_EXPECT_LE(test, c->nr_out + c->nr_in, num);
	KUNIT_EXPECT_GE(test, c->nr_out + c->nr_in, 1);
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		if (i < c->nr_out)
			out += c->seg[i].len;
		else
			in += c->seg[i].len;
		end = c->seg[i].gpa + c->seg[i].len;
		KUNIT_EXPECT_TRUE(test, end >= c->seg[i].gpa);
	}
	KUNIT_EXPECT_EQ(test, c->out_bytes, out);
	KUNIT_EXPECT_EQ(test, c->in_bytes, in);
}

static void random_rings(struct kunit *test)
{
	struct prng p = { .state = 0x6b76626c6b2d7231ULL };
	struct ring_test *rt = test->priv;
	unsigned int round, i, good = 0, bad = 0;
	struct guest_desc d;
	int ret;

	for (round = 0; round < 4000; round++) {
		for (i = 0; i < NUM; i++) {
			d = random_desc(&p, NUM);
			guest_desc_write(&rt->drv.desc[i], &d);
		}
		for (i = 0; i < ENTRIES; i++) {
			d = random_desc(&p, NUM);
			guest_desc_write(&rt->table[i], &d);
		}
		rt->reads = 0;
		ret = walk(rt, prng_below(&p, NUM));
		KUNIT_EXPECT_TRUE(test, ret == 0 || ret == -EINVAL ||
				  ret == -ENXIO);
		KUNIT_EXPECT_LE(test, rt->reads, NUM + 1);
		if (ret) {
			bad++;
			continue;
		}
		good++;
		expect_sane(test, &rt->chain, NUM);
	}
	/* The mix reaches both ends often enough to mean something. */
	KUNIT_EXPECT_GT(test, good, 500);
	KUNIT_EXPECT_GT(test, bad, 500);
}

static struct kunit_case vring_cases[] = {
	KUNIT_CASE(sizes),
	KUNIT_CASE(peek_takes_nothing),
	KUNIT_CASE(peek_keeps_order),
	KUNIT_CASE_PARAM(avail_idx, ahead_gen_params),
	KUNIT_CASE(bad_head),
	KUNIT_CASE_PARAM(walk_verdict, walk_gen_params),
	KUNIT_CASE(walk_copies_pieces),
	KUNIT_CASE(longest_chain),
	KUNIT_CASE(read_errors_pass),
	KUNIT_CASE(table_is_read_once),
	KUNIT_CASE(scattered_table),
	KUNIT_CASE(push_is_not_seen),
	KUNIT_CASE_PARAM(interrupt_decision, signal_gen_params),
	KUNIT_CASE(event_over_batches),
	KUNIT_CASE(notify_by_flag),
	KUNIT_CASE(notify_by_event),
	KUNIT_CASE(areas_are_respected),
	KUNIT_CASE(random_rings),
	{}
};

static struct kunit_suite vring_suite = {
	.name = "kvblk_vring",
	.init = ring_test_init,
	.test_cases = vring_cases,
};

kunit_test_suite(vring_suite);
