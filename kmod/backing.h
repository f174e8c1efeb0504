/* SPDX-License-Identifier: GPL-2.0 */
/* What a disk's bytes are kept in. */
#ifndef KVBLK_BACKING_H
#define KVBLK_BACKING_H

#include <linux/types.h>
#include "io.h"
#include "why.h"

struct kvblk_backing;

/**
 * struct kvblk_backing_ops - A kind of backing
 * @attempt: Starts a transfer without ever sleeping. True: @io->end is called,
 *	perhaps before this returns. False: not possible, nothing was started.
 * @stack: The same within a submission to another block device (current->bio_list). May be
 *	NULL if no backing of the kind @stacks.
 * @perform: Finishes a transfer from @io->done on, sleeping as long as it takes.
 *	0 or -errno.
 * @flush: Makes all finished writes durable; sleeps. 0 or -errno.
 * @close: Releases what open took.
 */
struct kvblk_backing_ops {
	bool (*attempt)(struct kvblk_backing *b, struct kvblk_io *io);
	bool (*stack)(struct kvblk_backing *b, struct kvblk_io *io);
	int (*perform)(struct kvblk_backing *b, struct kvblk_io *io);
	int (*flush)(struct kvblk_backing *b);
	void (*close)(struct kvblk_backing *b);
};

/**
 * struct kvblk_backing - An open backing; immutable
 * @ops: The kind.
 * @file: The file, with a reference.
 * @size: Bytes it held when opened.
 * @direct: Transfers bypass the page cache.
 * @bdev: For direct I/O without the file, or NULL.
 * @stacks: Most transfers can be made by @ops->stack.
 * @nowait: The file can be asked not to sleep.
 * @offset_align: For direct I/O: file offsets and lengths, in bytes; else 1.
 * @mem_align: For direct I/O: addresses; else 1.
 */
struct kvblk_backing {
	const struct kvblk_backing_ops *ops;
	struct file *file;
	u64 size;
	bool direct;
	struct block_device *bdev;
	bool stacks;
	bool nowait;
	u32 offset_align;
	u32 mem_align;
};

/**
 * kvblk_file_open - Use an open file or block device as a backing
 * @b: To fill.
 * @fd: Descriptor in the current process.
 * @read_only: No writing.
 * @direct: Bypass the page cache.
 * @why: Reason on failure.
 *
 * Return: 0; -EBADF, -ENOTBLK, -EROFS, -ETXTBSY, -ENODATA, -EOPNOTSUPP as described
 * at struct kvblk_add.
 */
int kvblk_file_open(struct kvblk_backing *b, int fd, bool read_only, bool direct,
		    struct kvblk_why *why);

/* bdev.c: whether @io can go to @b->bdev itself, and that; it never sleeps. */
bool kvblk_bdev_takes(const struct kvblk_backing *b, const struct kvblk_io *io);
void kvblk_bdev_start(const struct kvblk_backing *b, struct kvblk_io *io);

#endif /* KVBLK_BACKING_H */
