/* SPDX-License-Identifier: GPL-2.0 */
/* Recognisable data: every eight bytes depend on a seed and their position. */
#ifndef KVBLK_TEST_PATTERN_H
#define KVBLK_TEST_PATTERN_H

#include <stddef.h>
#include <stdint.h>

void pattern_fill(void *buf, size_t len, uint32_t seed);

/* Offset of the first byte that is wrong, or @len. */
size_t pattern_check(const void *buf, size_t len, uint32_t seed);

/* Offset of the first byte that is not @value, or @len. */
size_t pattern_check_byte(const void *buf, size_t len, uint8_t value);

#endif /* KVBLK_TEST_PATTERN_H */
