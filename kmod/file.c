// SPDX-License-Identifier: GPL-2.0
/*
 * Backing by a regular file or a block device.
 *
 * A transfer is attempted in the worker, where nothing may sleep: no wait for the
 * file (IOCB_NOWAIT), none for guest pages (nofault), none for a frozen file
 * system. Whatever does not go through that way is finished by file_perform() in a
 * work item, which is patient, bounces misaligned buffers, continues short writes and
 * zero-fills reads behind the end of the file.
 */
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/uaccess.h>
#include "backing.h"
#include "mem.h"

#define BOUNCE_PAGES	64	/* at most so much memory for one bounce */
#define EINTR_MAX	16	/* interrupted calls repeated in one transfer */
#define CALL_MAX	SZ_128M	/* bytes in one call; 2 GiB are too much for the kernel */

static bool file_is_regular(const struct file *file)
{
	return S_ISREG(file_inode(file)->i_mode);
}

static ssize_t file_rw(struct file *file, struct kiocb *iocb,
		       struct iov_iter *iter, bool write)
{
	if (write)
		return file->f_op->write_iter(iocb, iter);
	return file->f_op->read_iter(iocb, iter);
}

static void file_iocb_init(struct kiocb *iocb, const struct kvblk_backing *b,
			   u64 pos, bool write)
{
	init_sync_kiocb(iocb, b->file);
	/* The opener's fcntl() may change f_flags any time: the disk decides. */
	iocb->ki_flags &= ~(IOCB_APPEND | IOCB_DIRECT | IOCB_NOWAIT);
	if (b->direct)
		iocb->ki_flags |= IOCB_DIRECT;
	if (write)
		iocb->ki_flags |= IOCB_WRITE;
	iocb->ki_pos = pos;
}

/* Freeze protection without waiting; file_unguard() in any thread undoes it. */
static bool file_guard(struct file *file)
{
	if (!file_start_write_trylock(file))
		return false;
	/* Tell lockdep that another thread will drop it. */
	if (file_is_regular(file))
		__sb_writers_release(file_inode(file)->i_sb, SB_FREEZE_WRITE);
	return true;
}

static void file_unguard(struct kiocb *iocb)
{
	if (file_is_regular(iocb->ki_filp))
		kiocb_end_write(iocb);
}

static void file_attempt_put(struct kvblk_io *io)
{
	if (atomic_dec_and_test(&io->refs))
		io->end(io);
}

static void file_complete(struct kiocb *iocb, long ret)
{
	struct kvblk_io *io = container_of(iocb, struct kvblk_io, iocb);

	if (io->write)
		file_unguard(iocb);
	io->result = ret;
	file_attempt_put(io);
}

static bool file_aligned(const struct kvblk_backing *b, const struct kvblk_io *io)
{
	return !(io->bits & (b->mem_align - 1));
}

static void file_start(struct kvblk_backing *b, struct kvblk_io *io)
{
	ssize_t ret;

	file_iocb_init(&io->iocb, b, io->pos, io->write);
	io->iocb.ki_flags |= IOCB_NOWAIT;
	/* Read-ahead would wait for the device, NOWAIT or not. */
	if (!b->direct && !io->write)
		io->iocb.ki_flags |= IOCB_NOIO;
	io->iocb.ki_complete = file_complete;
	kvblk_io_iter(io, io->write ? ITER_SOURCE : ITER_DEST, &io->iter);
	iov_iter_truncate(&io->iter, CALL_MAX);
	io->iter.nofault = true;
	atomic_set(&io->refs, 2);

	/* Buffered I/O copies itself; nofault speaks of pinning only. */
	pagefault_disable();
	ret = file_rw(b->file, &io->iocb, &io->iter, io->write);
	pagefault_enable();

	if (ret != -EIOCBQUEUED)
		file_complete(&io->iocb, ret);
	file_attempt_put(io);
}

static bool file_may_attempt(const struct kvblk_backing *b, const struct kvblk_io *io)
{
	return b->nowait && file_aligned(b, io);
}

static bool file_start_bios(struct kvblk_backing *b, struct kvblk_io *io)
{
	if (!kvblk_bdev_takes(b, io))
		return false;
	kvblk_bdev_start(b, io);
	return true;
}

static bool file_stack(struct kvblk_backing *b, struct kvblk_io *io)
{
	return file_may_attempt(b, io) && file_start_bios(b, io);
}

