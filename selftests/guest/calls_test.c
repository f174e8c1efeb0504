// SPDX-License-Identifier: GPL-2.0
/*
 * A VMM without shame: any call, with any argument, on any descriptor, at any
 * moment. Each gets an answer of the errno contract, and the disk works afterwards.
 *
 * $KVBLK_TORTURE_CALLS is how many random calls a run makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "load.h"
#include "prng.h"

#define SIZE		(4 * MIB)
#define NORMAL		20000ULL
#define HOURS		(24 * 3600)	/* a limit for long runs */
#define PAGE		KVBLK_PAGE_SIZE
#define NEVER_OPEN	900
#define PROVE_EVERY	1000		/* calls */

static struct disk disk;
static struct driver d;
static struct prng prng = { 0x63616c6c73ULL };
static bool is_open;
/* A page to write to, then one that faults, then one to read only. */
static uint8_t *pages;

static uint64_t below(uint32_t n)
{
	return prng_below(&prng, n);
}

/* ---- arguments ---- */

static int any_fd(void)
{
	static int control = -1, null, pipes[2], node, dir, epoll, memfd;
	char path[64];

	if (control < 0) {
		control = disk_control_fd();
		null = open("/dev/null", O_RDWR);
		disk_node(disk.name, path, sizeof(path));
		node = open(path, O_PATH);
		dir = open("/", O_RDONLY | O_DIRECTORY);
		epoll = epoll_create1(0);
		memfd = memfd_create("calls", 0);
		ASSERT_EQ(pipe(pipes), 0);
	}
	return ((const int[]) {
		control, control, control, null, pipes[0], node, disk.fd,
		NEVER_OPEN, -1, d.s.fd, d.s.fd, d.s.fd, d.s.fd, d.s.fd,
		d.s.event[0], d.s.event[1], d.s.event[2], dir, epoll, memfd,
	})[below(20)];
}

static uint64_t any_pointer(uint32_t len)
{
	const uint64_t pointers[] = {
		0, 1, (uintptr_t)pages + PAGE, (uintptr_t)pages + PAGE - len / 2,
		(uintptr_t)pages + 2 * PAGE, 0xffff888000000000ULL, ~0ULL,
		prng_next(&prng),
	};

	if (!prng_once_in(&prng, 8))
		return (uintptr_t)pages + PAGE - len;
	return PRNG_PICK(&prng, pointers);
}

static uint32_t any_u32(void)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 11, 15, 16, 64, 128, 255, 512, 1024, 4095,
		4096, 65536, 1U << 31, ~0U,
	};

	return prng_once_in(&prng, 8) ? prng_next(&prng) :
					PRNG_PICK(&prng, values);
}

static const char a_good_name[] = "kvblk-control";

static void any_name(char *name)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "kvt-\x80", "kvt-h%s", a_good_name,
		"kvt-0123456789012345678901234567890",
	};

	const char *wrong = PRNG_PICK(&prng, bad);

	memset(name, 0, KVBLK_NAME_LEN);
	/* The longest leaves no room for the NUL. */
	if (prng_once_in(&prng, 8))
		memcpy(name, wrong, strnlen(wrong, KVBLK_NAME_LEN));
	else if (below(2))
		memcpy(name, disk.name, KVBLK_NAME_LEN);
	else
		snprintf(name, KVBLK_NAME_LEN, "kvt-h%u", (unsigned int)below(8));
}

static void any_limits(struct kvblk_limit *limit)
{
	unsigned int i;

	for (i = 0; i < KVBLK_LIMIT_NR; i++) {
		if (below(4))
			continue;
		limit[i].rate = prng_once_in(&prng, 8) ? prng_next(&prng) :
							 KVBLK_RATE_MAX;
		limit[i].burst = below(2) ? 0 : any_u32();
	}
}

static void fill_add(void *arg)
{
	struct kvblk_add *add = arg;

	any_name(add->name);
	add->fd = below(2) ? disk.fd : any_fd();
	if (below(2))
		return;
	add->block_size = any_u32();
	add->queue_size = any_u32();
	add->mode = any_u32();
	add->capacity = any_u32();
	any_limits(add->limits);
}

/* Not the disk that the test needs. */
static void fill_remove(void *arg)
{
	struct kvblk_remove *rm = arg;

	do
		any_name(rm->name);
	while (!strcmp(rm->name, disk.name));
}

static void fill_set(void *arg)
{
	struct kvblk_set *set = arg;

	any_name(set->name);
	set->limit_mask = below(64);
	any_limits(set->limits);
}

static void fill_move(void *arg)
{
	struct kvblk_move *move = arg;

	any_name(move->name);
	move->queue = below(2) ? 0 : any_u32();
	move->worker = below(2) ? 0 : any_u32();
}

