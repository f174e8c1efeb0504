// SPDX-License-Identifier: GPL-2.0
/*
 * A transfer between pages and a block device, without the file: the request holds its own
 * bio, whose pieces are the request's. Nothing is allocated, no page is looked up.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/pagemap.h>
#include "backing.h"
#include "mem.h"

static void bdev_end(struct bio *bio)
{
	struct kvblk_io *io = container_of(bio, struct kvblk_io, bio);

	io->result = bio->bi_status ? blk_status_to_errno(bio->bi_status) : io->len;
	bio_uninit(bio);
	io->end(io);
}

static bool bdev_is_aligned(const struct kvblk_backing *b, const struct kvblk_io *io)
{
	return IS_ALIGNED(io->pos | io->len, bdev_logical_block_size(b->bdev));
}

/* Whether somebody else's buffered I/O has left pages that must be dealt with first. */
static bool bdev_is_cached(const struct kvblk_backing *b, const struct kvblk_io *io)
{
	struct address_space *mapping = b->file->f_mapping;
	u64 last = io->pos + io->len - 1;

	if (!READ_ONCE(mapping->nrpages))
		return false;
	if (io->write)
		return filemap_range_has_page(mapping, io->pos, last);
	return filemap_range_needs_writeback(mapping, io->pos, last);
}

/* What the file would refuse to write. */
static bool bdev_is_locked(const struct kvblk_backing *b)
{
	return bdev_read_only(b->bdev) || IS_SWAPFILE(b->file->f_mapping->host);
}

bool kvblk_bdev_takes(const struct kvblk_backing *b, const struct kvblk_io *io)
{
	if (!b->bdev || !io->mem->ops->pages || io->nr_vec > BIO_MAX_VECS)
		return false;
	if (io->write && bdev_is_locked(b))
		return false;
	return bdev_is_aligned(b, io) && !bdev_is_cached(b, io);
}

void kvblk_bdev_start(const struct kvblk_backing *b, struct kvblk_io *io)
{
	blk_opf_t op = io->write ? REQ_OP_WRITE | REQ_SYNC | REQ_IDLE : REQ_OP_READ;
	struct bio *bio = &io->bio;

	bio_init(bio, b->bdev, &io->vec->bv, io->nr_vec, op | REQ_NOWAIT);
	bio->bi_vcnt = io->nr_vec;
	bio->bi_iter.bi_sector = io->pos >> SECTOR_SHIFT;
	bio->bi_iter.bi_size = io->len;
	bio->bi_end_io = bdev_end;
	submit_bio(bio);
}
