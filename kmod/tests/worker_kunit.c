// SPDX-License-Identifier: GPL-2.0
/* A worker with several queues, and queues that change their worker. */
#include "bench_driver.h"

#define TOTAL	20000		/* requests of a run */
#define MOVES		200
#define RENEWALS	20

/* The second bench, whose queue the first one's worker serves. */
static struct bench *other;

/* What the driver in the worker has seen, for each bench: the first, the other. */
static struct {
	unsigned int taken;
	unsigned int wrong;
	struct task_struct *by;
} seen[2];

static unsigned int total;

static void move(struct kvblk_queue *q, struct kvblk_worker *to)
{
	kvblk_queue_send(q, to);
	while (!kvblk_queue_await(q, HZ))
		;
}

/* In the worker: takes what is used and offers it again. */
static void refill(struct bench *b)
{
	unsigned int i = b == other;
	u32 id, len;

	WRITE_ONCE(seen[i].by, current);
	while (guest_ring_take(&b->ring, &id, &len)) {
		if (id >= 4 || len != 513 || slot_status(b, id))
			seen[i].wrong++;
		WRITE_ONCE(seen[i].taken, seen[i].taken + 1);
		slot_ram(b, id)[SLOT_STATUS] = STATUS_UNSET;
		if (seen[i].taken + 4 > READ_ONCE(total))
			continue;
		guest_ring_offer(&b->ring, id);
		bench_kick(b);
	}
}

static void begin(struct bench *b, enum fake_when when)
{
	b->disk.script.when = when;
	bench_start(b, 4, BENCH_INDIRECT);
	b->on_used = refill;
	bench_put_reads(b, 0, 4);
	bench_kick(b);
}

static int worker_test_init(struct kunit *test)
{
	struct bench *first;
	int ret;

	memset(seen, 0, sizeof(seen));
	WRITE_ONCE(total, TOTAL);
	ret = bench_init(test);
	if (ret)
		return ret;
	first = test->priv;
	ret = bench_init(test);
	other = ret ? NULL : test->priv;
	test->priv = first;
	return ret;
}

static void worker_test_exit(struct kunit *test)
{
	struct bench *first = test->priv;

	WRITE_ONCE(total, 0);
	if (other) {
		move(&first->q, &first->worker);
		move(&other->q, &other->worker);
		test->priv = other;
		bench_exit(test);
		test->priv = first;
	}
	bench_exit(test);
}

static void serves_two(struct kunit *test)
{
	struct bench *b = test->priv;

	move(&other->q, &b->worker);
	begin(b, FAKE_WORK);
	begin(other, FAKE_IRQ);
	bench_until(b, READ_ONCE(seen[0].taken) == TOTAL);
	bench_until(b, READ_ONCE(seen[1].taken) == TOTAL);
	KUNIT_EXPECT_EQ(test, 0, seen[0].wrong + seen[1].wrong);
	KUNIT_EXPECT_PTR_EQ(test, b->worker.task, seen[0].by);
	KUNIT_EXPECT_PTR_EQ(test, b->worker.task, seen[1].by);
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(b, KVBLK_STAT_READS));
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(other, KVBLK_STAT_READS));
	bench_stop(b);
	bench_stop(other);
}

/* A queue that is never empty takes its turns, not all of them. */
static void busy_queue_starves_nobody(struct kunit *test)
{
	struct bench *b = test->priv;
	unsigned int before;
	u16 i;

	WRITE_ONCE(total, UINT_MAX);
	move(&other->q, &b->worker);
	begin(other, FAKE_INLINE);
	bench_until(b, READ_ONCE(seen[1].taken) > 100);
	bench_start(b, 64, BENCH_INDIRECT);
	for (i = 0; i < 16; i++) {
		bench_put(b, i, &(struct bench_req){ VIRTIO_BLK_T_IN, i, 512 });
		bench_kick(b);
		bench_await_used(b, i + 1);
	}
	before = READ_ONCE(seen[1].taken);
	bench_until(b, READ_ONCE(seen[1].taken) > before);
	bench_stop(b);
	KUNIT_EXPECT_EQ(test, 0, seen[1].wrong);
}

struct move_row {
	const char *name;
	enum fake_when when;
};

static const struct move_row move_rows[] = {
	{ "at once", FAKE_INLINE },
	{ "work item", FAKE_WORK },
	{ "interrupt", FAKE_IRQ },
};

KUNIT_ARRAY_PARAM_DESC(move, move_rows, name);

/* To and fro under load: no request, kick or completion is lost or done twice. */
static void moves_under_load(struct kunit *test)
{
	const struct move_row *row = test->param_value;
	struct bench *b = test->priv;
	int i;

	begin(b, row->when);
	for (i = 0; i < MOVES; i++) {
		move(&b->q, i & 1 ? &b->worker : &other->worker);
		usleep_range(10, 100);
	}
	bench_until(b, READ_ONCE(seen[0].taken) == TOTAL);
	KUNIT_EXPECT_EQ(test, 0, seen[0].wrong);
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(b, KVBLK_STAT_REQUESTS));
	KUNIT_EXPECT_EQ(test, TOTAL, bench_stat(b, KVBLK_STAT_READS));
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	bench_stop(b);
}

