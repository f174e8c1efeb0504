// SPDX-License-Identifier: GPL-2.0
/* The worker and its ring: order, fullness, notices both ways, broken rings. */
#include <linux/preempt.h>
#include "bench_driver.h"

#define READ_LEN	513	/* used length of a read of one sector */

static void await_attempts(struct bench *b, int nr)
{
	bench_until(b, atomic_read(&b->disk.attempts) == nr);
	bench_settle(b);
}

/* ---- order, fullness, wrapping ---- */

/* Started in the order of the ring, used in the order of completion. */
static void completion_order(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 10, 16);
	bench_kick(b);
	await_attempts(b, 16);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, (10 + i) * 512, b->disk.order[i]);

	for (i = 15; i >= 0; i--) {
		KUNIT_EXPECT_EQ(test, i + 1,
				bench_stat(b, KVBLK_STAT_IN_FLIGHT));
		KUNIT_ASSERT_TRUE(test, fake_end(&b->disk, i));
		bench_await_used(b, 16 - i);
		bench_expect_used(b, i, READ_LEN, VIRTIO_BLK_S_OK);
		bench_settle(b);
	}
	bench_expect_done(b, 16);
	bench_stop(b);
}

/* Every entry of the ring in flight, twice: a kick cannot help, an end does. */
static void full_ring(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 round, slot;

	bench_start(b, 64, BENCH_INDIRECT);
	for (round = 1; round <= 2; round++) {
		b->disk.script.when = FAKE_NEVER;
		bench_put_reads(b, 0, 64);
		bench_kick(b);
		await_attempts(b, 64 * round);
		KUNIT_EXPECT_EQ(test, 64, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
		KUNIT_EXPECT_EQ(test, VRING_USED_F_NO_NOTIFY,
				guest_ring_used_flags(&b->ring));
		bench_kick(b);
		bench_settle(b);
		KUNIT_EXPECT_EQ(test, b->ring.used_idx,
				guest_ring_used_idx(&b->ring));

		fake_end_all(&b->disk);
		bench_expect_done(b, 64 * round);
		for (slot = 0; slot < 64; slot++)
			bench_expect_used(b, slot, READ_LEN, VIRTIO_BLK_S_OK);
		KUNIT_EXPECT_EQ(test, 0, guest_ring_used_flags(&b->ring));
	}
	bench_stop(b);
}

/* One completion at a time gives one freed entry at a time. */
static void full_ring_trickles(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 4, BENCH_INDIRECT);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	await_attempts(b, 4);
	for (i = 0; i < 12; i++) {
		fake_end(&b->disk, 0);
		bench_await_used(b, i + 1);
		bench_expect_used(b, i % 4, READ_LEN, VIRTIO_BLK_S_OK);
		guest_ring_offer(&b->ring, i % 4);
		bench_kick(b);
		await_attempts(b, 5 + i);
		KUNIT_EXPECT_EQ(test, 4, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	}
	fake_end_all(&b->disk);
	bench_expect_done(b, 16);
	bench_stop(b);
}

struct wrap_row {
	const char *name;
	u16 depth;	/* requests at a time */
	u64 features;
	unsigned int interrupts;	/* 0: for each publication */
};

/* used_event stays 0, which used->idx passes at the start and after 2^16. */
static const struct wrap_row wrap_rows[] = {
	{ "one at a time", 1, BENCH_INDIRECT | BENCH_EVENT_IDX, 2 },
	{ "always full", 4, BENCH_INDIRECT },
};

KUNIT_ARRAY_PARAM_DESC(wrap, wrap_rows, name);

#define WRAP_TOTAL	66000

static struct {
	unsigned int depth;
	unsigned int taken;
	unsigned int offered;
	unsigned int wrong;
} wrap;

/* In the worker: takes what is used and offers it again. */
static void wrap_refill(struct bench *b)
{
	u32 id, len;

	while (guest_ring_take(&b->ring, &id, &len)) {
		if (id != wrap.taken % wrap.depth || len != READ_LEN ||
		    slot_status(b, id))
			wrap.wrong++;
		WRITE_ONCE(wrap.taken, wrap.taken + 1);
		slot_ram(b, id)[SLOT_STATUS] = STATUS_UNSET;
		if (wrap.offered < WRAP_TOTAL) {
			wrap.offered++;
			guest_ring_offer(&b->ring, id);
			bench_kick(b);
		}
	}
}

static void indices_wrap(struct kunit *test)
{
	const struct wrap_row *row = test->param_value;
	struct bench *b = test->priv;

	wrap.depth = row->depth;
	wrap.taken = 0;
	wrap.wrong = 0;
	wrap.offered = row->depth;
	bench_start(b, 4, row->features);
	b->on_used = wrap_refill;
	bench_put_reads(b, 0, row->depth);
	bench_kick(b);
	bench_until(b, READ_ONCE(wrap.taken) == WRAP_TOTAL);
	bench_expect_done(b, (u16)WRAP_TOTAL);
	KUNIT_EXPECT_EQ(test, 0, wrap.wrong);
	KUNIT_EXPECT_EQ(test, WRAP_TOTAL, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_EQ(test, row->interrupts ?: b->used_calls, b->interrupts);
	bench_stop(b);
}

/* ---- notices ---- */

struct notice_row {
	const char *name;
	u64 features;
	u16 flags;
	bool every;	/* used_event follows used->idx; else it is @event */
	u16 event;
	u8 interrupts;	/* for 8 requests, one after the other */
};

static const struct notice_row notice_rows[] = {
	{ "always", 0, 0, false, 0, 8 },
	{ "NO_INTERRUPT", 0, VRING_AVAIL_F_NO_INTERRUPT, false, 0, 0 },
	{ "event: each", BENCH_EVENT_IDX, 0, true, 0, 8 },
	{ "event: the fourth", BENCH_EVENT_IDX, 0, false, 3, 1 },
	{ "event: the last", BENCH_EVENT_IDX, 0, false, 7, 1 },
	{ "event: one later", BENCH_EVENT_IDX, 0, false, 8, 0 },
	{ "event: long ago", BENCH_EVENT_IDX, 0, false, 0xffff, 0 },
	{ "event: NO_INTERRUPT means nothing", BENCH_EVENT_IDX,
	  VRING_AVAIL_F_NO_INTERRUPT, true, 0, 8 },
};

KUNIT_ARRAY_PARAM_DESC(notice, notice_rows, name);

/* Asked for notice of the next chain, and of no other. */
static void expect_wants_kick(struct bench *b)
{
	bench_settle(b);
	KUNIT_EXPECT_EQ(b->test, 0, guest_ring_used_flags(&b->ring));
	if (b->features & BENCH_EVENT_IDX)
		KUNIT_EXPECT_EQ(b->test, b->ring.avail_idx,
				guest_ring_avail_event(&b->ring));
}

static void notices(struct kunit *test)
{
	const struct notice_row *row = test->param_value;
	struct bench *b = test->priv;
	u16 i;

	bench_start(b, 64, row->features);
	guest_ring_set_avail_flags(&b->ring, row->flags);
	guest_ring_set_used_event(&b->ring, row->event);
	for (i = 0; i < 8; i++) {
		expect_wants_kick(b);
		if (row->every)
			guest_ring_set_used_event(&b->ring, i);
		bench_put(b, i, &(struct bench_req){ VIRTIO_BLK_T_IN, i, 512 });
		bench_kick(b);
		bench_await_used(b, i + 1);
	}
	bench_expect_done(b, 8);
	expect_wants_kick(b);
	KUNIT_EXPECT_EQ(test, row->interrupts, b->interrupts);
	KUNIT_EXPECT_EQ(test, 8, b->used_calls);
	KUNIT_EXPECT_EQ(test, row->interrupts,
			bench_stat(b, KVBLK_STAT_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 8 - row->interrupts,
			bench_stat(b, KVBLK_STAT_SUPPRESSED));
	bench_stop(b);
}

/* What ends at once is published at once, in order, with one interrupt. */
static void batch_is_one_interrupt(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	if (num_online_cpus() > 1)
		kunit_skip(test, "needs a machine with one processor");
	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 8);
	bench_kick(b);
	await_attempts(b, 8);
	preempt_disable();
	fake_end_all(&b->disk);
	preempt_enable();
	bench_expect_done(b, 8);
	for (i = 0; i < 8; i++)
		bench_expect_used(b, i, READ_LEN, VIRTIO_BLK_S_OK);
	KUNIT_EXPECT_EQ(test, 1, b->used_calls);
	KUNIT_EXPECT_EQ(test, 1, b->interrupts);
	bench_stop(b);
}

/*
 * A pass that serves as many as the ring has entries has not seen it empty: it must
 * look again, or the driver is never asked to notify.
 */
static void budget_is_no_end(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	bench_start(b, 4, BENCH_INDIRECT);
	for (i = 0; i < 4; i++)
		bench_put(b, i, &(struct bench_req){ 77 });
	bench_kick(b);
	bench_expect_done(b, 4);
	expect_wants_kick(b);
	bench_stop(b);
}

/* A kick before the start touches nothing; the start itself looks. */
static void early_kick(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_ring(b, 64, 0);
	bench_put_reads(b, 0, 3);
	bench_kick(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_ASSERT_EQ(test, 0, bench_try_start(b, 64, 0));
	/* The self-check would find them, too, only later. */
	hrtimer_cancel(&b->q.watch.timer);
	bench_expect_done(b, 3);
	bench_stop(b);
}

static void nothing_to_do(struct kunit *test)
{
	struct bench *b = test->priv;

	bench_start(b, 64, BENCH_EVENT_IDX);
	bench_kick(b);
	bench_expect_done(b, 0);
	KUNIT_EXPECT_EQ(test, 0, b->used_calls);
	bench_stop(b);
}

/* ---- rings that cannot be trusted ---- */

static void spoil_index(struct bench *b)
{
	guest_ring_set_avail_idx(&b->ring, b->ring.avail_idx + b->ring.num + 1);
}

static void spoil_index_back(struct bench *b)
{
	guest_ring_set_avail_idx(&b->ring, b->ring.avail_idx - 1);
}

static void spoil_entry(struct bench *b)
{
	guest_ring_offer(&b->ring, b->ring.num);
}

static void spoil_desc(struct bench *b, const struct guest_desc *d)
{
	guest_desc_write(&b->ring.desc[20], d);
	guest_ring_offer(&b->ring, 20);
}

static void spoil_loop(struct bench *b)
{
	spoil_desc(b, &(struct guest_desc){
		slot_gpa(9), 512, VRING_DESC_F_NEXT, 20 });
}

static void spoil_next(struct bench *b)
{
	spoil_desc(b, &(struct guest_desc){
		slot_gpa(9), 512, VRING_DESC_F_NEXT, b->ring.num });
}

static void spoil_wrap(struct bench *b)
{
	spoil_desc(b, &(struct guest_desc){
		U64_MAX - 10, 512, VRING_DESC_F_WRITE });
}

static void spoil_status(struct bench *b)
{
	spoil_desc(b, &(struct guest_desc){ slot_gpa(9), 16 });
}

static void spoil_indirect(struct bench *b)
{
	spoil_desc(b, &(struct guest_desc){
		slot_gpa(9), 32, VRING_DESC_F_INDIRECT });
}

/* Nobody knows whether the guest got an answer: the device must say so. */
static void spoil_answer(struct bench *b)
{
	bench_put(b, 9, &(struct bench_req){
		.type = 77, .status = BENCH_NOWHERE });
}

struct spoil_row {
	const char *name;
	void (*spoil)(struct bench *b);
	bool index;
};

static const struct spoil_row spoil_rows[] = {
	{ "index ahead", spoil_index, true },
	{ "index goes back", spoil_index_back, true },
	{ "entry", spoil_entry },
	{ "loop", spoil_loop },
	{ "next", spoil_next },
	{ "address wraps", spoil_wrap },
	{ "no status", spoil_status },
	{ "indirect, not negotiated", spoil_indirect },
	{ "status is no memory", spoil_answer },
};

KUNIT_ARRAY_PARAM_DESC(spoil, spoil_rows, name);

/* Said once; kicks change nothing; what is in flight is still answered. */
static void spoil_run(struct bench *b, const struct spoil_row *row)
{
	int before = atomic_read(&b->disk.attempts);
	unsigned int said = b->broken;
	int i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	await_attempts(b, before + 2);

	row->spoil(b);
	bench_kick(b);
	bench_until(b, READ_ONCE(b->broken) > said);
	for (i = 0; i < 3; i++) {
		bench_put(b, 5, &(struct bench_req){ VIRTIO_BLK_T_IN, 0, 512 });
		bench_kick(b);
		bench_settle(b);
	}
	KUNIT_EXPECT_EQ(b->test, 0, guest_ring_used_idx(&b->ring));

	fake_end_all(&b->disk);
	bench_await_used(b, 2);
	bench_settle(b);
	bench_expect_used(b, 0, READ_LEN, VIRTIO_BLK_S_OK);
	bench_expect_used(b, 1, READ_LEN, VIRTIO_BLK_S_OK);
	KUNIT_EXPECT_EQ(b->test, said + 1, b->broken);
	KUNIT_EXPECT_EQ(b->test, before + 2, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_EQ(b->test, 2, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_stop(b);
}

static void spoiled_ring(struct kunit *test)
{
	const struct spoil_row *row = test->param_value;
	struct bench *b = test->priv;

	/* Twice: the next start forgets. */
	spoil_run(b, row);
	spoil_run(b, row);
	KUNIT_EXPECT_EQ(test, 2, bench_stat(b, KVBLK_STAT_RING_ERRORS));
	KUNIT_EXPECT_EQ(test, row->index ? 2 : 0,
			bench_stat(b, KVBLK_STAT_INVALID_AVAIL));

	b->disk.script.when = FAKE_INLINE;
	b->broken = 0;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_expect_done(b, 4);
	bench_stop(b);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(completion_order),
	KUNIT_CASE(full_ring),
	KUNIT_CASE(full_ring_trickles),
	KUNIT_CASE_PARAM(indices_wrap, wrap_gen_params),
	KUNIT_CASE_PARAM(notices, notice_gen_params),
	KUNIT_CASE(batch_is_one_interrupt),
	KUNIT_CASE(budget_is_no_end),
	KUNIT_CASE(early_kick),
	KUNIT_CASE(nothing_to_do),
	KUNIT_CASE_PARAM(spoiled_ring, spoil_gen_params),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "kvblk_queue",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
