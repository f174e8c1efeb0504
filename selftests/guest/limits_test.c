// SPDX-License-Identifier: GPL-2.0
/* Which limits KVBLK_ADD and KVBLK_SET refuse and why. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "contract.h"
#include "disk.h"
#include "harness.h"

#define SIZE	(1 * MIB)

static struct disk disk;

/* Which limit, which of its two fields, and why. */
static const struct {
	struct kvblk_limit limit;
	const char *why;
} bad_limits[] = {
	{ { 0, 1 }, "burst: 1 without a rate" },
	{ { 0, ~0ULL }, "burst: 18446744073709551615 without a rate" },
	{ { 10, 9 }, "burst: 9 is below the rate 10" },
	{ { KVBLK_RATE_MAX + 1, 0 }, "rate: 1099511627777 is above 1099511627776" },
	{ { ~0ULL, 0 }, "rate: 18446744073709551615 is above 1099511627776" },
	{ { 1, KVBLK_BURST_SECONDS_MAX + 1 },
	  "burst: 3601 is more than 3600 seconds of the rate 1" },
	{ { 2, ~0ULL }, "burst: 18446744073709551615 is more than 3600 seconds" },
};

static const char *const limit_names[KVBLK_LIMIT_NR] = {
	[KVBLK_LIMIT_OPS]		= "ops",
	[KVBLK_LIMIT_OPS_READ]		= "ops_read",
	[KVBLK_LIMIT_OPS_WRITE]		= "ops_write",
	[KVBLK_LIMIT_BYTES]		= "bytes",
	[KVBLK_LIMIT_BYTES_READ]	= "bytes_read",
	[KVBLK_LIMIT_BYTES_WRITE]	= "bytes_write",
};

static const struct kvblk_limit good_limits[] = {
	{ 0, 0 }, { 1, 0 }, { 10, 10 }, { KVBLK_RATE_MAX, 0 },
	{ 1, KVBLK_BURST_SECONDS_MAX },
	{ KVBLK_RATE_MAX, KVBLK_RATE_MAX * KVBLK_BURST_SECONDS_MAX },
};

#define BAD	(sizeof(bad_limits) / sizeof(bad_limits[0]))
#define GOOD	(sizeof(good_limits) / sizeof(good_limits[0]))

static void limit_message(char *text, unsigned int len, unsigned int id, unsigned int bad)
{
	snprintf(text, len, "limits[%s].%s", limit_names[id], bad_limits[bad].why);
}

TEST(add_limits)
{
	int control = disk_control_fd();
	struct kvblk_add add;
	unsigned int i, n, disks;
	char text[96];

	disk_make(&disk, SIZE, 0);
	disks = disk_count();
	for (n = 0; n < KVBLK_LIMIT_NR; n++) {
		for (i = 0; i < BAD; i++) {
			disk_add_init(&add, disk.fd);
			add.limits[n] = bad_limits[i].limit;
			limit_message(text, sizeof(text), n, i);
			contract_refuse(control, KVBLK_ADD, &add, -EINVAL, text);
		}
		EXPECT_EQ(disk_count(), disks + n * GOOD);
		for (i = 0; i < GOOD; i++) {
			disk_add_init(&add, disk.fd);
			add.limits[n] = good_limits[i];
			EXPECT_EQ(call(control, KVBLK_ADD, &add), 0);
		}
	}
}

/* The same for a disk that has limits: they stay as they are. */
TEST(set_limits)
{
	struct kvblk_set set = { .hdr.size = sizeof(set) };
	int control = disk_control_fd();
	struct kvblk_query q;
	unsigned int i, n;
	char text[96];

	disk_make(&disk, SIZE, 0);
	memcpy(set.name, disk.name, sizeof(set.name));
	set.limit_mask = (1U << KVBLK_LIMIT_NR) - 1;
	for (n = 0; n < KVBLK_LIMIT_NR; n++)
		ASSERT_EQ(disk_limit(disk.name, n, 100 + n, 200 + n), 0);
	for (n = 0; n < KVBLK_LIMIT_NR; n++) {
		memset(set.limits, 0, sizeof(set.limits));
		for (i = 0; i < BAD; i++) {
			set.limits[n] = bad_limits[i].limit;
			limit_message(text, sizeof(text), n, i);
			contract_refuse(control, KVBLK_SET, &set, -EINVAL, text);
		}
	}
	disk_query(disk.name, &q);
	for (n = 0; n < KVBLK_LIMIT_NR; n++) {
		EXPECT_EQ(q.limits[n].rate, 100 + n);
		EXPECT_EQ(q.limits[n].burst, 200 + n);
	}
}
