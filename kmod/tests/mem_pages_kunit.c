// SPDX-License-Identifier: GPL-2.0
/* Memory that is always there: by physical addresses, and pinned. */
#include <linux/cred.h>
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include "bench_driver.h"

#define NOWHERE		0x1000000000000ULL	/* where no memory is */
#define PINNED		8			/* pages of user memory */

/* ---- by physical addresses ---- */

static int pages_init(struct kunit *test)
{
	int ret = bench_init(test);

	return ret ?: bench_use_pages(test->priv);
}

static u64 page_gpa(unsigned int nr)
{
	return BENCH_GPA + nr * PAGE_SIZE;
}

static void copies_over_pages(struct kunit *test)
{
	struct bench *b = test->priv;
	struct kvblk_mem_reader rd = kvblk_mem_reader(&b->mem, false);
	u64 at = page_gpa(4) - 300;
	u8 from[600], to[600];
	int i;

	for (i = 0; i < sizeof(from); i++)
		from[i] = i * 7;
	KUNIT_EXPECT_EQ(test, 0, kvblk_mem_write(&b->mem, at, from, sizeof(from), false));
	KUNIT_EXPECT_EQ(test, 0, memcmp(b->ram + 4 * PAGE_SIZE - 300, from, sizeof(from)));
	KUNIT_EXPECT_EQ(test, 0, rd.g.read(&rd.g, at, to, sizeof(to)));
	KUNIT_EXPECT_EQ(test, 0, memcmp(from, to, sizeof(to)));
	KUNIT_EXPECT_EQ(test, 0, b->ram[4 * PAGE_SIZE - 301]);
	KUNIT_EXPECT_EQ(test, 0, b->ram[4 * PAGE_SIZE + 300]);
}

static void pieces_are_pages(struct kunit *test)
{
	struct bench *b = test->priv;
	struct kvblk_seg seg = { .gpa = page_gpa(2) + 512, .len = 2 * PAGE_SIZE };
	union kvblk_vec vec[3];
	struct iov_iter iter;
	u64 bits;
	u8 *buf;

	KUNIT_ASSERT_EQ(test, 3, kvblk_mem_vec(&b->mem, &seg, 1, vec, 3, &bits));
	KUNIT_EXPECT_EQ(test, 512, vec[0].bv.bv_offset);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE - 512, vec[0].bv.bv_len);
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, vec[1].bv.bv_len);
	KUNIT_EXPECT_EQ(test, 512, vec[2].bv.bv_len);
	KUNIT_EXPECT_EQ(test, 0, bits & 511);
	KUNIT_EXPECT_NE(test, 0, bits & 512);

	buf = kunit_kmalloc(test, seg.len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(buf, 0x5a, seg.len);
	b->mem.ops->iter(&iter, ITER_DEST, vec, 3, seg.len);
	KUNIT_EXPECT_EQ(test, seg.len, copy_to_iter(buf, seg.len, &iter));
	KUNIT_EXPECT_EQ(test, 0, memcmp(b->ram + 2 * PAGE_SIZE + 512, buf, seg.len));
	KUNIT_EXPECT_EQ(test, 0, b->ram[4 * PAGE_SIZE + 512]);
}

/* All of memory is one region: what is none of it is outside. */
static void identity_map(struct kunit *test)
{
	struct kvblk_mem_region *region = kvmalloc(sizeof(*region), GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct kvblk_seg seg = { .len = 16 };
	struct kvblk_mem mem = {};
	struct kvblk_mem_reader rd;
	union kvblk_vec vec;
	unsigned int bad;
	u8 byte = 7;
	u64 bits;

	KUNIT_ASSERT_NOT_NULL(test, region);
	KUNIT_ASSERT_NOT_NULL(test, page);
	*region = (struct kvblk_mem_region){ .size = U64_MAX };
	KUNIT_ASSERT_EQ(test, 0, kvblk_mem_init_phys(&mem, region, 1, &bad));

	seg.gpa = ((u64)page_to_pfn(page) << PAGE_SHIFT) + 100;
	KUNIT_EXPECT_EQ(test, 0, kvblk_mem_write(&mem, seg.gpa, &byte, 1, false));
	KUNIT_EXPECT_EQ(test, byte, ((u8 *)page_address(page))[100]);
	KUNIT_EXPECT_EQ(test, 1, kvblk_mem_vec(&mem, &seg, 1, &vec, 1, &bits));
	KUNIT_EXPECT_PTR_EQ(test, page, vec.bv.bv_page);

	seg.gpa = NOWHERE;
	rd = kvblk_mem_reader(&mem, true);
	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_mem_write(&mem, NOWHERE, &byte, 1, true));
	KUNIT_EXPECT_EQ(test, -ENXIO, rd.g.read(&rd.g, NOWHERE, &byte, 1));
	KUNIT_EXPECT_EQ(test, -ENXIO, kvblk_mem_vec(&mem, &seg, 1, &vec, 1, &bits));
	kvblk_mem_exit(&mem);
	__free_page(page);
}

