/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that look random and are the same in every run (xorshift64*). */
#ifndef KVBLK_TESTS_PRNG_H
#define KVBLK_TESTS_PRNG_H

#include <linux/types.h>

struct prng {
	u64 state;	/* the seed, not 0 */
};

static inline u64 prng_next(struct prng *p)
{
	p->state ^= p->state >> 12;
	p->state ^= p->state << 25;
	p->state ^= p->state >> 27;
	return p->state * 0x2545f4914f6cdd1dULL;
}

/* From 0 to @n - 1; @n is not 0. */
static inline u32 prng_below(struct prng *p, u32 n)
{
	return (u32)(prng_next(p) >> 32) % n;
}

#endif /* KVBLK_TESTS_PRNG_H */
