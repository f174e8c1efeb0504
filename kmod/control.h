/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/kvblk-control */
#ifndef KVBLK_CONTROL_H
#define KVBLK_CONTROL_H

#include "disk.h"
#include "ucmd.h"

int kvblk_control_init(void);
void kvblk_control_exit(void);

/* The disk by name, with a reference, or an ERR_PTR. */
struct kvblk_disk *kvblk_control_find(const char *name, struct kvblk_why *why);

/* query.c: what is told of a disk; see struct kvblk_ucmd */
int kvblk_control_query(void *ctx, void *data, struct kvblk_why *why);
int kvblk_control_queues(void *ctx, void *data, struct kvblk_why *why);
int kvblk_control_latency(void *ctx, void *data, struct kvblk_why *why);

#endif /* KVBLK_CONTROL_H */
