// SPDX-License-Identifier: GPL-2.0
/* Requests in every framing, good and bad, and what is made of them. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "../cmd.h"
#include "prng.h"

#define PIECES		300
#define GAP		0x10000000ULL	/* between pieces: more than any length */
#define SECTORS		2048		/* of the disk */
#define HDR		sizeof(struct virtio_blk_outhdr)

#define IN		VIRTIO_BLK_T_IN
#define OUT		VIRTIO_BLK_T_OUT
#define FLUSH		VIRTIO_BLK_T_FLUSH
#define GET_ID		VIRTIO_BLK_T_GET_ID

#define OK		VIRTIO_BLK_S_OK
#define IOERR		VIRTIO_BLK_S_IOERR
#define UNSUPP		VIRTIO_BLK_S_UNSUPP

/* Piece i of a chain begins at (i + 1) * GAP; only the header has contents. */
struct cmd_test {
	struct kvblk_guest g;
	struct kvblk_geometry geo;
	struct kvblk_chain chain;
	struct kvblk_cmd cmd;
	struct kvblk_seg seg[PIECES];
	struct kvblk_seg was[PIECES];
	u8 hdr[HDR];
	unsigned int reads;
	int read_error;
};

/* How many readable bytes lie before piece @i, its own beginning. */
static u64 stream_offset(const struct cmd_test *ct, unsigned int i)
{
	unsigned int k;
	u64 sum = 0;

	for (k = 0; k < i; k++)
		sum += ct->was[k].len;
	return sum;
}

static int hdr_read(const struct kvblk_guest *g, u64 gpa, void *dst, u32 len)
{
	struct cmd_test *ct = container_of(g, struct cmd_test, g);
	u64 offset = stream_offset(ct, gpa / GAP - 1) + gpa % GAP;

	ct->reads++;
	if (ct->read_error)
		return ct->read_error;
	if (offset > HDR || len > HDR - offset)
		return -ENXIO;
	memcpy(dst, ct->hdr + offset, len);
	return 0;
}

static int cmd_test_init(struct kunit *test)
{
	struct cmd_test *ct = kunit_kzalloc(test, sizeof(*ct), GFP_KERNEL);

	if (!ct)
		return -ENOMEM;
	test->priv = ct;
	ct->g.read = hdr_read;
	ct->geo = (struct kvblk_geometry){
		.capacity = SECTORS * 512ULL,
		.block_size = 512,
		.size_max = KVBLK_SIZE_MAX,
		.seg_max = KVBLK_SEG_MAX,
		.queue_size = 256,
	};
	return 0;
}

static void set_header(struct cmd_test *ct, u32 type, u64 sector)
{
	struct virtio_blk_outhdr hdr = {
		.type = (__force __virtio32)cpu_to_le32(type),
		.ioprio = (__force __virtio32)cpu_to_le32(0xdeadbeef),
		.sector = (__force __virtio64)cpu_to_le64(sector),
	};

	memcpy(ct->hdr, &hdr, sizeof(hdr));
}

static void start_chain(struct cmd_test *ct)
{
	ct->chain = (struct kvblk_chain){ .seg = ct->seg, .max = PIECES };
	ct->reads = 0;
}

static struct kvblk_seg *add_piece(struct cmd_test *ct, u32 len)
{
	unsigned int i = ct->chain.nr_out + ct->chain.nr_in;

	ct->seg[i].gpa = (i + 1) * GAP;
	ct->seg[i].len = len;
	ct->was[i] = ct->seg[i];
	return &ct->seg[i];
}

static void add_out(struct cmd_test *ct, u32 len)
{
	add_piece(ct, len);
	ct->chain.nr_out++;
	ct->chain.out_bytes += len;
}

static void add_in(struct cmd_test *ct, u32 len)
{
	add_piece(ct, len);
	ct->chain.nr_in++;
	ct->chain.in_bytes += len;
}

static int parse(struct cmd_test *ct)
{
	return kvblk_cmd_parse(&ct->geo, &ct->g, &ct->chain, &ct->cmd);
}

/* Guest physical address of byte @at of the pieces [@first, @first + @nr). */
static u64 byte_gpa(const struct kvblk_seg *seg, unsigned int nr, u64 at)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (at < seg[i].len)
			return seg[i].gpa + at;
		at -= seg[i].len;
	}
	return 0;
}

