// SPDX-License-Identifier: GPL-2.0
/* One request from the ring and back: every kind, every way it can take. */
#include "bench_driver.h"

#define SLOT	1	/* not 0, which memory holds anyway */
#define IOERR	VIRTIO_BLK_S_IOERR
#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define FLUSH	VIRTIO_BLK_T_FLUSH
#define GET_ID	VIRTIO_BLK_T_GET_ID

/* The guest's bytes: another pattern than the disk's. */
static u8 guest_byte(unsigned int i)
{
	return 0x55 ^ (i * 13);
}

static const u8 *expected_data(const struct bench *b, const struct bench_req *r)
{
	return r->type == GET_ID ? (const u8 *)BENCH_SERIAL :
				   b->disk.bytes + r->sector * 512;
}

/* Memory beside data and status is as before; data is as it ought to be. */
static void expect_memory(struct bench *b, const struct bench_req *r,
			  const u8 *before, u8 status)
{
	u8 *want = kunit_kmalloc(b->test, BENCH_SLOT, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(b->test, want);
	memcpy(want, before, BENCH_SLOT);
	want[SLOT_STATUS] = status;
	if (r->type == IN || r->type == GET_ID)
		memcpy(want + SLOT_DATA, status ? slot_data(b, SLOT) :
		       expected_data(b, r), r->len);
	KUNIT_EXPECT_EQ(b->test, -1,
			bench_differs(slot_ram(b, SLOT), want, BENCH_SLOT));
	/* The neighbours. */
	KUNIT_EXPECT_NULL(b->test,
			  memchr_inv(slot_ram(b, SLOT - 1), 0, BENCH_SLOT));
	KUNIT_EXPECT_NULL(b->test,
			  memchr_inv(slot_ram(b, SLOT + 1), 0, BENCH_SLOT));
}

/* A write changed its range, and nothing else changed anything. */
static void expect_disk(struct bench *b, const struct bench_req *r, u8 status)
{
	bool write = r->type == OUT && atomic_read(&b->disk.attempts);
	struct fake_backing *fresh;

	if (write && status)
		return;		/* nobody says how far it came */
	fresh = kunit_kzalloc(b->test, sizeof(*fresh), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(b->test, fresh);
	fake_init(fresh);
	if (write)
		memcpy(fresh->bytes + r->sector * 512, slot_data(b, SLOT),
		       r->len);
	KUNIT_EXPECT_EQ(b->test, -1,
			bench_differs(b->disk.bytes, fresh->bytes, FAKE_BYTES));
}

/* ---- every kind by every way ---- */

struct way_row {
	const char *name;
	struct bench_req r;
	struct fake_script script;
	u8 status;
	u8 attempts;
	u8 performs;
	u16 performed_from;
	enum kvblk_stat counted;
	u16 delivered;		/* for reads; 0: all */
	bool read_only;
};

#define A_READ	{ .type = IN, .sector = 3, .len = 2048 }
#define A_WRITE	{ .type = OUT, .sector = 3, .len = 2048 }

static const struct way_row way_rows[] = {
	{ "read", A_READ, {}, 0, 1, 0, 0, KVBLK_STAT_READS },
	{ "read, work item", A_READ, { FAKE_WORK }, 0, 1, 0, 0, KVBLK_STAT_READS },
	{ "read, interrupt", A_READ, { FAKE_IRQ }, 0, 1, 0, 0, KVBLK_STAT_READS },
	{ "read in pieces", { IN, 3, 2048, BENCH_PIECES }, {}, 0, 1, 0, 0,
	  KVBLK_STAT_READS },
	{ "read of the last sector", { IN, 63, 512 }, {}, 0, 1, 0, 0,
	  KVBLK_STAT_READS },
	{ "read of nothing", { IN, 64, 0, 1 }, {}, 0, 0, 0, 0, KVBLK_STAT_READS },
	{ "read, refused", A_READ, { FAKE_REFUSE }, 0, 1, 1, 0, KVBLK_STAT_READS },
	{ "read, EAGAIN", A_READ, { FAKE_INLINE, 0, -EAGAIN }, 0, 1, 1, 0,
	  KVBLK_STAT_READS },
	{ "read, EFAULT in an interrupt", A_READ, { FAKE_IRQ, 0, -EFAULT },
	  0, 1, 1, 0, KVBLK_STAT_READS },
	{ "read, EIO once", A_READ, { FAKE_WORK, 0, -EIO }, 0, 1, 1, 0,
	  KVBLK_STAT_READS },
	{ "read, EIO twice", A_READ, { FAKE_WORK, 0, -EIO, -EIO }, IOERR, 1, 1, 0,
	  KVBLK_STAT_IO_ERRORS },
	{ "read, short", A_READ, { FAKE_INLINE, 700 }, 0, 1, 1, 700,
	  KVBLK_STAT_READS },
	{ "read in pieces, short", { IN, 3, 2048, BENCH_PIECES },
	  { FAKE_IRQ, 700 }, 0, 1, 1, 700, KVBLK_STAT_READS },
	{ "read, short, then EIO", A_READ, { FAKE_INLINE, 700, 0, -EIO },
	  IOERR, 1, 1, 700, KVBLK_STAT_IO_ERRORS },
	{ "read over the end", A_READ, { FAKE_INLINE, .end = 2000 }, 0, 1, 1, 464,
	  KVBLK_STAT_READS, 464 },
	{ "read over the end, refused", A_READ, { FAKE_REFUSE, .end = 2000 },
	  0, 1, 1, 0, KVBLK_STAT_READS, 464 },
	{ "write", A_WRITE, {}, 0, 1, 0, 0, KVBLK_STAT_WRITES },
	{ "write, interrupt", A_WRITE, { FAKE_IRQ }, 0, 1, 0, 0,
	  KVBLK_STAT_WRITES },
	{ "write in pieces", { OUT, 3, 2048, BENCH_PIECES }, { FAKE_WORK },
	  0, 1, 0, 0, KVBLK_STAT_WRITES },
	{ "write, refused", A_WRITE, { FAKE_REFUSE }, 0, 1, 1, 0,
	  KVBLK_STAT_WRITES },
	{ "write, short", A_WRITE, { FAKE_WORK, 512 }, 0, 1, 1, 512,
	  KVBLK_STAT_WRITES },
	{ "write, short, then ENOSPC", A_WRITE, { FAKE_INLINE, 512, 0, -ENOSPC },
	  IOERR, 1, 1, 512, KVBLK_STAT_IO_ERRORS },
	{ "write, read-only", A_WRITE, {}, IOERR, 0, 0, 0, KVBLK_STAT_IO_ERRORS,
	  .read_only = true },
	{ "flush", { FLUSH }, {}, 0, 0, 0, 0, KVBLK_STAT_FLUSHES },
	{ "flush, EIO", { FLUSH }, { .flush_err = -EIO }, IOERR, 0, 0, 0,
	  KVBLK_STAT_IO_ERRORS },
	{ "get id", { GET_ID, .len = 20 }, {}, 0, 0, 0, 0, KVBLK_STAT_GET_IDS },
	{ "get id in pieces", { GET_ID, 0, 20, BENCH_PIECES }, {}, 0, 0, 0, 0,
	  KVBLK_STAT_GET_IDS },
	{ "unknown", { 77 }, {}, VIRTIO_BLK_S_UNSUPP, 0, 0, 0,
	  KVBLK_STAT_UNSUPPORTED },
	{ "behind the end of the disk", { IN, 63, 1024 }, {}, IOERR, 0, 0, 0,
	  KVBLK_STAT_IO_ERRORS },
	{ "header is no memory", { IN, 3, 512, .header = BENCH_NOWHERE }, {},
	  IOERR, 0, 0, 0, KVBLK_STAT_IO_ERRORS },
	{ "data is no memory", { IN, 3, 512, .data = BENCH_NOWHERE }, {},
	  IOERR, 0, 0, 0, KVBLK_STAT_IO_ERRORS },
	{ "data leaves memory",
	  { OUT, 3, 512, .data = BENCH_GPA + BENCH_RAM - 511 }, {},
	  IOERR, 0, 0, 0, KVBLK_STAT_IO_ERRORS },
};

KUNIT_ARRAY_PARAM_DESC(way, way_rows, name);

static void expect_counters(struct bench *b, const struct way_row *row)
{
	static const enum kvblk_stat kinds[] = {
		KVBLK_STAT_READS, KVBLK_STAT_WRITES, KVBLK_STAT_FLUSHES,
		KVBLK_STAT_GET_IDS, KVBLK_STAT_UNSUPPORTED,
		KVBLK_STAT_IO_ERRORS,
	};
	bool flush = row->r.type == FLUSH;
	unsigned int i;

	KUNIT_EXPECT_EQ(b->test, 1, bench_stat(b, KVBLK_STAT_REQUESTS));
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		KUNIT_EXPECT_EQ_MSG(b->test, kinds[i] == row->counted,
				    bench_stat(b, kinds[i]), "counter %u",
				    kinds[i]);
	KUNIT_EXPECT_EQ(b->test, flush && row->status,
			bench_stat(b, KVBLK_STAT_FLUSH_ERRORS));
	KUNIT_EXPECT_EQ(b->test, row->counted == KVBLK_STAT_READS ?
				 row->delivered ?: row->r.len : 0,
			bench_stat(b, KVBLK_STAT_BYTES_READ));
	KUNIT_EXPECT_EQ(b->test, row->counted == KVBLK_STAT_WRITES ?
				 row->r.len : 0,
			bench_stat(b, KVBLK_STAT_BYTES_WRITTEN));
	KUNIT_EXPECT_EQ(b->test, row->performs + flush,
			bench_stat(b, KVBLK_STAT_DEFERRED));
}

static void expect_calls(struct bench *b, const struct way_row *row)
{
	struct fake_backing *f = &b->disk;

	KUNIT_EXPECT_EQ(b->test, row->attempts, atomic_read(&f->attempts));
	KUNIT_EXPECT_EQ(b->test, row->performs, atomic_read(&f->performs));
	KUNIT_EXPECT_EQ(b->test, row->performed_from, f->performed_from);
	KUNIT_EXPECT_EQ(b->test, row->r.type == FLUSH,
			atomic_read(&f->flushes));
	KUNIT_EXPECT_EQ(b->test, row->script.when == FAKE_IRQ,
			atomic_read(&f->irqs));
}

static void way_run(struct bench *b, const struct way_row *row, u64 features)
{
	u8 *before = kunit_kmalloc(b->test, BENCH_SLOT, GFP_KERNEL);
	bool reads = row->r.type == IN || row->r.type == GET_ID;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(b->test, before);
	b->disk.script = row->script;
	b->geo.read_only = row->read_only;
	bench_start(b, 32, features);
	for (i = SLOT_DATA; i < BENCH_SLOT; i++)
		slot_ram(b, SLOT)[i] = guest_byte(i);
	bench_put(b, SLOT, &row->r);
	memcpy(before, slot_ram(b, SLOT), BENCH_SLOT);
	bench_kick(b);
	bench_expect_done(b, 1);
	bench_expect_used(b, SLOT, 1 + (reads && !row->status ? row->r.len : 0),
			  row->status);
	expect_memory(b, &row->r, before, row->status);
	expect_disk(b, &row->r, row->status);
	expect_counters(b, row);
	expect_calls(b, row);
	bench_stop(b);
}

static void ways_direct(struct kunit *test)
{
	way_run(test->priv, test->param_value, 0);
}

static void ways_indirect(struct kunit *test)
{
	way_run(test->priv, test->param_value,
		BENCH_INDIRECT | BENCH_EVENT_IDX);
}

/* ---- guest memory that is not present ---- */

/**
 * struct absent - What part of guest memory faults; for one case at a time
 * @from: Address of the first byte.
 * @len: Bytes.
 * @sleep: Even for those who may sleep.
 * @hits: Faults.
 */
static struct absent {
	uintptr_t from;
	size_t len;
	bool sleep;
	unsigned int hits;
} absent;

static bool is_absent(u64 host, size_t len, bool sleep)
{
	if (host >= absent.from + absent.len || host + len <= absent.from)
		return false;
	if (sleep && !absent.sleep)
		return false;
	absent.hits++;
	return true;
}

static int absent_read(void *dst, u64 host, size_t len, bool sleep)
{
	return is_absent(host, len, sleep) ? -EFAULT :
	       kvblk_mem_kernel_ops.read(dst, host, len, sleep);
}

static int absent_write(u64 host, const void *src, size_t len, bool sleep)
{
	return is_absent(host, len, sleep) ? -EFAULT :
	       kvblk_mem_kernel_ops.write(host, src, len, sleep);
}

struct absent_row {
	const char *name;
	size_t offset;	/* in the slot */
	size_t len;
	bool sleep;
	u8 status;
	bool broken;
	u8 hits;
};

static const struct absent_row absent_rows[] = {
	{ "header", SLOT_HEADER, 16, false, 0, false, 1 },
	{ "table", SLOT_TABLE, 96, false, 0, false, 1 },
	{ "status", SLOT_STATUS, 1, false, 0, false, 1 },
	{ "all but data", 0, SLOT_DATA, false, 0, false, 2 },
	{ "header for good", SLOT_HEADER, 16, true, IOERR, false, 2 },
	{ "table for good", SLOT_TABLE, 96, true, STATUS_UNSET, true, 2 },
	{ "status for good", SLOT_STATUS, 1, true, STATUS_UNSET, true, 2 },
};

KUNIT_ARRAY_PARAM_DESC(absent, absent_rows, name);

static void absent_memory(struct kunit *test)
{
	const struct absent_row *row = test->param_value;
	const struct bench_req r = A_READ;
	struct bench *b = test->priv;
	unsigned int len = row->status ? 1 : 2049;

	b->mem_ops.read = absent_read;
	b->mem_ops.write = absent_write;
	absent = (struct absent){
		.from = (uintptr_t)slot_ram(b, SLOT) + row->offset,
		.len = row->len,
		.sleep = row->sleep,
	};
	bench_start(b, 16, BENCH_INDIRECT);
	bench_put(b, SLOT, &r);
	bench_kick(b);
	bench_until(b, READ_ONCE(b->broken) || guest_ring_used_idx(&b->ring));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, row->broken, b->broken);
	KUNIT_EXPECT_EQ(test, !row->broken, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, row->hits, absent.hits);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, row->broken,
			bench_stat(b, KVBLK_STAT_RING_ERRORS));
	if (row->broken)
		KUNIT_EXPECT_EQ(test, row->status, slot_status(b, SLOT));
	else
		bench_expect_used(b, SLOT, len, row->status);
	bench_stop(b);
}

