// SPDX-License-Identifier: GPL-2.0
/*
 * What a command costs, with a real clock: bounds, not exact values; and who goes first
 * of several queues.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include "../gate.h"

#define REPEAT	100		/* so that a charge stands out from what is earned */
#define RATE	1000ULL		/* tokens per second */
#define BURST	(3600 * RATE)

struct cost_row {
	const char *name;
	enum kvblk_op op;
	u32 len;
	u32 cost[KVBLK_BUCKET_NR];
};

/* In the order of enum kvblk_bucket_id: operations, bytes; all, read, write. */
static const struct cost_row cost_rows[] = {
	{ "verdict", KVBLK_OP_NONE, 512 },
	{ "read", KVBLK_OP_READ, 4096, { 1, 1, 0, 4096, 4096, 0 } },
	{ "write", KVBLK_OP_WRITE, 512, { 1, 0, 1, 512, 0, 512 } },
	{ "read of nothing", KVBLK_OP_READ, 0, { 1, 1 } },
	{ "flush", KVBLK_OP_FLUSH, 0, { 1 } },
	{ "get id", KVBLK_OP_GET_ID, VIRTIO_BLK_ID_BYTES, { 1 } },
};

KUNIT_ARRAY_PARAM_DESC(cost, cost_rows, name);

static u64 earned_since(u64 begin)
{
	return div_u64((ktime_get_ns() - begin) * RATE, NSEC_PER_SEC) + 1;
}

/* A queue that waits counts how often it is told to look. */
struct test_waiter {
	struct kvblk_gate_waiter w;
	unsigned int looks;
};

static void test_look(struct kvblk_gate_waiter *w)
{
	container_of(w, struct test_waiter, w)->looks++;
}

static u64 take_once(struct kvblk_gate *gate, const struct kvblk_cmd *cmd)
{
	struct kvblk_gate_waiter waiter;
	u64 wait;

	kvblk_gate_waiter_init(&waiter, test_look);
	wait = kvblk_gate_take(gate, &waiter, cmd);
	kvblk_gate_quit(gate, &waiter);
	return wait;
}

static void costs(struct kunit *test)
{
	const struct cost_row *row = test->param_value;
	struct kvblk_cmd cmd = { .op = row->op, .len = row->len };
	u64 begin = ktime_get_ns();
	struct kvblk_gate gate;
	unsigned int i;
	s64 balance;

	kvblk_gate_init(&gate);
	for (i = 0; i < KVBLK_BUCKET_NR; i++)
		kvblk_gate_set(&gate, i, RATE, BURST);
	for (i = 0; i < REPEAT; i++)
		KUNIT_ASSERT_EQ(test, 0, take_once(&gate, &cmd));
	for (i = 0; i < KVBLK_BUCKET_NR; i++) {
		s64 left = BURST - (u64)REPEAT * row->cost[i];

		kvblk_gate_get(&gate, i, &balance);
		KUNIT_EXPECT_GE_MSG(test, balance, left, "bucket %u", i);
		KUNIT_EXPECT_LE_MSG(test, balance,
				    min_t(s64, BURST, left + earned_since(begin)),
				    "bucket %u", i);
	}
}

/* A bucket that is in debt for an hour, so that no clock can matter. */
static void gate_empty(struct kvblk_gate *gate, enum kvblk_bucket_id id)
{
	kvblk_gate_set(gate, id, 1, 3600);
	gate->throttle.bucket[id].zero.ns += 7200 * NSEC_PER_SEC;
}

struct wait_row {
	const char *name;
	enum kvblk_bucket_id empty;
	bool waits[KVBLK_OP_NR];
};

static const struct wait_row wait_rows[] = {
	{ "ops", KVBLK_BUCKET_OPS, { false, true, true, true, true } },
	{ "ops read", KVBLK_BUCKET_OPS_READ, { false, true } },
	{ "ops write", KVBLK_BUCKET_OPS_WRITE, { false, false, true } },
	{ "bytes", KVBLK_BUCKET_BYTES, { false, true, true } },
	{ "bytes read", KVBLK_BUCKET_BYTES_READ, { false, true } },
	{ "bytes write", KVBLK_BUCKET_BYTES_WRITE, { false, false, true } },
};

KUNIT_ARRAY_PARAM_DESC(wait, wait_rows, name);

/* With one bucket empty: who waits, and that a new limit is seen at once. */
static void who_waits(struct kunit *test)
{
	const struct wait_row *row = test->param_value;
	struct kvblk_cmd cmd = { .len = 512 };
	struct kvblk_gate gate;

	kvblk_gate_init(&gate);
	gate_empty(&gate, row->empty);
	for (cmd.op = KVBLK_OP_NONE; cmd.op < KVBLK_OP_NR; cmd.op++)
		KUNIT_EXPECT_EQ_MSG(test, row->waits[cmd.op],
				    !!take_once(&gate, &cmd), "op %u",
				    cmd.op);
	kvblk_gate_set(&gate, row->empty, 0, 0);
	for (cmd.op = KVBLK_OP_NONE; cmd.op < KVBLK_OP_NR; cmd.op++)
		KUNIT_EXPECT_EQ_MSG(test, 0, take_once(&gate, &cmd),
				    "op %u", cmd.op);
}

