// SPDX-License-Identifier: GPL-2.0
/*
 * A guest without shame: rings full of requests that nobody would send, a second
 * thread that rewrites all of it meanwhile, registers written at random. It may
 * lose its device until the next reset, which must always bring it back.
 *
 * $KVBLK_TORTURE_REQUESTS is how many requests and broken rings a run makes.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "prng.h"

#define SIZE		(1 * MIB)
#define NUM		KVBLK_QUEUE_SIZE_MAX
#define NORMAL		100000ULL	/* all variants together */
#define HOURS		(24 * 3600)	/* a limit for long runs */
#define SLOT		256		/* of guest memory for each head */
#define SLOT_TABLE	32		/* behind the header */
#define SLOT_STATUS	240
#define PLAYS		8		/* rings full between two resets */
#define SEGS		6
#define BREAKING	4096		/* one in so many descriptors breaks the ring */
#define ARENA		(NUM * SLOT)

enum variant {
	DIRECT,			/* chains in the ring itself */
	INDIRECT,
	SCRIBBLED_DIRECT,
	SCRIBBLED_INDIRECT,
	VARIANTS,
};

static const char *const variants[] = {
	[DIRECT] = "direct",
	[INDIRECT] = "indirect",
	[SCRIBBLED_DIRECT] = "scribbled-direct",
	[SCRIBBLED_INDIRECT] = "scribbled-indirect",
	NULL,
};

static struct disk disk;
static struct driver d;
static uint64_t arena;
static struct prng prng = { 0x6b76626c6bULL };

static bool is_indirect(void)
{
	return harness_variant() % 2;
}

static bool is_scribbled(void)
{
	return harness_variant() >= SCRIBBLED_DIRECT;
}

static void setup(void)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.queue_size = NUM;
	disk_add(&disk, &add);
	driver_open(&d, disk.name, &(struct driver_config) {
		.num = NUM,
		.features = F_INDIRECT | F_EVENT_IDX,
	});
	arena = memory_alloc(&d.m, ARENA, KVBLK_PAGE_SIZE);
}

/* ---- what the guest offers ---- */

/* Mostly memory that requests live in; else the rings, holes, edges, nonsense. */
static uint64_t any_gpa(struct prng *p)
{
	const uint64_t odd[] = {
		0, MEMORY_SEAM - 256, MEMORY_GAP - 256, MEMORY_GAP,
		MEMORY_HIGH - 1, MEMORY_HIGH + MEMORY_HIGH_SIZE - 1,
		d.r.desc_gpa + prng_below(p, 16 * NUM),
		d.r.avail_gpa + prng_below(p, 2 * NUM),
		d.r.used_gpa + prng_below(p, 8 * NUM), prng_next(p) >> 1,
	};

	if (prng_once_in(p, 64))
		return PRNG_PICK(p, odd);
	return arena + prng_below(p, ARENA - 4096);
}

static uint32_t any_len(struct prng *p)
{
	static const uint32_t usual[] = { 512, 512, 1024, 4096, 16, 20 };
	static const uint32_t odd[] = {
		0, 1, 15, 17, 511, 513, 65536, 1 << 20, 1U << 31, ~0U,
	};

	return prng_once_in(p, 16) ? PRNG_PICK(p, odd) : PRNG_PICK(p, usual);
}

static uint16_t any_flags(struct prng *p, uint16_t right)
{
	return prng_once_in(p, BREAKING) ? prng_next(p) : right;
}

static void write_header(struct prng *p, uint64_t gpa)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
		VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD,
		VIRTIO_BLK_T_SECURE_ERASE, 2, 99,
	};
	struct virtio_blk_outhdr *hdr = memory_at(&d.m, gpa, sizeof(*hdr));

	hdr->type = prng_once_in(p, 64) ? prng_next(p) : PRNG_PICK(p, types);
	hdr->ioprio = prng_next(p);
	hdr->sector = prng_once_in(p, 16) ? prng_next(p) :
					    prng_below(p, SIZE / 512);
}

static struct vring_desc any_desc(struct prng *p, uint16_t flags, uint16_t next)
{
	return (struct vring_desc) {
		.addr = any_gpa(p),
		.len = any_len(p),
		.flags = any_flags(p, VRING_DESC_F_NEXT | flags),
		.next = prng_once_in(p, BREAKING) ? prng_next(p) : next,
	};
}

/* A chain in @desc from entry @first on, of which little is as it should be. */
static unsigned int write_chain(struct prng *p, uint64_t slot,
				struct vring_desc *desc, uint16_t first)
{
	unsigned int n = prng_below(p, SEGS - 2), i;
	uint16_t flags = 0;

	write_header(p, slot);
	desc[0] = (struct vring_desc) {
		.addr = slot,
		.len = prng_once_in(p, 64) ? prng_below(p, 32) : 16,
		.flags = any_flags(p, VRING_DESC_F_NEXT),
		.next = first + 1,
	};
	for (i = 1; i <= n; i++) {
		/* Once writable, always writable (2.7.4.2). */
		if (prng_below(p, 2))
			flags = VRING_DESC_F_WRITE;
		desc[i] = any_desc(p, flags, first + i + 1);
	}
	desc[i] = (struct vring_desc) {
		.addr = prng_once_in(p, 256) ? any_gpa(p) : slot + SLOT_STATUS,
		.len = 1,
		.flags = any_flags(p, VRING_DESC_F_WRITE),
	};
	return i + 1;
}

