// SPDX-License-Identifier: GPL-2.0
/* The guest memory map: order, overlap, gaps, edges of the address space. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../mem.h"

#define ROW_REGIONS	8
#define ROW_SEGS	4
#define ROW_IOV		6

/* A map that has it all; hosts are made up and not in the order of the gpas. */
#define LOW_HOST	0x900000ULL
#define A_HOST		0x500000ULL
#define B_HOST		0x300000ULL
#define C_HOST		0x700000ULL
#define D_HOST		0x100000ULL
#define TOP		0xfffffffffffff000ULL
#define TOP_HOST	0xb00000ULL

static const struct kvblk_mem_region rich[] = {
	{ 0x3000, 0x1000, C_HOST },	/* touches B */
	{ 0x8000, 0x801, D_HOST },	/* behind a gap; odd size */
	{ 0, 0x800, LOW_HOST },		/* what a range that wraps would find */
	{ 0x1000, 0x1000, A_HOST },
	{ TOP, 0xfff, TOP_HOST },	/* as high as a region can be */
	{ 0x2000, 0x1000, B_HOST },	/* touches A */
};

KUNIT_DEFINE_ACTION_WRAPPER(map_exit, kvblk_mem_exit, struct kvblk_mem *);
KUNIT_DEFINE_ACTION_WRAPPER(regions_free, kvfree, const void *);

static struct kvblk_mem_region *regions_dup(const struct kvblk_mem_region *from,
					    unsigned int nr)
{
	struct kvblk_mem_region *to = kvmalloc_array(nr, sizeof(*to), GFP_KERNEL);

	if (to)
		memcpy(to, from, nr * sizeof(*to));
	return to;
}

/* Over a copy of @from; gone at the end of the case. */
static struct kvblk_mem *map_make(struct kunit *test,
				  const struct kvblk_mem_region *from,
				  unsigned int nr)
{
	struct kvblk_mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	struct kvblk_mem_region *region = regions_dup(from, nr);
	unsigned int bad;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_NOT_NULL(test, region);
	KUNIT_ASSERT_EQ(test, 0, kvblk_mem_init(mem, &kvblk_mem_kernel_ops, NULL,
						region, nr, &bad));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, map_exit, mem));
	return mem;
}

/* ---- kvblk_mem_init ---- */

struct init_row {
	const char *name;
	struct kvblk_mem_region region[ROW_REGIONS];
	unsigned int nr;
	int ret;
	unsigned int bad;
};

static const struct init_row init_rows[] = {
	{ "empty", .nr = 0 },
	{ "one", { { 0x1000, 0x1000 } }, 1 },
	{ "backwards", { { 0x3000, 0x1000 }, { 0x2000, 0x1000 }, { 0, 1 } }, 3 },
	{ "touching", { { 0x1000, 0x1000 }, { 0x2000, 0x1000 } }, 2 },
	{ "first and last byte", { { U64_MAX - 1, 1 }, { 0, 1 } }, 2 },
	{ "twice the same", { { 0x1000, 0x1000 }, { 0x1000, 0x1000 } }, 2,
	  -EEXIST, 1 },
	{ "one byte shared", { { 0x2000, 0x1000 }, { 0x1000, 0x1001 } }, 2,
	  -EEXIST, 1 },
	{ "one inside another", { { 0, 0x10000 }, { 0x4000, 0x10 } }, 2,
	  -EEXIST, 1 },
	{ "only the last two",
	  { { 0x1000, 0x800 }, { 0, 0x1000 }, { 0x17ff, 1 } }, 3, -EEXIST, 2 },
	{ "around everything",
	  { { 1, U64_MAX - 1 }, { U64_MAX - 2, 1 }, { 0, 1 } }, 3, -EEXIST, 2 },
};

KUNIT_ARRAY_PARAM_DESC(init, init_rows, name);

static void overlaps_are_found(struct kunit *test)
{
	const struct init_row *row = test->param_value;
	struct kvblk_mem_region *region = regions_dup(row->region, row->nr);
	struct kvblk_mem mem = {};
	unsigned int bad = UINT_MAX;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, region);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, regions_free, region));
	KUNIT_EXPECT_EQ(test, row->ret,
			kvblk_mem_init(&mem, &kvblk_mem_kernel_ops, NULL, region,
				       row->nr, &bad));
	if (row->ret) {
		KUNIT_EXPECT_EQ(test, row->bad, bad);
		KUNIT_EXPECT_NULL(test, mem.region);
		return;
	}
	KUNIT_EXPECT_EQ(test, row->nr, mem.nr);
	for (i = 1; i < mem.nr; i++)
		KUNIT_EXPECT_LT(test, mem.region[i - 1].gpa, mem.region[i].gpa);
}

