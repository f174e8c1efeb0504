/* SPDX-License-Identifier: GPL-2.0 */
/* The front end of a VMM that emulates virtio-mmio: registers in a page, eventfds. */
#ifndef KVBLK_VMM_H
#define KVBLK_VMM_H

#include "hook.h"
#include "session.h"

/**
 * struct kvblk_vmm_kick - The driver's notification of one queue
 * @hook: In the eventfd.
 * @vmm: The VMM.
 */
struct kvblk_vmm_kick {
	struct kvblk_hook hook;
	struct kvblk_vmm *vmm;
};

/**
 * struct kvblk_vmm - A VMM
 * @session: Its session, with a reference until kvblk_vmm_close(). The lock of
 *	the disk guards what follows.
 * @mmio: Of the session.
 * @ack: Interrupt acknowledgment.
 * @irq: The device's interrupt, or NULL.
 * @kick: By queue.
 */
struct kvblk_vmm {
	struct kvblk_session *session;
	struct kvblk_mmio *mmio;
	struct kvblk_hook ack;
	struct eventfd_ctx *irq;
	struct kvblk_vmm_kick kick[];
};

/* As kvblk_session_open(). */
struct kvblk_vmm *kvblk_vmm_open(struct kvblk_disk *disk);
void kvblk_vmm_close(struct kvblk_vmm *vmm);

/* Whether the caller may act on this session's memory. */
bool kvblk_vmm_allows(const struct kvblk_vmm *vmm);

/* Bind an eventfd; @fd -1 unbinds. 0, -EBUSY, -EBADF, -EINVAL. */
int kvblk_vmm_bind_kick(struct kvblk_vmm *vmm, unsigned int vq, int fd);
int kvblk_vmm_bind_ack(struct kvblk_vmm *vmm, unsigned int vq, int fd);
int kvblk_vmm_bind_irq(struct kvblk_vmm *vmm, unsigned int vq, int fd);

#endif /* KVBLK_VMM_H */
