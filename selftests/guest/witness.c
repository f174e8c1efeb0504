// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "load.h"
#include "witness.h"

#define LOAD_SIZE	(4 * MIB)
#define PROGRESS	50	/* requests or calls that are progress */

static struct disk other;
static char watched[KVBLK_NAME_LEN];
static pid_t load;
static pthread_t caller;
static atomic_bool stop;
static atomic_ullong calls;
static atomic_ullong longest;

void witness_took(const char *what, uint64_t ns)
{
	if (ns >= CALL_SECONDS * NSEC_PER_SEC)
		FAIL("%s took %llu ms", what, (unsigned long long)ns / 1000000);
}

static void ask(const char *name)
{
	uint64_t start = now_ns();
	uint64_t took;

	disk_stats(name);
	disk_count();
	ASSERT_EQ(disk_limit(name, KVBLK_LIMIT_OPS, KVBLK_RATE_MAX, 0), 0);
	took = now_ns() - start;
	witness_took("query, list and set", took);
	if (took > atomic_load(&longest))
		atomic_store(&longest, took);
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

void witness_start(const struct disk *disk)
{
	memcpy(watched, disk->name, sizeof(watched));
	disk_make(&other, LOAD_SIZE, 0);
	load = fork();
	ASSERT_GE(load, 0);
	if (!load)
		load_run(other.name);
	ASSERT_EQ(pthread_create(&caller, NULL, call_loop, NULL), 0);
	witness_check();
}

void witness_check(void)
{
	uint64_t requests = disk_stats(other.name).requests + PROGRESS;
	uint64_t enough = atomic_load(&calls) + PROGRESS;

	ASSERT_TRUE(WAIT_FOR(disk_stats(other.name).requests >= requests));
	ASSERT_TRUE(WAIT_FOR(atomic_load(&calls) >= enough));
}

void witness_stop(void)
{
	int status;

	atomic_store(&stop, true);
	pthread_join(caller, NULL);
	kill(load, SIGKILL);
	ASSERT_EQ(wait_child(load, WAIT_SECONDS, &status), 0);
	ASSERT_TRUE(WAIT_FOR(!disk_remove(other.name)));
	close(other.fd);
	harness_note("longest query, list and set: %llu us",
		     atomic_load(&longest) / 1000);
}
