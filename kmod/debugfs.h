/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/debug/kvblk/<disk>/ */
#ifndef KVBLK_DEBUGFS_H
#define KVBLK_DEBUGFS_H

struct kvblk_disk;

void kvblk_debugfs_init(void);
void kvblk_debugfs_exit(void);
void kvblk_debugfs_add(struct kvblk_disk *disk);
void kvblk_debugfs_del(struct kvblk_disk *disk);

#endif /* KVBLK_DEBUGFS_H */
