/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzz targets share: the input as a stream of decisions, and checks. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

struct input {
	const u8 *data;
	size_t left;
};

/* Little-endian; behind its end the input is zero. */
static inline u64 input_bytes(struct input *in, unsigned int bytes)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < bytes && in->left; i++, in->left--)
		value |= (u64)*in->data++ << (8 * i);
	return value;
}

static inline u8 input_u8(struct input *in)
{
	return input_bytes(in, 1);
}

static inline u16 input_u16(struct input *in)
{
	return input_bytes(in, 2);
}

static inline u32 input_u32(struct input *in)
{
	return input_bytes(in, 4);
}

static inline u64 input_u64(struct input *in)
{
	return input_bytes(in, 8);
}

/* Memory of just this size: the sanitizer sees the first byte beyond it. */
static inline void *fuzz_alloc(size_t size)
{
	void *p = calloc(1, size ?: 1);

	if (!p)
		abort();
	return p;
}

/* What must hold, with the numbers that tell why it does not. */
#define CHECK(cond, fmt, ...) do {					\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: %s does not hold: " fmt "\n",	\
			__FILE__, __LINE__, #cond, ##__VA_ARGS__);	\
		abort();						\
	}								\
} while (0)

/* A target: runs the input from start to end and returns 0. */
int fuzz_one_input(const u8 *data, size_t size);

#endif /* FUZZ_INPUT_H */