/* @cmd's data are the bytes of one direction without header and status. */
static void expect_data(struct kunit *test, const struct cmd_test *ct)
{
	const struct kvblk_cmd *cmd = &ct->cmd;
	bool out = cmd->op == KVBLK_OP_WRITE;
	const struct kvblk_seg *was = ct->was + (out ? 0 : ct->chain.nr_out);
	unsigned int nr = out ? ct->chain.nr_out : ct->chain.nr_in;
	u64 at = out ? HDR : 0, sum = 0;
	u16 i;

	for (i = 0; i < cmd->nr_data; i++) {
		const struct kvblk_seg *seg = &cmd->data[i];

		sum += seg->len;
		if (!seg->len)
			continue;
		KUNIT_EXPECT_EQ(test, seg->gpa, byte_gpa(was, nr, at));
		at += seg->len;
		KUNIT_EXPECT_EQ(test, seg->gpa + seg->len - 1,
				byte_gpa(was, nr, at - 1));
	}
	KUNIT_EXPECT_EQ(test, sum, cmd->len);
}

static void expect_status_place(struct kunit *test, const struct cmd_test *ct)
{
	const struct kvblk_chain *c = &ct->chain;

	KUNIT_EXPECT_EQ(test, ct->cmd.status_gpa,
			byte_gpa(ct->was + c->nr_out, c->nr_in,
				 c->in_bytes - 1));
}

#define EMPTY	U32_MAX		/* a piece of no bytes in the lists below */

struct cmd_row {
	const char *name;
	u32 type;
	u64 sector;
	u32 out[5];		/* lengths of the readable pieces; 0 ends */
	u32 in[5];		/* of the writable ones */
	bool read_only;
	u32 block_size;		/* 0: 512 */
	enum kvblk_op op;
	u8 status;		/* if there is no operation */
	u32 len;
	u16 nr_data;
};