static bool file_attempt(struct kvblk_backing *b, struct kvblk_io *io)
{
	if (!file_may_attempt(b, io))
		return false;
	if (file_start_bios(b, io))
		return true;
	if (io->write && !file_guard(b->file))
		return false;
	file_start(b, io);
	return true;
}

/* One synchronous call; whatever it moves counts. */
static ssize_t file_transfer(struct kvblk_backing *b, const struct kvblk_io *io,
			     struct iov_iter *iter)
{
	struct kiocb iocb;
	ssize_t ret;

	file_iocb_init(&iocb, b, io->pos + io->done, io->write);
	if (io->write)
		file_start_write(b->file);
	ret = file_rw(b->file, &iocb, iter, io->write);
	if (io->write)
		file_end_write(b->file);
	return ret;
}

static void bounce_free(struct bio_vec *bv, unsigned int nr)
{
	while (nr--)
		__free_page(bv[nr].bv_page);
	kfree(bv);
}

static struct bio_vec *bounce_alloc(unsigned int nr)
{
	struct bio_vec *bv = kcalloc(nr, sizeof(*bv), GFP_KERNEL);
	unsigned int i;

	if (!bv)
		return NULL;
	for (i = 0; i < nr; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page) {
			bounce_free(bv, i);
			return NULL;
		}
		bv[i] = (struct bio_vec){ .bv_page = page, .bv_len = PAGE_SIZE };
	}
	return bv;
}

/* Copies @len bytes between the bounce pages and guest memory. */
static int bounce_copy(const struct kvblk_io *io, struct bio_vec *bv, size_t len)
{
	struct iov_iter guest;
	size_t n, moved;
	void *va;

	kvblk_io_iter(io, io->write ? ITER_SOURCE : ITER_DEST, &guest);
	for (; len; len -= n, bv++) {
		n = min_t(size_t, len, PAGE_SIZE);
		va = page_address(bv->bv_page);
		moved = io->write ? copy_from_iter(va, n, &guest) :
				    copy_to_iter(va, n, &guest);
		if (moved != n)
			return -EFAULT;
	}
	return 0;
}

/* As file_transfer(), through pages that suit the device. */
static ssize_t file_bounce(struct kvblk_backing *b, const struct kvblk_io *io)
{
	size_t len = min_t(size_t, io->len - io->done, BOUNCE_PAGES * PAGE_SIZE);
	unsigned int nr = DIV_ROUND_UP(len, PAGE_SIZE);
	struct bio_vec *bv = bounce_alloc(nr);
	struct iov_iter iter;
	ssize_t ret = 0;

	if (!bv)
		return -ENOMEM;
	if (io->write)
		ret = bounce_copy(io, bv, len);
	if (!ret) {
		iov_iter_bvec(&iter, io->write ? ITER_SOURCE : ITER_DEST, bv, nr,
			      len);
		ret = file_transfer(b, io, &iter);
	}
	if (!io->write && ret > 0 && bounce_copy(io, bv, ret))
		ret = -EFAULT;
	bounce_free(bv, nr);
	return ret;
}

static ssize_t file_step(struct kvblk_backing *b, const struct kvblk_io *io,
			 bool *bounce)
{
	struct iov_iter iter;
	ssize_t ret;

	if (*bounce)
		return file_bounce(b, io);

	kvblk_io_iter(io, io->write ? ITER_SOURCE : ITER_DEST, &iter);
	iov_iter_truncate(&iter, CALL_MAX);
	ret = file_transfer(b, io, &iter);
	/* Alignment is the one reason that differs by kernel and file system. */
	if (ret == -EINVAL && b->direct) {
		*bounce = true;
		ret = file_bounce(b, io);
	}
	return ret;
}

/* The rest of a read that reached the end of the file. */
static int file_pad(struct kvblk_io *io)
{
	size_t rest = io->len - io->done;
	struct iov_iter iter;

	kvblk_io_iter(io, ITER_DEST, &iter);
	if (iov_iter_zero(rest, &iter) != rest)
		return -EFAULT;
	io->done = io->len;
	return 0;
}

static bool file_interrupted(ssize_t ret)
{
	return ret == -EINTR || ret == -ERESTARTSYS ||
	       ret == -ERESTARTNOINTR || ret == -ERESTARTNOHAND;
}

/* At the end of the file a direct read stops between aligned offsets. */
static bool file_at_end(const struct kvblk_backing *b, const struct kvblk_io *io,
			ssize_t ret)
{
	return !ret || (io->done & (b->offset_align - 1));
}

