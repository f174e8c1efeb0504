/* SPDX-License-Identifier: GPL-2.0 */
/* What must not change when a call fails. */
#ifndef KVBLK_TEST_SNAPSHOT_H
#define KVBLK_TEST_SNAPSHOT_H

#include <stdint.h>
#include <linux/kvblk.h>

/* All that a query tells of @disk but counters, the number of disks, all registers. */
struct snapshot {
	struct kvblk_query disk;
	unsigned int disks;
	const uint8_t *page;
	uint8_t registers[KVBLK_PAGE_SIZE];
};

/* @page is the register page, or NULL. */
void snapshot_take(struct snapshot *snap, const char *disk, const uint8_t *page);

/* Nothing of it has changed since then. */
void snapshot_expect(const struct snapshot *snap);

#endif /* KVBLK_TEST_SNAPSHOT_H */
