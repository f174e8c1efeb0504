// SPDX-License-Identifier: GPL-2.0
/*
 * A disk on the vDPA bus under vhost-vdpa: the calls that a VMM makes there, in the
 * right order, in the wrong one, and with values that no VMM would choose.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/vhost_types.h>
#include <linux/virtio_ids.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "load.h"
#include "vdpa.h"
#include "worker.h"

#define SIZE	(4 * MIB)
#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT
#define OK	VIRTIO_BLK_S_OK
#define QUIET_MS 100
#define CGROUPS	"/sys/fs/cgroup"
#define CGROUP_LEN 64

static struct disk disk;
static struct driver d;
static struct load load;
static uint64_t data;

static void __attribute__((constructor)) use_vdpa(void)
{
	setenv("KVBLK_TEST_FRONT", "vdpa", 1);
}

static void setup_off(uint32_t flags)
{
	if (access("/sys/bus/vdpa/devices", F_OK))
		SKIP("kvblk_vdpa is not loaded");
	disk_make(&disk, SIZE, flags);
	driver_init(&d, disk.name, NULL);
	data = memory_alloc(&d.m, 64 * KIB, KVBLK_PAGE_SIZE);
}

static void setup(void)
{
	setup_off(0);
	driver_start(&d);
}

static bool broken(void)
{
	return driver_status(&d) & STATUS_BROKEN;
}

/* What a VMM does after a reset of its guest: nothing is left of before. */
static void recover(uint32_t seed)
{
	driver_restart(&d);
	driver_prove(&d, seed % 512, seed);
}

/* A read that is offered and not waited for. */
static void offer(struct request *rq, uint64_t gpa, uint32_t len)
{
	*rq = (struct request) { .type = IN, .seg[0] = { gpa, len }, .nr = 1 };
	ASSERT_TRUE(driver_queue(&d, rq));
	driver_flush(&d);
}

static void expect_done(struct request *rq)
{
	ASSERT_EQ(driver_wait(&d), 0);
	EXPECT_TRUE(driver_reap(&d) == rq);
	EXPECT_EQ(rq->status, OK);
}

static void expect_quiet(void)
{
	usleep(QUIET_MS * 1000);
	EXPECT_EQ(ring_pending(&d.r), false);
}

/* ---- what is there ---- */

static int read_config(uint32_t off, uint32_t len, void *to)
{
	struct vhost_vdpa_config *c = calloc(1, sizeof(*c) + 4096);

	int err;

	c->off = off;
	c->len = len;
	err = call(d.s.fd, VHOST_VDPA_GET_CONFIG, c);
	if (to)
		memcpy(to, c->buf, len);
	free(c);
	return err;
}

TEST(identity)
{
	struct virtio_blk_config cfg = { 0 };
	struct vhost_vdpa_iova_range range;
	uint64_t backend;
	uint32_t value;

	setup();
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_DEVICE_ID, &value), 0);
	EXPECT_EQ(value, VIRTIO_ID_BLOCK);
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_VQS_COUNT, &value), 0);
	EXPECT_EQ(value, 1);
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_CONFIG_SIZE, &value), 0);
	EXPECT_GE(value, offsetof(struct virtio_blk_config, blk_size) + 4);
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_IOVA_RANGE, &range), 0);
	EXPECT_EQ(range.first, 0);
	EXPECT_EQ(range.last, UINT64_MAX);
	ASSERT_EQ(call(d.s.fd, VHOST_GET_BACKEND_FEATURES, &backend), 0);
	EXPECT_TRUE(backend & F_BIT(VHOST_BACKEND_F_SUSPEND));
	EXPECT_TRUE(backend & F_BIT(VHOST_BACKEND_F_RESUME));
	EXPECT_TRUE(backend & F_BIT(VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK));
	EXPECT_EQ(read_config(0, 24, &cfg), 0);
	EXPECT_EQ(cfg.capacity, SIZE / 512);
	EXPECT_EQ(cfg.blk_size, 512);
}

TEST(configuration_is_bounded_and_not_writable)
{
	struct vhost_vdpa_config *c = calloc(1, sizeof(*c) + 8);
	uint64_t capacity = 0;
	uint32_t size;

	setup();
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_CONFIG_SIZE, &size), 0);
	EXPECT_NE(read_config(size - 4, 8, NULL), 0);
	EXPECT_NE(read_config(~0U, 8, NULL), 0);
	EXPECT_NE(read_config(0, 0, NULL), 0);
	c->len = 8;
	memset(c->buf, 0xff, 8);
	call(d.s.fd, VHOST_VDPA_SET_CONFIG, c);
	EXPECT_EQ(read_config(0, 8, &capacity), 0);
	EXPECT_EQ(capacity, SIZE / 512);
	driver_prove(&d, 0, 1);
	free(c);
}

