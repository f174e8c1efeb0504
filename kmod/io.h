/* SPDX-License-Identifier: GPL-2.0 */
/* One transfer between guest memory and a backing file. */
#ifndef KVBLK_IO_H
#define KVBLK_IO_H

#include <linux/blk_types.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

struct kvblk_mem;
union kvblk_vec;

/**
 * struct kvblk_io - A transfer
 * @mem: Guest memory.
 * @vec: Where the data is; see kvblk_mem_vec().
 * @nr_vec: Elements.
 * @bits: All its addresses and lengths, or-ed.
 * @write: From guest memory to the file.
 * @pos: Offset in the file.
 * @len: Bytes.
 * @done: Bytes of it that are finished.
 * @delivered: Bytes of @done that came from the file: not padding.
 * @end: Called when an attempt is over, in any context, hard interrupt included.
 * @result: For @end: bytes moved by the attempt, or -errno.
 * @refs: Submitter and completion: the iocb is ours to reuse when both are
 *	through with it.
 * @iocb: For the attempt.
 * @iter: For the attempt.
 * @bio: For an attempt without the file.
 * @work: For perform, with which no attempt is under way.
 */
struct kvblk_io {
	const struct kvblk_mem *mem;
	union kvblk_vec *vec;
	u64 bits;
	unsigned int nr_vec;
	bool write;
	u64 pos;
	size_t len;
	size_t done;
	size_t delivered;
	void (*end)(struct kvblk_io *io);
	long result;
	atomic_t refs;
	union {
		struct {
			struct kiocb iocb;
			struct iov_iter iter;
		};
		struct bio bio;
		struct work_struct work;
	};
};

/* Iterator over the part of @io that is not done; @dir is ITER_SOURCE or ITER_DEST. */
void kvblk_io_iter(const struct kvblk_io *io, unsigned int dir,
		   struct iov_iter *iter);

#endif /* KVBLK_IO_H */