static unsigned int offer_direct(struct prng *p)
{
	unsigned int head, n = 0;

	for (head = 0; head + SEGS <= NUM; n++) {
		ring_offer(&d.r, head);
		head += write_chain(p, arena + head * SLOT, &d.r.desc[head],
				    head);
	}
	return n;
}

static unsigned int offer_indirect(struct prng *p)
{
	unsigned int head, n;
	uint64_t slot;

	for (head = 0; head < NUM; head++) {
		slot = arena + head * SLOT;
		n = write_chain(p, slot, memory_at(&d.m, slot + SLOT_TABLE,
						   16 * SEGS), 0);
		ring_set(&d.r, head, slot + SLOT_TABLE,
			 prng_once_in(p, BREAKING) ? prng_next(p) : 16 * n,
			 any_flags(p, VRING_DESC_F_INDIRECT), 0);
		ring_offer(&d.r, head);
	}
	return NUM;
}

/* ---- who rewrites it ---- */

static atomic_bool scribbling, quit;
static atomic_bool resting = true;

static void scribble(struct prng *p)
{
	const uint64_t values[] = {
		any_gpa(p), any_len(p), prng_below(p, NUM), prng_next(p),
	};
	uint64_t value = PRNG_PICK(p, values);
	void *at = memory_at(&d.m, arena + prng_below(p, ARENA / 8) * 8, 8);

	if (prng_once_in(p, 64))
		at = (uint64_t *)d.r.desc + prng_below(p, 2 * NUM);
	if (prng_once_in(p, 4096))
		at = (uint64_t *)d.r.avail + prng_below(p, NUM / 4);
	if (prng_once_in(p, 4096))
		at = (uint64_t *)d.r.used + prng_below(p, NUM);
	*(volatile uint64_t *)at = value;
}

/* A ring full of requests, in one kick. */
static unsigned int offer(struct prng *p)
{
	unsigned int n = is_indirect() ? offer_indirect(p) : offer_direct(p);
	unsigned int changes = is_scribbled() ? prng_below(p, 32) : 0;

	/* On one processor the other thread comes too late. */
	while (changes--)
		scribble(p);
	ring_publish(&d.r);
	driver_kick(&d);
	return n;
}

static void *scribble_loop(void *unused)
{
	struct prng p = { 0x7363726962ULL };
	unsigned int i;

	(void)unused;
	while (!atomic_load(&quit)) {
		atomic_store(&resting, !atomic_load(&scribbling));
		if (!atomic_load(&scribbling)) {
			sched_yield();
			continue;
		}
		for (i = 0; i < 64; i++)
			scribble(&p);
	}
	return NULL;
}

/* Once it is off nothing is written any more. */
static void set_scribbling(bool on)
{
	atomic_store(&scribbling, on);
	ASSERT_TRUE(WAIT_FOR(atomic_load(&resting) == !on));
}

/* ---- rounds ---- */

static bool broken(void)
{
	return driver_status(&d) & STATUS_BROKEN;
}

/* Chains taken and rings broken so far. */
static uint64_t hostile(void)
{
	struct kvblk_stats st = disk_stats(disk.name);

	return st.requests + st.ring_errors;
}

static bool idle(uint64_t requests)
{
	struct kvblk_stats st = disk_stats(disk.name);

	return st.requests >= requests && !st.in_flight;
}

/* Whatever was scribbled: a reset ends, and the device works. */
static void recover(uint32_t seed)
{
	driver_restart(&d);
	driver_prove(&d, seed % 1024, seed);
	driver_restart(&d);
}

/* One ring full. Of a ring that is rewritten, nobody knows how much is valid. */
static void play(uint32_t number)
{
	uint64_t requests = disk_stats(disk.name).requests;
	unsigned int n = offer(&prng);
	unsigned int tries = 20;

	if (is_scribbled()) {
		while (tries-- && !broken() && !idle(requests + n))
			usleep(200);
	} else if (!WAIT_FOR(broken() || idle(requests + n))) {
		FAIL("round %u: the queue is stuck", number);
	}
}

static void play_round(uint32_t number)
{
	unsigned int i;

	if (is_scribbled())
		set_scribbling(true);
	for (i = 0; i < PLAYS && !broken(); i++)
		play(number);
	if (is_scribbled())
		set_scribbling(false);
	recover(number + 1);
}

TEST_FULL(requests, HOURS, variants)
{
	uint64_t goal = torture_amount("KVBLK_TORTURE_REQUESTS", NORMAL) / VARIANTS;
	uint64_t start = now_ns();
	uint32_t number = 0;
	pthread_t thread;

	setup();
	ASSERT_EQ(pthread_create(&thread, NULL, scribble_loop, NULL), 0);
	do {
		play_round(number++);
		harness_progress(hostile(), goal);
	} while (hostile() < goal);
	atomic_store(&quit, true);
	pthread_join(thread, NULL);
	harness_note("%llu hostile requests, %llu broken rings in %u rounds, %llu ms",
		     (unsigned long long)hostile(),
		     (unsigned long long)disk_stats(disk.name).ring_errors,
		     number,
		     (unsigned long long)(now_ns() - start) / 1000000);
	driver_close(&d);
}
