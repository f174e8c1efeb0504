// SPDX-License-Identifier: GPL-2.0
/* Ends of a session: close, kill, reset and removal in the midst of work. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "load.h"
#include "witness.h"

#define SIZE	(4 * MIB)

static struct disk disk;
static struct driver d;

static const char *const kinds[] = { "buffered", "direct", NULL };

static void make_disk(void)
{
	disk_make(&disk, SIZE, harness_variant() ? KVBLK_DISK_DIRECT : 0);
}

static void expect_usable(uint32_t seed)
{
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, seed);
	driver_close(&d);
}

/* Forks a process that keeps the disk busy; returns once it is. */
static pid_t start_load(void)
{
	uint64_t before = disk_stats(disk.name).requests;
	pid_t pid = fork();

	if (!pid) {
		load_run(disk.name);
		_exit(0);
	}
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).requests > before + 100));
	return pid;
}

TEST_EACH(killed_under_load, kinds)
{
	unsigned int round;
	int status;
	pid_t pid;

	make_disk();
	for (round = 0; round < 10; round++) {
		pid = start_load();
		usleep(random_u32() % 20000);
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(BOUNDED(KILL, wait_child(pid, WAIT_SECONDS, &status)), 0);
		EXPECT_EQ(WTERMSIG(status), SIGKILL);
		expect_usable(round + 1);
	}
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
}

TEST_EACH(closed_under_load, kinds)
{
	unsigned int round;
	struct load load;

	make_disk();
	for (round = 0; round < 20; round++) {
		driver_open(&d, disk.name, NULL);
		load_init(&load, &d);
		load_submit(&load);
		BOUNDED(CLOSE, (driver_close(&d), 0));
		expect_usable(round + 1);
	}
}

/* Memory may go before the session: the requests fail, nothing else. */
TEST_EACH(memory_gone_under_load, kinds)
{
	unsigned int round;
	struct load load;

	make_disk();
	for (round = 0; round < 20; round++) {
		driver_open(&d, disk.name, NULL);
		load_init(&load, &d);
		load_submit(&load);
		memory_drop(&d.m);
		session_close(&d.s);
		expect_usable(round + 1);
	}
}

TEST_EACH(reset_under_load, kinds)
{
	unsigned int round;
	struct load load;

	make_disk();
	driver_open(&d, disk.name, NULL);
	for (round = 0; round < 50; round++) {
		load_init(&load, &d);
		load_submit(&load);
		usleep(random_u32() % 1000);
		driver_restart(&d);
		EXPECT_EQ(ring_used_idx(&d.r), 0);
		EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
		driver_prove(&d, 8 * round, round + 1);
		driver_restart(&d);
	}
}

/* Nothing of an ended generation writes into the rings of the next. */
TEST_EACH(no_straggler_after_reset, kinds)
{
	unsigned int round;
	struct load load;

	make_disk();
	driver_open(&d, disk.name, NULL);
	for (round = 0; round < 50; round++) {
		load_init(&load, &d);
		load_submit(&load);
		BOUNDED(RESET, (driver_reset(&d), 0));
		ring_clear(&d.r);
		memset(d.flying, 0, sizeof(d.flying));
		event_take(d.s.event[KVBLK_EVENT_IRQ]);
		usleep(2000);
		ASSERT_EQ(ring_used_idx(&d.r), 0);
		ASSERT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
		ASSERT_EQ(event_take(d.s.event[KVBLK_EVENT_IRQ]), 0);
		driver_start(&d);
	}
}

TEST(removal_waits_for_the_session)
{
	int status;
	pid_t pid;

	make_disk();
	pid = start_load();
	EXPECT_EQ(disk_remove(disk.name), -EBUSY);
	kill(pid, SIGKILL);
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
}

static atomic_bool stop;

static void *query_loop(void *unused)
{
	struct kvblk_query q;

	(void)unused;
	while (!atomic_load(&stop)) {
		disk_query(disk.name, &q);
		disk_count();
		ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS,
				     random_u32() % 2 ? KVBLK_RATE_MAX : 0,
				     0), 0);
	}
	return NULL;
}

/* Query, list and set go on beside sessions that come and go. */
TEST(control_beside_sessions)
{
	pthread_t thread;
	unsigned int i;

	make_disk();
	ASSERT_EQ(pthread_create(&thread, NULL, query_loop, NULL), 0);
	for (i = 0; i < 50; i++)
		expect_usable(i + 1);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

static void *open_loop(void *unused)
{
	int fd;

	(void)unused;
	while (!atomic_load(&stop)) {
		fd = session_open_fd(disk.name);
		if (fd >= 0)
			close(fd);
		else
			EXPECT_EQ(fd, -EBUSY);
	}
	return NULL;
}

/* Many want the session; one at a time has it, and each works. */
TEST(openers_race)
{
	pthread_t thread[3];
	unsigned int i;

	make_disk();
	for (i = 0; i < 3; i++)
		ASSERT_EQ(pthread_create(&thread[i], NULL, open_loop, NULL),
			  0);
	for (i = 0; i < 10; i++)
		expect_usable(i + 1);
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

/* Disks that come and go while another one works. */
TEST(disks_beside_each_other)
{
	struct disk other;
	unsigned int i;

	make_disk();
	driver_open(&d, disk.name, NULL);
	for (i = 0; i < 50; i++) {
		disk_make(&other, SIZE, 0);
		driver_prove(&d, 0, i + 1);
		EXPECT_EQ(disk_remove(other.name), 0);
		close(other.fd);
	}
}

static bool has_line(const char *path, const char *text)
{
	char line[256];
	bool found = false;
	FILE *f = fopen(path, "r");

	if (!f)
		DIE("open %s: %s", path, strerror(errno));
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	fclose(f);
	return found;
}

#define DEBUG_DIR	"/sys/kernel/debug/kvblk"

static void expect_config(const char *dir)
{
	char path[128], text[64];

	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_BYTES_READ, 12345, 67890), 0);
	snprintf(path, sizeof(path), "%s/config", dir);
	snprintf(text, sizeof(text), "capacity %llu\n", (unsigned long long)SIZE);
	EXPECT_TRUE(has_line(path, text));
	EXPECT_TRUE(has_line(path, "read_only 0\n"));
	EXPECT_TRUE(has_line(path, "limit_bytes_read 12345 burst 67890\n"));
	EXPECT_TRUE(has_line(path, "limit_bytes_write 0 burst 0\n"));
	snprintf(path, sizeof(path), "%s/state", dir);
	EXPECT_TRUE(has_line(path, "balance_bytes_read "));
}

/* The directory of a disk lives as long as the disk and can be read. */
TEST(debugfs)
{
	char dir[96], path[128];

	if (access("/sys/kernel/debug", X_OK) || access(DEBUG_DIR, F_OK))
		SKIP("no debugfs");
	make_disk();
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
	snprintf(dir, sizeof(dir), DEBUG_DIR "/%s", disk.name);
	snprintf(path, sizeof(path), "%s/state", dir);
	EXPECT_TRUE(has_line(path, "DRIVER_OK"));
	EXPECT_TRUE(!has_line(path, "balance_"));
	snprintf(path, sizeof(path), "%s/counters", dir);
	EXPECT_TRUE(has_line(path, "reads_completed"));
	expect_config(dir);
	driver_close(&d);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
	EXPECT_EQ(access(dir, F_OK), -1);
}
