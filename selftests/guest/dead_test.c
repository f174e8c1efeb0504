// SPDX-License-Identifier: GPL-2.0
/*
 * A backing that stops answering, with requests of a guest in it. Whoever lets go
 * of the disk returns in time, nobody else notices, the guest is not told that a
 * reset is done until it is, and when the backing comes back all ends by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include "dm.h"
#include "driver.h"
#include "witness.h"

#define SIZE		(8 * MIB)
#define DEPTH		16
#define LEN		(64 * KIB)
#define BODY_SECONDS	60	/* below the harness's limit */
#define STRAGGLE_US	200000	/* for what should not come to come */

enum kind {
	DIRECT,		/* in a work item: the device refuses not to wait */
	IN_FLIGHT,	/* below the block layer, with guest pages pinned */
	BUFFERED,
	FLUSH,
};

static const char *const kinds[] = {
	[DIRECT] = "direct",
	[IN_FLIGHT] = "in-flight",
	[BUFFERED] = "buffered",
	[FLUSH] = "flush",
	NULL,
};

static struct dm dm;
static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];

static void make_disk(void)
{
	enum kind kind = harness_variant();
	struct kvblk_add add;
	char path[64];
	int fd;

	memcpy(path, dm.path, sizeof(path));
	/* A loop device takes what must not wait, and then waits. */
	if (kind == IN_FLIGHT)
		loop_make(path, sizeof(path), dm.path, true);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	disk_add_init(&add, fd);
	if (kind == DIRECT || kind == IN_FLIGHT)
		add.hdr.flags = KVBLK_DISK_DIRECT;
	disk_add(&disk, &add);
}

static void (*with_disk)(void);

static void make_disk_and_run(void)
{
	make_disk();
	witness_start(&disk);
	with_disk();
}

/* Runs @body with a disk on a mapping, which is resumed whatever happens. */
static void with_dead_disk(void (*body)(void))
{
	with_disk = body;
	dm_with(&dm, SIZE, BODY_SECONDS, make_disk_and_run);
}

static uint32_t type_of(unsigned int i)
{
	switch ((enum kind)harness_variant()) {
	case BUFFERED:
		return VIRTIO_BLK_T_IN;
	case FLUSH:
		return VIRTIO_BLK_T_FLUSH;
	default:
		return i % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
	}
}

static void submit(void)
{
	unsigned int i;

	for (i = 0; i < DEPTH; i++) {
		rq[i].type = type_of(i);
		rq[i].sector = i * (LEN / KVBLK_SECTOR_SIZE);
		rq[i].seg[0] = (struct seg) { MEMORY_SEAM + i * LEN, LEN };
		rq[i].nr = rq[i].type != VIRTIO_BLK_T_FLUSH;
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
}

static bool all_in_flight(void)
{
	return disk_stats(disk.name).in_flight == DEPTH;
}

/* A running driver whose requests hang. */
static void hang(void)
{
	uint16_t used;

	driver_open(&d, disk.name, NULL);
	/* Something to flush; reads of it would not hang. */
	if (harness_variant() == FLUSH)
		ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_OUT, 0, MEMORY_HIGH, LEN),
			  VIRTIO_BLK_S_OK);
	used = ring_used_idx(&d.r);
	dm_suspend(&dm);
	submit();
	ASSERT_TRUE(WAIT_FOR(all_in_flight()));
	usleep(STRAGGLE_US);
	ASSERT_TRUE(all_in_flight());
	ASSERT_EQ(ring_used_idx(&d.r), used);
}

/* The disk belongs to nobody else and cannot go. */
static void expect_taken(void)
{
	EXPECT_EQ(BOUNDED(OPEN, session_open_fd(disk.name)), -EBUSY);
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), -EBUSY);
	EXPECT_NE(disk_state(disk.name), KVBLK_STATE_IDLE);
}

/* Every byte can be written and read again, by a new session too. */
static void expect_usable(void)
{
	uint64_t sector;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		driver_open(&d, disk.name, NULL);
		for (sector = 0; sector < SIZE / KVBLK_SECTOR_SIZE; sector += 512)
			driver_prove(&d, sector, sector + i + 1);
		driver_close(&d);
	}
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
}

