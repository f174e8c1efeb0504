// SPDX-License-Identifier: GPL-2.0
/*
 * Every pair of calls at the same time, on one disk and one descriptor. Each call may
 * fail as it likes; what counts is that it returns and that the disk works after it.
 *
 * $KVBLK_TORTURE_CALLS is how many calls the pairs make together.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "prng.h"

#define SIZE	(4 * MIB)
#define NORMAL	20000ULL
#define HOURS	(24 * 3600)	/* a limit for long runs */
#define ROUNDS	10

static struct disk disk;
static struct kvblk_add add_arg;
static struct driver d;
static struct memory m;
static struct ring ring;
static int event[KVBLK_EVENT_NR];
/* The descriptor that both threads use; whoever takes it out closes it. */
static atomic_int session = -1;
static atomic_ullong calls;

/* ---- the calls; any result will do ---- */

static int counted(int fd, unsigned long cmd, void *arg)
{
	atomic_fetch_add(&calls, 1);
	return call(fd, cmd, arg);
}

static int control(unsigned long cmd, void *arg)
{
	atomic_fetch_add(&calls, 1);
	return disk_control(cmd, arg);
}

static void reg_write(uint32_t offset, uint64_t value)
{
	struct kvblk_session_reg reg = {
		.hdr.size = sizeof(reg),
		.offset = offset,
		.len = 4,
		.value = value,
	};

	counted(atomic_load(&session), KVBLK_SESSION_WRITE, &reg);
}

static void replace_session(int fd)
{
	int old = atomic_exchange(&session, fd);

	if (old >= 0)
		close(old);
}

static void do_open(void)
{
	int fd;

	replace_session(-1);
	fd = session_open_fd(disk.name);
	if (fd >= 0)
		replace_session(fd);
	atomic_fetch_add(&calls, 2);
}

static void do_close(void)
{
	replace_session(-1);
	atomic_fetch_add(&calls, 1);
}

static void do_set_mem(void)
{
	memory_give(&m, atomic_load(&session));
	atomic_fetch_add(&calls, 1);
}

static void do_bind(void)
{
	unsigned int i;

	for (i = 0; i < KVBLK_EVENT_NR; i++)
		session_bind(atomic_load(&session), i, 0, event[i]);
	atomic_fetch_add(&calls, KVBLK_EVENT_NR);
}

static void do_unbind(void)
{
	unsigned int i;

	for (i = 0; i < KVBLK_EVENT_NR; i++)
		session_bind(atomic_load(&session), i, 0, -1);
	atomic_fetch_add(&calls, KVBLK_EVENT_NR);
}

static void do_reset(void)
{
	reg_write(VIRTIO_MMIO_STATUS, 0);
}

/* The whole handshake; whether it gets anywhere depends on the other thread. */
static void do_start(void)
{
	memory_give(&m, atomic_load(&session));
	reg_write(VIRTIO_MMIO_STATUS, STATUS_ACK);
	reg_write(VIRTIO_MMIO_STATUS, STATUS_ACK | STATUS_DRIVER);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	reg_write(VIRTIO_MMIO_DRIVER_FEATURES, F_VERSION_1 >> 32);
	reg_write(VIRTIO_MMIO_STATUS, STATUS_RUNNING & ~STATUS_OK);
	reg_write(VIRTIO_MMIO_QUEUE_NUM, ring.num);
	reg_write(VIRTIO_MMIO_QUEUE_DESC_LOW, ring.desc_gpa);
	reg_write(VIRTIO_MMIO_QUEUE_AVAIL_LOW, ring.avail_gpa);
	reg_write(VIRTIO_MMIO_QUEUE_USED_LOW, ring.used_gpa);
	reg_write(VIRTIO_MMIO_QUEUE_READY, 1);
	reg_write(VIRTIO_MMIO_STATUS, STATUS_RUNNING);
}

