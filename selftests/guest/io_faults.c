// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of all kinds while allocations of the worker and of work items fail: each
 * is answered once, with OK or IOERR, and the next one works.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include "backing.h"
#include "disk.h"
#include "driver.h"
#include "fault.h"
#include "harness.h"

#define SIZE	(1 * MIB)
#define LEN	4096
#define MANY	8		/* segments: their list is allocated */

static struct disk disk;
static struct driver d;
static struct request rq;
static uint32_t seed;
static unsigned int errors, resets;

/* ---- one request ---- */

static void make_cold(uint64_t gpa, uint64_t len)
{
	ASSERT_EQ(madvise(memory_at(&d.m, gpa, len), len, MADV_DONTNEED), 0);
}

/* Neither the page cache nor the data's pages are there: all of it is for a work item. */
static void before_cold(void)
{
	ASSERT_EQ(fsync(disk.fd), 0);
	ASSERT_EQ(posix_fadvise(disk.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	make_cold(MEMORY_HIGH, MEMORY_HIGH_SIZE);
}

static void before_write(void)
{
	segs_fill(&d.m, rq.seg, rq.nr, ++seed);
}

static void before_read(void)
{
	before_write();
	rq.type = VIRTIO_BLK_T_OUT;
	ASSERT_EQ(driver_do(&d, &rq), VIRTIO_BLK_S_OK);
	rq.type = VIRTIO_BLK_T_IN;
	segs_fill(&d.m, rq.seg, rq.nr, ~seed);
}

static void before_cold_read(void)
{
	before_read();
	before_cold();
}

/* IOERR is -EIO, NEEDS_RESET is -EPIPE. */
static int run_request(void)
{
	int err;

	ASSERT_TRUE(driver_queue(&d, &rq));
	/* Shared memory comes back with its content, by a fault. */
	if (d.cfg.memory == MEMORY_SHARED)
		make_cold(MEMORY_LOW, MEMORY_LOW_SIZE);
	driver_flush(&d);
	err = driver_wait(&d);
	if (err)
		return err == -EIO ? -EPIPE : err;
	ASSERT_TRUE(driver_reap(&d) == &rq);
	if (rq.status == VIRTIO_BLK_S_OK)
		return 0;
	return rq.status == VIRTIO_BLK_S_IOERR ? -EIO : -EPROTO;
}

/*
 * Of memory that cannot be read at all the device knows no status byte: the copy fails, or cold
 * memory gets no page table.
 */
static bool may_fail(enum fault_kind kind, int err)
{
	return err == -EIO ||
	       (err == -EPIPE && (kind == FAULT_COPY || d.cfg.memory == MEMORY_SHARED));
}

static void expect_alive(void)
{
	struct kvblk_stats st;

	if (driver_status(&d) & STATUS_BROKEN) {
		resets++;
		driver_restart(&d);
	} else {
		errors++;
	}
	driver_prove(&d, SIZE / KVBLK_SECTOR_SIZE - 8, ++seed);
	st = disk_stats(disk.name);
	EXPECT_EQ(st.in_flight, 0);
	EXPECT_EQ(ring_used_idx(&d.r), d.r.avail_idx);
}

static void expect_data(void)
{
	uint64_t len = rq.nr * (uint64_t)rq.seg[0].len;

	EXPECT_EQ(ring_used_idx(&d.r), d.r.avail_idx);
	if (rq.type == VIRTIO_BLK_T_IN)
		EXPECT_EQ(segs_check(&d.m, rq.seg, rq.nr, seed), len);
	else if (rq.type == VIRTIO_BLK_T_OUT)
		backing_expect(&disk, 0, len, seed);
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	uint32_t type;
	unsigned int nr;
	uint32_t len;
	uint64_t gpa;
	void (*before)(void);
} kinds[] = {
	{ "read", VIRTIO_BLK_T_IN, 1, LEN, MEMORY_HIGH, before_read },
	{ "cold read", VIRTIO_BLK_T_IN, 1, LEN, MEMORY_HIGH, before_cold_read },
	{ "write", VIRTIO_BLK_T_OUT, 1, LEN, MEMORY_HIGH, before_write },
	{ "read of many segments", VIRTIO_BLK_T_IN, MANY, 512, MEMORY_HIGH,
	  before_read },
	{ "cold read of many segments", VIRTIO_BLK_T_IN, MANY, 512, MEMORY_HIGH,
	  before_cold_read },
	{ "write of many segments", VIRTIO_BLK_T_OUT, MANY, 512, MEMORY_HIGH,
	  before_write },
	{ "misaligned read", VIRTIO_BLK_T_IN, 1, 4 * LEN, MEMORY_HIGH + 3,
	  before_read },
	{ "misaligned write", VIRTIO_BLK_T_OUT, 1, 4 * LEN, MEMORY_HIGH + 3,
	  before_write },
	{ "flush", VIRTIO_BLK_T_FLUSH, 0, 0, 0, NULL },
	{ "identity", VIRTIO_BLK_T_GET_ID, 1, VIRTIO_BLK_ID_BYTES, MEMORY_HIGH,
	  NULL },
	{ "cold identity", VIRTIO_BLK_T_GET_ID, 1, VIRTIO_BLK_ID_BYTES,
	  MEMORY_HIGH, before_cold },
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static void set_request(unsigned int kind)
{
	unsigned int i;

	memset(&rq, 0, sizeof(rq));
	rq.type = kinds[kind].type;
	rq.nr = kinds[kind].nr;
	for (i = 0; i < rq.nr; i++)
		rq.seg[i] = (struct seg) {
			kinds[kind].gpa + i * kinds[kind].len, kinds[kind].len,
		};
}

static void sweep(enum fault_who who)
{
	unsigned int kind;

	for (kind = 0; kind < NR_KINDS; kind++) {
		set_request(kind);
		fault_sweep(&(struct fault_op) {
			.name = kinds[kind].name,
			.who = who,
			.before = kinds[kind].before,
			.run = run_request,
			.failed = expect_alive,
			.undo = expect_data,
			.may_fail = may_fail,
		});
	}
}

static void sweep_driver(const struct driver_config *cfg)
{
	driver_open(&d, disk.name, cfg);
	sweep(FAULT_WORKER);
	sweep(FAULT_KWORKERS);
	driver_close(&d);
	harness_note("%u requests answered with IOERR, %u resets", errors, resets);
	fault_report();
}

TEST_EACH(request, backing_variants)
{
	fault_init();
	backing_disk(&disk, SIZE, 0);
	sweep_driver(NULL);
}

/* Every write is flushed; every chain is in a table, which is not there at first. */
TEST_EACH(durable_cold_request, backing_variants)
{
	fault_init();
	backing_disk(&disk, SIZE, 0);
	sweep_driver(&(struct driver_config) {
		.no_flush = true, .indirect = true, .memory = MEMORY_SHARED,
	});
}
