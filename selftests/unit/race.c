// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when others write at the same time: the driver to its ring, the
 * worker and the ack hook to the register window. Some tests let it happen right
 * after a read, each time; the others run two threads that start together: how
 * far they overlap is chance, what must hold afterwards is not.
 */
#include <pthread.h>
#include <sched.h>
#include <kunit/test.h>
#include <linux/compiler.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "mmio.h"
#include "vring.h"
#include "tests/guest_ring.h"

#define ROUNDS	4000
#define TOGGLES	200

struct race {
	struct kvblk_mmio m;
	unsigned int round;	/* of the test, begun */
	unsigned int done;	/* of the other thread, ended */
	unsigned int lost;	/* bits the other thread missed */
	pthread_t thread;
};

/* The other side of the tests with shim_other_cpu. */
static struct kvblk_mmio *other_mmio;
static struct guest_ring *other_driver;

static bool queue_ok(struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	return m && vq;
}

static void wait_for(const unsigned int *word, unsigned int value)
{
	unsigned int spins = 0;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		if (++spins % 1000 == 0)
			sched_yield();
}

static void mmio_setup(struct kunit *test, struct kvblk_mmio *m)
{
	m->page = kunit_kzalloc(test, KVBLK_MMIO_SIZE, GFP_KERNEL);
	m->offered = ~0ULL;
	m->queue_max = 16;
	m->queues = 1;
	m->queue_ok = queue_ok;
	kvblk_mmio_init(m, "", 1);
}

static void break_after_read(const volatile void *where, size_t size)
{
	struct kvblk_mmio *m = other_mmio;

	if (where != m->page + VIRTIO_MMIO_STATUS || size != 4)
		return;
	shim_other_cpu = NULL;
	kvblk_mmio_needs_reset(m);
}

