// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory whose pages are filled by a user-space handler that does not answer
 * (userfaultfd). The VMM that has such memory waits for itself; nobody else does,
 * and it can always be got rid of.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "driver.h"
#include "witness.h"

#define SIZE	(1 * MIB)
#define PAGE	KVBLK_PAGE_SIZE
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE

/* What of a request lies in the page that is missing. */
enum missing {
	HEADER,
	TABLE,
	DATA_OUT,	/* the disk's data goes there */
	DATA_IN,	/* the disk's data comes from there */
	STATUS,
};

static const char *const missings[] = {
	[HEADER] = "header",
	[TABLE] = "table",
	[DATA_OUT] = "read-data",
	[DATA_IN] = "write-data",
	[STATUS] = "status",
	NULL,
};

static struct disk disk;
static struct driver d;
/* One page for each thing, so that one can be missing alone. */
static uint64_t header, table, data, status;
static uint64_t hole;
static int uffd;
/* What the handler would put there. */
static uint8_t content[PAGE];

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		SKIP("no userfaultfd: %s", strerror(errno));
	ASSERT_EQ(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

/* Takes the page at @gpa away; from now on whoever touches it waits. */
static void lose_page(uint64_t gpa)
{
	void *p = memory_at(&d.m, gpa, PAGE);
	struct uffdio_register reg = {
		.range = { (uintptr_t)p, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	hole = gpa;
	memcpy(content, p, PAGE);
	ASSERT_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
	ASSERT_EQ(ioctl(uffd, UFFDIO_REGISTER, &reg), 0);
}

/* The handler answers after all. */
static void answer(int fd)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)memory_at(&d.m, hole, PAGE),
		.src = (uintptr_t)content,
		.len = PAGE,
	};

	ASSERT_EQ(ioctl(fd, UFFDIO_COPY, &copy), 0);
	EXPECT_EQ(copy.copy, PAGE);
}

static void open_driver(void)
{
	driver_init(&d, disk.name, &(struct driver_config) {
		.features = F_INDIRECT,
	});
	header = memory_alloc(&d.m, PAGE, PAGE);
	table = memory_alloc(&d.m, PAGE, PAGE);
	data = memory_alloc(&d.m, PAGE, PAGE);
	status = memory_alloc(&d.m, PAGE, PAGE);
	uffd = uffd_open();
}

static uint64_t missing_page(void)
{
	const uint64_t page[] = {
		[HEADER] = header,
		[TABLE] = table,
		[DATA_OUT] = data,
		[DATA_IN] = data,
		[STATUS] = status,
	};

	return page[harness_variant()];
}

/* A request whose parts lie in pages of their own. */
static void offer_request(void)
{
	bool write = harness_variant() == DATA_IN;
	struct virtio_blk_outhdr hdr = {
		.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
	};
	struct vring_desc *desc = memory_at(&d.m, table, PAGE);
	uint8_t unset = STATUS_UNSET;

	memory_write(&d.m, header, &hdr, sizeof(hdr));
	memory_write(&d.m, status, &unset, 1);
	desc[0] = (struct vring_desc) { header, sizeof(hdr), NEXT, 1 };
	desc[1] = (struct vring_desc) { data, PAGE, NEXT | (write ? 0 : WRITE),
					2 };
	desc[2] = (struct vring_desc) { status, 1, WRITE, 0 };
	ring_set(&d.r, 0, table, 3 * sizeof(*desc), VRING_DESC_F_INDIRECT, 0);
	ring_offer(&d.r, 0);
}

static struct kvblk_query query(void)
{
	struct kvblk_query q;

	disk_query(disk.name, &q);
	return q;
}

/* A running driver with a request that waits for the handler. */
static void hang(void)
{
	open_driver();
	driver_start(&d);
	offer_request();
	lose_page(missing_page());
	ring_publish(&d.r);
	driver_kick(&d);
	ASSERT_TRUE(WAIT_FOR(query().stats.in_flight == 1));
	usleep(100000);
	ASSERT_EQ(ring_used_idx(&d.r), 0);
	ASSERT_EQ(query().stats.in_flight, 1);
}

static void setup(void)
{
	disk_make(&disk, SIZE, 0);
	witness_start(&disk);
}

static void expect_taken(void)
{
	EXPECT_EQ(BOUNDED(OPEN, session_open_fd(disk.name)), -EBUSY);
	EXPECT_EQ(BOUNDED(REMOVE, disk_remove(disk.name)), -EBUSY);
	witness_check();
}

static void expect_usable(void)
{
	ASSERT_TRUE(WAIT_FOR(query().state == KVBLK_STATE_IDLE));
	EXPECT_EQ(query().stats.in_flight, 0);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
	driver_close(&d);
	witness_stop();
}

TEST_EACH(request_waits_for_the_handler, missings)
{
	setup();
	hang();
	witness_check();
	answer(uffd);
	ASSERT_EQ(driver_wait(&d), 0);
	EXPECT_EQ(*(uint8_t *)memory_at(&d.m, status, 1), VIRTIO_BLK_S_OK);
	EXPECT_EQ(ring_used_idx(&d.r), 1);
	driver_close(&d);
	expect_usable();
}

