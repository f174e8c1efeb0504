// SPDX-License-Identifier: GPL-2.0
/* Runs the tests of a program one by one and prints TAP. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include "harness.h"

#define REAP_SECONDS	10	/* a killed process must be gone by then */
#define NAME_LEN	96

/* Shared by the runner, the test and all that the test forks. */
struct verdict {
	unsigned int failed;
	bool skipped;
	char why[160];
};

static struct test *tests;
static struct test **tests_tail = &tests;
static void (*after_fn)(void);
static struct verdict *verdict;
static unsigned int variant;
static uint32_t random_state;

void harness_add(struct test *t)
{
	*tests_tail = t;
	tests_tail = &t->next;
}

void harness_after(void (*fn)(void))
{
	after_fn = fn;
}

unsigned int harness_variant(void)
{
	return variant;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

uint32_t random_u32(void)
{
	uint32_t x = random_state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	random_state = x;
	return x;
}

static noreturn void leave(int code)
{
	fflush(stdout);
	_exit(code);
}

void harness_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

void harness_progress(uint64_t done, uint64_t goal)
{
	static uint64_t last;
	uint64_t now = now_ns();

	if (!last)
		last = now;
	if (now - last < PROGRESS_SECONDS * NSEC_PER_SEC)
		return;
	last = now;
	harness_note("%llu of %llu (%llu %%)", (unsigned long long)done,
		     (unsigned long long)goal,
		     (unsigned long long)(goal ? 100 * done / goal : 100));
}

void harness_fail(bool fatal, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# %s:%d: ", file, line);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	__atomic_add_fetch(&verdict->failed, 1, __ATOMIC_RELAXED);
	if (fatal)
		leave(1);
}

noreturn void harness_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(verdict->why, sizeof(verdict->why), fmt, ap);
	va_end(ap);
	verdict->skipped = true;
	leave(0);
}

int wait_child(pid_t pid, unsigned int seconds, int *status)
{
	uint64_t end = now_ns() + seconds * NSEC_PER_SEC;
	pid_t got;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (now_ns() >= end)
			return -ETIMEDOUT;
		usleep(500);
	}
}

static void judge_exit(int status)
{
	if (WIFSIGNALED(status))
		FAIL("killed by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) && !verdict->failed)
		FAIL("exit status %d", WEXITSTATUS(status));
}

/* Also ends what @fn forked and left behind: all of it is in one group. */
static void run_in_child(void (*fn)(void), unsigned int seconds)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		FAIL("fork: %s", strerror(errno));
		return;
	}
	if (!pid) {
		setpgid(0, 0);
		fn();
		leave(0);
	}
	setpgid(pid, pid);
	if (!wait_child(pid, seconds, &status)) {
		judge_exit(status);
		kill(-pid, SIGKILL);
		return;
	}
	FAIL("hung for %u s", seconds);
	kill(-pid, SIGKILL);
	if (wait_child(pid, REAP_SECONDS, &status))
		FAIL("cannot be killed");
}

static bool run_test(unsigned int number, const char *name,
		     const struct test *t)
{
	memset(verdict, 0, sizeof(*verdict));
	random_state = 2463534242U;
	run_in_child(t->run, t->seconds);
	if (after_fn)
		run_in_child(after_fn, TEST_SECONDS);
	if (verdict->failed)
		printf("not ok %u %s\n", number, name);
	else if (verdict->skipped)
		printf("ok %u %s # SKIP %s\n", number, name, verdict->why);
	else
		printf("ok %u %s\n", number, name);
	return !verdict->failed;
}

static bool selected(const char *name, char **filter)
{
	if (!*filter)
		return true;
	for (; *filter; filter++) {
		if (strstr(name, *filter))
			return true;
	}
	return false;
}

typedef bool visit_fn(unsigned int number, const char *name,
		      const struct test *t);

/* Calls @visit for every selected test and variant; how many it refused. */
static unsigned int visit_tests(char **filter, visit_fn *visit,
				unsigned int *count)
{
	static const char *const once[] = { "", NULL };
	const char *const *v;
	char name[NAME_LEN];
	unsigned int bad = 0;
	struct test *t;

	*count = 0;
	for (t = tests; t; t = t->next) {
		for (v = t->variants ?: once; *v; v++) {
			snprintf(name, sizeof(name), "%s%s%s", t->name,
				 **v ? "." : "", *v);
			if (!selected(name, filter))
				continue;
			variant = v - (t->variants ?: once);
			bad += !visit(++*count, name, t);
		}
	}
	return bad;
}

static bool count_test(unsigned int number, const char *name,
		       const struct test *t)
{
	(void)number;
	(void)name;
	(void)t;
	return true;
}

static bool list_test(unsigned int number, const char *name,
		      const struct test *t)
{
	(void)number;
	(void)t;
	printf("%s\n", name);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int count, failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "-l"))
		return visit_tests(argv + 2, list_test, &count);

	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	visit_tests(argv + 1, count_test, &count);
	printf("TAP version 13\n1..%u\n", count);
	failed = visit_tests(argv + 1, run_test, &count);
	printf("# %u passed, %u failed\n", count - failed, failed);
	return failed || !count;
}
