// SPDX-License-Identifier: GPL-2.0
/* The control device: who may use it, and its calls but for KVBLK_ADD. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "contract.h"
#include "disk.h"
#include "harness.h"
#include "pattern.h"
#include "session.h"

#define SIZE		(1 * MIB)
#define NOBODY		65534
#define MANY		100

static struct disk disk;

static int control(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = disk_control_fd();
	return fd;
}

static void fill_add(void *arg)
{
	static int fd = -1;

	if (fd < 0)
		fd = disk_file(SIZE);
	disk_add_init(arg, fd);
}

static void undo_add(void *arg)
{
	EXPECT_EQ(disk_remove(((struct kvblk_add *)arg)->name), 0);
}

static void fill_remove(void *arg)
{
	struct kvblk_remove *rm = arg;
	struct kvblk_add add = { 0 };

	fill_add(&add);
	ASSERT_EQ(disk_control(KVBLK_ADD, &add), 0);
	memcpy(rm->name, add.name, sizeof(rm->name));
}

static void fill_set(void *arg)
{
	struct kvblk_set *set = arg;

	memcpy(set->name, disk.name, sizeof(set->name));
	set->limit_mask = 1;
}

static void fill_query(void *arg)
{
	struct kvblk_query *q = arg;

	memcpy(q->name, disk.name, sizeof(q->name));
}

static void fill_move(void *arg)
{
	struct kvblk_move *move = arg;

	memcpy(move->name, disk.name, sizeof(move->name));
}

static void fill_list(void *arg)
{
	static char names[8][KVBLK_NAME_LEN];
	struct kvblk_list *list = arg;

	list->names = (uintptr_t)names;
	list->count = 8;
}

static void fill_latency(void *arg)
{
	struct kvblk_latency *latency = arg;

	memcpy(latency->name, disk.name, sizeof(latency->name));
}

static void fill_queues(void *arg)
{
	struct kvblk_queues *queues = arg;

	memcpy(queues->name, disk.name, sizeof(queues->name));
}

TEST(contract)
{
	static const struct contract calls[] = {
		{ "add", KVBLK_ADD, sizeof(struct kvblk_add), fill_add,
		  undo_add, { 0 } },
		{ "remove", KVBLK_REMOVE, sizeof(struct kvblk_remove),
		  fill_remove, NULL, { 0 } },
		{ "set", KVBLK_SET, sizeof(struct kvblk_set), fill_set, NULL,
		  { 0 } },
		{ "move", KVBLK_MOVE, sizeof(struct kvblk_move), fill_move, NULL,
		  { 0 } },
		{ "list", KVBLK_LIST, sizeof(struct kvblk_list), fill_list,
		  NULL, { offsetof(struct kvblk_list, reserved) } },
		{ "query", KVBLK_QUERY, sizeof(struct kvblk_query),
		  fill_query, NULL, { 0 } },
		{ "latency", KVBLK_LATENCY, sizeof(struct kvblk_latency),
		  fill_latency, NULL, { 0 } },
		{ "queues", KVBLK_QUEUES, sizeof(struct kvblk_queues),
		  fill_queues, NULL, { offsetof(struct kvblk_queues, reserved) } },
	};
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		contract_check(control(), &calls[i]);
}

TEST(session_calls_are_unknown_here)
{
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };

	EXPECT_EQ(call(control(), KVBLK_SESSION_INFO, &info), -ENOTTY);
}

TEST(control_node_is_for_root)
{
	struct stat st;
	int status;
	pid_t pid;

	ASSERT_EQ(stat(CONTROL_PATH, &st), 0);
	EXPECT_EQ(st.st_mode, S_IFCHR | 0600);
	EXPECT_EQ(st.st_uid, 0);
	EXPECT_EQ(st.st_gid, 0);
	pid = fork();
	if (!pid) {
		ASSERT_EQ(setgid(NOBODY) | setuid(NOBODY), 0);
		EXPECT_EQ(open(CONTROL_PATH, O_RDWR), -1);
		EXPECT_EQ(errno, EACCES);
		_exit(0);
	}
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
}

TEST(remove_errors)
{
	struct kvblk_remove rm = { .hdr.size = sizeof(rm), .name = "missing" };
	int fd;

	contract_refuse(control(), KVBLK_REMOVE, &rm, -ENOENT, "missing");
	disk_make(&disk, SIZE, 0);
	fd = session_open_fd(disk.name);
	ASSERT_GE(fd, 0);
	memcpy(rm.name, disk.name, sizeof(rm.name));
	contract_refuse(control(), KVBLK_REMOVE, &rm, -EBUSY, disk.name);
	close(fd);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
	EXPECT_EQ(disk_remove(disk.name), -ENOENT);
	EXPECT_EQ(session_open_fd(disk.name), -ENOENT);
}

TEST(set_errors)
{
	struct kvblk_set set = { .hdr.size = sizeof(set), .name = "missing" };
	struct kvblk_set bad;
	struct kvblk_query q;

	contract_refuse(control(), KVBLK_SET, &set, -ENOENT, "missing");
	disk_make(&disk, SIZE, 0);
	memcpy(set.name, disk.name, sizeof(set.name));
	bad = set;
	bad.limit_mask = 1U << KVBLK_LIMIT_NR;
	contract_refuse(control(), KVBLK_SET, &bad, -EOPNOTSUPP, "limit_mask");

	/* One bad limit among good ones: none of them is taken. */
	bad = set;
	bad.limit_mask = (1U << KVBLK_LIMIT_NR) - 1;
	bad.limits[KVBLK_LIMIT_OPS].rate = 5;
	bad.limits[KVBLK_LIMIT_BYTES_WRITE].burst = 5;
	contract_refuse(control(), KVBLK_SET, &bad, -EINVAL, "limit");
	disk_query(disk.name, &q);
	EXPECT_EQ(q.limits[KVBLK_LIMIT_OPS].rate, 0);
}

