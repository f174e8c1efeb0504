// SPDX-License-Identifier: GPL-2.0
/* Data there and back, on every kind of backing. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include "backing.h"
#include "driver.h"
#include "harness.h"
#include "pattern.h"

#define SIZE		(8 * MIB)
#define SECTOR		KVBLK_SECTOR_SIZE
#define ALL		backing_variants
#define IN		VIRTIO_BLK_T_IN
#define OUT		VIRTIO_BLK_T_OUT
#define OK		VIRTIO_BLK_S_OK
#define IOERR		VIRTIO_BLK_S_IOERR

static struct disk disk;
static struct driver d;
static struct request rq;

static void setup(const struct driver_config *cfg)
{
	backing_disk(&disk, SIZE, 0);
	driver_open(&d, disk.name, cfg);
}

/* Cuts @total bytes at @gpa into @nr segments of whole sectors. */
static void cut(uint64_t gpa, uint64_t total, unsigned int nr)
{
	uint64_t part = total / nr / SECTOR * SECTOR;
	unsigned int i;

	rq.nr = nr;
	for (i = 0; i < nr; i++, gpa += part) {
		rq.seg[i].gpa = gpa;
		rq.seg[i].len = i + 1 < nr ? part : total - part * (nr - 1);
	}
}

static void expect_request(uint32_t type, uint64_t sector, int status,
			   uint64_t used_len)
{
	rq.type = type;
	rq.sector = sector;
	ASSERT_EQ(driver_do(&d, &rq), status);
	EXPECT_EQ(rq.used_len, used_len);
}

/* Writes and reads back what @rq's segments span. */
static void there_and_back(uint64_t sector, uint32_t seed)
{
	uint64_t len = segs_bytes(rq.seg, rq.nr);

	segs_fill(&d.m, rq.seg, rq.nr, seed);
	expect_request(OUT, sector, OK, 1);
	backing_expect(&disk, sector * SECTOR, len, seed);
	EXPECT_EQ(segs_check(&d.m, rq.seg, rq.nr, seed), len);

	backing_fill(&disk, sector * SECTOR, len, ~seed);
	expect_request(IN, sector, OK, len + 1);
	EXPECT_EQ(segs_check(&d.m, rq.seg, rq.nr, ~seed), len);
}

TEST_EACH(sizes, ALL)
{
	static const struct {
		uint64_t bytes;
		unsigned int segs;
	} shape[] = {
		{ 512, 1 }, { 1024, 1 }, { 1024, 2 }, { 4096, 1 }, { 4096, 8 },
		{ 65536, 1 }, { 65536, 3 }, { MIB, 1 }, { MIB, 128 },
		{ 130048, 254 }, { 4 * MIB, 4 }, { 4 * MIB, 33 },
		{ 4 * MIB, 250 },
	};
	uint64_t gpa;
	unsigned int i;

	setup(NULL);
	gpa = memory_alloc(&d.m, 4 * MIB, 4096);
	for (i = 0; i < sizeof(shape) / sizeof(shape[0]); i++) {
		cut(gpa, shape[i].bytes, shape[i].segs);
		there_and_back(i * 100, i + 1);
		there_and_back((SIZE - shape[i].bytes) / SECTOR, i + 100);
	}
}

TEST_EACH(sizes_indirect, ALL)
{
	static const unsigned int segs[] = { 1, 2, 14, 60, 254 };
	uint64_t gpa;
	unsigned int i;

	setup(&(struct driver_config) { .indirect = true });
	gpa = memory_alloc(&d.m, MIB, 4096);
	for (i = 0; i < sizeof(segs) / sizeof(segs[0]); i++) {
		cut(gpa, MIB, segs[i]);
		there_and_back(i, i + 1);
	}
}

TEST_EACH(shared_memory, ALL)
{
	setup(&(struct driver_config) { .memory = MEMORY_SHARED });
	cut(memory_alloc(&d.m, MIB, 4096), MIB, 16);
	there_and_back(7, 1);
}