/* ---- chains that give no status byte, in a slot that has seen another ---- */

struct blind_row {
	const char *name;
	u64 table;	/* address of the table, 0: in the slot */
	bool nested;	/* which no table may be */
	bool absent;	/* at first */
	bool sleep;	/* for good */
};

static const struct blind_row blind_rows[] = {
	{ "table is no memory", .table = BENCH_NOWHERE },
	{ "table is malformed", .nested = true },
	{ "table is malformed, seen late", .nested = true, .absent = true },
	{ "table vanishes", .absent = true, .sleep = true },
};

KUNIT_ARRAY_PARAM_DESC(blind, blind_rows, name);

static void blind_write(struct bench *b, const struct blind_row *row)
{
	const struct bench_req r = A_READ;

	bench_write(b, SLOT + 1, &r);
	guest_desc_write(&b->ring.desc[SLOT + 1], &(struct guest_desc){
		.addr = row->table ?: slot_gpa(SLOT + 1) + SLOT_TABLE,
		.len = 3 * sizeof(struct vring_desc),
		.flags = VRING_DESC_F_INDIRECT,
	});
	if (row->nested)
		guest_desc_write((void *)slot_ram(b, SLOT + 1) + SLOT_TABLE,
				 &(struct guest_desc){
			.addr = slot_gpa(SLOT + 1) + SLOT_TABLE,
			.len = 16,
			.flags = VRING_DESC_F_INDIRECT,
		});
	if (row->absent)
		absent = (struct absent){
			.from = (uintptr_t)slot_ram(b, SLOT + 1) + SLOT_TABLE,
			.len = 1,
			.sleep = row->sleep,
		};
}

