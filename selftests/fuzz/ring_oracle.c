// SPDX-License-Identifier: GPL-2.0
/* A second, slow implementation of walk and parse, and guest memory to read. */
#include <errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include "ring_oracle.h"

/* Header and, in one read, a window of an indirect table. */
#define READ_MAX	256

static void scribble(struct guest_memory *mem)
{
	struct input *in = mem->scribbler;

	if (in && in->left && input_u8(in) & 1)
		mem->bytes[input_u16(in) % MEMORY_SIZE] = input_u8(in);
}

static bool page_absent(const struct guest_memory *mem, u64 gpa, u32 len)
{
	return mem->absent >= gpa / MEMORY_PAGE &&
	       mem->absent <= (gpa + len - 1) / MEMORY_PAGE;
}

static int memory_read(const struct kvblk_guest *g, u64 gpa, void *dst, u32 len)
{
	struct guest_memory *mem = container_of(g, struct guest_memory, guest);
	u64 end;

	CHECK(len && len <= READ_MAX, "a read of %u bytes", len);
	CHECK(!__builtin_add_overflow(gpa, len, &end), "%u bytes at %#llx", len,
	      gpa);
	CHECK(!mem->error, "a read behind one that failed");
	mem->reads++;
	mem->low = min(mem->low, gpa);
	mem->high = max(mem->high, end);
	if (end > MEMORY_SIZE)
		mem->error = -ENXIO;
	else if (page_absent(mem, gpa, len))
		mem->error = -EFAULT;
	if (mem->error)
		return mem->error;
	memcpy(dst, mem->bytes + gpa, len);
	if (mem->got_len < sizeof(mem->got))
		memcpy(mem->got + mem->got_len, dst,
		       min_t(u64, len, sizeof(mem->got) - mem->got_len));
	mem->got_len += len;
	scribble(mem);
	return 0;
}

void memory_init(struct guest_memory *mem)
{
	mem->guest.read = memory_read;
	memory_clear(mem);
}

void memory_clear(struct guest_memory *mem)
{
	mem->reads = 0;
	mem->got_len = 0;
	mem->error = 0;
	mem->low = U64_MAX;
	mem->high = 0;
}

void oracle_pieces(const struct kvblk_vring *vr,
		   const struct kvblk_chain *chain)
{
	u16 i, nr = chain->nr_out + chain->nr_in;
	u64 out = 0, in = 0, end;

	CHECK(nr <= chain->max && nr <= vr->num, "%u pieces", nr);
	for (i = 0; i < nr; i++) {
		CHECK(!__builtin_add_overflow(chain->seg[i].gpa,
					      chain->seg[i].len, &end),
		      "piece %u wraps", i);
		*(i < chain->nr_out ? &out : &in) += chain->seg[i].len;
	}
	CHECK(out == chain->out_bytes && in == chain->in_bytes,
	      "%llu and %llu bytes", out, in);
}

/* Where the walk is: in the ring or in an indirect table. */
struct place {
	const struct vring_desc *table;
	u32 num;
};

static bool open_table(const struct kvblk_vring *vr,
		       const struct guest_memory *mem,
		       const struct vring_desc *d, struct place *at)
{
	u64 end;

	if (!vr->indirect || at->table != vr->desc ||
	    d->flags & VRING_DESC_F_NEXT || !d->len || d->len % 16 ||
	    d->len / 16 > vr->num ||
	    __builtin_add_overflow(d->addr, d->len, &end))
		return false;
	CHECK(mem->low >= d->addr && mem->high <= end,
	      "reads %#llx to %#llx of the table at %#llx, %u bytes", mem->low,
	      mem->high, d->addr, d->len);
	at->table = (const void *)(mem->bytes + d->addr);
	at->num = d->len / 16;
	return true;
}

static bool same_piece(const struct kvblk_chain *chain, u16 nr,
		       const struct vring_desc *d)
{
	bool write = d->flags & VRING_DESC_F_WRITE;

	return chain->seg[nr].gpa == d->addr && chain->seg[nr].len == d->len &&
	       write == (nr >= chain->nr_out);
}

