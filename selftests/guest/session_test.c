// SPDX-License-Identifier: GPL-2.0
/* The calls of a session, its memory map and eventfds, who may use it when. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "contract.h"
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define KERNEL_ADDRESS	0xffff888000000000ULL

static struct disk disk;
static int session;

static void open_session(void)
{
	disk_make(&disk, SIZE, 0);
	session = session_open_fd(disk.name);
	ASSERT_GE(session, 0);
}

static void *some_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(p != MAP_FAILED);
	return p;
}

static void fill_mem(void *arg)
{
	static struct kvblk_region region;
	struct kvblk_session_mem *mem = arg;

	if (!region.size)
		region.uaddr = (uintptr_t)some_memory(SIZE);
	region.size = SIZE;
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

static void refuse_mem(const struct kvblk_region *region, uint32_t count,
		       int want, const char *word)
{
	struct kvblk_session_mem mem = {
		.hdr.size = sizeof(mem),
		.regions = (uintptr_t)region,
		.count = count,
	};

	contract_refuse(session, KVBLK_SESSION_SET_MEM, &mem, want, word);
}

/* As a VMM of an ordinary user. */
static void lose_ipc_lock(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	ASSERT_EQ(syscall(SYS_capget, &head, data), 0);
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	ASSERT_EQ(syscall(SYS_capset, &head, data), 0);
}

