// SPDX-License-Identifier: GPL-2.0
/* The workers of a session while their number changes, and queues that are late. */
#include "../session.h"
#include "bench.h"

#define QUEUES	4

/**
 * struct crew - A session whose queues do not run
 * @b: What the queues are made of.
 * @disk: Of the session.
 * @front: Of the session.
 * @s: The session; lives as long as the case.
 * @late: Lets the last queue go.
 * @finished: The end of the session was asked for.
 */
static struct crew {
	struct bench *b;
	struct kvblk_disk disk;
	struct kvblk_front front;
	struct kvblk_session *s;
	struct delayed_work late;
	bool finished;
} crew;

static struct kvblk_queue *queue_of(unsigned int i)
{
	return &crew.s->vq[i].queue;
}

static unsigned int worker_of(unsigned int i)
{
	unsigned int worker;

	mutex_lock(&crew.disk.lock);
	worker = kvblk_crew_of(&crew.disk, i);
	mutex_unlock(&crew.disk.lock);
	return worker;
}

/* A worker cannot pass on what somebody else is at. */
static void hold_last(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, kvblk_queue_claim(queue_of(QUEUES - 1)));
}

static void let_last_go(struct work_struct *work)
{
	kvblk_queue_unclaim(queue_of(QUEUES - 1));
	kvblk_worker_wake(queue_of(QUEUES - 1));
}

/* Whoever changes the workers of a session that closes asks for its end. */
static void finish(struct work_struct *work)
{
	crew.finished = true;
}

static int crew_test_init(struct kunit *test)
{
	struct kvblk_session *s;
	unsigned int i;
	int ret = bench_init(test);

	if (ret)
		return ret;
	memset(&crew, 0, sizeof(crew));
	crew.b = test->priv;
	INIT_DELAYED_WORK(&crew.late, let_last_go);
	s = kunit_kzalloc(test, struct_size(s, vq, QUEUES), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s);
	s->worker = kunit_kcalloc(test, QUEUES, sizeof(*s->worker), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->worker);
	kref_init(&s->ref);
	INIT_WORK(&s->finish, finish);
	init_waitqueue_head(&s->wait);
	mutex_init(&crew.disk.lock);
	strscpy(crew.disk.spec.name, "crew", sizeof(crew.disk.spec.name));
	kvblk_crew_spread(&crew.disk.crew, 1);
	crew.disk.session = s;
	s->disk = &crew.disk;
	s->ops = &crew.front;
	s->nr_vqs = QUEUES;
	crew.s = s;
	KUNIT_ASSERT_EQ(test, 0, kvblk_crew_init(s, &crew.disk.crew));
	for (i = 0; i < QUEUES; i++)
		kvblk_queue_init(queue_of(i), &crew.b->env, &s->worker[0]);
	return 0;
}

static void crew_test_exit(struct kunit *test)
{
	if (crew.s && crew.s->nr_workers)
		kvblk_crew_exit(crew.s);
	bench_exit(test);
}

static void expect_spread(struct kunit *test, unsigned int workers)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, workers, crew.disk.crew.nr);
	KUNIT_EXPECT_EQ(test, workers, crew.s->nr_workers);
	KUNIT_EXPECT_FALSE(test, crew.disk.manning);
	for (i = 0; i < QUEUES; i++)
		KUNIT_EXPECT_EQ(test, i % workers, worker_of(i));
}

static void every_number(struct kunit *test)
{
	static const unsigned int numbers[] = { 4, 1, 3, 2, 4, 3, 3, 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, numbers[i]));
		expect_spread(test, numbers[i]);
	}
}

static void names(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, kvblk_crew_set(&crew.disk, 3));
	KUNIT_EXPECT_STREQ(test, "kvblk/crew", crew.s->worker[0].task->comm);
	KUNIT_EXPECT_STREQ(test, "kvblk/crew:1", crew.s->worker[1].task->comm);
	KUNIT_EXPECT_STREQ(test, "kvblk/crew:2", crew.s->worker[2].task->comm);
}

