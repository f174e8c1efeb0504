// SPDX-License-Identifier: GPL-2.0
/* Turns in the driver's own thread: what they do, and what they leave to the worker. */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/kthread.h>
#include "../here.h"
#include "bench_driver.h"

#define READ_LEN	513
#define REQUESTS	200
#define RACE		20000

/* A kick as from within a submission to the driver's disk, and what the block layer does. */
static void kick_here(struct bench *b)
{
	struct bio_list list[2] = {};
	struct bio *bio;

	current->bio_list = list;
	rcu_read_lock();
	kvblk_queue_kick_here(&b->q);
	rcu_read_unlock();
	while ((bio = bio_list_pop(&list[0])))
		bio->bi_bdev->bd_disk->fops->submit_bio(bio);
	current->bio_list = NULL;
}

static int here_test_init(struct kunit *test)
{
	int ret = bench_init(test);
	struct bench *b = test->priv;

	if (ret)
		return ret;
	b->disk.b.stacks = true;
	return bench_use_pages(b);
}

/* Kicks, and is kept from the list. */
static struct bio *hang_only(struct bench *b)
{
	struct bio_list list[2] = {};
	struct bio *bio;

	current->bio_list = list;
	kvblk_queue_kick_here(&b->q);
	current->bio_list = NULL;
	bio = bio_list_pop(&list[0]);
	KUNIT_EXPECT_NULL(b->test, bio_list_pop(&list[0]));
	return bio;
}

static void ring(struct bio *bio)
{
	bio->bi_bdev->bd_disk->fops->submit_bio(bio);
}

/* The self-check would wake the worker now and then. */
static void start(struct bench *b, u16 num)
{
	bench_start(b, num, BENCH_INDIRECT);
	bench_settle(b);
	hrtimer_cancel(&b->q.watch.timer);
}

static unsigned long switches(const struct bench *b)
{
	return b->worker.task->nvcsw + b->worker.task->nivcsw;
}

/* How often the worker ran for @n requests, one at a time. */
static unsigned long run(struct bench *b, void (*kick)(struct bench *b), unsigned int n)
{
	unsigned int done = guest_ring_used_idx(&b->ring), i;
	unsigned long before = switches(b);

	for (i = 1; i <= n; i++) {
		bench_put_reads(b, 0, 1);
		kick(b);
		bench_expect_done(b, done + i);
		bench_expect_used(b, 0, READ_LEN, VIRTIO_BLK_S_OK);
		bench_settle(b);
	}
	return switches(b) - before;
}

static void worker_does_not_run(struct kunit *test)
{
	struct bench *b = test->priv;

	start(b, 64);
	KUNIT_EXPECT_EQ(test, 0, run(b, kick_here, REQUESTS));
	KUNIT_EXPECT_EQ(test, REQUESTS, READ_ONCE(b->used_calls));
	KUNIT_EXPECT_EQ(test, REQUESTS, atomic_read(&b->disk.stacked));
	/* The same from elsewhere. */
	KUNIT_EXPECT_GE(test, run(b, bench_kick, REQUESTS), REQUESTS);
	KUNIT_EXPECT_EQ(test, REQUESTS, atomic_read(&b->disk.stacked));
	bench_stop(b);
}

/* A backing that cannot be stacked, or memory that may fault, is the worker's. */
static void only_what_can_be(struct kunit *test)
{
	struct bench *b = test->priv;

	start(b, 64);
	b->disk.b.stacks = false;
	KUNIT_EXPECT_GE(test, run(b, kick_here, 5), 5);
	bench_stop(b);

	b->disk.b.stacks = true;
	b->mem_ops = *b->mem.ops;
	b->mem_ops.pages = false;
	b->mem.ops = &b->mem_ops;
	start(b, 64);
	KUNIT_EXPECT_GE(test, run(b, kick_here, 5), 5);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&b->disk.stacked));
	bench_stop(b);
}

