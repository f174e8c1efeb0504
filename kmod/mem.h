/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory: a sorted map of regions over one of several kinds of memory. */
#ifndef KVBLK_MEM_H
#define KVBLK_MEM_H

#include <linux/types.h>
#include <linux/uio.h>
#include "guest.h"

struct kvblk_mem;

/**
 * struct kvblk_mem_region - A piece of guest memory
 * @gpa: Guest physical address.
 * @size: Bytes; neither address wraps.
 * @host: Address of the kind: user address or kernel pointer.
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
 * @enter: Makes the memory reachable for this thread; false if it is gone.
 * @leave: Undoes @enter.
 * @read: Copies from @host; without @sleep, only what is present (-EFAULT).
 * @write: Copies to @host likewise.
 * @iter: Makes an iterator over host addresses.
 * @map: Pins and maps @len bytes at @gpa until @unmap.
 * @unmap: Undoes @map.
 */
struct kvblk_mem_ops {
	bool (*enter)(const struct kvblk_mem *mem);
	void (*leave)(const struct kvblk_mem *mem);
	int (*read)(void *dst, u64 host, size_t len, bool sleep);
	int (*write)(u64 host, const void *src, size_t len, bool sleep);
	void (*iter)(struct iov_iter *iter, unsigned int dir,
		     const struct iovec *iov, unsigned int nr, size_t count);
	int (*map)(const struct kvblk_mem *mem, u64 gpa, size_t len,
		   struct kvblk_mapping *map);
	void (*unmap)(struct kvblk_mapping *map);
};

/**
 * struct kvblk_mem - The guest memory of a session; immutable while it runs
 * @ops: The kind.
 * @mm: Of the VMM, for user memory; only the struct is held, not its content, so
 *	that the VMM can die.
 * @nr: Regions.
 * @region: Sorted by @gpa, not overlapping.
 */
struct kvblk_mem {
	const struct kvblk_mem_ops *ops;
	struct mm_struct *mm;
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
 * kvblk_mem_iov - Translate pieces of a chain
 * @mem: The map.
 * @seg: Pieces.
 * @nr: Number of them.
 * @iov: Where to store; NULL to count only.
 *
 * Return: number of iovec elements, or -ENXIO.
 */
int kvblk_mem_iov(const struct kvblk_mem *mem, const struct kvblk_seg *seg,
		  unsigned int nr, struct iovec *iov);

static inline bool kvblk_mem_enter(const struct kvblk_mem *mem)
{
	return mem->ops->enter(mem);
}

static inline void kvblk_mem_leave(const struct kvblk_mem *mem)
{
	mem->ops->leave(mem);
}

#endif /* KVBLK_MEM_H */
