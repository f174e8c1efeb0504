/* SPDX-License-Identifier: GPL-2.0 */
/* The vDPA front end: a session driven by the calls of the vDPA bus. */
#ifndef KVBLK_VDPA_H
#define KVBLK_VDPA_H

#include <linux/vdpa.h>
#include "../session.h"

/**
 * struct kvblk_vdpa_call - A callback of the driver, replaced while it may run
 * @slot: Room for the one in use and its successor.
 * @active: The one in use.
 */
struct kvblk_vdpa_call {
	struct vdpa_callback slot[2];
	struct vdpa_callback __rcu *active;
};

/**
 * struct kvblk_vdpa - A disk on the vDPA bus
 * @vdpa: The device of the bus; its reference count is the object's.
 * @session: Attached from "vdpa dev add" to "vdpa dev del".
 * @phys: Addresses are physical, else those of @mm.
 * @identity: @phys, and the map is that of the host itself.
 * @mm: Address space of the VMM, from bind to unbind; only the struct is held.
 * @config: Configuration interrupt.
 * @used: Used-buffer interrupts, by queue.
 *
 * Its callers serialize the calls of one device: vhost-vdpa by its mutex, virtio-vdpa
 * by the order of a driver's steps. Kicks and callbacks come at any time.
 */
struct kvblk_vdpa {
	struct vdpa_device vdpa;
	struct kvblk_session *session;
	bool phys;
	bool identity;
	struct mm_struct *mm;
	struct kvblk_vdpa_call config;
	struct kvblk_vdpa_call *used;
};

static inline struct kvblk_vdpa *to_kvblk_vdpa(const struct vdpa_device *vdpa)
{
	return container_of(vdpa, struct kvblk_vdpa, vdpa);
}

/* device.c */
extern const struct vdpa_config_ops kvblk_vdpa_user_ops;
extern const struct vdpa_config_ops kvblk_vdpa_phys_ops;

/* call.c: the driver's callbacks */
extern const struct kvblk_front kvblk_vdpa_front;
void kvblk_vdpa_call_set(struct kvblk_vdpa_call *call, const struct vdpa_callback *cb);

/* map.c: guest memory; see struct vdpa_config_ops */
int kvblk_vdpa_set_map(struct vdpa_device *vdpa, unsigned int asid,
		       struct vhost_iotlb *iotlb);
int kvblk_vdpa_reset_map(struct vdpa_device *vdpa, unsigned int asid);
int kvblk_vdpa_bind_mm(struct vdpa_device *vdpa, struct mm_struct *mm);
void kvblk_vdpa_unbind_mm(struct vdpa_device *vdpa);

/* Suits the map to the driver that is bound; called when a reset is complete. */
void kvblk_vdpa_map_of_driver(struct kvblk_vdpa *kv);

#endif /* KVBLK_VDPA_H */