static void do_notify(void)
{
	reg_write(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

static void do_kick(void)
{
	event_signal(event[KVBLK_EVENT_KICK]);
	event_signal(event[KVBLK_EVENT_ACK]);
	atomic_fetch_add(&calls, 2);
}

static void do_read(void)
{
	struct kvblk_session_reg reg = { .hdr.size = sizeof(reg), .len = 8 };

	counted(atomic_load(&session), KVBLK_SESSION_READ, &reg);
}

static void do_info(void)
{
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };

	counted(atomic_load(&session), KVBLK_SESSION_INFO, &info);
}

static void do_map(void)
{
	void *p = mmap(NULL, KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED,
		       atomic_load(&session), 0);

	if (p != MAP_FAILED)
		munmap(p, KVBLK_PAGE_SIZE);
	atomic_fetch_add(&calls, 1);
}

static void do_replace_memory(void)
{
	memory_replace(&m);
	atomic_fetch_add(&calls, 1);
}

static void do_add(void)
{
	struct kvblk_add arg = add_arg;

	control(KVBLK_ADD, &arg);
}

static void do_remove(void)
{
	disk_remove(disk.name);
	atomic_fetch_add(&calls, 1);
}

static void do_set(void)
{
	disk_limit(disk.name, KVBLK_LIMIT_OPS, KVBLK_RATE_MAX, 0);
	atomic_fetch_add(&calls, 1);
}

static void do_list(void)
{
	char names[16][KVBLK_NAME_LEN];
	struct kvblk_list list = {
		.hdr.size = sizeof(list),
		.names = (uintptr_t)names,
		.count = 16,
	};

	control(KVBLK_LIST, &list);
}

static void do_query(void)
{
	struct kvblk_query q = { .hdr.size = sizeof(q) };

	memcpy(q.name, disk.name, sizeof(q.name));
	control(KVBLK_QUERY, &q);
}

static void pause_call(unsigned long cmd)
{
	struct kvblk_pause arg = { .hdr.size = sizeof(arg) };

	memcpy(arg.name, disk.name, sizeof(arg.name));
	control(cmd, &arg);
}

static void do_pause(void)
{
	pause_call(KVBLK_PAUSE);
}

static void do_resume(void)
{
	pause_call(KVBLK_RESUME);
}

static void do_session_pause(void)
{
	struct kvblk_session_pause arg = { .hdr.size = sizeof(arg) };

	counted(atomic_load(&session), KVBLK_SESSION_PAUSE, &arg);
	counted(atomic_load(&session), KVBLK_SESSION_RESUME, &arg);
}

static const struct {
	const char *name;
	void (*fn)(void);
} ops[] = {
	{ "open", do_open },
	{ "close", do_close },
	{ "set_mem", do_set_mem },
	{ "bind", do_bind },
	{ "unbind", do_unbind },
	{ "reset", do_reset },
	{ "start", do_start },
	{ "notify", do_notify },
	{ "kick", do_kick },
	{ "read", do_read },
	{ "info", do_info },
	{ "map", do_map },
	{ "replace_memory", do_replace_memory },
	{ "add", do_add },
	{ "remove", do_remove },
	{ "set", do_set },
	{ "list", do_list },
	{ "query", do_query },
	{ "pause", do_pause },
	{ "resume", do_resume },
	{ "session_pause", do_session_pause },
};

#define NR_OPS	(sizeof(ops) / sizeof(ops[0]))
#define NR_PAIRS (NR_OPS * (NR_OPS + 1) / 2)

/* ---- pairs ---- */

static pthread_barrier_t gate;
static uint64_t goal;		/* of the pair that runs */

static void *race(void *arg)
{
	void (*fn)(void) = arg;

	pthread_barrier_wait(&gate);
	while (atomic_load(&calls) < goal)
		fn();
	return NULL;
}

/* Each pair begins with a running device that has something to do. */
static void begin(void)
{
	do_add();
	replace_session(session_reopen_fd(disk.name));
	ASSERT_GE(atomic_load(&session), 0);
	ring_clear(&ring);
	do_bind();
	do_start();
}

/* And ends with a disk that works. */
static void end(const char *first, const char *second)
{
	replace_session(-1);
	do_add();
	do_resume();
	driver_open(&d, disk.name, NULL);
	if (driver_io(&d, VIRTIO_BLK_T_IN, 0, MEMORY_HIGH, 4096))
		DIE("no I/O after %s and %s", first, second);
	driver_prove(&d, 0, 1);
	driver_close(&d);
}

static void run_pair(unsigned int a, unsigned int b, uint64_t amount)
{
	pthread_t thread[2];

	begin();
	goal = atomic_load(&calls) + amount;
	ASSERT_EQ(pthread_create(&thread[0], NULL, race, ops[a].fn), 0);
	ASSERT_EQ(pthread_create(&thread[1], NULL, race, ops[b].fn), 0);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	end(ops[a].name, ops[b].name);
}

static void setup(void)
{
	unsigned int i;

	disk_add_init(&add_arg, disk_file(SIZE));
	disk_add(&disk, &add_arg);
	memory_init(&m, MEMORY_ANON);
	ring_init(&ring, &m, 64);
	for (i = 0; i < KVBLK_EVENT_NR; i++) {
		event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_GE(event[i], 0);
	}
	ASSERT_EQ(pthread_barrier_init(&gate, NULL, 2), 0);
}

TEST_FULL(pairs, HOURS, NULL)
{
	uint64_t amount = torture_amount("KVBLK_TORTURE_CALLS", NORMAL);
	uint64_t start = now_ns();
	unsigned int a, b, done = 0;

	setup();
	for (a = 0; a < NR_OPS; a++) {
		for (b = a; b < NR_OPS; b++) {
			run_pair(a, b, amount / NR_PAIRS + 1);
			harness_progress(++done, NR_PAIRS);
		}
	}
	harness_note("%u pairs, %llu calls, %llu ms", (unsigned int)NR_PAIRS,
		     (unsigned long long)atomic_load(&calls),
		     (unsigned long long)(now_ns() - start) / 1000000);
}

static void expect_usable(uint32_t seed)
{
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, seed);
	driver_close(&d);
}

/* A VMM is killed in the midst of calls of many threads. */
TEST(kill_among_calls)
{
	pthread_t thread;
	unsigned int i, k;
	int status;
	pid_t pid;

	setup();
	goal = ~0ULL;
	for (i = 0; i < ROUNDS; i++) {
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			ASSERT_EQ(pthread_barrier_init(&gate, NULL, NR_OPS), 0);
			for (k = 0; k < NR_OPS; k++)
				pthread_create(&thread, NULL, race, ops[k].fn);
			pause();
		}
		usleep(50000 + 10000 * i);
		kill(pid, SIGKILL);
		ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
		do_add();
		do_resume();
		expect_usable(i + 1);
	}
}
