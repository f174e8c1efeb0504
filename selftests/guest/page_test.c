// SPDX-License-Identifier: GPL-2.0
/* The register window: mapping rules, and page against forwarded reads. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static struct driver d;

static void setup(uint32_t flags)
{
	disk_make(&disk, SIZE, flags);
	driver_init(&d, disk.name, NULL);
}

static int try_map(size_t len, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, len, prot, flags, d.s.fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, len);
	return 0;
}

TEST(map_rules)
{
	setup(0);
	EXPECT_EQ(try_map(KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, 0), 0);
	EXPECT_EQ(try_map(1, PROT_READ, MAP_SHARED, 0), 0);
	EXPECT_EQ(try_map(2 * KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, 0),
		  -EINVAL);
	EXPECT_EQ(try_map(KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED,
			  KVBLK_PAGE_SIZE), -EINVAL);
	EXPECT_LT(try_map(KVBLK_PAGE_SIZE, PROT_WRITE, MAP_SHARED, 0), 0);
	EXPECT_LT(try_map(KVBLK_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  0), 0);
	EXPECT_EQ(mprotect((void *)d.s.page, KVBLK_PAGE_SIZE,
			   PROT_READ | PROT_WRITE), -1);
	EXPECT_EQ(errno, EACCES);
}

TEST(map_keeps_the_session)
{
	setup(0);
	ASSERT_EQ(close(d.s.fd), 0);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
	ASSERT_EQ(munmap((void *)d.s.page, KVBLK_PAGE_SIZE), 0);
	EXPECT_GE(session_reopen_fd(disk.name), 0);
}

/* A child of the VMM, a helper say, does not inherit the page. */
TEST(map_is_not_inherited)
{
	pid_t pid;

	setup(0);
	pid = fork();
	if (!pid) {
		close(d.s.fd);
		pause();
	}
	session_close(&d.s);
	EXPECT_GE(session_reopen_fd(disk.name), 0);
	kill(pid, SIGKILL);
}

/* Nor may it map the page once the session belongs to its parent. */
TEST(map_by_another_address_space)
{
	int status;
	pid_t pid;

	setup(0);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(try_map(KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, 0),
			  -EPERM);
		_exit(0);
	}
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
}

static uint64_t page_value(uint32_t offset, uint32_t len)
{
	uint64_t v = 0;

	memcpy(&v, d.s.page + offset, len);
	return v;
}

/* Every width at every place, aligned or not. */
static void compare(const char *state)
{
	uint32_t offset, len;
	uint64_t v;
	int ret;

	for (len = 1; len <= 8; len *= 2) {
		for (offset = 0; offset + len <= KVBLK_PAGE_SIZE; offset++) {
			v = ~0ULL;
			ret = session_access(d.s.fd, KVBLK_SESSION_READ,
					     offset, len, &v);
			if (ret || v != page_value(offset, len))
				DIE("%s: %u bytes at %#x: %d, read %#llx",
				    state, len, offset, ret,
				    (unsigned long long)v);
		}
	}
}

/* The value that four bytes at @offset must show, in the page and by a read. */
static void shows(uint32_t offset, uint32_t want)
{
	uint64_t v = 0;

	EXPECT_EQ(session_access(d.s.fd, KVBLK_SESSION_READ, offset, 4, &v), 0);
	if (v != want || session_read(&d.s, offset) != want)
		FAIL("register %#x: read %#llx, page %#x, want %#x", offset,
		     (unsigned long long)v, session_read(&d.s, offset), want);
}

