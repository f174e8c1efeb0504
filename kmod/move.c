// SPDX-License-Identifier: GPL-2.0
/* KVBLK_MOVE: which thread serves a queue. */
#include "control.h"

static int move_queue(struct kvblk_disk *disk, const struct kvblk_move *arg,
		      struct kvblk_why *why)
{
	int ret;

	if (arg->queue >= disk->geo.queues)
		return kvblk_why(why, -EINVAL, "queue: %u is not below the %u of the disk",
				 arg->queue, disk->geo.queues);
	ret = kvblk_crew_move(disk, arg->queue, arg->worker);
	if (ret == -EINVAL)
		kvblk_why(why, ret, "worker: %u is not below the %u of the disk",
			  arg->worker, kvblk_crew_get(disk).nr);
	else if (ret)
		kvblk_why(why, ret, "worker: another change is under way");
	return ret;
}

int kvblk_control_move(void *ctx, void *data, struct kvblk_why *why)
{
	const struct kvblk_move *arg = data;
	struct kvblk_disk *disk = kvblk_control_find(arg->name, why);
	int ret;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	ret = move_queue(disk, arg, why);
	kvblk_disk_put(disk);
	return ret;
}