TEST(set_changes_what_the_mask_says)
{
	struct kvblk_query q;
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	for (i = 0; i < KVBLK_LIMIT_NR; i++)
		ASSERT_EQ(disk_limit(disk.name, i, 100 + i, 200 + i), 0);
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_BYTES, 7, 0), 0);
	disk_query(disk.name, &q);
	for (i = 0; i < KVBLK_LIMIT_NR; i++) {
		if (i == KVBLK_LIMIT_BYTES)
			continue;
		EXPECT_EQ(q.limits[i].rate, 100 + i);
		EXPECT_EQ(q.limits[i].burst, 200 + i);
	}
	EXPECT_EQ(q.limits[KVBLK_LIMIT_BYTES].rate, 7);
}

TEST(set_interrupts)
{
	struct kvblk_query q;

	disk_make(&disk, SIZE, 0);
	ASSERT_EQ(disk_interrupts(disk.name, KVBLK_INTERRUPT_COUNT_MAX,
				  KVBLK_INTERRUPT_USECS_MAX), 0);
	ASSERT_EQ(disk_interrupts(disk.name, 8, 100), 0);
	EXPECT_EQ(disk_interrupts(disk.name, KVBLK_INTERRUPT_COUNT_MAX + 1, 1), -EINVAL);
	EXPECT_EQ(disk_interrupts(disk.name, 1, KVBLK_INTERRUPT_USECS_MAX + 1), -EINVAL);
	EXPECT_EQ(disk_interrupts(disk.name, 1, 0), -EINVAL);
	EXPECT_EQ(disk_interrupts(disk.name, 0, 1), -EINVAL);
	/* Nor does a call that does not speak of them. */
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 5, 5), 0);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.interrupt_count, 8);
	EXPECT_EQ(q.interrupt_usecs, 100);
	EXPECT_EQ(q.limits[KVBLK_LIMIT_OPS].rate, 5);
	ASSERT_EQ(disk_interrupts(disk.name, 0, 0), 0);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.interrupt_count, 0);
}

