// SPDX-License-Identifier: GPL-2.0
/* The calls of a session, its eventfds, who may use it when. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "contract.h"
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static int session;

static void open_session(void)
{
	session = session_make(&disk, SIZE);
}

static void fill_mem(void *arg)
{
	static uint8_t memory[SIZE] __attribute__((aligned(KVBLK_PAGE_SIZE)));
	static struct kvblk_region region = { .size = SIZE };
	struct kvblk_session_mem *mem = arg;

	region.uaddr = (uintptr_t)memory;
	mem->regions = (uintptr_t)&region;
	mem->count = 1;
}

static void fill_bind(void *arg)
{
	static int fd = -1;
	struct kvblk_session_bind *bind = arg;

	if (fd < 0)
		fd = eventfd(0, EFD_NONBLOCK);
	bind->event = KVBLK_EVENT_IRQ;
	bind->fd = fd;
}

static void fill_reg(void *arg)
{
	struct kvblk_session_reg *reg = arg;

	reg->offset = VIRTIO_MMIO_QUEUE_SEL;
	reg->len = 4;
}

static void fill_info(void *arg)
{
	(void)arg;
}

TEST(contract)
{
	static const struct contract calls[] = {
		{ "set_mem", KVBLK_SESSION_SET_MEM,
		  sizeof(struct kvblk_session_mem), fill_mem, NULL,
		  { offsetof(struct kvblk_session_mem, reserved) } },
		{ "bind", KVBLK_SESSION_BIND,
		  sizeof(struct kvblk_session_bind), fill_bind, NULL,
		  { offsetof(struct kvblk_session_bind, reserved) } },
		{ "write", KVBLK_SESSION_WRITE,
		  sizeof(struct kvblk_session_reg), fill_reg, NULL, { 0 } },
		{ "read", KVBLK_SESSION_READ,
		  sizeof(struct kvblk_session_reg), fill_reg, NULL, { 0 } },
		{ "info", KVBLK_SESSION_INFO,
		  sizeof(struct kvblk_session_info), fill_info, NULL, { 0 } },
		{ "set", KVBLK_SESSION_SET,
		  sizeof(struct kvblk_session_set), fill_info, NULL,
		  { offsetof(struct kvblk_session_set, reserved) } },
	};
	unsigned int i;

	open_session();
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		contract_check(session, &calls[i]);
}

TEST(control_calls_are_unknown_here)
{
	struct kvblk_list list = { .hdr.size = sizeof(list) };

	open_session();
	EXPECT_EQ(call(session, KVBLK_LIST, &list), -ENOTTY);
}

TEST(info)
{
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };

	disk_make(&disk, SIZE, KVBLK_DISK_RO);
	session = session_open_fd(disk.name);
	ASSERT_EQ(call(session, KVBLK_SESSION_INFO, &info), 0);
	EXPECT_EQ(strcmp(info.name, disk.name), 0);
	EXPECT_EQ(info.disk_flags, KVBLK_DISK_RO);
	EXPECT_EQ(info.queues, 1);
	EXPECT_EQ(info.capacity, SIZE);
}

TEST(message)
{
	struct kvblk_session_reg good = { .hdr.size = sizeof(good), .len = 4 };
	struct kvblk_session_reg bad = good;

	open_session();
	bad.len = 3;
	contract_check_message(session, KVBLK_SESSION_READ, &good, &bad,
			       sizeof(good));
}

TEST(drain_limit_has_bounds)
{
	struct kvblk_session_set set = {
		.hdr.size = sizeof(set), .drain_ms = KVBLK_DRAIN_MS_MAX + 1,
	};

	open_session();
	contract_refuse(session, KVBLK_SESSION_SET, &set, -EINVAL, "drain_ms");
	EXPECT_EQ(session_drain(session, KVBLK_DRAIN_MS_MAX), 0);
	EXPECT_EQ(session_drain(session, 1), 0);
	EXPECT_EQ(session_drain(session, 0), 0);
}

TEST(busy_after_driver_ok)
{
	struct driver d;
	int i;

	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	EXPECT_EQ(memory_give(&d.m, d.s.fd), -EBUSY);
	for (i = 0; i < KVBLK_EVENT_NR; i++) {
		EXPECT_EQ(session_bind(d.s.fd, i, 0, d.s.event[i]), -EBUSY);
		EXPECT_EQ(session_bind(d.s.fd, i, 0, -1), -EBUSY);
	}
	driver_prove(&d, 0, 3);
	driver_reset(&d);
	EXPECT_EQ(memory_give(&d.m, d.s.fd), 0);
	for (i = 0; i < KVBLK_EVENT_NR; i++)
		EXPECT_EQ(session_bind(d.s.fd, i, 0, d.s.event[i]), 0);
	driver_restart(&d);
	driver_prove(&d, 0, 4);
}

static void refuse_bind(uint32_t event, uint32_t queue, int fd, int want,
			const char *word)
{
	struct kvblk_session_bind bind = {
		.hdr.size = sizeof(bind),
		.event = event,
		.queue = queue,
		.fd = fd,
	};

	contract_refuse(session, KVBLK_SESSION_BIND, &bind, want, word);
}

TEST(bind)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	unsigned int i;

	open_session();
	refuse_bind(KVBLK_EVENT_NR, 0, fd, -EINVAL, "event");
	refuse_bind(~0U, 0, fd, -EINVAL, "event");
	for (i = 0; i < KVBLK_EVENT_NR; i++) {
		refuse_bind(i, 1, fd, -EINVAL, "queue");
		refuse_bind(i, ~0U, fd, -EINVAL, "queue");
		refuse_bind(i, 0, 1000, -EBADF, "fd");
		refuse_bind(i, 0, -2, -EBADF, "fd");
		refuse_bind(i, 0, disk.fd, -EINVAL, "fd");
		refuse_bind(i, 0, session, -EINVAL, "fd");
		EXPECT_EQ(session_bind(session, i, 0, -1), 0);
		EXPECT_EQ(session_bind(session, i, 0, fd), 0);
		EXPECT_EQ(session_bind(session, i, 0, fd), 0);
		EXPECT_EQ(session_bind(session, i, 0, -1), 0);
	}
}

/* An eventfd may go before the session, in any order. */
TEST(bound_eventfd_closed_early)
{
	struct driver d;
	int i;

	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, &(struct driver_config) {
		.poll = true, .kick_write = true,
	});
	for (i = 0; i < KVBLK_EVENT_NR; i++)
		close(d.s.event[i]);
	driver_prove(&d, 0, 5);
}

