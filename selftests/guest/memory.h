/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory: a few regions of the test's own address space. */
#ifndef KVBLK_TEST_MEMORY_H
#define KVBLK_TEST_MEMORY_H

#include <stdint.h>
#include <linux/kvblk.h>
#include "disk.h"

/*
 * The first two regions touch in guest addresses but not in the test's; the
 * third lies above 4 GiB, behind a gap.
 */
#define MEMORY_LOW	0ULL
#define MEMORY_LOW_SIZE	(24 * MIB)
#define MEMORY_SEAM	MEMORY_LOW_SIZE
#define MEMORY_MID_SIZE	(4 * MIB)
#define MEMORY_GAP	(MEMORY_SEAM + MEMORY_MID_SIZE)
#define MEMORY_HIGH	(4096 * MIB)
#define MEMORY_HIGH_SIZE (4 * MIB)

#define MEMORY_REGIONS	8

enum memory_kind {
	MEMORY_ANON,		/* private anonymous */
	MEMORY_SHARED,		/* a memfd */
};

struct region {
	uint64_t gpa;
	uint64_t size;
	uint8_t *addr;
	uint8_t *reserved;	/* address space around it */
};

/**
 * struct memory - Guest memory
 * @region: Its pieces.
 * @nr: Number of them.
 * @used: Bytes of the first region that memory_alloc() gave away.
 */
struct memory {
	struct region region[MEMORY_REGIONS];
	unsigned int nr;
	uint64_t used;
};

/* A guest physical range, as a descriptor names it. */
struct seg {
	uint64_t gpa;
	uint32_t len;
};

void memory_init(struct memory *m, enum memory_kind kind);
void memory_add(struct memory *m, enum memory_kind kind, uint64_t gpa,
		uint64_t size);

void memory_exit(struct memory *m);

/*
 * The guest may use its memory for other things: fails if anybody else writes into it from
 * now on, as far as that shows in a moment.
 */
void memory_expect_left_alone(const struct memory *m);

/* Takes all of it away from under a device that uses it. */
void memory_drop(const struct memory *m);

/* Other pages at the same addresses, under a device that uses the old ones. */
void memory_replace(const struct memory *m);

/* Makes a part of it fault on every access. */
void memory_forbid(const struct memory *m, uint64_t gpa, uint64_t len);

/* KVBLK_SESSION_SET_MEM, pinned if $KVBLK_TEST_PIN is set; 0 or -errno. */
int memory_give(const struct memory *m, int session);

/* Zeroed, never given back; @align is a power of two. */
uint64_t memory_alloc(struct memory *m, uint64_t len, uint64_t align);

/* The test's address of a range that lies in one region. */
void *memory_at(const struct memory *m, uint64_t gpa, uint64_t len);

/* These cross regions. */
void memory_read(const struct memory *m, uint64_t gpa, void *dst, uint64_t len);
void memory_write(const struct memory *m, uint64_t gpa, const void *src,
		  uint64_t len);

/* A list of segments as one stream of bytes. */
uint64_t segs_bytes(const struct seg *seg, unsigned int nr);
void segs_read(const struct memory *m, const struct seg *seg, unsigned int nr,
	       void *dst);
void segs_write(const struct memory *m, const struct seg *seg, unsigned int nr,
		const void *src);

/* Pattern in and out; the check gives the offset of a wrong byte or the sum. */
void segs_fill(const struct memory *m, const struct seg *seg, unsigned int nr,
	       uint32_t seed);
uint64_t segs_check(const struct memory *m, const struct seg *seg,
		    unsigned int nr, uint32_t seed);

#endif /* KVBLK_TEST_MEMORY_H */
