/* SPDX-License-Identifier: GPL-2.0 */
/* Requests of a driver on the bench: each has a slot of guest memory. */
#ifndef KVBLK_TESTS_BENCH_DRIVER_H
#define KVBLK_TESTS_BENCH_DRIVER_H

#include "bench.h"

#define BENCH_PIECES	12	/* most data descriptors of a request */
#define BENCH_NOWHERE	0x100ULL	/* no guest memory */

/* In a slot. */
#define SLOT_HEADER	0
#define SLOT_STATUS	0x10
#define SLOT_TABLE	0x20
#define SLOT_DATA	0x100

#define STATUS_UNSET	0xee

/**
 * struct bench_req - A request
 * @type: VIRTIO_BLK_T_*.
 * @sector: Position.
 * @len: Data bytes; the direction follows from @type.
 * @pieces: Data descriptors, 0: as many as needed. More than one need an
 *	indirect table, or a ring without requests in the next slots.
 * @header: Address of the header, 0: in the slot.
 * @data: Of the data.
 * @status: Of the status byte.
 */
struct bench_req {
	u32 type;
	u64 sector;
	u32 len;
	u16 pieces;
	u64 header;
	u64 data;
	u64 status;
};

static inline u8 *slot_ram(struct bench *b, u16 slot)
{
	return b->ram + BENCH_RING + slot * BENCH_SLOT;
}

static inline u64 slot_gpa(u16 slot)
{
	return BENCH_GPA + BENCH_RING + slot * BENCH_SLOT;
}

static inline u8 *slot_data(struct bench *b, u16 slot)
{
	return slot_ram(b, slot) + SLOT_DATA;
}

static inline u8 slot_status(struct bench *b, u16 slot)
{
	return READ_ONCE(slot_ram(b, slot)[SLOT_STATUS]);
}

/* The first descriptor of the chain in @slot. */
static inline u16 slot_head(const struct bench *b, u16 slot)
{
	return b->features & BENCH_INDIRECT ? slot : 3 * slot;
}

static inline u16 bench_data_descs(struct guest_desc *d, u16 slot,
				   const struct bench_req *r)
{
	u16 pieces = r->pieces ?: 1;
	u32 each = r->len / pieces;
	u16 i;

	if (!r->len && !r->pieces)
		return 0;
	for (i = 0; i < pieces; i++)
		d[i] = (struct guest_desc){
			.addr = (r->data ?: slot_gpa(slot) + SLOT_DATA) +
				i * each,
			.len = i + 1 < pieces ? each : r->len - i * each,
			.flags = r->type == VIRTIO_BLK_T_OUT ?
				 0 : VRING_DESC_F_WRITE,
		};
	return pieces;
}

/* Writes header and chain of @r to @slot: direct, or a table of its own. */
static inline void bench_write(struct bench *b, u16 slot,
			       const struct bench_req *r)
{
	struct guest_desc d[BENCH_PIECES + 2] = {};
	struct virtio_blk_outhdr hdr = {
		.type = (__force __virtio32)cpu_to_le32(r->type),
		.sector = (__force __virtio64)cpu_to_le64(r->sector),
	};
	struct guest_ring table = {
		.desc = (void *)slot_ram(b, slot) + SLOT_TABLE,
	};
	u16 nr = 1;

	memcpy(slot_ram(b, slot) + SLOT_HEADER, &hdr, sizeof(hdr));
	slot_ram(b, slot)[SLOT_STATUS] = STATUS_UNSET;
	d[0].addr = r->header ?: slot_gpa(slot) + SLOT_HEADER;
	d[0].len = sizeof(hdr);
	nr += bench_data_descs(d + 1, slot, r);
	d[nr].addr = r->status ?: slot_gpa(slot) + SLOT_STATUS;
	d[nr].len = 1;
	d[nr].flags = VRING_DESC_F_WRITE;
	nr++;
	if (!(b->features & BENCH_INDIRECT)) {
		guest_ring_chain(&b->ring, slot_head(b, slot), d, nr);
		return;
	}
	guest_ring_chain(&table, 0, d, nr);
	guest_desc_write(&b->ring.desc[slot], &(struct guest_desc){
		.addr = slot_gpa(slot) + SLOT_TABLE,
		.len = nr * sizeof(struct vring_desc),
		.flags = VRING_DESC_F_INDIRECT,
	});
}

/* Makes @r available in @slot, without a kick. */
static inline void bench_put(struct bench *b, u16 slot,
			     const struct bench_req *r)
{
	bench_write(b, slot, r);
	guest_ring_offer(&b->ring, slot_head(b, slot));
}

/* @nr reads of one sector each: slot i reads sector @first + i. */
static inline void bench_put_reads(struct bench *b, u16 first, u16 nr)
{
	u16 slot;

	for (slot = 0; slot < nr; slot++)
		bench_put(b, slot, &(struct bench_req){
			.type = VIRTIO_BLK_T_IN,
			.sector = first + slot,
			.len = 512,
		});
}

/* Waits until used->idx is @idx. */
static inline void bench_await_used(struct bench *b, u16 idx)
{
	bench_until(b, guest_ring_used_idx(&b->ring) == idx);
}

/* The next used element is the chain of @slot with @len and @status. */
static inline void bench_expect_used(struct bench *b, u16 slot, u32 len,
				     u8 status)
{
	u32 id, got;

	KUNIT_ASSERT_TRUE(b->test, guest_ring_take(&b->ring, &id, &got));
	KUNIT_EXPECT_EQ(b->test, slot_head(b, slot), id);
	KUNIT_EXPECT_EQ(b->test, len, got);
	KUNIT_EXPECT_EQ(b->test, status, slot_status(b, slot));
}

/* The worker sleeps, all @idx chains are used, nothing is left over. */
static inline void bench_expect_done(struct bench *b, u16 idx)
{
	bench_await_used(b, idx);
	bench_settle(b);
	KUNIT_EXPECT_EQ(b->test, idx, guest_ring_used_idx(&b->ring));
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_IN_FLIGHT));
	KUNIT_EXPECT_EQ(b->test, 0, bench_stat(b, KVBLK_STAT_STALLED));
	KUNIT_EXPECT_EQ(b->test, 0, b->broken);
}

/* Offset of the first byte that differs, -1: none does. */
static inline long bench_differs(const u8 *a, const u8 *b, size_t len)
{
	size_t i;

	if (!memcmp(a, b, len))
		return -1;
	for (i = 0; a[i] == b[i]; i++)
		;
	return i;
}

#endif /* KVBLK_TESTS_BENCH_DRIVER_H */
