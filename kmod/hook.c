// SPDX-License-Identifier: GPL-2.0
/* A function called by an eventfd, in the context of whoever signals it. */
#include <linux/file.h>
#include "hook.h"

static int hook_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync,
		       void *key)
{
	struct kvblk_hook *hook = container_of(wait, struct kvblk_hook, wait);
	u64 count;

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	/* Keep the count from growing; the lock it needs is held here. */
	eventfd_ctx_do_read(hook->ctx, &count);
	hook->fn(hook);
	return 0;
}

static void hook_queue(struct file *file, wait_queue_head_t *wqh,
		       poll_table *table)
{
	struct kvblk_hook *hook = container_of(table, struct kvblk_hook, table);

	add_wait_queue(wqh, &hook->wait);
}

int kvblk_hook_bind(struct kvblk_hook *hook, int fd)
{
	struct eventfd_ctx *ctx;
	struct file *file;

	if (fd < 0) {
		kvblk_hook_unbind(hook);
		return 0;
	}

	file = eventfd_fget(fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx)) {
		fput(file);
		return PTR_ERR(ctx);
	}

	kvblk_hook_unbind(hook);
	hook->ctx = ctx;
	init_waitqueue_func_entry(&hook->wait, hook_wakeup);
	init_poll_funcptr(&hook->table, hook_queue);
	if (vfs_poll(file, &hook->table) & EPOLLIN)
		hook->fn(hook);
	/* The context keeps the wait queue; the file may go away any time. */
	fput(file);
	return 0;
}

void kvblk_hook_unbind(struct kvblk_hook *hook)
{
	u64 count;

	if (!hook->ctx)
		return;
	eventfd_ctx_remove_wait_queue(hook->ctx, &hook->wait, &count);
	eventfd_ctx_put(hook->ctx);
	hook->ctx = NULL;
}
