/* SPDX-License-Identifier: GPL-2.0 */
/* Words for the bits of the virtio device status and features. */
#ifndef KVBLKCTL_BITS_H
#define KVBLKCTL_BITS_H

#include <stdint.h>

/**
 * struct bit_name - Word for a bit
 * @bit: Its number.
 * @name: As in the virtio specification; NULL ends a table.
 */
struct bit_name {
	unsigned int bit;
	const char *name;
};

extern const struct bit_name status_bits[];
extern const struct bit_name feature_bits[];

/*
 * Call @each with the word for every bit of @value, from the lowest; "bit 7"
 * for one without.
 */
void spell_bits(uint64_t value, const struct bit_name *table,
		void (*each)(void *data, const char *name), void *data);

#endif /* KVBLKCTL_BITS_H */
