// SPDX-License-Identifier: GPL-2.0
/* Requests of a virtio block device: framing, limits, direction, range. */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <asm/byteorder.h>
#include "cmd.h"

/* What one direction of a chain carries beside header and status. */
struct span {
	struct kvblk_seg *seg;
	u16 nr;
	u64 bytes;
};

struct payload {
	struct span out;
	struct span in;
};

static u32 get32(__virtio32 v)
{
	return le32_to_cpu((__force __le32)v);
}

static u64 get64(__virtio64 v)
{
	return le64_to_cpu((__force __le64)v);
}

/* The caller knows that the readable pieces hold @len bytes. */
static int read_front(const struct kvblk_guest *g,
		      const struct kvblk_chain *chain, void *dst, u32 len)
{
	const struct kvblk_seg *seg = chain->seg;
	u32 n;
	int err;

	for (; len; seg++, dst += n, len -= n) {
		n = min(seg->len, len);
		if (!n)
			continue;
		err = g->read(g, seg->gpa, dst, n);
		if (err)
			return err;
	}
	return 0;
}

/* The last piece that is not empty; the caller knows that there is one. */
static struct kvblk_seg *status_seg(const struct kvblk_chain *chain)
{
	struct kvblk_seg *seg = chain->seg + chain->nr_out + chain->nr_in - 1;

	while (!seg->len)
		seg--;
	return seg;
}

static void cut_front(struct span *s, u32 len)
{
	u32 n;

	s->bytes -= len;
	while (len) {
		n = min(s->seg->len, len);
		s->seg->gpa += n;
		s->seg->len -= n;
		len -= n;
		if (!s->seg->len) {
			s->seg++;
			s->nr--;
		}
	}
}

static void cut_status(struct span *s, struct kvblk_seg *status)
{
	s->bytes--;
	status->len--;
	s->nr = status - s->seg + (status->len ? 1 : 0);
}

static void payload_of(struct kvblk_chain *chain, struct payload *p)
{
	p->out.seg = chain->seg;
	p->out.nr = chain->nr_out;
	p->out.bytes = chain->out_bytes;
	cut_front(&p->out, sizeof(struct virtio_blk_outhdr));

	p->in.seg = chain->seg + chain->nr_out;
	p->in.nr = chain->nr_in;
	p->in.bytes = chain->in_bytes;
	cut_status(&p->in, status_seg(chain));
}

static bool span_fits(const struct span *s, u32 size_max)
{
	u16 i;

	for (i = 0; i < s->nr; i++)
		if (s->seg[i].len > size_max)
			return false;
	return true;
}

static bool payload_fits(const struct payload *p,
			 const struct kvblk_geometry *geo)
{
	return p->out.nr + p->in.nr <= geo->seg_max &&
	       span_fits(&p->out, geo->size_max) &&
	       span_fits(&p->in, geo->size_max);
}

static void accept(struct kvblk_cmd *cmd, enum kvblk_op op,
		   const struct span *data)
{
	cmd->op = op;
	cmd->data = data->seg;
	cmd->nr_data = data->nr;
	cmd->len = data->bytes;
}

static u8 decide_transfer(const struct kvblk_geometry *geo, u64 sector,
			  const struct span *data, const struct span *other,
			  enum kvblk_op op, struct kvblk_cmd *cmd)
{
	u64 pos;

	if (!data->nr || other->nr || data->bytes > U32_MAX)
		return VIRTIO_BLK_S_IOERR;
	if (sector > geo->capacity / KVBLK_SECTOR)
		return VIRTIO_BLK_S_IOERR;
	pos = sector * KVBLK_SECTOR;
	if (data->bytes > geo->capacity - pos)
		return VIRTIO_BLK_S_IOERR;
	if (!IS_ALIGNED(pos | data->bytes, geo->block_size))
		return VIRTIO_BLK_S_IOERR;
	cmd->pos = pos;
	accept(cmd, op, data);
	return VIRTIO_BLK_S_OK;
}

/* A disk that cannot be written has nothing to flush. */
static u8 decide_flush(const struct kvblk_geometry *geo,
		       const struct payload *p, struct kvblk_cmd *cmd)
{
	if (p->out.nr || p->in.nr)
		return VIRTIO_BLK_S_IOERR;
	if (!geo->read_only)
		cmd->op = KVBLK_OP_FLUSH;
	return VIRTIO_BLK_S_OK;
}

static u8 decide_get_id(const struct payload *p, struct kvblk_cmd *cmd)
{
	struct span id = { .seg = p->in.seg, .bytes = VIRTIO_BLK_ID_BYTES };
	u32 left = VIRTIO_BLK_ID_BYTES;

	if (p->out.nr || p->in.bytes < VIRTIO_BLK_ID_BYTES)
		return VIRTIO_BLK_S_IOERR;
	for (; left; id.nr++) {
		id.seg[id.nr].len = min(id.seg[id.nr].len, left);
		left -= id.seg[id.nr].len;
	}
	accept(cmd, KVBLK_OP_GET_ID, &id);
	return VIRTIO_BLK_S_OK;
}

static u8 decide(const struct kvblk_geometry *geo, const struct payload *p,
		 u64 sector, struct kvblk_cmd *cmd)
{
	if (!payload_fits(p, geo))
		return VIRTIO_BLK_S_IOERR;
	switch (cmd->type) {
	case VIRTIO_BLK_T_IN:
		return decide_transfer(geo, sector, &p->in, &p->out,
				       KVBLK_OP_READ, cmd);
	case VIRTIO_BLK_T_OUT:
		if (geo->read_only)
			return VIRTIO_BLK_S_IOERR;
		return decide_transfer(geo, sector, &p->out, &p->in,
				       KVBLK_OP_WRITE, cmd);
	case VIRTIO_BLK_T_FLUSH:
		return decide_flush(geo, p, cmd);
	case VIRTIO_BLK_T_GET_ID:
		return decide_get_id(p, cmd);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

int kvblk_cmd_parse(const struct kvblk_geometry *geo,
		    const struct kvblk_guest *g, struct kvblk_chain *chain,
		    struct kvblk_cmd *cmd)
{
	struct virtio_blk_outhdr hdr;
	struct kvblk_seg *last;
	struct payload p;
	int err;

	*cmd = (struct kvblk_cmd){ .status = VIRTIO_BLK_S_IOERR };
	if (!chain->in_bytes)
		return -ENODATA;
	last = status_seg(chain);
	cmd->status_gpa = last->gpa + last->len - 1;
	if (chain->out_bytes < sizeof(hdr))
		return 0;

	/* Nothing is cut before this: after -EFAULT the caller comes again. */
	err = read_front(g, chain, &hdr, sizeof(hdr));
	if (err)
		return err == -EFAULT ? err : 0;
	payload_of(chain, &p);
	cmd->type = get32(hdr.type);
	cmd->status = decide(geo, &p, get64(hdr.sector), cmd);
	return 0;
}
