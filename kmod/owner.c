// SPDX-License-Identifier: GPL-2.0
/* Whose work the kernel does: control groups charged for a session. */
#include <linux/blk-cgroup.h>
#include <linux/cgroup.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include "owner.h"

void kvblk_owner_init(struct kvblk_owner *owner)
{
#ifdef CONFIG_BLK_CGROUP
	owner->blkcg = task_get_css(current, io_cgrp_id);
#endif
	owner->memcg = get_mem_cgroup_from_mm(current->mm);
}

void kvblk_owner_exit(struct kvblk_owner *owner)
{
#ifdef CONFIG_BLK_CGROUP
	css_put(owner->blkcg);
#endif
	mem_cgroup_put(owner->memcg);
}

int kvblk_owner_adopt(struct task_struct *like, struct task_struct *task)
{
	return cgroup_attach_task_all(like, task);
}

struct mem_cgroup *kvblk_owner_enter(const struct kvblk_owner *owner)
{
	kthread_associate_blkcg(owner->blkcg);
	return set_active_memcg(owner->memcg);
}

void kvblk_owner_leave(struct mem_cgroup *old)
{
	set_active_memcg(old);
	kthread_associate_blkcg(NULL);
}