/* Whether the chain is good; each of its pieces must be in @chain. */
static bool walk_good(const struct kvblk_vring *vr, u16 head,
		      const struct guest_memory *mem,
		      const struct kvblk_chain *chain, u16 *nr)
{
	struct place at = { .table = vr->desc, .num = vr->num };
	bool wrote = false;
	u16 i = head;
	u64 end;

	for (*nr = 0; i < at.num;) {
		struct vring_desc d = at.table[i];

		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!open_table(vr, mem, &d, &at))
				return false;
			i = 0;
			continue;
		}
		if (*nr == vr->num || *nr == chain->max ||
		    (wrote && !(d.flags & VRING_DESC_F_WRITE)) ||
		    __builtin_add_overflow(d.addr, d.len, &end))
			return false;
		wrote |= d.flags & VRING_DESC_F_WRITE;
		CHECK(same_piece(chain, *nr, &d), "piece %u", *nr);
		(*nr)++;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
		i = d.next;
	}
	return false;
}

void oracle_walk(const struct kvblk_vring *vr, u16 head,
		 const struct guest_memory *mem,
		 const struct kvblk_chain *chain, int err)
{
	bool good;
	u16 nr;

	if (mem->error) {
		CHECK(err == mem->error, "%d, not %d", err, mem->error);
		return;
	}
	good = walk_good(vr, head, mem, chain, &nr);
	CHECK(err == (good ? 0 : -EINVAL), "%d for a %s chain", err,
	      good ? "good" : "bad");
	CHECK(nr == chain->nr_out + chain->nr_in, "%u pieces, not %u",
	      chain->nr_out + chain->nr_in, nr);
}

/* The data of one direction: its pieces that are not empty. */
struct stream {
	struct kvblk_seg seg[KVBLK_CHAIN_MAX];
	u16 nr;
	u64 bytes;
	u32 longest;
};

/* Bytes @from to @to of the pieces at @seg. */
static void stream_cut(struct stream *s, const struct kvblk_seg *seg, u16 nr,
		       u64 from, u64 to)
{
	u64 at = 0, start, end;

	s->nr = 0;
	s->bytes = to - from;
	s->longest = 0;
	for (; nr; nr--, at += seg->len, seg++) {
		start = max(at, from);
		end = min(at + seg->len, to);
		if (start >= end)
			continue;
		s->seg[s->nr].gpa = seg->gpa + (start - at);
		s->seg[s->nr].len = end - start;
		s->longest = max(s->longest, s->seg[s->nr].len);
		s->nr++;
	}
}

struct verdict {
	enum kvblk_op op;
	u8 status;
	const struct stream *data;
	u64 len;
};

/* A transfer of no bytes is one if it has a piece, which is empty then. */
static bool range_good(const struct kvblk_geometry *geo, u64 sector, u64 len,
		       bool empty_pieces)
{
	unsigned __int128 pos = (unsigned __int128)sector * KVBLK_SECTOR;

	return (len || empty_pieces) && len <= U32_MAX &&
	       pos + len <= geo->capacity && pos % geo->block_size == 0 &&
	       len % geo->block_size == 0;
}

static struct verdict judge(const struct kvblk_geometry *geo,
			    const struct virtio_blk_outhdr *hdr,
			    const struct stream *out, const struct stream *in,
			    bool empty)
{
	struct verdict bad = { .status = VIRTIO_BLK_S_IOERR }, good = bad;

	if (out->nr + in->nr > geo->seg_max || out->longest > geo->size_max ||
	    in->longest > geo->size_max)
		return bad;
	good.status = VIRTIO_BLK_S_OK;
	switch (hdr->type) {
	case VIRTIO_BLK_T_IN:
		good.op = KVBLK_OP_READ;
		good.data = in;
		good.len = in->bytes;
		return !out->bytes &&
		       range_good(geo, hdr->sector, in->bytes, empty) ?
		       good : bad;
	case VIRTIO_BLK_T_OUT:
		good.op = KVBLK_OP_WRITE;
		good.data = out;
		good.len = out->bytes;
		return !geo->read_only && !in->bytes &&
		       range_good(geo, hdr->sector, out->bytes, empty) ?
		       good : bad;
	case VIRTIO_BLK_T_FLUSH:
		good.op = geo->read_only ? KVBLK_OP_NONE : KVBLK_OP_FLUSH;
		return out->bytes || in->bytes ? bad : good;
	case VIRTIO_BLK_T_GET_ID:
		good.op = KVBLK_OP_GET_ID;
		good.data = in;
		good.len = VIRTIO_BLK_ID_BYTES;
		return !out->bytes && in->bytes >= good.len ? good : bad;
	default:
		bad.status = VIRTIO_BLK_S_UNSUPP;
		return bad;
	}
}

