// SPDX-License-Identifier: GPL-2.0
/* The threads of a disk, and which of them serves which queue, also while that changes. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "contract.h"
#include "harness.h"
#include "mq.h"
#include "pattern.h"
#include "worker.h"

#define WORKERS	3
#define MOVES	140
#define FEW	4

/* Whether @dir is of a thread of the disk, and of which. */
static bool thread_number(const char *dir, unsigned int *number)
{
	char want[64], line[64];

	snprintf(want, sizeof(want), "kvblk/%s", mq_disk.name);
	*number = 0;
	return worker_line(dir, "comm", want, line, sizeof(line)) &&
	       (line[strlen(want)] == '\n' || sscanf(line + strlen(want), ":%u", number) == 1);
}

/* How many threads of the disk there are; how often each has slept, if that is wanted. */
static unsigned int threads(unsigned long *sleeps)
{
	static const char begin[] = "voluntary_ctxt_switches:";
	unsigned int n = 0, number;
	char path[32], line[64];
	struct dirent *e;
	DIR *dir = opendir("/proc");

	ASSERT_TRUE(dir);
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%.16s", e->d_name);
		if (!thread_number(path, &number))
			continue;
		n++;
		if (sleeps && worker_line(path, "status", begin, line, sizeof(line)))
			ASSERT_EQ(sscanf(line + strlen(begin), "%lu", &sleeps[number]), 1);
	}
	closedir(dir);
	return n;
}

static struct kvblk_move move_arg(unsigned int queue, unsigned int worker)
{
	struct kvblk_move arg = {
		.hdr.size = sizeof(arg), .queue = queue, .worker = worker,
	};

	memcpy(arg.name, mq_disk.name, sizeof(arg.name));
	return arg;
}

static int move(unsigned int queue, unsigned int worker)
{
	struct kvblk_move arg = move_arg(queue, worker);

	return disk_control(KVBLK_MOVE, &arg);
}

/* ---- the number of workers ---- */

TEST(workers_change_under_load)
{
	static const unsigned int sizes[] = { 4, 1, 3, 2, 4, 2, 1 };
	unsigned int i, n = 0, done = 0;

	mq_setup(1);
	mq_submit_all();
	for (i = 0; i < MOVES; i++) {
		n = sizes[i % 7];
		ASSERT_EQ(mq_set_workers(n), 0);
		EXPECT_EQ(threads(NULL), n);
		mq_expect_spread(n);
		done += mq_run(50);
	}
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(n);
	EXPECT_EQ(disk_stats(mq_disk.name).requests, done + MQ_QUEUES * MQ_DEPTH);
	driver_close(&mq_queue[0]);
	EXPECT_TRUE(WAIT_FOR(!threads(NULL)));
}

TEST(workers_without_a_session)
{
	mq_make(MQ_QUEUES, 1);
	EXPECT_EQ(mq_set_workers(3), 0);
	EXPECT_EQ(threads(NULL), 0);
	mq_open(true);
	EXPECT_EQ(threads(NULL), 3);
	mq_submit_all();
	mq_run(1000);
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(3);
	driver_close(&mq_queue[0]);
}

/* ---- which queue is whose ---- */

TEST(queues_move_under_load)
{
	unsigned int map[MQ_QUEUES] = { 0, 1, 2, 0 };
	unsigned int i, queue, done = 0;

	mq_setup(WORKERS);
	mq_submit_all();
	for (i = 0; i < MOVES; i++) {
		mq_expect_map(WORKERS, map);
		queue = random_u32() % MQ_QUEUES;
		map[queue] = random_u32() % WORKERS;
		ASSERT_EQ(move(queue, map[queue]), 0);
		done += mq_run(50);
	}
	mq_drain();
	mq_expect_sums();
	mq_expect_map(WORKERS, map);
	EXPECT_EQ(threads(NULL), WORKERS);
	EXPECT_EQ(disk_stats(mq_disk.name).requests, done + MQ_QUEUES * MQ_DEPTH);
	driver_close(&mq_queue[0]);
}

