// SPDX-License-Identifier: GPL-2.0
/*
 * Trace events, compared with counters: one for every step that is counted, and no other. Only
 * the lines of the test's own disk count: others may be at work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include "backing.h"
#include "driver.h"
#include "harness.h"
#include "latency.h"

#define SIZE		(4 * MIB)
#define LEN		4096
#define DEPTH		16
#define TRACEFS		"/sys/kernel/tracing"
#define ROUNDS		10

static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];

static void trace_write(const char *file, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), TRACEFS "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		DIE("%s: %s", path, strerror(errno));
	ASSERT_EQ(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static bool trace_there(void)
{
	return !access(TRACEFS "/events/kvblk/enable", F_OK);
}

static void trace_begin(void)
{
	if (!trace_there())
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (!trace_there())
		SKIP("no trace events at " TRACEFS);
	trace_write("buffer_size_kb", "4096");
	/* Names of threads would have the scheduler traced, too, and patched for that. */
	trace_write("options/record-cmd", "0");
	trace_write("events/kvblk/enable", "1");
	trace_write("trace", "");
}

/* The process ends with the test, not the trace. */
static void trace_end(void)
{
	if (trace_there())
		trace_write("events/kvblk/enable", "0");
}

static void __attribute__((constructor)) end_after_every_test(void)
{
	harness_after(trace_end);
}

static const char *field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? at + strlen(name) : NULL;
}

/*
 * Lines of the event that have @with in them. With @sum the values of that field are added up
 * instead.
 */
static uint64_t events(const char *event, const char *with, const char *sum)
{
	char line[512], word[64], name[64];
	uint64_t total = 0;
	FILE *file = fopen(TRACEFS "/trace", "r");

	ASSERT_TRUE(file);
	snprintf(word, sizeof(word), " kvblk_%s: ", event);
	snprintf(name, sizeof(name), "disk=%s ", disk.name);
	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, word) || !strstr(line, name) || !strstr(line, with))
			continue;
		total += sum ? strtoull(field(line, sum) ?: "0", NULL, 10) : 1;
	}
	fclose(file);
	return total;
}

static uint64_t count(const char *event, const char *with)
{
	return events(event, with, NULL);
}

static void open_driver(void)
{
	driver_open(&d, disk.name, NULL);
	driver_requests(&d, rq, DEPTH, VIRTIO_BLK_T_IN, LEN);
}

static void do_all(uint32_t type)
{
	unsigned int i, done = 0;

	for (i = 0; i < DEPTH; i++) {
		rq[i].type = type;
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
	while (done < DEPTH) {
		ASSERT_EQ(driver_wait(&d), 0);
		while (driver_reap(&d))
			done++;
	}
}

static void do_others(void)
{
	uint64_t gpa = rq[0].seg[0].gpa;

	ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_GET_ID, 0, gpa, 20), VIRTIO_BLK_S_OK);
	ASSERT_EQ(driver_io(&d, 99, 0, gpa, 512), VIRTIO_BLK_S_UNSUPP);
	ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_IN, ~0ULL, gpa, 512), VIRTIO_BLK_S_IOERR);
}

static void expect_counters(const struct kvblk_stats *s)
{
	uint64_t refused = s->unsupported + s->io_errors;

	EXPECT_EQ(count("kick", ""), s->kicks);
	EXPECT_EQ(count("pop", ""), s->requests);
	EXPECT_EQ(count("submit", ""), s->requests);
	EXPECT_EQ(count("complete", ""), s->requests);
	EXPECT_EQ(count("stall", ""), s->throttled);
	EXPECT_EQ(count("defer", ""), s->deferred);
	EXPECT_EQ(count("publish", "interrupt=1"), s->interrupts);
	EXPECT_EQ(count("publish", "interrupt=0"), s->interrupts_suppressed);
	EXPECT_EQ(events("publish", "", "count="), s->requests);
	EXPECT_EQ(count("complete", "op=read "), s->reads_completed);
	EXPECT_EQ(count("complete", "op=write "), s->writes_completed);
	EXPECT_EQ(count("complete", "op=flush "), s->flushes_completed);
	EXPECT_EQ(count("complete", "op=get-id "), s->get_ids);
	EXPECT_EQ(count("complete", "op=none "), refused);
	EXPECT_EQ(count("complete", "status=2"), s->unsupported);
	EXPECT_EQ(count("complete", "status=1"), s->io_errors);
	EXPECT_EQ(events("submit", "op=read ", "len="), s->bytes_read);
	EXPECT_EQ(events("submit", "op=write ", "len="), s->bytes_written);
	EXPECT_EQ(count("broken", ""), s->ring_errors);
	EXPECT_EQ(count("lost", "kick"), s->lost_kicks);
	EXPECT_EQ(count("lost", "interrupt"), s->lost_interrupts);
}

