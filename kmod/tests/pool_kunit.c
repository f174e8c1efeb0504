// SPDX-License-Identifier: GPL-2.0
/* Requests come by the page when they are needed and go when the disk is idle. */
#include "../session.h"
#include "bench_driver.h"

#define IDLE_BYTES	(64 * 1024)	/* an idle disk with a session, without its rings */

static void serve_full_ring(struct bench *b)
{
	int before = atomic_read(&b->disk.attempts);
	u16 slot;

	b->disk.script.when = FAKE_NEVER;
	bench_put_reads(b, 0, 64);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == before + 64);
	bench_settle(b);
	KUNIT_EXPECT_EQ(b->test, 64, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(b->test, 64, b->q.pool.nr);
	fake_end_all(&b->disk);
	bench_expect_done(b, before + 64);
	for (slot = 0; slot < 64; slot++)
		bench_expect_used(b, slot, 513, VIRTIO_BLK_S_OK);
}

/* From a page to as many as the ring has entries; then no allocation any more. */
static void grows_once(struct kunit *test)
{
	struct bench *b = test->priv;
	const struct kvblk_chunk *last;
	int i;

	bench_start(b, 64, BENCH_INDIRECT);
	KUNIT_EXPECT_GT(test, b->q.pool.nr, 0);
	KUNIT_EXPECT_LT(test, b->q.pool.nr, 32);
	serve_full_ring(b);
	last = b->q.pool.chunk;
	for (i = 0; i < 20; i++)
		serve_full_ring(b);
	KUNIT_EXPECT_PTR_EQ(test, last, b->q.pool.chunk);
	bench_stop(b);
	KUNIT_EXPECT_EQ(test, 0, b->q.pool.nr);
}

static void idle_disk_gives_back(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int first;

	bench_start(b, 64, BENCH_INDIRECT);
	first = b->q.pool.nr;
	serve_full_ring(b);
	bench_until(b, READ_ONCE(b->q.pool.nr) == first);
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, b->q.watch.armed);
	serve_full_ring(b);
	bench_stop(b);
}

/* A request whose data never comes is no reason to free it. */
static void dead_disk_keeps(struct kunit *test)
{
	struct bench *b = test->priv;
	int i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, BENCH_INDIRECT);
	bench_put_reads(b, 0, 64);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 64);
	for (i = 0; i < 8; i++) {
		kvblk_queue_event(&b->q, KVBLK_EV_CHECK);
		bench_settle(b);
	}
	KUNIT_EXPECT_EQ(test, 64, b->q.pool.nr);
	fake_end_all(&b->disk);
	bench_expect_done(b, 64);
	bench_stop(b);
}

/* All that exist are in flight, but more may: a kick is as welcome as ever. */
static void used_page_is_no_full_ring(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int first;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, BENCH_INDIRECT | BENCH_EVENT_IDX);
	first = b->q.pool.nr;
	bench_put_reads(b, 0, first);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == first);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, first, b->q.pool.nr);
	KUNIT_EXPECT_EQ(test, first, guest_ring_avail_event(&b->ring));
	fake_end_all(&b->disk);
	bench_expect_done(b, first);
	bench_stop(b);
}

/* Without memory for more, each end of a request lets the next one in. */
static void goes_on_without_memory(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int first, i;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, BENCH_INDIRECT);
	first = b->q.pool.nr;
	b->q.pool.max = first;
	bench_put_reads(b, 0, 64);
	bench_kick(b);
	for (i = first; i < 64; i++) {
		bench_until(b, atomic_read(&b->disk.attempts) == i);
		bench_settle(b);
		KUNIT_ASSERT_TRUE(test, fake_end(&b->disk, 0));
	}
	bench_until(b, atomic_read(&b->disk.attempts) == 64);
	fake_end_all(&b->disk);
	bench_expect_done(b, 64);
	KUNIT_EXPECT_EQ(test, first, b->q.pool.nr);
	bench_stop(b);
}

/* Everything that is allocated for a session but its rings, and its thread. */
static void idle_session_is_small(struct kunit *test)
{
	struct bench *b = test->priv;
	size_t thread = THREAD_SIZE + sizeof(struct task_struct);
	size_t session = PAGE_SIZE + kmalloc_size_roundup(sizeof(struct kvblk_session));
	size_t running, chunk;

	bench_start(b, 64, 0);
	chunk = ksize(b->q.pool.chunk);
	running = chunk + ksize(b->q.scratch);
	kunit_info(test, "a request %zu, a page of them %zu, the session %zu, its thread %zu bytes\n",
		   sizeof(struct kvblk_req), chunk, session, thread);
	KUNIT_EXPECT_LE(test, chunk, PAGE_SIZE);
	KUNIT_EXPECT_LT(test, thread + session + running, IDLE_BYTES);
	bench_stop(b);
}

static struct kunit_case pool_cases[] = {
	KUNIT_CASE(grows_once),
	KUNIT_CASE(idle_disk_gives_back),
	KUNIT_CASE(dead_disk_keeps),
	KUNIT_CASE(used_page_is_no_full_ring),
	KUNIT_CASE(goes_on_without_memory),
	KUNIT_CASE(idle_session_is_small),
	{}
};

static struct kunit_suite pool_suite = {
	.name = "kvblk_pool",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = pool_cases,
};

kunit_test_suite(pool_suite);
