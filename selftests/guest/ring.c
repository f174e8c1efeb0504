// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "harness.h"
#include "ring.h"

static uint16_t load16(const uint16_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* flags, idx, the entries, used_event */
static uint64_t avail_size(uint16_t num)
{
	return 6 + 2 * num;
}

/* flags, idx, the elements, avail_event */
static uint64_t used_size(uint16_t num)
{
	return 6 + 8 * num;
}

void ring_init(struct ring *r, struct memory *m, uint16_t num)
{
	uint64_t page = KVBLK_PAGE_SIZE;

	memset(r, 0, sizeof(*r));
	r->num = num;
	r->desc_gpa = memory_alloc(m, 16 * num, page);
	r->avail_gpa = memory_alloc(m, avail_size(num), page);
	r->used_gpa = memory_alloc(m, used_size(num), page);
	r->table = memory_alloc(m, 16ULL * TABLE_MAX * num, page);
	r->desc = memory_at(m, r->desc_gpa, 16 * num);
	r->avail = memory_at(m, r->avail_gpa, avail_size(num));
	r->used = memory_at(m, r->used_gpa, used_size(num));
	ring_clear(r);
}

void ring_clear(struct ring *r)
{
	uint16_t i;

	memset(r->desc, 0, 16 * r->num);
	memset(r->avail, 0, avail_size(r->num));
	memset(r->used, 0, used_size(r->num));
	memset(r->taken, 0, sizeof(r->taken));
	for (i = 0; i < r->num; i++)
		r->desc[i].next = i + 1;
	r->free = 0;
	r->nr_free = r->num;
	r->avail_idx = 0;
	r->last_used = 0;
}

static void write_desc(struct vring_desc *d, const struct piece *p,
		       bool more, uint16_t next)
{
	d->addr = p->gpa;
	d->len = p->len;
	d->flags = (p->write ? VRING_DESC_F_WRITE : 0) |
		   (more ? VRING_DESC_F_NEXT : 0);
	d->next = next;
}

static int add_direct(struct ring *r, const struct piece *piece,
		      unsigned int nr)
{
	uint16_t head = r->free;
	uint16_t i = head;
	unsigned int n;

	if (r->nr_free < nr)
		return -1;
	for (n = 0; n < nr; n++) {
		r->free = r->desc[i].next;
		write_desc(&r->desc[i], &piece[n], n + 1 < nr, r->free);
		i = r->free;
	}
	r->nr_free -= nr;
	r->taken[head] = nr;
	return head;
}

static int add_indirect(struct ring *r, const struct memory *m,
			const struct piece *piece, unsigned int nr)
{
	struct vring_desc *table;
	uint16_t head = r->free;
	unsigned int n;
	uint64_t gpa;

	if (!r->nr_free)
		return -1;
	ASSERT_LE(nr, TABLE_MAX);
	gpa = r->table + 16ULL * TABLE_MAX * head;
	table = memory_at(m, gpa, 16 * TABLE_MAX);
	for (n = 0; n < nr; n++)
		write_desc(&table[n], &piece[n], n + 1 < nr, n + 1);
	r->free = r->desc[head].next;
	r->nr_free--;
	r->desc[head].addr = gpa;
	r->desc[head].len = 16 * nr;
	r->desc[head].flags = VRING_DESC_F_INDIRECT;
	r->taken[head] = 1;
	return head;
}

int ring_add(struct ring *r, const struct memory *m, const struct piece *piece,
	     unsigned int nr, bool indirect)
{
	if (indirect)
		return add_indirect(r, m, piece, nr);
	return add_direct(r, piece, nr);
}

void ring_set(struct ring *r, uint16_t i, uint64_t gpa, uint32_t len,
	      uint16_t flags, uint16_t next)
{
	r->desc[i] = (struct vring_desc) {
		.addr = gpa,
		.len = len,
		.flags = flags,
		.next = next,
	};
}

void ring_offer(struct ring *r, uint16_t head)
{
	r->avail->ring[r->avail_idx++ & (r->num - 1)] = head;
}

uint16_t ring_avail_event(const struct ring *r)
{
	return load16((const uint16_t *)&r->used->ring[r->num]);
}

bool ring_publish(struct ring *r)
{
	uint16_t old = r->avail->idx;

	/* Descriptors and entries come before the index (2.7.13.3). */
	__atomic_store_n(&r->avail->idx, r->avail_idx, __ATOMIC_RELEASE);
	/* The index comes before the device's wish is read (2.7.13.4). */
	__sync_synchronize();
	if (r->event_idx)
		return vring_need_event(ring_avail_event(r), r->avail_idx, old);
	return !(load16(&r->used->flags) & VRING_USED_F_NO_NOTIFY);
}

uint16_t ring_used_idx(const struct ring *r)
{
	return load16(&r->used->idx);
}

bool ring_pending(const struct ring *r)
{
	return ring_used_idx(r) != r->last_used;
}

static void free_chain(struct ring *r, uint16_t head)
{
	uint16_t last = head;
	unsigned int n;

	for (n = 1; n < r->taken[head]; n++)
		last = r->desc[last].next;
	r->desc[last].next = r->free;
	r->free = head;
	r->nr_free += r->taken[head];
	r->taken[head] = 0;
}

int ring_take(struct ring *r, uint32_t *len)
{
	const struct vring_used_elem *elem;
	uint32_t head;

	if (!ring_pending(r))
		return -1;
	elem = &r->used->ring[r->last_used & (r->num - 1)];
	head = elem->id;
	*len = elem->len;
	if (head >= r->num || !r->taken[head])
		DIE("used element %u names %u, not in flight", r->last_used,
		    head);
	r->last_used++;
	free_chain(r, head);
	return head;
}

void ring_set_used_event(struct ring *r, uint16_t event)
{
	__atomic_store_n(&r->avail->ring[r->num], event, __ATOMIC_RELEASE);
	/* The wish comes before another look at the used index (2.7.7.1). */
	__sync_synchronize();
}

void ring_want_interrupt(struct ring *r, bool want)
{
	if (r->event_idx) {
		/* Half the range ahead is never reached. */
		ring_set_used_event(r, r->last_used + (want ? 0 : 0x8000));
		return;
	}
	__atomic_store_n(&r->avail->flags,
			 want ? 0 : VRING_AVAIL_F_NO_INTERRUPT,
			 __ATOMIC_RELEASE);
	__sync_synchronize();
}
