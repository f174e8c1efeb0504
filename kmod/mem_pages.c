// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that is always there: pages, by their physical addresses.
 *
 * It cannot fault, so it can be read and written in any context, hard interrupts
 * included, and no address space is borrowed. Pinned memory of a VMM becomes a map of
 * physically contiguous runs: from there on it is the same as memory that came with
 * physical addresses, as vDPA gives it.
 */
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "mem.h"

#define PIN_BATCH	512	/* pages between two looks at the signals */
#define SECTION_MIN	SZ_2M	/* bytes in the least that is memory or none */

static bool mem_pages_enter(const struct kvblk_mem *mem)
{
	return true;
}

static void mem_pages_leave(const struct kvblk_mem *mem)
{
}

static struct page *host_page(u64 host)
{
	return pfn_to_page(host >> PAGE_SHIFT);
}

static void mem_pages_copy(u64 host, void *buf, size_t len, bool write)
{
	unsigned int offset;
	size_t n;
	void *va;

	for (; len; host += n, buf += n, len -= n) {
		offset = offset_in_page(host);
		n = min_t(size_t, len, PAGE_SIZE - offset);
		va = kmap_local_page(host_page(host));
		if (write)
			memcpy(va + offset, buf, n);
		else
			memcpy(buf, va + offset, n);
		kunmap_local(va);
	}
}

static int mem_pages_read(void *dst, u64 host, size_t len, bool sleep)
{
	mem_pages_copy(host, dst, len, false);
	return 0;
}

static int mem_pages_write(u64 host, const void *src, size_t len, bool sleep)
{
	mem_pages_copy(host, (void *)src, len, true);
	return 0;
}

static int mem_pages_vec(union kvblk_vec *vec, u64 host, u64 len)
{
	vec->bv.bv_page = host_page(host);
	vec->bv.bv_offset = offset_in_page(host);
	vec->bv.bv_len = len;
	return 0;
}

static void mem_pages_iter(struct iov_iter *iter, unsigned int dir,
			   const union kvblk_vec *vec, unsigned int nr, size_t count)
{
	iov_iter_bvec(iter, dir, &vec->bv, nr, count);
}

/* Where all of memory is mapped there are holes. They begin and end with sections. */
static bool host_exists(u64 host, u64 len)
{
	u64 last = host + len - 1;

	/* What lies in one page takes one look. */
	for (; host >> PAGE_SHIFT < last >> PAGE_SHIFT; host += SECTION_MIN) {
		if (!pfn_valid(host >> PAGE_SHIFT))
			return false;
	}
	return pfn_valid(last >> PAGE_SHIFT);
}

/* The pages that hold @len bytes at @gpa, both multiples of the page size. */
static int mem_pages_list(const struct kvblk_mem *mem, u64 gpa, u64 len,
			  struct page **pages)
{
	u64 run, host;

	for (; len; gpa += run, len -= run) {
		run = PAGE_SIZE;
		if (kvblk_mem_find(mem, gpa, &run, &host) || run < PAGE_SIZE ||
		    offset_in_page(host) || !host_exists(host, run))
			return -ENXIO;
		*pages++ = host_page(host);
	}
	return 0;
}

static int mem_pages_map(const struct kvblk_mem *mem, u64 gpa, size_t len,
			 struct kvblk_mapping *map)
{
	u64 first = round_down(gpa, PAGE_SIZE);
	u64 bytes = round_up(gpa - first + len, PAGE_SIZE);
	unsigned int nr = bytes >> PAGE_SHIFT;
	struct page **pages;
	void *base = NULL;
	int ret;

	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	ret = mem_pages_list(mem, first, bytes, pages);
	if (!ret) {
		base = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
		ret = base ? 0 : -ENOMEM;
	}
	kvfree(pages);
	if (!ret)
		map->addr = base + (gpa - first);
	return ret;
}

static void mem_pages_unmap(struct kvblk_mapping *map)
{
	vunmap((void *)((unsigned long)map->addr & PAGE_MASK));
	map->addr = NULL;
}

#define MEM_PAGES_OPS				\
	.present	= true,			\
	.pages		= true,			\
	.enter		= mem_pages_enter,	\
	.leave		= mem_pages_leave,	\
	.iter		= mem_pages_iter,	\
	.map		= mem_pages_map,	\
	.unmap		= mem_pages_unmap

/* All of it was seen as pages. */
#define MEM_PAGES_ACCESS			\
	.read		= mem_pages_read,	\
	.write		= mem_pages_write,	\
	.vec		= mem_pages_vec

/* ---- memory that somebody else keeps, perhaps with holes ---- */

static int mem_phys_read(void *dst, u64 host, size_t len, bool sleep)
{
	return host_exists(host, len) ? mem_pages_read(dst, host, len, sleep) : -ENXIO;
}

static int mem_phys_write(u64 host, const void *src, size_t len, bool sleep)
{
	return host_exists(host, len) ? mem_pages_write(host, src, len, sleep) : -ENXIO;
}

static int mem_phys_vec(union kvblk_vec *vec, u64 host, u64 len)
{
	return host_exists(host, len) ? mem_pages_vec(vec, host, len) : -ENXIO;
}

static const struct kvblk_mem_ops kvblk_mem_phys_ops = {
	MEM_PAGES_OPS,
	.read		= mem_phys_read,
	.write		= mem_phys_write,
	.vec		= mem_phys_vec,
};

int kvblk_mem_init_phys(struct kvblk_mem *mem, struct kvblk_mem_region *region,
			unsigned int nr, unsigned int *bad)
{
	return kvblk_mem_init(mem, &kvblk_mem_phys_ops, NULL, region, nr, bad);
}
EXPORT_SYMBOL_KVBLK(kvblk_mem_init_phys);

