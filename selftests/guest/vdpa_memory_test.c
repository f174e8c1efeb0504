// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM that changes guest memory under a running device of the vDPA bus, and one that
 * makes any call at any moment. The disk works after the next reset.
 *
 * $KVBLK_TORTURE_CALLS is how many random calls and messages a run makes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <linux/vhost_types.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "load.h"
#include "prng.h"
#include "vdpa.h"

#define SIZE		(4 * MIB)
#define ROUNDS		100
#define NORMAL		5000ULL
#define HOURS		(24 * 3600)	/* a limit for long runs */
#define PROVE_EVERY	250		/* calls */
#define RESET_MS	5000		/* far above the limit of a reset */

static struct disk disk;
static struct driver d;
static struct load load;
static struct prng prng = { 0x76647061ULL };

static void __attribute__((constructor)) use_vdpa(void)
{
	setenv("KVBLK_TEST_FRONT", "vdpa", 1);
}

static void setup(void)
{
	if (access("/sys/bus/vdpa/devices", F_OK))
		SKIP("kvblk_vdpa is not loaded");
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, &(struct driver_config) {
		.features = F_EVENT_IDX,
	});
	load_init(&load, &d);
}

static bool broken(void)
{
	return driver_status(&d) & STATUS_BROKEN;
}

static bool idle(void)
{
	return !disk_stats(disk.name).in_flight;
}

static unsigned int reap_all(void)
{
	struct request *rq;
	unsigned int n = 0;

	while ((rq = driver_reap(&d))) {
		EXPECT_TRUE(rq->status == VIRTIO_BLK_S_OK ||
			    rq->status == VIRTIO_BLK_S_IOERR);
		n++;
	}
	return n;
}

/* Whatever was done: all memory is there again, and the device works. */
static void recover(uint32_t seed)
{
	uint64_t start = now_ns();

	vdpa_iotlb(d.s.fd, VHOST_IOTLB_BATCH_END, 0, 0, 0);
	driver_reset(&d);
	EXPECT_LE((now_ns() - start) / 1000000, RESET_MS);
	vdpa_unmap(d.s.fd, 0, ~0ULL);
	ASSERT_EQ(session_give(&d.s, &d.m), 0);
	driver_restart(&d);
	driver_prove(&d, seed % 512, seed);
	driver_restart(&d);
}

/* ---- memory ---- */

/* What the load reads and writes goes and comes back; the rings stay. */
TEST(data_unmapped_under_load)
{
	const struct region *mid;
	unsigned int i, n;

	setup();
	mid = &d.m.region[1];
	for (i = 0; i < ROUNDS; i++) {
		load_submit(&load);
		ASSERT_EQ(vdpa_unmap(d.s.fd, mid->gpa, mid->size), 0);
		ASSERT_EQ(vdpa_map(d.s.fd, mid->gpa, mid->size, mid->addr), 0);
		for (n = 0; n < LOAD_DEPTH; n += reap_all())
			ASSERT_EQ(driver_wait(&d), 0);
	}
	driver_prove(&d, 0, 1);
}

/* What was unmapped is not written any more: the VMM may use it for something else. */
TEST(nothing_is_written_after_an_unmap)
{
	const struct region *mid;
	unsigned int i, round;
	uint64_t *page;

	setup();
	mid = &d.m.region[1];
	for (round = 0; round < ROUNDS / 4; round++) {
		load_submit(&load);
		ASSERT_EQ(vdpa_unmap(d.s.fd, mid->gpa, mid->size), 0);
		memset(mid->addr, 0x5a, mid->size);
		usleep(1000);
		for (page = (void *)mid->addr, i = 0; i < mid->size / 8; i++)
			ASSERT_EQ(page[i], 0x5a5a5a5a5a5a5a5aULL);
		ASSERT_EQ(vdpa_map(d.s.fd, mid->gpa, mid->size, mid->addr), 0);
		ASSERT_TRUE(WAIT_FOR(idle()));
		recover(round);
	}
}

