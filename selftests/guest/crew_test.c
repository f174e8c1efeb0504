// SPDX-License-Identifier: GPL-2.0
/* The threads of a disk, and which of them serves which queue, also while that changes. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include "harness.h"
#include "mq.h"

/* How many threads of the disk there are. */
static unsigned int threads(void)
{
	unsigned int n = 0;
	struct dirent *e;
	DIR *dir = opendir("/proc");
	char path[300], want[64], line[64];
	FILE *f;

	snprintf(want, sizeof(want), "kvblk/%s", mq_disk.name);
	ASSERT_TRUE(dir);
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		n += fgets(line, sizeof(line), f) && !strncmp(line, want, strlen(want));
		fclose(f);
	}
	closedir(dir);
	return n;
}

TEST(workers_change_under_load)
{
	static const unsigned int sizes[] = { 4, 1, 3, 2, 4, 2, 1 };
	unsigned int i, n = 0, done = 0;

	mq_setup(1);
	mq_submit_all();
	for (i = 0; i < 140; i++) {
		n = sizes[i % 7];
		ASSERT_EQ(mq_set_workers(n), 0);
		EXPECT_EQ(threads(), n);
		mq_expect_spread(n);
		done += mq_run(50);
	}
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(n);
	EXPECT_EQ(disk_stats(mq_disk.name).requests, done + MQ_QUEUES * MQ_DEPTH);
	driver_close(&mq_queue[0]);
	EXPECT_TRUE(WAIT_FOR(!threads()));
}

TEST(workers_without_a_session)
{
	mq_make(MQ_QUEUES, 1);
	EXPECT_EQ(mq_set_workers(3), 0);
	EXPECT_EQ(threads(), 0);
	mq_open(true);
	EXPECT_EQ(threads(), 3);
	mq_submit_all();
	mq_run(1000);
	mq_drain();
	mq_expect_sums();
	mq_expect_spread(3);
	driver_close(&mq_queue[0]);
}
