// SPDX-License-Identifier: GPL-2.0
/* KVBLK_SESSION_SET_MEM: memory maps that are refused, that replace others, that are pinned. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
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
	session = session_make(&disk, SIZE);
}

static void *some_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(p != MAP_FAILED);
	return p;
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
