// SPDX-License-Identifier: GPL-2.0
/* Guest memory that is plain kernel memory: for unit tests. */
#include <linux/string.h>
#include "mem.h"

static bool mem_kernel_enter(const struct kvblk_mem *mem)
{
	return true;
}

static void mem_kernel_leave(const struct kvblk_mem *mem)
{
}

static int mem_kernel_read(void *dst, u64 host, size_t len, bool sleep)
{
	memcpy(dst, (const void *)(uintptr_t)host, len);
	return 0;
}

static int mem_kernel_write(u64 host, const void *src, size_t len, bool sleep)
{
	memcpy((void *)(uintptr_t)host, src, len);
	return 0;
}

static int mem_kernel_vec(union kvblk_vec *vec, u64 host, u64 len)
{
	vec->iov.iov_base = u64_to_user_ptr(host);
	vec->iov.iov_len = len;
	return 0;
}

static void mem_kernel_iter(struct iov_iter *iter, unsigned int dir,
			    const union kvblk_vec *vec, unsigned int nr,
			    size_t count)
{
	/* struct iovec and struct kvec differ in the address space only. */
	iov_iter_kvec(iter, dir, (const struct kvec *)&vec->iov, nr, count);
}

static int mem_kernel_map(const struct kvblk_mem *mem, u64 gpa, size_t len,
			  struct kvblk_mapping *map)
{
	u64 run = len, host;

	if (kvblk_mem_find(mem, gpa, &run, &host) || run < len)
		return -ENXIO;
	map->addr = (void *)(uintptr_t)host;
	return 0;
}

static void mem_kernel_unmap(struct kvblk_mapping *map)
{
	map->addr = NULL;
}

const struct kvblk_mem_ops kvblk_mem_kernel_ops = {
	.enter	= mem_kernel_enter,
	.leave	= mem_kernel_leave,
	.read	= mem_kernel_read,
	.write	= mem_kernel_write,
	.vec	= mem_kernel_vec,
	.iter	= mem_kernel_iter,
	.map	= mem_kernel_map,
	.unmap	= mem_kernel_unmap,
};