TEST(page_equals_reads)
{
	setup(0);
	compare("reset");
	session_write(&d.s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	compare("second half of the features");
	session_write(&d.s, VIRTIO_MMIO_QUEUE_SEL, 5);
	compare("no such queue");
	driver_negotiate(&d);
	compare("features accepted");
	driver_set_queue(&d);
	compare("queue set up");
	driver_ok(&d);
	compare("running");
	ring_want_interrupt(&d.r, true);
	driver_queue(&d, &(struct request) { .type = VIRTIO_BLK_T_FLUSH });
	driver_flush(&d);
	EXPECT_TRUE(event_wait(d.s.event[KVBLK_EVENT_IRQ],
			       WAIT_SECONDS * 1000));
	shows(VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_INT_VRING);
	compare("interrupt pending");
	driver_ack(&d);
	shows(VIRTIO_MMIO_INTERRUPT_STATUS, 0);
	compare("interrupt acknowledged");
	driver_reset(&d);
	compare("reset again");
}

TEST(page_equals_reads_when_broken)
{
	setup(0);
	driver_start(&d);
	d.r.avail_idx = d.r.num + 1;
	driver_flush(&d);
	EXPECT_EQ(driver_wait(&d), -EIO);
	compare("needs reset");
	session_write(&d.s, VIRTIO_MMIO_STATUS,
		      driver_status(&d) | STATUS_FAILED);
	compare("failed");
}

TEST(identity)
{
	setup(0);
	shows(VIRTIO_MMIO_MAGIC_VALUE, 0x74726976);
	shows(VIRTIO_MMIO_VERSION, 2);
	shows(VIRTIO_MMIO_DEVICE_ID, VIRTIO_ID_BLOCK);
	shows(VIRTIO_MMIO_STATUS, 0);
	shows(VIRTIO_MMIO_INTERRUPT_STATUS, 0);
	/* No shared memory: every region is all ones (4.2.2). */
	shows(VIRTIO_MMIO_SHM_LEN_LOW, ~0U);
	shows(VIRTIO_MMIO_SHM_LEN_HIGH, ~0U);
	shows(VIRTIO_MMIO_SHM_BASE_LOW, ~0U);
	shows(VIRTIO_MMIO_SHM_BASE_HIGH, ~0U);
}

#define F_COMMON \
	(F_VERSION_1 | F_EVENT_IDX | F_INDIRECT | \
	 F_BIT(VIRTIO_BLK_F_SIZE_MAX) | F_BIT(VIRTIO_BLK_F_SEG_MAX) | \
	 F_BIT(VIRTIO_BLK_F_BLK_SIZE) | F_BIT(VIRTIO_BLK_F_FLUSH))

TEST(features_offered)
{
	setup(0);
	EXPECT_EQ(session_features(&d.s), F_COMMON);
	session_write(&d.s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
	shows(VIRTIO_MMIO_DEVICE_FEATURES, 0);
}

TEST(features_offered_read_only)
{
	setup(KVBLK_DISK_RO);
	EXPECT_EQ(session_features(&d.s),
		  F_COMMON | F_BIT(VIRTIO_BLK_F_RO));
}

static uint32_t config32(uint32_t offset)
{
	return session_read(&d.s, VIRTIO_MMIO_CONFIG + offset);
}

TEST(config_space)
{
	struct kvblk_add add;
	uint32_t generation, i;

	disk_add_init(&add, disk_file(SIZE));
	add.block_size = 2048;
	add.queue_size = 64;
	disk_add(&disk, &add);
	driver_init(&d, disk.name, &(struct driver_config) { .num = 64 });
	EXPECT_EQ(config32(0), SIZE / 512);
	EXPECT_EQ(config32(4), 0);
	EXPECT_EQ(config32(8), MIB);
	EXPECT_EQ(config32(12), 62);
	EXPECT_EQ(config32(20), 2048);
	EXPECT_EQ(config32(24), 0);

	generation = session_read(&d.s, VIRTIO_MMIO_CONFIG_GENERATION);
	for (i = 0; i < 64; i += 4)
		session_write(&d.s, VIRTIO_MMIO_CONFIG + i, 0x5a5a5a5a);
	EXPECT_EQ(config32(0), SIZE / 512);
	EXPECT_EQ(config32(20), 2048);
	shows(VIRTIO_MMIO_CONFIG_GENERATION, generation);
	driver_reset(&d);
	shows(VIRTIO_MMIO_CONFIG_GENERATION, generation + 1);
}