/* What cannot be stacked after all is done by a work item. */
static void refused_is_deferred(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_REFUSE;
	start(b, 64);
	run(b, kick_here, 5);
	KUNIT_EXPECT_EQ(test, 5, atomic_read(&b->disk.performs));
	bench_stop(b);
}

/* Who finds the queue claimed leaves the kick; the worker does not spin for it. */
static void claimed_is_left(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned long before;

	start(b, 64);
	KUNIT_ASSERT_TRUE(test, kvblk_queue_claim(&b->q));
	before = switches(b);
	bench_put_reads(b, 0, 1);
	kick_here(b);
	bench_kick(b);
	msleep(20);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_LE(test, switches(b) - before, 3);
	KUNIT_EXPECT_EQ(test, TASK_IDLE, READ_ONCE(b->worker.task->__state));
	kvblk_queue_unclaim(&b->q);
	kick_here(b);
	bench_expect_done(b, 1);
	bench_stop(b);
}

static void pause_the_queue(struct fake_backing *f)
{
	kvblk_queue_pause(&container_of(f, struct bench, disk)->q, true);
}

/* A driver's thread that was at it passes on what came meanwhile. */
static void late_event_is_passed_on(struct kunit *test)
{
	struct bench *b = test->priv;

	start(b, 64);
	b->disk.on_attempt = pause_the_queue;
	bench_put_reads(b, 0, 1);
	kick_here(b);
	b->disk.on_attempt = NULL;
	bench_until(b, kvblk_queue_quiet(&b->q));
	KUNIT_EXPECT_EQ(test, 1, guest_ring_used_idx(&b->ring));
	/* Paused: not here, not there. */
	bench_put_reads(b, 0, 1);
	kick_here(b);
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, 1, guest_ring_used_idx(&b->ring));
	kvblk_queue_pause(&b->q, false);
	bench_expect_done(b, 2);
	bench_stop(b);
}

/* What comes back to a paused queue is the worker's, which says that it is quiet. */
static void paused_is_left(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	start(b, 64);
	bench_put(b, 0, &(struct bench_req){
		.type = VIRTIO_BLK_T_IN, .len = 512, .status = BENCH_NOWHERE });
	kick_here(b);
	KUNIT_ASSERT_EQ(test, 1, atomic_read(&b->disk.stacked));
	kvblk_queue_pause(&b->q, true);
	bench_settle(b);
	/* Before the worker is there. */
	preempt_disable();
	fake_end_all(&b->disk);
	kick_here(b);
	preempt_enable();
	bench_until(b, kvblk_queue_quiet(&b->q));
	bench_stop(b);
}

/* A queue with a bell that has not rung stops when it has, and touches nothing then. */
static void stop_waits_for_the_bell(struct kunit *test)
{
	struct bench *b = test->priv;
	struct bio *bio;

	start(b, 64);
	bench_put_reads(b, 0, 1);
	/* It looks after no bell in this case. */
	hrtimer_start(&b->q.bell.timer, KTIME_MAX, HRTIMER_MODE_ABS);
	bio = hang_only(b);
	KUNIT_ASSERT_NOT_NULL(test, bio);
	/* Once for two kicks. */
	KUNIT_EXPECT_NULL(test, hang_only(b));
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_idle(&b->q));
	ring(bio);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&b->q.bell.timer));
	/* And a stopped one hangs none. */
	KUNIT_EXPECT_NULL(test, hang_only(b));
}

/* What comes back to it is not answered by who rings late. */
static void stopped_is_left(struct kunit *test)
{
	struct bench *b = test->priv;
	struct bio *bio;

	b->disk.script.dead = true;
	start(b, 64);
	bench_put(b, 0, &(struct bench_req){ VIRTIO_BLK_T_FLUSH });
	kick_here(b);
	bench_until(b, atomic_read(&b->disk.flushes) == 1);
	hrtimer_start(&b->q.bell.timer, KTIME_MAX, HRTIMER_MODE_ABS);
	bio = hang_only(b);
	KUNIT_ASSERT_NOT_NULL(test, bio);
	/* The worker is kept from it until the bell rings. */
	KUNIT_ASSERT_TRUE(test, kvblk_queue_claim(&b->q));
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	fake_revive(&b->disk);
	bench_until(b, !llist_empty(&b->q.done));
	kvblk_queue_unclaim(&b->q);
	ring(bio);
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(test, STATUS_UNSET, slot_status(b, 0));
}