/* The others have nothing to do any more, but to lie down, and for who meant to wake them. */
TEST(one_serves_all)
{
	unsigned long before[WORKERS], after[WORKERS];
	unsigned int i;

	mq_setup(WORKERS);
	mq_submit_all();
	mq_run(500);
	for (i = 0; i < MQ_QUEUES; i++)
		ASSERT_EQ(move(i, 1), 0);
	mq_expect_map(WORKERS, (const unsigned int[MQ_QUEUES]) { 1, 1, 1, 1 });
	ASSERT_EQ(threads(before), WORKERS);
	mq_run(5000);
	mq_drain();
	ASSERT_EQ(threads(after), WORKERS);
	for (i = 0; i < WORKERS; i++)
		after[i] -= before[i];
	harness_note("slept %lu, %lu, %lu times", after[0], after[1], after[2]);
	EXPECT_LE(after[0], FEW);
	EXPECT_GT(after[1], 10 * FEW);
	EXPECT_LE(after[2], FEW);
	driver_close(&mq_queue[0]);
}

static void use_session(const unsigned int *map)
{
	mq_open(true);
	mq_expect_map(WORKERS, map);
	mq_submit_all();
	mq_run(200);
	mq_drain();
}

/* From one session to the next, and no longer than the number of workers. */
TEST(map_is_kept)
{
	mq_make(MQ_QUEUES, WORKERS);
	EXPECT_EQ(move(0, 1), 0);
	EXPECT_EQ(move(3, 2), 0);
	mq_expect_map(WORKERS, (const unsigned int[MQ_QUEUES]) { 1, 1, 2, 2 });
	use_session((const unsigned int[MQ_QUEUES]) { 1, 1, 2, 2 });
	EXPECT_EQ(move(2, 0), 0);
	driver_close(&mq_queue[0]);
	use_session((const unsigned int[MQ_QUEUES]) { 1, 1, 0, 2 });
	EXPECT_EQ(disk_limit(mq_disk.name, KVBLK_LIMIT_OPS, 0, 0), 0);
	mq_expect_map(WORKERS, (const unsigned int[MQ_QUEUES]) { 1, 1, 0, 2 });
	EXPECT_EQ(mq_set_workers(WORKERS), 0);
	mq_expect_spread(WORKERS);
	EXPECT_EQ(move(2, 0), 0);
	EXPECT_EQ(mq_set_workers(MQ_QUEUES), 0);
	mq_expect_spread(MQ_QUEUES);
	driver_close(&mq_queue[0]);
	EXPECT_EQ(move(2, 0), 0);
	EXPECT_EQ(mq_set_workers(2), 0);
	mq_expect_spread(2);
}

static int control;

static void expect_refused(unsigned int queue, unsigned int worker, const char *why)
{
	struct kvblk_move arg = move_arg(queue, worker);

	contract_refuse(control, KVBLK_MOVE, &arg, -EINVAL, why);
}

static void expect_all_refused(void)
{
	expect_refused(MQ_QUEUES, 0, "queue: 4 is not below the 4 of the disk");
	expect_refused(UINT32_MAX, 0, "queue: 4294967295 is not");
	expect_refused(1, WORKERS, "worker: 3 is not below the 3 of the disk");
	expect_refused(1, 256, "worker: 256 is not");
	expect_refused(1, UINT32_MAX, "worker: 4294967295 is not");
}

TEST(moves_refused)
{
	struct kvblk_move arg = { .hdr.size = sizeof(arg), .name = "missing" };

	mq_make(MQ_QUEUES, WORKERS);
	control = disk_control_fd();
	contract_refuse(control, KVBLK_MOVE, &arg, -ENOENT, "missing");
	expect_all_refused();
	mq_open(true);
	expect_all_refused();
	mq_expect_spread(WORKERS);
	mq_submit_all();
	mq_run(100);
	mq_drain();
	driver_close(&mq_queue[0]);
}