/* The status byte of the older request is not taken for that of the new one. */
static void no_stale_answer(struct kunit *test)
{
	const struct blind_row *row = test->param_value;
	const struct bench_req r = A_READ;
	struct bench *b = test->priv;

	b->mem_ops.read = absent_read;
	absent = (struct absent){};
	bench_start(b, 16, BENCH_INDIRECT);
	bench_put(b, SLOT, &r);
	bench_kick(b);
	bench_expect_done(b, 1);

	memset(slot_ram(b, SLOT), STATUS_UNSET, BENCH_SLOT);
	blind_write(b, row);
	guest_ring_offer(&b->ring, SLOT + 1);
	bench_kick(b);
	bench_until(b, READ_ONCE(b->broken));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 1, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_NULL(test, memchr_inv(slot_ram(b, SLOT), STATUS_UNSET,
					   BENCH_SLOT));
	KUNIT_EXPECT_EQ(test, STATUS_UNSET, slot_status(b, SLOT + 1));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_stop(b);
}

/* Several requests in flight that cannot be answered break the ring once. */
static void broken_is_said_once(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 16, BENCH_INDIRECT);
	for (i = 0; i < 4; i++)
		bench_put(b, i, &(struct bench_req){
			.type = IN, .len = 512, .status = BENCH_NOWHERE });
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 4);
	fake_end_all(&b->disk);
	bench_until(b, !bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 1, b->broken);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_RING_ERRORS));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	bench_stop(b);
}

static struct kunit_case request_cases[] = {
	KUNIT_CASE_PARAM(ways_direct, way_gen_params),
	KUNIT_CASE_PARAM(ways_indirect, way_gen_params),
	KUNIT_CASE_PARAM(absent_memory, absent_gen_params),
	KUNIT_CASE_PARAM(no_stale_answer, blind_gen_params),
	KUNIT_CASE(broken_is_said_once),
	{}
};

static struct kunit_suite request_suite = {
	.name = "kvblk_request",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = request_cases,
};

kunit_test_suite(request_suite);
