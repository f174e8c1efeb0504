// SPDX-License-Identifier: GPL-2.0
/* Rules that show only in the engine: what is read once, and what counts when. */
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define FLUSH	VIRTIO_BLK_T_FLUSH
#define GET_ID	VIRTIO_BLK_T_GET_ID

/* ---- the header is read once ---- */

static uintptr_t wiped_header;
static unsigned int header_reads;

/* What the worker has read is another request at once. */
static int wipe_read(void *dst, u64 host, size_t len, bool sleep)
{
	int ret = kvblk_mem_kernel_ops.read(dst, host, len, sleep);

	if (host == wiped_header) {
		header_reads++;
		memset((void *)wiped_header, 0xff,
		       sizeof(struct virtio_blk_outhdr));
	}
	return ret;
}

static void header_is_read_once(struct kunit *test)
{
	const struct bench_req r = { IN, 5, 512 };
	struct bench *b = test->priv;

	b->mem_ops.read = wipe_read;
	wiped_header = (uintptr_t)slot_ram(b, 1) + SLOT_HEADER;
	header_reads = 0;
	bench_start(b, 16, 0);
	bench_put(b, 1, &r);
	bench_kick(b);
	bench_expect_done(b, 1);
	bench_expect_used(b, 1, 513, VIRTIO_BLK_S_OK);
	KUNIT_EXPECT_EQ(test, 1, header_reads);
	KUNIT_EXPECT_EQ(test, 5 * 512, b->disk.order[0]);
	KUNIT_EXPECT_EQ(test, -1, bench_differs(slot_data(b, 1),
						b->disk.bytes + 5 * 512, 512));
	bench_stop(b);
}

/* ---- a request counts when the guest can see that it is done ---- */

struct unseen_row {
	const char *name;
	struct bench_req r;
};

static const struct unseen_row unseen_rows[] = {
	{ "read", { IN, 3, 512, .status = BENCH_NOWHERE } },
	{ "write", { OUT, 3, 512, .status = BENCH_NOWHERE } },
	{ "flush", { FLUSH, .status = BENCH_NOWHERE } },
	{ "get id", { GET_ID, .len = 20, .status = BENCH_NOWHERE } },
	{ "unknown", { 77, .status = BENCH_NOWHERE } },
	{ "refused", { IN, 4096, 512, .status = BENCH_NOWHERE } },
};

KUNIT_ARRAY_PARAM_DESC(unseen, unseen_rows, name);

static void unseen_is_not_counted(struct kunit *test)
{
	static const enum kvblk_stat kinds[] = {
		KVBLK_STAT_READS, KVBLK_STAT_BYTES_READ, KVBLK_STAT_WRITES,
		KVBLK_STAT_BYTES_WRITTEN, KVBLK_STAT_FLUSHES,
		KVBLK_STAT_GET_IDS, KVBLK_STAT_UNSUPPORTED,
		KVBLK_STAT_IO_ERRORS,
	};
	const struct unseen_row *row = test->param_value;
	struct bench *b = test->priv;
	unsigned int i;

	bench_start(b, 16, 0);
	bench_put(b, 1, &row->r);
	bench_kick(b);
	bench_until(b, READ_ONCE(b->broken));
	bench_settle(b);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		KUNIT_EXPECT_EQ_MSG(test, 0, bench_stat(b, kinds[i]),
				    "counter %u", kinds[i]);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_RING_ERRORS));
	KUNIT_EXPECT_EQ(test, 0, b->used_calls);
	bench_stop(b);
}

/* ---- stalls ---- */

/* Every stall of the same request counts; the gauge says whether, not how often. */
static void stalls_are_counted(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 before;
	int i;

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	for (i = 0; i < 5; i++) {
		bench_settle(b);
		before = bench_stat(b, KVBLK_STAT_THROTTLED);
		kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
		bench_until(b, bench_stat(b, KVBLK_STAT_THROTTLED) > before);
		bench_settle(b);
		KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_STALLED));
	}
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_expect_done(b, 1);
	bench_stop(b);
}

/* A ring that breaks under a stalled request leaves no stall behind. */
static void broken_ring_ends_a_stall(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	for (i = 0; i < 2; i++) {
		b->disk.script.when = FAKE_NEVER;
		bench_start(b, 64, 0);
		bench_put(b, 0, &(struct bench_req){
			IN, 1, 512, .status = BENCH_NOWHERE });
		bench_kick(b);
		bench_until(b, bench_stat(b, KVBLK_STAT_IN_FLIGHT) == 1);
		bench_gate_empty(b, KVBLK_BUCKET_OPS);
		bench_put(b, 1, &(struct bench_req){ IN, 2, 512 });
		bench_kick(b);
		bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));

		fake_end_all(&b->disk);
		bench_until(b, READ_ONCE(b->broken) == i + 1);
		bench_gate_lift(b, KVBLK_BUCKET_OPS);
		/* It ends with the tokens, or else with the stop. */
		if (i) {
			kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
			bench_until(b, !bench_stat(b, KVBLK_STAT_STALLED));
		}
		fake_end_all(&b->disk);
		bench_stop(b);
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_STALLED));
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	}
}

static struct kunit_case queue_rules_cases[] = {
	KUNIT_CASE(header_is_read_once),
	KUNIT_CASE_PARAM(unseen_is_not_counted, unseen_gen_params),
	KUNIT_CASE(stalls_are_counted),
	KUNIT_CASE(broken_ring_ends_a_stall),
	{}
};

static struct kunit_suite queue_rules_suite = {
	.name = "kvblk_queue_rules",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = queue_rules_cases,
};

kunit_test_suite(queue_rules_suite);
