// SPDX-License-Identifier: GPL-2.0
/* The front end of a VMM that emulates virtio-mmio: registers in a page, eventfds. */
#include <linux/module.h>
#include <linux/slab.h>
#include "vmm.h"

/* ---- what the session asks; nothing here may sleep but the last ---- */

static void vmm_interrupt(struct kvblk_vmm *vmm)
{
	if (vmm->irq)
		eventfd_signal(vmm->irq);
}

static void vmm_used(void *front, unsigned int vq, bool interrupt)
{
	struct kvblk_vmm *vmm = front;

	kvblk_mmio_raise(vmm->mmio, KVBLK_INT_VRING);
	if (interrupt)
		vmm_interrupt(vmm);
}

static void vmm_config(void *front)
{
	vmm_interrupt(front);
}

static bool vmm_unanswered(void *front, unsigned int vq)
{
	const struct kvblk_vmm *vmm = front;

	return kvblk_mmio_interrupts(vmm->mmio) & KVBLK_INT_VRING;
}

static void vmm_free(void *front)
{
	struct kvblk_vmm *vmm = front;

	if (vmm->irq)
		eventfd_ctx_put(vmm->irq);
	kfree(vmm);
}

static const struct kvblk_front vmm_ops = {
	.owner		= THIS_MODULE,
	.used		= vmm_used,
	.config		= vmm_config,
	.unanswered	= vmm_unanswered,
	.free		= vmm_free,
};

/* ---- what the eventfds ask ---- */

static void vmm_kick(struct kvblk_hook *hook)
{
	const struct kvblk_vmm_kick *kick =
		container_of(hook, struct kvblk_vmm_kick, hook);

	kvblk_session_kick(kick->vmm->session, kick - kick->vmm->kick);
}

static void vmm_ack(struct kvblk_hook *hook)
{
	kvblk_mmio_ack(container_of(hook, struct kvblk_vmm, ack)->mmio, KVBLK_INT_VRING);
}

/* ---- open and close ---- */

struct kvblk_vmm *kvblk_vmm_open(struct kvblk_disk *disk)
{
	unsigned int i, queues = disk->geo.queues;
	struct kvblk_session *s;
	struct kvblk_vmm *vmm;

	vmm = kzalloc(struct_size(vmm, kick, queues), GFP_KERNEL);
	if (!vmm)
		return ERR_PTR(-ENOMEM);
	vmm->ack.fn = vmm_ack;
	for (i = 0; i < queues; i++) {
		vmm->kick[i].vmm = vmm;
		vmm->kick[i].hook.fn = vmm_kick;
	}
	s = kvblk_session_open(disk, &vmm_ops, vmm);
	if (IS_ERR(s))
		return ERR_CAST(s);
	vmm->session = s;
	vmm->mmio = &s->mmio;
	return vmm;
}

void kvblk_vmm_close(struct kvblk_vmm *vmm)
{
	struct kvblk_session *s = vmm->session;
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_hook_unbind(&vmm->kick[i].hook);
	kvblk_hook_unbind(&vmm->ack);
	kvblk_session_close(s);
}

bool kvblk_vmm_allows(const struct kvblk_vmm *vmm)
{
	const struct mm_struct *mm = READ_ONCE(vmm->session->mem.mm);

	return !mm || mm == current->mm;
}

/* ---- eventfds ---- */

static int vmm_bind_hook(struct kvblk_vmm *vmm, struct kvblk_hook *hook, int fd)
{
	struct kvblk_session *s = vmm->session;
	int ret;

	mutex_lock(&s->disk->lock);
	ret = kvblk_session_is_set_up(s) ? -EBUSY : kvblk_hook_bind(hook, fd);
	mutex_unlock(&s->disk->lock);
	return ret;
}

int kvblk_vmm_bind_kick(struct kvblk_vmm *vmm, unsigned int vq, int fd)
{
	return vmm_bind_hook(vmm, &vmm->kick[vq].hook, fd);
}

int kvblk_vmm_bind_ack(struct kvblk_vmm *vmm, unsigned int vq, int fd)
{
	return vmm_bind_hook(vmm, &vmm->ack, fd);
}

int kvblk_vmm_bind_irq(struct kvblk_vmm *vmm, unsigned int vq, int fd)
{
	struct eventfd_ctx *ctx = fd < 0 ? NULL : eventfd_ctx_fdget(fd);
	struct kvblk_session *s = vmm->session;
	int ret = 0;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&s->disk->lock);
	if (kvblk_session_is_set_up(s))
		ret = -EBUSY;
	else
		swap(vmm->irq, ctx);
	mutex_unlock(&s->disk->lock);
	if (ctx)
		eventfd_ctx_put(ctx);
	return ret;
}
