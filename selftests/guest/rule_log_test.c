// SPDX-License-Identifier: GPL-2.0
/* What a guest leaves in the host's log: enough to help, too little to harm. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define REFUSALS	5000
#define BREAKS		100

/* Of one disk; a window may end and the next begin at once. */
#define LINES_PER_WINDOW	10
#define WINDOW_NS		(5 * NSEC_PER_SEC)

static struct disk disk;
static struct driver d;
static int kmsg = -1;

static void setup(void)
{
	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, NULL);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kmsg < 0)
		SKIP("/dev/kmsg: %s", strerror(errno));
	lseek(kmsg, 0, SEEK_END);
}

/* The next line about the disk since setup(); false: there is none. */
static bool next_line(char *line, size_t size)
{
	char about[64];
	ssize_t n;

	snprintf(about, sizeof(about), "kvblk: %s: ", disk.name);
	for (;;) {
		n = read(kmsg, line, size - 1);
		/* EPIPE: others were faster than we and some lines are gone. */
		if (n < 0 && errno != EPIPE)
			return false;
		if (n < 0)
			continue;
		line[n] = '\0';
		if (strstr(line, about))
			return true;
	}
}

static void expect_line(const char *text)
{
	char line[1024];

	if (!next_line(line, sizeof(line)))
		FAIL("nothing is said of \"%s\"", text);
	else if (!strstr(line, text))
		FAIL("\"%s\" is not in: %s", text, line);
}

/* Which register, which value, in which state; why a ring is not used any more. */
TEST(reasons)
{
	setup();
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_ACK);
	expect_line("0x1 to register 0x70, status 0xf");
	session_write(&d.s, VIRTIO_MMIO_QUEUE_NUM, 0x10100);
	expect_line("0x10100 to register 0x38, status 0xf");
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	d.r.avail_idx += d.r.num + 1;
	driver_flush(&d);
	EXPECT_EQ(driver_wait(&d), -EIO);
	expect_line("available index is too far ahead");
	session_write(&d.s, VIRTIO_MMIO_STATUS,
		      driver_status(&d) | STATUS_FAILED);
	expect_line("the driver gave up");
}

/* Writing what is set already, or to the configuration space, is no offence. */
TEST(silence)
{
	char line[1024];

	setup();
	session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_RUNNING);
	session_write(&d.s, VIRTIO_MMIO_CONFIG, 1);
	session_write(&d.s, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	driver_prove(&d, 0, 1);
	driver_restart(&d);
	if (next_line(line, sizeof(line)))
		FAIL("a good driver is complained of: %s", line);
}

static void refuse(void)
{
	unsigned int i;

	for (i = 0; i < REFUSALS; i++)
		session_write(&d.s, VIRTIO_MMIO_STATUS, STATUS_ACK);
}

static void break_rings(void)
{
	unsigned int i;

	for (i = 0; i < BREAKS; i++) {
		d.r.avail_idx += d.r.num + 1;
		driver_flush(&d);
		ASSERT_EQ(driver_wait(&d), -EIO);
		driver_restart(&d);
	}
	EXPECT_EQ(disk_stats(disk.name).ring_errors, BREAKS);
}

static void (*const floods[])(void) = { refuse, break_rings };
static const char *const flood_variants[] = { "refusals", "rings", NULL };

TEST_EACH(flood, flood_variants)
{
	uint64_t start, windows;
	unsigned int lines = 0;
	char line[1024];

	setup();
	start = now_ns();
	floods[harness_variant()]();
	windows = (now_ns() - start) / WINDOW_NS + 2;
	while (next_line(line, sizeof(line)))
		lines++;
	EXPECT_GE(lines, 1);
	EXPECT_LE(lines, LINES_PER_WINDOW * windows);
}
