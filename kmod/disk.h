/* SPDX-License-Identifier: GPL-2.0 */
/* A disk: what the control device makes, and the registry of all. */
#ifndef KVBLK_DISK_H
#define KVBLK_DISK_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/workqueue.h>
#include "backing.h"
#include "cmd.h"
#include "crew.h"
#include "gate.h"
#include "hist.h"
#include "moderate.h"
#include "poll.h"
#include "stats.h"

struct kvblk_session;

#define KVBLK_DISK_NAME_LEN	32	/* KVBLK_NAME_LEN */

/**
 * struct kvblk_disk_spec - What a disk is made from; checked by the caller
 * @name: NUL-terminated.
 * @serial: Answer to GET_ID.
 * @flags: KVBLK_DISK_*.
 * @mode: Permission bits of the node.
 * @uid: Owner of the node.
 * @gid: Group of the node.
 */
struct kvblk_disk_spec {
	char name[KVBLK_DISK_NAME_LEN];
	u8 serial[VIRTIO_BLK_ID_BYTES];
	u32 flags;
	umode_t mode;
	kuid_t uid;
	kgid_t gid;
};

/**
 * struct kvblk_disk - A disk
 *
 * @dev: Its reference count is the disk's.
 * @cdev: /dev/kvblk/<name>.
 * @spec: Immutable, as are @geo and @backing.
 * @geo: Geometry.
 * @backing: The bytes.
 * @wq: What may sleep for this disk; a dead one cannot keep others waiting.
 * @debugfs: Directory.
 * @link: In the registry, under its lock.
 *
 * @lock: Guards @session, @removed and the set-up side of the session. Never
 *	held while waiting for I/O.
 * @session: The attached session, or one whose I/O has not ended; else NULL.
 * @removed: No more sessions.
 * @paused: Held still by the control device.
 * @manning: The workers are being changed: belongs to who does. Keeps the session from
 *	ending.
 * @crew: Who serves a session; written by who has set @manning.
 *
 * @gate: Throttle, with its own lock.
 * @poll: Written under @lock.
 * @stats: Counters by queue, written by its worker.
 * @hists: Likewise.
 * @moderation: Of interrupts; written under @lock, read by queues without.
 * @complaints: Limits log messages that a guest can cause.
 */
struct kvblk_disk {
	struct device dev;
	struct cdev cdev;
	struct kvblk_disk_spec spec;
	struct kvblk_geometry geo;
	struct kvblk_backing backing;
	struct workqueue_struct *wq;
	struct dentry *debugfs;
	struct list_head link;

	struct mutex lock;	/* guards the session and its set-up */
	struct kvblk_session *session;
	bool removed;
	bool paused;
	bool manning;
	struct kvblk_crew crew;

	struct kvblk_gate gate;
	struct kvblk_poll_limits poll;
	struct kvblk_counters *stats;
	struct kvblk_hists *hists;
	struct kvblk_moderation moderation;
	struct ratelimit_state complaints;
};

/* What all queues have counted together. */
static inline u64 kvblk_disk_stat(const struct kvblk_disk *disk, enum kvblk_stat id)
{
	return kvblk_counters_sum(disk->stats, disk->geo.queues, id);
}

/* Log what a guest can cause; the rate is limited for each disk by itself. */
__printf(2, 3) void kvblk_complain(struct kvblk_disk *disk, const char *fmt, ...);

int kvblk_disks_init(void);
void kvblk_disks_exit(void);	/* removes all disks; none has a session */

/**
 * kvblk_disk_alloc - Make a disk that nobody can see yet
 * @spec: Copied.
 * @queues: Number of queues.
 *
 * Return: the disk, without backing, or an ERR_PTR.
 */
struct kvblk_disk *kvblk_disk_alloc(const struct kvblk_disk_spec *spec,
				    unsigned int queues);

/**
 * kvblk_disk_publish - Enter a disk into the registry and make its node
 * @disk: With backing and geometry.
 *
 * Return: 0; -EEXIST if the name is taken; -errno. The caller keeps its reference on
 * failure; on success it belongs to the registry.
 */
int kvblk_disk_publish(struct kvblk_disk *disk);

/* Remove by name: 0, -ENOENT, -EBUSY. */
int kvblk_disk_remove(const char *name);

/* A reference to the disk, or NULL. */
struct kvblk_disk *kvblk_disk_find(const char *name);

/**
 * kvblk_disk_names - Names of all disks in order of addition
 * @names: Where to store the first @room of them, KVBLK_DISK_NAME_LEN bytes each.
 * @room: Names that fit.
 *
 * Return: number of disks.
 */
u32 kvblk_disk_names(char *names, u32 room);

static inline void kvblk_disk_get(struct kvblk_disk *disk)
{
	get_device(&disk->dev);
}

static inline void kvblk_disk_put(struct kvblk_disk *disk)
{
	put_device(&disk->dev);
}

/* node.c: operations of /dev/kvblk/<name> */
extern const struct file_operations kvblk_node_fops;

#endif /* KVBLK_DISK_H */