/* Nothing says that a driver's buffers are aligned (5.2.6). */
TEST_EACH(misaligned, ALL)
{
	static const unsigned int offset[] = { 1, 2, 3, 7, 511, 513, 4095 };
	static const unsigned int segs[] = { 1, 5 };
	uint64_t gpa;
	unsigned int i, n;

	setup(NULL);
	gpa = memory_alloc(&d.m, MIB, 4096);
	for (i = 0; i < sizeof(offset) / sizeof(offset[0]); i++) {
		for (n = 0; n < 2; n++) {
			cut(gpa + offset[i], 40 * SECTOR, segs[n]);
			there_and_back(i, i * 2 + n + 1);
		}
	}
}

/* Segments of odd lengths whose sum is whole sectors. */
TEST_EACH(odd_lengths, ALL)
{
	uint64_t gpa, left;
	unsigned int round;
	uint32_t len;

	setup(NULL);
	gpa = memory_alloc(&d.m, MIB, 4096);
	for (round = 0; round < 20; round++) {
		left = 64 * SECTOR;
		for (rq.nr = 0; left; rq.nr++) {
			len = 1 + random_u32() % 1000;
			if (len > left || rq.nr == 200)
				len = left;
			rq.seg[rq.nr].gpa = gpa + rq.nr * 2048 +
					    random_u32() % 64;
			rq.seg[rq.nr].len = len;
			left -= len;
		}
		there_and_back(round, round + 1);
	}
}

TEST_EACH(region_boundary, ALL)
{
	static const unsigned int before[] = { 512, 4096, 1000, 1, 65535 };
	unsigned int i;

	setup(NULL);
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		cut(MEMORY_SEAM - before[i], 256 * SECTOR, 1);
		there_and_back(i, i + 1);
	}
}

/* The first to touch these pages is the device. */
TEST_EACH(untouched_memory, ALL)
{
	uint64_t gpa = MEMORY_HIGH + MIB;
	uint64_t len = 512 * KIB;

	setup(NULL);
	backing_fill(&disk, 0, len, 1);
	cut(gpa, len, 1);
	expect_request(IN, 0, OK, len + 1);
	EXPECT_EQ(segs_check(&d.m, rq.seg, 1, 1), len);
	cut(gpa + MIB, len, 1);
	expect_request(OUT, 0, OK, 1);
	memset(memory_at(&d.m, gpa, len), 1, len);
	backing_read(&disk, 0, memory_at(&d.m, gpa, len), len);
	EXPECT_EQ(pattern_check_byte(memory_at(&d.m, gpa, len), len, 0), len);
}

/* Neighbours of a misaligned or failed transfer keep their bytes. */
TEST_EACH(neighbours_untouched, ALL)
{
	uint8_t *p;
	uint64_t gpa;

	setup(NULL);
	gpa = memory_alloc(&d.m, 16384, 4096);
	p = memory_at(&d.m, gpa, 16384);
	memset(p, 0x11, 16384);
	cut(gpa + 5, 4096, 1);
	expect_request(IN, 0, OK, 4097);
	EXPECT_EQ(pattern_check_byte(p, 5, 0x11), 5);
	EXPECT_EQ(pattern_check_byte(p + 5, 4096, 0), 4096);
	EXPECT_EQ(pattern_check_byte(p + 4101, 12283, 0x11), 12283);
	memset(p, 0x11, 16384);
	expect_request(IN, SIZE / SECTOR, IOERR, 1);
	EXPECT_EQ(pattern_check_byte(p, 16384, 0x11), 16384);
}