/* An unchanged map in pieces of any size: nothing may fail. */
TEST(remapped_in_pieces)
{
	const struct region *mid;
	unsigned int i, n;
	uint64_t at;

	setup();
	mid = &d.m.region[1];
	for (i = 0; i < ROUNDS; i++) {
		load_submit(&load);
		at = (1 + random_u32() % (mid->size / KVBLK_PAGE_SIZE - 1)) *
		     KVBLK_PAGE_SIZE;
		vdpa_iotlb(d.s.fd, VHOST_IOTLB_BATCH_BEGIN, 0, 0, 0);
		ASSERT_EQ(vdpa_unmap(d.s.fd, mid->gpa, mid->size), 0);
		ASSERT_EQ(vdpa_map(d.s.fd, mid->gpa, at, mid->addr), 0);
		ASSERT_EQ(vdpa_map(d.s.fd, mid->gpa + at, mid->size - at,
				   mid->addr + at), 0);
		vdpa_iotlb(d.s.fd, VHOST_IOTLB_BATCH_END, 0, 0, 0);
		for (n = 0; n < LOAD_DEPTH; n += reap_all())
			ASSERT_EQ(driver_wait(&d), 0);
		for (n = 0; n < LOAD_DEPTH; n++)
			EXPECT_EQ(load.rq[n].status, VIRTIO_BLK_S_OK);
	}
}

/* The memory of the rings goes: NEEDS_RESET, not a write into what is there now. */
TEST(rings_unmapped_under_load)
{
	const struct region *low;
	unsigned int i;

	setup();
	low = &d.m.region[0];
	for (i = 0; i < ROUNDS / 8; i++) {
		load_submit(&load);
		ASSERT_EQ(vdpa_unmap(d.s.fd, low->gpa, low->size), 0);
		memset(low->addr, 0x5a, low->size);
		ASSERT_TRUE(WAIT_FOR(broken() && idle()));
		EXPECT_EQ(d.r.used->idx, 0x5a5a);
		recover(i);
	}
}

/* Nobody has to kick for that. */
TEST(rings_unmapped_when_idle)
{
	const struct region *low;

	setup();
	low = &d.m.region[0];
	ASSERT_EQ(vdpa_unmap(d.s.fd, low->gpa, low->size), 0);
	EXPECT_TRUE(WAIT_FOR(broken()));
	recover(4);
}

/* The addresses themselves go, behind the back of the bus. */
TEST(memory_gone_under_load)
{
	unsigned int i;

	setup();
	for (i = 0; i < ROUNDS / 8; i++) {
		load_submit(&load);
		memory_drop(&d.m);
		usleep(1000);
		driver_close(&d);
		driver_open(&d, disk.name, &(struct driver_config) {
			.features = F_EVENT_IDX,
		});
		driver_prove(&d, i, i + 1);
		load_init(&load, &d);
	}
}

/* ---- ends ---- */

TEST(reset_under_load)
{
	unsigned int i;
	uint16_t used;

	setup();
	for (i = 0; i < ROUNDS; i++) {
		load_submit(&load);
		driver_reset(&d);
		used = ring_used_idx(&d.r);
		usleep(200);
		EXPECT_EQ(ring_used_idx(&d.r), used);
		driver_restart(&d);
	}
	driver_prove(&d, 0, 2);
}

TEST(closed_under_load)
{
	unsigned int i;

	setup();
	for (i = 0; i < ROUNDS / 8; i++) {
		load_submit(&load);
		driver_close(&d);
		driver_open(&d, disk.name, NULL);
		driver_prove(&d, i, i + 1);
		load_init(&load, &d);
	}
}

TEST(killed_under_load)
{
	unsigned int i;
	uint64_t done;
	int status;
	pid_t pid;

	setup();
	for (i = 0; i < 5; i++) {
		driver_close(&d);
		done = disk_stats(disk.name).requests;
		pid = fork();
		if (!pid)
			load_run(disk.name);
		EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).requests > done + 200));
		kill(pid, SIGKILL);
		ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
		EXPECT_TRUE(WIFSIGNALED(status));
		driver_open(&d, disk.name, NULL);
		driver_prove(&d, i, i + 1);
	}
}

/* ---- anything ---- */

static uint64_t any_iova(void)
{
	const uint64_t values[] = {
		0, KVBLK_PAGE_SIZE, MEMORY_SEAM, MEMORY_GAP, MEMORY_HIGH,
		MEMORY_HIGH + MEMORY_HIGH_SIZE, ~0ULL, ~0ULL - 4095, 1, 4095,
		prng_next(&prng), (prng_next(&prng) & 0x1ffffff) & ~4095ULL,
	};

	return PRNG_PICK(&prng, values);
}

