// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory as the vDPA bus tells it: a table of I/O addresses, whose other side is
 * user addresses of the VMM or physical addresses.
 *
 * Only what the device may read and write counts: a guest's read-only memory is not
 * there for it, and a request that names it is answered IOERR.
 */
#include <linux/sched/mm.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vhost_iotlb.h>
#include "vdpa.h"

static struct vhost_iotlb_map *map_next(struct vhost_iotlb_map *m)
{
	do {
		m = vhost_iotlb_itree_next(m, 0, U64_MAX);
	} while (m && m->perm != VHOST_MAP_RW);
	return m;
}

static struct vhost_iotlb_map *map_first(struct vhost_iotlb *iotlb)
{
	struct vhost_iotlb_map *m = vhost_iotlb_itree_first(iotlb, 0, U64_MAX);

	return m && m->perm != VHOST_MAP_RW ? map_next(m) : m;
}

static unsigned int map_count(struct vhost_iotlb *iotlb)
{
	struct vhost_iotlb_map *m;
	unsigned int nr = 0;

	for (m = map_first(iotlb); m; m = map_next(m))
		nr++;
	return nr;
}

/* The table as an array, or NULL. */
static struct kvblk_mem_region *map_regions(struct vhost_iotlb *iotlb, unsigned int *nr)
{
	struct kvblk_mem_region *region;
	struct vhost_iotlb_map *m;
	unsigned int i = 0;

	*nr = map_count(iotlb);
	/* At least one element, so that NULL means failure. */
	region = kvcalloc(*nr + 1, sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return NULL;
	for (m = map_first(iotlb); m; m = map_next(m))
		region[i++] = (struct kvblk_mem_region){
			.gpa = m->start, .size = m->last - m->start + 1, .host = m->addr,
		};
	return region;
}

/* With physical addresses vhost unpins pages first and tells afterwards: they are held. */
static int map_use(struct kvblk_vdpa *kv, struct kvblk_mem_region *region,
		   unsigned int nr)
{
	struct kvblk_mem mem;
	unsigned int bad;
	int ret;

	if (kv->phys)
		ret = kvblk_mem_init_held(&mem, region, nr, &bad);
	else
		ret = kvblk_mem_init(&mem, &kvblk_mem_user_ops, kv->mm, region, nr, &bad);
	if (ret) {
		kvfree(region);
		return ret;
	}
	kvblk_session_remap(kv->session, &mem);
	return 0;
}

static int map_table(struct kvblk_vdpa *kv, struct vhost_iotlb *iotlb)
{
	struct kvblk_mem_region *region;
	unsigned int nr;
	int ret;

	region = map_regions(iotlb, &nr);
	if (!region)
		return -ENOMEM;
	/* Who gives memory is the VMM: "vdpa dev add" was called by somebody else. */
	ret = nr ? kvblk_session_adopt(kv->session) : 0;
	if (ret) {
		kvfree(region);
		return ret;
	}
	return map_use(kv, region, nr);
}

/*
 * The bus goes on after a failure as if there was none: then the device has no memory at
 * all, rather than what the VMM has taken back.
 */
int kvblk_vdpa_set_map(struct vdpa_device *vdpa, unsigned int asid,
		       struct vhost_iotlb *iotlb)
{
	struct kvblk_vdpa *kv = to_kvblk_vdpa(vdpa);
	int ret = map_table(kv, iotlb);

	if (ret)
		map_use(kv, NULL, 0);
	return ret;
}

/* The end of the VMM: its node is closed. */
int kvblk_vdpa_reset_map(struct vdpa_device *vdpa, unsigned int asid)
{
	struct kvblk_vdpa *kv = to_kvblk_vdpa(vdpa);

	kvblk_session_abandon(kv->session);
	return map_use(kv, NULL, 0);
}

int kvblk_vdpa_bind_mm(struct vdpa_device *vdpa, struct mm_struct *mm)
{
	struct kvblk_vdpa *kv = to_kvblk_vdpa(vdpa);

	mmgrab(mm);
	kv->mm = mm;
	return 0;
}

void kvblk_vdpa_unbind_mm(struct vdpa_device *vdpa)
{
	struct kvblk_vdpa *kv = to_kvblk_vdpa(vdpa);

	if (kv->mm)
		mmdrop(kv->mm);
	kv->mm = NULL;
}

/* All there is, at the addresses it has. */
static int map_identity(struct kvblk_vdpa *kv)
{
	struct kvblk_mem_region *region = kvzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	struct kvblk_mem mem;
	unsigned int bad;

	if (!region)
		return -ENOMEM;
	region->size = round_down(PHYS_ADDR_MAX, PAGE_SIZE);
	/* One region overlaps nothing. */
	kvblk_mem_init_phys(&mem, region, 1, &bad);
	kvblk_session_remap(kv->session, &mem);
	return 0;
}

/*
 * The host's own virtio driver hands out physical addresses and maps nothing. Nobody else
 * may ever have that: the driver of a VMM begins with no memory at all.
 */
void kvblk_vdpa_map_of_driver(struct kvblk_vdpa *kv)
{
	const struct device_driver *driver = kv->vdpa.dev.driver;
	bool identity = kv->phys && driver && !strcmp(driver->name, "virtio_vdpa");
	int ret;

	if (identity == kv->identity)
		return;
	ret = identity ? map_identity(kv) : map_use(kv, NULL, 0);
	if (!ret)
		kv->identity = identity;
}