/* ---- memory that somebody else gives away too early ---- */

static void mem_held_release(struct kvblk_mem *mem)
{
	const struct kvblk_mem_region *r;
	u64 offset;

	for (r = mem->region; r < mem->region + mem->nr; r++) {
		for (offset = 0; offset < r->size; offset += PAGE_SIZE)
			put_page(host_page(r->host + offset));
	}
}

static const struct kvblk_mem_ops kvblk_mem_held_ops = {
	MEM_PAGES_OPS,
	MEM_PAGES_ACCESS,
	.release	= mem_held_release,
};

int kvblk_mem_init_held(struct kvblk_mem *mem, struct kvblk_mem_region *region,
			unsigned int nr, unsigned int *bad)
{
	struct kvblk_mem_region *r;
	u64 offset;
	int ret;

	ret = kvblk_mem_init(mem, &kvblk_mem_held_ops, NULL, region, nr, bad);
	if (ret)
		return ret;
	for (r = region; r < region + nr; r++) {
		for (offset = 0; offset < r->size; offset += PAGE_SIZE)
			get_page(host_page(r->host + offset));
	}
	return 0;
}
EXPORT_SYMBOL_KVBLK(kvblk_mem_init_held);

/* ---- memory of the VMM, pinned ---- */

static void mem_pinned_release(struct kvblk_mem *mem)
{
	struct kvblk_mem_region *r;

	for (r = mem->region; r < mem->region + mem->nr; r++)
		unpin_user_page_range_dirty_lock(host_page(r->host),
						 r->size >> PAGE_SHIFT, true);
	account_locked_vm(mem->mm, mem->locked, false);
}

static const struct kvblk_mem_ops kvblk_mem_pinned_ops = {
	MEM_PAGES_OPS,
	MEM_PAGES_ACCESS,
	.release	= mem_pinned_release,
};

/* Pins the pages of one region; on failure @got of them are. */
static int pin_region(const struct kvblk_mem_region *r, struct page **pages,
		      unsigned long *got)
{
	unsigned long want = r->size >> PAGE_SHIFT;
	int n;

	for (*got = 0; *got < want; *got += n) {
		n = pin_user_pages_fast(r->host + (*got << PAGE_SHIFT),
					min_t(unsigned long, want - *got, PIN_BATCH),
					FOLL_WRITE | FOLL_LONGTERM, pages + *got);
		if (n <= 0)
			return n ?: -EFAULT;
		if (fatal_signal_pending(current)) {
			*got += n;
			return -EINTR;
		}
		cond_resched();
	}
	return 0;
}

static int pin_regions(const struct kvblk_mem *mem, struct page **pages)
{
	unsigned long done = 0, got;
	unsigned int i;
	int ret;

	for (i = 0; i < mem->nr; i++) {
		ret = pin_region(&mem->region[i], pages + done, &got);
		done += got;
		if (ret) {
			unpin_user_pages(pages, done);
			return ret;
		}
	}
	return 0;
}

/*
 * The runs of contiguous pages in @mem, whose pages are @pages; with @to NULL they are
 * only counted.
 */
static unsigned long pin_runs(const struct kvblk_mem *mem, struct page **pages,
			      struct kvblk_mem_region *to)
{
	const struct kvblk_mem_region *r;
	unsigned long nr = 0;
	u64 offset, phys, next = 0;

	for (r = mem->region; r < mem->region + mem->nr; r++) {
		for (offset = 0; offset < r->size; offset += PAGE_SIZE) {
			phys = (u64)page_to_pfn(*pages++) << PAGE_SHIFT;
			nr += !offset || phys != next;
			next = phys + PAGE_SIZE;
			if (!to)
				continue;
			if (!offset || phys != to[nr - 1].host + to[nr - 1].size)
				to[nr - 1] = (struct kvblk_mem_region){
					.gpa = r->gpa + offset, .host = phys,
				};
			to[nr - 1].size += PAGE_SIZE;
		}
	}
	return nr;
}

/* @mem's regions become runs of pinned pages. */
static int mem_pin(struct kvblk_mem *mem, struct page **pages)
{
	struct kvblk_mem_region *runs;
	unsigned long nr;
	int ret;

	ret = pin_regions(mem, pages);
	if (ret)
		return ret;
	nr = pin_runs(mem, pages, NULL);
	runs = kvcalloc(nr, sizeof(*runs), GFP_KERNEL_ACCOUNT);
	if (!runs) {
		unpin_user_pages(pages, mem->locked);
		return -ENOMEM;
	}
	pin_runs(mem, pages, runs);
	kvfree(mem->region);
	mem->region = runs;
	mem->nr = nr;
	mem->ops = &kvblk_mem_pinned_ops;
	return 0;
}

int kvblk_mem_pin(struct kvblk_mem *mem)
{
	unsigned long nr = 0;
	struct page **pages;
	unsigned int i;
	int ret;

	for (i = 0; i < mem->nr; i++)
		nr += mem->region[i].size >> PAGE_SHIFT;
	/* Before anything is allocated: the limit bounds that, too. */
	ret = account_locked_vm(mem->mm, nr, true);
	if (ret)
		return ret;
	mem->locked = nr;
	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	ret = pages || !nr ? mem_pin(mem, pages) : -ENOMEM;
	kvfree(pages);
	if (ret) {
		account_locked_vm(mem->mm, nr, false);
		mem->locked = 0;
	}
	return ret;
}
