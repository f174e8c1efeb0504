// SPDX-License-Identifier: GPL-2.0
/*
 * Every call of a session while allocations fail, its start and its end. A call that
 * fails has changed nothing, and the device works when all is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "fault.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static struct driver d;

/* @run, of which nothing is left to undo but by @undo. */
static void sweep(const char *name, int (*run)(void), void (*undo)(void))
{
	fault_sweep(&(struct fault_op) {
		.name = name, .disk = disk.name, .page = d.s.page, .run = run, .undo = undo,
	});
}

static int run_set_mem(void)
{
	return memory_give(&d.m, d.s.fd);
}

static int run_bind_kick(void)
{
	return session_bind(d.s.fd, KVBLK_EVENT_KICK, 0, d.s.event[0]);
}

static int run_bind_ack(void)
{
	return session_bind(d.s.fd, KVBLK_EVENT_ACK, 0, d.s.event[1]);
}

static int run_bind_irq(void)
{
	return session_bind(d.s.fd, KVBLK_EVENT_IRQ, 0, d.s.event[2]);
}

static void *mapped;

static int run_map(void)
{
	mapped = mmap(NULL, KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, d.s.fd, 0);
	return mapped == MAP_FAILED ? -errno : 0;
}

static void unmap(void)
{
	EXPECT_TRUE(!memcmp(mapped, d.s.page, KVBLK_PAGE_SIZE));
	munmap(mapped, KVBLK_PAGE_SIZE);
}

static int reg_write(uint32_t offset, uint32_t value)
{
	uint64_t v = value;

	return session_access(d.s.fd, KVBLK_SESSION_WRITE, offset, 4, &v);
}

static int run_write(void)
{
	return reg_write(VIRTIO_MMIO_QUEUE_NUM, 128);
}

static int run_read(void)
{
	uint64_t v = 0;

	return session_access(d.s.fd, KVBLK_SESSION_READ, 0, 4, &v);
}

static int run_info(void)
{
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };

	return call(d.s.fd, KVBLK_SESSION_INFO, &info);
}

/*
 * A pause that cannot say how much is in flight has happened all the same, and may
 * be repeated: the answer is the last thing to be copied.
 */
static int run_pause(void)
{
	struct kvblk_session_pause arg = { .hdr.size = sizeof(arg) };

	return call(d.s.fd, KVBLK_SESSION_PAUSE, &arg);
}

static int run_resume(void)
{
	struct kvblk_session_pause arg = { .hdr.size = sizeof(arg) };

	return call(d.s.fd, KVBLK_SESSION_RESUME, &arg);
}

static void let_go(void)
{
	ASSERT_EQ(run_resume(), 0);
}

static void hold(void)
{
	ASSERT_EQ(run_pause(), 0);
}

TEST(calls)
{
	fault_init();
	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, NULL);
	driver_negotiate(&d);
	sweep("set_mem", run_set_mem, NULL);
	setenv("KVBLK_TEST_PIN", "1", 1);
	sweep("set_mem, pinned", run_set_mem, NULL);
	unsetenv("KVBLK_TEST_PIN");
	sweep("bind kick", run_bind_kick, NULL);
	sweep("bind ack", run_bind_ack, NULL);
	sweep("bind irq", run_bind_irq, NULL);
	sweep("map", run_map, unmap);
	sweep("write", run_write, NULL);
	sweep("read", run_read, NULL);
	sweep("info", run_info, NULL);
	fault_sweep(&(struct fault_op) {
		.name = "pause", .run = run_pause, .after = let_go,
	});
	fault_sweep(&(struct fault_op) {
		.name = "resume", .before = hold, .run = run_resume, .after = let_go,
	});
	driver_set_queue(&d);
	driver_ok(&d);
	driver_prove(&d, 0, 1);
	driver_close(&d);
	fault_report();
}

/* ---- start and end ---- */

static enum memory_kind kind_of_memory;

static void before_start(void)
{
	driver_init(&d, disk.name, &(struct driver_config) {
		.memory = kind_of_memory,
	});
	driver_negotiate(&d);
	driver_set_queue(&d);
}

/* What the driver sees of a start without memory is NEEDS_RESET. */
static int run_start(void)
{
	int ret = reg_write(VIRTIO_MMIO_STATUS, STATUS_RUNNING);

	if (ret)
		return ret;
	return driver_status(&d) & STATUS_BROKEN ? -ENOMEM : 0;
}

static void recover(void)
{
	driver_restart(&d);
	driver_prove(&d, 0, 1);
	driver_close(&d);
}

static void use(void)
{
	driver_prove(&d, 0, 1);
	driver_close(&d);
}

static const char *const memories[] = {
	[MEMORY_ANON] = "anonymous", [MEMORY_SHARED] = "shared", NULL,
};

TEST_EACH(start, memories)
{
	fault_init();
	kind_of_memory = harness_variant();
	disk_make(&disk, SIZE, 0);
	fault_sweep(&(struct fault_op) {
		.name = "start",
		.before = before_start,
		.run = run_start,
		.failed = recover,
		.undo = use,
	});
	fault_report();
}

static void before_end(void)
{
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
}

static int run_reset(void)
{
	int ret = reg_write(VIRTIO_MMIO_STATUS, 0);

	return ret ?: driver_status(&d) ? -EIO : 0;
}

static int run_close(void)
{
	struct session s = d.s;

	d.s.fd = -1;
	munmap((void *)s.page, KVBLK_PAGE_SIZE);
	return close(s.fd) ? -errno : 0;
}

static void close_rest(void)
{
	unsigned int i;

	for (i = 0; i < KVBLK_EVENT_NR; i++)
		close(d.s.event[i]);
	memory_exit(&d.m);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
}

/* Nothing but a register write's copy can fail in a reset, nothing at all in a close. */
TEST_EACH(end, fault_whos)
{
	struct fault_op op = {
		.name = "reset",
		.who = harness_variant(),
		.before = before_end,
		.run = run_reset,
		.after = recover,
	};

	fault_init();
	disk_make(&disk, SIZE, 0);
	fault_sweep(&op);
	op.name = "close";
	op.run = run_close;
	op.after = close_rest;
	fault_sweep(&op);
	fault_report();
}