static uint64_t any_address(void)
{
	const struct region *r = &d.m.region[prng_below(&prng, d.m.nr)];
	const uint64_t values[] = {
		0, (uintptr_t)r->addr, (uintptr_t)r->addr + KVBLK_PAGE_SIZE,
		(uintptr_t)r->addr + r->size - KVBLK_PAGE_SIZE,
		(uintptr_t)&d, 0xffff888000000000ULL, prng_next(&prng),
	};

	return PRNG_PICK(&prng, values);
}

/* Never the whole of memory at once: that would end every round at once. */
static void any_message(void)
{
	static const unsigned int types[] = {
		VHOST_IOTLB_UPDATE, VHOST_IOTLB_UPDATE, VHOST_IOTLB_INVALIDATE,
		VHOST_IOTLB_BATCH_BEGIN, VHOST_IOTLB_BATCH_END,
		VHOST_IOTLB_MISS, VHOST_IOTLB_ACCESS_FAIL, 99,
	};
	uint64_t size = prng_once_in(&prng, 8) ? prng_next(&prng) :
			(1 + prng_below(&prng, 64)) * KVBLK_PAGE_SIZE;

	vdpa_iotlb(d.s.fd, PRNG_PICK(&prng, types), any_iova(), size,
		   any_address());
}

static void any_call(void)
{
	static const unsigned long calls[] = {
		VHOST_SET_OWNER, VHOST_RESET_OWNER, VHOST_SET_MEM_TABLE,
		VHOST_SET_LOG_BASE, VHOST_GET_FEATURES, VHOST_SET_FEATURES,
		VHOST_SET_BACKEND_FEATURES, VHOST_GET_BACKEND_FEATURES,
		VHOST_SET_VRING_NUM, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE,
		VHOST_GET_VRING_BASE, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_ERR, VHOST_VDPA_GET_STATUS, VHOST_VDPA_SET_STATUS,
		VHOST_VDPA_GET_CONFIG, VHOST_VDPA_SET_CONFIG,
		VHOST_VDPA_SET_VRING_ENABLE, VHOST_VDPA_GET_VRING_NUM,
		VHOST_VDPA_SET_CONFIG_CALL, VHOST_VDPA_GET_GROUP_NUM,
		VHOST_VDPA_GET_VRING_GROUP, VHOST_VDPA_SET_GROUP_ASID,
		VHOST_VDPA_SUSPEND, VHOST_VDPA_RESUME, 0,
	};
	union {
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		uint64_t words[64];
	} arg;
	unsigned int i;

	for (i = 0; i < 64; i++)
		arg.words[i] = prng_once_in(&prng, 4) ? prng_next(&prng) :
							any_iova();
	/* Most calls begin with the number of a queue, or are a status. */
	if (!prng_once_in(&prng, 4))
		arg.state = (struct vhost_vring_state) {
			prng_once_in(&prng, 2) ? 0 : prng_below(&prng, 16),
			prng_below(&prng, 1100),
		};
	call(d.s.fd, PRNG_PICK(&prng, calls), &arg);
}

static void check_now_and_then(uint64_t i)
{
	if (i % PROVE_EVERY)
		return;
	vdpa_iotlb(d.s.fd, VHOST_IOTLB_BATCH_END, 0, 0, 0);
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, i % 512, i + 1);
	load_init(&load, &d);
	load_submit(&load);
}

TEST_FULL(any_messages, HOURS, NULL)
{
	uint64_t i, calls = torture_amount("KVBLK_TORTURE_CALLS", NORMAL);

	setup();
	load_submit(&load);
	for (i = 1; i <= calls; i++) {
		any_message();
		if (prng_once_in(&prng, 16))
			driver_kick(&d);
		check_now_and_then(i);
	}
	recover(3);
}

TEST_FULL(any_calls, HOURS, NULL)
{
	uint64_t i, calls = torture_amount("KVBLK_TORTURE_CALLS", NORMAL);

	setup();
	load_submit(&load);
	for (i = 1; i <= calls; i++) {
		any_call();
		if (prng_once_in(&prng, 16))
			any_message();
		if (prng_once_in(&prng, 16))
			driver_kick(&d);
		check_now_and_then(i);
	}
}