/* NEEDS_RESET, and nothing moves the device on. */
static void expect_unfinished_reset(void)
{
	static const uint32_t values[] = {
		STATUS_ACK, STATUS_ACK | STATUS_DRIVER, STATUS_RUNNING,
		STATUS_RUNNING | STATUS_BROKEN, 0,
	};
	unsigned int i;

	EXPECT_EQ(driver_status(&d) & (STATUS_BROKEN | STATUS_FAILED),
		  STATUS_BROKEN);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		BOUNDED(values[i] ? SET_UP : RESET,
			(session_write(&d.s, VIRTIO_MMIO_STATUS, values[i]), 0));
		EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	}
	EXPECT_EQ(BOUNDED(SET_UP, memory_give(&d.m, d.s.fd)), -EBUSY);
	EXPECT_EQ(BOUNDED(SET_UP, session_bind(d.s.fd, KVBLK_EVENT_IRQ, 0, -1)),
		  -EBUSY);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_DRAINING);
}

static void reset_body(void)
{
	hang();
	BOUNDED(RESET, (session_write(&d.s, VIRTIO_MMIO_STATUS, 0), 0));
	expect_unfinished_reset();
	expect_taken();
	witness_check();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(!driver_status(&d)));
	memory_expect_left_alone(&d.m);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);

	ring_clear(&d.r);
	memset(d.flying, 0, sizeof(d.flying));
	event_take(d.s.event[KVBLK_EVENT_IRQ]);
	driver_start(&d);
	driver_prove(&d, 0, 1);
	driver_close(&d);
	witness_stop();
	expect_usable();
}

TEST_EACH(reset_is_bounded, kinds)
{
	with_dead_disk(reset_body);
}

static void close_body(void)
{
	hang();
	BOUNDED(CLOSE, (session_close(&d.s), 0));
	expect_taken();
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_DRAINING);
	witness_check();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	memory_expect_left_alone(&d.m);
	memory_exit(&d.m);
	witness_stop();
	expect_usable();
}

TEST_EACH(close_is_bounded, kinds)
{
	with_dead_disk(close_body);
}

/* A process that hangs; what it waits for has begun when this returns. */
static pid_t hang_child(void)
{
	int fd[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(pipe(fd), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		hang();
		ASSERT_EQ(write(fd[1], "", 1), 1);
		pause();
	}
	close(fd[1]);
	ASSERT_EQ(read(fd[0], &byte, 1), 1);
	close(fd[0]);
	return pid;
}

static void kill_body(void)
{
	pid_t pid = hang_child();
	int status;

	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(BOUNDED(KILL, wait_child(pid, WAIT_SECONDS, &status)), 0);
	expect_taken();
	witness_check();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	witness_stop();
	expect_usable();
}

TEST_EACH(kill_is_bounded, kinds)
{
	with_dead_disk(kill_body);
}

static void remove_body(void)
{
	hang();
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), -EBUSY);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_RUNNING);
	session_close(&d.s);
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), -EBUSY);
	witness_check();
	witness_stop();
	dm_resume(&dm);
	EXPECT_TRUE(WAIT_FOR(!disk_remove(disk.name)));
}

TEST_EACH(removal_is_refused_at_once, kinds)
{
	with_dead_disk(remove_body);
}

/* What is left in flight, or -errno. */
static int64_t pause_call(unsigned long cmd)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };
	int ret;

	memcpy(arg.name, disk.name, sizeof(arg.name));
	ret = disk_control(cmd, &arg);
	return ret ? ret : (int64_t)arg.in_flight;
}

/* The same by the VMM. */
static int64_t session_pause_call(unsigned long cmd)
{
	struct kvblk_session_pause arg = { .hdr.size = sizeof(arg) };
	int ret = call(d.s.fd, cmd, &arg);

	return ret ? ret : (int64_t)arg.in_flight;
}