/*
 * A thread was about to hang its bell when the worker looked whether the queue can stop, and finds
 * now that it is stopping. Its kick was taken up before.
 */
static void withdrawn_bell_passes_on(struct kunit *test)
{
	struct bench *b = test->priv;

	start(b, 64);
	WRITE_ONCE(b->q.bell.ringer, current);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	bench_settle(b);
	KUNIT_EXPECT_FALSE(test, kvblk_queue_idle(&b->q));
	KUNIT_ASSERT_TRUE(test, kvblk_queue_claim(&b->q));
	WRITE_ONCE(b->q.bell.ringer, NULL);
	KUNIT_EXPECT_NULL(test, hang_only(b));
	clear_bit(KVBLK_EV_KICK, &b->q.events);
	kvblk_queue_unclaim(&b->q);
	kvblk_worker_wake(&b->q);
	bench_await_stop(b);
}

/* What is in the list already may wait for what the turn does. */
static void bell_is_first(struct kunit *test)
{
	struct bio_list list[2] = {};
	struct bench *b = test->priv;
	struct bio other, *bio;

	start(b, 64);
	bio_init(&other, NULL, NULL, 0, 0);
	bio_list_add(&list[0], &other);
	current->bio_list = list;
	kvblk_queue_kick_here(&b->q);
	current->bio_list = NULL;
	bio = bio_list_pop(&list[0]);
	KUNIT_EXPECT_PTR_EQ(test, &other, bio_list_pop(&list[0]));
	KUNIT_ASSERT_PTR_EQ(test, b->q.bell.bio, bio);
	ring(bio);
	bench_stop(b);
}

/* Its thread sleeps for what only the queue can give: the worker is at it instead. */
static void late_bell(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int i;
	struct bio *bio;

	start(b, 64);
	/* The first look may be one that saw another bell. */
	for (i = 1; i <= 3; i++) {
		bench_put_reads(b, 0, 1);
		if (i == 2)
			kick_here(b);
		bio = i == 2 ? NULL : hang_only(b);
		bench_expect_done(b, i);
		if (bio)
			ring(bio);
		bench_settle(b);
	}
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	bench_stop(b);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&b->q.bell.timer));
}

/* It is looked after once in a while, not each time; one that has rung wakes nobody. */
static void one_look_for_many(struct kunit *test)
{
	struct kvblk_bell *bell;
	struct bench *b = test->priv;
	unsigned long before;
	unsigned int hung;

	start(b, 64);
	bell = &b->q.bell;
	hung = bell->hung;
	before = switches(b);
	KUNIT_EXPECT_EQ(test, 0, run(b, kick_here, 3));
	bench_until(b, !hrtimer_active(&bell->timer));
	bench_settle(b);
	KUNIT_EXPECT_EQ(test, before, switches(b));
	hrtimer_start(&bell->timer, KTIME_MAX, HRTIMER_MODE_ABS);
	KUNIT_EXPECT_EQ(test, 0, run(b, kick_here, 3));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, hrtimer_get_expires(&bell->timer));
	KUNIT_EXPECT_EQ(test, hung + 6, bell->hung);
	KUNIT_EXPECT_LE(test, bell->seen, hung + 3);
	bench_stop(b);
}

/**
 * struct intruder - An interrupt that kicks
 * @timer: The interrupt.
 * @b: The bench.
 * @done: It has.
 */
static struct intruder {
	struct hrtimer timer;
	struct bench *b;
	bool done;
} intruder;

