// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile rings. Whatever a driver does, it gets an answer: a status, or
 * NEEDS_RESET with a configuration interrupt. A reset makes the device whole.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define NEXT		VRING_DESC_F_NEXT
#define WRITE		VRING_DESC_F_WRITE
#define INDIRECT	VRING_DESC_F_INDIRECT
#define SCRIBBLES	200000

static struct disk disk;
static struct driver d;
static uint64_t data;

static void setup(const struct driver_config *cfg)
{
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, cfg);
	data = memory_alloc(&d.m, 65536, 4096);
}

static void recover(uint32_t seed)
{
	driver_restart(&d);
	driver_prove(&d, 0, seed);
}

/* NEEDS_RESET, told once, that stays until a reset whatever follows. */
static void expect_broken(void)
{
	struct kvblk_stats st;

	ASSERT_TRUE(event_wait(d.s.event[KVBLK_EVENT_IRQ],
			       WAIT_SECONDS * 1000));
	EXPECT_EQ(driver_ack(&d), VIRTIO_MMIO_INT_CONFIG);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING | STATUS_BROKEN);
	st = disk_stats(disk.name);
	EXPECT_EQ(st.ring_errors, 1);
	driver_kick(&d);
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING | STATUS_BROKEN);
	EXPECT_EQ(event_wait(d.s.event[KVBLK_EVENT_IRQ], 50), false);
	EXPECT_EQ(disk_stats(disk.name).ring_errors, 1);
	EXPECT_EQ(disk_stats(disk.name).interrupts, st.interrupts);
}

TEST(avail_index_too_far)
{
	static const uint32_t ahead[] = { 257, 1000, 0x8000, 0xffff };
	struct kvblk_stats st;
	unsigned int i;

	setup(NULL);
	for (i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		d.r.avail_idx += ahead[i];
		driver_flush(&d);
		ASSERT_EQ(driver_wait(&d), -EIO);
		st = disk_stats(disk.name);
		EXPECT_EQ(st.ring_errors, i + 1);
		EXPECT_EQ(st.invalid_avail_idx, i + 1);
		recover(i + 1);
	}
}

TEST(broken_is_told_once)
{
	setup(NULL);
	d.r.avail_idx += 300;
	driver_flush(&d);
	expect_broken();
	recover(1);
}

TEST(head_outside_the_table)
{
	static const uint16_t head[] = { 256, 257, 0x7fff, 0xffff };
	unsigned int i;

	setup(NULL);
	for (i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
		ring_offer(&d.r, head[i]);
		driver_flush(&d);
		EXPECT_EQ(driver_wait(&d), -EIO);
		EXPECT_EQ(disk_stats(disk.name).invalid_avail_idx, 0);
		recover(i + 1);
	}
}

/* The same head twice: its first completion frees what the second uses. */
TEST(head_offered_twice)
{
	uint32_t len;
	unsigned int i;

	setup(NULL);
	driver_set_header(&d, 0, VIRTIO_BLK_T_IN, 0);
	ring_set(&d.r, 0, driver_header_gpa(&d, 0), 16, NEXT, 1);
	ring_set(&d.r, 1, data, 65536, NEXT | WRITE, 2);
	ring_set(&d.r, 2, driver_status_gpa(&d, 0), 1, WRITE, 0);
	for (i = 0; i < d.r.num; i++)
		ring_offer(&d.r, 0);
	driver_flush(&d);
	d.r.taken[0] = 1;
	EXPECT_TRUE(WAIT_FOR(driver_status(&d) & STATUS_BROKEN ||
			     ring_used_idx(&d.r) == d.r.num));
	ring_take(&d.r, &len);
	recover(1);
}

/* A descriptor table as a hostile driver writes it; the chain begins at 0. */
struct raw {
	const char *name;
	struct {
		uint64_t gpa;
		uint32_t len;
		uint16_t flags;
		uint16_t next;
	} desc[4];
};

/* Filled in place of these: header, data, status, indirect table. */
#define HDR	1
#define DATA	2
#define STATUS	3
#define TABLE	4

static uint64_t place(uint64_t gpa)
{
	switch (gpa) {
	case HDR:
		return driver_header_gpa(&d, 0);
	case DATA:
		return data;
	case STATUS:
		return data + 65535;
	case TABLE:
		return d.r.table;
	default:
		return gpa;
	}
}

