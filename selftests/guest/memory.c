// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "harness.h"
#include "memory.h"
#include "pattern.h"
#include "vdpa.h"

#define POISON		0x5a
#define STRAGGLE_US	200000	/* for what should not come to come */
#define TABLE_REACH	(2 * MIB)	/* of one page table */

/*
 * A region begins where a page table does, on every machine: whole tables go away with memory that
 * is dropped. What is left of the reservation keeps the region apart from its neighbours.
 */
static uint8_t *reserve(uint64_t size)
{
	void *p = mmap(NULL, size + TABLE_REACH, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		DIE("address space for guest memory: %s", strerror(errno));
	return p;
}

static uint8_t *aligned(uint8_t *p)
{
	return p + (-(uintptr_t)p & (TABLE_REACH - 1));
}

static void map_region(enum memory_kind kind, struct region *r)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	int fd = -1;
	void *p;

	if (kind == MEMORY_SHARED) {
		fd = memfd_create("guest", MFD_CLOEXEC);
		ASSERT_GE(fd, 0);
		ASSERT_EQ(ftruncate(fd, r->size), 0);
		flags = MAP_SHARED | MAP_FIXED;
	}
	p = mmap(r->addr, r->size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		DIE("map guest memory: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	/* Vhost takes a limited number of runs of pages, one by one. */
	if (vdpa_phys())
		madvise(p, r->size, MADV_HUGEPAGE);
}

void memory_add(struct memory *m, enum memory_kind kind, uint64_t gpa,
		uint64_t size)
{
	struct region *r = &m->region[m->nr];

	ASSERT_LE(m->nr + 1, MEMORY_REGIONS);
	r->gpa = gpa;
	r->size = size;
	r->reserved = reserve(size);
	r->addr = aligned(r->reserved);
	map_region(kind, r);
	m->nr++;
}

void memory_init(struct memory *m, enum memory_kind kind)
{
	memset(m, 0, sizeof(*m));
	memory_add(m, kind, MEMORY_LOW, MEMORY_LOW_SIZE);
	memory_add(m, kind, MEMORY_SEAM, MEMORY_MID_SIZE);
	memory_add(m, kind, MEMORY_HIGH, MEMORY_HIGH_SIZE);
	/* Address 0 stays free: a ring there would hide a field left unset. */
	m->used = KVBLK_PAGE_SIZE;
}

/* User Mode Linux copies from and to user memory by a walk of its own. */
static bool on_uml(void)
{
	char line[128] = "";
	FILE *f = fopen("/proc/cpuinfo", "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, "User Mode Linux");
	if (f)
		fclose(f);
	return found;
}

static void forbid(void *p, uint64_t len)
{
	ASSERT_EQ(mprotect(p, len, PROT_NONE), 0);
	/* That walk lets a present page through, whatever its protection. */
	if (on_uml())
		ASSERT_EQ(madvise(p, len, MADV_DONTNEED), 0);
}

void memory_forbid(const struct memory *m, uint64_t gpa, uint64_t len)
{
	forbid(memory_at(m, gpa, len), len);
}

void memory_exit(struct memory *m)
{
	struct region *r;

	for (; m->nr; m->nr--) {
		r = &m->region[m->nr - 1];
		munmap(r->reserved, r->size + TABLE_REACH);
	}
}

void memory_expect_left_alone(const struct memory *m)
{
	const struct region *r;

	for (r = m->region; r < m->region + m->nr; r++)
		memset(r->addr, POISON, r->size);
	usleep(STRAGGLE_US);
	for (r = m->region; r < m->region + m->nr; r++)
		EXPECT_EQ(pattern_check_byte(r->addr, r->size, POISON), r->size);
}

void memory_drop(const struct memory *m)
{
	/* And it trips over page tables that go away meanwhile. */
	bool keep_tables = on_uml();
	const struct region *r;

	for (r = m->region; r < m->region + m->nr; r++) {
		if (keep_tables)
			forbid(r->addr, r->size);
		else
			munmap(r->addr, r->size);
	}
}

static void replace(void *p, uint64_t len)
{
	int prot = PROT_READ | PROT_WRITE;

	if (on_uml()) {
		forbid(p, len);
		ASSERT_EQ(mprotect(p, len, prot), 0);
		return;
	}
	ASSERT_TRUE(mmap(p, len, prot, MAP_PRIVATE | MAP_ANONYMOUS |
			 MAP_NORESERVE | MAP_FIXED, -1, 0) == p);
}

void memory_replace(const struct memory *m)
{
	const struct region *r;

	for (r = m->region; r < m->region + m->nr; r++)
		replace(r->addr, r->size);
}

int memory_give(const struct memory *m, int session)
{
	struct kvblk_region regions[MEMORY_REGIONS];
	struct kvblk_session_mem arg = {
		.hdr.size = sizeof(arg),
		.hdr.flags = getenv("KVBLK_TEST_PIN") ? KVBLK_MEM_PIN : 0,
		.regions = (uintptr_t)regions,
		.count = m->nr,
	};
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		regions[i].gpa = m->region[i].gpa;
		regions[i].size = m->region[i].size;
		regions[i].uaddr = (uintptr_t)m->region[i].addr;
	}
	return call(session, KVBLK_SESSION_SET_MEM, &arg);
}

uint64_t memory_alloc(struct memory *m, uint64_t len, uint64_t align)
{
	uint64_t start = (m->used + align - 1) & ~(align - 1);

	ASSERT_LE(start + len, m->region[0].size);
	m->used = start + len;
	return m->region[0].gpa + start;
}

static const struct region *region_of(const struct memory *m, uint64_t gpa)
{
	const struct region *r;

	for (r = m->region; r < m->region + m->nr; r++) {
		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return r;
	}
	DIE("%#llx is no guest memory", (unsigned long long)gpa);
	return NULL;
}

void *memory_at(const struct memory *m, uint64_t gpa, uint64_t len)
{
	const struct region *r = region_of(m, gpa);

	ASSERT_LE(len, r->size - (gpa - r->gpa));
	return r->addr + (gpa - r->gpa);
}

/* As much of the range as lies in one region. */
static uint8_t *first_piece(const struct memory *m, uint64_t gpa, uint64_t len,
			    uint64_t *piece)
{
	const struct region *r = region_of(m, gpa);
	uint64_t left = r->size - (gpa - r->gpa);

	*piece = len < left ? len : left;
	return r->addr + (gpa - r->gpa);
}

void memory_read(const struct memory *m, uint64_t gpa, void *dst, uint64_t len)
{
	uint8_t *to = dst, *from;
	uint64_t n;

	for (; len; gpa += n, to += n, len -= n) {
		from = first_piece(m, gpa, len, &n);
		memcpy(to, from, n);
	}
}

void memory_write(const struct memory *m, uint64_t gpa, const void *src,
		  uint64_t len)
{
	const uint8_t *from = src;
	uint8_t *to;
	uint64_t n;

	for (; len; gpa += n, from += n, len -= n) {
		to = first_piece(m, gpa, len, &n);
		memcpy(to, from, n);
	}
}

uint64_t segs_bytes(const struct seg *seg, unsigned int nr)
{
	uint64_t sum = 0;

	while (nr--)
		sum += seg++->len;
	return sum;
}

void segs_read(const struct memory *m, const struct seg *seg, unsigned int nr,
	       void *dst)
{
	for (; nr--; dst += seg++->len)
		memory_read(m, seg->gpa, dst, seg->len);
}

void segs_write(const struct memory *m, const struct seg *seg, unsigned int nr,
		const void *src)
{
	for (; nr--; src += seg++->len)
		memory_write(m, seg->gpa, src, seg->len);
}

void segs_fill(const struct memory *m, const struct seg *seg, unsigned int nr,
	       uint32_t seed)
{
	uint64_t len = segs_bytes(seg, nr);
	void *buf = malloc(len);

	pattern_fill(buf, len, seed);
	segs_write(m, seg, nr, buf);
	free(buf);
}

uint64_t segs_check(const struct memory *m, const struct seg *seg,
		    unsigned int nr, uint32_t seed)
{
	uint64_t len = segs_bytes(seg, nr);
	void *buf = malloc(len);
	uint64_t good;

	segs_read(m, seg, nr, buf);
	good = pattern_check(buf, len, seed);
	free(buf);
	return good;
}
