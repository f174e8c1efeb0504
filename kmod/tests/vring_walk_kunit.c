// SPDX-License-Identifier: GPL-2.0
/* Descriptor chains, direct and indirect, good and hostile. */
#include <kunit/test.h>
#include "prng.h"
#include "ring_test.h"

#define NEXT	VRING_DESC_F_NEXT
#define WR	VRING_DESC_F_WRITE
#define IND	VRING_DESC_F_INDIRECT

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

static struct kunit_case walk_cases[] = {
	KUNIT_CASE_PARAM(walk_verdict, walk_gen_params),
	KUNIT_CASE(walk_copies_pieces),
	KUNIT_CASE(longest_chain),
	KUNIT_CASE(read_errors_pass),
	KUNIT_CASE(table_is_read_once),
	KUNIT_CASE(scattered_table),
	KUNIT_CASE(random_rings),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "kvblk_vring_walk",
	.init = ring_test_init,
	.test_cases = walk_cases,
};

kunit_test_suite(walk_suite);