/* ---- kvblk_mem_find, kvblk_mem_covers ---- */

struct range_row {
	const char *name;
	u64 gpa;
	u64 len;
	bool covered;
	u64 host;	/* of the first byte, 0: not in the map */
	u64 run;	/* bytes in its region */
};

static const struct range_row range_rows[] = {
	{ "nothing, nowhere", 0x5000, 0, true },
	{ "first byte of all", 0, 1, true, LOW_HOST, 1 },
	{ "in a region", 0x1234, 0x100, true, A_HOST + 0x234, 0x100 },
	{ "a whole region", 0x1000, 0x1000, true, A_HOST, 0x1000 },
	{ "last byte of a region", 0x1fff, 1, true, A_HOST + 0xfff, 1 },
	{ "over one border", 0x1ff0, 0x20, true, A_HOST + 0xff0, 0x10 },
	{ "over two borders", 0x1fff, 0x1002, true, A_HOST + 0xfff, 1 },
	{ "three whole regions", 0x1000, 0x3000, true, A_HOST, 0x1000 },
	{ "and one byte more", 0x1000, 0x3001, false, A_HOST, 0x1000 },
	{ "in front of a region", 0xfff, 2, false },
	{ "in a gap", 0x5000, 1, false },
	{ "over a gap", 0x3fff, 0x4002, false, C_HOST + 0xfff, 1 },
	{ "last byte of an odd region", 0x8800, 1, true, D_HOST + 0x800, 1 },
	{ "behind an odd region", 0x8801, 1, false },
	{ "whole top region", TOP, 0xfff, true, TOP_HOST, 0xfff },
	{ "last byte of the top", TOP + 0xffe, 1, true, TOP_HOST + 0xffe, 1 },
	{ "last address of all", U64_MAX, 1, false },
	{ "from the top around", TOP, 0x1800, false, TOP_HOST, 0xfff },
	{ "from the last around", U64_MAX, 0x801, false },
	{ "everything", 0, U64_MAX, false, LOW_HOST, 0x800 },
	{ "longest from the top", TOP + 0xffe, U64_MAX, false,
	  TOP_HOST + 0xffe, 1 },
};

KUNIT_ARRAY_PARAM_DESC(range, range_rows, name);

static void ranges(struct kunit *test)
{
	struct kvblk_mem *mem = map_make(test, rich, ARRAY_SIZE(rich));
	const struct range_row *row = test->param_value;
	u64 run = row->len;
	u64 host = 0;

	KUNIT_EXPECT_EQ(test, row->host ? 0 : -ENXIO,
			kvblk_mem_find(mem, row->gpa, &run, &host));
	KUNIT_EXPECT_EQ(test, row->host, host);
	if (row->host)
		KUNIT_EXPECT_EQ(test, row->run, run);
	KUNIT_EXPECT_EQ(test, row->covered,
			kvblk_mem_covers(mem, row->gpa, row->len));
}

static void empty_map(struct kunit *test)
{
	struct kvblk_mem *mem = map_make(test, NULL, 0);
	struct kvblk_seg seg = { .gpa = 0, .len = 1 };
	u64 len = 1, host, bits;
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_mem_find(mem, 0, &len, &host));
	KUNIT_EXPECT_FALSE(test, kvblk_mem_covers(mem, 0, 1));
	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_mem_write(mem, 0, &byte, 1, true));
	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_mem_vec(mem, &seg, 1, NULL, 0, &bits));
	KUNIT_EXPECT_EQ(test, 0, kvblk_mem_vec(mem, &seg, 0, NULL, 0, &bits));
}

/* ---- kvblk_mem_vec ---- */

struct iov_row {
	const char *name;
	struct kvblk_seg seg[ROW_SEGS];
	unsigned int nr;
	int ret;
	struct {
		u64 host;
		size_t len;
	} iov[ROW_IOV];
};