static const struct cmd_row cmd_rows[] = {
	/* framing */
	{ "read", IN, 3, { 16 }, { 512, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read to two pieces", IN, 3, { 16 }, { 100, 412, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 2 },
	{ "read, header split 8+8", IN, 3, { 8, 8 }, { 512, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read, header in crumbs", IN, 3, { 1, EMPTY, 14, 1 }, { 512, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read, data and status in one", IN, 3, { 16 }, { 513 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read, empty piece behind the status", IN, 3, { 16 },
	  { 512, 1, EMPTY },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read, data split at the status", IN, 3, { 16 }, { 511, 2 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 2 },
	{ "write", OUT, 3, { 16, 512 }, { 1 },
	  .op = KVBLK_OP_WRITE, .len = 512, .nr_data = 1 },
	{ "write, header and data in one", OUT, 3, { 528 }, { 1 },
	  .op = KVBLK_OP_WRITE, .len = 512, .nr_data = 1 },
	{ "write, header 10+6 and data", OUT, 3, { 10, 262, 256 }, { 1 },
	  .op = KVBLK_OP_WRITE, .len = 512, .nr_data = 2 },
	{ "write of many", OUT, 3, { 16, 512, 1, 1023 }, { 1 },
	  .op = KVBLK_OP_WRITE, .len = 1536, .nr_data = 3 },
	{ "header of 15", IN, 3, { 15 }, { 512, 1 }, .status = IOERR },
	{ "no header", IN, 3, { 0 }, { 512, 1 }, .status = IOERR },
	{ "header of 8+7", IN, 3, { 8, 7 }, { 512, 1 }, .status = IOERR },

	/* data that is not there, or too much */
	{ "read without data", IN, 0, { 16 }, { 1 }, .status = IOERR },
	{ "write without data", OUT, 0, { 16 }, { 1 }, .status = IOERR },
	{ "read of nothing", IN, 0, { 16 }, { EMPTY, 1 },
	  .op = KVBLK_OP_READ, .nr_data = 1 },
	{ "write of nothing", OUT, 0, { 16, EMPTY, EMPTY }, { 1 },
	  .op = KVBLK_OP_WRITE, .nr_data = 2 },
	{ "an empty piece in between", IN, 0, { 16 }, { 256, EMPTY, 256, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 3 },
	{ "piece of size_max", IN, 0, { 16 }, { KVBLK_SIZE_MAX, 1 },
	  .op = KVBLK_OP_READ, .len = KVBLK_SIZE_MAX, .nr_data = 1 },
	{ "piece of size_max and the status", IN, 0, { 16 },
	  { KVBLK_SIZE_MAX + 1 },
	  .op = KVBLK_OP_READ, .len = KVBLK_SIZE_MAX, .nr_data = 1 },
	{ "piece above size_max", IN, 0, { 16 }, { KVBLK_SIZE_MAX + 1, 511, 1 },
	  .status = IOERR },
	{ "written piece above size_max", OUT, 0,
	  { 16, KVBLK_SIZE_MAX + 512 }, { 1 }, .status = IOERR },
	{ "513 bytes", IN, 0, { 16 }, { 513, 1 }, .status = IOERR },
	{ "511 bytes", OUT, 0, { 16, 511 }, { 1 }, .status = IOERR },

	/* direction */
	{ "read with readable data", IN, 0, { 16, 512 }, { 512, 1 },
	  .status = IOERR },
	{ "read with only readable data", IN, 0, { 16, 512 }, { 1 },
	  .status = IOERR },
	{ "read with an empty readable piece", IN, 0, { 16, EMPTY }, { 512, 1 },
	  .status = IOERR },
	{ "write with writable data", OUT, 0, { 16, 512 }, { 512, 1 },
	  .status = IOERR },
	{ "write with only writable data", OUT, 0, { 16 }, { 512, 1 },
	  .status = IOERR },
	{ "read, header too long", IN, 0, { 17 }, { 512, 1 },
	  .status = IOERR },

	/* range */
	{ "last sector", IN, SECTORS - 1, { 16 }, { 512, 1 },
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "the whole disk", OUT, 0, { 16, KVBLK_SIZE_MAX }, { 1 },
	  .op = KVBLK_OP_WRITE, .len = KVBLK_SIZE_MAX, .nr_data = 1 },
	{ "over the end", IN, SECTORS - 1, { 16 }, { 1024, 1 },
	  .status = IOERR },
	{ "at the end", OUT, SECTORS, { 16, 512 }, { 1 }, .status = IOERR },
	{ "nothing at the end", IN, SECTORS, { 16 }, { EMPTY, 1 },
	  .op = KVBLK_OP_READ, .nr_data = 1 },
	{ "nothing behind the end", IN, SECTORS + 1, { 16 }, { EMPTY, 1 },
	  .status = IOERR },
	{ "last sector number", IN, U64_MAX, { 16 }, { 512, 1 },
	  .status = IOERR },
	{ "byte offset wraps to 0", OUT, 1ULL << 55, { 16, 512 }, { 1 },
	  .status = IOERR },
	{ "byte offset wraps to inside", IN, (1ULL << 55) + 1, { 16 },
	  { 512, 1 }, .status = IOERR },
	{ "4k block", IN, 8, { 16 }, { 4096, 1 }, .block_size = 4096,
	  .op = KVBLK_OP_READ, .len = 4096, .nr_data = 1 },
	{ "4k block, unaligned sector", IN, 7, { 16 }, { 4096, 1 },
	  .block_size = 4096, .status = IOERR },
	{ "4k block, half of it", OUT, 8, { 16, 2048 }, { 1 },
	  .block_size = 4096, .status = IOERR },

	/* flush */
	{ "flush", FLUSH, 0, { 16 }, { 1 }, .op = KVBLK_OP_FLUSH },
	{ "flush, sector ignored", FLUSH, U64_MAX, { 16 }, { 1 },
	  .op = KVBLK_OP_FLUSH },
	{ "flush with written data", FLUSH, 0, { 16, 512 }, { 1 },
	  .status = IOERR },
	{ "flush with room for data", FLUSH, 0, { 16 }, { 512, 1 },
	  .status = IOERR },
	{ "flush with an empty piece", FLUSH, 0, { 16, EMPTY }, { 1 },
	  .status = IOERR },

	/* identity */
	{ "get id", GET_ID, 0, { 16 }, { 20, 1 },
	  .op = KVBLK_OP_GET_ID, .len = 20, .nr_data = 1 },
	{ "get id, sector ignored", GET_ID, U64_MAX, { 16 }, { 20, 1 },
	  .op = KVBLK_OP_GET_ID, .len = 20, .nr_data = 1 },
	{ "get id, much room", GET_ID, 0, { 16 }, { 4096, 512, 1 },
	  .op = KVBLK_OP_GET_ID, .len = 20, .nr_data = 1 },
	{ "get id in pieces", GET_ID, 0, { 16 }, { 7, EMPTY, 12, 9, 1 },
	  .op = KVBLK_OP_GET_ID, .len = 20, .nr_data = 4 },
	{ "get id, 19 bytes", GET_ID, 0, { 16 }, { 19, 1 }, .status = IOERR },
	{ "get id, 19 bytes and status", GET_ID, 0, { 16 }, { 20 },
	  .status = IOERR },
	{ "get id, no room", GET_ID, 0, { 16 }, { 1 }, .status = IOERR },
	{ "get id, readable data", GET_ID, 0, { 16, 20 }, { 20, 1 },
	  .status = IOERR },

	/* a disk that cannot be written */
	{ "read-only: read", IN, 3, { 16 }, { 512, 1 }, .read_only = true,
	  .op = KVBLK_OP_READ, .len = 512, .nr_data = 1 },
	{ "read-only: write", OUT, 3, { 16, 512 }, { 1 }, .read_only = true,
	  .status = IOERR },
	{ "read-only: flush", FLUSH, 0, { 16 }, { 1 }, .read_only = true,
	  .status = OK },
	{ "read-only: flush with data", FLUSH, 0, { 16, 512 }, { 1 },
	  .read_only = true, .status = IOERR },
	{ "read-only: get id", GET_ID, 0, { 16 }, { 20, 1 },
	  .read_only = true, .op = KVBLK_OP_GET_ID, .len = 20, .nr_data = 1 },

	/* what is not offered */
	{ "type 2", 2, 0, { 16 }, { 1 }, .status = UNSUPP },
	{ "get lifetime", 10, 0, { 16 }, { 64, 1 }, .status = UNSUPP },
	{ "discard", 11, 0, { 16, 16 }, { 1 }, .status = UNSUPP },
	{ "write zeroes", 13, 0, { 16, 16 }, { 1 }, .status = UNSUPP },
	{ "secure erase", 14, 0, { 16, 16 }, { 1 }, .status = UNSUPP },
	{ "old barrier bit", 0x80000000, 0, { 16 }, { 512, 1 },
	  .status = UNSUPP },
	{ "no type, both directions", U32_MAX, U64_MAX, { 16, 3 }, { 5, 1 },
	  .status = UNSUPP },
	{ "no type, piece above size_max", U32_MAX, 0,
	  { 16, KVBLK_SIZE_MAX + 1 }, { 1 }, .status = IOERR },
};

static void cmd_desc(const struct cmd_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cmd, cmd_rows, cmd_desc);

static void build(struct cmd_test *ct, const struct cmd_row *row)
{
	unsigned int i;

	set_header(ct, row->type, row->sector);
	ct->geo.read_only = row->read_only;
	if (row->block_size)
		ct->geo.block_size = row->block_size;
	start_chain(ct);
	for (i = 0; i < ARRAY_SIZE(row->out) && row->out[i]; i++)
		add_out(ct, row->out[i] == EMPTY ? 0 : row->out[i]);
	for (i = 0; i < ARRAY_SIZE(row->in) && row->in[i]; i++)
		add_in(ct, row->in[i] == EMPTY ? 0 : row->in[i]);
}

static void verdict(struct kunit *test)
{
	const struct cmd_row *row = test->param_value;
	struct cmd_test *ct = test->priv;

	build(ct, row);
	KUNIT_ASSERT_EQ(test, parse(ct), 0);
	expect_status_place(test, ct);
	KUNIT_ASSERT_EQ(test, ct->cmd.op, row->op);
	if (row->op == KVBLK_OP_NONE) {
		KUNIT_EXPECT_EQ(test, ct->cmd.status, row->status);
		KUNIT_EXPECT_EQ(test, ct->cmd.len, 0);
		KUNIT_EXPECT_EQ(test, ct->cmd.nr_data, 0);
		return;
	}
	KUNIT_EXPECT_EQ(test, ct->cmd.type, row->type);
	KUNIT_EXPECT_EQ(test, ct->cmd.len, row->len);
	KUNIT_EXPECT_EQ(test, ct->cmd.nr_data, row->nr_data);
	if (row->op == KVBLK_OP_READ || row->op == KVBLK_OP_WRITE)
		KUNIT_EXPECT_EQ(test, ct->cmd.pos, row->sector * 512);
	expect_data(test, ct);
}

static void no_place_for_the_status(struct kunit *test)
{
	struct cmd_test *ct = test->priv;

	set_header(ct, OUT, 0);
	start_chain(ct);
	add_out(ct, 16);
	KUNIT_EXPECT_EQ(test, parse(ct), -ENODATA);
	add_out(ct, 512);
	add_in(ct, 0);
	KUNIT_EXPECT_EQ(test, parse(ct), -ENODATA);
	KUNIT_EXPECT_EQ(test, ct->reads, 0);
}

/* The engine comes again from where it may sleep, with the same chain. */
static void unreadable_now(struct kunit *test)
{
	struct cmd_test *ct = test->priv;

	set_header(ct, OUT, 2);
	start_chain(ct);
	add_out(ct, 8);
	add_out(ct, 8 + 512);
	add_in(ct, 3);
	ct->read_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, parse(ct), -EFAULT);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_NONE);
	KUNIT_EXPECT_EQ(test, ct->cmd.status, IOERR);
	expect_status_place(test, ct);
	KUNIT_EXPECT_MEMEQ(test, ct->seg, ct->was, sizeof(ct->seg));

	/* Where the rest of the chain still disqualifies it. */
	ct->read_error = 0;
	KUNIT_EXPECT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_NONE);

	start_chain(ct);
	add_out(ct, 8);
	add_out(ct, 8 + 512);
	add_in(ct, 1);
	ct->read_error = -EFAULT;
	KUNIT_EXPECT_EQ(test, parse(ct), -EFAULT);
	ct->read_error = 0;
	KUNIT_EXPECT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_WRITE);
	expect_data(test, ct);
}

static void unreadable_ever(struct kunit *test)
{
	struct cmd_test *ct = test->priv;

	set_header(ct, IN, 0);
	start_chain(ct);
	add_out(ct, 16);
	add_in(ct, 513);
	ct->read_error = -ENXIO;
	KUNIT_EXPECT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_NONE);
	KUNIT_EXPECT_EQ(test, ct->cmd.status, IOERR);
	expect_status_place(test, ct);
}

static void segments_up_to_the_limit(struct kunit *test)
{
	struct cmd_test *ct = test->priv;
	unsigned int i, nr;

	set_header(ct, IN, 0);
	for (nr = KVBLK_SEG_MAX; nr <= KVBLK_SEG_MAX + 1; nr++) {
		start_chain(ct);
		add_out(ct, HDR);
		for (i = 0; i < nr; i++)
			add_in(ct, 512);
		add_in(ct, 1);
		KUNIT_ASSERT_EQ(test, parse(ct), 0);
		KUNIT_EXPECT_EQ(test, ct->cmd.op, nr > KVBLK_SEG_MAX ?
				KVBLK_OP_NONE : KVBLK_OP_READ);
	}
	/* Both directions count together, whatever the request is. */
	set_header(ct, U32_MAX, 0);
	start_chain(ct);
	add_out(ct, HDR);
	for (i = 0; i < 128; i++)
		add_out(ct, 1);
	for (i = 0; i < 127; i++)
		add_in(ct, 1);
	add_in(ct, 1);
	KUNIT_ASSERT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.status, IOERR);
}

