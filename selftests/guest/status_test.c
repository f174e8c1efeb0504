// SPDX-License-Identifier: GPL-2.0
/* The status machine and the queue registers, as a driver finds them. */
#include <errno.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static struct driver d;

static void setup(void)
{
	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
}

static void write_status(uint32_t value, uint32_t want)
{
	session_write(&d.s, VIRTIO_MMIO_STATUS, value);
	if (driver_status(&d) != want)
		FAIL("status %#x written: reads %#x, not %#x", value,
		     driver_status(&d), want);
}

/* Bits come one by one and in order; all else is ignored. */
TEST(steps)
{
	setup();
	session_accept(&d.s, F_VERSION_1);
	write_status(STATUS_DRIVER, 0);
	write_status(STATUS_ACK | STATUS_DRIVER, 0);
	write_status(STATUS_OK, 0);
	write_status(0x10, 0);
	write_status(STATUS_ACK | 0x100, 0);
	write_status(STATUS_BROKEN, 0);
	write_status(STATUS_ACK, 1);
	write_status(STATUS_ACK, 1);
	write_status(STATUS_DRIVER, 1);
	write_status(9, 1);
	write_status(3, 3);
	write_status(7, 3);
	write_status(1, 3);
	write_status(0xf, 3);
	/* Written before DRIVER, the features above did not count. */
	write_status(0xb, 3);
	session_accept(&d.s, F_VERSION_1);
	write_status(0xb, 0xb);
	write_status(3, 0xb);
	write_status(0xf | STATUS_BROKEN, 0xb);
	write_status(0, 0);
}

TEST(features_are_checked)
{
	setup();
	write_status(1, 1);
	write_status(3, 3);
	session_accept(&d.s, F_EVENT_IDX);
	write_status(0xb, 3);
	session_accept(&d.s, F_VERSION_1 | F_BIT(VIRTIO_BLK_F_DISCARD));
	write_status(0xb, 3);
	session_accept(&d.s, F_VERSION_1 | F_BIT(63));
	write_status(0xb, 3);
	session_accept(&d.s, F_VERSION_1 | F_EVENT_IDX);
	write_status(0xb, 0xb);
}

TEST(features_settle_at_features_ok)
{
	struct kvblk_query q;

	setup();
	driver_negotiate(&d);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.driver_features, F_VERSION_1 | F_FLUSH);
	session_accept(&d.s, F_VERSION_1 | F_EVENT_IDX);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.driver_features, F_VERSION_1 | F_FLUSH);
}

/* FAILED goes on top of every state and lets only a reset out. */
static void expect_failed(uint32_t from)
{
	write_status(from | STATUS_FAILED | 0x10, from);
	write_status(from | STATUS_FAILED, from | STATUS_FAILED);
	write_status(STATUS_FAILED | STATUS_RUNNING,
		     from | STATUS_FAILED);
	if (from)
		write_status(from, from | STATUS_FAILED);
	driver_reset(&d);
}

TEST(failed_from_everywhere)
{
	setup();
	expect_failed(0);
	write_status(1, 1);
	expect_failed(1);
	write_status(1, 1);
	write_status(3, 3);
	expect_failed(3);
	driver_negotiate(&d);
	expect_failed(0xb);
	driver_start(&d);
	expect_failed(STATUS_RUNNING);
	driver_restart(&d);
	driver_prove(&d, 0, 1);
}

TEST(reset_is_idempotent)
{
	unsigned int i;

	setup();
	for (i = 0; i < 50; i++) {
		driver_reset(&d);
		driver_reset(&d);
		driver_restart(&d);
	}
	driver_prove(&d, 0, 2);
}

TEST(odd_widths_are_ignored)
{
	uint64_t v = STATUS_ACK;
	uint32_t len;

	setup();
	for (len = 1; len <= 8; len *= 2) {
		if (len == 4)
			continue;
		EXPECT_EQ(session_access(d.s.fd, KVBLK_SESSION_WRITE,
					 VIRTIO_MMIO_STATUS, len, &v), 0);
		EXPECT_EQ(driver_status(&d), 0);
	}
	EXPECT_EQ(session_access(d.s.fd, KVBLK_SESSION_WRITE,
				 VIRTIO_MMIO_STATUS - 2, 4, &v), 0);
	EXPECT_EQ(driver_status(&d), 0);

	/* What lies above the width of an access does not count. */
	v |= 1ULL << 32;
	EXPECT_EQ(session_access(d.s.fd, KVBLK_SESSION_WRITE,
				 VIRTIO_MMIO_STATUS, 4, &v), 0);
	EXPECT_EQ(driver_status(&d), STATUS_ACK);
}