TEST_EACH(range, ALL)
{
	static const struct {
		uint64_t sector;
		uint32_t sectors;
		int status;
	} try[] = {
		{ SIZE / SECTOR - 1, 1, OK },
		{ SIZE / SECTOR - 8, 8, OK },
		{ SIZE / SECTOR, 1, IOERR },
		{ SIZE / SECTOR - 1, 2, IOERR },
		{ SIZE / SECTOR + 1, 1, IOERR },
		{ 1ULL << 54, 1, IOERR },
		{ 1ULL << 55, 1, IOERR },
		{ (1ULL << 55) - 1, 1, IOERR },
		{ 1ULL << 63, 1, IOERR },
		{ ~0ULL, 1, IOERR },
		{ ~0ULL - 1, 2, IOERR },
	};
	uint64_t len, gpa;
	unsigned int i;

	setup(NULL);
	gpa = memory_alloc(&d.m, 16384, 4096);
	for (i = 0; i < sizeof(try) / sizeof(try[0]); i++) {
		len = try[i].sectors * SECTOR;
		cut(gpa, len, 1);
		expect_request(OUT, try[i].sector, try[i].status, 1);
		expect_request(IN, try[i].sector, try[i].status,
			       try[i].status ? 1 : len + 1);
	}
}

TEST_EACH(one_block_disk, ALL)
{
	backing_disk(&disk, 4096, 0);
	driver_open(&d, disk.name, NULL);
	cut(memory_alloc(&d.m, 8192, 4096), 4096, 1);
	there_and_back(0, 1);
	rq.seg[0].len = 8192;
	expect_request(IN, 0, IOERR, 1);
	rq.seg[0].len = 4096;
	expect_request(IN, 8, IOERR, 1);
}

/* The data and a flush command reach the device under the backing. */
TEST_EACH(flush_reaches_the_device, ALL)
{
	struct backing_io before, after;

	setup(NULL);
	ASSERT_EQ(fsync(disk.fd), 0);
	if (!backing_io(&disk, &before))
		SKIP("no block device with counters under the backing");
	cut(memory_alloc(&d.m, MIB, 4096), MIB, 1);
	segs_fill(&d.m, rq.seg, rq.nr, 1);
	expect_request(OUT, 0, OK, 1);
	rq.nr = 0;
	expect_request(VIRTIO_BLK_T_FLUSH, 0, OK, 1);
	ASSERT_TRUE(backing_io(&disk, &after));
	EXPECT_GE(after.sectors_written - before.sectors_written, MIB / SECTOR);
	EXPECT_GT(after.flushes, before.flushes);
}

TEST_EACH(flush, ALL)
{
	struct kvblk_stats before, after;

	setup(NULL);
	cut(memory_alloc(&d.m, MIB, 4096), MIB, 1);
	there_and_back(0, 1);
	before = disk_stats(disk.name);
	rq.nr = 0;
	expect_request(VIRTIO_BLK_T_FLUSH, 0, OK, 1);
	expect_request(VIRTIO_BLK_T_FLUSH, ~0ULL, OK, 1);
	after = disk_stats(disk.name);
	EXPECT_EQ(after.flushes_completed - before.flushes_completed, 2);
	EXPECT_EQ(after.flush_errors, before.flush_errors);
}

TEST_EACH(read_only, ALL)
{
	uint64_t gpa;

	backing_disk(&disk, SIZE, KVBLK_DISK_RO);
	driver_open(&d, disk.name, NULL);
	gpa = memory_alloc(&d.m, MIB, 4096);
	backing_fill(&disk, 0, MIB, 1);
	cut(gpa, MIB, 3);
	expect_request(IN, 0, OK, MIB + 1);
	EXPECT_EQ(segs_check(&d.m, rq.seg, rq.nr, 1), MIB);
	segs_fill(&d.m, rq.seg, rq.nr, 2);
	expect_request(OUT, 0, IOERR, 1);
	backing_expect(&disk, 0, MIB, 1);
	rq.nr = 0;
	expect_request(VIRTIO_BLK_T_FLUSH, 0, OK, 1);
}