TEST(one_user_at_a_time)
{
	setup();
	EXPECT_EQ(vdpa_open(disk.name), -EBUSY);
	EXPECT_EQ(call(d.s.fd, VHOST_SET_OWNER, NULL), -EBUSY);
	EXPECT_EQ(disk_remove(disk.name), -EBUSY);
	driver_prove(&d, 0, 1);
	session_close(&d.s);
	EXPECT_EQ(disk_remove(disk.name), -EBUSY);
	EXPECT_EQ(vdpa_remove(disk.name), 0);
	EXPECT_EQ(disk_remove(disk.name), 0);
}

TEST(a_new_user_finds_a_new_device)
{
	unsigned int i;

	setup();
	for (i = 0; i < 5; i++) {
		driver_prove(&d, i, i + 1);
		driver_close(&d);
		driver_open(&d, disk.name, NULL);
	}
}

/* Whatever the disk has: a VMM that offers its guest this much must not fail. */
TEST(ring_of_1024_for_any_disk)
{
	struct kvblk_add add;
	uint16_t num = 0;
	unsigned int i;

	disk_add_init(&add, disk_file(SIZE));
	add.queue_size = 16;
	disk_add(&disk, &add);
	driver_open(&d, disk.name, &(struct driver_config) { .num = 1024 });
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_VRING_NUM, &num), 0);
	EXPECT_EQ(num, 1024);
	data = memory_alloc(&d.m, 4096, 4096);
	for (i = 0; i < 3 * 1024; i++)
		ASSERT_EQ(driver_io(&d, IN, 0, data, 4096), OK);
	driver_prove(&d, 0, 1);
}

/* ---- whose it is ---- */

static void join(const char *cgroup)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	f = fopen(path, "w");
	ASSERT_TRUE(f);
	ASSERT_GE(fprintf(f, "%d", getpid()), 1);
	ASSERT_EQ(fclose(f), 0);
}

static void make_cgroup(char *path)
{
	if (access(CGROUPS "/cgroup.procs", F_OK))
		SKIP("no cgroup2 at " CGROUPS);
	snprintf(path, CGROUP_LEN, CGROUPS "/kvblk-%d", getpid());
	ASSERT_EQ(mkdir(path, 0755), 0);
}

/* Whether the worker is there; the root has an empty name. */
static bool worker_is_in(const char *cgroup)
{
	char worker[32], line[128], want[128];

	snprintf(want, sizeof(want), "0::/%s\n", cgroup);
	return worker_find(disk.name, worker) &&
	       worker_line(worker, "cgroup", want, line, sizeof(line));
}

/* It is the VMM that pays, and nothing keeps its control group when it has gone. */
TEST(worker_is_in_the_control_group_of_the_vmm)
{
	char cgroup[CGROUP_LEN];
	unsigned int i;

	make_cgroup(cgroup);
	disk_make(&disk, SIZE, 0);
	for (i = 0; i < 3; i++) {
		join(cgroup);
		driver_open(&d, disk.name, NULL);
		EXPECT_TRUE(worker_is_in(strrchr(cgroup, '/') + 1));
		driver_prove(&d, i, i + 1);
		join(CGROUPS);
		EXPECT_NE(rmdir(cgroup), 0);
		driver_close(&d);
		EXPECT_TRUE(worker_is_in(""));
	}
	EXPECT_TRUE(WAIT_FOR(!rmdir(cgroup)));
}

TEST(worker_leaves_the_control_group_of_a_killed_vmm)
{
	char cgroup[CGROUP_LEN];
	int status;
	pid_t pid;

	make_cgroup(cgroup);
	disk_make(&disk, SIZE, 0);
	pid = fork();
	if (!pid) {
		join(cgroup);
		driver_open(&d, disk.name, NULL);
		pause();
	}
	EXPECT_TRUE(WAIT_FOR(worker_is_in(strrchr(cgroup, '/') + 1)));
	kill(pid, SIGKILL);
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
	EXPECT_TRUE(WAIT_FOR(!rmdir(cgroup)));
	EXPECT_TRUE(worker_is_in(""));
}

