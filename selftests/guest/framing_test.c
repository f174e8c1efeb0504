// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as bytes, however they are cut into descriptors (virtio 1.2,
 * 2.7.4.1), odd requests, and memory that is not there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "pattern.h"
#include "vdpa.h"

#define SIZE	(1 * MIB)
#define LEN	4096
#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define OK	VIRTIO_BLK_S_OK
#define IOERR	VIRTIO_BLK_S_IOERR
#define UNSUPP	VIRTIO_BLK_S_UNSUPP

static struct disk disk;
static struct driver d;
static uint64_t data;		/* guest address of a buffer of 64 KiB */

static void setup_disk(uint32_t flags)
{
	disk_make(&disk, SIZE, flags);
	driver_open(&d, disk.name, NULL);
	data = memory_alloc(&d.m, 65536, 4096);
}

static void setup(void)
{
	setup_disk(0);
}

/*
 * Sends pieces as they are; header and status lie in the slot of the next head.
 * The status byte, or -EIO if the device gave up.
 */
static int send(uint32_t type, uint64_t sector, const struct piece *piece,
		unsigned int nr)
{
	struct request rq = { .status = STATUS_UNSET };
	uint16_t head = d.r.free;
	int err;

	driver_set_header(&d, head, type, sector);
	ASSERT_EQ(ring_add(&d.r, &d.m, piece, nr, false), head);
	d.flying[head] = &rq;
	ring_offer(&d.r, head);
	driver_flush(&d);
	err = driver_wait(&d);
	if (err)
		return err;
	ASSERT_TRUE(driver_reap(&d) == &rq);
	return rq.status;
}

static uint64_t header(void)
{
	return driver_header_gpa(&d, d.r.free);
}

static uint64_t status(void)
{
	return driver_status_gpa(&d, d.r.free);
}

static void fill_disk(uint32_t seed)
{
	uint8_t buf[LEN];

	pattern_fill(buf, LEN, seed);
	ASSERT_EQ(pwrite(disk.fd, buf, LEN, 0), LEN);
}

static void expect_data(uint64_t gpa, uint32_t seed)
{
	struct seg seg = { gpa, LEN };

	EXPECT_EQ(segs_check(&d.m, &seg, 1, seed), LEN);
}

static void expect_disk(uint32_t seed)
{
	uint8_t buf[LEN];

	ASSERT_EQ(pread(disk.fd, buf, LEN, 0), LEN);
	EXPECT_EQ(pattern_check(buf, LEN, seed), LEN);
}

TEST(header_in_two)
{
	setup();
	fill_disk(1);
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ header(), 8, false }, { header() + 8, 8, false },
		{ data, LEN, true }, { status(), 1, true },
	}, 4), OK);
	expect_data(data, 1);
}

TEST(header_in_single_bytes)
{
	struct piece piece[18];
	unsigned int i;

	setup();
	fill_disk(2);
	for (i = 0; i < 16; i++)
		piece[i] = (struct piece) { header() + i, 1, false };
	piece[16] = (struct piece) { data, LEN, true };
	piece[17] = (struct piece) { status(), 1, true };
	EXPECT_EQ(send(IN, 0, piece, 18), OK);
	expect_data(data, 2);
}

TEST(header_and_data_in_one)
{
	struct virtio_blk_outhdr hdr = { .type = OUT };
	uint8_t buf[LEN];

	setup();
	pattern_fill(buf, LEN, 3);
	memory_write(&d.m, data, &hdr, sizeof(hdr));
	memory_write(&d.m, data + sizeof(hdr), buf, LEN);
	EXPECT_EQ(send(OUT, 0, (struct piece[]) {
		{ data, sizeof(hdr) + LEN, false }, { status(), 1, true },
	}, 2), OK);
	expect_disk(3);
}

TEST(data_and_status_in_one)
{
	uint16_t head;
	uint8_t st;

	setup();
	fill_disk(4);
	head = d.r.free;
	/* The harness looks for the status in its slot: put it there. */
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ header(), 16, false }, { data, LEN + 1, true },
	}, 2), STATUS_UNSET);
	expect_data(data, 4);
	memory_read(&d.m, data + LEN, &st, 1);
	EXPECT_EQ(st, OK);
	memory_read(&d.m, driver_status_gpa(&d, head), &st, 1);
	EXPECT_EQ(st, STATUS_UNSET);
}

/* The status is the last writable byte, the bytes before it are data. */
TEST(long_status_descriptor)
{
	setup();
	fill_disk(5);
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ header(), 16, false }, { data, LEN - 9, true },
		{ status() - 9, 10, true },
	}, 3), OK);
	memory_read(&d.m, driver_status_gpa(&d, 0) - 9,
		    memory_at(&d.m, data + LEN - 9, 9), 9);
	expect_data(data, 5);
}

