// SPDX-License-Identifier: GPL-2.0
/* Words for the bits of the virtio device status and features. */
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdio.h>

#include "bits.h"

const struct bit_name status_bits[] = {
	{ 0, "ACKNOWLEDGE" },
	{ 1, "DRIVER" },
	{ 2, "DRIVER_OK" },
	{ 3, "FEATURES_OK" },
	{ 6, "NEEDS_RESET" },
	{ 7, "FAILED" },
	{},
};

const struct bit_name feature_bits[] = {
	{ VIRTIO_BLK_F_SIZE_MAX, "SIZE_MAX" },
	{ VIRTIO_BLK_F_SEG_MAX, "SEG_MAX" },
	{ VIRTIO_BLK_F_RO, "RO" },
	{ VIRTIO_BLK_F_BLK_SIZE, "BLK_SIZE" },
	{ VIRTIO_BLK_F_FLUSH, "FLUSH" },
	{ VIRTIO_BLK_F_MQ, "MQ" },
	{ VIRTIO_RING_F_INDIRECT_DESC, "RING_INDIRECT_DESC" },
	{ VIRTIO_RING_F_EVENT_IDX, "RING_EVENT_IDX" },
	{ VIRTIO_F_VERSION_1, "VERSION_1" },
	{},
};

static const char *find_name(unsigned int bit, const struct bit_name *table)
{
	for (; table->name; table++)
		if (table->bit == bit)
			return table->name;
	return NULL;
}

void spell_bits(uint64_t value, const struct bit_name *table,
		void (*each)(void *data, const char *name), void *data)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		const char *name = find_name(bit, table);
		char number[16];

		if (!(value >> bit & 1))
			continue;
		snprintf(number, sizeof(number), "bit %u", bit);
		each(data, name ? name : number);
	}
}
