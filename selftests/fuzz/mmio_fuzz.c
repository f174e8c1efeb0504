// SPDX-License-Identifier: GPL-2.0
/*
 * Random register accesses of a guest, with what the worker does in between and
 * at the worst moment, against a model written from the specification (virtio
 * 1.2, 3.1.1 and 4.2.2). After each step the whole window and all that the
 * register file keeps must be the model's.
 *
 * Input: offered features, number of queues and largest ring, then steps.
 */
#include <linux/compiler.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "features.h"
#include "input.h"
#include "mmio.h"
#include "mmio_model.h"

#define STEPS_MAX	512

struct world {
	struct kvblk_mmio m;
	struct model model;
};

/* The worker strikes after the next look at Status: that window, else NULL. */
static struct kvblk_mmio *victim;

void (*shim_other_cpu)(const volatile void *where, size_t size);

static void worker_strikes(const volatile void *where, size_t size)
{
	struct kvblk_mmio *m = victim;

	(void)size;
	if (!m || where != m->page + VIRTIO_MMIO_STATUS)
		return;
	victim = NULL;
	kvblk_mmio_needs_reset(m);
}

static bool queue_ok(struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	CHECK(vq == &m->vq[m->queue_sel] && !vq->ready, "asked about another queue");
	CHECK(!(vq->desc % 16 || vq->avail % 2 || vq->used % 4),
	      "asked about areas %llx %llx %llx", vq->desc, vq->avail, vq->used);
	return areas_good(vq);
}

static void check_queue(const struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	u32 status = kvblk_mmio_status(m);

	CHECK(!vq->ready || areas_good(vq), "ready with bad areas");
	/* The end of a reset takes it back. */
	CHECK(!vq->ready || status & 0x48, "ready at Status %#x", status);
	CHECK(!vq->ready || status & 0x40 || vq < &m->vq[kvblk_mmio_queues(m)],
	      "ready but not negotiated");
	CHECK(vq->num <= m->queue_max, "ring of %u", vq->num);
}

/* What holds whatever the model says. */
static void check_rules(const struct kvblk_mmio *m)
{
	u32 status = kvblk_mmio_status(m), steps = status & ~0xc0U;
	unsigned int i;

	CHECK(steps == 0 || steps == 1 || steps == 3 || steps == 0xb ||
	      steps == 0xf, "Status %#x", status);
	CHECK(!(steps & 8) || (m->driver >> 32 & 1 &&
			       !(m->driver & ~m->offered)),
	      "Status %#x with features %#llx", status, m->driver);
	for (i = 0; i < m->queues; i++)
		check_queue(m, &m->vq[i]);
	CHECK(kvblk_mmio_interrupts(m) ==
	      kvblk_mmio_read(m, VIRTIO_MMIO_INTERRUPT_STATUS, 4),
	      "InterruptStatus %#x", kvblk_mmio_interrupts(m));
}

static void check_same(const struct world *w, const char *what)
{
	const struct kvblk_mmio *m = &w->m;
	u32 offset;

	check_rules(m);
	if (model_is(&w->model, m))
		return;
	for (offset = 0; offset < KVBLK_MMIO_SIZE; offset += 4) {
		u32 is = kvblk_mmio_read(m, offset, 4);

		CHECK(is == shown(&w->model, offset),
		      "register %#x after %s: %#x, not %#x", offset, what, is,
		      shown(&w->model, offset));
	}
	CHECK(0, "what is kept of the registers differs after %s", what);
}

static const u16 registers[] = {
	0x014, 0x020, 0x024, 0x030, 0x038, 0x044, 0x050, 0x064, 0x070, 0x080,
	0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac,
};

static u32 pick_offset(struct input *in)
{
	u8 pick = input_u8(in);

	return pick < 0xf0 ? registers[pick % 16] : input_u16(in) % 0x1100;
}

static u64 pick_value(struct input *in)
{
	static const u8 steps[] = { 1, 3, 0xb, 0xf };
	u8 pick = input_u8(in);

	switch (pick % 8) {
	case 0:
		return steps[pick / 8 % 4];
	case 1:
		return 1U << pick / 8;
	case 2:
		return input_u32(in);
	case 3:
		return input_u64(in);
	default:
		return pick / 8;
	}
}

/*
 * With a worker that strikes in the middle the write must look as if it came
 * before or after that.
 */
static void step_write(struct world *w, struct input *in, bool race, u32 len)
{
	u32 offset = pick_offset(in);
	u64 value = pick_value(in);
	struct model before = w->model, after = w->model;
	enum kvblk_mmio_act is, want;

	victim = race ? &w->m : NULL;
	is = kvblk_mmio_write(&w->m, offset, len, value);
	race = race && !victim;
	victim = NULL;
	want = model_write(&before, &w->m, offset, len, value);
	w->model = before;
	if (race) {
		model_needs_reset(&w->model);
		model_needs_reset(&after);
		if (is != want || !model_is(&w->model, &w->m)) {
			want = model_write(&after, &w->m, offset, len, value);
			w->model = after;
		}
	}
	CHECK(is == want, "write of %#llx to %#x: %d, not %d", value, offset,
	      is, want);
	check_same(w, "write");
}

