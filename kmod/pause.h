/* SPDX-License-Identifier: GPL-2.0 */
/* Holding a disk still, for memory dumps and snapshots. */
#ifndef KVBLK_PAUSE_H
#define KVBLK_PAUSE_H

#include <linux/types.h>
#include "why.h"

struct kvblk_disk;
struct kvblk_session;

/* -EINVAL if a caller asks to wait for too long. */
int kvblk_pause_check(u32 timeout_ms, struct kvblk_why *why);

/*
 * Take no more requests; wait for those in flight, without a lock, at most @timeout_ms
 * (0: one second). Return: requests that have not ended by then.
 */
u32 kvblk_disk_pause(struct kvblk_disk *disk, u32 timeout_ms);
u32 kvblk_session_pause(struct kvblk_session *s, u32 timeout_ms);

/* Tells the queues what all reasons to hold them still add up to; under disk->lock. */
void kvblk_pause_apply(struct kvblk_session *s);

void kvblk_disk_resume(struct kvblk_disk *disk);
void kvblk_session_resume(struct kvblk_session *s);

#endif /* KVBLK_PAUSE_H */