/* New threads under load: all go on where the one before has ended. */
static void renewed_under_load(struct kunit *test)
{
	const struct move_row *row = test->param_value;
	struct bench *b = test->priv;
	struct task_struct *old, *like;
	unsigned int before;
	int i;

	WRITE_ONCE(total, UINT_MAX);
	begin(b, row->when);
	for (i = 0; i < RENEWALS; i++) {
		old = b->worker.task;
		like = i & 1 ? current : NULL;
		KUNIT_ASSERT_EQ(test, 0, kvblk_worker_renew_begin(&b->worker, like, "bench"));
		if (i % 4 == 3) {
			kvblk_worker_renew_cancel(&b->worker);
			KUNIT_EXPECT_PTR_EQ(test, old, b->worker.task);
			continue;
		}
		kvblk_worker_renew_end(&b->worker);
		KUNIT_EXPECT_PTR_NE(test, old, b->worker.task);
		before = READ_ONCE(seen[0].taken);
		bench_until(b, READ_ONCE(seen[0].taken) > before + 100);
	}
	WRITE_ONCE(total, 0);
	bench_until(b, !bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	/* An answer counts before the driver is told of it. */
	bench_until(b, READ_ONCE(seen[0].taken) == bench_stat(b, KVBLK_STAT_READS));
	KUNIT_EXPECT_EQ(test, 0, seen[0].wrong);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	bench_stop(b);
}

/* What was in flight, held back or not yet looked at goes along. */
static void moves_with_all_it_has(struct kunit *test)
{
	struct bench *b = test->priv;

	b->disk.script.when = FAKE_NEVER;
	bench_start(b, 64, 0);
	bench_put_reads(b, 0, 2);
	bench_kick(b);
	bench_until(b, atomic_read(&b->disk.attempts) == 2);
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_put(b, 2, &(struct bench_req){ VIRTIO_BLK_T_IN, 2, 512 });
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));

	move(&b->q, &other->worker);
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_until(b, atomic_read(&b->disk.attempts) == 3);
	fake_end_all(&b->disk);
	bench_await_used(b, 3);
	KUNIT_EXPECT_TRUE(test, kvblk_queue_stop(&b->q));
	bench_await_stop(b);
	KUNIT_EXPECT_EQ(test, 0, b->broken);
}

/* An idle queue moves, too, and starts where it is. */
static void moves_idle(struct kunit *test)
{
	struct bench *b = test->priv;

	move(&b->q, &other->worker);
	move(&b->q, &other->worker);
	begin(b, FAKE_INLINE);
	bench_until(b, READ_ONCE(seen[0].taken) == TOTAL);
	KUNIT_EXPECT_PTR_EQ(test, other->worker.task, seen[0].by);
	bench_stop(b);
}

/* Two queues before an empty bucket: both go on when there are tokens. */
static void stalled_queues_all_go_on(struct kunit *test)
{
	struct bench *b = test->priv;

	move(&other->q, &b->worker);
	other->q.env.gate = &b->gate;
	bench_gate_empty(b, KVBLK_BUCKET_OPS);
	bench_start(b, 64, 0);
	bench_start(other, 64, 0);
	bench_put_reads(b, 0, 4);
	bench_kick(b);
	bench_until(b, bench_stat(b, KVBLK_STAT_STALLED));
	bench_put_reads(other, 0, 4);
	bench_kick(other);
	bench_until(b, bench_stat(other, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&other->disk.attempts));

	/* 40 in a second: the first takes its turn, then the other. */
	bench_gate_lift(b, KVBLK_BUCKET_OPS);
	kvblk_gate_set(&b->gate, KVBLK_BUCKET_OPS, 40, 40);
	kvblk_queue_event(&b->q, KVBLK_EV_RETRY);
	bench_await_used(b, 4);
	bench_await_used(other, 4);
	bench_stop(b);
	bench_stop(other);
	KUNIT_EXPECT_TRUE(test, list_empty(&b->gate.waiters));
}

static struct kunit_case worker_cases[] = {
	KUNIT_CASE(serves_two),
	KUNIT_CASE(busy_queue_starves_nobody),
	KUNIT_CASE_PARAM(moves_under_load, move_gen_params),
	KUNIT_CASE_PARAM(renewed_under_load, move_gen_params),
	KUNIT_CASE(moves_with_all_it_has),
	KUNIT_CASE(moves_idle),
	KUNIT_CASE(stalled_queues_all_go_on),
	{}
};

static struct kunit_suite worker_suite = {
	.name = "kvblk_worker",
	.init = worker_test_init,
	.exit = worker_test_exit,
	.test_cases = worker_cases,
};

kunit_test_suite(worker_suite);