static void expect_mapping(struct bench *b, u64 gpa, size_t len, int want)
{
	struct kvblk_mapping map = {};
	u8 *ram = b->ram + (gpa - BENCH_GPA);

	KUNIT_ASSERT_EQ(b->test, want, b->mem.ops->map(&b->mem, gpa, len, &map));
	if (want) {
		KUNIT_EXPECT_NULL(b->test, map.addr);
		return;
	}
	memset(map.addr, 0xa5, len);
	KUNIT_EXPECT_EQ(b->test, 0xa5, ram[0]);
	KUNIT_EXPECT_EQ(b->test, 0xa5, ram[len - 1]);
	KUNIT_EXPECT_EQ(b->test, 0, ram[len]);
	b->mem.ops->unmap(&map);
	KUNIT_EXPECT_NULL(b->test, map.addr);
}

static void maps(struct kunit *test)
{
	struct bench *b = test->priv;

	expect_mapping(b, page_gpa(3) + 64, 100, 0);
	expect_mapping(b, page_gpa(5) + 64, 2 * PAGE_SIZE, 0);
	expect_mapping(b, BENCH_GPA + BENCH_RAM - 16, 32, -ENXIO);
}

static const struct bench_req over_pages[] = {
	{ .type = VIRTIO_BLK_T_IN, .sector = 5, .len = 2 * 512 },
	{ .type = VIRTIO_BLK_T_OUT, .sector = 9, .len = 6 * 512, .pieces = 6 },
	{ .type = VIRTIO_BLK_T_GET_ID, .len = VIRTIO_BLK_ID_BYTES },
	{ .type = VIRTIO_BLK_T_FLUSH },
	/* In two pages. */
	{ .type = VIRTIO_BLK_T_IN, .sector = 1, .len = 8 * 512, .data = BENCH_GPA +
	  BENCH_RING + 60 * BENCH_SLOT - 2048 },
};

/* The engine does not know what its memory is. */
static void serves(struct kunit *test)
{
	struct bench *b = test->priv;
	u16 i;

	bench_start(b, 64, BENCH_INDIRECT);
	for (i = 0; i < ARRAY_SIZE(over_pages); i++) {
		bench_put(b, i, &over_pages[i]);
		bench_kick(b);
		bench_await_used(b, i + 1);
		KUNIT_EXPECT_EQ(test, VIRTIO_BLK_S_OK, slot_status(b, i));
	}
	KUNIT_EXPECT_EQ(test, 0, memcmp(slot_data(b, 0), b->disk.bytes + 5 * 512, 1024));
	KUNIT_EXPECT_EQ(test, 0, memcmp(b->disk.bytes + 9 * 512, slot_data(b, 1), 3072));
	KUNIT_EXPECT_EQ(test, 0, memcmp(slot_data(b, 2), BENCH_SERIAL, VIRTIO_BLK_ID_BYTES));
	KUNIT_EXPECT_EQ(test, 0, memcmp(slot_ram(b, 60) - 2048, b->disk.bytes + 512, 4096));
	bench_stop(b);
}

/* ---- pinned ---- */

static struct kvblk_mem *user_memory(struct kunit *test, unsigned long *uaddr)
{
	struct kvblk_mem *mem = kunit_kzalloc(test, sizeof(*mem), GFP_KERNEL);
	struct kvblk_mem_region *region = kvmalloc_array(2, sizeof(*region), GFP_KERNEL);
	unsigned int bad;
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_NOT_NULL(test, region);
	*uaddr = kunit_vm_mmap(test, NULL, 0, PINNED * PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, 0, *uaddr);
	region[0] = (struct kvblk_mem_region){ 0x100000, 6 * PAGE_SIZE, *uaddr };
	region[1] = (struct kvblk_mem_region){
		0x900000, 2 * PAGE_SIZE, *uaddr + 6 * PAGE_SIZE };
	ret = kvblk_mem_init(mem, &kvblk_mem_user_ops, current->mm, region, 2, &bad);
	KUNIT_ASSERT_EQ(test, 0, ret);
	return mem;
}