static void step_read(struct world *w, struct input *in)
{
	u8 how = input_u8(in);
	u32 offset = KVBLK_MMIO_SIZE + 8 - how % 32, len = how / 32 + 1;
	u64 want = 0, is;

	/* Often at the end of the window. */
	if (input_u8(in) & 1)
		offset = input_u16(in) % KVBLK_MMIO_SIZE;
	if (len == 7)
		len = input_u32(in);

	if (len <= 8 && offset + len <= KVBLK_MMIO_SIZE)
		memcpy(&want, w->model.page + offset, len);
	is = kvblk_mmio_read(&w->m, offset, len);
	CHECK(is == want, "%u bytes at %#x: %#llx, not %#llx", len, offset, is,
	      want);
}

static void step_reset(struct world *w, bool done)
{
	struct model *md = &w->model;

	kvblk_mmio_reset_begin(&w->m);
	model_reset_begin(md, &w->m);
	check_same(w, "begin of reset");
	if (!done)
		return;
	kvblk_mmio_reset_done(&w->m);
	show(md, VIRTIO_MMIO_STATUS, 0);
	show(md, VIRTIO_MMIO_CONFIG_GENERATION,
	     shown(md, VIRTIO_MMIO_CONFIG_GENERATION) + 1);
	model_reset(md, &w->m);
	check_same(w, "end of reset");
}

/* The worker and the ack hook. */
static void step_other(struct world *w, u8 bits)
{
	u32 isr = shown(&w->model, VIRTIO_MMIO_INTERRUPT_STATUS);
	u32 part = bits / 4;

	switch (bits % 4) {
	case 0:
		kvblk_mmio_needs_reset(&w->m);
		model_needs_reset(&w->model);
		break;
	case 1:
		kvblk_mmio_ack(&w->m, part);
		show(&w->model, VIRTIO_MMIO_INTERRUPT_STATUS, isr & ~part);
		break;
	default:
		kvblk_mmio_raise(&w->m, part);
		show(&w->model, VIRTIO_MMIO_INTERRUPT_STATUS, isr | part);
	}
	check_same(w, "the worker");
}

/* One step brings a driver that does all right to where queues are set up. */
static void step_negotiate(struct world *w, u32 low)
{
	u32 writes[][2] = {
		{ 0x070, 1 }, { 0x070, 3 }, { 0x024, 0 }, { 0x020, low },
		{ 0x024, 1 }, { 0x020, 1 }, { 0x070, 0xb },
	};
	unsigned int i;

	step_reset(w, true);
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		kvblk_mmio_write(&w->m, writes[i][0], 4, writes[i][1]);
		model_write(&w->model, &w->m, writes[i][0], 4, writes[i][1]);
	}
	check_same(w, "negotiation");
}

/* A front end without registers: all features at once. */
static void step_accept(struct world *w, u64 features)
{
	int is = kvblk_mmio_accept(&w->m, features);
	int want = model_accept(&w->model, &w->m, features);

	CHECK(is == want, "features %#llx: %d, not %d", features, is, want);
	check_same(w, "features");
}

static void step(struct world *w, struct input *in)
{
	u8 what = input_u8(in);

	switch (what % 16) {
	case 0:
		step_reset(w, what / 16 % 4);
		break;
	case 1:
		step_other(w, input_u8(in));
		break;
	case 2:
		step_read(w, in);
		break;
	case 3:
		step_negotiate(w, what & 16 ? input_u32(in) : 0);
		break;
	case 4:
	case 5:
		step_write(w, in, true, 4);
		break;
	case 6:
		step_write(w, in, false, what / 16);
		break;
	case 7:
		if (what & 16)
			step_accept(w, 1ULL << 32 | input_u8(in));
		else
			step_accept(w, input_u64(in));
		break;
	default:
		step_write(w, in, false, 4);
	}
}

static void world_init(struct world *w, struct input *in)
{
	struct kvblk_geometry geo = { .capacity = 512 * (u64)input_u16(in) };
	struct virtio_blk_config config;
	u8 how = input_u8(in);

	geo.read_only = how & 1;
	geo.block_size = 512;
	geo.queue_size = 4 << (how >> 1) % 8;
	geo.queues = 1 + (how >> 4) % MODEL_QUEUES;
	kvblk_geometry_init(&geo);
	kvblk_config_fill(&config, &geo);
	w->m.page = fuzz_alloc(KVBLK_MMIO_SIZE);
	w->m.offered = how & 0x80 ? input_u64(in) : kvblk_features(&geo);
	w->m.queue_max = geo.queue_size;
	w->m.queues = geo.queues;
	w->m.queue_ok = queue_ok;
	kvblk_mmio_init(&w->m, &config, CONFIG_LEN);
	model_init(&w->model, &w->m, &config);
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	struct world w = { .m = { .page = NULL } };
	unsigned int steps;

	world_init(&w, &in);
	check_same(&w, "the start");
	shim_other_cpu = worker_strikes;
	for (steps = 0; in.left && steps < STEPS_MAX; steps++)
		step(&w, &in);
	shim_other_cpu = NULL;
	free(w.m.page);
	return 0;
}
