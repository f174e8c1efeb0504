// SPDX-License-Identifier: GPL-2.0
/* Rules of the queue and of requests that no other program looks at. */
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define QUIET_MS	50	/* long enough to notice what must not come */

static struct disk disk;
static struct driver d;

static void setup(uint32_t flags, const struct driver_config *cfg)
{
	disk_make(&disk, SIZE, flags);
	driver_open(&d, disk.name, cfg);
}

static uint32_t pending(void)
{
	return session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS);
}

static bool interrupted(int ms)
{
	return event_wait(d.s.event[KVBLK_EVENT_IRQ], ms);
}

/* A queue that is not ready does not exist: a kick changes only its counter. */
TEST(kick_without_a_ready_queue)
{
	struct kvblk_stats before, after;

	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
	driver_negotiate(&d);
	driver_set_queue(&d);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_READY, 0);
	driver_queue(&d, &(struct request) { .type = VIRTIO_BLK_T_FLUSH });
	ring_publish(&d.r);
	driver_ok(&d);
	before = disk_stats(disk.name);
	driver_kick(&d);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	EXPECT_EQ(interrupted(QUIET_MS), false);
	after = disk_stats(disk.name);
	EXPECT_EQ(after.kicks, before.kicks + 2);
	after.kicks = before.kicks;
	EXPECT_EQ(memcmp(&before, &after, sizeof(after)), 0);
	EXPECT_EQ(ring_pending(&d.r), false);
	EXPECT_EQ(d.r.used->flags, 0);
	EXPECT_EQ(pending(), 0);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING);
}

static const char *const quiet_variants[] = {
	"no-interrupt", "event-idx", NULL
};

/* InterruptStatus tells of every used buffer, wanted or not, good or bad. */
TEST_EACH(used_bit_without_interrupt, quiet_variants)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		int status;
	} kinds[] = {
		{ VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_S_OK },
		{ VIRTIO_BLK_T_IN, ~0ULL, VIRTIO_BLK_S_IOERR },
		{ 77, 0, VIRTIO_BLK_S_UNSUPP },
	};
	struct request rq = { .seg[0] = { MEMORY_HIGH, 512 }, .nr = 1 };
	unsigned int i;

	setup(0, &(struct driver_config) {
		.features = harness_variant() ? F_EVENT_IDX : 0,
	});
	if (harness_variant())
		ring_set_used_event(&d.r, 1000);
	else
		ring_want_interrupt(&d.r, false);
	for (i = 0; i < 3; i++) {
		rq.type = kinds[i].type;
		rq.sector = kinds[i].sector;
		ASSERT_TRUE(driver_queue(&d, &rq));
		driver_flush(&d);
		ASSERT_TRUE(WAIT_FOR(ring_pending(&d.r)));
		ASSERT_TRUE(driver_reap(&d) == &rq);
		EXPECT_EQ(rq.status, kinds[i].status);
		EXPECT_TRUE(WAIT_FOR(pending() == VIRTIO_MMIO_INT_VRING));
		EXPECT_EQ(interrupted(QUIET_MS), false);
		session_write(&d.s, VIRTIO_MMIO_INTERRUPT_ACK, 1);
		EXPECT_EQ(pending(), 0);
	}
	EXPECT_EQ(disk_stats(disk.name).interrupts, 0);
}

/* Data descriptors of no length: a request as any other, of 0 bytes. */
TEST(transfer_of_nothing)
{
	struct request rq = { .sector = SIZE / KVBLK_SECTOR_SIZE };
	struct kvblk_stats st;
	unsigned int i;

	setup(0, NULL);
	for (i = 0; i < 3; i++)
		rq.seg[i].gpa = MEMORY_HIGH;
	for (rq.nr = 1; rq.nr <= 3; rq.nr++) {
		rq.type = VIRTIO_BLK_T_IN;
		EXPECT_EQ(driver_do(&d, &rq), VIRTIO_BLK_S_OK);
		EXPECT_EQ(rq.used_len, 1);
		rq.type = VIRTIO_BLK_T_OUT;
		EXPECT_EQ(driver_do(&d, &rq), VIRTIO_BLK_S_OK);
		EXPECT_EQ(rq.used_len, 1);
	}
	st = disk_stats(disk.name);
	EXPECT_EQ(st.reads_completed, 3);
	EXPECT_EQ(st.writes_completed, 3);
	EXPECT_EQ(st.bytes_read, 0);
	EXPECT_EQ(st.bytes_written, 0);
	EXPECT_EQ(st.io_errors, 0);
}

/* A flush of a read-only disk is done before it begins: no tokens, no file. */
TEST(read_only_flush)
{
	struct kvblk_stats st;
	unsigned int i;

	setup(KVBLK_DISK_RO, NULL);
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 1, 1), 0);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_FLUSH, 0, 0, 0),
			  VIRTIO_BLK_S_OK);
	st = disk_stats(disk.name);
	EXPECT_EQ(st.flushes_completed, 20);
	EXPECT_EQ(st.throttled, 0);
	EXPECT_EQ(st.deferred, 0);
	EXPECT_EQ(st.io_errors, 0);
}

/* A refused write costs nothing either, and counts once. */
TEST(read_only_write)
{
	struct kvblk_stats st;
	unsigned int i;

	setup(KVBLK_DISK_RO, NULL);
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 1, 1), 0);
	for (i = 1; i <= 20; i++)
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_OUT, 0, MEMORY_HIGH, 512),
			  VIRTIO_BLK_S_IOERR);
	st = disk_stats(disk.name);
	EXPECT_EQ(st.io_errors, 20);
	EXPECT_EQ(st.writes_completed, 0);
	EXPECT_EQ(st.throttled, 0);
}

/* The rings begin anew with each driver, the counters do not. */
TEST(next_driver)
{
	unsigned int i;

	setup(0, NULL);
	for (i = 1; i <= 5; i++) {
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, 0, MEMORY_HIGH, 512),
			  VIRTIO_BLK_S_OK);
		EXPECT_EQ(ring_used_idx(&d.r), 1);
		EXPECT_EQ(disk_stats(disk.name).reads_completed, i);
		EXPECT_EQ(disk_stats(disk.name).bytes_read, 512 * i);
		driver_restart(&d);
	}
}

/* What the last driver said of its queue is forgotten. */
TEST(reset_forgets_the_queue)
{
	setup(0, NULL);
	driver_reset(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_set_queue(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_negotiate(&d);
	driver_ok(&d);
	ring_clear(&d.r);
	driver_queue(&d, &(struct request) { .type = VIRTIO_BLK_T_FLUSH });
	driver_flush(&d);
	EXPECT_EQ(interrupted(QUIET_MS), false);
	EXPECT_EQ(ring_pending(&d.r), false);
}