static void pins_and_counts(struct kunit *test)
{
	struct mm_struct *mm;
	struct kvblk_mem *mem;
	unsigned long uaddr, locked;
	u8 from[64], to[64];

	mem = user_memory(test, &uaddr);
	mm = mem->mm;
	locked = mm->locked_vm;
	KUNIT_ASSERT_EQ(test, 0, kvblk_mem_pin(mem));
	KUNIT_EXPECT_TRUE(test, mem->ops->present);
	KUNIT_EXPECT_EQ(test, locked + PINNED, mm->locked_vm);
	KUNIT_EXPECT_TRUE(test, kvblk_mem_covers(mem, 0x100000, 6 * PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, kvblk_mem_covers(mem, 0x900000, 2 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, kvblk_mem_covers(mem, 0x100000, 6 * PAGE_SIZE + 1));

	memset(from, 0x3c, sizeof(from));
	KUNIT_EXPECT_EQ(test, 0, kvblk_mem_write(mem, 0x101000 - 32, from, sizeof(from), false));
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(to, (void __user *)(uaddr + PAGE_SIZE - 32), 64));
	KUNIT_EXPECT_EQ(test, 0, memcmp(from, to, sizeof(to)));

	mmgrab(mm);
	kvblk_mem_exit(mem);
	KUNIT_EXPECT_EQ(test, locked, mm->locked_vm);
	mmdrop(mm);
}

static int pin_as_nobody(struct kvblk_mem *mem, unsigned long limit)
{
	struct rlimit *rlim = &current->signal->rlim[RLIMIT_MEMLOCK];
	unsigned long before = rlim->rlim_cur;
	struct cred *cred = prepare_creds();
	const struct cred *old;
	int ret;

	if (!cred)
		return -ENOSPC;
	cap_lower(cred->cap_effective, CAP_IPC_LOCK);
	old = override_creds(cred);
	rlim->rlim_cur = limit;
	ret = kvblk_mem_pin(mem);
	rlim->rlim_cur = before;
	revert_creds(old);
	put_cred(cred);
	return ret;
}

/* One page too many changes nothing; as many as allowed are pinned. */
static void limit_holds(struct kunit *test)
{
	unsigned long uaddr, locked;
	struct kvblk_mem *mem;

	mem = user_memory(test, &uaddr);
	locked = mem->mm->locked_vm;
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			pin_as_nobody(mem, (locked + PINNED - 1) * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, locked, mem->mm->locked_vm);
	KUNIT_EXPECT_FALSE(test, mem->ops->present);
	KUNIT_EXPECT_EQ(test, 0, pin_as_nobody(mem, (locked + PINNED) * PAGE_SIZE));
	kvblk_mem_exit(mem);
}

/* Part of it is no memory: nothing stays pinned or counted. */
static void hole_is_refused(struct kunit *test)
{
	unsigned long uaddr, locked;
	struct kvblk_mem *mem;

	mem = user_memory(test, &uaddr);
	locked = mem->mm->locked_vm;
	mem->region[1].host = 0x1000;
	KUNIT_EXPECT_EQ(test, -EFAULT, kvblk_mem_pin(mem));
	KUNIT_EXPECT_EQ(test, locked, mem->mm->locked_vm);
	KUNIT_EXPECT_EQ(test, 0, mem->locked);
	KUNIT_EXPECT_FALSE(test, mem->ops->present);
	kvblk_mem_exit(mem);
}

static struct kunit_case mem_pages_cases[] = {
	KUNIT_CASE(copies_over_pages),
	KUNIT_CASE(pieces_are_pages),
	KUNIT_CASE(identity_map),
	KUNIT_CASE(maps),
	KUNIT_CASE(serves),
	KUNIT_CASE(pins_and_counts),
	KUNIT_CASE(limit_holds),
	KUNIT_CASE(hole_is_refused),
	{}
};

static struct kunit_suite mem_pages_suite = {
	.name = "kvblk_mem_pages",
	.init = pages_init,
	.exit = bench_exit,
	.test_cases = mem_pages_cases,
};

kunit_test_suite(mem_pages_suite);
