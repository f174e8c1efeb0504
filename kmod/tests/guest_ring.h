/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The driver's side of a split virtqueue, for tests. Memory is one piece; its
 * guest physical addresses begin where the test says. Nothing is checked: tests
 * also build what no driver should.
 */
#ifndef KVBLK_TESTS_GUEST_RING_H
#define KVBLK_TESTS_GUEST_RING_H

#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/virtio_ring.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

/**
 * struct guest_ring - A queue as its driver sees it
 * @num: Entries.
 * @desc: Descriptor table.
 * @avail: Driver area.
 * @used: Device area.
 * @avail_idx: Value of avail->idx.
 * @used_idx: Next used element to look at.
 */
struct guest_ring {
	u16 num;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 avail_idx;
	u16 used_idx;
};

/* A descriptor in the byte order of the host. */
struct guest_desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/* Offsets of the areas behind the descriptor table, and of their end. */
static inline size_t guest_ring_avail_offset(u16 num)
{
	return sizeof(struct vring_desc) * num;
}

static inline size_t guest_ring_used_offset(u16 num)
{
	size_t end = guest_ring_avail_offset(num) + 2 * (3 + (size_t)num);

	return (end + VRING_USED_ALIGN_SIZE - 1) &
	       ~(size_t)(VRING_USED_ALIGN_SIZE - 1);
}

static inline size_t guest_ring_bytes(u16 num)
{
	return guest_ring_used_offset(num) +
	       sizeof(struct vring_used_elem) * num + 3 * 2;
}

/* @mem: guest_ring_bytes(@num) zeroed bytes, 16-byte aligned. */
static inline void guest_ring_init(struct guest_ring *r, void *mem, u16 num)
{
	memset(r, 0, sizeof(*r));
	r->num = num;
	r->desc = mem;
	r->avail = mem + guest_ring_avail_offset(num);
	r->used = mem + guest_ring_used_offset(num);
}

static inline void guest_desc_write(struct vring_desc *to,
				    const struct guest_desc *d)
{
	to->addr = (__force __virtio64)cpu_to_le64(d->addr);
	to->len = (__force __virtio32)cpu_to_le32(d->len);
	to->flags = (__force __virtio16)cpu_to_le16(d->flags);
	to->next = (__force __virtio16)cpu_to_le16(d->next);
}

/* Descriptors @first, @first + 1, ...: each leads to the next, the last ends. */
static inline void guest_ring_chain(struct guest_ring *r, u16 first,
				    const struct guest_desc *d, u16 nr)
{
	struct guest_desc one;
	u16 i;

	for (i = 0; i < nr; i++) {
		one = d[i];
		one.next = first + i + 1;
		if (i + 1 < nr)
			one.flags |= VRING_DESC_F_NEXT;
		guest_desc_write(&r->desc[first + i], &one);
	}
}

static inline void guest_ring_set_avail_idx(struct guest_ring *r, u16 idx)
{
	r->avail_idx = idx;
	/* Entries first: pairs with the acquire in kvblk_vring_peek(). */
	smp_store_release(&r->avail->idx, (__force __virtio16)cpu_to_le16(idx));
}

/* Begin as if @idx chains had gone through the ring already. */
static inline void guest_ring_start_at(struct guest_ring *r, u16 idx)
{
	guest_ring_set_avail_idx(r, idx);
	r->used->idx = (__force __virtio16)cpu_to_le16(idx);
	r->used_idx = idx;
}

static inline void guest_ring_offer(struct guest_ring *r, u16 head)
{
	u16 entry = r->avail_idx & (r->num - 1);

	r->avail->ring[entry] = (__force __virtio16)cpu_to_le16(head);
	guest_ring_set_avail_idx(r, r->avail_idx + 1);
}

static inline void guest_ring_set_avail_flags(struct guest_ring *r, u16 flags)
{
	WRITE_ONCE(r->avail->flags, (__force __virtio16)cpu_to_le16(flags));
}

static inline void guest_ring_set_used_event(struct guest_ring *r, u16 event)
{
	WRITE_ONCE(r->avail->ring[r->num],
		   (__force __virtio16)cpu_to_le16(event));
}

static inline u16 guest_ring_avail_event(const struct guest_ring *r)
{
	const __le16 *event = (const __le16 *)&r->used->ring[r->num];

	return le16_to_cpu(READ_ONCE(*event));
}

static inline u16 guest_ring_used_flags(const struct guest_ring *r)
{
	return le16_to_cpu((__force __le16)READ_ONCE(r->used->flags));
}

static inline u16 guest_ring_used_idx(const struct guest_ring *r)
{
	/* Pairs with the release in kvblk_vring_publish(). */
	return le16_to_cpu((__force __le16)smp_load_acquire(&r->used->idx));
}

/* Takes the next used element; false if there is none. */
static inline bool guest_ring_take(struct guest_ring *r, u32 *id, u32 *len)
{
	const struct vring_used_elem *e;

	if (r->used_idx == guest_ring_used_idx(r))
		return false;
	e = &r->used->ring[r->used_idx & (r->num - 1)];
	*id = le32_to_cpu((__force __le32)READ_ONCE(e->id));
	*len = le32_to_cpu((__force __le32)READ_ONCE(e->len));
	r->used_idx++;
	return true;
}

#endif /* KVBLK_TESTS_GUEST_RING_H */
