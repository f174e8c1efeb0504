/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory: a sorted map of regions over one of several kinds of memory. */
#ifndef KVBLK_MEM_H
#define KVBLK_MEM_H

#include <linux/bvec.h>
#include <linux/types.h>
#include <linux/uio.h>
#include "guest.h"

struct kvblk_mem;

/**
 * union kvblk_vec - A piece of data, as the kind of memory has it
 * @iov: User memory; for unit tests kernel memory, as a kvec.
 * @bv: Pages.
 */
union kvblk_vec {
	struct iovec iov;
	struct bio_vec bv;
};

/**
 * struct kvblk_mem_region - A piece of guest memory
 * @gpa: Guest physical address.
 * @size: Bytes; neither address wraps.
 * @host: Address of the kind: user address, kernel pointer or physical address.
 */
struct kvblk_mem_region {
	u64 gpa;
	u64 size;
	u64 host;
};

/**
 * struct kvblk_mapping - A range of guest memory mapped into the kernel
 * @addr: First byte, NULL when not mapped.
 * @pages: What is pinned for it.
 * @nr_pages: Number of them.
 */
struct kvblk_mapping {
	void *addr;
	struct page **pages;
	unsigned int nr_pages;
};

/**
 * struct kvblk_mem_ops - A kind of memory
 * @present: It never faults: it can be read and written in any context.
 * @pages: Its pieces are pages.
 * @enter: Makes the memory reachable for this thread; false if it is gone.
 * @leave: Undoes @enter.
 * @read: Copies from @host; without @sleep, only what is present (-EFAULT).
 * @write: Copies to @host likewise.
 * @vec: Makes a piece of @len bytes at @host, which follow each other. 0 or -ENXIO.
 * @iter: Makes an iterator over pieces.
 * @map: Pins and maps @len bytes at @gpa until @unmap.
 * @unmap: Undoes @map.
 * @release: Gives up what the memory holds, or NULL.
 */
struct kvblk_mem_ops {
	bool present;
	bool pages;
	bool (*enter)(const struct kvblk_mem *mem);
	void (*leave)(const struct kvblk_mem *mem);
	int (*read)(void *dst, u64 host, size_t len, bool sleep);
	int (*write)(u64 host, const void *src, size_t len, bool sleep);
	int (*vec)(union kvblk_vec *vec, u64 host, u64 len);
	void (*iter)(struct iov_iter *iter, unsigned int dir,
		     const union kvblk_vec *vec, unsigned int nr, size_t count);
	int (*map)(const struct kvblk_mem *mem, u64 gpa, size_t len,
		   struct kvblk_mapping *map);
	void (*unmap)(struct kvblk_mapping *map);
	void (*release)(struct kvblk_mem *mem);
};

/**
 * struct kvblk_mem - The guest memory of a session; immutable while it runs
 * @ops: The kind.
 * @mm: Of the VMM, for user memory; only the struct is held, not its content, so
 *	that the VMM can die.
 * @locked: Pages that count against the VMM's RLIMIT_MEMLOCK.
 * @nr: Regions.
 * @region: Sorted by @gpa, not overlapping.
 */
struct kvblk_mem {
	const struct kvblk_mem_ops *ops;
	struct mm_struct *mm;
	unsigned long locked;
	unsigned int nr;
	struct kvblk_mem_region *region;
};

/**
 * struct kvblk_mem_reader - Guest memory as the pure layer reads it
 * @g: Handed to the pure layer.
 * @mem: The memory.
 * @sleep: May wait for pages.
 */
struct kvblk_mem_reader {
	struct kvblk_guest g;
	const struct kvblk_mem *mem;
	bool sleep;
};

extern const struct kvblk_mem_ops kvblk_mem_user_ops;
extern const struct kvblk_mem_ops kvblk_mem_kernel_ops;

/**
 * kvblk_mem_init - Take over an array of regions
 * @mem: To fill.
 * @ops: The kind.
 * @mm: For user memory, whose it is; else NULL.
 * @region: Allocated by kvmalloc; freed by kvblk_mem_exit(). Will be sorted.
 * @nr: Its elements.
 * @bad: Index after sorting of the region at fault.
 *
 * Return: 0; -EEXIST if two regions overlap (@mem and @region are untouched but
 * for the order).
 */