static void check_data(const struct kvblk_cmd *cmd, const struct stream *want)
{
	struct stream first, is;
	u16 i;

	stream_cut(&first, want->seg, want->nr, 0, cmd->len);
	stream_cut(&is, cmd->data, cmd->nr_data, 0, U64_MAX);
	CHECK(is.nr == first.nr, "%u pieces of data, not %u", is.nr, first.nr);
	for (i = 0; i < is.nr; i++)
		CHECK(is.seg[i].gpa == first.seg[i].gpa &&
		      is.seg[i].len == first.seg[i].len,
		      "%u bytes of data at %#llx", is.seg[i].len,
		      is.seg[i].gpa);
}

static void check_verdict(const struct kvblk_geometry *geo,
			  const struct guest_memory *mem,
			  const struct kvblk_chain *chain, bool empty_pieces,
			  const struct kvblk_cmd *cmd)
{
	struct virtio_blk_outhdr hdr;
	struct stream out, in;
	struct verdict want;

	memcpy(&hdr, mem->got, sizeof(hdr));
	stream_cut(&out, chain->seg, chain->nr_out, sizeof(hdr),
		   chain->out_bytes);
	stream_cut(&in, chain->seg + chain->nr_out, chain->nr_in, 0,
		   chain->in_bytes - 1);
	want = judge(geo, &hdr, &out, &in, empty_pieces);
	CHECK(cmd->type == hdr.type, "type %u, not %u", cmd->type, hdr.type);
	/* An empty piece is a piece too many for some; that is allowed. */
	if (empty_pieces && cmd->op == KVBLK_OP_NONE &&
	    cmd->status == VIRTIO_BLK_S_IOERR)
		return;
	CHECK(cmd->op == want.op && cmd->status == want.status,
	      "op %u status %u, not %u and %u", cmd->op, cmd->status, want.op,
	      want.status);
	CHECK(cmd->len == want.len, "%u bytes, not %llu", cmd->len, want.len);
	if (want.op == KVBLK_OP_READ || want.op == KVBLK_OP_WRITE)
		CHECK(cmd->pos == hdr.sector * KVBLK_SECTOR, "at %llu",
		      cmd->pos);
	if (want.data)
		check_data(cmd, want.data);
}

/* The last writable byte. Tells whether the chain has empty pieces, too. */
static u64 status_byte(const struct kvblk_chain *chain, bool *empty_pieces)
{
	u16 i, nr = chain->nr_out + chain->nr_in;
	u64 gpa = 0;

	for (i = 0; i < nr; i++) {
		if (!chain->seg[i].len)
			*empty_pieces = true;
		else if (i >= chain->nr_out)
			gpa = chain->seg[i].gpa + chain->seg[i].len - 1;
	}
	return gpa;
}

void oracle_parse(const struct kvblk_geometry *geo,
		  const struct guest_memory *mem,
		  const struct kvblk_chain *chain, int err,
		  const struct kvblk_cmd *cmd)
{
	bool empty_pieces = false;
	u64 status = status_byte(chain, &empty_pieces);
	bool answered = chain->in_bytes;
	bool header = answered && chain->out_bytes >= 16;
	int want = answered ? 0 : -ENODATA;

	if (mem->error == -EFAULT)
		want = -EFAULT;
	CHECK(err == want, "%d, not %d", err, want);
	CHECK(!answered || cmd->status_gpa == status, "status at %#llx",
	      cmd->status_gpa);
	CHECK(header || !mem->reads, "reads a header that is none");
	if (header && !mem->error) {
		CHECK(mem->got_len == 16, "reads %zu bytes", mem->got_len);
		check_verdict(geo, mem, chain, empty_pieces, cmd);
		return;
	}
	CHECK(cmd->op == KVBLK_OP_NONE && cmd->status == VIRTIO_BLK_S_IOERR,
	      "op %u status %u", cmd->op, cmd->status);
}
