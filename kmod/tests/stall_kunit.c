// SPDX-License-Identifier: GPL-2.0
/* Throttled requests: they keep their place, and everything keeps moving. */
#include <linux/ktime.h>
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT

static void retry(struct bench *b)
{
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
}

static void await_stall(struct bench *b)
{
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	bench_settle(b);
}

/* The first request waits in the ring; nothing of it shows. */
static void expect_held(struct bench *b, u16 first, int attempts)
{
	KUNIT_EXPECT_EQ(b->test, 1, bench_stat(b, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_GE(b->test, bench_stat(b, KVBLK_STAT_THROTTLED), 1);
	KUNIT_EXPECT_EQ(b->test, first, READ_ONCE(b->q.vring.next_avail));
	KUNIT_EXPECT_EQ(b->test, first, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(b->test, attempts, atomic_read(&b->disk.attempts));
}

struct stall_row {
	const char *name;
	enum kvblk_bucket_id empty;
	struct bench_req first;
	struct bench_req second;	/* would not have to wait, if first */
};

#define A_READ	{ IN, 7, 512 }
#define A_WRITE	{ OUT, 7, 512 }
#define A_FLUSH	{ VIRTIO_BLK_T_FLUSH }

static const struct stall_row stall_rows[] = {
	{ "read, ops", KVBLK_BUCKET_OPS, A_READ, { 77 } },
	{ "flush, ops", KVBLK_BUCKET_OPS, A_FLUSH, { 77 } },
	{ "get id, ops", KVBLK_BUCKET_OPS, { VIRTIO_BLK_T_GET_ID, 0, 20 },
	  { 77 } },
	{ "read, ops read", KVBLK_BUCKET_OPS_READ, A_READ, A_WRITE },
	{ "write, ops write", KVBLK_BUCKET_OPS_WRITE, A_WRITE, A_READ },
	{ "read, bytes", KVBLK_BUCKET_BYTES, A_READ, A_FLUSH },
	{ "read, bytes read", KVBLK_BUCKET_BYTES_READ, A_READ, A_WRITE },
	{ "write, bytes write", KVBLK_BUCKET_BYTES_WRITE, A_WRITE, A_READ },
};

KUNIT_ARRAY_PARAM_DESC(stall, stall_rows, name);

/* It stays first, whatever comes; a changed limit is seen at once. */
static void first_stays_first(struct kunit *test)
{
	const struct stall_row *row = test->param_value;
	struct bench *b = test->priv;
	u32 id, len;
	u16 i;

	bench_gate_empty(b, row->empty);
	bench_start(b, 64, 0);
	bench_put(b, 0, &row->first);
	bench_kick(b);
	await_stall(b);
	for (i = 1; i < 4; i++) {
		bench_put(b, i, &row->second);
		bench_kick(b);
		bench_settle(b);
		retry(b);
		await_stall(b);
		expect_held(b, 0, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));

	bench_gate_lift(b, row->empty);
	retry(b);
	bench_expect_done(b, 4);
	/* A flush takes a work item, so the order of use may be another. */
	while (guest_ring_take(&b->ring, &id, &len))
		KUNIT_EXPECT_NE(test, STATUS_UNSET, slot_status(b, id / 3));
	bench_stop(b);
}

/* A request that costs nothing passes when it is the first. */
static void free_request_passes(struct kunit *test)
{
	const struct stall_row *row = test->param_value;
	struct bench *b = test->priv;

	bench_gate_empty(b, row->empty);
	bench_start(b, 64, 0);
	bench_put(b, 0, &row->second);
	bench_put(b, 1, &row->first);
	bench_kick(b);
	bench_await_used(b, 1);
	await_stall(b);
	KUNIT_EXPECT_EQ(test, 1, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 1, READ_ONCE(b->q.vring.next_avail));

	bench_gate_lift(b, row->empty);
	retry(b);
	bench_expect_done(b, 2);
	bench_stop(b);
}

/* Kicks do not ask for tokens: there is no use in it before the timer. */
static void kicks_cost_nothing(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 before;
	int i;

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	await_stall(b);
	before = bench_stat(b, KVBLK_STAT_THROTTLED);
	for (i = 0; i < 100; i++) {
		bench_kick(b);
		bench_settle(b);
	}
	/* The timer may have asked, once in a second. */
	KUNIT_EXPECT_LT(test, bench_stat(b, KVBLK_STAT_THROTTLED), before + 50);
	bench_stop(b);
}

/* What was started before ends, and is published, during a stall. */
static void completions_go_on(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 2);
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_put(b, 2, &(struct bench_req)A_READ);
	bench_kick(b);
	await_stall(b);
	expect_held(b, 2, 2);
	KUNIT_EXPECT_EQ(test, 2, bench_stat(b, KVBLK_STAT_IN_FLIGHT));

	fake_end_all(&b->disk);
	bench_await_used(b, 2);
	bench_settle(b);
	expect_held(b, 2, 2);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));

	b->disk.script.when = FAKE_INLINE;
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	retry(b);
	bench_expect_done(b, 3);
	bench_stop(b);
}

