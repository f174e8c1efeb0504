// SPDX-License-Identifier: GPL-2.0
/*
 * What the drain alone costs: pop, parse, throttle, start, publish, with a backing
 * that does nothing. The driver's side runs in the worker, in the callback of a
 * publication, so that no other thread is in the figures. Times are printed, not
 * judged; what is exact is judged: every chain is used, and how often the worker
 * allocates memory.
 */
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <trace/events/kmem.h>
#include "bench.h"

/* In guest memory, instead of the bench's slots: the rings here are larger. */
#define DRAIN_RING	32768
#define DRAIN_HEADERS	DRAIN_RING
#define DRAIN_HEADER	64	/* header and status byte */
#define DRAIN_TABLES	(DRAIN_HEADERS + DRAIN_BATCH * DRAIN_HEADER)
#define DRAIN_TABLE	1088	/* no multiple of a page: as drivers' tables lie */
#define DRAIN_DATA	(DRAIN_TABLES + DRAIN_BATCH * DRAIN_TABLE)
#define DRAIN_BATCH	64	/* most requests at a time */
#define DRAIN_SEGS	64	/* most data segments of a request */
#define DRAIN_SEG	512
#define DRAIN_SLICE	64	/* requests that are measured at a time */

static unsigned int drain_rounds = 20;
module_param(drain_rounds, uint, 0444);
MODULE_PARM_DESC(drain_rounds, "Slices of 64 requests in each measurement of the drain's test");

struct drain_row {
	const char *name;
	u16 num;	/* ring entries */
	u16 batch;	/* requests made available at a time */
	u16 segs;	/* data segments of each */
	bool direct;	/* descriptors in the ring, not in tables */
	bool sleeps;	/* the worker sleeps before each batch */
	bool limits;	/* all buckets have limits, none is reached */
	u8 allocs;	/* by the worker, for each request */
};

static const struct drain_row drain_rows[] = {
	{ "ring-16",	16,	16,	1 },
	{ "ring-64",	64,	16,	1 },
	{ "ring-256",	256,	16,	1 },
	{ "ring-1024",	1024,	16,	1 },
	{ "batch-1-kicked", 256, 1,	1, .sleeps = true },
	{ "batch-1",	256,	1,	1 },
	{ "batch-2",	256,	2,	1 },
	{ "batch-4",	256,	4,	1 },
	{ "batch-8",	256,	8,	1 },
	{ "batch-16",	256,	16,	1 },
	{ "batch-32",	256,	32,	1 },
	{ "batch-64",	256,	64,	1 },
	{ "limits",	256,	64,	1, .limits = true },
	{ "segs-1",	1024,	8,	1 },
	{ "segs-2",	1024,	8,	2 },
	{ "segs-4",	1024,	8,	4 },
	{ "segs-8",	1024,	8,	8,  .allocs = 1 },
	{ "segs-16",	1024,	8,	16, .allocs = 1 },
	{ "segs-32",	1024,	8,	32, .allocs = 1 },
	{ "segs-64",	1024,	8,	64, .allocs = 1 },
	{ "segs-1-direct", 1024, 8,	1,  .direct = true },
	{ "segs-2-direct", 1024, 8,	2,  .direct = true },
	{ "segs-4-direct", 1024, 8,	4,  .direct = true },
	{ "segs-8-direct", 1024, 8,	8,  .direct = true, .allocs = 1 },
	{ "segs-16-direct", 1024, 8,	16, .direct = true, .allocs = 1 },
	{ "segs-32-direct", 1024, 8,	32, .direct = true, .allocs = 1 },
	{ "segs-64-direct", 1024, 8,	64, .direct = true, .allocs = 1 },
};

KUNIT_ARRAY_PARAM_DESC(drain, drain_rows, name);

/**
 * struct drain - A measurement; the worker's while it runs
 * @row: What is measured.
 * @back: Requests of this batch that are used.
 * @bad: Those with a wrong status or id.
 * @left: Batches to go.
 * @in_slice: Requests of this slice.
 * @start: When the slice began; 0: the first, which warms up.
 * @best: Least ns of a slice: what no other process of the machine came into.
 * @used: The driver may make the next batch available.
 */
