// SPDX-License-Identifier: GPL-2.0
/* Answers without the worker: from work items, from hard interrupts, at any moment. */
#include <linux/jhash.h>
#include "bench_driver.h"

#define READ_LEN	513
#define TOTAL		20000
#define SWITCHED	200	/* requests of which the switches are counted */

static int used_test_init(struct kunit *test)
{
	int ret = bench_init(test);

	return ret ?: bench_use_pages(test->priv);
}

/* The same memory, but the worker has to answer. */
static void use_worker(struct bench *b)
{
	b->mem_ops = *b->mem.ops;
	b->mem_ops.present = false;
	b->mem.ops = &b->mem_ops;
}

/* What a driver in the interrupt has seen. */
static struct {
	unsigned int total;
	unsigned int depth;
	unsigned int offered;
	unsigned int taken;
	unsigned int wrong;
	unsigned int in_hardirq;
} seen;

static DEFINE_SPINLOCK(seen_lock);	/* the driver and its ring */

/* Takes what is used and offers it again. */
static void refill(struct bench *b)
{
	unsigned long flags;
	u32 id, len;

	spin_lock_irqsave(&seen_lock, flags);
	seen.in_hardirq += !!in_hardirq();
	while (guest_ring_take(&b->ring, &id, &len)) {
		if (id >= seen.depth || len != READ_LEN || slot_status(b, id))
			seen.wrong++;
		WRITE_ONCE(seen.taken, seen.taken + 1);
		slot_ram(b, id)[SLOT_STATUS] = STATUS_UNSET;
		if (seen.offered == seen.total)
			continue;
		seen.offered++;
		guest_ring_set_used_event(&b->ring, b->ring.used_idx);
		guest_ring_offer(&b->ring, id);
		bench_kick(b);
	}
	spin_unlock_irqrestore(&seen_lock, flags);
}

static void run(struct bench *b, u16 ring, unsigned int depth, unsigned int total)
{
	memset(&seen, 0, sizeof(seen));
	seen.total = total;
	seen.depth = depth;
	seen.offered = depth;
	bench_start(b, ring, BENCH_INDIRECT | BENCH_EVENT_IDX);
	b->on_used = refill;
	bench_put_reads(b, 0, depth);
	bench_kick(b);
	bench_until(b, READ_ONCE(seen.taken) == total);
	bench_settle(b);
	KUNIT_EXPECT_EQ(b->test, 0, seen.wrong);
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_stop(b);
	b->on_used = NULL;
}

struct load_row {
	const char *name;
	enum fake_when when;
	u16 ring;
	unsigned int depth;
	u32 held;	/* answers that are worth an interrupt */
};

static const struct load_row load_rows[] = {
	{ "interrupt, one at a time", FAKE_IRQ, 64, 1 },
	{ "interrupt, half full", FAKE_IRQ, 64, 32 },
	{ "interrupt, always full", FAKE_IRQ, 16, 16 },
	{ "work item, half full", FAKE_WORK, 64, 32 },
	{ "at once, always full", FAKE_INLINE, 16, 16 },
	{ "interrupt, told of four at a time", FAKE_IRQ, 64, 16, 4 },
};

KUNIT_ARRAY_PARAM_DESC(load, load_rows, name);

/* Each is answered once, and counted, whoever does it. */
static void load(struct kunit *test)
{
	const struct load_row *row = test->param_value;
	struct bench *b = test->priv;

	b->disk.script.when = row->when;
	b->moderation = (struct kvblk_moderation){ row->held, 50 };
	run(b, row->ring, row->depth, TOTAL);
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(b, KVBLK_STAT_READS));
	KUNIT_EXPECT_EQ(test, TOTAL * 512, bench_stat(b, KVBLK_STAT_BYTES_READ));
	KUNIT_EXPECT_EQ(test, b->used_calls, bench_stat(b, KVBLK_STAT_INTERRUPTS) +
					     bench_stat(b, KVBLK_STAT_SUPPRESSED) +
					     bench_stat(b, KVBLK_STAT_HELD));
	KUNIT_EXPECT_EQ(test, !!row->held, !!bench_stat(b, KVBLK_STAT_HELD));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	if (row->when == FAKE_IRQ)
		KUNIT_EXPECT_GT(test, seen.in_hardirq, 0);
}