TEST(list_many)
{
	static char names[MANY + 8][KVBLK_NAME_LEN];
	struct kvblk_list list = {
		.hdr.size = sizeof(list),
		.names = (uintptr_t)names,
		.count = MANY + 8,
	};
	unsigned int before = disk_count();
	struct disk d[MANY];
	struct kvblk_add add;
	unsigned int i;

	ASSERT_EQ(before, 0);
	for (i = 0; i < MANY; i++) {
		fill_add(&add);
		disk_add(&d[i], &add);
	}
	ASSERT_EQ(call(control(), KVBLK_LIST, &list), 0);
	EXPECT_EQ(list.count, MANY);
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(strcmp(names[i], d[i].name), 0);

	memset(names, UINT8_MAX, sizeof(names));
	list.count = 3;
	ASSERT_EQ(call(control(), KVBLK_LIST, &list), 0);
	EXPECT_EQ(list.count, MANY);
	EXPECT_EQ(strcmp(names[2], d[2].name), 0);
	EXPECT_EQ(pattern_check_byte(names[3], sizeof(names[3]), UINT8_MAX),
		  sizeof(names[3]));

	list.names = 8;
	list.count = 3;
	EXPECT_EQ(call(control(), KVBLK_LIST, &list), -EFAULT);
}

TEST(query_content)
{
	static const struct kvblk_stats none;
	struct kvblk_query q = { .hdr.size = sizeof(q), .name = "missing" };
	struct kvblk_add add;
	unsigned int i;

	contract_refuse(control(), KVBLK_QUERY, &q, -ENOENT, "missing");
	fill_add(&add);
	add.hdr.flags = KVBLK_DISK_RO;
	add.block_size = 1024;
	add.queue_size = 64;
	add.capacity = SIZE / 2;
	memcpy(add.serial, "ABCDEFGHIJKLMNOPQRST", KVBLK_SERIAL_LEN);
	add.limits[KVBLK_LIMIT_OPS_READ].rate = 11;
	disk_add(&disk, &add);
	disk_query(disk.name, &q);
	EXPECT_EQ(strcmp(q.name, add.name), 0);
	EXPECT_EQ(memcmp(q.serial, add.serial, sizeof(q.serial)), 0);
	EXPECT_EQ(q.disk_flags, KVBLK_DISK_RO);
	EXPECT_EQ(q.block_size, 1024);
	EXPECT_EQ(q.queue_size, 64);
	EXPECT_EQ(q.capacity, SIZE / 2);
	EXPECT_EQ(q.mode, 0600);
	EXPECT_EQ(q.state, KVBLK_STATE_IDLE);
	EXPECT_EQ(q.pid, 0);
	EXPECT_EQ(q.device_status, 0);
	EXPECT_EQ(q.driver_features, 0);
	for (i = 0; i < KVBLK_LIMIT_NR; i++)
		EXPECT_EQ(q.limits[i].rate, i == KVBLK_LIMIT_OPS_READ ? 11 : 0);
	EXPECT_EQ(memcmp(&q.stats, &none, sizeof(none)), 0);
}

TEST(serial_differs_between_disks)
{
	static const uint8_t none[KVBLK_SERIAL_LEN];
	struct kvblk_query a, b;
	struct disk other;

	disk_make(&disk, SIZE, 0);
	disk_make(&other, SIZE, 0);
	disk_query(disk.name, &a);
	disk_query(other.name, &b);
	EXPECT_NE(memcmp(a.serial, none, sizeof(none)), 0);
	EXPECT_NE(memcmp(a.serial, b.serial, sizeof(a.serial)), 0);
}

TEST(message)
{
	struct kvblk_query good = { .hdr.size = sizeof(good) };
	struct kvblk_query bad = { .hdr.size = sizeof(bad) };

	disk_make(&disk, SIZE, 0);
	fill_query(&good);
	snprintf(bad.name, sizeof(bad.name), "missing");
	contract_check_message(control(), KVBLK_QUERY, &good, &bad,
			       sizeof(good));
}

/* The disk's own reference keeps the backing when every other is gone. */
TEST(disk_keeps_its_backing)
{
	struct kvblk_query q;

	disk_make(&disk, SIZE, 0);
	ASSERT_EQ(close(disk.fd), 0);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.capacity, SIZE);
}