static struct drain {
	const struct drain_row *row;
	u16 back;
	unsigned int bad;
	unsigned int left;
	unsigned int in_slice;
	u64 start;
	u64 best;
	struct completion used;
} drain;

/* ---- a backing that does nothing, at once ---- */

static bool drain_attempt(struct kvblk_backing *b, struct kvblk_io *io)
{
	io->result = io->len;
	io->end(io);
	return true;
}

static const struct kvblk_backing_ops drain_backing_ops = {
	.attempt = drain_attempt,
};

/* ---- a driver ---- */

static u16 drain_head(u16 slot)
{
	return drain.row->direct ? slot * (drain.row->segs + 2) : slot;
}

static void drain_write(struct bench *b, u16 slot)
{
	static struct guest_desc d[DRAIN_SEGS + 2];	/* large for a stack */
	u64 header = DRAIN_HEADERS + slot * DRAIN_HEADER;
	u64 table = DRAIN_TABLES + slot * DRAIN_TABLE;
	struct guest_ring indirect = { .desc = (void *)b->ram + table };
	u16 i, nr = drain.row->segs + 2;

	*(struct virtio_blk_outhdr *)(b->ram + header) = (struct virtio_blk_outhdr){};
	d[0] = (struct guest_desc){
		.addr = BENCH_GPA + header,
		.len = sizeof(struct virtio_blk_outhdr),
	};
	for (i = 1; i < nr; i++)
		d[i] = (struct guest_desc){
			.addr = BENCH_GPA + DRAIN_DATA + (i - 1) * DRAIN_SEG,
			.len = DRAIN_SEG,
			.flags = VRING_DESC_F_WRITE,
		};
	d[nr - 1].addr = BENCH_GPA + header + sizeof(struct virtio_blk_outhdr);
	d[nr - 1].len = 1;
	if (drain.row->direct) {
		guest_ring_chain(&b->ring, drain_head(slot), d, nr);
		return;
	}
	guest_ring_chain(&indirect, 0, d, nr);
	guest_desc_write(&b->ring.desc[slot], &(struct guest_desc){
		.addr = BENCH_GPA + table,
		.len = nr * sizeof(struct vring_desc),
		.flags = VRING_DESC_F_INDIRECT,
	});
}

static u8 *drain_status(struct bench *b, u16 slot)
{
	return b->ram + DRAIN_HEADERS + slot * DRAIN_HEADER +
	       sizeof(struct virtio_blk_outhdr);
}

static void drain_offer(struct bench *b)
{
	u16 slot;

	drain.back = 0;
	for (slot = 0; slot < drain.row->batch; slot++) {
		*drain_status(b, slot) = 0xee;
		guest_ring_offer(&b->ring, drain_head(slot));
	}
	bench_kick(b);
}

static void drain_clock(void)
{
	u64 now;

	drain.in_slice += drain.row->batch;
	if (drain.in_slice < DRAIN_SLICE)
		return;
	now = ktime_get_ns();
	if (drain.start)
		drain.best = min(drain.best, now - drain.start);
	drain.start = now;
	drain.in_slice = 0;
}

/* In the worker: takes what is used; when the batch is through, the next begins. */
static void drain_used(struct bench *b)
{
	u32 id, len;

	while (guest_ring_take(&b->ring, &id, &len)) {
		if (id != drain_head(drain.back) ||
		    len != drain.row->segs * DRAIN_SEG + 1 ||
		    *drain_status(b, drain.back) != VIRTIO_BLK_S_OK)
			drain.bad++;
		drain.back++;
	}
	if (drain.back < drain.row->batch)
		return;
	drain_clock();
	if (drain.left && !drain.row->sleeps) {
		drain.left--;
		drain_offer(b);
	} else {
		complete(&drain.used);
	}
}

static void drain_await(struct bench *b)
{
	KUNIT_ASSERT_NE(b->test, 0,
			wait_for_completion_timeout(&drain.used, BENCH_WAIT));
}

static void drain_run(struct bench *b, unsigned int batches)
{
	reinit_completion(&drain.used);
	drain.left = batches - 1;
	drain.in_slice = 0;
	drain.start = 0;
	drain.best = U64_MAX;
	drain_offer(b);
	for (; drain.row->sleeps && drain.left; drain.left--) {
		drain_await(b);
		drain_offer(b);
	}
	drain_await(b);
	KUNIT_EXPECT_EQ(b->test, 0, drain.bad);
}

