// SPDX-License-Identifier: GPL-2.0
/* Start and stop: bounded, complete, and the guest is left alone afterwards. */
#include <linux/jhash.h>
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define SETTLE_US	2000	/* for what should not happen */

static u32 ram_sum(const struct bench *b)
{
	return jhash(b->ram, BENCH_RAM, 0);
}

/* ---- start ---- */

static void idle_queue(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	KUNIT_EXPECT_TRUE(test, kvblk_queue_idle(&b->q));
	KUNIT_EXPECT_FALSE(test, kvblk_queue_stop(&b->q));
	for (i = 0; i < 3; i++) {
		bench_start(b, 64, 0);
		KUNIT_EXPECT_FALSE(test, kvblk_queue_idle(&b->q));
		bench_stop(b);
		KUNIT_EXPECT_FALSE(test, kvblk_queue_stop(&b->q));
	}
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, b->stopped);
}

struct area_row {
	const char *name;
	struct kvblk_vq_config vq;
};

static const struct area_row area_rows[] = {
	{ "desc", { 16, true, BENCH_NOWHERE, BENCH_GPA, BENCH_GPA } },
	{ "avail", { 16, true, BENCH_GPA, BENCH_NOWHERE, BENCH_GPA } },
	{ "used", { 16, true, BENCH_GPA, BENCH_GPA, BENCH_NOWHERE } },
	{ "desc leaves memory",
	  { 16, true, BENCH_GPA + BENCH_RAM - 255, BENCH_GPA, BENCH_GPA } },
	{ "avail leaves memory",
	  { 16, true, BENCH_GPA, BENCH_GPA + BENCH_RAM - 37, BENCH_GPA } },
	{ "used leaves memory",
	  { 16, true, BENCH_GPA, BENCH_GPA, BENCH_GPA + BENCH_RAM - 133 } },
};

KUNIT_ARRAY_PARAM_DESC(area, area_rows, name);

/* A start that fails leaves nothing mapped, and the next one works. */
static void bad_area(struct kunit *test)
{
	const struct area_row *row = test->param_value;
	struct bench *b = test->priv;
	int i;

	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_queue_prepare(&b->q, &row->vq, 0));
	KUNIT_EXPECT_TRUE(test, kvblk_queue_idle(&b->q));
	for (i = 0; i < ARRAY_SIZE(b->q.area); i++)
		KUNIT_EXPECT_NULL(test, b->q.area[i].addr);
	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 3);
	bench_kick(b);
	bench_expect_done(b, 3);
	bench_stop(b);
}

/* ---- stop, with requests that do not come back ---- */

struct dead_row {
	const char *name;
	struct bench_req r;
	struct fake_script script;
	enum { ATTEMPTS, PERFORMS, FLUSHES } where;
};

static const struct dead_row dead_rows[] = {
	{ "read attempt", { IN, 1, 512 }, { FAKE_NEVER }, ATTEMPTS },
	{ "write attempt", { OUT, 1, 512 }, { FAKE_NEVER }, ATTEMPTS },
	{ "failed attempt", { IN, 1, 512 }, { FAKE_NEVER, 0, -EIO }, ATTEMPTS },
	{ "write", { OUT, 1, 512 }, { FAKE_REFUSE, .dead = true }, PERFORMS },
	{ "failed write", { OUT, 1, 512 },
	  { FAKE_REFUSE, .perform_err = -EIO, .dead = true }, PERFORMS },
	{ "flush", { VIRTIO_BLK_T_FLUSH }, { .dead = true }, FLUSHES },
};

KUNIT_ARRAY_PARAM_DESC(dead, dead_rows, name);

static void await_dead(struct bench *b, const struct dead_row *row, int nr)
{
	const atomic_t *calls[] = {
		[ATTEMPTS]	= &b->disk.attempts,
		[PERFORMS]	= &b->disk.performs,
		[FLUSHES]	= &b->disk.flushes,
	};

	bench_until(b, atomic_read(calls[row->where]) == nr);
	bench_settle(b);
}

static void expect_stopping(struct bench *b, u64 in_flight)
{
	bench_settle(b);
	KUNIT_EXPECT_FALSE(b->test, kvblk_queue_idle(&b->q));
	KUNIT_EXPECT_EQ(b->test, 0, b->stopped);
	KUNIT_EXPECT_EQ(b->test, in_flight,
			bench_stat(b, KVBLK_STAT_IN_FLIGHT));
}

