/* SPDX-License-Identifier: GPL-2.0 */
/* Whose work the kernel does: control groups charged for a session. */
#ifndef KVBLK_OWNER_H
#define KVBLK_OWNER_H

#include <linux/types.h>

struct cgroup_subsys_state;
struct mem_cgroup;
struct task_struct;

/**
 * struct kvblk_owner - Control groups of the process that opened a session
 * @blkcg: Charged for block I/O.
 * @memcg: Charged for memory.
 */
struct kvblk_owner {
	struct cgroup_subsys_state *blkcg;
	struct mem_cgroup *memcg;
};

/* Remember the current process' control groups. */
void kvblk_owner_init(struct kvblk_owner *owner);
void kvblk_owner_exit(struct kvblk_owner *owner);

/* Move a kernel thread into all control groups of @like. */
int kvblk_owner_adopt(struct task_struct *like, struct task_struct *task);

/* Charge what the current kernel thread does from enter to leave. */
struct mem_cgroup *kvblk_owner_enter(const struct kvblk_owner *owner);
void kvblk_owner_leave(struct mem_cgroup *old);

#endif /* KVBLK_OWNER_H */
