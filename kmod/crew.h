/* SPDX-License-Identifier: GPL-2.0 */
/* Which threads serve a disk, and which of them serves which queue. */
#ifndef KVBLK_CREW_H
#define KVBLK_CREW_H

#include "mmio.h"

struct kvblk_disk;
struct kvblk_session;
struct task_struct;

/**
 * struct kvblk_crew - The workers of a session
 * @nr: How many.
 * @of: Number of the one that serves a queue, by the number of the queue.
 */
struct kvblk_crew {
	unsigned int nr;
	u8 of[KVBLK_MMIO_QUEUES];
};

/* All queues, evenly over @nr workers. */
void kvblk_crew_spread(struct kvblk_crew *crew, unsigned int nr);

/* That of @disk. */
struct kvblk_crew kvblk_crew_get(struct kvblk_disk *disk);

/* Before the queues of a session are made, and when it has ended. */
int kvblk_crew_init(struct kvblk_session *s, const struct kvblk_crew *crew);
void kvblk_crew_exit(struct kvblk_session *s);

/**
 * kvblk_crew_set - Change the number of workers of a disk, and of its session
 * @disk: The disk.
 * @workers: At most as many as queues, which are spread evenly over them.
 *
 * The queues go on meanwhile. Waits at most a second for them to change hands; what takes
 * longer comes later. Before that, at most a second for those that are late since the last time.
 *
 * Return: 0; -EBUSY while another call does or a queue is still late; -errno if there are no
 * more threads. Then nothing has changed.
 */
int kvblk_crew_set(struct kvblk_disk *disk, unsigned int workers);

/**
 * kvblk_crew_move - Give a queue of a disk, and of its session, to another worker
 * @disk: The disk.
 * @queue: One it has.
 * @worker: Number of the worker.
 *
 * As kvblk_crew_set(). Return: 0; -EBUSY; -EINVAL if there is no such worker.
 */
int kvblk_crew_move(struct kvblk_disk *disk, unsigned int queue, unsigned int worker);

/*
 * New threads in the control groups of @like, or in those of kernel threads if it is NULL.
 * Waits for a pass of each, for RCU, and at most three seconds for another change of the
 * workers. 0 or -errno; then nothing has changed.
 */
int kvblk_crew_renew(struct kvblk_session *s, struct task_struct *like);

/* Number of the worker that serves @queue, or will; the disk's lock is held. */
unsigned int kvblk_crew_of(const struct kvblk_disk *disk, unsigned int queue);

#endif /* KVBLK_CREW_H */