/* Limits so large that only the width of the length is left to stop it. */
static void length_fits_its_type(struct kunit *test)
{
	struct cmd_test *ct = test->priv;
	unsigned int i;

	ct->geo.capacity = 1ULL << 50;
	ct->geo.size_max = U32_MAX;
	set_header(ct, IN, 0);
	start_chain(ct);
	add_out(ct, HDR);
	for (i = 0; i < 32; i++)
		add_in(ct, 128 << 20);
	add_in(ct, 1);
	KUNIT_ASSERT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_NONE);
	KUNIT_EXPECT_EQ(test, ct->cmd.status, IOERR);

	start_chain(ct);
	add_out(ct, HDR);
	for (i = 0; i < 31; i++)
		add_in(ct, 128 << 20);
	add_in(ct, 1);
	KUNIT_ASSERT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_READ);
	KUNIT_EXPECT_EQ(test, ct->cmd.len, 31U * (128 << 20));
}

static void empty_disk(struct kunit *test)
{
	struct cmd_test *ct = test->priv;

	ct->geo.capacity = 0;
	set_header(ct, IN, 0);
	start_chain(ct);
	add_out(ct, HDR);
	add_in(ct, 513);
	KUNIT_ASSERT_EQ(test, parse(ct), 0);
	KUNIT_EXPECT_EQ(test, ct->cmd.op, KVBLK_OP_NONE);
	KUNIT_EXPECT_EQ(test, ct->cmd.status, IOERR);
}

