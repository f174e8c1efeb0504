// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "load.h"
#include "vdpa.h"
#include "witness.h"

#define LOAD_SIZE	(4 * MIB)
#define PROGRESS	50	/* calls that are progress */
#define PACE_REQUESTS	200	/* so many take as long as they did */

static const char *const kind_names[WITNESS_KINDS] = {
	[RESET] = "reset",
	[CLOSE] = "close",
	[KILL] = "kill",
	[REMOVE] = "remove",
	[UNLOAD] = "unload",
	[PAUSE] = "pause",
	[OPEN] = "open",
	[SET_UP] = "set-up",
	[QUERY] = "query",
	[LIST] = "list",
	[SET] = "set",
};

static struct disk other;
static char watched[KVBLK_NAME_LEN];
static pid_t load;
static pthread_t caller;
static atomic_bool stop;
static atomic_ullong calls;
static uint64_t pace;		/* ns for PACE_REQUESTS of the other disk */

/* Shared by all tests of the program and their children. */
static atomic_ullong *longest;

static void __attribute__((constructor)) longest_share(void)
{
	void *p = mmap(NULL, WITNESS_KINDS * sizeof(*longest), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	longest = p == MAP_FAILED ? NULL : p;
}

/* Only the runner returns from main(). */
static void __attribute__((destructor)) longest_report(void)
{
	unsigned int i;

	for (i = 0; longest && i < WITNESS_KINDS; i++) {
		if (longest[i])
			printf("# longest %s: %.1f ms\n", kind_names[i], longest[i] / 1e6);
	}
}

void witness_took(enum witness_kind kind, uint64_t ns)
{
	unsigned long long old = atomic_load(&longest[kind]);

	while (ns > old && !atomic_compare_exchange_weak(&longest[kind], &old, ns))
		;
	if (ns >= CALL_SECONDS * NSEC_PER_SEC)
		FAIL("%s took %llu ms", kind_names[kind], (unsigned long long)ns / 1000000);
}

static void ask(const char *name)
{
	BOUNDED(QUERY, (disk_stats(name), 0));
	BOUNDED(LIST, disk_count());
	ASSERT_EQ(BOUNDED(SET, disk_limit(name, KVBLK_LIMIT_OPS, KVBLK_RATE_MAX, 0)), 0);
	atomic_fetch_add(&calls, 3);
}

static void *call_loop(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop)) {
		ask(watched);
		ask(other.name);
		usleep(1000);
	}
	return NULL;
}

/* How long the other disk takes now for so many. */
static uint64_t measure_pace(void)
{
	uint64_t before = disk_stats(other.name).requests;
	uint64_t start = now_ns();

	ASSERT_TRUE(WAIT_FOR(disk_stats(other.name).requests - before >= PACE_REQUESTS));
	return now_ns() - start;
}

void witness_start(const struct disk *disk)
{
	memcpy(watched, disk->name, sizeof(watched));
	disk_make(&other, LOAD_SIZE, 0);
	load = fork();
	ASSERT_GE(load, 0);
	if (!load)
		load_run(other.name);
	ASSERT_EQ(pthread_create(&caller, NULL, call_loop, NULL), 0);
	ASSERT_TRUE(WAIT_FOR(disk_stats(other.name).requests > PACE_REQUESTS));
	pace = measure_pace();
	witness_check();
}

void witness_check(void)
{
	uint64_t enough = atomic_load(&calls) + PROGRESS;

	/* The best of many counts: what is slow for good never gets there. */
	ASSERT_TRUE(WAIT_FOR(measure_pace() <= 2 * pace));
	ASSERT_TRUE(WAIT_FOR(atomic_load(&calls) >= enough));
}

void witness_stop(void)
{
	int status;

	atomic_store(&stop, true);
	pthread_join(caller, NULL);
	kill(load, SIGKILL);
	ASSERT_EQ(wait_child(load, WAIT_SECONDS, &status), 0);
	if (vdpa_wanted())
		ASSERT_EQ(vdpa_remove(other.name), 0);
	ASSERT_TRUE(WAIT_FOR(!disk_remove(other.name)));
	close(other.fd);
}