static int file_perform(struct kvblk_backing *b, struct kvblk_io *io)
{
	bool bounce = b->direct && !file_aligned(b, io);
	unsigned int interrupted = 0;
	ssize_t ret;

	while (io->done < io->len) {
		ret = file_step(b, io, &bounce);
		if (file_interrupted(ret) && interrupted++ < EINTR_MAX)
			continue;
		if (ret < 0)
			return ret;
		io->done += ret;
		io->delivered += ret;
		if (io->done == io->len || !file_at_end(b, io, ret))
			continue;
		return io->write ? -EIO : file_pad(io);
	}
	return 0;
}

static int file_flush(struct kvblk_backing *b)
{
	return vfs_fsync(b->file, 1);
}

static void file_close(struct kvblk_backing *b)
{
	fput(b->file);
}

static const struct kvblk_backing_ops kvblk_file_ops = {
	.attempt	= file_attempt,
	.stack		= file_stack,
	.perform	= file_perform,
	.flush		= file_flush,
	.close		= file_close,
};

static int file_check(struct file *file, bool read_only, struct kvblk_why *why)
{
	struct inode *inode = file_inode(file);

	if (!S_ISREG(inode->i_mode) && !S_ISBLK(inode->i_mode))
		return kvblk_why(why, -ENOTBLK,
				 "fd: neither a regular file nor a block device");
	if (!(file->f_mode & FMODE_READ) || !file->f_op->read_iter)
		return kvblk_why(why, -EBADF, "fd: not open for reading");
	if (!read_only && (!(file->f_mode & FMODE_WRITE) ||
			   !file->f_op->write_iter))
		return kvblk_why(why, -EROFS,
				 "fd: not open for writing, and the disk is not read-only");
	if (IS_SWAPFILE(file->f_mapping->host))
		return kvblk_why(why, -ETXTBSY, "fd: is in use as swap");
	return 0;
}

static int file_align(struct kvblk_backing *b, struct kvblk_why *why)
{
	struct inode *inode = b->file->f_mapping->host;
	struct kstat stat = {};
	struct block_device *bdev;

	b->offset_align = 1;
	b->mem_align = 1;
	if (!b->direct)
		return 0;
	if (!(b->file->f_mode & FMODE_CAN_ODIRECT))
		return kvblk_why(why, -EOPNOTSUPP,
				 "flags: direct I/O is not possible on this file");

	bdev = S_ISBLK(inode->i_mode) ? I_BDEV(inode) : inode->i_sb->s_bdev;
	b->offset_align = bdev ? bdev_logical_block_size(bdev) : SECTOR_SIZE;
	b->mem_align = b->offset_align;
	if (S_ISBLK(inode->i_mode)) {
		b->mem_align = bdev_dma_alignment(bdev) + 1;
	} else if (!vfs_getattr(&b->file->f_path, &stat, STATX_DIOALIGN, 0) &&
		   (stat.result_mask & STATX_DIOALIGN)) {
		if (!stat.dio_offset_align)
			return kvblk_why(why, -EOPNOTSUPP,
					 "flags: direct I/O is not possible on this file");
		b->offset_align = stat.dio_offset_align;
		b->mem_align = stat.dio_mem_align;
	}
	return 0;
}

/* O_DSYNC makes each write durable, which the file does. */
static struct block_device *file_bdev_direct(const struct kvblk_backing *b)
{
	struct inode *inode = b->file->f_mapping->host;

	if (!S_ISBLK(inode->i_mode) || !b->direct || b->file->f_flags & O_DSYNC)
		return NULL;
	return I_BDEV(inode);
}

int kvblk_file_open(struct kvblk_backing *b, int fd, bool read_only, bool direct,
		    struct kvblk_why *why)
{
	struct file *file = fget(fd);
	int ret;

	if (!file)
		return kvblk_why(why, -EBADF, "fd: %d is not open", fd);

	b->file = file;
	b->direct = direct;
	b->nowait = file->f_mode & FMODE_NOWAIT;
	ret = file_check(file, read_only, why);
	if (!ret)
		ret = file_align(b, why);
	if (ret)
		goto err_put;

	b->bdev = file_bdev_direct(b);
	b->stacks = b->bdev;
	b->size = i_size_read(file->f_mapping->host);
	if (!b->size) {
		ret = kvblk_why(why, -ENODATA, "capacity: the backing holds no bytes");
		goto err_put;
	}
	b->ops = &kvblk_file_ops;
	return 0;

err_put:
	fput(file);
	return ret;
}
