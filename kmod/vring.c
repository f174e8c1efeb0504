// SPDX-License-Identifier: GPL-2.0
/* Split virtqueue, device side: take chains, give them back, ask for notice. */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include "vring.h"

/* VERSION_1 is always negotiated, hence everything is little-endian (2.7). */
static u16 get16(__virtio16 v)
{
	return le16_to_cpu((__force __le16)v);
}

static u32 get32(__virtio32 v)
{
	return le32_to_cpu((__force __le32)v);
}

static u64 get64(__virtio64 v)
{
	return le64_to_cpu((__force __le64)v);
}

static __virtio16 put16(u16 v)
{
	return (__force __virtio16)cpu_to_le16(v);
}

static __virtio32 put32(u32 v)
{
	return (__force __virtio32)cpu_to_le32(v);
}

size_t kvblk_vring_desc_size(u16 num)
{
	return sizeof(struct vring_desc) * num;
}

/* flags, idx, the entries, used_event */
size_t kvblk_vring_avail_size(u16 num)
{
	return sizeof(struct vring_avail) + sizeof(__virtio16) * (num + 1);
}

/* flags, idx, the elements, avail_event */
size_t kvblk_vring_used_size(u16 num)
{
	return sizeof(struct vring_used) +
	       sizeof(struct vring_used_elem) * num + sizeof(__virtio16);
}

static u16 used_event(const struct kvblk_vring *vr)
{
	return get16(READ_ONCE(vr->avail->ring[vr->num]));
}

static void set_avail_event(struct kvblk_vring *vr, u16 event)
{
	__virtio16 *where = (__virtio16 *)&vr->used->ring[vr->num];

	WRITE_ONCE(*where, put16(event));
}

int kvblk_vring_peek(struct kvblk_vring *vr, u16 *head)
{
	u16 ahead, entry;

	/*
	 * Pairs with the driver's write barrier between filling descriptors
	 * and ring entry and moving avail->idx (2.7.13.3).
	 */
	ahead = get16(smp_load_acquire(&vr->avail->idx)) - vr->next_avail;
	if (!ahead)
		return 0;
	if (ahead > vr->num)
		return -ERANGE;

	entry = vr->next_avail & (vr->num - 1);
	*head = get16(READ_ONCE(vr->avail->ring[entry]));
	return *head < vr->num ? 1 : -EINVAL;
}

u16 kvblk_vring_end(const struct kvblk_vring *vr)
{
	return get16(READ_ONCE(vr->avail->idx));
}

void kvblk_vring_advance(struct kvblk_vring *vr)
{
	vr->next_avail++;
}

/* A descriptor by value, in the byte order of the host. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

#define TABLE_WINDOW	16

/* An indirect table, seen through a window that follows the chain. */
struct table {
	const struct kvblk_guest *g;
	u64 gpa;
	u32 num;
	u32 first;
	u32 have;
	struct vring_desc window[TABLE_WINDOW];
};

static void desc_copy(struct desc *d, const struct vring_desc *from)
{
	d->addr = get64(READ_ONCE(from->addr));
	d->len = get32(READ_ONCE(from->len));
	d->flags = get16(READ_ONCE(from->flags));
	d->next = get16(READ_ONCE(from->next));
}

static int ring_get(const struct kvblk_vring *vr, u16 i, struct desc *d)
{
	if (i >= vr->num)
		return -EINVAL;
	desc_copy(d, &vr->desc[i]);
	return 0;
}

static int table_get(struct table *t, u16 i, struct desc *d)
{
	const u32 size = sizeof(t->window[0]);
	int err;

	if (i >= t->num)
		return -EINVAL;
	if (i - t->first >= t->have) {
		t->first = i;
		t->have = min_t(u32, t->num - i, TABLE_WINDOW);
		err = t->g->read(t->g, t->gpa + (u64)size * i, t->window,
				 size * t->have);
		if (err)
			return err;
	}
	desc_copy(d, &t->window[i - t->first]);
	return 0;
}

static int table_open(const struct kvblk_vring *vr, const struct desc *d,
		      const struct kvblk_guest *g, struct table *t)
{
	const u32 size = sizeof(t->window[0]);
	u64 end;

	if (!vr->indirect || d->flags & VRING_DESC_F_NEXT)
		return -EINVAL;
	if (d->len % size || d->len / size > vr->num)
		return -EINVAL;
	if (check_add_overflow(d->addr, (u64)d->len, &end))
		return -EINVAL;
	t->g = g;
	t->gpa = d->addr;
	t->num = d->len / size;
	t->first = 0;
	t->have = 0;
	return 0;
}