static void refuse_access(uint32_t offset, uint32_t len, const char *word)
{
	struct kvblk_session_reg reg = {
		.hdr.size = sizeof(reg),
		.offset = offset,
		.len = len,
	};

	contract_refuse(session, KVBLK_SESSION_READ, &reg, -EINVAL, word);
	contract_refuse(session, KVBLK_SESSION_WRITE, &reg, -EINVAL, word);
}

TEST(access_bounds)
{
	static const uint32_t bad_len[] = { 0, 3, 5, 6, 7, 9, 16, ~0U };
	uint64_t value = 0;
	uint32_t len;
	unsigned int i;

	open_session();
	for (i = 0; i < sizeof(bad_len) / sizeof(bad_len[0]); i++)
		refuse_access(0, bad_len[i], "len");
	for (len = 1; len <= 8; len *= 2) {
		refuse_access(KVBLK_PAGE_SIZE, len, "offset");
		refuse_access(KVBLK_PAGE_SIZE - len + 1, len, "offset");
		refuse_access(-len, len, "offset");
		refuse_access(1U << 31, len, "offset");
		EXPECT_EQ(session_access(session, KVBLK_SESSION_READ,
					 KVBLK_PAGE_SIZE - len, len, &value),
			  0);
		EXPECT_EQ(session_access(session, KVBLK_SESSION_WRITE,
					 KVBLK_PAGE_SIZE - len, len, &value),
			  0);
	}
}

/* Who may look at the node only does not get a session. */
TEST(open_for_both_ways)
{
	char path[64];

	disk_make(&disk, SIZE, 0);
	disk_node(disk.name, path, sizeof(path));
	EXPECT_EQ(open(path, O_RDONLY), -1);
	EXPECT_EQ(errno, EACCES);
	EXPECT_EQ(open(path, O_WRONLY), -1);
	EXPECT_EQ(errno, EACCES);
	EXPECT_GE(open(path, O_RDWR), 0);
}

TEST(second_open_is_busy)
{
	int other;

	open_session();
	EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
	close(session);
	other = session_reopen_fd(disk.name);
	EXPECT_GE(other, 0);
	EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
}

/* Every call of a child, on the descriptor that it inherited, gives @want. */
static void expect_from_child(int want)
{
	struct kvblk_session_reg reg = { .hdr.size = sizeof(reg), .len = 4 };
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };
	struct memory none = { .nr = 0 };
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		EXPECT_EQ(call(session, KVBLK_SESSION_INFO, &info), want);
		EXPECT_EQ(call(session, KVBLK_SESSION_WRITE, &reg), want);
		EXPECT_EQ(call(session, KVBLK_SESSION_READ, &reg), want);
		EXPECT_EQ(session_bind(session, KVBLK_EVENT_IRQ, 0, -1), want);
		if (want)
			EXPECT_EQ(memory_give(&none, session), want);
		_exit(0);
	}
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
}

/* Until it has a memory map a descriptor may be handed on, then no more. */
TEST(another_address_space_is_refused)
{
	struct memory m;

	open_session();
	expect_from_child(0);
	memory_init(&m, MEMORY_SHARED);
	ASSERT_EQ(memory_give(&m, session), 0);
	expect_from_child(-EPERM);
	ASSERT_EQ(memory_give(&m, session), 0);
}
