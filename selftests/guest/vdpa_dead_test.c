// SPDX-License-Identifier: GPL-2.0
/*
 * Guest memory changes on the vDPA bus while the backing does not answer: the change takes
 * bounded time, the guest is told, and all works again when the backing does.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "dm.h"
#include "driver.h"
#include "vdpa.h"
#include "witness.h"

#define SIZE		(8 * MIB)
#define DEPTH		8
#define LEN		(64 * KIB)
#define BODY_SECONDS	60	/* below the harness's limit */

static struct dm dm;
static struct disk disk;
static struct driver d;
static struct request rq[DEPTH];

static void __attribute__((constructor)) use_vdpa(void)
{
	setenv("KVBLK_TEST_FRONT", "vdpa", 1);
}

static void make_disk(void)
{
	struct kvblk_add add;
	int fd = open(dm.path, O_RDWR | O_CLOEXEC);

	ASSERT_GE(fd, 0);
	disk_add_init(&add, fd);
	add.hdr.flags = KVBLK_DISK_DIRECT;
	disk_add(&disk, &add);
}

static void hang(void)
{
	unsigned int i;

	driver_open(&d, disk.name, NULL);
	dm_suspend(&dm);
	for (i = 0; i < DEPTH; i++) {
		rq[i].type = i % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
		rq[i].sector = i * (LEN / KVBLK_SECTOR_SIZE);
		rq[i].seg[0] = (struct seg) { MEMORY_SEAM + i * LEN, LEN };
		rq[i].nr = 1;
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	}
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(disk_stats(disk.name).in_flight == DEPTH));
}

static void change_memory(void)
{
	const struct region *mid = &d.m.region[1];

	ASSERT_EQ(BOUNDED(SET_UP, vdpa_unmap(d.s.fd, mid->gpa, mid->size)), 0);
	ASSERT_EQ(BOUNDED(SET_UP, vdpa_map(d.s.fd, mid->gpa, mid->size, mid->addr)), 0);
}

/* What the guest sees before the backing is back is no lie, and no end. */
static void change_under_dead_disk(void)
{
	make_disk();
	witness_start(&disk);
	hang();
	change_memory();
	EXPECT_TRUE(driver_status(&d) & STATUS_BROKEN);
	EXPECT_EQ(disk_stats(disk.name).in_flight, DEPTH);
	witness_check();
	dm_resume(&dm);
	ASSERT_TRUE(WAIT_FOR(!disk_stats(disk.name).in_flight));
	driver_restart(&d);
	driver_prove(&d, 0, 1);
	witness_stop();
	driver_close(&d);
}

TEST(memory_changes_under_a_dead_disk)
{
	if (access("/sys/bus/vdpa/devices", F_OK))
		SKIP("kvblk_vdpa is not loaded");
	dm_with(&dm, SIZE, BODY_SECONDS, change_under_dead_disk);
}