static const struct iov_row iov_rows[] = {
	{ "no piece", .nr = 0 },
	{ "an empty piece, nowhere", { { 0x5000, 0 } }, 1, 0 },
	{ "one", { { 0x1010, 0x20 } }, 1, 1, { { A_HOST + 0x10, 0x20 } } },
	{ "order is kept, nothing is joined",
	  { { 0x1010, 8 }, { 0x1000, 16 }, { 0x1018, 8 } }, 3, 3,
	  { { A_HOST + 0x10, 8 }, { A_HOST, 16 }, { A_HOST + 0x18, 8 } } },
	{ "cut at borders", { { 0x1ff0, 0x1020 }, { 0x8000, 1 } }, 2, 4,
	  { { A_HOST + 0xff0, 0x10 }, { B_HOST, 0x1000 }, { C_HOST, 0x10 },
	    { D_HOST, 1 } } },
	{ "an empty piece between", { { 0x1000, 4 }, { 0x1000, 0 }, { 0x2000, 4 } },
	  3, 2, { { A_HOST, 4 }, { B_HOST, 4 } } },
	{ "the second is nowhere", { { 0x1000, 4 }, { 0x5000, 4 } }, 2, -ENXIO },
	{ "the end is nowhere", { { 0x3ffc, 5 } }, 1, -ENXIO },
	{ "up to the top", { { TOP, 0xfff } }, 1, 1, { { TOP_HOST, 0xfff } } },
	{ "beyond the top", { { TOP, 0x1000 } }, 1, -ENXIO },
};

KUNIT_ARRAY_PARAM_DESC(iov, iov_rows, name);

static void pieces_to_vecs(struct kunit *test)
{
	struct kvblk_mem *mem = map_make(test, rich, ARRAY_SIZE(rich));
	const struct iov_row *row = test->param_value;
	union kvblk_vec vec[ROW_IOV] = {};
	u64 bits, want = 0;
	int i;

	/* Without room it counts. */
	KUNIT_EXPECT_EQ(test, row->ret,
			kvblk_mem_vec(mem, row->seg, row->nr, vec, 0, &bits));
	KUNIT_EXPECT_NULL(test, vec[0].iov.iov_base);
	KUNIT_ASSERT_EQ(test, row->ret,
			kvblk_mem_vec(mem, row->seg, row->nr, vec, ROW_IOV, &bits));
	if (row->ret < 0)
		return;
	for (i = 0; i < row->ret; i++) {
		KUNIT_EXPECT_EQ(test, row->iov[i].host,
				(u64)(uintptr_t)vec[i].iov.iov_base);
		KUNIT_EXPECT_EQ(test, row->iov[i].len, vec[i].iov.iov_len);
		want |= row->iov[i].host | row->iov[i].len;
	}
	KUNIT_EXPECT_EQ(test, 0, vec[row->ret].iov.iov_len);
	KUNIT_EXPECT_EQ(test, want, bits);
}

/* ---- reading and writing: two regions that touch, hosts in reverse ---- */

#define HALF	16

struct copy_row {
	const char *name;
	u64 gpa;
	u32 len;
	int ret;
};

static const struct copy_row copy_rows[] = {
	{ "nothing, nowhere", 0x500, 0, 0 },
	{ "in the first", 0x102, 5, 0 },
	{ "in the second", 0x112, 5, 0 },
	{ "over the border", 0x10d, 7, 0 },
	{ "both, whole", 0x100, 2 * HALF, 0 },
	{ "begins outside", 0xff, 2, -ENXIO },
	{ "ends outside", 0x11e, 3, -ENXIO },
	{ "all outside", 0x500, 1, -ENXIO },
};

KUNIT_ARRAY_PARAM_DESC(copy, copy_rows, name);

/* Host address of guest byte @i of the two halves, which @ram holds swapped. */
static u8 *host_byte(u8 *ram, unsigned int i)
{
	return ram + (i < HALF ? HALF + i : i - HALF);
}

static struct kvblk_mem *map_halves(struct kunit *test, u8 *ram)
{
	const struct kvblk_mem_region halves[] = {
		{ 0x100, HALF, (uintptr_t)(ram + HALF) },
		{ 0x100 + HALF, HALF, (uintptr_t)ram },
	};

	return map_make(test, halves, ARRAY_SIZE(halves));
}