int kvblk_mem_init(struct kvblk_mem *mem, const struct kvblk_mem_ops *ops,
		   struct mm_struct *mm, struct kvblk_mem_region *region,
		   unsigned int nr, unsigned int *bad);
void kvblk_mem_exit(struct kvblk_mem *mem);

/**
 * kvblk_mem_init_phys - Take over an array of regions with physical addresses
 * @mem: To fill.
 * @region: As for kvblk_mem_init(); @region->host is a physical address. A region may span
 *	memory with holes, such as all there is: an address in a hole is as one outside.
 * @nr: Its elements.
 * @bad: As for kvblk_mem_init().
 *
 * The caller keeps the pages until kvblk_mem_exit().
 *
 * Return: as kvblk_mem_init().
 */
int kvblk_mem_init_phys(struct kvblk_mem *mem, struct kvblk_mem_region *region,
			unsigned int nr, unsigned int *bad);

/**
 * kvblk_mem_init_held - The same for pages whose owner may let go of them too early
 * @mem: To fill.
 * @region: As above, but all of it is memory, in whole pages.
 * @nr: Its elements.
 * @bad: As for kvblk_mem_init().
 *
 * Holds a reference to each page until kvblk_mem_exit(). Does not sleep.
 *
 * Return: as kvblk_mem_init().
 */
int kvblk_mem_init_held(struct kvblk_mem *mem, struct kvblk_mem_region *region,
			unsigned int nr, unsigned int *bad);

/**
 * kvblk_mem_pin - Pin user memory until kvblk_mem_exit()
 * @mem: User memory of the current process; all regions are aligned to pages.
 *
 * The pages count against RLIMIT_MEMLOCK. Faults pages in: sleeps as long as it takes, but
 * a fatal signal ends it.
 *
 * Return: 0; -ENOMEM above the limit, or without memory; -EFAULT, -EOPNOTSUPP, ... for
 * memory that cannot be pinned; -EINTR. @mem is not changed on failure.
 */
int kvblk_mem_pin(struct kvblk_mem *mem);

struct kvblk_mem_reader kvblk_mem_reader(const struct kvblk_mem *mem, bool sleep);

/* Whether the map covers all of @len bytes at @gpa. */
bool kvblk_mem_covers(const struct kvblk_mem *mem, u64 gpa, u64 len);

/* Whether both maps have all of @len bytes at @gpa, at the same addresses. */
bool kvblk_mem_agree(const struct kvblk_mem *a, const struct kvblk_mem *b, u64 gpa,
		     u64 len);

/**
 * kvblk_mem_find - Translate the begin of a range
 * @mem: The map.
 * @gpa: Guest physical address.
 * @len: In: bytes wanted. Out: bytes that follow in one region, not more.
 * @host: The address.
 *
 * Return: 0, or -ENXIO if @gpa is not in the map.
 */
int kvblk_mem_find(const struct kvblk_mem *mem, u64 gpa, u64 *len, u64 *host);

/* Store @len bytes at @gpa. 0, -EFAULT (not now), -ENXIO. */
int kvblk_mem_write(const struct kvblk_mem *mem, u64 gpa, const void *src,
		    u32 len, bool sleep);

/**
 * kvblk_mem_vec - Translate pieces of a chain
 * @mem: The map.
 * @seg: Pieces of the chain.
 * @nr: Number of them.
 * @vec: Where to store.
 * @max: Elements of @vec.
 * @bits: All host addresses and lengths, or-ed: what they are aligned to.
 *
 * Return: number of elements that it takes, of which up to @max are made; or -ENXIO.
 */
int kvblk_mem_vec(const struct kvblk_mem *mem, const struct kvblk_seg *seg,
		  unsigned int nr, union kvblk_vec *vec, unsigned int max, u64 *bits);

static inline bool kvblk_mem_enter(const struct kvblk_mem *mem)
{
	return mem->ops->enter(mem);
}

static inline void kvblk_mem_leave(const struct kvblk_mem *mem)
{
	mem->ops->leave(mem);
}

#endif /* KVBLK_MEM_H */