static uint64_t locked_kib(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	ASSERT_TRUE(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %llu", &kib);
	fclose(f);
	return kib;
}

/* Pinned memory counts, is bounded, and is given back. */
TEST(pinned_memory_counts)
{
	const struct rlimit limit = { SIZE, SIZE };
	struct kvblk_region region[2] = {
		{ .gpa = 0, .size = SIZE, .uaddr = (uintptr_t)some_memory(2 * SIZE) },
		{ .gpa = SIZE, .size = SIZE },
	};
	struct kvblk_session_mem mem = {
		.hdr = { .size = sizeof(mem), .flags = KVBLK_MEM_PIN },
		.regions = (uintptr_t)region,
		.count = 1,
	};
	uint64_t before = locked_kib();

	region[1].uaddr = region[0].uaddr + SIZE;
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	lose_ipc_lock();
	open_session();
	ASSERT_EQ(call(session, KVBLK_SESSION_SET_MEM, &mem), 0);
	EXPECT_EQ(locked_kib() - before, SIZE / 1024);
	mem.count = 2;
	contract_refuse(session, KVBLK_SESSION_SET_MEM, &mem, -ENOMEM, "RLIMIT_MEMLOCK");
	EXPECT_EQ(locked_kib() - before, SIZE / 1024);
	close(session);
	ASSERT_TRUE(WAIT_FOR(locked_kib() == before));
}

/* What was pinned before the hole is let go. */
TEST(pinned_memory_has_no_holes)
{
	struct kvblk_region region = {
		.size = 4 * SIZE, .uaddr = (uintptr_t)some_memory(4 * SIZE),
	};
	struct kvblk_session_mem mem = {
		.hdr = { .size = sizeof(mem), .flags = KVBLK_MEM_PIN },
		.regions = (uintptr_t)&region,
		.count = 1,
	};
	uint64_t before = locked_kib();

	ASSERT_EQ(munmap((void *)(uintptr_t)region.uaddr + 3 * SIZE, 4096), 0);
	open_session();
	contract_refuse(session, KVBLK_SESSION_SET_MEM, &mem, -EFAULT, "pinned");
	EXPECT_EQ(locked_kib(), before);
	region.size = 3 * SIZE;
	EXPECT_EQ(call(session, KVBLK_SESSION_SET_MEM, &mem), 0);
}

TEST(set_mem_region)
{
	uint64_t at = (uintptr_t)some_memory(SIZE);
	const struct {
		struct kvblk_region region;
		int want;
		const char *word;
	} bad[] = {
		{ { 1, SIZE, at }, -EINVAL, "gpa" },
		{ { 2048, SIZE, at }, -EINVAL, "gpa" },
		{ { 0, SIZE - 1, at }, -EINVAL, "size" },
		{ { 0, 512, at }, -EINVAL, "size" },
		{ { 0, 0, at }, -EINVAL, "size" },
		{ { 0, SIZE / 2, at + 512 }, -EINVAL, "uaddr" },
		{ { -SIZE, 2 * SIZE, at }, -EOVERFLOW, "gpa" },
		{ { 4096, -4096ULL, at }, -EOVERFLOW, "" },
		{ { 0, SIZE, KERNEL_ADDRESS }, -EFAULT, "uaddr" },
		{ { 0, SIZE, -SIZE - 4096 }, -EFAULT, "uaddr" },
		{ { 0, 1ULL << 62, at }, -EFAULT, "uaddr" },
		{ { 0, 2 * SIZE, -SIZE }, -EOVERFLOW, "uaddr" },
	};
	unsigned int i;

	open_session();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse_mem(&bad[i].region, 1, bad[i].want, bad[i].word);
}

TEST(set_mem_overlap)
{
	uint64_t at = (uintptr_t)some_memory(SIZE);
	struct kvblk_region r[3] = {
		{ 0x100000, 0x4000, at },
		{ 0x200000, 0x4000, at + 0x4000 },
		{ 0x300000, 0x4000, at + 0x8000 },
	};

	open_session();
	r[2].gpa = r[0].gpa;
	refuse_mem(r, 3, -EEXIST, "overlap");
	r[2].gpa = r[0].gpa + 0x3000;
	refuse_mem(r, 3, -EEXIST, "overlap");
	r[2].gpa = r[1].gpa - 0x3000;
	refuse_mem(r, 3, -EEXIST, "overlap");
	r[2] = (struct kvblk_region) { 0, 0x400000, at };
	refuse_mem(r, 3, -EEXIST, "overlap");
}

/* The same memory at two guest addresses is an alias, not an overlap. */
TEST(set_mem_many)
{
	static struct kvblk_region r[KVBLK_REGIONS_MAX + 1];
	uint64_t at = (uintptr_t)some_memory(KVBLK_PAGE_SIZE);
	struct kvblk_session_mem mem = {
		.hdr.size = sizeof(mem),
		.regions = (uintptr_t)r,
		.count = KVBLK_REGIONS_MAX,
	};
	unsigned int i;

	for (i = 0; i <= KVBLK_REGIONS_MAX; i++)
		r[i] = (struct kvblk_region) {
			.gpa = (i * 7919ULL % 1024) * KVBLK_PAGE_SIZE,
			.size = KVBLK_PAGE_SIZE,
			.uaddr = at,
		};
	open_session();
	refuse_mem(r, KVBLK_REGIONS_MAX + 1, -E2BIG, "count");
	refuse_mem(r, ~0U, -E2BIG, "count");
	EXPECT_EQ(call(session, KVBLK_SESSION_SET_MEM, &mem), 0);
	mem.regions = 8;
	EXPECT_EQ(call(session, KVBLK_SESSION_SET_MEM, &mem), -EFAULT);
	mem.count = 0;
	EXPECT_EQ(call(session, KVBLK_SESSION_SET_MEM, &mem), 0);
}

/* The map in force survives a refused one and goes with an empty one. */
TEST(set_mem_replaces_all_or_nothing)
{
	struct kvblk_region bad = { .gpa = 1, .size = SIZE };
	struct memory none = { .nr = 0 };
	struct driver d;

	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
	session = d.s.fd;
	refuse_mem(&bad, 1, -EINVAL, "gpa");
	driver_start(&d);
	driver_prove(&d, 0, 1);

	driver_reset(&d);
	ASSERT_EQ(memory_give(&none, session), 0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_reset(&d);
	ASSERT_EQ(memory_give(&d.m, session), 0);
	driver_restart(&d);
	driver_prove(&d, 0, 2);
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
