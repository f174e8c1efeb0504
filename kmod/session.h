/* SPDX-License-Identifier: GPL-2.0 */
/* One attachment of a VMM to a disk. */
#ifndef KVBLK_SESSION_H
#define KVBLK_SESSION_H

#include <linux/kref.h>
#include <linux/wait.h>
#include "disk.h"
#include "hook.h"
#include "mmio.h"
#include "queue.h"

/**
 * struct kvblk_session - One attachment
 *
 * @ref: Held by the descriptor, by the attachment to the disk, by @finish while
 *	it is queued, and by who waits for a pause.
 * @disk: With a reference; its lock guards what follows.
 * @opener: Process that opened it.
 * @owner: Its control groups.
 * @page: The register window.
 * @mmio: Registers.
 * @mem: Guest memory; empty until it is set.
 * @kick: Driver notification.
 * @ack: Interrupt acknowledgment.
 * @irq: The device's interrupt, or NULL.
 * @starting: From DRIVER_OK until the rings are mapped, or cannot be.
 * @resetting: From a reset until its last I/O has ended.
 * @paused: Held still by the VMM.
 * @closing: The descriptor is gone; ends with the last I/O.
 *
 * @queue: The engine.
 * @finish: Ends a reset or the session when nothing is in flight.
 * @wait: For the end of either, and for a paused queue to be quiet.
 */
struct kvblk_session {
	struct kref ref;
	struct kvblk_disk *disk;
	struct pid *opener;
	struct kvblk_owner owner;
	struct page *page;
	struct kvblk_mmio mmio;
	struct kvblk_mem mem;
	struct kvblk_hook kick;
	struct kvblk_hook ack;
	struct eventfd_ctx *irq;
	bool starting;
	bool resetting;
	bool paused;
	bool closing;

	struct kvblk_queue queue;
	struct work_struct finish;
	wait_queue_head_t wait;
};

int kvblk_sessions_init(void);
void kvblk_sessions_exit(void);	/* after the last session has ended */

/**
 * kvblk_session_open - Attach to a disk
 * @disk: The disk.
 *
 * Return: the session; ERR_PTR of -EBUSY if the disk has one, or one whose I/O has
 * not ended; -ENODEV if the disk is being removed; -ENOMEM.
 */
struct kvblk_session *kvblk_session_open(struct kvblk_disk *disk);

static inline void kvblk_session_get(struct kvblk_session *s)
{
	kref_get(&s->ref);
}

void kvblk_session_put(struct kvblk_session *s);

/* Detach; returns when the I/O has ended or after KVBLK_DRAIN_MS. */
void kvblk_session_close(struct kvblk_session *s);

#define KVBLK_DRAIN_MS	1000

/**
 * kvblk_session_set_mem - Replace the memory map
 * @s: The session.
 * @region: Allocated by kvmalloc; taken over on success.
 * @nr: Its elements; 0 for none.
 * @bad: As for kvblk_mem_init().
 *
 * Return: 0, -EBUSY while queues run or drain, -EEXIST.
 */
int kvblk_session_set_mem(struct kvblk_session *s,
			  struct kvblk_mem_region *region, unsigned int nr,
			  unsigned int *bad);

/* Bind an eventfd; @fd -1 unbinds. 0, -EBUSY, -EBADF, -EINVAL. */
int kvblk_session_bind_kick(struct kvblk_session *s, int fd);
int kvblk_session_bind_ack(struct kvblk_session *s, int fd);
int kvblk_session_bind_irq(struct kvblk_session *s, int fd);

/*
 * A register write of the guest. A reset waits at most KVBLK_DRAIN_MS; DRIVER_OK as long as
 * the pages of the rings take to come.
 */
void kvblk_session_write(struct kvblk_session *s, u32 offset, u32 len, u64 value);

/* Whether the caller may act on this session's memory. */
bool kvblk_session_allows(const struct kvblk_session *s);

/* enum kvblk_disk_state of @disk; its lock is held. */
u32 kvblk_session_state(const struct kvblk_disk *disk);

#endif /* KVBLK_SESSION_H */