static enum hrtimer_restart intrude(struct hrtimer *timer)
{
	kvblk_queue_kick_here(&intruder.b->q);
	WRITE_ONCE(intruder.done, true);
	return HRTIMER_NORESTART;
}

/* The list is that of the thread, not of an interrupt that comes in between. */
static void interrupts_hang_none(struct kunit *test)
{
	unsigned long end = jiffies + BENCH_WAIT;
	struct bio_list list[2] = {};
	struct bench *b = test->priv;

	start(b, 64);
	intruder.b = b;
	intruder.done = false;
	hrtimer_setup(&intruder.timer, intrude, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	bench_put_reads(b, 0, 1);
	current->bio_list = list;
	hrtimer_start(&intruder.timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_HARD);
	while (!READ_ONCE(intruder.done) && time_before(jiffies, end))
		cpu_relax();
	current->bio_list = NULL;
	KUNIT_EXPECT_TRUE(test, bio_list_empty(&list[0]));
	KUNIT_EXPECT_NULL(test, b->q.bell.ringer);
	bench_expect_done(b, 1);
	hrtimer_cancel(&intruder.timer);
	bench_stop(b);
}

/* The driver's thread asks for tokens as the worker does, and the timer wakes that. */
static void stalls(struct kunit *test)
{
	struct bench *b = test->priv;

	start(b, 64);
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_put_reads(b, 0, 1);
	kick_here(b);
	KUNIT_EXPECT_EQ(test, 1, bench_stat(b, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_EQ(test, 0, guest_ring_used_idx(&b->ring));
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_expect_done(b, 1);
	bench_stop(b);
}

static int other_kicker(void *data)
{
	struct bench *b = data;

	while (!kthread_should_stop()) {
		kick_here(b);
		bench_kick(b);
		cond_resched();
	}
	return 0;
}

/* Driver's threads and the worker meet at the ring: each request is served once. */
static void race(struct kunit *test)
{
	struct bench *b = test->priv;
	struct task_struct *other;
	unsigned int i;

	b->disk.script.when = FAKE_WORK;
	bench_start(b, 64, BENCH_INDIRECT);
	other = kthread_run(other_kicker, b, "kvblk-kicker");
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	for (i = 1; i <= RACE / 16; i++) {
		bench_put_reads(b, 0, 16);
		kick_here(b);
		bench_await_used(b, 16 * i);
	}
	kthread_stop(other);
	KUNIT_EXPECT_EQ(test, RACE, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, RACE, bench_stat(b, KVBLK_STAT_READS));
	KUNIT_EXPECT_EQ(test, RACE, atomic_read(&b->disk.attempts));
	KUNIT_EXPECT_EQ(test, 0, b->broken);
	bench_stop(b);
}

static struct kunit_case here_cases[] = {
	KUNIT_CASE(worker_does_not_run),
	KUNIT_CASE(only_what_can_be),
	KUNIT_CASE(refused_is_deferred),
	KUNIT_CASE(claimed_is_left),
	KUNIT_CASE(late_event_is_passed_on),
	KUNIT_CASE(paused_is_left),
	KUNIT_CASE(stop_waits_for_the_bell),
	KUNIT_CASE(stopped_is_left),
	KUNIT_CASE(withdrawn_bell_passes_on),
	KUNIT_CASE(bell_is_first),
	KUNIT_CASE(late_bell),
	KUNIT_CASE(one_look_for_many),
	KUNIT_CASE(interrupts_hang_none),
	KUNIT_CASE(stalls),
	KUNIT_CASE(race),
	{}
};

static int here_suite_init(struct kunit_suite *suite)
{
	return kvblk_bell_init();
}

static void here_suite_exit(struct kunit_suite *suite)
{
	kvblk_bell_exit();
}

static struct kunit_suite here_suite = {
	.name = "kvblk_here",
	.suite_init = here_suite_init,
	.suite_exit = here_suite_exit,
	.init = here_test_init,
	.exit = bench_exit,
	.test_cases = here_cases,
};

kunit_test_suite(here_suite);
