// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver: any ring, any indirect table, any header, changed by
 * another processor right after each read if the input says so. Without that
 * the walk must be that of a second implementation below; the verdict on a request is
 * always checked against the header that was delivered.
 *
 * Input: size and features of ring and disk, guest memory, descriptors, then
 * steps of device and driver.
 */
#include <errno.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include "features.h"
#include "input.h"
#include "ring_oracle.h"
#include "vring.h"

#define STEPS_MAX	128

struct world {
	struct guest_memory mem;
	struct kvblk_vring vr;
	struct kvblk_geometry geo;
	struct kvblk_chain chain;
	u16 pushed;
	bool hostile;
	struct input in;
};

/* What the hook saw since it was last cleared. */
static struct {
	unsigned int ring_loads;
	unsigned int desc_loads;
	u16 value[2];
	struct world *w;
} seen;

void (*shim_other_cpu)(const volatile void *where, size_t size);

static bool inside(const volatile void *where, const void *area, size_t size)
{
	return (uintptr_t)where - (uintptr_t)area < size;
}

/* Guest memory only: what the device copied is its own. */
static void other_cpu(const volatile void *where, size_t size)
{
	struct world *w = seen.w;
	const struct kvblk_vring *vr = &w->vr;
	u64 value;

	if (inside(where, vr->desc, kvblk_vring_desc_size(vr->num))) {
		seen.desc_loads++;
	} else if (inside(where, vr->avail, kvblk_vring_avail_size(vr->num))) {
		if (seen.ring_loads < 2)
			memcpy(&seen.value[seen.ring_loads], (void *)where, 2);
		seen.ring_loads++;
	} else {
		return;
	}
	if (!w->hostile || !w->in.left || !(input_u8(&w->in) & 1))
		return;
	value = input_bytes(&w->in, size);
	memcpy((void *)where, &value, size);
}

static void seen_clear(void)
{
	seen.ring_loads = 0;
	seen.desc_loads = 0;
}

/* A descriptor in few bytes, so that most inputs mean something. */
static struct vring_desc input_desc(struct input *in, u16 next)
{
	u8 how = input_u8(in);
	struct vring_desc d = { .flags = how & 7, .next = next };

	switch (how >> 3 & 3) {
	case 0:
		d.addr = 16 * input_u8(in);
		break;
	case 1:
		d.addr = MEMORY_TABLE + 16 * (input_u8(in) % 4);
		break;
	case 2:
		d.addr = input_u64(in);
		break;
	case 3:
		d.addr = -(u64)input_u8(in);
		break;
	}
	switch (how >> 5 & 3) {
	case 0:
		d.len = input_u8(in);
		break;
	case 1:
		d.len = 16 * input_u8(in);
		break;
	case 2:
		d.len = 512 * input_u8(in);
		break;
	case 3:
		d.len = input_u32(in);
		break;
	}
	if (how & 0x80)
		d.next = input_u16(in);
	return d;
}

static void fill_table(struct input *in, struct vring_desc *table, u16 max)
{
	u16 i, nr = input_u8(in);

	for (i = 0; i < max && i < nr; i++)
		table[i] = input_desc(in, i + 1);
}

/* Around the end of the disk, or so far beyond that the position wraps. */
static u64 input_sector(struct input *in, u8 how, u64 end)
{
	switch (how) {
	case 6:
		return (u64)input_u8(in) << 55 | input_u8(in);
	case 7:
		return end + 4 - input_u8(in) % 16;
	default:
		return input_bytes(in, how);
	}
}

static void fill_memory(struct guest_memory *mem, struct input *in, u64 end)
{
	struct virtio_blk_outhdr *hdr = (void *)mem->bytes;
	u8 how = input_u8(in);
	unsigned int i;

	hdr->type = how & 0x80 ? input_u32(in) : how & 0xf;
	hdr->sector = input_sector(in, how >> 4 & 7, end);
	/* The same everywhere: most addresses are that of a header. */
	for (i = sizeof(*hdr); i < MEMORY_SIZE; i += sizeof(*hdr))
		memcpy(mem->bytes + i, hdr, sizeof(*hdr));
	fill_table(in, (void *)(mem->bytes + MEMORY_TABLE), MEMORY_ENTRIES);
	mem->absent = input_u8(in);
}

static void fill_geometry(struct kvblk_geometry *geo, struct input *in)
{
	u8 how = input_u8(in);

	geo->block_size = 512 << (how & 3);
	geo->queue_size = 256;
	geo->read_only = how & 4;
	kvblk_geometry_init(geo);
	if (how & 8)
		geo->size_max = input_u16(in);
	if (how & 16)
		geo->seg_max = input_u8(in);
	geo->capacity = input_bytes(in, how >> 5) * geo->block_size;
	/* 2^62 bytes: more than a file can have. */
	geo->capacity %= 1ULL << 62;
}

