// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "disk.h"
#include "harness.h"
#include "snapshot.h"

static void look(struct kvblk_query *q, const char *disk)
{
	disk_query(disk, q);
	memset(&q->stats, 0, sizeof(q->stats));
}

void snapshot_take(struct snapshot *snap, const char *disk, const uint8_t *page)
{
	look(&snap->disk, disk);
	snap->disks = disk_count();
	snap->page = page;
	if (page)
		memcpy(snap->registers, page, KVBLK_PAGE_SIZE);
}

void snapshot_expect(const struct snapshot *snap)
{
	struct kvblk_query now;

	look(&now, snap->disk.name);
	EXPECT_TRUE(!memcmp(&now, &snap->disk, sizeof(now)));
	EXPECT_EQ(disk_count(), snap->disks);
	if (snap->page)
		EXPECT_TRUE(!memcmp(snap->page, snap->registers, KVBLK_PAGE_SIZE));
}