/* Stopped with the last straggler, of which the guest never hears. */
static void dead_requests(struct kunit *test)
{
	const struct dead_row *row = test->param_value;
	struct bench *b = test->priv;
	u32 sum;
	u16 i;

	b->disk.script = row->script;
	bench_start(b, 64, 0);
	for (i = 0; i < 3; i++)
		bench_put(b, i, &row->r);
	bench_kick(b);
	await_dead(b, row, 3);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	expect_stopping(b, 3);

	bench_put(b, 3, &row->r);
	sum = ram_sum(b);
	bench_kick(b);
	expect_stopping(b, 3);
	if (row->where == ATTEMPTS) {
		fake_end(&b->disk, 1);
		expect_stopping(b, 2);
	}

	fake_revive(&b->disk);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, sum, ram_sum(b));
	KUNIT_EXPECT_EQ(test, 0, b->used_calls);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, 3, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IO_ERRORS));
	KUNIT_EXPECT_EQ(test, 0, b->broken);

	b->disk.script = (struct fake_script){};
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_expect_done(b, 4);
	bench_stop(b);
}

/* ---- stop, in the middle of everything ---- */

static void refill(struct bench *b)
{
	u32 id, len;

	while (guest_ring_take(&b->ring, &id, &len))
		guest_ring_offer(&b->ring, id);
	bench_kick(b);
}

static const enum fake_when when_rows[] = {
	FAKE_INLINE, FAKE_WORK, FAKE_IRQ, FAKE_REFUSE,
};