/* What the backing lost reads as zeros; writes make it grow again. */
TEST_EACH(truncated_backing, backing_file_variants)
{
	uint64_t cut_at = 2 * MIB + 1000;
	uint8_t *p;

	setup(NULL);
	backing_fill(&disk, 0, 4 * MIB, 1);
	ASSERT_EQ(ftruncate(disk.fd, cut_at), 0);
	cut(memory_alloc(&d.m, 4 * MIB, 4096), 4 * MIB, 7);
	segs_fill(&d.m, rq.seg, rq.nr, 9);
	expect_request(IN, 0, OK, 4 * MIB + 1);
	p = memory_at(&d.m, rq.seg[0].gpa, 4 * MIB);
	EXPECT_EQ(pattern_check(p, cut_at, 1), cut_at);
	EXPECT_EQ(pattern_check_byte(p + cut_at, 4 * MIB - cut_at, 0),
		  4 * MIB - cut_at);
	cut(rq.seg[0].gpa, MIB, 1);
	segs_fill(&d.m, rq.seg, 1, 9);
	expect_request(IN, 6 * MIB / SECTOR, OK, MIB + 1);
	EXPECT_EQ(pattern_check_byte(p, MIB, 0), MIB);
	there_and_back(6 * MIB / SECTOR, 3);
}

static bool has_room(const char *dir)
{
	struct statvfs st;

	ASSERT_EQ(statvfs(dir, &st), 0);
	return st.f_bfree * st.f_frsize > 2 * MIB;
}

/* A thin file on a file system that is smaller than the disk. */
TEST_EACH(no_space, backing_file_variants)
{
	const char *dir = getenv("KVBLK_TEST_FULL_DIR");
	struct kvblk_add add;
	uint64_t full;

	if (!dir)
		SKIP("KVBLK_TEST_FULL_DIR names no small file system");
	/* The space of a file that is gone comes back after a while. */
	ASSERT_TRUE(WAIT_FOR(has_room(dir)));
	disk_add_init(&add, disk_file_in(dir, SIZE));
	add.hdr.flags = harness_variant() ? KVBLK_DISK_DIRECT : 0;
	disk_add(&disk, &add);
	driver_open(&d, disk.name, NULL);
	cut(memory_alloc(&d.m, MIB, 4096), MIB, 4);
	rq.type = OUT;
	for (full = 0; full < SIZE; full += MIB) {
		segs_fill(&d.m, rq.seg, rq.nr, full / MIB + 1);
		rq.sector = full / SECTOR;
		if (driver_do(&d, &rq) != OK)
			break;
	}
	EXPECT_EQ(rq.status, IOERR);
	EXPECT_EQ(rq.used_len, 1);
	EXPECT_GT(full, 0);
	EXPECT_EQ(disk_stats(disk.name).bytes_written, full);
	expect_request(IN, 0, OK, MIB + 1);
	EXPECT_EQ(segs_check(&d.m, rq.seg, rq.nr, 1), MIB);
	there_and_back(0, 7);
}

TEST_EACH(counters, ALL)
{
	struct kvblk_stats st;

	setup(NULL);
	cut(memory_alloc(&d.m, 65536, 4096), 65536, 4);
	expect_request(OUT, 0, OK, 1);
	expect_request(IN, 0, OK, 65537);
	expect_request(IN, 128, OK, 65537);
	expect_request(IN, ~0ULL, IOERR, 1);
	expect_request(77, 0, VIRTIO_BLK_S_UNSUPP, 1);
	st = disk_stats(disk.name);
	EXPECT_EQ(st.requests, 5);
	EXPECT_EQ(st.writes_completed, 1);
	EXPECT_EQ(st.bytes_written, 65536);
	EXPECT_EQ(st.reads_completed, 2);
	EXPECT_EQ(st.bytes_read, 131072);
	EXPECT_EQ(st.io_errors, 1);
	EXPECT_EQ(st.unsupported, 1);
	EXPECT_EQ(st.ring_errors, 0);
	EXPECT_EQ(st.throttled, 0);
	EXPECT_EQ(st.in_flight, 0);
}
