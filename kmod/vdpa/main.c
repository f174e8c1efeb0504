// SPDX-License-Identifier: GPL-2.0
/*
 * Two management devices put a disk on the vDPA bus by its name: "kvblk" for user
 * addresses, where nothing is pinned, and "kvblk-phys" for physical ones.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio_ids.h>
#include <uapi/linux/vdpa.h>
#include "../here.h"
#include "vdpa.h"

/**
 * struct kvblk_mgmt - A management device
 * @name: Its name.
 * @phys: Kind of addresses.
 * @mdev: For the bus; mdev.device is made by kvblk_mgmt_add().
 */
struct kvblk_mgmt {
	const char *name;
	bool phys;
	struct vdpa_mgmt_dev mdev;
};

/* A driver that maps buffers for the device gets their physical addresses. */
static void vdpa_set_dma(struct vdpa_device *vdpa)
{
	struct device *dev = &vdpa->dev;

	dma_coerce_mask_and_coherent(dev, DMA_BIT_MASK(64));
	kvblk_vdpa_dma_dev(vdpa) = dev;
}

static struct kvblk_vdpa *vdpa_alloc(struct kvblk_mgmt *mgmt, const char *name,
				     struct kvblk_disk *disk)
{
	struct kvblk_vdpa *kv;

	kv = kvblk_vdpa_alloc_device(struct kvblk_vdpa, vdpa, mgmt->mdev.device,
				     mgmt->phys ? &kvblk_vdpa_phys_ops :
						  &kvblk_vdpa_user_ops,
				     name, !mgmt->phys);
	if (IS_ERR(kv))
		return kv;
	kv->phys = mgmt->phys;
	kv->vdpa.mdev = &mgmt->mdev;
	vdpa_set_dma(&kv->vdpa);
	kv->used = kcalloc(disk->geo.queues, sizeof(*kv->used), GFP_KERNEL);
	if (!kv->used) {
		put_device(&kv->vdpa.dev);
		return ERR_PTR(-ENOMEM);
	}
	return kv;
}

/* Attaches and registers; the session holds the device from its opening to its end. */
static int vdpa_attach(struct kvblk_vdpa *kv, struct kvblk_disk *disk)
{
	struct kvblk_session *s;
	int ret;

	get_device(&kv->vdpa.dev);
	s = kvblk_session_open(disk, &kvblk_vdpa_front, kv);
	if (IS_ERR(s))
		return PTR_ERR(s);
	kv->session = s;
	ret = _vdpa_register_device(&kv->vdpa, disk->geo.queues);
	if (ret)
		kvblk_session_close(s);
	return ret;
}

static int mgmt_dev_add(struct vdpa_mgmt_dev *mdev, const char *name,
			const struct vdpa_dev_set_config *config)
{
	struct kvblk_mgmt *mgmt = container_of(mdev, struct kvblk_mgmt, mdev);
	struct kvblk_disk *disk = kvblk_disk_find(name);
	struct kvblk_vdpa *kv;
	int ret;

	if (!disk)
		return -ENOENT;
	kv = vdpa_alloc(mgmt, name, disk);
	if (IS_ERR(kv)) {
		ret = PTR_ERR(kv);
		goto out;
	}
	ret = vdpa_attach(kv, disk);
	if (ret)
		put_device(&kv->vdpa.dev);
out:
	kvblk_disk_put(disk);
	return ret;
}

/* The driver is unbound first: it has reset the device when this returns. */
static void mgmt_dev_del(struct vdpa_mgmt_dev *mdev, struct vdpa_device *vdpa)
{
	struct kvblk_session *s = to_kvblk_vdpa(vdpa)->session;

	_vdpa_unregister_device(vdpa);
	kvblk_session_close(s);
}

static const struct vdpa_mgmtdev_ops mgmt_ops = {
	.dev_add = mgmt_dev_add,
	.dev_del = mgmt_dev_del,
};

static struct virtio_device_id mgmt_ids[] = {
	{ VIRTIO_ID_BLOCK, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static struct kvblk_mgmt mgmts[] = {
	{ .name = "kvblk", .phys = false },
	{ .name = "kvblk-phys", .phys = true },
};

static int kvblk_mgmt_add(struct kvblk_mgmt *mgmt)
{
	struct device *dev = root_device_register(mgmt->name);
	int ret;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mgmt->mdev = (struct vdpa_mgmt_dev){
		.device = dev,
		.ops = &mgmt_ops,
		.id_table = mgmt_ids,
		.supported_features = kvblk_session_features() | kvblk_vdpa_front.transport,
		.max_supported_vqs = KVBLK_MMIO_QUEUES,
	};
	ret = vdpa_mgmtdev_register(&mgmt->mdev);
	if (ret)
		root_device_unregister(dev);
	return ret;
}

static void kvblk_mgmt_del(struct kvblk_mgmt *mgmt)
{
	struct device *dev = mgmt->mdev.device;

	vdpa_mgmtdev_unregister(&mgmt->mdev);
	root_device_unregister(dev);
}

static int __init kvblk_vdpa_init(void)
{
	int ret;

	ret = kvblk_bell_init();
	if (ret)
		return ret;
	ret = kvblk_mgmt_add(&mgmts[0]);
	if (ret)
		goto err_bell;
	ret = kvblk_mgmt_add(&mgmts[1]);
	if (ret)
		goto err_mgmt;
	return 0;

err_mgmt:
	kvblk_mgmt_del(&mgmts[0]);
err_bell:
	kvblk_bell_exit();
	return ret;
}

/* Devices hold the module, so there are none. */
static void __exit kvblk_vdpa_exit(void)
{
	kvblk_mgmt_del(&mgmts[1]);
	kvblk_mgmt_del(&mgmts[0]);
	kvblk_bell_exit();
}

module_init(kvblk_vdpa_init);
module_exit(kvblk_vdpa_exit);

MODULE_AUTHOR("The kvblk maintainers");
MODULE_DESCRIPTION("kvblk disks on the vDPA bus");
MODULE_LICENSE("GPL");
KVBLK_IMPORT;
