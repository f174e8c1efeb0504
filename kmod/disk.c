// SPDX-License-Identifier: GPL-2.0
/* A disk: what the control device makes, and the registry of all. */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "debugfs.h"
#include "disk.h"

#define DISK_MINORS	BIT(MINORBITS)

static DEFINE_MUTEX(disks_lock);	/* outside disk->lock */
static LIST_HEAD(disks);
static DEFINE_IDA(disk_minors);
static dev_t disk_devt;

static struct class disk_class = {
	.name = "kvblk",
};

static char *disk_devnode(kvblk_devnode_arg *dev, umode_t *mode, kuid_t *uid,
			  kgid_t *gid)
{
	const struct kvblk_disk *disk = container_of(dev, struct kvblk_disk, dev);

	/* Without @mode only the name is wanted. */
	if (mode) {
		*mode = disk->spec.mode;
		*uid = disk->spec.uid;
		*gid = disk->spec.gid;
	}
	/*
	 * The kernel takes another name if this one cannot be had, and then cannot
	 * find the node again to remove it.
	 */
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "kvblk/%s", disk->spec.name);
}

static void disk_release(struct device *dev)
{
	struct kvblk_disk *disk = container_of(dev, struct kvblk_disk, dev);

	if (disk->backing.ops)
		disk->backing.ops->close(&disk->backing);
	destroy_workqueue(disk->wq);
	kvfree(disk->hists);
	kvfree(disk->stats);
	ida_free(&disk_minors, MINOR(dev->devt));
	kfree(disk);
}

static const struct device_type disk_type = {
	.name		= "kvblk_disk",
	.devnode	= disk_devnode,
	.release	= disk_release,
};

static void disk_init(struct kvblk_disk *disk, const struct kvblk_disk_spec *spec,
		      unsigned int queues)
{
	disk->spec = *spec;
	disk->geo.queues = queues;
	mutex_init(&disk->lock);
	INIT_LIST_HEAD(&disk->link);
	kvblk_gate_init(&disk->gate);
	ratelimit_state_init(&disk->complaints, 5 * HZ, 10);
}

struct kvblk_disk *kvblk_disk_alloc(const struct kvblk_disk_spec *spec,
				    unsigned int queues)
{
	struct kvblk_disk *disk;
	int minor, ret = -ENOMEM;

	disk = kzalloc(sizeof(*disk), GFP_KERNEL);
	if (!disk)
		return ERR_PTR(ret);
	disk_init(disk, spec, queues);
	disk->stats = kvcalloc(queues, sizeof(*disk->stats), GFP_KERNEL);
	disk->hists = kvcalloc(queues, sizeof(*disk->hists), GFP_KERNEL);
	if (!disk->stats || !disk->hists)
		goto err_free;

	disk->wq = alloc_workqueue("kvblk-%.24s", WQ_UNBOUND, 0, spec->name);
	if (!disk->wq)
		goto err_free;
	minor = ida_alloc_max(&disk_minors, DISK_MINORS - 1, GFP_KERNEL);
	if (minor < 0) {
		ret = minor == -ENOSPC ? -EMFILE : minor;
		goto err_wq;
	}

	device_initialize(&disk->dev);
	disk->dev.class = &disk_class;
	disk->dev.type = &disk_type;
	disk->dev.devt = MKDEV(MAJOR(disk_devt), minor);
	cdev_init(&disk->cdev, &kvblk_node_fops);
	disk->cdev.owner = THIS_MODULE;
	ret = dev_set_name(&disk->dev, "%s", spec->name);
	if (ret) {
		kvblk_disk_put(disk);
		return ERR_PTR(ret);
	}
	return disk;

err_wq:
	destroy_workqueue(disk->wq);
err_free:
	kvfree(disk->hists);
	kvfree(disk->stats);
	kfree(disk);
	return ERR_PTR(ret);
}

static struct kvblk_disk *disk_lookup(const char *name)
{
	struct kvblk_disk *disk;

	lockdep_assert_held(&disks_lock);
	list_for_each_entry(disk, &disks, link) {
		if (!strcmp(disk->spec.name, name))
			return disk;
	}
	return NULL;
}

int kvblk_disk_publish(struct kvblk_disk *disk)
{
	int ret = -EEXIST;

	mutex_lock(&disks_lock);
	if (disk_lookup(disk->spec.name))
		goto out_unlock;
	/* The node comes last: from then on sessions can be opened. */
	kvblk_debugfs_add(disk);
	list_add_tail(&disk->link, &disks);
	ret = cdev_device_add(&disk->cdev, &disk->dev);
	if (ret) {
		list_del_init(&disk->link);
		kvblk_debugfs_del(disk);
	}
out_unlock:
	mutex_unlock(&disks_lock);
	return ret;
}

void kvblk_complain(struct kvblk_disk *disk, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (!__ratelimit(&disk->complaints))
		return;
	va_start(args, fmt);
	vaf.va = &args;
	pr_warn("kvblk: %s: %pV\n", disk->spec.name, &vaf);
	va_end(args);
}

/* Keeps new sessions out; false while there is one. */
static bool disk_close_door(struct kvblk_disk *disk)
{
	mutex_lock(&disk->lock);
	disk->removed = !disk->session;
	mutex_unlock(&disk->lock);
	return disk->removed;
}

static void disk_unpublish(struct kvblk_disk *disk)
{
	lockdep_assert_held(&disks_lock);
	cdev_device_del(&disk->cdev, &disk->dev);
	list_del_init(&disk->link);
	kvblk_debugfs_del(disk);
}

int kvblk_disk_remove(const char *name)
{
	struct kvblk_disk *disk;
	int ret = 0;

	mutex_lock(&disks_lock);
	disk = disk_lookup(name);
	if (!disk)
		ret = -ENOENT;
	else if (!disk_close_door(disk))
		ret = -EBUSY;
	else
		disk_unpublish(disk);
	mutex_unlock(&disks_lock);
	if (!ret)
		kvblk_disk_put(disk);
	return ret;
}

struct kvblk_disk *kvblk_disk_find(const char *name)
{
	struct kvblk_disk *disk;

	mutex_lock(&disks_lock);
	disk = disk_lookup(name);
	if (disk)
		kvblk_disk_get(disk);
	mutex_unlock(&disks_lock);
	return disk;
}
EXPORT_SYMBOL_KVBLK(kvblk_disk_find);

u32 kvblk_disk_names(char *names, u32 room)
{
	struct kvblk_disk *disk;
	u32 count = 0;

	mutex_lock(&disks_lock);
	list_for_each_entry(disk, &disks, link) {
		if (count < room)
			strscpy(names + count * KVBLK_DISK_NAME_LEN,
				disk->spec.name, KVBLK_DISK_NAME_LEN);
		count++;
	}
	mutex_unlock(&disks_lock);
	return count;
}

int kvblk_disks_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&disk_devt, 0, DISK_MINORS, "kvblk");
	if (ret)
		return ret;
	ret = class_register(&disk_class);
	if (ret)
		unregister_chrdev_region(disk_devt, DISK_MINORS);
	return ret;
}

void kvblk_disks_exit(void)
{
	struct kvblk_disk *disk, *tmp;

	mutex_lock(&disks_lock);
	list_for_each_entry_safe(disk, tmp, &disks, link) {
		disk_unpublish(disk);
		kvblk_disk_put(disk);
	}
	mutex_unlock(&disks_lock);
	class_unregister(&disk_class);
	unregister_chrdev_region(disk_devt, DISK_MINORS);
	ida_destroy(&disk_minors);
}
