// SPDX-License-Identifier: GPL-2.0
/*
 * Every call of the control device, and opening a session, while allocations fail. A
 * call that fails has changed nothing, and the disk works when all is over.
 */
#include <stdio.h>
#include <string.h>
#include "backing.h"
#include "disk.h"
#include "driver.h"
#include "fault.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static struct driver d;
static struct kvblk_add add_arg;
static unsigned int disks;	/* before there is another one */
static int control_fd;

static int control(unsigned long cmd, void *arg)
{
	return call(control_fd, cmd, arg);
}

static void setup(void)
{
	fault_init();
	control_fd = disk_control_fd();
}

/* @run, of which nothing is left to undo but by @undo. */
static void sweep(const char *name, int (*run)(void), void (*undo)(void))
{
	fault_sweep(&(struct fault_op) {
		.name = name, .disk = disk.name, .run = run, .undo = undo,
	});
}

static int run_add(void)
{
	struct kvblk_add arg = add_arg;

	return control(KVBLK_ADD, &arg);
}

/* A disk that is there has a node, works, and can be removed. */
static void undo_add(void)
{
	struct driver probe;

	EXPECT_EQ(disk_count(), disks + 1);
	driver_open(&probe, add_arg.name, NULL);
	driver_prove(&probe, 0, 1);
	driver_close(&probe);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(add_arg.name)));
}

/* The disk of the variant is only there to say how it was made. */
TEST_EACH(add, backing_variants)
{
	struct kvblk_query q;

	setup();
	backing_disk(&disk, SIZE, 0);
	disk_query(disk.name, &q);
	disk_add_init(&add_arg, disk.fd);
	add_arg.hdr.flags = q.disk_flags;
	add_arg.capacity = SIZE;
	disks = disk_count();
	sweep("add", run_add, undo_add);
	fault_report();
}

static void before_remove(void)
{
	ASSERT_EQ(run_add(), 0);
}

static int run_remove(void)
{
	struct kvblk_remove arg = { .hdr.size = sizeof(arg) };

	memcpy(arg.name, add_arg.name, sizeof(arg.name));
	return control(KVBLK_REMOVE, &arg);
}

static void expect_removed(void)
{
	char path[64];

	EXPECT_EQ(disk_count(), disks);
	disk_node(add_arg.name, path, sizeof(path));
	EXPECT_NE(access(path, F_OK), 0);
}

static void remove_after_all(void)
{
	ASSERT_EQ(run_remove(), 0);
}

TEST(remove_disk)
{
	setup();
	disk_make(&disk, SIZE, 0);
	disk_add_init(&add_arg, disk.fd);
	disks = disk_count();
	fault_sweep(&(struct fault_op) {
		.name = "remove",
		.disk = add_arg.name,
		.before = before_remove,
		.run = run_remove,
		.failed = remove_after_all,
		.undo = expect_removed,
	});
	fault_report();
}

static uint64_t rate;

static int run_set(void)
{
	struct kvblk_set arg = { .hdr.size = sizeof(arg), .limit_mask = 1 };

	arg.limits[0].rate = ++rate;
	memcpy(arg.name, disk.name, sizeof(arg.name));
	return control(KVBLK_SET, &arg);
}

static int run_move(void)
{
	struct kvblk_move arg = { .hdr.size = sizeof(arg) };

	memcpy(arg.name, disk.name, sizeof(arg.name));
	return control(KVBLK_MOVE, &arg);
}

static int run_query(void)
{
	struct kvblk_query arg = { .hdr.size = sizeof(arg) };

	memcpy(arg.name, disk.name, sizeof(arg.name));
	return control(KVBLK_QUERY, &arg);
}

static int run_list(void)
{
	char names[8][KVBLK_NAME_LEN];
	struct kvblk_list arg = {
		.hdr.size = sizeof(arg), .names = (uintptr_t)names, .count = 8,
	};

	return control(KVBLK_LIST, &arg);
}

static int pause_call(unsigned long cmd)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };

	memcpy(arg.name, disk.name, sizeof(arg.name));
	return control(cmd, &arg);
}

/*
 * A pause that cannot say how much is in flight has happened all the same, and
 * may be repeated: the answer is the last thing to be copied.
 */
static int run_pause(void)
{
	return pause_call(KVBLK_PAUSE);
}

static int run_resume(void)
{
	return pause_call(KVBLK_RESUME);
}

static void resume(void)
{
	ASSERT_EQ(pause_call(KVBLK_RESUME), 0);
}

static void pause_disk(void)
{
	ASSERT_EQ(pause_call(KVBLK_PAUSE), 0);
}

TEST(control_calls)
{
	setup();
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	sweep("set", run_set, NULL);
	sweep("move", run_move, NULL);
	sweep("query", run_query, NULL);
	sweep("list", run_list, NULL);
	fault_sweep(&(struct fault_op) {
		.name = "pause", .run = run_pause, .after = resume,
	});
	fault_sweep(&(struct fault_op) {
		.name = "resume", .before = pause_disk, .run = run_resume, .after = resume,
	});
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 0, 0), 0);
	driver_prove(&d, 0, 1);
	driver_close(&d);
	fault_report();
}

static int opened;

static int run_open(void)
{
	opened = session_open_fd(disk.name);
	return opened < 0 ? opened : 0;
}

static void close_opened(void)
{
	close(opened);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
}

TEST(open_session)
{
	setup();
	disk_make(&disk, SIZE, 0);
	sweep("open", run_open, close_opened);
	fault_report();
}
