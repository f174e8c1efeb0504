// SPDX-License-Identifier: GPL-2.0
/* KVBLK_ADD: what it refuses and why, and the node that it makes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include "contract.h"
#include "disk.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define NOBODY		65534

static struct disk disk;

static int control(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = disk_control_fd();
	return fd;
}

static void fill_add(struct kvblk_add *add)
{
	static int fd = -1;

	if (fd < 0)
		fd = disk_file(SIZE);
	disk_add_init(add, fd);
}

/* A failed add leaves neither a disk nor a node behind. */
static void refuse_add(struct kvblk_add *add, int want, const char *word)
{
	unsigned int before = disk_count();

	contract_refuse(control(), KVBLK_ADD, add, want, word);
	EXPECT_EQ(disk_count(), before);
}

TEST(add_name)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "a\tb", "caf\xc3\xa9", "a:b",
		"../kvblk-control", "a*", "\x7f", "a\n",
	};
	struct kvblk_add add;
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill_add(&add);
		memset(add.name, 0, sizeof(add.name));
		memcpy(add.name, bad[i], strlen(bad[i]));
		refuse_add(&add, -EINVAL, "name");
	}
	fill_add(&add);
	memset(add.name, 'x', sizeof(add.name));
	refuse_add(&add, -EINVAL, "name");

	fill_add(&add);
	memcpy(add.name, disk.name, sizeof(add.name));
	refuse_add(&add, -EEXIST, "name");
}

TEST(add_name_good)
{
	static const char *const good[] = {
		"a", "...", ".a", "-", "_", "0", "A-Z_0.9",
		"abcdefghijklmnopqrstuvwxyz01234",
	};
	struct kvblk_add add;
	struct stat st;
	char path[64];
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		fill_add(&add);
		snprintf(add.name, sizeof(add.name), "%s", good[i]);
		ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
		disk_node(good[i], path, sizeof(path));
		EXPECT_EQ(stat(path, &st), 0);
		EXPECT_EQ(disk_remove(good[i]), 0);
		EXPECT_EQ(stat(path, &st), -1);
	}
}

static void refuse_fd(int fd, uint32_t flags, int want)
{
	struct kvblk_add add;

	disk_add_init(&add, fd);
	add.hdr.flags = flags;
	refuse_add(&add, want, "fd");
}