/* ---- one at a time ---- */

/**
 * struct tally - What calls have come to
 * @done: Calls that succeeded.
 * @busy: Another was under way.
 * @other: Anything else.
 */
struct tally {
	unsigned int done;
	unsigned int busy;
	unsigned int other;
};

static atomic_bool stop;

static void count(struct tally *t, int ret)
{
	if (!ret)
		t->done++;
	else if (ret == -EBUSY)
		t->busy++;
	else
		t->other++;
}

static void *change_workers(void *arg)
{
	unsigned int n = 0;

	while (!stop)
		count(arg, mq_set_workers(n++ % MQ_QUEUES + 1));
	return NULL;
}

/* Two who change the same under load: one has to come again, and all goes on. */
TEST(two_change_at_once)
{
	struct tally set = { 0 }, moved = { 0 };
	unsigned int i, done = 0;
	pthread_t thread;

	mq_setup(WORKERS);
	mq_submit_all();
	ASSERT_EQ(pthread_create(&thread, NULL, change_workers, &set), 0);
	/* There always is a first worker. */
	for (i = 0; i < 20000 && (i < MOVES || !(moved.done && moved.busy)); i++) {
		count(&moved, move(i % MQ_QUEUES, 0));
		done += mq_run(5);
	}
	stop = true;
	pthread_join(thread, NULL);
	mq_drain();
	mq_expect_sums();
	harness_note("%u moved, %u busy; %u set, %u busy", moved.done, moved.busy, set.done,
		     set.busy);
	EXPECT_GT(moved.done, 0);
	EXPECT_GT(moved.busy, 0);
	EXPECT_GT(set.done, 0);
	EXPECT_EQ(moved.other + set.other, 0);
	EXPECT_EQ(disk_stats(mq_disk.name).requests, done + MQ_QUEUES * MQ_DEPTH);
	EXPECT_EQ(mq_set_workers(2), 0);
	mq_expect_spread(2);
	EXPECT_EQ(threads(NULL), 2);
	driver_close(&mq_queue[0]);
}

static void who_serves(unsigned int *map)
{
	struct kvblk_queue_stats stats[MQ_QUEUES];
	unsigned int i;

	mq_stats(stats, MQ_QUEUES);
	for (i = 0; i < MQ_QUEUES; i++)
		map[i] = stats[i].worker;
}

/* Each time another one. */
static void *change_once(void *arg)
{
	static unsigned int n;

	n++;
	count(arg, n % 2 ? mq_set_workers(n / 2 % MQ_QUEUES + 1) : move(n % MQ_QUEUES, 0));
	return NULL;
}

/* What a session begins with is what the disk has: a change comes before, after, or not. */
TEST(change_while_opening)
{
	unsigned int i, map[MQ_QUEUES];
	struct tally opened = { 0 }, changed = { 0 };
	struct kvblk_query q;
	pthread_t thread;
	int fd;

	mq_make(MQ_QUEUES, WORKERS);
	for (i = 0; i < MOVES; i++) {
		ASSERT_EQ(pthread_create(&thread, NULL, change_once, &changed), 0);
		fd = session_open_fd(mq_disk.name);
		pthread_join(thread, NULL);
		count(&opened, fd < 0 ? fd : 0);
		if (fd < 0)
			continue;
		disk_query(mq_disk.name, &q);
		/* Those of the last session may be at their end. */
		EXPECT_TRUE(WAIT_FOR(threads(NULL) == q.workers));
		who_serves(map);
		close(fd);
		mq_expect_map(q.workers, map);
	}
	harness_note("%u opened, %u busy; %u changed, %u busy", opened.done, opened.busy,
		     changed.done, changed.busy);
	EXPECT_GT(opened.done, 0);
	EXPECT_GT(changed.done, 0);
	EXPECT_EQ(opened.other + changed.other, 0);
}