static const struct raw direct[] = {
	{ "loop to itself", { { HDR, 16, NEXT, 0 } } },
	{ "loop of two", { { HDR, 16, NEXT, 1 }, { HDR, 16, NEXT, 0 } } },
	{ "loop of writable ones",
	  { { HDR, 16, NEXT, 1 }, { DATA, 512, NEXT | WRITE, 1 } } },
	{ "next outside the table", { { HDR, 16, NEXT, 256 } } },
	{ "next far outside", { { HDR, 16, NEXT, 0xffff } } },
	{ "header only", { { HDR, 16, 0, 0 } } },
	{ "nothing at all", { { 0, 0, 0, 0 } } },
	{ "empty status", { { HDR, 16, NEXT, 1 }, { STATUS, 0, WRITE, 0 } } },
	{ "readable behind writable",
	  { { STATUS, 1, NEXT | WRITE, 1 }, { HDR, 16, 0, 0 } } },
	{ "address wraps",
	  { { -8ULL, 16, NEXT, 1 }, { STATUS, 1, WRITE, 0 } } },
	{ "status address wraps",
	  { { HDR, 16, NEXT, 1 }, { -1ULL, 2, WRITE, 0 } } },
	{ "status outside memory",
	  { { HDR, 16, NEXT, 1 }, { MEMORY_GAP, 1, WRITE, 0 } } },
	{ "indirect, not negotiated", { { TABLE, 32, INDIRECT, 0 } } },
	{ "all flags", { { HDR, 16, 0xffff, 1 }, { STATUS, 1, WRITE, 0 } } },
};

static void write_raw(struct vring_desc *table, const struct raw *raw)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		table[i].addr = place(raw->desc[i].gpa);
		table[i].len = raw->desc[i].len;
		table[i].flags = raw->desc[i].flags;
		table[i].next = raw->desc[i].next;
	}
}

static uint8_t *status_byte(void)
{
	return memory_at(&d.m, place(STATUS), 1);
}

/* Where earlier requests had their status, and where a zeroed one would. */
static void expect_no_stray_status(const char *name)
{
	uint8_t old;

	memory_read(&d.m, driver_status_gpa(&d, 0), &old, 1);
	if (old != STATUS_UNSET || *(uint8_t *)memory_at(&d.m, 0, 1))
		FAIL("%s: the status of another request is written", name);
}

/*
 * Offers the chain at 0 and expects an answer of either kind. A flush, for
 * which header and status are enough: it succeeds where a fault is overlooked.
 */
static void expect_answer(const char *name)
{
	uint32_t len;
	int err;

	driver_set_header(&d, 0, VIRTIO_BLK_T_FLUSH, 0);
	*status_byte() = STATUS_UNSET;
	d.r.taken[0] = 1;
	ring_offer(&d.r, 0);
	driver_flush(&d);
	err = driver_wait(&d);
	expect_no_stray_status(name);
	if (err == -EIO)
		return;
	if (err)
		DIE("%s: no answer", name);
	ASSERT_EQ(ring_take(&d.r, &len), 0);
	if (*status_byte() != VIRTIO_BLK_S_IOERR)
		FAIL("%s: status %u", name, *status_byte());
}

static const struct raw good = {
	"good", { { HDR, 16, NEXT, 1 }, { STATUS, 1, WRITE, 0 } },
};

TEST(bad_chains)
{
	struct vring_desc *table;
	unsigned int i;

	setup(NULL);
	table = memory_at(&d.m, d.r.table, 64);
	for (i = 0; i < sizeof(direct) / sizeof(direct[0]); i++) {
		write_raw(table, &good);
		write_raw(d.r.desc, &direct[i]);
		expect_answer(direct[i].name);
		recover(i + 1);
	}
}

/* The table holds a good request; the descriptor that names it is wrong. */
static const struct raw indirect[] = {
	{ "empty table", { { TABLE, 0, INDIRECT, 0 } } },
	{ "half a descriptor", { { TABLE, 24, INDIRECT, 0 } } },
	{ "one byte", { { TABLE, 1, INDIRECT, 0 } } },
	{ "table of 257", { { TABLE, 257 * 16, INDIRECT, 0 } } },
	{ "table of 4 GiB", { { TABLE, -16U, INDIRECT, 0 } } },
	{ "table outside memory", { { MEMORY_GAP, 32, INDIRECT, 0 } } },
	{ "table half outside", { { MEMORY_GAP - 16, 32, INDIRECT, 0 } } },
	{ "table address wraps", { { -16ULL, 32, INDIRECT, 0 } } },
	{ "indirect and next",
	  { { TABLE, 32, INDIRECT | NEXT, 1 }, { STATUS, 1, WRITE, 0 } } },
};