TEST(empty_descriptors)
{
	setup();
	fill_disk(6);
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ header(), 0, false }, { header(), 16, false },
		{ data, 0, true }, { data, LEN, true }, { data, 0, true },
		{ status(), 1, true }, { data, 0, true },
	}, 7), OK);
	expect_data(data, 6);
}

TEST(get_id)
{
	static const uint8_t serial[] = "0123456789abcdefghij";
	struct kvblk_add add;
	uint8_t *p;
	unsigned int len;

	disk_add_init(&add, disk_file(SIZE));
	memcpy(add.serial, serial, KVBLK_SERIAL_LEN);
	disk_add(&disk, &add);
	driver_open(&d, disk.name, NULL);
	p = memory_at(&d.m, MEMORY_HIGH, 64);
	for (len = 20; len <= 64; len += 11) {
		memset(p, 0x33, 64);
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_GET_ID, 5, MEMORY_HIGH,
				    len), OK);
		EXPECT_EQ(memcmp(p, serial, KVBLK_SERIAL_LEN), 0);
		EXPECT_EQ(pattern_check_byte(p + 20, 44, 0x33), 44);
	}
	for (len = 0; len < 20; len += 19)
		EXPECT_EQ(driver_io(&d, VIRTIO_BLK_T_GET_ID, 0, MEMORY_HIGH,
				    len), IOERR);
	EXPECT_EQ(send(VIRTIO_BLK_T_GET_ID, 0, (struct piece[]) {
		{ header(), 16, false }, { MEMORY_HIGH, 7, true },
		{ MEMORY_HIGH + 100, 13, true }, { status(), 1, true },
	}, 4), OK);
	EXPECT_EQ(memcmp(p, serial, 7), 0);
	EXPECT_EQ(memcmp(p + 100, serial + 7, 13), 0);
	EXPECT_EQ(disk_stats(disk.name).get_ids, 6);
}

TEST(unsupported_types)
{
	static const uint32_t types[] = {
		2, 3, 5, 6, 7, 9, 10, VIRTIO_BLK_T_DISCARD,
		VIRTIO_BLK_T_WRITE_ZEROES, 14, 0x100, 1U << 31, ~0U,
	};
	unsigned int i;

	setup();
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		EXPECT_EQ(driver_io(&d, types[i], 0, data, 512), UNSUPP);
	EXPECT_EQ(disk_stats(disk.name).unsupported, i);
	EXPECT_EQ(disk_stats(disk.name).io_errors, 0);
}

TEST(lengths_and_directions)
{
	const struct {
		uint32_t type;
		struct piece piece[2];
		unsigned int nr;
	} bad[] = {
		{ IN, { { data, 511, true } }, 1 },
		{ IN, { { data, 513, true } }, 1 },
		{ OUT, { { data, 1000, false } }, 1 },
		{ IN, { { 0 } }, 0 },
		{ OUT, { { 0 } }, 0 },
		{ IN, { { data, 512, false } }, 1 },
		{ IN, { { data, 512, false }, { data, 512, true } }, 2 },
		{ OUT, { { data, 512, true } }, 1 },
		{ OUT, { { data, 512, false }, { data, 512, true } }, 2 },
		{ VIRTIO_BLK_T_FLUSH, { { data, 512, true } }, 1 },
		{ VIRTIO_BLK_T_FLUSH, { { data, 512, false } }, 1 },
		{ VIRTIO_BLK_T_GET_ID, { { data, 20, false } }, 1 },
	};
	struct piece piece[4];
	unsigned int i;

	setup();
	fill_disk(7);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		piece[0] = (struct piece) { header(), 16, false };
		memcpy(piece + 1, bad[i].piece, sizeof(bad[i].piece));
		piece[1].gpa = data;
		piece[2].gpa = data;
		piece[bad[i].nr + 1] = (struct piece) { status(), 1, true };
		if (send(bad[i].type, 0, piece, bad[i].nr + 2) != IOERR)
			FAIL("case %u is no error", i);
	}
	EXPECT_EQ(disk_stats(disk.name).io_errors, i);
	expect_disk(7);
	driver_prove(&d, 0, 8);
}

TEST(segment_over_size_max)
{
	uint64_t big;

	/* Nothing else may be wrong with it. */
	disk_make(&disk, 2 * MIB, 0);
	driver_open(&d, disk.name, NULL);
	big = memory_alloc(&d.m, 2 * MIB, 4096);
	EXPECT_EQ(driver_io(&d, IN, 0, big, MIB), OK);
	/* On the vDPA bus no limit is told. */
	EXPECT_EQ(driver_io(&d, IN, 0, big, MIB + 512), vdpa_wanted() ? OK : IOERR);
	EXPECT_EQ(driver_io(&d, IN, 0, big, 1U << 31), IOERR);
}