static void when_desc(const enum fake_when *when, char *desc)
{
	static const char *const names[] = {
		[FAKE_INLINE]	= "inline",
		[FAKE_WORK]	= "work item",
		[FAKE_IRQ]	= "interrupt",
		[FAKE_REFUSE]	= "refused",
	};

	strscpy(desc, names[*when], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(when, when_rows, when_desc);

static void stop_at_once(struct fake_backing *f)
{
	struct bench *b = container_of(f, struct bench, disk);

	kvblk_queue_stop(&b->q);
}

/* A stop in the middle of a pass is seen at the next chain. */
static void within_a_pass(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.on_attempt = stop_at_once;
	bench_start(b, 64, BENCH_INDIRECT);
	bench_put_reads(b, 0, 8);
	bench_kick(b);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
}

/* A driver that never lets the ring run empty does not keep a stop away. */
static void endless_driver(struct kunit *test)
{
	const enum fake_when *when = test->param_value;
	struct bench *b = test->priv;
	u32 sum;

	b->disk.script.when = *when;
	bench_start(b, 8, BENCH_INDIRECT);
	b->on_used = refill;
	bench_put_reads(b, 0, 8);
	bench_kick(b);
	bench_until(b, READ_ONCE(b->used_calls) > 100);
	bench_stop(b);
	sum = ram_sum(b);
	bench_kick(b);
	usleep_range(SETTLE_US, 2 * SETTLE_US);
	KUNIT_EXPECT_EQ(test, sum, ram_sum(b));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
}

static void storm_round(struct bench *b, unsigned int delay_us)
{
	int before = atomic_read(&b->disk.attempts);
	u32 id, len, sum;
	u64 seen = 0;
	u16 used;

	bench_start(b, 16, BENCH_INDIRECT);
	bench_put_reads(b, 0, 16);
	bench_kick(b);
	if (delay_us)
		usleep_range(delay_us, delay_us + 10);
	bench_stop(b);

	sum = ram_sum(b);
	used = guest_ring_used_idx(&b->ring);
	KUNIT_EXPECT_LE(b->test, used, atomic_read(&b->disk.attempts) - before);
	while (guest_ring_take(&b->ring, &id, &len)) {
		KUNIT_EXPECT_EQ(b->test, 0, seen & BIT_ULL(id));
		KUNIT_EXPECT_EQ(b->test, 513, len);
		KUNIT_EXPECT_EQ(b->test, VIRTIO_BLK_S_OK, slot_status(b, id));
		seen |= BIT_ULL(id);
	}
	KUNIT_EXPECT_EQ(b->test, used, hweight64(seen));
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(b->test, sum, ram_sum(b));
}

/* Stops that meet requests at all stages. */
static void storm(struct kunit *test)
{
	const enum fake_when *when = test->param_value;
	struct bench *b = test->priv;
	int i;

	b->disk.script.when = *when;
	for (i = 0; i < 60; i++)
		storm_round(b, i * 5 % 100);
	KUNIT_EXPECT_EQ(test, 0, b->broken);
}

/* ---- the VMM is gone: its memory cannot be reached any more ---- */

static bool gone;

static bool gone_enter(const struct kvblk_mem *mem)
{
	return !READ_ONCE(gone);
}

struct gone_row {
	const char *name;
	struct fake_script script;
	bool early;	/* gone before the requests come */
	bool stalled;	/* gone while they wait for tokens */
	u8 popped;
};

static const struct gone_row gone_rows[] = {
	{ "before the requests", { FAKE_INLINE }, .early = true },
	{ "while they wait for tokens", { FAKE_INLINE }, .stalled = true },
	{ "during an attempt", { FAKE_NEVER }, .popped = 2 },
	{ "during a work item", { FAKE_REFUSE, .dead = true }, .popped = 2 },
};

KUNIT_ARRAY_PARAM_DESC(gone, gone_rows, name);

/* Nobody to answer: requests that come back are dropped, new ones are not seen. */
static void vmm_is_gone(struct kunit *test)
{
	const struct gone_row *row = test->param_value;
	const struct bench_req write = { OUT, 1, 512 };
	struct bench *b = test->priv;
	u32 sum;

	b->mem_ops.enter = gone_enter;
	WRITE_ONCE(gone, row->early);
	b->disk.script = row->script;
	if (row->stalled)
		bench_gate_empty(b, KVBLK_BUCKET_BYTES);
	bench_start(b, 64, 0);
	bench_put(b, 0, &write);
	bench_put(b, 1, &write);
	bench_kick(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, row->popped, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(test, row->stalled, bench_stat(b, KVBLK_STAT_STALLED));

	WRITE_ONCE(gone, true);
	bench_put(b, 2, &write);
	sum = ram_sum(b);
	bench_kick(b);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	fake_revive(&b->disk);
	bench_until(b, !bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, row->popped, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, sum, ram_sum(b));
	KUNIT_EXPECT_EQ(test, 0, b->used_calls);
	bench_stop(b);
}

/* ---- who holds the VMM's memory ---- */

static atomic_t held;

static bool held_enter(const struct kvblk_mem *mem)
{
	atomic_inc(&held);
	return true;
}

static void held_leave(const struct kvblk_mem *mem)
{
	atomic_dec(&held);
}

/* A killed VMM's memory must not wait for a disk that is dead: see req_run_job(). */
static void dead_hold_no_memory(struct kunit *test)
{
	const struct dead_row *row = test->param_value;
	struct bench *b = test->priv;

	b->mem_ops.enter = held_enter;
	b->mem_ops.leave = held_leave;
	atomic_set(&held, 0);
	b->disk.script = row->script;
	bench_start(b, 64, 0);
	bench_put(b, 0, &row->r);
	bench_kick(b);
	await_dead(b, row, 1);
	/* Only a transfer in a work item needs it. */
	KUNIT_EXPECT_EQ(test, row->where == PERFORMS, atomic_read(&held));

	fake_revive(&b->disk);
	bench_expect_done(b, 1);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&held));
	bench_stop(b);
}

static struct kunit_case stop_cases[] = {
	KUNIT_CASE(idle_queue),
	KUNIT_CASE_PARAM(bad_area, area_gen_params),
	KUNIT_CASE_PARAM(dead_requests, dead_gen_params),
	KUNIT_CASE(within_a_pass),
	KUNIT_CASE_PARAM(endless_driver, when_gen_params),
	KUNIT_CASE_PARAM(storm, when_gen_params),
	KUNIT_CASE_PARAM(vmm_is_gone, gone_gen_params),
	KUNIT_CASE_PARAM(dead_hold_no_memory, dead_gen_params),
	{}
};

static struct kunit_suite stop_suite = {
	.name = "kvblk_stop",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = stop_cases,
};

kunit_test_suite(stop_suite);