/* The timer alone goes on with it, and not before its time. */
static void timer_resumes(struct kunit *test)
{
	struct bench *b = test->priv;
	u64 begin = ktime_get_ns();

	/* 20 at once, then one in 50 ms. */
	kvblk_gate_set(&b->gate, KVBLK_BUCKET_OPS, 20, 20);
	bench_start(b, 64, BENCH_INDIRECT);
	bench_put_reads(b, 0, 23);
	bench_kick(b);
	bench_expect_done(b, 23);
	KUNIT_EXPECT_GE(test, ktime_get_ns() - begin, 150 * NSEC_PER_MSEC);
	KUNIT_EXPECT_GE(test, bench_stat(b, KVBLK_STAT_THROTTLED), 1);
	bench_stop(b);
}

/* Even if nobody says that the limit is gone. */
static void lifted_unsaid(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_gate_empty(b, KVBLK_BUCKET_BYTES);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	await_stall(b);
	bench_gate_lift(b, KVBLK_BUCKET_BYTES);
	bench_expect_done(b, 2);
	bench_stop(b);
}

/* More than the burst holds passes once and leaves debt. */
static void debt(struct kunit *test)
{
	struct bench *b = test->priv;
	s64 balance;

	kvblk_gate_set(&b->gate, KVBLK_BUCKET_BYTES, 1, 100);
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_await_used(b, 1);
	await_stall(b);
	expect_held(b, 1, 1);
	kvblk_gate_get(&b->gate, KVBLK_BUCKET_BYTES, &balance);
	KUNIT_EXPECT_LT(test, balance, 0);
	bench_stop(b);
}

/* A stop does not wait for tokens, and a new start brings none. */
static void stop_while_stalled(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	for (i = 0; i < 3; i++) {
		bench_start(b, 64, BENCH_INDIRECT);
		bench_put_reads(b, 0, 2);
		bench_kick(b);
		await_stall(b);
		bench_stop(b);
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_STALLED));
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_REQUESTS));
		KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
		KUNIT_EXPECT_EQ(test, STATUS_UNSET, slot_status(b, 0));
	}
	/* Nothing is left of the stalls. */
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, BENCH_INDIRECT);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_expect_done(b, 2);
	bench_stop(b);
}

/* ---- a request that had to be read by a work item waits popped ---- */

static uintptr_t shy_header;

static int shy_read(void *dst, u64 host, size_t len, bool sleep)
{
	if (host == shy_header && !sleep)
		return -EFAULT;
	return kvblk_mem_kernel_ops.read(dst, host, len, sleep);
}

static const bool ready_rows[] = { false, true };

static void ready_desc(const bool *stop, char *desc)
{
	strscpy(desc, *stop ? "stop" : "lift", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ready, ready_rows, ready_desc);

static void popped_request_waits(struct kunit *test)
{
	const bool *stop = test->param_value;
	struct bench *b = test->priv;

	b->mem_ops.read = shy_read;
	shy_header = (uintptr_t)slot_ram(b, 0) + SLOT_HEADER;
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_put(b, 0, &(struct bench_req)A_READ);
	bench_kick(b);
	await_stall(b);
	bench_put(b, 1, &(struct bench_req)A_WRITE);
	bench_kick(b);
	bench_settle(b);
	expect_held(b, 1, 0);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_IN_FLIGHT));

	if (*stop) {
		bench_stop(b);
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
		KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
		KUNIT_EXPECT_EQ(test, STATUS_UNSET, slot_status(b, 0));
	} else {
		bench_gate_lift(b, KVBLK_BUCKET_OPS);
		retry(b);
		bench_expect_done(b, 2);
		bench_expect_used(b, 0, 513, VIRTIO_BLK_S_OK);
		bench_expect_used(b, 1, 1, VIRTIO_BLK_S_OK);
		bench_stop(b);
	}
}

static struct kunit_case stall_cases[] = {
	KUNIT_CASE_PARAM(first_stays_first, stall_gen_params),
	KUNIT_CASE_PARAM(free_request_passes, stall_gen_params),
	KUNIT_CASE(kicks_cost_nothing),
	KUNIT_CASE(completions_go_on),
	KUNIT_CASE(timer_resumes),
	KUNIT_CASE(lifted_unsaid),
	KUNIT_CASE(debt),
	KUNIT_CASE(stop_while_stalled),
	KUNIT_CASE_PARAM(popped_request_waits, ready_gen_params),
	{}
};

static struct kunit_suite stall_suite = {
	.name = "kvblk_stall",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = stall_cases,
};

kunit_test_suite(stall_suite);