TEST(short_header)
{
	setup();
	EXPECT_EQ(send(OUT, 0, (struct piece[]) {
		{ header(), 15, false }, { status(), 1, true },
	}, 2), IOERR);
	EXPECT_EQ(send(IN, 0, (struct piece[]) { { status(), 1, true } }, 1),
		  IOERR);
	driver_prove(&d, 0, 9);
}

/* Larger blocks than a sector: neither begin nor end lies inside one. */
TEST(block_size)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.block_size = 4096;
	disk_add(&disk, &add);
	driver_open(&d, disk.name, NULL);
	data = memory_alloc(&d.m, 65536, 4096);
	EXPECT_EQ(driver_io(&d, IN, 8, data, 4096), OK);
	EXPECT_EQ(driver_io(&d, IN, 1, data, 4096), IOERR);
	EXPECT_EQ(driver_io(&d, OUT, 0, data, 512), IOERR);
	driver_prove(&d, 8, 10);
}

/* Memory that guest addresses name but that is not there to read or write. */
static void expect_data_errors(uint64_t gpa, uint32_t len)
{
	EXPECT_EQ(driver_io(&d, IN, 0, gpa, len), IOERR);
	EXPECT_EQ(driver_io(&d, OUT, 0, gpa, len), IOERR);
}

TEST(data_outside_guest_memory)
{
	setup();
	fill_disk(11);
	expect_data_errors(MEMORY_GAP, 512);
	expect_data_errors(MEMORY_GAP - 512, 1024);
	expect_data_errors(MEMORY_HIGH - 512, 1024);
	expect_data_errors(MEMORY_HIGH + MEMORY_HIGH_SIZE, 512);
	expect_data_errors(1ULL << 62, 4096);
	expect_disk(11);
	driver_prove(&d, 0, 12);
}

TEST(header_outside_guest_memory)
{
	setup();
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ MEMORY_GAP, 16, false }, { data, 512, true },
		{ status(), 1, true },
	}, 3), IOERR);
	EXPECT_EQ(send(IN, 0, (struct piece[]) {
		{ MEMORY_GAP - 8, 16, false }, { data, 512, true },
		{ status(), 1, true },
	}, 3), IOERR);
	driver_prove(&d, 0, 13);
}

static const char *const hole_variants[] = {
	"prot-none", "unmapped", "read-only", NULL
};

/* Takes @len bytes of guest memory away under a running device. */
static void make_hole(uint64_t gpa, uint64_t len)
{
	void *p = memory_at(&d.m, gpa, len);

	switch (harness_variant()) {
	case 0:
		memory_forbid(&d.m, gpa, len);
		break;
	case 1:
		ASSERT_EQ(munmap(p, len), 0);
		break;
	case 2:
		ASSERT_EQ(mprotect(p, len, PROT_READ), 0);
		break;
	}
}

static const char *const kinds[] = { "buffered", "direct" };

TEST_EACH(data_in_a_hole, hole_variants)
{
	bool readable = harness_variant() == 2;
	unsigned int direct;

	for (direct = 0; direct < 2; direct++) {
		harness_note("%s", kinds[direct]);
		setup_disk(direct ? KVBLK_DISK_DIRECT : 0);
		make_hole(data + 8192, 8192);
		EXPECT_EQ(driver_io(&d, IN, 0, data + 8192, 8192), IOERR);
		EXPECT_EQ(driver_io(&d, IN, 0, data + 4096, 8192), IOERR);
		EXPECT_EQ(driver_io(&d, IN, 0, data + 16384 - 512, 1024),
			  IOERR);
		EXPECT_EQ(driver_io(&d, OUT, 0, data + 8192, 8192),
			  readable ? OK : IOERR);
		EXPECT_EQ(driver_io(&d, OUT, 0, data + 4096, 8192),
			  readable ? OK : IOERR);
		EXPECT_EQ(driver_io(&d, IN, 0, data, 8192), OK);
		driver_prove(&d, 0, 14);
		session_close(&d.s);
	}
}

TEST_EACH(header_in_a_hole, hole_variants)
{
	struct virtio_blk_outhdr hdr = { .type = VIRTIO_BLK_T_FLUSH };

	setup();
	memory_write(&d.m, data + 100, &hdr, sizeof(hdr));
	make_hole(data, 4096);
	EXPECT_EQ(send(hdr.type, 0, (struct piece[]) {
		{ data + 100, 16, false }, { status(), 1, true },
	}, 2), harness_variant() == 2 ? OK : IOERR);
	driver_prove(&d, 0, 15);
}

/* No status can be given: the device says so instead of keeping the request. */
TEST_EACH(status_in_a_hole, hole_variants)
{
	setup();
	make_hole(data, 4096);
	EXPECT_EQ(send(VIRTIO_BLK_T_FLUSH, 0, (struct piece[]) {
		{ header(), 16, false }, { data + 100, 1, true },
	}, 2), -EIO);
	EXPECT_EQ(ring_used_idx(&d.r), 0);
	driver_restart(&d);
	driver_prove(&d, 0, 16);
}