TEST(add_fd)
{
	char path[256];
	int pipes[2];
	int fd, ro;

	refuse_fd(-1, 0, -EBADF);
	refuse_fd(1000, 0, -EBADF);
	ASSERT_EQ(pipe(pipes), 0);
	refuse_fd(pipes[0], KVBLK_DISK_RO, -ENOTBLK);
	refuse_fd(open("/", O_RDONLY | O_DIRECTORY), KVBLK_DISK_RO, -ENOTBLK);
	refuse_fd(open("/dev/null", O_RDWR), 0, -ENOTBLK);
	refuse_fd(control(), 0, -ENOTBLK);

	fd = disk_file(SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	refuse_fd(open(path, O_WRONLY), 0, -EBADF);
	refuse_fd(open(path, O_PATH), 0, -EBADF);
	ro = open(path, O_RDONLY);
	ASSERT_GE(ro, 0);
	refuse_fd(ro, 0, -EROFS);
}

/* The smallest header that swapon() takes: version 1, no bad pages. */
static void make_swap(int fd)
{
	const uint32_t info[3] = { 1, SIZE / KVBLK_PAGE_SIZE - 1, 0 };
	uint8_t page[KVBLK_PAGE_SIZE] = { 0 };
	unsigned int i;

	for (i = 0; i < SIZE / KVBLK_PAGE_SIZE; i++)
		ASSERT_EQ(pwrite(fd, page, sizeof(page), i * sizeof(page)),
			  sizeof(page));
	memcpy(page + 1024, info, sizeof(info));
	memcpy(page + sizeof(page) - 10, "SWAPSPACE2", 10);
	ASSERT_EQ(pwrite(fd, page, sizeof(page), 0), sizeof(page));
	ASSERT_EQ(fsync(fd), 0);
}

TEST(add_swap_file)
{
	struct kvblk_add add;
	char path[256];
	int fd, err;

	/* No other file will do: swapon() wants one that has a name. */
	snprintf(path, sizeof(path), "%s/swap-%d", disk_dir(), getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ASSERT_GE(fd, 0);
	make_swap(fd);
	err = swapon(path, 0) ? errno : 0;
	disk_add_init(&add, fd);
	if (!err) {
		refuse_add(&add, -ETXTBSY, "swap");
		EXPECT_EQ(swapoff(path), 0);
	}
	unlink(path);
	if (err)
		SKIP("swapon in %s: %s", disk_dir(), strerror(err));
	EXPECT_EQ(call(control(), KVBLK_ADD, &add), 0);
}

TEST(add_read_only_file)
{
	char path[64];
	struct kvblk_add add;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", disk_file(SIZE));
	disk_add_init(&add, open(path, O_RDONLY));
	add.hdr.flags = KVBLK_DISK_RO;
	EXPECT_EQ(call(control(), KVBLK_ADD, &add), 0);
}

TEST(add_block_size)
{
	static const uint32_t bad[] = { 1, 256, 511, 513, 1536, 8192, ~0U };
	struct kvblk_query q;
	struct kvblk_add add;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill_add(&add);
		add.block_size = bad[i];
		refuse_add(&add, -EINVAL, "block_size");
	}
	for (i = KVBLK_BLOCK_SIZE_MIN; i <= KVBLK_BLOCK_SIZE_MAX; i *= 2) {
		fill_add(&add);
		add.block_size = i;
		ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
		disk_query(add.name, &q);
		EXPECT_EQ(q.block_size, i);
	}
}

/* A loop device over the disk's file with blocks of @size bytes; it goes with its last user. */
static int loop_device(int fd, unsigned int size)
{
	struct loop_config config = {
		.fd = fd,
		.block_size = size,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int ctl = open("/dev/loop-control", O_RDWR), loop, i;
	char path[32];

	if (ctl < 0)
		SKIP("/dev/loop-control: %s", strerror(errno));
	/* Another may take the free one first. */
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/dev/loop%d", ioctl(ctl, LOOP_CTL_GET_FREE));
		loop = open(path, O_RDWR);
		if (loop >= 0 && !ioctl(loop, LOOP_CONFIGURE, &config))
			break;
		close(loop);
	}
	ASSERT_LE(i, 99);
	close(ctl);
	return loop;
}

/* Direct I/O cannot cut the device's blocks; the page cache can. */
TEST(add_block_size_below_the_device)
{
	struct kvblk_query q;
	struct kvblk_add add;
	int loop = loop_device(disk_file(SIZE), 4096);

	disk_add_init(&add, loop);
	add.hdr.flags = KVBLK_DISK_DIRECT;
	add.block_size = 512;
	refuse_add(&add, -EINVAL, "block_size");
	add.block_size = 0;
	ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
	disk_query(add.name, &q);
	EXPECT_EQ(q.block_size, 4096);
	ASSERT_EQ(disk_remove(add.name), 0);
	disk_add_init(&add, loop);
	add.block_size = 512;
	EXPECT_EQ(call(control(), KVBLK_ADD, &add), 0);
}

TEST(add_queue_size)
{
	static const uint32_t bad[] = {
		1, 8, 15, 17, 100, 1023, 2048, 0x10100,
	};
	struct kvblk_query q;
	struct kvblk_add add;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill_add(&add);
		add.queue_size = bad[i];
		refuse_add(&add, -EINVAL, "queue_size");
	}
	for (i = KVBLK_QUEUE_SIZE_MIN; i <= KVBLK_QUEUE_SIZE_MAX; i *= 2) {
		fill_add(&add);
		add.queue_size = i;
		ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
		disk_query(add.name, &q);
		EXPECT_EQ(q.queue_size, i);
	}
}

TEST(add_interrupts)
{
	struct kvblk_query q;
	struct kvblk_add add;

	fill_add(&add);
	add.interrupt_count = KVBLK_INTERRUPT_COUNT_MAX + 1;
	add.interrupt_usecs = 1;
	refuse_add(&add, -EINVAL, "interrupt_count");
	add.interrupt_count = 1;
	add.interrupt_usecs = KVBLK_INTERRUPT_USECS_MAX + 1;
	refuse_add(&add, -EINVAL, "interrupt_usecs");
	add.interrupt_usecs = 0;
	refuse_add(&add, -EINVAL, "interrupt_count, interrupt_usecs");
	add.interrupt_usecs = 50;
	ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
	disk_query(add.name, &q);
	EXPECT_EQ(q.interrupt_count, 1);
	EXPECT_EQ(q.interrupt_usecs, 50);
}

