/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Split virtqueue, device side (virtio 1.2, 2.7), on memory mapped into the kernel.
 *
 * No locks: one owner, the worker, for the available side; one at a time for the used
 * side (push, publish). The driver writes desc and avail at any time:
 * every value is read once.
 */
#ifndef KVBLK_VRING_H
#define KVBLK_VRING_H

#include <linux/types.h>
#include <linux/virtio_ring.h>
#include "guest.h"

/**
 * struct kvblk_vring - A split virtqueue
 * @num: Entries, a power of two.
 * @event_idx: VIRTIO_RING_F_EVENT_IDX was negotiated.
 * @indirect: VIRTIO_RING_F_INDIRECT_DESC was negotiated.
 * @desc: Descriptor table, 16 * num bytes.
 * @avail: Driver area, 6 + 2 * num bytes.
 * @used: Device area, 6 + 8 * num bytes.
 * @next_avail: Next entry of @avail to take.
 * @next_used: Next entry of @used to fill; not yet visible to the driver.
 * @published: Value of used->idx the driver sees.
 */
struct kvblk_vring {
	u16 num;
	bool event_idx;
	bool indirect;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	u16 next_avail;
	u16 next_used;
	u16 published;
};

/* Bytes of the three areas (2.7). */
size_t kvblk_vring_desc_size(u16 num);
size_t kvblk_vring_avail_size(u16 num);
size_t kvblk_vring_used_size(u16 num);

/**
 * kvblk_vring_peek - Look at the next available chain without taking it
 * @vr: The ring.
 * @head: Where to store the index of its first descriptor.
 *
 * Return: 1 and @head; 0 if there is none; -ERANGE if avail->idx is more than the
 * ring ahead; -EINVAL if the entry is no index of the table.
 */
int kvblk_vring_peek(struct kvblk_vring *vr, u16 *head);

/* Where the driver will put its next chain, as it says now; may be any number. */
u16 kvblk_vring_end(const struct kvblk_vring *vr);

/* Take the chain that kvblk_vring_peek() found. */
void kvblk_vring_advance(struct kvblk_vring *vr);

/**
 * kvblk_vring_walk - Copy a chain out of the ring
 * @vr: The ring.
 * @head: Index of the first descriptor, below @vr->num.
 * @g: Reader for an indirect table.
 * @chain: @seg and @max given; the rest is filled.
 *
 * Every descriptor is read once. More descriptors than @vr->num (a loop, 2.7.5.3.1)
 * or than @chain->max, an index outside its table, an address that wraps, a
 * readable piece behind a writable one (2.7.4.2), unknown nesting, an indirect table that
 * is empty, not a multiple of 16 bytes, larger than @vr->num entries, or not negotiated:
 * none of these is ever cut short or guessed.
 *
 * Return: 0, -EINVAL for a malformed chain, or the error of @g->read.
 */
int kvblk_vring_walk(const struct kvblk_vring *vr, u16 head,
		     const struct kvblk_guest *g, struct kvblk_chain *chain);

/* Fill the next used element; the driver sees it at the next publish. */
void kvblk_vring_push(struct kvblk_vring *vr, u16 head, u32 len);

/**
 * kvblk_vring_publish - Show all pushed elements to the driver
 * @vr: The ring.
 *
 * Return: whether the driver wants an interrupt for what was published since the
 * last call (EVENT_IDX, else NO_INTERRUPT). False if nothing was pushed.
 */
bool kvblk_vring_publish(struct kvblk_vring *vr);

/* Ask the driver not to notify. A hint: kicks may still come. */
void kvblk_vring_disable_notify(struct kvblk_vring *vr);

/**
 * kvblk_vring_enable_notify - Ask the driver to notify of the next chain
 * @vr: The ring.
 *
 * Return: true if a chain came in the meantime and no notification may follow:
 * the caller looks at the ring again.
 */
bool kvblk_vring_enable_notify(struct kvblk_vring *vr);

/**
 * kvblk_vring_notify_after - Ask the driver to notify when it has made several chains available
 * @vr: A ring with VIRTIO_RING_F_EVENT_IDX.
 * @more: Of so many it need not notify, of the next it must (2.7.10); below @vr->num.
 *
 * Return: true if more than these are there already: the caller looks at the ring again.
 */
bool kvblk_vring_notify_after(struct kvblk_vring *vr, u16 more);

#endif /* KVBLK_VRING_H */
