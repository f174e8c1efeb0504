// SPDX-License-Identifier: GPL-2.0
/*
 * Every way to end a session, whatever the disk is doing on a backing that works:
 * in time, finished when the call returns, and another disk never notices.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include "driver.h"
#include "load.h"
#include "witness.h"

#define SIZE	(4 * MIB)
#define ROUNDS	5

enum doing {
	IDLE,
	FULL_LOAD,
	STALLED,	/* the throttle holds the first request for hours */
};

static const char *const doings[] = {
	[IDLE] = "idle",
	[FULL_LOAD] = "full-load",
	[STALLED] = "stalled",
	NULL,
};

static struct disk disk;
static struct driver d;

static void setup(void)
{
	disk_make(&disk, SIZE, 0);
	witness_start(&disk);
}

static void throttle(uint64_t rate)
{
	ASSERT_EQ(BOUNDED(SET, disk_limit(disk.name, KVBLK_LIMIT_BYTES, rate, 0)),
		  0);
}

static struct kvblk_query query(void)
{
	struct kvblk_query q;

	disk_query(disk.name, &q);
	return q;
}

/* A running driver in the state of the variant. */
static void get_going(void)
{
	static struct load load;

	throttle(harness_variant() == STALLED ? 1 : 0);
	driver_open(&d, disk.name, NULL);
	/* What is asked here is that it ends, not how fast this machine is. */
	EXPECT_EQ(session_drain(d.s.fd, 4000), 0);
	if (harness_variant() == IDLE)
		return;
	load_init(&load, &d);
	load_submit(&load);
	if (harness_variant() == STALLED)
		ASSERT_TRUE(WAIT_FOR(query().stats.currently_throttled));
}

/* The disk is idle, owes nothing, and works. */
static void expect_usable(uint32_t seed)
{
	struct kvblk_query q = query();

	EXPECT_EQ(q.state, KVBLK_STATE_IDLE);
	EXPECT_EQ(q.stats.in_flight, 0);
	EXPECT_EQ(q.stats.currently_throttled, 0);
	throttle(0);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, seed);
	driver_close(&d);
}

TEST_EACH(reset_is_done_when_it_returns, doings)
{
	unsigned int i;

	setup();
	for (i = 0; i < ROUNDS; i++) {
		get_going();
		BOUNDED(RESET, (session_write(&d.s, VIRTIO_MMIO_STATUS, 0), 0));
		EXPECT_EQ(driver_status(&d), 0);
		EXPECT_EQ(query().stats.in_flight, 0);
		throttle(0);
		driver_restart(&d);
		driver_prove(&d, 0, i + 1);
		driver_close(&d);
		witness_check();
	}
	witness_stop();
	expect_usable(ROUNDS + 1);
}

TEST_EACH(close_is_done_when_it_returns, doings)
{
	unsigned int i;

	setup();
	for (i = 0; i < ROUNDS; i++) {
		get_going();
		BOUNDED(CLOSE, (driver_close(&d), 0));
		expect_usable(i + 1);
		witness_check();
	}
	witness_stop();
}

TEST_EACH(kill_frees_the_disk, doings)
{
	unsigned int i;
	int status;
	pid_t pid;

	setup();
	for (i = 0; i < ROUNDS; i++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			get_going();
			pause();
		}
		ASSERT_TRUE(WAIT_FOR(query().state == KVBLK_STATE_RUNNING));
		usleep(20000);
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(BOUNDED(KILL, wait_child(pid, WAIT_SECONDS, &status)), 0);
		ASSERT_TRUE(WAIT_FOR(query().state == KVBLK_STATE_IDLE));
		expect_usable(i + 1);
		witness_check();
	}
	witness_stop();
}

TEST_EACH(removal_waits_for_the_close, doings)
{
	setup();
	get_going();
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), -EBUSY);
	witness_check();
	witness_stop();
	BOUNDED(CLOSE, (driver_close(&d), 0));
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), 0);
}

/* What is left in flight, or -errno. */
static int64_t pause_call(unsigned long cmd)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };
	int ret;

	memcpy(arg.name, disk.name, sizeof(arg.name));
	ret = disk_control(cmd, &arg);
	return ret ? ret : (int64_t)arg.in_flight;
}

/* A request that waits for tokens in the ring is not in flight. */
TEST_EACH(pause_is_done_when_it_returns, doings)
{
	unsigned int i;

	setup();
	get_going();
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(BOUNDED(PAUSE, pause_call(KVBLK_PAUSE)), 0);
		EXPECT_EQ(query().state, KVBLK_STATE_PAUSED);
		EXPECT_EQ(query().stats.in_flight, 0);
		witness_check();
		EXPECT_EQ(pause_call(KVBLK_RESUME), 0);
	}
	EXPECT_EQ(query().state, KVBLK_STATE_RUNNING);
	witness_stop();
	driver_close(&d);
	expect_usable(1);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "kvblk", O_NONBLOCK) ? -errno : 0;
}

TEST_EACH(unloading_is_refused, doings)
{
	setup();
	witness_stop();
	get_going();
	EXPECT_EQ(BOUNDED(UNLOAD, unload()), -EWOULDBLOCK);
	driver_close(&d);
	expect_usable(1);
}
