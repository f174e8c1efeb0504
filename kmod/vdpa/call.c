// SPDX-License-Identifier: GPL-2.0
/*
 * The driver's callbacks. They run in the worker or in an interrupt and are replaced by
 * calls that may sleep: RCU tells when the old one has run for the last time.
 */
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/kvblk.h>
#include "vdpa.h"

void kvblk_vdpa_call_set(struct kvblk_vdpa_call *call, const struct vdpa_callback *cb)
{
	struct vdpa_callback *old = rcu_access_pointer(call->active);
	struct vdpa_callback *new = &call->slot[old == &call->slot[0]];

	*new = *cb;
	rcu_assign_pointer(call->active, new);
	/* Nobody runs the old one, and its slot can be written again. */
	synchronize_rcu();
}

static void call_run(struct kvblk_vdpa_call *call)
{
	const struct vdpa_callback *cb;

	rcu_read_lock();
	cb = rcu_dereference(call->active);
	if (cb && cb->callback)
		cb->callback(cb->private);
	rcu_read_unlock();
}

/*
 * A driver expects an interrupt: soft interrupts it raises run at its end. With interrupts
 * off it is within an answer, whose end is theirs (kvblk_used_direct()).
 */
static void call_interrupt(struct kvblk_vdpa_call *call)
{
	if (in_task() && !irqs_disabled()) {
		local_bh_disable();
		call_run(call);
		local_bh_enable();
	} else {
		call_run(call);
	}
}

static void front_used(void *front, unsigned int vq, bool interrupt)
{
	struct kvblk_vdpa *kv = front;

	if (interrupt)
		call_interrupt(&kv->used[vq]);
}

static void front_config(void *front)
{
	struct kvblk_vdpa *kv = front;

	call_interrupt(&kv->config);
}

/* There is no interrupt status: a driver that was told cannot be seen to have heard. */
static bool front_unanswered(void *front, unsigned int vq)
{
	return false;
}

static void front_free(void *front)
{
	struct kvblk_vdpa *kv = front;

	put_device(&kv->vdpa.dev);
}

/*
 * For VMMs as they are: QEMU offers its guest rings of 1024 entries whatever the device
 * has, libblkio sends segments of any length.
 */
const struct kvblk_front kvblk_vdpa_front = {
	.owner		= THIS_MODULE,
	.shared		= true,
	.transport	= BIT_ULL(VIRTIO_F_ACCESS_PLATFORM),
	.queue_size	= KVBLK_QUEUE_SIZE_MAX,
	.size_any	= true,
	.used		= front_used,
	.config		= front_config,
	.unanswered	= front_unanswered,
	.free		= front_free,
};