/* A session that ends keeps what it has; the next one gets what is asked for now. */
static void closing_keeps_its_own(struct kunit *test)
{
	crew.s->closing = true;
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, 3));
	KUNIT_EXPECT_EQ(test, 3, crew.disk.crew.nr);
	KUNIT_EXPECT_EQ(test, 1, crew.s->nr_workers);
	KUNIT_EXPECT_EQ(test, -ENODEV, kvblk_crew_renew(crew.s, NULL));
	flush_work(&crew.s->finish);
	KUNIT_EXPECT_TRUE(test, crew.finished);
}

static void one_at_a_time(struct kunit *test)
{
	struct task_struct *before = crew.s->worker[0].task;

	crew.disk.manning = true;
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_set(&crew.disk, 3));
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_renew(crew.s, NULL));
	KUNIT_EXPECT_PTR_EQ(test, before, crew.s->worker[0].task);
	crew.disk.manning = false;
	expect_spread(test, 1);
}

static void renew_all(struct kunit *test)
{
	struct task_struct *before[QUEUES];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, kvblk_crew_set(&crew.disk, QUEUES));
	for (i = 0; i < QUEUES; i++)
		before[i] = crew.s->worker[i].task;
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_renew(crew.s, NULL));
	for (i = 0; i < QUEUES; i++)
		KUNIT_EXPECT_PTR_NE(test, before[i], crew.s->worker[i].task);
	expect_spread(test, QUEUES);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, 1));
	expect_spread(test, 1);
}

/* A queue that is late is still sent to where it was: nothing else is done before. */
static void late_queue_is_waited_for(struct kunit *test)
{
	hold_last(test);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, QUEUES));
	KUNIT_EXPECT_EQ(test, QUEUES, crew.s->nr_workers);
	KUNIT_EXPECT_EQ(test, 0, worker_of(QUEUES - 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_set(&crew.disk, 1));
	KUNIT_EXPECT_EQ(test, QUEUES, crew.disk.crew.nr);
	KUNIT_EXPECT_EQ(test, QUEUES, crew.s->nr_workers);
	let_last_go(NULL);
	KUNIT_EXPECT_NE(test, 0, kvblk_queue_await(queue_of(QUEUES - 1), BENCH_WAIT));
	expect_spread(test, QUEUES);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, 1));
	expect_spread(test, 1);
}

/* It keeps the worker that it has as long as it has it. */
static void late_queue_keeps_its_worker(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, 0, kvblk_crew_set(&crew.disk, QUEUES));
	hold_last(test);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, 1));
	KUNIT_EXPECT_EQ(test, 1, crew.disk.crew.nr);
	KUNIT_EXPECT_EQ(test, QUEUES, crew.s->nr_workers);
	let_last_go(NULL);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, 2));
	expect_spread(test, 2);
}

/* The worker that it goes to does not end before it. */
static void end_waits_for_a_late_queue(struct kunit *test)
{
	hold_last(test);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(&crew.disk, QUEUES));
	schedule_delayed_work(&crew.late, HZ / 10);
	kvblk_crew_exit(crew.s);
	KUNIT_EXPECT_EQ(test, 0, crew.s->nr_workers);
	KUNIT_EXPECT_EQ(test, QUEUES - 1, worker_of(QUEUES - 1));
	cancel_delayed_work_sync(&crew.late);
}

static struct kunit_case crew_cases[] = {
	KUNIT_CASE(every_number),
	KUNIT_CASE(names),
	KUNIT_CASE(closing_keeps_its_own),
	KUNIT_CASE(one_at_a_time),
	KUNIT_CASE(renew_all),
	KUNIT_CASE(late_queue_is_waited_for),
	KUNIT_CASE(late_queue_keeps_its_worker),
	KUNIT_CASE(end_waits_for_a_late_queue),
	{}
};

static struct kunit_suite crew_suite = {
	.name = "kvblk_crew",
	.init = crew_test_init,
	.exit = crew_test_exit,
	.test_cases = crew_cases,
};

kunit_test_suite(crew_suite);
