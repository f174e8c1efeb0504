/* SPDX-License-Identifier: GPL-2.0 */
/* A function called by an eventfd, in the context of whoever signals it. */
#ifndef KVBLK_HOOK_H
#define KVBLK_HOOK_H

#include <linux/eventfd.h>
#include <linux/poll.h>
#include <linux/wait.h>

/**
 * struct kvblk_hook - The hook
 * @ctx: The eventfd, NULL when not bound.
 * @wait: Entry in its wait queue.
 * @table: For finding that queue.
 * @fn: Called with interrupts off and the eventfd's lock held, in KVM's case
 *	by a vCPU thread whose guest waits for it: may set bits and wake a
 *	task, nothing else.
 */
struct kvblk_hook {
	struct eventfd_ctx *ctx;
	wait_queue_entry_t wait;
	poll_table table;
	void (*fn)(struct kvblk_hook *hook);
};

/**
 * kvblk_hook_bind - Bind a hook to an eventfd
 * @hook: @fn is given; bound or not.
 * @fd: The descriptor; negative: unbind only.
 *
 * A count that the eventfd already holds is delivered at once.
 *
 * Return: 0, -EBADF or -EINVAL (not an eventfd); on failure the old binding
 * stays.
 */
int kvblk_hook_bind(struct kvblk_hook *hook, int fd);

/* After this @fn does not run and will not run again. */
void kvblk_hook_unbind(struct kvblk_hook *hook);

#endif /* KVBLK_HOOK_H */
