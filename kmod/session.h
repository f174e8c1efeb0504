/* SPDX-License-Identifier: GPL-2.0 */
/* One attachment of a front end to a disk. */
#ifndef KVBLK_SESSION_H
#define KVBLK_SESSION_H

#include <linux/kref.h>
#include <linux/wait.h>
#include "disk.h"
#include "mmio.h"
#include "queue.h"
#include "worker.h"

struct kvblk_session;

/**
 * struct kvblk_front - What a session asks of its front end
 * @owner: Its module; held as long as the session.
 * @shared: Opened by somebody who does not use it: see kvblk_session_adopt().
 * @transport: Feature bits it offers beyond those of the disk.
 * @queue_size: Largest ring if that of the disk is smaller, for VMMs that do not ask; or 0.
 * @size_any: Data segments may have any length, for VMMs that do not heed SIZE_MAX.
 * @used: Elements were published in queue @vq; @interrupt: the driver wants to be told.
 *	May not sleep.
 * @config: The device needs a reset: tell the driver by a configuration interrupt. May
 *	not sleep.
 * @unanswered: Whether the driver has not answered the last interrupt of queue @vq;
 *	false if that cannot be known. May not sleep.
 * @free: The session is gone, and calls none of these any more.
 */
struct kvblk_front {
	struct module *owner;
	bool shared;
	u64 transport;
	u16 queue_size;
	bool size_any;
	void (*used)(void *front, unsigned int vq, bool interrupt);
	void (*config)(void *front);
	bool (*unanswered)(void *front, unsigned int vq);
	void (*free)(void *front);
};

/**
 * struct kvblk_vq - A queue of a session
 * @session: The session.
 * @queue: The engine.
 */
struct kvblk_vq {
	struct kvblk_session *session;
	struct kvblk_queue queue;
};

/**
 * struct kvblk_session - One attachment
 *
 * @ref: Held by the front end, by the attachment to the disk, by @finish while it is
 *	queued, and by who waits for a pause.
 * @disk: With a reference; its lock guards what follows.
 * @geo: Of the disk, as the front end shows it.
 * @ops: Of the front end, with a reference to its module.
 * @front: For @ops.
 * @opener: Process that opened or adopted it, or NULL.
 * @owner: Its control groups; immutable while a queue runs.
 * @page: The register window.
 * @mmio: Registers.
 * @mem: Guest memory; empty until it is set.
 * @next_mem: Replaces @mem when the queues have stopped.
 * @has_next: There is one.
 * @drain_ms: How long a reset, the end of the session and a change of memory wait.
 *
 * @starting: From DRIVER_OK until the rings are mapped, or cannot be.
 * @mapped: The rings are mapped.
 * @resetting: From a reset until its last I/O has ended.
 * @paused: Held still by the front end.
 * @remapping: Held still to change @mem.
 * @closing: The front end has gone; ends with the last I/O.
 *
 * @worker: Threads, room for one for each queue.
 * @nr_workers: How many there are; belongs to who has set the disk's @manning.
 * @finish: Ends a reset or the session when nothing is in flight.
 * @wait: For the end of either, and for paused queues to be quiet.
 * @nr_vqs: Number of queues.
 * @vq: The queues.
 */
struct kvblk_session {
	struct kref ref;
	struct kvblk_disk *disk;
	struct kvblk_geometry geo;
	const struct kvblk_front *ops;
	void *front;
	struct pid *opener;
	struct kvblk_owner owner;
	struct page *page;
	struct kvblk_mmio mmio;
	struct kvblk_mem mem;
	struct kvblk_mem next_mem;
	bool has_next;
	u32 drain_ms;

	bool starting;
	bool mapped;
	bool resetting;
	bool paused;
	bool remapping;
	bool closing;

	struct kvblk_worker *worker;
	unsigned int nr_workers;
	struct work_struct finish;
	wait_queue_head_t wait;
	unsigned int nr_vqs;
	struct kvblk_vq vq[];
};

#define KVBLK_DRAIN_MS	1000	/* unless the front end says otherwise */

int kvblk_sessions_init(void);
void kvblk_sessions_exit(void);	/* after the last session has ended */