static void fill_list(void *arg)
{
	struct kvblk_list *list = arg;

	list->count = below(4) ? below(PAGE / KVBLK_NAME_LEN) : any_u32();
	list->names = any_pointer(PAGE);
}

/* Nothing hangs here, so a pause that waits for long is over soon. */
static void fill_pause(void *arg)
{
	struct kvblk_pause *pause = arg;

	any_name(pause->name);
	pause->timeout_ms = below(2) ? 0 : any_u32();
	pause->in_flight = any_u32();
}

static void fill_query(void *arg)
{
	any_name(((struct kvblk_query *)arg)->name);
}

/* Mostly memory that is there, so that some of these succeed. */
static void fill_mem(void *arg)
{
	static struct kvblk_region region[4];
	struct kvblk_session_mem *mem = arg;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		region[i].gpa = i * MIB;
		region[i].size = MIB;
		region[i].uaddr = (uintptr_t)d.m.region[0].addr + i * MIB;
		if (prng_once_in(&prng, 16))
			region[i].uaddr = prng_next(&prng) & ~(PAGE - 1ULL);
		if (prng_once_in(&prng, 16))
			region[i].size = any_u32();
		if (prng_once_in(&prng, 16))
			region[i].gpa = prng_next(&prng);
	}
	mem->regions = below(8) ? (uintptr_t)region : any_pointer(64);
	mem->count = below(8) ? below(5) : any_u32();
}

static void fill_bind(void *arg)
{
	struct kvblk_session_bind *bind = arg;

	bind->event = below(8) ? below(KVBLK_EVENT_NR) : any_u32();
	bind->queue = below(8) ? 0 : any_u32();
	bind->fd = any_fd();
}

static void fill_reg(void *arg)
{
	struct kvblk_session_reg *reg = arg;

	reg->offset = below(8) ? 4 * below(64) : any_u32();
	reg->len = below(8) ? 4 : any_u32();
	reg->value = below(2) ? any_u32() : below(16);
}

static void fill_session_pause(void *arg)
{
	((struct kvblk_session_pause *)arg)->timeout_ms = below(2) ? 0 :
								     any_u32();
}

static void fill_session_set(void *arg)
{
	((struct kvblk_session_set *)arg)->drain_ms = below(2) ? below(3000) : any_u32();
}

static void fill_info(void *arg)
{
	(void)arg;
}

static const struct {
	unsigned long cmd;
	size_t size;
	void (*fill)(void *arg);
} calls[] = {
	{ KVBLK_ADD, sizeof(struct kvblk_add), fill_add },
	{ KVBLK_REMOVE, sizeof(struct kvblk_remove), fill_remove },
	{ KVBLK_SET, sizeof(struct kvblk_set), fill_set },
	{ KVBLK_MOVE, sizeof(struct kvblk_move), fill_move },
	{ KVBLK_LIST, sizeof(struct kvblk_list), fill_list },
	{ KVBLK_QUERY, sizeof(struct kvblk_query), fill_query },
	{ KVBLK_PAUSE, sizeof(struct kvblk_pause), fill_pause },
	{ KVBLK_RESUME, sizeof(struct kvblk_pause), fill_pause },
	{ KVBLK_SESSION_PAUSE, sizeof(struct kvblk_session_pause),
	  fill_session_pause },
	{ KVBLK_SESSION_RESUME, sizeof(struct kvblk_session_pause),
	  fill_session_pause },
	{ KVBLK_SESSION_SET, sizeof(struct kvblk_session_set), fill_session_set },
	{ KVBLK_SESSION_SET_MEM, sizeof(struct kvblk_session_mem), fill_mem },
	{ KVBLK_SESSION_BIND, sizeof(struct kvblk_session_bind), fill_bind },
	{ KVBLK_SESSION_WRITE, sizeof(struct kvblk_session_reg), fill_reg },
	{ KVBLK_SESSION_WRITE, sizeof(struct kvblk_session_reg), fill_reg },
	{ KVBLK_SESSION_READ, sizeof(struct kvblk_session_reg), fill_reg },
	{ KVBLK_SESSION_INFO, sizeof(struct kvblk_session_info), fill_info },
};

static void spoil(struct kvblk_hdr *hdr)
{
	uint8_t *byte = (uint8_t *)hdr;

	if (prng_once_in(&prng, 16))
		hdr->size = any_u32();
	if (prng_once_in(&prng, 8))
		hdr->flags = any_u32();
	if (prng_once_in(&prng, 4)) {
		hdr->msg = any_pointer(64);
		hdr->msg_len = any_u32();
	}
	if (prng_once_in(&prng, 64))
		byte[below(sizeof(*hdr))] ^= 1 << below(8);
}

/* Other numbers and sizes, of the same type and of any. */
static unsigned long any_cmd(unsigned long cmd)
{
	if (!prng_once_in(&prng, 16))
		return cmd;
	if (below(2))
		return _IOC(below(4), KVBLK_IOC, below(256), below(1024));
	return _IOC(below(4), KVBLK_IOC, _IOC_NR(cmd), any_u32() % 16384);
}