TEST_EACH(reset_is_bounded, missings)
{
	setup();
	hang();
	BOUNDED(RESET, (session_write(&d.s, VIRTIO_MMIO_STATUS, 0), 0));
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	BOUNDED(SET_UP, (session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_ACK), 0));
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	expect_taken();
	answer(uffd);
	ASSERT_TRUE(WAIT_FOR(!driver_status(&d)));
	memory_expect_left_alone(&d.m);
	driver_restart(&d);
	driver_prove(&d, 0, 2);
	driver_close(&d);
	expect_usable();
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

/* The call tells that a request is left; it ends later, and nothing new is begun. */
TEST_EACH(pause_is_bounded, missings)
{
	setup();
	hang();
	EXPECT_EQ(BOUNDED(PAUSE, pause_call(KVBLK_PAUSE)), 1);
	EXPECT_EQ(BOUNDED(PAUSE, pause_call(KVBLK_PAUSE)), 1);
	expect_taken();
	answer(uffd);
	ASSERT_EQ(driver_wait(&d), 0);
	EXPECT_EQ(pause_call(KVBLK_PAUSE), 0);
	EXPECT_EQ(query().state, KVBLK_STATE_PAUSED);
	EXPECT_EQ(pause_call(KVBLK_RESUME), 0);
	driver_close(&d);
	expect_usable();
}

static int unload(void)
{
	return syscall(SYS_delete_module, "kvblk", O_NONBLOCK) ? -errno : 0;
}

/* Nobody holds the module but the request. */
TEST_EACH(unloading_is_refused_at_once, missings)
{
	setup();
	hang();
	session_close(&d.s);
	EXPECT_EQ(BOUNDED(UNLOAD, unload()), -EWOULDBLOCK);
	expect_taken();
	close(uffd);
	expect_usable();
}

/* Whoever waits goes on when the handler goes away. */
TEST_EACH(close_is_bounded, missings)
{
	setup();
	hang();
	BOUNDED(CLOSE, (session_close(&d.s), 0));
	EXPECT_EQ(query().state, KVBLK_STATE_DRAINING);
	expect_taken();
	close(uffd);
	expect_usable();
}

/* A handler's descriptor: it outlives the process whose memory it fills. */
static int take_uffd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ret;

	ASSERT_GE(pidfd, 0);
	ret = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	ASSERT_GE(ret, 0);
	return ret;
}

/* The number of the child's descriptor comes through a pipe. */
static pid_t fork_vmm(void (*body)(void))
{
	int fd[2], number;
	pid_t pid;

	ASSERT_EQ(pipe(fd), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		body();
		ASSERT_EQ(write(fd[1], &uffd, sizeof(uffd)), sizeof(uffd));
		pause();
	}
	close(fd[1]);
	ASSERT_EQ(read(fd[0], &number, sizeof(number)), sizeof(number));
	close(fd[0]);
	uffd = take_uffd(pid, number);
	return pid;
}

TEST_EACH(kill_is_bounded, missings)
{
	int wstatus;
	pid_t pid;

	setup();
	pid = fork_vmm(hang);
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(BOUNDED(KILL, wait_child(pid, WAIT_SECONDS, &wstatus)), 0);
	expect_taken();
	close(uffd);
	expect_usable();
}

static void *set_driver_ok(void *unused)
{
	(void)unused;
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	return NULL;
}

static pthread_t starter;

/* DRIVER_OK pins the rings, one page of which is missing. */
static void hang_in_start(void)
{
	open_driver();
	driver_negotiate(&d);
	driver_set_queue(&d);
	lose_page(d.r.used_gpa);
	ASSERT_EQ(pthread_create(&starter, NULL, set_driver_ok, NULL), 0);
	ASSERT_TRUE(WAIT_FOR(driver_status(&d) & STATUS_OK));
	usleep(100000);
}

TEST(start_waits_for_the_handler)
{
	setup();
	hang_in_start();
	expect_taken();
	answer(uffd);
	pthread_join(starter, NULL);
	driver_prove(&d, 0, 3);
	driver_close(&d);
	expect_usable();
}

TEST(close_during_start_is_bounded)
{
	setup();
	hang_in_start();
	BOUNDED(CLOSE, (session_close(&d.s), 0));
	expect_taken();
	answer(uffd);
	pthread_join(starter, NULL);
	expect_usable();
}

TEST_FULL(reset_during_start_is_bounded, 60, NULL)
{
	setup();
	hang_in_start();
	BOUNDED(RESET, (session_write(&d.s, VIRTIO_MMIO_STATUS, 0), 0));
	EXPECT_EQ(driver_status(&d), STATUS_BROKEN);
	expect_taken();
	answer(uffd);
	pthread_join(starter, NULL);
	ASSERT_TRUE(WAIT_FOR(!driver_status(&d)));
	driver_restart(&d);
	driver_prove(&d, 0, 4);
	driver_close(&d);
	expect_usable();
}

TEST(kill_during_start_is_bounded)
{
	int wstatus;
	pid_t pid;

	setup();
	pid = fork_vmm(hang_in_start);
	expect_taken();
	ASSERT_EQ(kill(pid, SIGKILL), 0);
	ASSERT_EQ(BOUNDED(KILL, wait_child(pid, WAIT_SECONDS, &wstatus)), 0);
	/* The handler is still there and silent: nothing waits for it. */
	expect_usable();
	close(uffd);
}
