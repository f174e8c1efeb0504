// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory that belongs to the VMM's address space.
 *
 * Nothing is pinned but what is mapped into the kernel, so overcommit, ballooning
 * and userfaultfd keep working. The address space is borrowed for one pass at a time:
 * holding it for longer would keep a killed VMM's memory alive, and with it the
 * register page's mapping and so the session's own descriptor.
 */
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "mem.h"

static bool mem_user_enter(const struct kvblk_mem *mem)
{
	if (!mem->mm || !mmget_not_zero(mem->mm))
		return false;
	kthread_use_mm(mem->mm);
	return true;
}

static void mem_user_leave(const struct kvblk_mem *mem)
{
	kthread_unuse_mm(mem->mm);
	/* The last reference tears the address space down: not in the worker. */
	mmput_async(mem->mm);
}

static int mem_user_read(void *dst, u64 host, size_t len, bool sleep)
{
	const void __user *src = u64_to_user_ptr(host);

	if (sleep)
		return copy_from_user(dst, src, len) ? -EFAULT : 0;
	return copy_from_user_nofault(dst, src, len);
}

static int mem_user_write(u64 host, const void *src, size_t len, bool sleep)
{
	void __user *dst = u64_to_user_ptr(host);

	if (sleep)
		return copy_to_user(dst, src, len) ? -EFAULT : 0;
	return copy_to_user_nofault(dst, src, len);
}

static int mem_user_vec(union kvblk_vec *vec, u64 host, u64 len)
{
	vec->iov.iov_base = u64_to_user_ptr(host);
	vec->iov.iov_len = len;
	return 0;
}

static void mem_user_iter(struct iov_iter *iter, unsigned int dir,
			  const union kvblk_vec *vec, unsigned int nr, size_t count)
{
	iov_iter_init(iter, dir, &vec->iov, nr, count);
}

/* Pins the pages that hold @len bytes at @gpa, region by region. */
static int mem_user_pin(const struct kvblk_mem *mem, u64 gpa, u64 len,
			struct kvblk_mapping *map)
{
	u64 run, host;
	int ret, want;

	for (; len; gpa += run, len -= run) {
		run = len;
		if (kvblk_mem_find(mem, gpa, &run, &host))
			return -ENXIO;
		want = run >> PAGE_SHIFT;
		ret = pin_user_pages_fast(host, want, FOLL_WRITE | FOLL_LONGTERM,
					  map->pages + map->nr_pages);
		if (ret > 0)
			map->nr_pages += ret;
		if (ret != want)
			return ret < 0 ? ret : -EFAULT;
	}
	return 0;
}

static void mem_user_unmap(struct kvblk_mapping *map)
{
	if (map->addr)
		vunmap((void *)((unsigned long)map->addr & PAGE_MASK));
	unpin_user_pages_dirty_lock(map->pages, map->nr_pages, true);
	kvfree(map->pages);
	memset(map, 0, sizeof(*map));
}

static int mem_user_map(const struct kvblk_mem *mem, u64 gpa, size_t len,
			struct kvblk_mapping *map)
{
	u64 first = round_down(gpa, PAGE_SIZE);
	u64 bytes = round_up(gpa - first + len, PAGE_SIZE);
	void *base;
	int ret;

	/* Another process must not lend its memory to this session. */
	if (current->mm != mem->mm)
		return -EPERM;

	map->pages = kvcalloc(bytes >> PAGE_SHIFT, sizeof(*map->pages),
			      GFP_KERNEL);
	if (!map->pages)
		return -ENOMEM;

	ret = mem_user_pin(mem, first, bytes, map);
	if (ret)
		goto err_unmap;

	ret = -ENOMEM;
	base = vmap(map->pages, map->nr_pages, VM_MAP, PAGE_KERNEL);
	if (!base)
		goto err_unmap;
	map->addr = base + (gpa - first);
	return 0;

err_unmap:
	mem_user_unmap(map);
	return ret;
}

const struct kvblk_mem_ops kvblk_mem_user_ops = {
	.enter	= mem_user_enter,
	.leave	= mem_user_leave,
	.read	= mem_user_read,
	.write	= mem_user_write,
	.vec	= mem_user_vec,
	.iter	= mem_user_iter,
	.map	= mem_user_map,
	.unmap	= mem_user_unmap,
};
EXPORT_SYMBOL_KVBLK(kvblk_mem_user_ops);