/* ---- order ---- */

TEST(features)
{
	uint64_t offered;

	setup_off(0);
	offered = vdpa_features(d.s.fd);
	EXPECT_TRUE(offered & F_VERSION_1);
	EXPECT_TRUE(offered & F_BIT(VIRTIO_F_ACCESS_PLATFORM));
	ASSERT_EQ(vdpa_set_status(d.s.fd, STATUS_ACK | STATUS_DRIVER), 0);
	EXPECT_NE(vdpa_set_features(d.s.fd, ~0ULL), 0);
	EXPECT_NE(vdpa_set_features(d.s.fd, offered & ~F_VERSION_1), 0);
	EXPECT_EQ(vdpa_set_features(d.s.fd, offered), 0);
	ASSERT_EQ(vdpa_set_status(d.s.fd, STATUS_ACK | STATUS_DRIVER |
					  STATUS_FEATURES), 0);
	EXPECT_EQ(vdpa_set_features(d.s.fd, offered), -EBUSY);
	recover(2);
	EXPECT_NE(vdpa_set_features(d.s.fd, offered), 0);
	driver_prove(&d, 0, 3);
}

TEST(status_bits_are_not_taken_back)
{
	setup();
	EXPECT_NE(vdpa_set_status(d.s.fd, STATUS_ACK), 0);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING);
	driver_prove(&d, 0, 4);
}

/* All at once, as a VMM may that restores a guest. */
TEST(status_in_one_step)
{
	setup_off(0);
	ASSERT_EQ(vdpa_set_features(d.s.fd, F_VERSION_1 | F_FLUSH |
					    F_BIT(VIRTIO_F_ACCESS_PLATFORM)), 0);
	driver_set_queue(&d);
	ASSERT_EQ(vdpa_set_status(d.s.fd, STATUS_RUNNING), 0);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING);
	driver_prove(&d, 0, 5);
}

TEST(driver_ok_without_anything)
{
	setup_off(0);
	vdpa_set_status(d.s.fd, STATUS_RUNNING);
	usleep(QUIET_MS * 1000);
	recover(6);
}

/* QEMU enables the queues before it maps memory. */
TEST(memory_comes_last)
{
	struct request rq;

	setup_off(0);
	ASSERT_EQ(vdpa_unmap(d.s.fd, 0, ~0ULL), 0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	offer(&rq, data, 4096);
	ASSERT_EQ(session_give(&d.s, &d.m), 0);
	driver_ok(&d);
	expect_done(&rq);
}

TEST(driver_ok_without_memory)
{
	setup_off(0);
	ASSERT_EQ(vdpa_unmap(d.s.fd, 0, ~0ULL), 0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	vdpa_set_status(d.s.fd, STATUS_RUNNING);
	EXPECT_TRUE(WAIT_FOR(broken()));
	driver_reset(&d);
	ASSERT_EQ(session_give(&d.s, &d.m), 0);
	recover(7);
}

TEST(kick_before_driver_ok)
{
	struct request rq;

	setup_off(0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	offer(&rq, data, 4096);
	expect_quiet();
	driver_ok(&d);
	expect_done(&rq);
}

/* vhost-vdpa kicks from the call itself then. */
TEST(kick_before_the_eventfd_is_set)
{
	struct request rq;

	setup_off(0);
	driver_negotiate(&d);
	offer(&rq, data, 4096);
	driver_set_queue(&d);
	driver_ok(&d);
	expect_done(&rq);
}

TEST(enable_after_driver_ok)
{
	struct request rq;

	setup_off(0);
	driver_negotiate(&d);
	driver_set_queue(&d);
	ASSERT_EQ(vdpa_enable(d.s.fd, 0, false), 0);
	driver_ok(&d);
	offer(&rq, data, 4096);
	expect_quiet();
	ASSERT_EQ(vdpa_enable(d.s.fd, 0, true), 0);
	expect_done(&rq);
	driver_prove(&d, 0, 8);
}

/* ---- suspend ---- */

static void suspend(unsigned int expect)
{
	unsigned int base;

	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_SUSPEND, NULL), 0);
	ASSERT_EQ(vdpa_get_base(d.s.fd, 0, &base), 0);
	EXPECT_EQ(base, expect);
	EXPECT_EQ(ring_used_idx(&d.r), expect);
}

TEST(suspend_keeps_the_index)
{
	struct request rq;
	unsigned int i;

	setup();
	for (i = 0; i < 5; i++)
		driver_prove(&d, i, i + 1);
	suspend(10);
	offer(&rq, data, 4096);
	expect_quiet();
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_RESUME, NULL), 0);
	expect_done(&rq);
	suspend(11);
	ASSERT_EQ(call(d.s.fd, VHOST_VDPA_RESUME, NULL), 0);
	driver_prove(&d, 0, 9);
}