static void random_chain(struct cmd_test *ct, struct prng *p)
{
	static const u32 types[] = { IN, OUT, FLUSH, GET_ID, 11, U32_MAX };
	static const u32 lens[] = { 0, 1, 15, 16, 511, 512, 512, 512, 513, 1024,
				    4096, 4096, KVBLK_SIZE_MAX,
				    KVBLK_SIZE_MAX + 1 };
	u32 i, nr;

	set_header(ct, types[prng_below(p, ARRAY_SIZE(types))],
		   prng_below(p, 8) ? prng_below(p, SECTORS + 4) :
				      prng_next(p));
	start_chain(ct);
	if (prng_below(p, 8))
		add_out(ct, HDR);
	nr = prng_below(p, 2) * prng_below(p, 4);
	for (i = 0; i < nr; i++)
		add_out(ct, lens[prng_below(p, ARRAY_SIZE(lens))]);
	nr = prng_below(p, 2) * prng_below(p, 4);
	for (i = 0; i < nr; i++)
		add_in(ct, lens[prng_below(p, ARRAY_SIZE(lens))]);
	if (prng_below(p, 8))
		add_in(ct, 1);
}

/* Whatever comes in, a command that comes out can be carried out blindly. */
static void random_requests(struct kunit *test)
{
	struct prng p = { .state = 0x6b76626c6b2d6331ULL };
	struct cmd_test *ct = test->priv;
	unsigned int round, ops[KVBLK_OP_NR] = { 0 };
	const struct kvblk_cmd *cmd = &ct->cmd;
	int ret;

	for (round = 0; round < 20000; round++) {
		random_chain(ct, &p);
		ret = parse(ct);
		KUNIT_EXPECT_EQ(test, ret, ct->chain.in_bytes ? 0 : -ENODATA);
		if (ret)
			continue;
		expect_status_place(test, ct);
		KUNIT_ASSERT_TRUE(test, cmd->op < KVBLK_OP_NR);
		ops[cmd->op]++;
		if (cmd->op == KVBLK_OP_NONE)
			continue;
		KUNIT_EXPECT_LE(test, cmd->nr_data, ct->geo.seg_max);
		KUNIT_EXPECT_LE(test, cmd->pos, ct->geo.capacity);
		KUNIT_EXPECT_LE(test, cmd->len, ct->geo.capacity - cmd->pos);
		expect_data(test, ct);
	}
	KUNIT_EXPECT_GT(test, ops[KVBLK_OP_NONE], 1000);
	KUNIT_EXPECT_GT(test, ops[KVBLK_OP_READ], 100);
	KUNIT_EXPECT_GT(test, ops[KVBLK_OP_WRITE], 100);
	KUNIT_EXPECT_GT(test, ops[KVBLK_OP_FLUSH], 20);
	KUNIT_EXPECT_GT(test, ops[KVBLK_OP_GET_ID], 100);
}

static struct kunit_case cmd_cases[] = {
	KUNIT_CASE_PARAM(verdict, cmd_gen_params),
	KUNIT_CASE(no_place_for_the_status),
	KUNIT_CASE(unreadable_now),
	KUNIT_CASE(unreadable_ever),
	KUNIT_CASE(segments_up_to_the_limit),
	KUNIT_CASE(length_fits_its_type),
	KUNIT_CASE(empty_disk),
	KUNIT_CASE(random_requests),
	{}
};

static struct kunit_suite cmd_suite = {
	.name = "kvblk_cmd",
	.init = cmd_test_init,
	.test_cases = cmd_cases,
};

kunit_test_suite(cmd_suite);
