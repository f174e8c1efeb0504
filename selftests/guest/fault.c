// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fault.h"
#include "harness.h"
#include "snapshot.h"

#define ATTR_DIR	"/sys/kernel/debug/"
#define TIMES		1000000	/* each failure takes one off */
#define TIMES_TEXT	"1000000"
#define N_MAX		20000	/* no call makes so many allocations */
#define CREW_MAX	128

static const char *const attrs[FAULT_KINDS] = {
	[FAULT_SLAB] = "failslab",
	[FAULT_PAGE] = "fail_page_alloc",
	[FAULT_COPY] = "fail_usercopy",
};

const char *const fault_whos[] = {
	[FAULT_SELF] = "caller", [FAULT_WORKER] = "worker",
	[FAULT_KWORKERS] = "work-items", NULL,
};

/* Threads that can be armed: their open fail-nth files. */
struct crew {
	int fd[CREW_MAX];
	unsigned int nr;
	int newest;		/* the last process that was looked at */
};

static struct crew crews[FAULT_WHOS];
static const struct crew *armed;
static unsigned int left[FAULT_KINDS];
static unsigned int injected[FAULT_KINDS];

/* ---- files of one value ---- */

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		DIE("%s: %s", path, strerror(errno));
	close(fd);
}

static void put_attr(enum fault_kind kind, const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), ATTR_DIR "%s/%s", attrs[kind], name);
	put(path, text);
}

static unsigned int times_left(enum fault_kind kind)
{
	char path[96], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), ATTR_DIR "%s/times", attrs[kind]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		DIE("%s: %s", path, strerror(errno));
	close(fd);
	return atoi(text);
}

/* The value is written by one system call: it would count, too. */
static bool set_nth(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return write(fd, text, len) == len;
}

/* ---- who ---- */

static void add_task(struct crew *crew, const char *dir)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/fail-nth", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;		/* it has ended */
	ASSERT_LE(crew->nr, CREW_MAX - 1);
	crew->fd[crew->nr++] = fd;
}

static bool is_named(const char *dir, const char *name)
{
	char path[64], comm[64] = "";
	bool is = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/comm", dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	is = fgets(comm, sizeof(comm), f) && !strncmp(comm, name, strlen(name));
	fclose(f);
	return is;
}

/* The threads that were not there the last time: to look at all takes too long. */
static void find_threads(struct crew *crew, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int pid, newest = crew->newest;
	char dir[32];

	ASSERT_TRUE(proc);
	while ((entry = readdir(proc))) {
		pid = atoi(entry->d_name);
		if (pid <= crew->newest)
			continue;
		newest = pid > newest ? pid : newest;
		snprintf(dir, sizeof(dir), "/proc/%d", pid);
		if (is_named(dir, name))
			add_task(crew, dir);
	}
	closedir(proc);
	crew->newest = newest;
}

static void find(enum fault_who who)
{
	struct crew *crew = &crews[who];

	if (who == FAULT_WORKER)
		find_threads(crew, "kvblk/");
	else if (who == FAULT_KWORKERS)
		find_threads(crew, "kworker/u");
	else if (!crew->nr)
		add_task(crew, "/proc/thread-self");
}

void fault_init(void)
{
	enum fault_kind kind;

	for (kind = 0; kind < FAULT_KINDS; kind++) {
		put_attr(kind, "probability", "0");
		put_attr(kind, "verbose", "0");
		left[kind] = times_left(kind);
		/* Whoever set it before may want to know how many failed in all. */
		if (left[kind] >= TIMES / 2)
			continue;
		put_attr(kind, "times", TIMES_TEXT);
		left[kind] = TIMES;
	}
	put_attr(FAULT_SLAB, "ignore-gfp-wait", "N");
	put_attr(FAULT_PAGE, "ignore-gfp-wait", "N");
	put_attr(FAULT_PAGE, "ignore-gfp-highmem", "N");
	put_attr(FAULT_PAGE, "min-order", "0");
}

void fault_arm(enum fault_who who, unsigned int n)
{
	struct crew *crew = &crews[who];
	unsigned int i;

	find(who);
	ASSERT_GE(crew->nr, 1);
	/* Who has ended cannot be set, and will not fail. */
	for (i = 0; i < crew->nr; i++)
		set_nth(crew->fd[i], n);
	armed = crew;
}

/* Takes note of what failed. */
static enum fault_kind take_failed(void)
{
	enum fault_kind kind, failed = FAULT_NONE;
	unsigned int now;

	for (kind = 0; kind < FAULT_KINDS; kind++) {
		now = times_left(kind);
		if (now != left[kind])
			failed = kind;
		left[kind] = now;
	}
	return failed;
}

enum fault_kind fault_disarm(void)
{
	enum fault_kind kind;
	bool late = false;
	unsigned int i;

	for (i = 0; i < armed->nr; i++) {
		/* What failed is the copy of this number, nothing before it. */
		if (!set_nth(armed->fd[i], 0) && errno != ESRCH)
			late = true;
	}
	kind = take_failed();
	if (late)
		return FAULT_NONE;
	if (kind != FAULT_NONE)
		injected[kind]++;
	return kind;
}

/* ---- sweeping ---- */

static bool may_fail(enum fault_kind kind, int err)
{
	return err == -ENOMEM || (kind == FAULT_COPY && err == -EFAULT);
}

static void maybe(void (*step)(void))
{
	if (step)
		step();
}

/* @op failed. */
static void judge(const struct fault_op *op, unsigned int n,
		  enum fault_kind kind, int ret)
{
	bool (*allowed)(enum fault_kind kind, int err) = op->may_fail ?: may_fail;

	if (kind == FAULT_NONE)
		FAIL("%s: error %d, and nothing had failed", op->name, ret);
	else if (!allowed(kind, ret))
		FAIL("%s: %d, when the %u-th allocation failed (%s)", op->name,
		     ret, n, attrs[kind]);
}

void fault_sweep(const struct fault_op *op)
{
	struct snapshot snap;
	enum fault_kind kind;
	unsigned int n = 0;
	int ret;

	do {
		ASSERT_LE(++n, N_MAX);
		maybe(op->before);
		if (op->disk)
			snapshot_take(&snap, op->disk, op->page);
		fault_arm(op->who, n);
		ret = op->run();
		kind = fault_disarm();
		if (ret)
			judge(op, n, kind, ret);
		if (ret && op->disk)
			snapshot_expect(&snap);
		maybe(ret ? op->failed : op->undo);
		maybe(op->after);
	} while (kind != FAULT_NONE);
	harness_note("%s: %u failures", op->name, n - 1);
}

void fault_report(void)
{
	harness_note("%u failures injected: %u slab, %u pages, %u copies",
		     injected[FAULT_SLAB] + injected[FAULT_PAGE] +
		     injected[FAULT_COPY], injected[FAULT_SLAB],
		     injected[FAULT_PAGE], injected[FAULT_COPY]);
}
