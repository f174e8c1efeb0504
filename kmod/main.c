// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading. */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "control.h"
#include "debugfs.h"
#include "disk.h"
#include "session.h"

static int __init kvblk_init(void)
{
	int ret;

	kvblk_debugfs_init();
	ret = kvblk_sessions_init();
	if (ret)
		goto err_debugfs;
	ret = kvblk_disks_init();
	if (ret)
		goto err_sessions;
	ret = kvblk_control_init();
	if (ret)
		goto err_disks;
	return 0;

err_disks:
	kvblk_disks_exit();
err_sessions:
	kvblk_sessions_exit();
err_debugfs:
	kvblk_debugfs_exit();
	return ret;
}

/* Sessions hold the module, so disks are idle when this runs. */
static void __exit kvblk_exit(void)
{
	kvblk_control_exit();
	/* The work that dropped the last session's references may not be over. */
	kvblk_sessions_exit();
	kvblk_disks_exit();
	kvblk_debugfs_exit();
	/* Who woke a worker last may not have left the module's text yet. */
	synchronize_rcu_tasks();
}

module_init(kvblk_init);
module_exit(kvblk_exit);

MODULE_AUTHOR("The kvblk maintainers");
MODULE_DESCRIPTION("virtio-blk device for KVM guests, served by the host kernel");
MODULE_LICENSE("GPL");