static void limits_are_shown(struct kunit *test)
{
	struct kvblk_bucket bucket;
	struct kvblk_gate gate;
	s64 balance = -1;

	kvblk_gate_init(&gate);
	bucket = kvblk_gate_get(&gate, KVBLK_BUCKET_BYTES, &balance);
	KUNIT_EXPECT_EQ(test, 0, bucket.rate);
	KUNIT_EXPECT_EQ(test, 0, balance);

	kvblk_gate_set(&gate, KVBLK_BUCKET_BYTES, 5, 50);
	bucket = kvblk_gate_get(&gate, KVBLK_BUCKET_BYTES, &balance);
	KUNIT_EXPECT_EQ(test, 5, bucket.rate);
	KUNIT_EXPECT_EQ(test, 50, bucket.burst);
	KUNIT_EXPECT_EQ(test, 50, balance);
	KUNIT_EXPECT_TRUE(test, gate.throttle.limited);

	kvblk_gate_set(&gate, KVBLK_BUCKET_BYTES, 0, 0);
	KUNIT_EXPECT_FALSE(test, gate.throttle.limited);
}

/* A queue whose request is large is not overtaken by those that have small ones. */
static void first_come_first(struct kunit *test)
{
	const struct kvblk_cmd large = { .op = KVBLK_OP_READ, .len = 1 << 20 };
	const struct kvblk_cmd small = { .op = KVBLK_OP_READ, .len = 512 };
	const struct kvblk_cmd write = { .op = KVBLK_OP_WRITE, .len = 512 };
	struct test_waiter a = {}, b = {}, c = {};
	struct kvblk_gate gate;

	kvblk_gate_init(&gate);
	kvblk_gate_waiter_init(&a.w, test_look);
	kvblk_gate_waiter_init(&b.w, test_look);
	kvblk_gate_waiter_init(&c.w, test_look);
	gate_empty(&gate, KVBLK_BUCKET_BYTES_READ);
	KUNIT_EXPECT_NE(test, 0, kvblk_gate_take(&gate, &a.w, &large));
	/* Tokens for the small one alone: they are kept for the first. */
	gate.throttle.bucket[KVBLK_BUCKET_BYTES_READ].zero.ns =
		ktime_get_ns() - 1000 * NSEC_PER_SEC;
	KUNIT_EXPECT_EQ(test, U64_MAX, kvblk_gate_take(&gate, &b.w, &small));
	/* What needs other tokens does not wait. */
	KUNIT_EXPECT_EQ(test, 0, kvblk_gate_take(&gate, &c.w, &write));
	KUNIT_EXPECT_EQ(test, 0, b.looks);

	KUNIT_EXPECT_EQ(test, 0, kvblk_gate_take(&gate, &a.w, &large));
	KUNIT_EXPECT_EQ(test, 1, b.looks);
	/* The large one has left debt. */
	KUNIT_EXPECT_NE(test, 0, kvblk_gate_take(&gate, &b.w, &small));
	KUNIT_EXPECT_NE(test, 0, kvblk_gate_take(&gate, &a.w, &large));
	kvblk_gate_quit(&gate, &b.w);
	KUNIT_EXPECT_EQ(test, 1, a.looks);
	kvblk_gate_quit(&gate, &a.w);
	KUNIT_EXPECT_TRUE(test, list_empty(&gate.waiters));
}

/* Nobody keeps a place before a gate without limits. */
static void lifted_limit_lets_all_pass(struct kunit *test)
{
	const struct kvblk_cmd cmd = { .op = KVBLK_OP_READ, .len = 512 };
	struct test_waiter a = {}, b = {};
	struct kvblk_gate gate;

	kvblk_gate_init(&gate);
	kvblk_gate_waiter_init(&a.w, test_look);
	kvblk_gate_waiter_init(&b.w, test_look);
	gate_empty(&gate, KVBLK_BUCKET_OPS);
	KUNIT_EXPECT_NE(test, 0, kvblk_gate_take(&gate, &a.w, &cmd));
	KUNIT_EXPECT_NE(test, 0, kvblk_gate_take(&gate, &b.w, &cmd));
	kvblk_gate_set(&gate, KVBLK_BUCKET_OPS, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, kvblk_gate_take(&gate, &b.w, &cmd));
	KUNIT_EXPECT_EQ(test, 0, kvblk_gate_take(&gate, &a.w, &cmd));
	KUNIT_EXPECT_TRUE(test, list_empty(&gate.waiters));
}

static struct kunit_case gate_cases[] = {
	KUNIT_CASE_PARAM(costs, cost_gen_params),
	KUNIT_CASE_PARAM(who_waits, wait_gen_params),
	KUNIT_CASE(limits_are_shown),
	KUNIT_CASE(first_come_first),
	KUNIT_CASE(lifted_limit_lets_all_pass),
	{}
};

static struct kunit_suite gate_suite = {
	.name = "kvblk_gate",
	.test_cases = gate_cases,
};

kunit_test_suite(gate_suite);
