/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers that look random and are the same in every run (xorshift64*), one
 * sequence for each thread.
 */
#ifndef KVBLK_TEST_PRNG_H
#define KVBLK_TEST_PRNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct prng {
	uint64_t state;		/* the seed, not 0 */
};

static inline uint64_t prng_next(struct prng *p)
{
	p->state ^= p->state >> 12;
	p->state ^= p->state << 25;
	p->state ^= p->state >> 27;
	return p->state * 0x2545f4914f6cdd1dULL;
}

/* From 0 to @n - 1; @n is not 0. */
static inline uint32_t prng_below(struct prng *p, uint32_t n)
{
	return (uint32_t)(prng_next(p) >> 32) % n;
}

/* True once in @n times. */
static inline bool prng_once_in(struct prng *p, uint32_t n)
{
	return !prng_below(p, n);
}

#define PRNG_PICK(p, list) \
	((list)[prng_below(p, sizeof(list) / sizeof((list)[0]))])

/* How much of something a test does: from the environment, or @normal. */
static inline uint64_t torture_amount(const char *variable, uint64_t normal)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : normal;
}

#endif /* KVBLK_TEST_PRNG_H */
