// SPDX-License-Identifier: GPL-2.0
/* One transfer between guest memory and a backing file. */
#include "io.h"
#include "mem.h"

void kvblk_io_iter(const struct kvblk_io *io, unsigned int dir,
		   struct iov_iter *iter)
{
	io->mem->ops->iter(iter, dir, io->vec, io->nr_vec, io->len);
	iov_iter_advance(iter, io->done);
}