/* QEMU's stop and cont: a new start of the device on the ring of before. */
TEST(stop_and_cont)
{
	unsigned int round, base;

	setup();
	load_init(&load, &d);
	for (round = 1; round <= 20; round++) {
		load_submit(&load);
		ASSERT_EQ(call(d.s.fd, VHOST_VDPA_SUSPEND, NULL), 0);
		ASSERT_EQ(vdpa_get_base(d.s.fd, 0, &base), 0);
		EXPECT_EQ(base, ring_used_idx(&d.r));
		driver_reset(&d);
		driver_negotiate(&d);
		driver_set_queue(&d);
		ASSERT_EQ(call(d.s.fd, VHOST_SET_VRING_BASE,
			       &(struct vhost_vring_state) { 0, base }), 0);
		driver_ok(&d);
		ASSERT_TRUE(WAIT_FOR(ring_used_idx(&d.r) ==
				     (uint16_t)(round * LOAD_DEPTH)));
		while (driver_reap(&d))
			;
	}
	driver_prove(&d, 0, 10);
}

TEST(reset_of_a_suspended_device)
{
	setup();
	driver_prove(&d, 0, 11);
	suspend(2);
	recover(12);
	suspend(2);
}

/* The index may be elsewhere already: what was not taken by then is served there. */
TEST(reset_serves_nothing_of_a_suspended_device)
{
	unsigned int round;

	setup();
	load_init(&load, &d);
	for (round = 0; round < 200; round++) {
		ASSERT_EQ(call(d.s.fd, VHOST_VDPA_SUSPEND, NULL), 0);
		load_submit(&load);
		driver_reset(&d);
		ASSERT_EQ(ring_used_idx(&d.r), 0);
		driver_restart(&d);
	}
	driver_prove(&d, 0, 13);
}

/* ---- rings ---- */

static void bad_ring(unsigned int num, uint64_t desc, uint64_t avail, uint64_t used)
{
	const struct vdpa_vring vr = {
		.num = num, .desc = desc, .avail = avail, .used = used,
		.kick = d.s.event[KVBLK_EVENT_KICK],
		.call = d.s.event[KVBLK_EVENT_IRQ],
	};

	driver_reset(&d);
	driver_negotiate(&d);
	if (!vdpa_set_vring(d.s.fd, &vr)) {
		vdpa_enable(d.s.fd, 0, true);
		vdpa_set_status(d.s.fd, STATUS_RUNNING);
		driver_kick(&d);
		EXPECT_TRUE(WAIT_FOR(broken()));
	}
	recover(num + 1);
}

TEST(rings_that_are_none)
{
	const uint64_t far = MEMORY_HIGH + MEMORY_HIGH_SIZE;

	setup();
	bad_ring(0, MEMORY_GAP, MEMORY_GAP, MEMORY_GAP);
	bad_ring(256, MEMORY_GAP, d.r.avail_gpa, d.r.used_gpa);
	bad_ring(256, d.r.desc_gpa, MEMORY_GAP - 16, d.r.used_gpa);
	bad_ring(256, d.r.desc_gpa, d.r.avail_gpa, far - 16);
	bad_ring(256, ~0ULL - 15, d.r.avail_gpa, d.r.used_gpa);
	bad_ring(256, d.r.desc_gpa, ~0ULL - 1, d.r.used_gpa);
	bad_ring(256, d.r.desc_gpa, d.r.avail_gpa, ~0ULL - 3);
}

/* A size that is none is refused, or leaves the size as it was. */
TEST(ring_sizes_that_are_none)
{
	static const unsigned int sizes[] = {
		0, 3, 255, 257, 1000, KVBLK_QUEUE_SIZE_MAX * 2, 32768, 65536,
		1U << 31, ~0U,
	};
	unsigned int i;

	setup();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vhost_vring_state state = { 0, sizes[i] };

		driver_reset(&d);
		driver_negotiate(&d);
		call(d.s.fd, VHOST_SET_VRING_NUM, &state);
		recover(i + 1);
	}
}