static void expect_contract(int ret)
{
	static const int errors[] = {
		0, ENOTTY, EINVAL, E2BIG, EOPNOTSUPP, EFAULT, ENOMEM, EBADF,
		EBUSY, EPERM, EOVERFLOW, EEXIST, ENOENT, EROFS, ENOTBLK,
		ENODATA, EDOM, EFBIG,
	};
	unsigned int i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (ret == -errors[i])
			return;
	}
	FAIL("a call gave %d", ret);
}

static void random_call(void)
{
	unsigned int i = below(sizeof(calls) / sizeof(calls[0]));
	uint8_t arg[1024] = { 0 };
	struct kvblk_hdr *hdr = (void *)arg;
	uint64_t at = any_pointer(calls[i].size);

	hdr->size = calls[i].size;
	calls[i].fill(arg);
	spoil(hdr);
	if (at >= (uintptr_t)pages && at <= (uintptr_t)pages + PAGE -
					    calls[i].size)
		memcpy((void *)at, arg, calls[i].size);
	expect_contract(call(any_fd(), any_cmd(calls[i].cmd), (void *)at));
}

/* ---- what happens between the calls ---- */

static void let_go(void)
{
	if (!is_open)
		return;
	session_close(&d.s);
	memory_exit(&d.m);
	is_open = false;
}

static void open_running(void)
{
	static struct load load;

	let_go();
	driver_open(&d, disk.name, NULL);
	load_init(&load, &d);
	load_submit(&load);
	is_open = true;
}

static void open_raw(void)
{
	let_go();
	driver_init(&d, disk.name, NULL);
	is_open = true;
}

/* The page still holds the session; the number may mean something else soon. */
static void close_descriptor(void)
{
	int fd = d.s.fd;

	if (!is_open || fd < 0)
		return;
	close(fd);
	d.s.fd = -1;
	fd = session_open_fd(disk.name);
	if (fd >= 0)
		close(fd);
	else
		expect_contract(fd);
}

static void unmap_page(void)
{
	if (!is_open)
		return;
	munmap((void *)d.s.page, PAGE);
	/* Nothing is ever mapped there: it may be unmapped again. */
	d.s.page = NULL;
}

/* Memory under the session goes, and comes back as something else. */
static void replace_memory(void)
{
	if (!is_open)
		return;
	memory_drop(&d.m);
	memory_init(&d.m, MEMORY_ANON);
}

static void kick(void)
{
	if (is_open)
		event_signal(d.s.event[KVBLK_EVENT_KICK]);
}

static void try_map(void)
{
	size_t size = PAGE << below(2);
	void *p = mmap(NULL, size, 1 << below(3),
		       below(2) ? MAP_SHARED : MAP_PRIVATE, any_fd(),
		       below(2) * PAGE);

	if (p != MAP_FAILED)
		munmap(p, size);
}

static void (*const moves[])(void) = {
	open_running, open_raw, let_go, close_descriptor, unmap_page,
	replace_memory, kick, kick, kick, try_map, try_map,
};

/* Whatever was done, the disk can be had, and works. */
static void prove(uint32_t seed)
{
	struct kvblk_pause resume = { .hdr.size = sizeof(resume) };
	int id;

	let_go();
	memcpy(resume.name, disk.name, sizeof(resume.name));
	ASSERT_EQ(disk_control(KVBLK_RESUME, &resume), 0);
	for (id = 0; id < KVBLK_LIMIT_NR; id++)
		ASSERT_EQ(disk_limit(disk.name, id, 0, 0), 0);
	driver_open(&d, disk.name, NULL);
	is_open = true;
	driver_prove(&d, 0, seed);
	let_go();
	EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
}

static void make_pages(void)
{
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(pages != MAP_FAILED);
	ASSERT_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	ASSERT_EQ(mprotect(pages + 2 * PAGE, PAGE, PROT_READ), 0);
}

TEST_FULL(random_calls, HOURS, NULL)
{
	uint64_t goal = torture_amount("KVBLK_TORTURE_CALLS", NORMAL);
	uint64_t start = now_ns();
	uint64_t i;

	make_pages();
	disk_make(&disk, SIZE, 0);
	d.s.fd = -1;
	for (i = 1; i <= goal; i++) {
		random_call();
		if (prng_once_in(&prng, 16))
			PRNG_PICK(&prng, moves)();
		if (i % PROVE_EVERY == 0)
			prove(i);
		harness_progress(i, goal);
	}
	prove(1);
	/* A name like another, which is not swept away after the test. */
	disk_remove(a_good_name);
	harness_note("%llu hostile calls, %llu ms", (unsigned long long)goal,
		     (unsigned long long)(now_ns() - start) / 1000000);
}
