// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "pattern.h"

/* Odd constant: neighbouring words and seeds differ in all their bytes. */
static uint64_t word(size_t index, uint32_t seed)
{
	return (index + 1 + ((uint64_t)seed << 32)) * 0x9e3779b97f4a7c15ULL;
}

void pattern_fill(void *buf, size_t len, uint32_t seed)
{
	uint8_t *p = buf;
	uint64_t w;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		w = word(i / sizeof(w), seed);
		n = len - i < sizeof(w) ? len - i : sizeof(w);
		memcpy(p + i, &w, n);
	}
}

static size_t first_difference(const uint8_t *p, const void *want, size_t n)
{
	const uint8_t *q = want;
	size_t i = 0;

	while (i < n && p[i] == q[i])
		i++;
	return i;
}

size_t pattern_check(const void *buf, size_t len, uint32_t seed)
{
	const uint8_t *p = buf;
	uint64_t w;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		w = word(i / sizeof(w), seed);
		n = len - i < sizeof(w) ? len - i : sizeof(w);
		if (memcmp(p + i, &w, n))
			return i + first_difference(p + i, &w, n);
	}
	return len;
}

size_t pattern_check_byte(const void *buf, size_t len, uint8_t value)
{
	const uint8_t *p = buf;
	size_t i = 0;

	while (i < len && p[i] == value)
		i++;
	return i;
}