/* The bound on pieces also ends a loop of descriptors. */
static int chain_add(struct kvblk_chain *chain, u16 bound, const struct desc *d)
{
	bool write = d->flags & VRING_DESC_F_WRITE;
	u16 nr = chain->nr_out + chain->nr_in;
	u64 end;

	if (nr >= bound || (chain->nr_in && !write))
		return -EINVAL;
	if (check_add_overflow(d->addr, (u64)d->len, &end))
		return -EINVAL;
	chain->seg[nr].gpa = d->addr;
	chain->seg[nr].len = d->len;
	if (write) {
		chain->nr_in++;
		chain->in_bytes += d->len;
	} else {
		chain->nr_out++;
		chain->out_bytes += d->len;
	}
	return 0;
}

static int walk_table(struct table *t, u16 bound, struct kvblk_chain *chain)
{
	struct desc d = { .next = 0 };
	int err;

	do {
		err = table_get(t, d.next, &d);
		if (err)
			return err;
		if (d.flags & VRING_DESC_F_INDIRECT)
			return -EINVAL;
		err = chain_add(chain, bound, &d);
		if (err)
			return err;
	} while (d.flags & VRING_DESC_F_NEXT);
	return 0;
}

int kvblk_vring_walk(const struct kvblk_vring *vr, u16 head,
		     const struct kvblk_guest *g, struct kvblk_chain *chain)
{
	u16 bound = min(vr->num, chain->max);
	struct desc d = { .next = head };
	struct table t;
	int err;

	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_bytes = 0;
	chain->in_bytes = 0;
	do {
		err = ring_get(vr, d.next, &d);
		if (err)
			return err;
		/* The last of a chain, whose WRITE says nothing (2.7.5.3). */
		if (d.flags & VRING_DESC_F_INDIRECT) {
			err = table_open(vr, &d, g, &t);
			return err ?: walk_table(&t, bound, chain);
		}
		err = chain_add(chain, bound, &d);
		if (err)
			return err;
	} while (d.flags & VRING_DESC_F_NEXT);
	return 0;
}

void kvblk_vring_push(struct kvblk_vring *vr, u16 head, u32 len)
{
	u16 entry = vr->next_used & (vr->num - 1);
	struct vring_used_elem *elem = &vr->used->ring[entry];

	WRITE_ONCE(elem->id, put32(head));
	WRITE_ONCE(elem->len, put32(len));
	vr->next_used++;
}

bool kvblk_vring_publish(struct kvblk_vring *vr)
{
	u16 old = vr->published;
	u16 flags;

	if (old == vr->next_used)
		return false;
	vr->published = vr->next_used;

	/*
	 * Status, data and elements come first: pairs with the driver's read
	 * barrier between used->idx and the element (2.7.14).
	 */
	smp_store_release(&vr->used->idx, put16(vr->published));
	/*
	 * Pairs with the driver's full barrier between writing used_event or
	 * avail->flags and looking at used->idx again: one side sees the other.
	 */
	smp_mb();
	if (vr->event_idx)
		return vring_need_event(used_event(vr), vr->published, old);
	flags = get16(READ_ONCE(vr->avail->flags));
	return !(flags & VRING_AVAIL_F_NO_INTERRUPT);
}

/* With EVENT_IDX flags stay 0 (2.7.10.2); an event that has passed keeps quiet. */
void kvblk_vring_disable_notify(struct kvblk_vring *vr)
{
	if (vr->event_idx)
		set_avail_event(vr, vr->next_avail - 1);
	else
		WRITE_ONCE(vr->used->flags, put16(VRING_USED_F_NO_NOTIFY));
}

/* Whether there is no notification to be expected for the chain after @more. */
static bool vring_has_passed(const struct kvblk_vring *vr, u16 more)
{
	/*
	 * Pairs with the driver's full barrier between moving avail->idx and
	 * reading avail_event or used->flags: it notifies or we see its chain.
	 */
	smp_mb();
	return (u16)(kvblk_vring_end(vr) - vr->next_avail) > more;
}

bool kvblk_vring_enable_notify(struct kvblk_vring *vr)
{
	if (vr->event_idx)
		set_avail_event(vr, vr->next_avail);
	else
		WRITE_ONCE(vr->used->flags, 0);
	return vring_has_passed(vr, 0);
}

bool kvblk_vring_notify_after(struct kvblk_vring *vr, u16 more)
{
	set_avail_event(vr, vr->next_avail + more);
	return vring_has_passed(vr, more);
}