static void drain_set_limits(struct bench *b)
{
	enum kvblk_bucket_id id;

	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		kvblk_gate_set(&b->gate, id, 1000000000000, 1000000000000);
}

static struct bench *drain_start(struct kunit *test)
{
	const struct drain_row *row = test->param_value;
	struct bench *b = test->priv;
	u16 slot;

	drain = (struct drain){ .row = row };
	init_completion(&drain.used);
	b->geo.queue_size = row->num;
	b->disk.b.ops = &drain_backing_ops;
	if (row->limits)
		drain_set_limits(b);
	memset(b->ram, 0, DRAIN_RING);
	bench_start(b, row->num, row->direct ? 0 : BENCH_INDIRECT);
	for (slot = 0; slot < row->batch; slot++)
		drain_write(b, slot);
	b->on_used = drain_used;
	return b;
}

/* ---- how long it takes ---- */

static void time_of_a_request(struct kunit *test)
{
	struct bench *b = drain_start(test);

	drain_run(b, (drain_rounds + 1) * DRAIN_SLICE / drain.row->batch);
	bench_stop(b);
	kunit_info(test, "drain %s ns %llu\n", drain.row->name,
		   div_u64(drain.best, DRAIN_SLICE));
}

/* ---- what it allocates ---- */

static atomic_t drain_allocs;

/* Whatever thread of the disk it is. */
static void drain_count_alloc(void)
{
	if (!in_interrupt() && !strncmp(current->comm, "kvblk/", 6))
		atomic_inc(&drain_allocs);
}

static void drain_kmalloc(void *data, unsigned long call_site, const void *ptr,
			  size_t asked, size_t got, gfp_t gfp, int node)
{
	drain_count_alloc();
}

static void drain_cache_alloc(void *data, unsigned long call_site,
			      const void *ptr, struct kmem_cache *cache,
			      gfp_t gfp, int node)
{
	drain_count_alloc();
}

/*
 * What one allocation counts: with a leak detector, which allocates too, 2. A count
 * that sees nothing proves nothing.
 */
static int drain_weight;

static void drain_used_weighing(struct bench *b)
{
	int before = atomic_read(&drain_allocs);

	kfree(kmalloc(sizeof(*b), GFP_ATOMIC));
	drain_weight = atomic_read(&drain_allocs) - before;
	atomic_set(&drain_allocs, before);
	b->on_used = drain_used;
	drain_used(b);
}

static void allocations(struct kunit *test)
{
	struct bench *b = drain_start(test);
	unsigned int requests;

	drain_run(b, 1);
	bench_settle(b);	/* what follows is in a steady state */
	b->on_used = drain_used_weighing;
	requests = bench_stat(b, KVBLK_STAT_REQUESTS);
	atomic_set(&drain_allocs, 0);
	drain_weight = 0;
	KUNIT_ASSERT_EQ(test, 0, register_trace_kmalloc(drain_kmalloc, NULL));
	KUNIT_ASSERT_EQ(test, 0, register_trace_kmem_cache_alloc(drain_cache_alloc,
								 NULL));
	drain_run(b, 10);
	bench_settle(b);
	unregister_trace_kmem_cache_alloc(drain_cache_alloc, NULL);
	unregister_trace_kmalloc(drain_kmalloc, NULL);
	tracepoint_synchronize_unregister();

	requests = bench_stat(b, KVBLK_STAT_REQUESTS) - requests;
	KUNIT_EXPECT_EQ(test, 10 * drain.row->batch, requests);
	KUNIT_EXPECT_GT(test, drain_weight, 0);
	KUNIT_EXPECT_EQ(test, requests * drain.row->allocs * drain_weight,
			atomic_read(&drain_allocs));
	bench_stop(b);
}

static struct kunit_case drain_cases[] = {
	KUNIT_CASE_PARAM(time_of_a_request, drain_gen_params),
	KUNIT_CASE_PARAM(allocations, drain_gen_params),
	{}
};

static struct kunit_suite drain_suite = {
	.name = "kvblk_drain",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = drain_cases,
};

kunit_test_suite(drain_suite);