static void writes(struct kunit *test)
{
	u8 *ram = kunit_kzalloc(test, 2 * HALF, GFP_KERNEL);
	const struct copy_row *row = test->param_value;
	u8 src[2 * HALF];
	unsigned int i;
	u8 want;

	KUNIT_ASSERT_NOT_NULL(test, ram);
	for (i = 0; i < sizeof(src); i++)
		src[i] = 1 + i;
	KUNIT_ASSERT_EQ(test, row->ret,
			kvblk_mem_write(map_halves(test, ram), row->gpa, src,
					row->len, false));
	for (i = 0; !row->ret && i < sizeof(src); i++) {
		want = 0x100 + i - row->gpa < row->len ?
		       src[0x100 + i - row->gpa] : 0;
		KUNIT_EXPECT_EQ(test, want, *host_byte(ram, i));
	}
}

static void reads(struct kunit *test)
{
	u8 *ram = kunit_kzalloc(test, 2 * HALF, GFP_KERNEL);
	const struct copy_row *row = test->param_value;
	struct kvblk_mem_reader rd;
	u8 dst[2 * HALF + 1] = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ram);
	for (i = 0; i < 2 * HALF; i++)
		*host_byte(ram, i) = 1 + i;
	rd = kvblk_mem_reader(map_halves(test, ram), false);
	KUNIT_ASSERT_EQ(test, row->ret,
			rd.g.read(&rd.g, row->gpa, dst, row->len));
	for (i = 0; !row->ret && i < row->len; i++)
		KUNIT_EXPECT_EQ(test, row->gpa - 0x100 + i + 1, dst[i]);
	if (!row->ret)
		KUNIT_EXPECT_EQ(test, 0, dst[row->len]);
}

/* ---- what the kind of memory is asked ---- */

struct asked {
	int ret;
	bool sleep;
	unsigned int calls;
};

static struct asked asked;

static int ask_read(void *dst, u64 host, size_t len, bool sleep)
{
	asked.calls++;
	asked.sleep = sleep;
	return asked.ret;
}

static int ask_write(u64 host, const void *src, size_t len, bool sleep)
{
	return ask_read(NULL, host, len, sleep);
}

static const struct kvblk_mem_ops ask_ops = {
	.read	= ask_read,
	.write	= ask_write,
};

/* Whether it may sleep is passed on, its error comes back, the rest is left. */
static void kind_is_asked(struct kunit *test)
{
	struct kvblk_mem *mem = map_make(test, rich, ARRAY_SIZE(rich));
	struct kvblk_mem_reader rd;
	unsigned int i;
	u8 buf[8];

	mem->ops = &ask_ops;
	for (i = 0; i < 4; i++) {
		bool sleep = i & 1, fail = i & 2;

		rd = kvblk_mem_reader(mem, sleep);
		asked = (struct asked){ .ret = fail ? -EFAULT : 0 };
		KUNIT_EXPECT_EQ(test, asked.ret,
				rd.g.read(&rd.g, 0x1ffc, buf, sizeof(buf)));
		KUNIT_EXPECT_EQ(test, sleep, asked.sleep);
		KUNIT_EXPECT_EQ(test, fail ? 1 : 2, asked.calls);

		asked = (struct asked){ .ret = fail ? -EFAULT : 0 };
		KUNIT_EXPECT_EQ(test, asked.ret,
				kvblk_mem_write(mem, 0x1ffc, buf, sizeof(buf),
						sleep));
		KUNIT_EXPECT_EQ(test, sleep, asked.sleep);
		KUNIT_EXPECT_EQ(test, fail ? 1 : 2, asked.calls);
	}
}

static struct kunit_case mem_cases[] = {
	KUNIT_CASE_PARAM(overlaps_are_found, init_gen_params),
	KUNIT_CASE_PARAM(ranges, range_gen_params),
	KUNIT_CASE(empty_map),
	KUNIT_CASE_PARAM(pieces_to_vecs, iov_gen_params),
	KUNIT_CASE_PARAM(writes, copy_gen_params),
	KUNIT_CASE_PARAM(reads, copy_gen_params),
	KUNIT_CASE(kind_is_asked),
	{}
};

static struct kunit_suite mem_suite = {
	.name = "kvblk_mem",
	.test_cases = mem_cases,
};

kunit_test_suite(mem_suite);
