/* SPDX-License-Identifier: GPL-2.0 */
/* A ring with both its sides, and guest memory for indirect tables. */
#ifndef KVBLK_TESTS_RING_TEST_H
#define KVBLK_TESTS_RING_TEST_H

#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include "../vring.h"
#include "guest_ring.h"

#define NUM	8		/* entries, unless a test says otherwise */
#define NUM_MAX	64
#define TABLE	0x10000ULL	/* where guest memory for tables begins */
#define ENTRIES	128		/* descriptors that fit there */

struct ring_test {
	struct kvblk_guest g;
	struct kvblk_vring vr;
	struct guest_ring drv;
	struct kvblk_chain chain;
	struct kvblk_seg seg[NUM_MAX];
	struct vring_desc table[ENTRIES];
	u32 table_bytes;	/* guest memory ends behind them */
	unsigned int reads;
	int read_error;
	bool wipe;		/* the driver rewrites the table once read */
};

static inline int table_read(const struct kvblk_guest *g, u64 gpa, void *dst,
			     u32 len)
{
	struct ring_test *rt = container_of(g, struct ring_test, g);
	u64 offset = gpa - TABLE;

	rt->reads++;
	if (rt->read_error)
		return rt->read_error;
	if (!len || offset > rt->table_bytes ||
	    len > rt->table_bytes - offset)
		return -ENXIO;
	memcpy(dst, (u8 *)rt->table + offset, len);
	if (rt->wipe)
		memset((u8 *)rt->table + offset, 0xff, len);
	return 0;
}

static inline void ring_setup(struct kunit *test, struct ring_test *rt,
			      u16 num)
{
	void *mem = kunit_kzalloc(test, guest_ring_bytes(num), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mem);
	guest_ring_init(&rt->drv, mem, num);
	rt->g.read = table_read;
	rt->table_bytes = sizeof(rt->table);
	rt->vr = (struct kvblk_vring){
		.num = num,
		.indirect = true,
		.desc = rt->drv.desc,
		.avail = rt->drv.avail,
		.used = rt->drv.used,
	};
	rt->chain = (struct kvblk_chain){ .seg = rt->seg, .max = NUM_MAX };
}

static inline int ring_test_init(struct kunit *test)
{
	struct ring_test *rt = kunit_kzalloc(test, sizeof(*rt), GFP_KERNEL);

	if (!rt)
		return -ENOMEM;
	test->priv = rt;
	ring_setup(test, rt, NUM);
	return 0;
}

static inline int walk(struct ring_test *rt, u16 head)
{
	return kvblk_vring_walk(&rt->vr, head, &rt->g, &rt->chain);
}

#endif /* KVBLK_TESTS_RING_TEST_H */
