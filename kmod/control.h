/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/kvblk-control */
#ifndef KVBLK_CONTROL_H
#define KVBLK_CONTROL_H

#include "disk.h"
#include "ucmd.h"

int kvblk_control_init(void);
void kvblk_control_exit(void);

/* Whether it is a name. */
int kvblk_control_name(const char *name, struct kvblk_why *why);

/* The disk by name, with a reference, or an ERR_PTR. */
struct kvblk_disk *kvblk_control_find(const char *name, struct kvblk_why *why);

/* add.c; for this and the other calls see struct kvblk_ucmd */
int kvblk_control_add(void *ctx, void *data, struct kvblk_why *why);

/* set.c */
int kvblk_control_set(void *ctx, void *data, struct kvblk_why *why);

/* Checks what is to be set, but not @workers; puts in the default bursts. */
int kvblk_set_check(struct kvblk_set *arg, struct kvblk_why *why);
int kvblk_workers_check(u32 workers, u32 queues, struct kvblk_why *why);

/* Sets it, but not @workers. */
void kvblk_set_apply(struct kvblk_disk *disk, const struct kvblk_set *arg);

/* move.c */
int kvblk_control_move(void *ctx, void *data, struct kvblk_why *why);

/* query.c: what is told of a disk */
int kvblk_control_query(void *ctx, void *data, struct kvblk_why *why);
int kvblk_control_queues(void *ctx, void *data, struct kvblk_why *why);
int kvblk_control_latency(void *ctx, void *data, struct kvblk_why *why);

#endif /* KVBLK_CONTROL_H */