/**
 * kvblk_session_open - Attach to a disk
 * @disk: The disk.
 * @ops: Of the front end.
 * @front: For @ops; @ops->free gets it in the end, also when this fails.
 *
 * Return: the session; ERR_PTR of -EBUSY if the disk has one, or one whose I/O has
 * not ended, or if its workers change at this moment; -ENODEV if the disk is
 * being removed; -ENOMEM.
 */
struct kvblk_session *kvblk_session_open(struct kvblk_disk *disk,
					 const struct kvblk_front *ops, void *front);

static inline void kvblk_session_get(struct kvblk_session *s)
{
	kref_get(&s->ref);
}

void kvblk_session_put(struct kvblk_session *s);

/* Detach; returns when the I/O has ended or after @s->drain_ms. Kicks have ended before. */
void kvblk_session_close(struct kvblk_session *s);

/**
 * kvblk_session_adopt - The calling process is the one that uses the session
 * @s: Does nothing if its I/O has not ended.
 *
 * What it costs is the caller's from now on, until the next one adopts it. The front end's
 * calls do not overlap. Waits for a pass of the worker and for RCU.
 *
 * Return: 0 or -errno.
 */
int kvblk_session_adopt(struct kvblk_session *s);

/* The process that has adopted @s goes: nothing of @s is left in its control groups. */
void kvblk_session_abandon(struct kvblk_session *s);

/* Between session.c, life.c and remap.c. */
void kvblk_session_needs_reset(struct kvblk_session *s);
void kvblk_session_stop(struct kvblk_session *s);	/* all queues */
void kvblk_session_finish_soon(struct kvblk_session *s);
void kvblk_session_finish(struct work_struct *work);

/* Whether memory and interrupts may change: the engine does not use them. */
bool kvblk_session_is_set_up(const struct kvblk_session *s);

/* Whether no queue of @s runs or drains. */
bool kvblk_session_idle(const struct kvblk_session *s);

/* Whether no queue of a paused @s touches anything of the guest any more. */
bool kvblk_session_quiet(const struct kvblk_session *s);

/**
 * kvblk_session_set_mem - Replace the memory map of a session that does not run
 * @s: The session.
 * @mem: Taken over on success.
 *
 * Return: 0, or -EBUSY while queues run or drain.
 */
int kvblk_session_set_mem(struct kvblk_session *s, struct kvblk_mem *mem);

/**
 * kvblk_session_remap - Replace the memory map of a session that may run
 * @s: The session.
 * @mem: Taken over.
 *
 * The queues are held still, their I/O ends, then they go on with the new map. If the
 * I/O does not end within @s->drain_ms, or a ring lies elsewhere in the new map, the
 * device needs a reset; until the I/O has ended the old map is kept for it.
 */
void kvblk_session_remap(struct kvblk_session *s, struct kvblk_mem *mem);

/* Limits have changed: requests that wait for tokens may go. */
void kvblk_session_retry(struct kvblk_session *s);

/* The driver notified queue @vq: any context. */
void kvblk_session_kick(struct kvblk_session *s, unsigned int vq);

/* The same as kvblk_queue_kick_here(). */
void kvblk_session_kick_here(struct kvblk_session *s, unsigned int vq);

/*
 * A register write of the guest. A reset waits at most @s->drain_ms; DRIVER_OK as long as
 * the pages of the rings take to come.
 */
void kvblk_session_write(struct kvblk_session *s, u32 offset, u32 len, u64 value);

/*
 * For front ends without a register window: all feature bits a disk may offer; see
 * kvblk_mmio_accept(); Status; see kvblk_mmio_queues() and kvblk_mmio_read().
 */
u64 kvblk_session_features(void);
int kvblk_session_accept(struct kvblk_session *s, u64 features);
u32 kvblk_session_status(const struct kvblk_session *s);
unsigned int kvblk_session_queues(const struct kvblk_session *s);
u64 kvblk_session_read(const struct kvblk_session *s, u32 offset, u32 len);

/* Start queue @vq, which got ready after DRIVER_OK. */
void kvblk_session_start_late(struct kvblk_session *s, unsigned int vq);

/* Stop queue @vq alone; waits at most @s->drain_ms. It can start again after a reset. */
void kvblk_session_stop_queue(struct kvblk_session *s, unsigned int vq);

/* enum kvblk_disk_state of @disk; its lock is held. */
u32 kvblk_session_state(const struct kvblk_disk *disk);

#endif /* KVBLK_SESSION_H */