TEST(queues_that_are_none)
{
	unsigned int base;

	setup();
	EXPECT_NE(vdpa_get_base(d.s.fd, 1, &base), 0);
	EXPECT_NE(vdpa_enable(d.s.fd, 1, true), 0);
	EXPECT_NE(vdpa_enable(d.s.fd, ~0U, true), 0);
	driver_prove(&d, 0, 13);
}

/* Private memory is skipped by the bus: the rings are not in the table. */
TEST(private_memory_is_refused)
{
	if (vdpa_phys())
		SKIP("vhost pins it");
	setup_off(0);
	ASSERT_EQ(vdpa_unmap(d.s.fd, 0, ~0ULL), 0);
	memory_exit(&d.m);
	memory_init(&d.m, MEMORY_ANON);
	vdpa_give(d.s.fd, &d.m);
	ring_init(&d.r, &d.m, 256);
	driver_negotiate(&d);
	driver_set_queue(&d);
	vdpa_set_status(d.s.fd, STATUS_RUNNING);
	EXPECT_TRUE(WAIT_FOR(broken()));
}

/* Programs send more than a disk would tell them, if it told: 160 MiB are two calls. */
TEST(segment_of_any_length)
{
	static const uint64_t marks[] = {
		0, MIB, 128 * MIB - 512, 128 * MIB, 160 * MIB - 512,
	};
	const uint64_t gpa = 8192 * MIB;
	uint8_t want[512];
	unsigned int i;
	const struct region *big;

	if (vdpa_phys())
		SKIP("vhost takes so many pages in so many pieces");
	disk_make(&disk, 160 * MIB, 0);
	driver_open(&d, disk.name, NULL);
	EXPECT_TRUE(!(vdpa_features(d.s.fd) & F_BIT(VIRTIO_BLK_F_SIZE_MAX)));
	for (i = 0; i < 5; i++) {
		memset(want, i + 1, sizeof(want));
		ASSERT_EQ(pwrite(disk.fd, want, 512, marks[i]), 512);
	}
	memory_add(&d.m, MEMORY_SHARED, gpa, disk.size);
	big = &d.m.region[d.m.nr - 1];
	ASSERT_EQ(vdpa_map(d.s.fd, gpa, disk.size, big->addr), 0);
	EXPECT_EQ(driver_io(&d, IN, 0, gpa, disk.size), OK);
	EXPECT_EQ(disk_stats(disk.name).bytes_read, disk.size);
	for (i = 0; i < 5; i++) {
		memset(want, i + 1, sizeof(want));
		EXPECT_EQ(memcmp(big->addr + marks[i], want, 512), 0);
	}
	EXPECT_EQ(driver_io(&d, IN, 1, gpa, disk.size), VIRTIO_BLK_S_IOERR);
}

/* A guest's read-only memory is not there for the device, whatever the direction. */
TEST(memory_that_may_only_be_read)
{
	const struct region *mid;
	uint8_t want[4096];

	setup();
	mid = &d.m.region[1];
	memset(want, 0x5a, sizeof(want));
	memset(mid->addr, 0x5a, sizeof(want));
	ASSERT_EQ(vdpa_unmap(d.s.fd, mid->gpa, mid->size), 0);
	ASSERT_EQ(vdpa_map_ro(d.s.fd, mid->gpa, mid->size, mid->addr), 0);
	EXPECT_EQ(driver_io(&d, IN, 0, mid->gpa, 4096), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(driver_io(&d, OUT, 0, mid->gpa, 4096), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(memcmp(mid->addr, want, sizeof(want)), 0);
	driver_prove(&d, 0, 15);
}

TEST(read_only)
{
	struct seg seg = { .len = 4096 };
	uint8_t before[4096], after[4096];

	setup_off(KVBLK_DISK_RO);
	EXPECT_TRUE(vdpa_features(d.s.fd) & F_BIT(VIRTIO_BLK_F_RO));
	driver_start(&d);
	seg.gpa = data;
	ASSERT_EQ(pread(disk.fd, before, 4096, 0), 4096);
	segs_fill(&d.m, &seg, 1, 14);
	EXPECT_EQ(driver_io(&d, OUT, 0, data, 4096), VIRTIO_BLK_S_IOERR);
	EXPECT_EQ(driver_io(&d, IN, 0, data, 4096), OK);
	ASSERT_EQ(pread(disk.fd, after, 4096, 0), 4096);
	EXPECT_EQ(memcmp(before, after, 4096), 0);
}