/* Each answer is traced before the driver sees it; what is counted behind that comes soon. */
static struct kvblk_stats settled(void)
{
	struct kvblk_stats s = disk_stats(disk.name);

	ASSERT_TRUE(WAIT_FOR(latency_answered(disk.name) == s.requests));
	return disk_stats(disk.name);
}

TEST_EACH(every_step, backing_variants)
{
	struct kvblk_stats s;
	unsigned int i;

	backing_disk(&disk, SIZE, 0);
	trace_begin();
	open_driver();
	for (i = 0; i < ROUNDS; i++) {
		do_all(VIRTIO_BLK_T_OUT);
		do_all(VIRTIO_BLK_T_IN);
		do_others();
	}
	s = settled();
	ASSERT_EQ(s.requests, ROUNDS * (2 * DEPTH + 4));
	expect_counters(&s);
	EXPECT_EQ(count("complete", " head=0 "), count("pop", " head=0 "));
	EXPECT_EQ(count("reset", ""), 0);
	driver_reset(&d);
	EXPECT_EQ(count("reset", "queue=0"), 1);
}

TEST(stall)
{
	struct kvblk_stats s;

	disk_make(&disk, SIZE, 0);
	trace_begin();
	open_driver();
	ASSERT_EQ(disk_limit(disk.name, KVBLK_LIMIT_OPS, 200, 200), 0);
	for (s.requests = 0; s.requests < 240; s.requests += DEPTH)
		do_all(VIRTIO_BLK_T_IN);
	s = settled();
	EXPECT_GE(s.throttled, 1);
	expect_counters(&s);
}

TEST(broken)
{
	struct kvblk_stats s;

	disk_make(&disk, SIZE, 0);
	trace_begin();
	open_driver();
	d.r.avail->idx = d.r.avail_idx + d.r.num + 1;
	driver_kick(&d);
	ASSERT_TRUE(WAIT_FOR(driver_status(&d) & STATUS_BROKEN));
	driver_kick(&d);
	s = disk_stats(disk.name);
	EXPECT_EQ(s.ring_errors, 1);
	EXPECT_EQ(count("broken", " the available index is too far ahead"), 1);
	EXPECT_EQ(count("broken", ""), 1);
	EXPECT_EQ(count("kick", ""), 2);
}

/*
 * A chain that nobody kicks for is found, and told as often as it is counted. A worker that is
 * still up from the last one takes it in passing: then again.
 */
TEST(lost_kick)
{
	struct kvblk_stats s;
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	trace_begin();
	open_driver();
	do_all(VIRTIO_BLK_T_IN);
	rq[0].type = VIRTIO_BLK_T_IN;
	for (i = 0, s.lost_kicks = 0; i < ROUNDS && !s.lost_kicks; i++) {
		ASSERT_TRUE(driver_queue(&d, &rq[0]));
		ring_publish(&d.r);
		ASSERT_EQ(driver_wait(&d), 0);
		ASSERT_TRUE(driver_reap(&d) == &rq[0]);
		s = settled();
	}
	EXPECT_GE(s.lost_kicks, 1);
	expect_counters(&s);
}

/* Nothing is written while nobody asks. */
TEST(off)
{
	disk_make(&disk, SIZE, 0);
	trace_begin();
	trace_write("events/kvblk/enable", "0");
	open_driver();
	do_all(VIRTIO_BLK_T_IN);
	EXPECT_EQ(count("pop", ""), 0);
	EXPECT_EQ(count("publish", ""), 0);
}