/* Times the worker has slept for requests that end when it sleeps. */
static unsigned long count_switches(struct bench *b)
{
	int begin = atomic_read(&b->disk.attempts), i;
	unsigned long before;

	bench_start(b, 64, BENCH_INDIRECT);
	bench_settle(b);
	before = b->worker.task->nvcsw;
	for (i = 1; i <= SWITCHED; i++) {
		bench_put_reads(b, 0, 1);
		bench_kick(b);
		bench_until(b, atomic_read(&b->disk.attempts) == begin + i);
		bench_settle(b);
		fake_end_all(&b->disk);
		bench_expect_done(b, i);
	}
	before = b->worker.task->nvcsw - before;
	bench_stop(b);
	return before;
}

/* The worker runs once for a request, not twice. */
static void half_the_switches(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned long direct, by_worker;

	b->disk.script.when = FAKE_NEVER;
	direct = count_switches(b);
	use_worker(b);
	by_worker = count_switches(b);
	kunit_info(test, "the worker slept for %u requests: %lu times, %lu when it answers\n",
		   SWITCHED, direct, by_worker);
	/* The self-check may look now and then. */
	KUNIT_EXPECT_LE(test, direct, SWITCHED + SWITCHED / 10);
	KUNIT_EXPECT_GE(test, by_worker, 2 * SWITCHED);
}

/* What ends during a turn is published with it, once. */
static void turn_is_one_batch(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 8);
	bench_kick(b);
	bench_expect_done(b, 8);
	for (i = 0; i < 8; i++)
		bench_expect_used(b, i, READ_LEN, VIRTIO_BLK_S_OK);
	KUNIT_EXPECT_EQ(test, 1, b->used_calls);
	bench_stop(b);
}

/* The self-check would repair what these cases look for, only later. */
static void start_unwatched(struct bench *b, u16 num, u64 features)
{
	b->disk.script.when = FAKE_NEVER;
	bench_start(b, num, features);
	hrtimer_cancel(&b->q.watch.timer);
}

/* An entry is freed without the worker, which waits for it, and asks for notice again. */
static void full_ring_goes_on(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	start_unwatched(b, 4, BENCH_INDIRECT);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 4);
	for (i = 0; i < 12; i++) {
		bench_settle(b);
		KUNIT_EXPECT_EQ(test, VRING_USED_F_NO_NOTIFY,
				guest_ring_used_flags(&b->ring));
		fake_end(&b->disk, 0);
		KUNIT_EXPECT_EQ(test, i + 1, guest_ring_used_idx(&b->ring));
		bench_until(b, !guest_ring_used_flags(&b->ring));
		bench_expect_used(b, i % 4, READ_LEN, VIRTIO_BLK_S_OK);
		guest_ring_offer(&b->ring, i % 4);
		bench_kick(b);
		bench_until(b, atomic_read(&b->disk.attempts) == 5 + i);
	}
	fake_end_all(&b->disk);
	bench_expect_done(b, 16);
	bench_stop(b);
}

struct script_row {
	const char *name;
	struct fake_script script;
	struct bench_req r;
	u32 len;
	u8 status;
	int performs;
};

static const struct script_row script_rows[] = {
	{ "short attempt", { FAKE_IRQ, 512 }, { VIRTIO_BLK_T_IN, 3, 1024 },
	  1025, VIRTIO_BLK_S_OK, 1 },
	{ "failed attempt", { FAKE_IRQ, 0, -EAGAIN }, { VIRTIO_BLK_T_OUT, 3, 1024 },
	  1, VIRTIO_BLK_S_OK, 1 },
	{ "failed for good", { FAKE_IRQ, 0, -EIO, -EIO }, { VIRTIO_BLK_T_IN, 3, 1024 },
	  1, VIRTIO_BLK_S_IOERR, 1 },
	{ "flush", {}, { VIRTIO_BLK_T_FLUSH }, 1, VIRTIO_BLK_S_OK },
	{ "failed flush", { .flush_err = -EIO }, { VIRTIO_BLK_T_FLUSH },
	  1, VIRTIO_BLK_S_IOERR },
	{ "get id", {}, { VIRTIO_BLK_T_GET_ID, 0, 20 }, 21, VIRTIO_BLK_S_OK },
	{ "unknown", {}, { 77 }, 1, VIRTIO_BLK_S_UNSUPP },
};

KUNIT_ARRAY_PARAM_DESC(script, script_rows, name);