/* What a driver sends; by chance it would hardly ever come about. */
static void fill_request(struct input *in, struct vring_desc *table)
{
	u8 how = input_u8(in);
	u16 write = how & 1 ? VRING_DESC_F_WRITE : 0;

	table[0] = (struct vring_desc){ .len = sizeof(struct virtio_blk_outhdr),
					.flags = VRING_DESC_F_NEXT, .next = 1 };
	table[1] = (struct vring_desc){ .addr = MEMORY_SIZE, .next = 2,
					.len = 512 * (how / 2),
					.flags = VRING_DESC_F_NEXT | write };
	table[2] = (struct vring_desc){ .addr = 2 * MEMORY_SIZE, .len = 1,
					.flags = VRING_DESC_F_WRITE };
}

static void fill_ring(struct kvblk_vring *vr, struct input *in)
{
	u8 how = input_u8(in);
	u16 entry;

	vr->num = 1 << (how & 7);
	vr->event_idx = how & 8;
	vr->indirect = how & 16;
	vr->desc = fuzz_alloc(kvblk_vring_desc_size(vr->num));
	vr->avail = fuzz_alloc(kvblk_vring_avail_size(vr->num));
	vr->used = fuzz_alloc(kvblk_vring_used_size(vr->num));
	if (how & 32)
		vr->next_avail = input_u16(in);
	vr->next_used = vr->next_avail;
	vr->published = vr->next_avail;
	vr->used->idx = vr->next_avail;
	vr->avail->idx = vr->next_avail + (how & 64 ? input_u8(in) : 1);
	for (entry = 0; entry < vr->num; entry++)
		vr->avail->ring[entry] = entry;
	if (how & 128 && vr->num > 2)
		fill_request(in, (struct vring_desc *)vr->desc);
	else
		fill_table(in, (struct vring_desc *)vr->desc, vr->num);
}

/* The length of the chain array is that of a real one or any smaller. */
static void world_init(struct world *w, const u8 *data, size_t size)
{
	struct input *in = &w->in;
	u8 how;

	in->data = data;
	in->left = size;
	how = input_u8(in);
	fill_geometry(&w->geo, in);
	memory_init(&w->mem);
	fill_memory(&w->mem, in, w->geo.capacity / KVBLK_SECTOR);
	fill_ring(&w->vr, in);
	w->hostile = how & 1;
	w->mem.scribbler = w->hostile ? in : NULL;
	w->chain.max = how & 2 ? input_u8(in) : KVBLK_CHAIN_MAX;
	w->chain.seg = fuzz_alloc(w->chain.max * sizeof(*w->chain.seg));
	w->pushed = w->vr.next_used;
	seen.w = w;
	shim_other_cpu = other_cpu;
}

static void world_exit(struct world *w)
{
	shim_other_cpu = NULL;
	free((void *)w->vr.desc);
	free(w->vr.avail);
	free(w->vr.used);
	free(w->chain.seg);
}

static void check_parse(struct world *w)
{
	struct kvblk_chain *chain = &w->chain;
	u16 nr = chain->nr_out + chain->nr_in;
	size_t bytes = nr * sizeof(*chain->seg);
	struct kvblk_seg *seg = fuzz_alloc(bytes);
	struct kvblk_chain before = *chain;
	struct kvblk_cmd cmd;
	int err;

	memcpy(seg, chain->seg, bytes);
	before.seg = seg;
	memory_clear(&w->mem);
	err = kvblk_cmd_parse(&w->geo, &w->mem.guest, chain, &cmd);
	oracle_parse(&w->geo, &w->mem, &before, err, &cmd);
	if (err)
		CHECK(!memcmp(seg, chain->seg, bytes), "error %d cut", err);
	free(seg);
}

/* Looks at one field of a descriptor once: a step of a walk is four loads. */
static int check_walk(struct world *w, u16 head)
{
	struct kvblk_chain *chain = &w->chain;
	unsigned int nr;
	int err;

	memory_clear(&w->mem);
	seen_clear();
	err = kvblk_vring_walk(&w->vr, head, &w->mem.guest, chain);
	nr = chain->nr_out + chain->nr_in;
	CHECK(seen.desc_loads <= 4 * (nr + 1), "%u loads for %u pieces",
	      seen.desc_loads, nr);
	CHECK(w->mem.reads <= nr + 1, "%u reads for %u pieces", w->mem.reads,
	      nr);
	CHECK(err || nr, "an empty chain is none");
	oracle_pieces(&w->vr, chain);
	if (!w->hostile)
		oracle_walk(&w->vr, head, &w->mem, chain, err);
	return err;
}