/* Read-only and unknown registers keep what they show. */
TEST(writes_without_effect)
{
	static const uint32_t at[] = {
		VIRTIO_MMIO_MAGIC_VALUE, VIRTIO_MMIO_VERSION,
		VIRTIO_MMIO_DEVICE_ID, VIRTIO_MMIO_VENDOR_ID,
		VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_QUEUE_NUM_MAX,
		VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_CONFIG_GENERATION,
		VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NOTIFY, 0x18, 0xf8,
		VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_INTERRUPT_ACK, 0x800,
	};
	uint8_t before[KVBLK_PAGE_SIZE];
	unsigned int i;

	setup();
	memcpy(before, d.s.page, sizeof(before));
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		session_write(&d.s, at[i], 0x12345670);
		if (memcmp(before, d.s.page, sizeof(before)))
			FAIL("a write to %#x shows", at[i]);
	}
}

TEST(queue_select)
{
	setup();
	session_write(&d.s, VIRTIO_MMIO_QUEUE_SEL, 0);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_NUM_MAX), 256);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_SEL, 0x10000);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 1);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_SEL, 1);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_READY, 1);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
}

/* A queue is not ready unless all of its areas lie in guest memory. */
TEST(queue_ready_needs_memory)
{
	const uint64_t outside[] = {
		MEMORY_GAP, MEMORY_HIGH + MEMORY_HIGH_SIZE - 16,
		MEMORY_HIGH + MEMORY_HIGH_SIZE, 1ULL << 63, -16ULL,
	};
	uint64_t *const areas[] = {
		&d.r.desc_gpa, &d.r.avail_gpa, &d.r.used_gpa,
	};
	unsigned int i, n;
	uint64_t good;

	setup();
	driver_negotiate(&d);
	for (i = 0; i < 3; i++) {
		good = *areas[i];
		for (n = 0; n < 5; n++) {
			*areas[i] = outside[n];
			driver_set_queue(&d);
			if (session_read(&d.s, VIRTIO_MMIO_QUEUE_READY))
				FAIL("area %u at %#llx is taken", i,
				     (unsigned long long)outside[n]);
		}
		*areas[i] = good;
	}
	driver_set_queue(&d);
	driver_ok(&d);
	driver_prove(&d, 0, 3);
}

TEST(queue_registers_wait_for_features_ok)
{
	setup();
	driver_set_queue(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	driver_ok(&d);
	driver_prove(&d, 0, 4);
}

/* After DRIVER_OK the rings stay where they are. */
TEST(queue_registers_are_locked_by_driver_ok)
{
	setup();
	driver_start(&d);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NUM, 16);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_DESC_LOW, MEMORY_GAP);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_AVAIL_LOW, MEMORY_GAP);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_USED_HIGH, 1);
	driver_prove(&d, 0, 5);
	driver_prove(&d, 8, 6);
}

TEST(state_is_told)
{
	struct kvblk_query q;

	setup();
	disk_query(disk.name, &q);
	EXPECT_EQ(q.state, KVBLK_STATE_ATTACHED);
	EXPECT_EQ(q.pid, getpid());
	driver_start(&d);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.state, KVBLK_STATE_RUNNING);
	EXPECT_EQ(q.device_status, STATUS_RUNNING);
	d.r.avail_idx = d.r.num + 1;
	driver_flush(&d);
	EXPECT_EQ(driver_wait(&d), -EIO);
	disk_query(disk.name, &q);
	EXPECT_EQ(q.state, KVBLK_STATE_NEEDS_RESET);
	EXPECT_TRUE(q.device_status & STATUS_BROKEN);
	driver_close(&d);
	EXPECT_TRUE(WAIT_FOR((disk_query(disk.name, &q),
			      q.state == KVBLK_STATE_IDLE)));
	EXPECT_EQ(q.pid, 0);
}
