// SPDX-License-Identifier: GPL-2.0
/*
 * Reset and close when the backing does not answer: a frozen file system, on which
 * writes wait until it is thawed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE	(1 * MIB)
#define LEN	65536
#define WRITES	8

static struct disk disk;
static struct driver d;
static struct request rq[WRITES];
static uint64_t data;

static int freeze(unsigned long cmd)
{
	int fd = open(disk_dir(), O_RDONLY | O_DIRECTORY);
	int err = fd < 0 || ioctl(fd, cmd, 0) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static void thaw(void)
{
	freeze(FITHAW);
}

/* Thaws even if the test is killed: a process of its own, which outlives it. */
static void thaw_at_the_end(void)
{
	int alive[2];
	char byte;

	ASSERT_EQ(pipe(alive), 0);
	if (!fork()) {
		setsid();
		close(alive[1]);
		if (!read(alive[0], &byte, 1))
			thaw();
		_exit(0);
	}
	close(alive[0]);
}

/* Never what the machine itself runs on. */
static void want_own_file_system(void)
{
	struct stat dir, root;

	ASSERT_EQ(stat("/", &root), 0);
	ASSERT_EQ(stat(disk_dir(), &dir), 0);
	if (!getenv("KVBLK_TEST_DIR") || dir.st_dev == root.st_dev)
		SKIP("KVBLK_TEST_DIR names no file system of its own");
}

/* Writes that cannot end; their data and the rings are there to be watched. */
static void start_writes(void)
{
	unsigned int i;
	int err;

	want_own_file_system();
	thaw_at_the_end();
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	data = memory_alloc(&d.m, LEN, 4096);
	driver_prove(&d, 0, 1);
	err = freeze(FIFREEZE);
	if (err)
		SKIP("%s cannot be frozen: %s", disk_dir(), strerror(-err));
	for (i = 0; i < WRITES; i++) {
		rq[i] = (struct request) {
			.type = VIRTIO_BLK_T_OUT,
			.seg[0] = { data, LEN },
			.nr = 1,
		};
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).in_flight == WRITES));
}

static void *guest_memory(void)
{
	return memory_at(&d.m, MEMORY_LOW, MEMORY_LOW_SIZE);
}

/* Returns, says that it is not done, and gets done by itself. */
TEST(reset_in_time)
{
	uint8_t *before = malloc(MEMORY_LOW_SIZE);

	start_writes();
	session_write(&d.s, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_DRAINING);
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_BROKEN | STATUS_ACK);
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	EXPECT_EQ(memory_give(&d.m, d.s.fd), -EBUSY);
	/* A second one joins the first. */
	session_write(&d.s, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);

	event_take(d.s.event[KVBLK_EVENT_IRQ]);
	memcpy(before, guest_memory(), MEMORY_LOW_SIZE);
	thaw();
	EXPECT_TRUE(WAIT_FOR(!driver_status(&d)));
	EXPECT_EQ(memcmp(before, guest_memory(), MEMORY_LOW_SIZE), 0);
	EXPECT_EQ(event_take(d.s.event[KVBLK_EVENT_IRQ]), 0);
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
	driver_restart(&d);
	driver_prove(&d, 0, 2);
}

/* Returns too; the disk stays busy as long as its backing holds requests. */
TEST(close_session)
{
	start_writes();
	driver_close(&d);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_DRAINING);
	EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
	EXPECT_EQ(disk_remove(disk.name), -EBUSY);
	thaw();
	EXPECT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 3);
	driver_close(&d);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
}

/* Another disk, on another file system, does not notice. */
TEST(other_disks_go_on)
{
	struct kvblk_add add;
	struct disk other;
	struct driver o;

	start_writes();
	disk_add_init(&add, disk_file_in("/dev", SIZE));
	disk_add(&other, &add);
	driver_open(&o, other.name, NULL);
	driver_prove(&o, 0, 4);
	session_write(&d.s, VIRTIO_MMIO_STATUS, 0);
	driver_prove(&o, 8, 5);
	driver_close(&o);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(other.name)));
}
