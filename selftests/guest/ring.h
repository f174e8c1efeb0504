/* SPDX-License-Identifier: GPL-2.0 */
/* Split virtqueue, driver side (virtio 1.2, 2.7), well-behaved or raw. */
#ifndef KVBLK_TEST_RING_H
#define KVBLK_TEST_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_ring.h>
#include "memory.h"

#define RING_MAX	KVBLK_QUEUE_SIZE_MAX
#define TABLE_MAX	260	/* descriptors in an indirect table */

/* One descriptor of a chain to be. */
struct piece {
	uint64_t gpa;
	uint32_t len;
	bool write;
};

/**
 * struct ring - A split virtqueue
 * @num: Entries.
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated.
 * @table: Guest address of an indirect table for each head, 0 without.
 * @desc_gpa: Guest addresses of the three areas.
 * @avail_gpa: Of the driver area.
 * @used_gpa: Of the device area.
 * @desc: The areas as the test sees them.
 * @avail: The driver area.
 * @used: The device area.
 * @free: First of the free descriptors, chained by their next.
 * @nr_free: How many there are.
 * @avail_idx: What avail->idx is to be after the next publish.
 * @last_used: Next used element to look at.
 * @taken: Descriptors that the chain of each head holds; 0: not in flight.
 */
struct ring {
	uint16_t num;
	bool event_idx;
	uint64_t table;
	uint64_t desc_gpa;
	uint64_t avail_gpa;
	uint64_t used_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t free;
	uint16_t nr_free;
	uint16_t avail_idx;
	uint16_t last_used;
	uint16_t taken[RING_MAX];
};

/* Allocates the three areas. */
void ring_init(struct ring *r, struct memory *m, uint16_t num);

/* Empty again, as after a reset of the device. */
void ring_clear(struct ring *r);

/* Writes a chain's descriptors: its head, or -1 if the ring is full. */
int ring_add(struct ring *r, const struct memory *m, const struct piece *piece,
	     unsigned int nr, bool indirect);

/* Writes descriptor @i as it is told. */
void ring_set(struct ring *r, uint16_t i, uint64_t gpa, uint32_t len,
	      uint16_t flags, uint16_t next);

/* Puts @head into the next avail entry, not yet visible. */
void ring_offer(struct ring *r, uint16_t head);

/* Makes what was offered visible; whether the device wants to be notified. */
bool ring_publish(struct ring *r);

/* Whether a used element waits. */
bool ring_pending(const struct ring *r);

/* Takes a used element and frees its chain; -1: there is none. */
int ring_take(struct ring *r, uint32_t *len);

uint16_t ring_used_idx(const struct ring *r);
uint16_t ring_avail_event(const struct ring *r);
void ring_set_used_event(struct ring *r, uint16_t event);

/* Interrupts wanted for the next element, or not at all. */
void ring_want_interrupt(struct ring *r, bool want);

#endif /* KVBLK_TEST_RING_H */
