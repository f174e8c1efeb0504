// SPDX-License-Identifier: GPL-2.0
/*
 * Virtio 1.2, 5.2.6.2: for a driver that was offered FLUSH and did not accept it, a
 * write is on stable storage when it completes.
 */
#include "backing.h"
#include "driver.h"
#include "harness.h"

#define SIZE	(8 * MIB)

static struct disk disk;
static struct driver d;

TEST_EACH(write_without_flush, backing_variants)
{
	struct backing_io before, after;

	backing_disk(&disk, SIZE, 0);
	driver_open(&d, disk.name, &(struct driver_config) {
		.no_flush = true,
	});
	ASSERT_EQ(fsync(disk.fd), 0);
	if (!backing_io(&disk, &before))
		SKIP("no block device with counters under the backing");
	ASSERT_EQ(driver_io(&d, VIRTIO_BLK_T_OUT, 0, MEMORY_HIGH, 65536),
		  VIRTIO_BLK_S_OK);
	ASSERT_TRUE(backing_io(&disk, &after));
	EXPECT_GE(after.sectors_written - before.sectors_written,
		  65536 / KVBLK_SECTOR_SIZE);
	EXPECT_GT(after.flushes, before.flushes);
}