/* The ring breaks between the look at Status and its change. */
static void status_changes_after_read(struct kunit *test)
{
	struct kvblk_mmio m = { .page = NULL };

	mmio_setup(test, &m);
	other_mmio = &m;
	shim_other_cpu = break_after_read;
	KUNIT_EXPECT_EQ(test, kvblk_mmio_write(&m, VIRTIO_MMIO_STATUS, 4, 1),
			KVBLK_MMIO_REFUSED);
	KUNIT_EXPECT_TRUE(test, !shim_other_cpu);
	KUNIT_EXPECT_EQ(test, kvblk_mmio_status(&m),
			VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* What was read is gone: whoever reads it again reads garbage. */
static void wipe_after_read(const volatile void *where, size_t size)
{
	u8 *at = (u8 *)where, *ring = (u8 *)other_driver->desc;

	if (at >= ring && at < ring + guest_ring_bytes(other_driver->num))
		memset(at, 0xff, size);
}

static void ring_is_read_once(struct kunit *test)
{
	static const struct guest_desc d[] = {
		{ 0x1000, 16 }, { 0x2000, 512, VRING_DESC_F_WRITE },
		{ 0x3000, 1, VRING_DESC_F_WRITE },
	};
	struct kvblk_guest g = { .read = NULL };
	struct kvblk_seg seg[8];
	struct kvblk_chain chain = { .seg = seg, .max = 8 };
	struct guest_ring drv;
	struct kvblk_vring vr;
	u16 i, head = 0;

	guest_ring_init(&drv, kunit_kzalloc(test, guest_ring_bytes(8),
					    GFP_KERNEL), 8);
	guest_ring_chain(&drv, 4, d, 3);
	guest_ring_offer(&drv, 4);
	vr = (struct kvblk_vring){
		.num = 8, .desc = drv.desc, .avail = drv.avail,
		.used = drv.used,
	};
	other_driver = &drv;
	shim_other_cpu = wipe_after_read;
	KUNIT_ASSERT_EQ(test, kvblk_vring_peek(&vr, &head), 1);
	KUNIT_EXPECT_EQ(test, head, 4);
	KUNIT_ASSERT_EQ(test, kvblk_vring_walk(&vr, head, &g, &chain), 0);
	KUNIT_EXPECT_EQ(test, chain.nr_out, 1);
	KUNIT_EXPECT_EQ(test, chain.nr_in, 2);
	KUNIT_EXPECT_EQ(test, chain.in_bytes, 513);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, seg[i].gpa, d[i].addr);
	KUNIT_EXPECT_EQ(test, drv.desc[4].len, 0xffffffff);
}

static struct race *race_start(struct kunit *test, void *(*other)(void *))
{
	struct race *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	mmio_setup(test, &r->m);
	KUNIT_ASSERT_EQ(test, pthread_create(&r->thread, NULL, other, r), 0);
	return r;
}

static void begin(struct race *r, unsigned int round)
{
	__atomic_store_n(&r->round, round, __ATOMIC_RELEASE);
}

static void end(struct race *r, unsigned int round)
{
	__atomic_store_n(&r->done, round, __ATOMIC_RELEASE);
}

static void *break_device(void *arg)
{
	struct race *r = arg;
	unsigned int round, delay;

	for (round = 1; round <= ROUNDS; round++) {
		wait_for(&r->round, round);
		for (delay = round % 64; delay; delay--)
			kvblk_mmio_status(&r->m);
		kvblk_mmio_needs_reset(&r->m);
		end(r, round);
	}
	return NULL;
}

/* The last step that the device accepted. */
static u32 climb(struct kvblk_mmio *m)
{
	static const u32 steps[] = { 0x1, 0x3, 0xb, 0xf };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		if (kvblk_mmio_write(m, VIRTIO_MMIO_STATUS, 4, steps[i]) ==
		    KVBLK_MMIO_REFUSED)
			break;
	return i ? steps[i - 1] : 0;
}

/* The driver climbs while the worker finds the ring broken: both are seen. */
static void status_bits_are_never_lost(struct kunit *test)
{
	struct race *r = race_start(test, break_device);
	unsigned int round, lost = 0;
	u32 reached;

	for (round = 1; round <= ROUNDS; round++) {
		kvblk_mmio_reset_done(&r->m);
		r->m.driver = 1ULL << VIRTIO_F_VERSION_1;
		begin(r, round);
		reached = climb(&r->m);
		wait_for(&r->done, round);
		lost += kvblk_mmio_status(&r->m) !=
			(reached | VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	pthread_join(r->thread, NULL);
	KUNIT_EXPECT_EQ(test, lost, 0);
}

static unsigned int toggle(struct kvblk_mmio *m, u32 bit)
{
	unsigned int i, lost = 0;

	for (i = 0; i < TOGGLES; i++) {
		kvblk_mmio_raise(m, bit);
		lost += !(kvblk_mmio_read(m, VIRTIO_MMIO_INTERRUPT_STATUS, 4) &
			  bit);
		kvblk_mmio_ack(m, bit);
		lost += !!(kvblk_mmio_read(m, VIRTIO_MMIO_INTERRUPT_STATUS, 4) &
			   bit);
	}
	return lost;
}

static void *toggle_config(void *arg)
{
	struct race *r = arg;
	unsigned int round;

	for (round = 1; round <= ROUNDS / 10; round++) {
		wait_for(&r->round, round);
		r->lost += toggle(&r->m, KVBLK_INT_CONFIG);
		end(r, round);
	}
	return NULL;
}

static void interrupt_bits_are_apart(struct kunit *test)
{
	struct race *r = race_start(test, toggle_config);
	unsigned int round, lost = 0;

	for (round = 1; round <= ROUNDS / 10; round++) {
		begin(r, round);
		lost += toggle(&r->m, KVBLK_INT_VRING);
		wait_for(&r->done, round);
	}
	pthread_join(r->thread, NULL);
	KUNIT_EXPECT_EQ(test, lost, 0);
	KUNIT_EXPECT_EQ(test, r->lost, 0);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(status_changes_after_read),
	KUNIT_CASE(ring_is_read_once),
	KUNIT_CASE(status_bits_are_never_lost),
	KUNIT_CASE(interrupt_bits_are_apart),
	{}
};

static struct kunit_suite race_suite = {
	.name = "kvblk_race",
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