/* The call tells what is left; a second one is no error, and a reset wins. */
static void pause_body(void)
{
	hang();
	EXPECT_EQ(BOUNDED(PAUSE, session_pause_call(KVBLK_SESSION_PAUSE)), DEPTH);
	EXPECT_EQ(session_pause_call(KVBLK_SESSION_RESUME), DEPTH);
	EXPECT_EQ(BOUNDED(PAUSE, pause_call(KVBLK_PAUSE)), DEPTH);
	EXPECT_EQ(BOUNDED(PAUSE, pause_call(KVBLK_PAUSE)), DEPTH);
	BOUNDED(RESET, (session_write(&d.s, VIRTIO_MMIO_STATUS, 0), 0));
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	expect_taken();
	witness_check();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(!driver_status(&d)));
	memory_expect_left_alone(&d.m);
	driver_close(&d);
	EXPECT_EQ(pause_call(KVBLK_PAUSE), 0);
	EXPECT_EQ(pause_call(KVBLK_RESUME), 0);
	witness_stop();
	expect_usable();
}

TEST_EACH(pause_is_bounded, kinds)
{
	with_dead_disk(pause_body);
}

static int64_t reset_takes_ms(uint32_t drain_ms)
{
	uint64_t start;

	EXPECT_EQ(session_drain(d.s.fd, drain_ms), 0);
	start = now_ns();
	session_write(&d.s, VIRTIO_MMIO_STATUS, 0);
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	return (now_ns() - start) / 1000000;
}

/* The second reset joins the first, and waits by itself. */
static void drain_body(void)
{
	int64_t brief, patient;

	hang();
	brief = reset_takes_ms(10);
	patient = reset_takes_ms(3000);
	EXPECT_GE(patient, 3000 - 1000 / 250);
	EXPECT_LT(brief, patient);
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(!driver_status(&d)));
	driver_close(&d);
	witness_stop();
	expect_usable();
}

TEST_EACH(the_session_says_how_long, kinds)
{
	with_dead_disk(drain_body);
}

static int unload(void)
{
	return syscall(SYS_delete_module, "kvblk", O_NONBLOCK) ? -errno : 0;
}

/* Nobody holds the module but the requests. */
static void unload_body(void)
{
	hang();
	session_close(&d.s);
	witness_stop();
	EXPECT_EQ(BOUNDED(UNLOAD, unload()), -EWOULDBLOCK);
	expect_taken();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	expect_usable();
}

TEST_EACH(unloading_is_refused_at_once, kinds)
{
	with_dead_disk(unload_body);
}

static void expect_status(uint32_t type, uint8_t want)
{
	uint32_t len = type == VIRTIO_BLK_T_FLUSH ? 0 : LEN;

	EXPECT_EQ(driver_io(&d, type, 0, MEMORY_SEAM, len), want);
}

/* A backing that fails is answered for, counted, and no end of the device. */
static void error_body(void)
{
	static const uint32_t types[] = {
		[DIRECT] = VIRTIO_BLK_T_IN,
		[IN_FLIGHT] = VIRTIO_BLK_T_OUT,
		[BUFFERED] = VIRTIO_BLK_T_IN,
		[FLUSH] = VIRTIO_BLK_T_FLUSH,
	};
	enum kind kind = harness_variant();
	struct kvblk_stats before, after;

	driver_open(&d, disk.name, NULL);
	if (kind == FLUSH)
		expect_status(VIRTIO_BLK_T_OUT, VIRTIO_BLK_S_OK);
	dm_set_failing(&dm, true);
	before = disk_stats(disk.name);
	expect_status(types[kind], VIRTIO_BLK_S_IOERR);
	after = disk_stats(disk.name);
	EXPECT_EQ(after.io_errors - before.io_errors, 1);
	EXPECT_EQ(after.flush_errors - before.flush_errors, kind == FLUSH);
	EXPECT_EQ(after.ring_errors, 0);
	dm_set_failing(&dm, false);
	witness_check();
	witness_stop();
	driver_close(&d);
	expect_usable();
}

TEST_EACH(errors_are_reported, kinds)
{
	with_dead_disk(error_body);
}