static bool step_peek(struct world *w, u16 *head)
{
	u16 ahead;
	int is;

	seen_clear();
	is = kvblk_vring_peek(&w->vr, head);
	ahead = seen.value[0] - w->vr.next_avail;
	if (!ahead)
		CHECK(is == 0 && seen.ring_loads == 1, "nothing is %d", is);
	else if (ahead > w->vr.num)
		CHECK(is == -ERANGE && seen.ring_loads == 1, "%u ahead is %d",
		      ahead, is);
	else if (seen.value[1] >= w->vr.num)
		CHECK(is == -EINVAL && seen.ring_loads == 2, "entry %u is %d",
		      seen.value[1], is);
	else
		CHECK(is == 1 && *head == seen.value[1] && seen.ring_loads == 2,
		      "entry %u is %d, %u", seen.value[1], is, *head);
	return is == 1;
}

static void step_push(struct world *w, u16 head, u32 len)
{
	u16 slot = w->pushed++ % w->vr.num, idx = w->vr.used->idx;

	kvblk_vring_push(&w->vr, head, len);
	CHECK(w->vr.used->ring[slot].id == head &&
	      w->vr.used->ring[slot].len == len, "slot %u", slot);
	CHECK(w->vr.used->idx == idx, "shown before it is published");
}

static void step_request(struct world *w)
{
	u16 head;

	if (!step_peek(w, &head))
		return;
	if (check_walk(w, head))
		return;
	kvblk_vring_advance(&w->vr);
	check_parse(w);
	step_push(w, head, w->chain.in_bytes);
}

/* An interrupt is due if used_event lies in what was just published. */
static void step_publish(struct world *w)
{
	u16 old = w->vr.used->idx, event, i;
	bool is, want = false;

	seen_clear();
	is = kvblk_vring_publish(&w->vr);
	CHECK(w->vr.used->idx == w->pushed, "used->idx %u, not %u",
	      w->vr.used->idx, w->pushed);
	CHECK(seen.ring_loads == (old != w->pushed), "%u loads",
	      seen.ring_loads);
	event = seen.value[0];
	if (old != w->pushed && !w->vr.event_idx)
		want = !(event & VRING_AVAIL_F_NO_INTERRUPT);
	else
		for (i = old; i != w->pushed; i++)
			want |= i == event;
	CHECK(is == want, "%u to %u, event %u: %d", old, w->pushed, event, is);
}

static void step_notify(struct world *w, bool enable)
{
	const struct vring_used *used = w->vr.used;
	u16 *event = (u16 *)&used->ring[w->vr.num], before = *event;
	bool more;

	seen_clear();
	if (!enable) {
		kvblk_vring_disable_notify(&w->vr);
		CHECK(used->flags == !w->vr.event_idx, "flags %u", used->flags);
		CHECK(*event == (w->vr.event_idx ? (u16)(w->vr.next_avail - 1) : before),
		      "avail_event %u, quiet", *event);
		return;
	}
	more = kvblk_vring_enable_notify(&w->vr);
	CHECK(used->flags == 0, "flags %u", used->flags);
	CHECK(*event == (w->vr.event_idx ? w->vr.next_avail : before),
	      "avail_event %u", *event);
	CHECK(more == (seen.value[0] != w->vr.next_avail), "more: %d", more);
}

static void step_driver(struct world *w)
{
	struct vring_avail *avail = w->vr.avail;
	struct vring_desc *desc = (struct vring_desc *)w->vr.desc;
	struct input *in = &w->in;
	u8 how = input_u8(in);
	u16 i = input_u8(in) % w->vr.num;

	switch (how % 4) {
	case 0:
		avail->idx += how / 4;
		break;
	case 1:
		avail->ring[i] = how & 128 ? input_u16(in) : how / 4;
		break;
	case 2:
		desc[i] = input_desc(in, i + 1);
		break;
	case 3:
		avail->flags = how / 4;
		avail->ring[w->vr.num] = w->vr.used->idx + (s8)i;
		break;
	}
}

static void step(struct world *w)
{
	switch (input_u8(&w->in) % 8) {
	case 0:
		step_notify(w, false);
		break;
	case 1:
		step_notify(w, true);
		break;
	case 2:
		step_publish(w);
		break;
	case 3:
	case 4:
		step_driver(w);
		break;
	default:
		step_request(w);
	}
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct world w = { .hostile = false };
	unsigned int steps;

	world_init(&w, data, size);
	step_request(&w);
	for (steps = 0; w.in.left && steps < STEPS_MAX; steps++)
		step(&w);
	step_publish(&w);
	world_exit(&w);
	return 0;
}