static void every_answer(struct kunit *test)
{
	const struct script_row *row = test->param_value;
	struct bench *b = test->priv;
	u16 i;

	b->disk.script = row->script;
	bench_start(b, 64, BENCH_INDIRECT);
	for (i = 0; i < 3; i++) {
		bench_put(b, i, &row->r);
		bench_kick(b);
		bench_expect_done(b, i + 1);
		bench_expect_used(b, i, row->len, row->status);
	}
	KUNIT_EXPECT_EQ(test, 3 * row->performs, atomic_read(&b->disk.performs));
	bench_stop(b);
}

/* A status that cannot be stored breaks the ring; the worker says so. */
static void no_status_no_answer(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_IRQ;
	bench_start(b, 64, 0);
	bench_put(b, 0, &(struct bench_req){
		.type = VIRTIO_BLK_T_IN, .len = 512, .status = BENCH_NOWHERE });
	bench_kick(b);
	bench_until(b, READ_ONCE(b->broken));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	bench_stop(b);
}

/* The end of the last one is told to who waits for it. */
static void pause_hears_of_the_last(struct kunit *test)
{
	struct bench *b = test->priv;

	start_unwatched(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 2);
	kvblk_queue_pause(&b->q, true);
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_quiet(&b->q));
	fake_end(&b->disk, 0);
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_quiet(&b->q));
	fake_end(&b->disk, 0);
	bench_until(b, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(test, 1, b->quiet);
	KUNIT_EXPECT_EQ(test, 2, guest_ring_used_idx(&b->ring));
	kvblk_queue_pause(&b->q, false);
	bench_stop(b);
}

/* After a stop nobody writes to the guest, whoever has the request. */
static void stragglers_touch_nothing(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 sum;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 3);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 3);
	bench_settle(b);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	sum = jhash(b->ram, BENCH_RAM, 0);
	fake_end(&b->disk, 2);
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_idle(&b->q));
	fake_end_all(&b->disk);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, sum, jhash(b->ram, BENCH_RAM, 0));
	KUNIT_EXPECT_EQ(test, 0, b->used_calls);
}

/* Stops at any moment of a load from interrupts. */
static void stops_under_load(struct kunit *test)
{
	struct bench *b = test->priv;
	u32 sum;
	int i;

	memset(&seen, 0, sizeof(seen));
	seen.total = UINT_MAX;
	seen.depth = 32;
	b->disk.script.when = FAKE_IRQ;
	for (i = 0; i < 50; i++) {
		bench_start(b, 64, BENCH_INDIRECT | BENCH_EVENT_IDX);
		b->on_used = refill;
		bench_put_reads(b, 0, 32);
		bench_kick(b);
		usleep_range(50 * (i % 8), 50 * (i % 8) + 50);
		bench_stop(b);
		sum = jhash(b->ram, BENCH_RAM, 0);
		usleep_range(50, 100);
		KUNIT_EXPECT_EQ(test, sum, jhash(b->ram, BENCH_RAM, 0));
		KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	}
	KUNIT_EXPECT_EQ(test, 0, seen.wrong);
	KUNIT_EXPECT_EQ(test, 0, b->broken);
}

/* An interrupt that the worker has not sent can get lost as well. */
static void lost_interrupt_is_found(struct kunit *test)
{
	struct bench *b = test->priv;

	b->unanswered = true;
	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 16, 0);
	bench_put_reads(b, 0, 1);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 1);
	bench_settle(b);
	fake_end_all(&b->disk);
	KUNIT_EXPECT_EQ(test, 1, READ_ONCE(b->interrupts));
	bench_until(b, bench_stat(b, KVBLK_STAT_LOST_INTERRUPTS));
	KUNIT_EXPECT_EQ(test, 2, READ_ONCE(b->interrupts));
	bench_stop(b);
}

static struct kunit_case used_cases[] = {
	KUNIT_CASE_PARAM(load, load_gen_params),
	KUNIT_CASE(half_the_switches),
	KUNIT_CASE(turn_is_one_batch),
	KUNIT_CASE(full_ring_goes_on),
	KUNIT_CASE_PARAM(every_answer, script_gen_params),
	KUNIT_CASE(no_status_no_answer),
	KUNIT_CASE(pause_hears_of_the_last),
	KUNIT_CASE(stragglers_touch_nothing),
	KUNIT_CASE(stops_under_load),
	KUNIT_CASE(lost_interrupt_is_found),
	{}
};

static struct kunit_suite used_suite = {
	.name = "kvblk_used",
	.init = used_test_init,
	.exit = bench_exit,
	.test_cases = used_cases,
};

kunit_test_suite(used_suite);