TEST(add_poll)
{
	struct kvblk_query q;
	struct kvblk_add add;

	fill_add(&add);
	add.poll_us = KVBLK_POLL_US_MAX + 1;
	add.poll_percent = 100;
	refuse_add(&add, -EINVAL, "poll_us");
	add.poll_us = KVBLK_POLL_US_MAX;
	add.poll_percent = 0;
	refuse_add(&add, -EINVAL, "poll_percent");
	add.poll_percent = 101;
	refuse_add(&add, -EINVAL, "poll_percent");
	add.poll_percent = 100;
	ASSERT_EQ(call(control(), KVBLK_ADD, &add), 0);
	disk_query(add.name, &q);
	EXPECT_EQ(q.poll_us, KVBLK_POLL_US_MAX);
	EXPECT_EQ(q.poll_percent, 100);
}

TEST(add_capacity)
{
	static const struct {
		uint64_t file, capacity;
		uint32_t block_size;
		int want;
	} bad[] = {
		{ 0, 0, 0, -ENODATA },
		{ 1000, 0, 512, -EDOM },
		{ SIZE, 1000, 512, -EDOM },
		{ SIZE, 1, 512, -EDOM },
		{ SIZE, 4096 + 512, 4096, -EDOM },
		{ 4096 + 512, 0, 4096, -EDOM },
		{ SIZE, SIZE + 512, 512, -EFBIG },
		{ SIZE, 1ULL << 63, 512, -EFBIG },
		{ SIZE, -512ULL, 512, -EFBIG },
	};
	struct kvblk_add add;
	struct disk d;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		disk_add_init(&add, disk_file(bad[i].file));
		add.capacity = bad[i].capacity;
		add.block_size = bad[i].block_size;
		refuse_add(&add, bad[i].want, "capacity");
	}
	fill_add(&add);
	add.capacity = 512;
	add.block_size = 512;
	disk_add(&d, &add);
	EXPECT_EQ(d.size, 512);
}

TEST(add_flags_and_mode)
{
	struct kvblk_add add;

	fill_add(&add);
	add.hdr.flags = KVBLK_DISK_OWNER;
	add.mode = 01000;
	refuse_add(&add, -EINVAL, "mode");
	/* -1 is nobody, in every user namespace. */
	add.mode = 0600;
	add.uid = -1;
	refuse_add(&add, -EINVAL, "uid");
	add.uid = 0;
	add.gid = -1;
	refuse_add(&add, -EINVAL, "gid");
	fill_add(&add);
	add.hdr.flags = KVBLK_DISK_FLAGS + 1;
	refuse_add(&add, -EOPNOTSUPP, "flags");
}

TEST(node_owner)
{
	struct kvblk_query q;
	struct kvblk_add add;
	struct stat st;
	char path[64];

	fill_add(&add);
	add.hdr.flags = KVBLK_DISK_OWNER;
	add.mode = 0640;
	add.uid = NOBODY;
	add.gid = 7;
	disk_add(&disk, &add);
	disk_node(disk.name, path, sizeof(path));
	ASSERT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode, S_IFCHR | 0640);
	EXPECT_EQ(st.st_uid, NOBODY);
	EXPECT_EQ(st.st_gid, 7);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.mode, 0640);
	EXPECT_EQ(q.uid, NOBODY);
	EXPECT_EQ(q.gid, 7);
	EXPECT_EQ(q.dev_major, major(st.st_rdev));
	EXPECT_EQ(q.dev_minor, minor(st.st_rdev));
}

TEST(node_owner_default)
{
	struct stat st;
	char path[64];

	disk_make(&disk, SIZE, 0);
	disk_node(disk.name, path, sizeof(path));
	ASSERT_EQ(stat(path, &st), 0);
	EXPECT_EQ(st.st_mode, S_IFCHR | 0600);
	EXPECT_EQ(st.st_uid, 0);
	EXPECT_EQ(st.st_gid, 0);
}

/* The owner of a node needs no privilege, but for a way to its directory. */
TEST(node_opens_for_its_owner)
{
	struct kvblk_add add;
	struct disk other;
	int status;
	pid_t pid;

	disk_make(&other, SIZE, 0);
	fill_add(&add);
	add.hdr.flags = KVBLK_DISK_OWNER;
	add.mode = 0600;
	add.uid = NOBODY;
	disk_add(&disk, &add);
	pid = fork();
	if (!pid) {
		ASSERT_EQ(chdir(NODE_DIR), 0);
		ASSERT_EQ(setgid(NOBODY) | setuid(NOBODY), 0);
		EXPECT_EQ(open(other.name, O_RDWR), -1);
		EXPECT_EQ(errno, EACCES);
		EXPECT_GE(open(disk.name, O_RDWR), 0);
		_exit(0);
	}
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
}
