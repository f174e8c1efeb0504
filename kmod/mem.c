// SPDX-License-Identifier: GPL-2.0
/* Guest memory: the map and what is common to all kinds of memory. */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "mem.h"

static int region_cmp(const void *a, const void *b)
{
	const struct kvblk_mem_region *x = a, *y = b;

	return x->gpa < y->gpa ? -1 : x->gpa > y->gpa;
}

int kvblk_mem_init(struct kvblk_mem *mem, const struct kvblk_mem_ops *ops,
		   struct mm_struct *mm, struct kvblk_mem_region *region,
		   unsigned int nr, unsigned int *bad)
{
	unsigned int i;

	sort(region, nr, sizeof(*region), region_cmp, NULL);
	for (i = 1; i < nr; i++) {
		if (region[i].gpa - region[i - 1].gpa < region[i - 1].size) {
			*bad = i;
			return -EEXIST;
		}
	}

	mem->ops = ops;
	mem->region = region;
	mem->nr = nr;
	mem->locked = 0;
	mem->mm = mm;
	if (mm)
		mmgrab(mm);
	return 0;
}
EXPORT_SYMBOL_KVBLK(kvblk_mem_init);

void kvblk_mem_exit(struct kvblk_mem *mem)
{
	if (mem->ops && mem->ops->release)
		mem->ops->release(mem);
	if (mem->mm)
		mmdrop(mem->mm);
	kvfree(mem->region);
	memset(mem, 0, sizeof(*mem));
}

static bool region_has(const struct kvblk_mem_region *r, u64 gpa)
{
	return gpa - r->gpa < r->size;
}

/* Of @len bytes at @gpa, which is in @r, how many follow in it; and where. */
static u64 region_run(const struct kvblk_mem_region *r, u64 gpa, u64 len, u64 *host)
{
	u64 offset = gpa - r->gpa;

	*host = r->host + offset;
	return min(len, r->size - offset);
}

/* Most maps have a region or two: a bsearch() would cost more in calls than in steps. */
static const struct kvblk_mem_region *region_find(const struct kvblk_mem *mem, u64 gpa)
{
	const struct kvblk_mem_region *r = mem->region;
	unsigned int half, nr = mem->nr;

	/* If a region has @gpa it is among the @nr from @r on. */
	while (nr > 1) {
		half = nr / 2;
		if (r[half].gpa <= gpa) {
			r += half;
			nr -= half;
		} else {
			nr = half;
		}
	}
	return nr && region_has(r, gpa) ? r : NULL;
}

int kvblk_mem_find(const struct kvblk_mem *mem, u64 gpa, u64 *len, u64 *host)
{
	const struct kvblk_mem_region *r = region_find(mem, gpa);

	if (!r)
		return -ENXIO;
	*len = region_run(r, gpa, *len, host);
	return 0;
}

bool kvblk_mem_covers(const struct kvblk_mem *mem, u64 gpa, u64 len)
{
	u64 host, run;

	while (len) {
		run = len;
		if (kvblk_mem_find(mem, gpa, &run, &host))
			return false;
		gpa += run;
		len -= run;
	}
	return true;
}

bool kvblk_mem_agree(const struct kvblk_mem *a, const struct kvblk_mem *b, u64 gpa,
		     u64 len)
{
	u64 run, host[2];

	if (a->ops != b->ops || a->mm != b->mm)
		return false;
	for (; len; gpa += run, len -= run) {
		run = len;
		if (kvblk_mem_find(a, gpa, &run, &host[0]) ||
		    kvblk_mem_find(b, gpa, &run, &host[1]) || host[0] != host[1])
			return false;
	}
	return true;
}

static int mem_read(const struct kvblk_guest *g, u64 gpa, void *dst, u32 len)
{
	const struct kvblk_mem_reader *rd =
		container_of(g, struct kvblk_mem_reader, g);
	u64 run, host;
	int ret;

	for (; len; gpa += run, dst += run, len -= run) {
		run = len;
		ret = kvblk_mem_find(rd->mem, gpa, &run, &host);
		if (!ret)
			ret = rd->mem->ops->read(dst, host, run, rd->sleep);
		if (ret)
			return ret;
	}
	return 0;
}

struct kvblk_mem_reader kvblk_mem_reader(const struct kvblk_mem *mem, bool sleep)
{
	return (struct kvblk_mem_reader){
		.g.read = mem_read, .mem = mem, .sleep = sleep,
	};
}

int kvblk_mem_write(const struct kvblk_mem *mem, u64 gpa, const void *src,
		    u32 len, bool sleep)
{
	u64 run, host;
	int ret;

	for (; len; gpa += run, src += run, len -= run) {
		run = len;
		ret = kvblk_mem_find(mem, gpa, &run, &host);
		if (!ret)
			ret = mem->ops->write(host, src, run, sleep);
		if (ret)
			return ret;
	}
	return 0;
}

int kvblk_mem_vec(const struct kvblk_mem *mem, const struct kvblk_seg *seg,
		  unsigned int nr, union kvblk_vec *vec, unsigned int max, u64 *bits)
{
	static const struct kvblk_mem_region none;
	const struct kvblk_mem_region *r = &none;
	u64 gpa, len, run, host;
	unsigned int n = 0, i;

	*bits = 0;
	for (i = 0; i < nr; i++) {
		gpa = seg[i].gpa;
		for (len = seg[i].len; len; gpa += run, len -= run, n++) {
			/* Most often it is where the piece before was. */
			if (!region_has(r, gpa))
				r = region_find(mem, gpa);
			if (!r)
				return -ENXIO;
			run = region_run(r, gpa, len, &host);
			if (n < max && mem->ops->vec(&vec[n], host, run))
				return -ENXIO;
			*bits |= host | run;
		}
	}
	return n;
}