static const struct raw tables[] = {
	{ "indirect in indirect", { { TABLE, 32, INDIRECT, 0 } } },
	{ "loop in a table", { { HDR, 16, NEXT, 0 } } },
	{ "next outside a table", { { HDR, 16, NEXT, 4 } } },
	{ "next far outside a table", { { HDR, 16, NEXT, 0xffff } } },
	{ "no status in a table", { { HDR, 16, 0, 0 } } },
};

TEST(bad_indirect)
{
	struct vring_desc *table;
	unsigned int i;

	setup(&(struct driver_config) { .features = F_INDIRECT });
	table = memory_at(&d.m, d.r.table, 64);
	for (i = 0; i < sizeof(indirect) / sizeof(indirect[0]); i++) {
		write_raw(table, &good);
		write_raw(d.r.desc, &indirect[i]);
		expect_answer(indirect[i].name);
		recover(i + 1);
	}
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		write_raw(table, &tables[i]);
		ring_set(&d.r, 0, d.r.table, 64, INDIRECT, 0);
		expect_answer(tables[i].name);
		recover(i + 100);
	}
}

/* A chain may be as long as the queue and not longer (2.7.5.3.1). */
TEST(longest_chain)
{
	struct request rq = { .type = VIRTIO_BLK_T_IN };
	unsigned int i;

	setup(&(struct driver_config) { .num = 16, .indirect = true });
	for (i = 0; i < 15; i++)
		rq.seg[i] = (struct seg) { data + i * 512, 512 };
	rq.nr = 14;
	EXPECT_EQ(driver_do(&d, &rq), VIRTIO_BLK_S_OK);
	rq.nr = 15;
	EXPECT_NE(driver_do(&d, &rq), VIRTIO_BLK_S_OK);
	recover(1);
}

/* The rings are what they were at DRIVER_OK, even when the test drops them. */
TEST(rings_unmapped_while_running)
{
	setup(NULL);
	driver_prove(&d, 0, 1);
	ASSERT_EQ(munmap(memory_at(&d.m, d.r.desc_gpa, 3 * 4096), 3 * 4096), 0);
	driver_kick(&d);
	driver_kick(&d);
	driver_reset(&d);
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 2);
}

static const char *const lost_variants[] = { "prot-none", "unmapped", NULL };

/* Rings in memory that is not there: no answer but NEEDS_RESET is possible. */
TEST_EACH(rings_missing_at_driver_ok, lost_variants)
{
	uint64_t len = 3 * KVBLK_PAGE_SIZE;

	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
	if (harness_variant())
		munmap(memory_at(&d.m, d.r.desc_gpa, len), len);
	else
		memory_forbid(&d.m, d.r.desc_gpa, len);
	driver_negotiate(&d);
	driver_set_queue(&d);
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	EXPECT_TRUE(!(driver_status(&d) & STATUS_OK) ||
		    WAIT_FOR(driver_status(&d) & STATUS_BROKEN));
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
}

/* DRIVER_OK without a queue: kicks do nothing, a reset brings it back. */
TEST(driver_ok_without_a_queue)
{
	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
	driver_negotiate(&d);
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	driver_kick(&d);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NOTIFY, ~0U);
	recover(1);
}

static void *scribble(void *unused)
{
	uint8_t *p = memory_at(&d.m, d.r.desc_gpa, 0);
	uint64_t len = d.r.table + 4096 - d.r.desc_gpa;
	unsigned int i;

	(void)unused;
	for (i = 0; i < SCRIBBLES; i++) {
		p[random_u32() % len] = random_u32();
		if (i % 64 == 0)
			driver_kick(&d);
	}
	return NULL;
}

static const char *const scribble_variants[] = {
	"plain", "event-idx", "indirect", NULL
};

/*
 * A thread writes noise all over the rings while requests go through them and a
 * poisoned queue is reset again. What completes is of no interest.
 */
TEST_EACH(scribbler, scribble_variants)
{
	static const uint64_t features[] = {
		0, F_EVENT_IDX, F_EVENT_IDX | F_INDIRECT
	};
	unsigned int rounds, i;
	pthread_t thread;

	setup(&(struct driver_config) {
		.num = 16, .features = features[harness_variant()],
	});
	for (rounds = 0; rounds < 5; rounds++) {
		ASSERT_EQ(pthread_create(&thread, NULL, scribble, NULL), 0);
		for (i = 0; i < 20; i++) {
			driver_restart(&d);
			ring_offer(&d.r, random_u32() % 16);
			driver_flush(&d);
			usleep(500);
		}
		ASSERT_EQ(pthread_join(thread, NULL), 0);
		recover(rounds);
	}
}
