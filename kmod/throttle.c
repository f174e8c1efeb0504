// SPDX-License-Identifier: GPL-2.0
/*
 * Token buckets in exact integer arithmetic.
 *
 * In one nanosecond a bucket earns @rate nanotokens (1e-9 token), hence a time
 * counted in 1/rate of a nanosecond and a balance counted in nanotokens are the
 * same number. It may have 82 bits; it is kept in two parts on either side:
 * nanoseconds and a rest below the rate, tokens and a rest below 1e9.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include "throttle.h"

#define NANO	1000000000U

/* Tokens, exactly; a debt is told by the caller. @nano is below 1e9. */
struct amount {
	u64 tokens;
	u32 nano;
};

static struct kvblk_span span_add(struct kvblk_span a, struct kvblk_span b,
				  u64 rate)
{
	a.ns += b.ns;
	a.frac += b.frac;
	if (a.frac >= rate) {
		a.frac -= rate;
		a.ns++;
	}
	return a;
}

static struct kvblk_span span_sub(struct kvblk_span a, struct kvblk_span b,
				  u64 rate)
{
	if (a.frac < b.frac) {
		a.frac += rate;
		a.ns--;
	}
	a.ns -= b.ns;
	a.frac -= b.frac;
	return a;
}

static bool span_before(struct kvblk_span a, struct kvblk_span b)
{
	return a.ns < b.ns || (a.ns == b.ns && a.frac < b.frac);
}

/* The first whole nanosecond that is not before @s. */
static s64 span_ceil(struct kvblk_span s)
{
	return s.ns + (s.frac ? 1 : 0);
}

/*
 * Time that earns @a. At most 2^32 seconds, which fits: a burst is 3600 seconds
 * and a debt is less than one request, below 2^32 tokens.
 */
static struct kvblk_span time_of(struct amount a, u64 rate)
{
	u64 seconds, rest, high, low;

	seconds = div64_u64_rem(a.tokens, rate, &rest);
	/* rest * 1e9 may have 70 bits: divide by digits of 15 bits. */
	low = rest * (NANO & 0x7fff) + a.nano;
	high = div64_u64_rem(rest * (NANO >> 15), rate, &rest);
	low = div64_u64_rem((rest << 15) + low, rate, &rest);
	return (struct kvblk_span){
		.ns = seconds * NANO + (high << 15) + low,
		.frac = rest,
	};
}

/* What @s earns; the inverse of time_of(). Same bounds. */
static struct amount amount_of(struct kvblk_span s, u64 rate)
{
	u64 seconds, ns, giga, rest;
	struct amount a;

	seconds = div64_u64_rem(s.ns, NANO, &ns);
	giga = div64_u64_rem(rate, NANO, &rest);
	a.tokens = div64_u64_rem(ns * rest + s.frac, NANO, &rest);
	a.tokens += seconds * rate + ns * giga;
	a.nano = rest;
	return a;
}

static struct kvblk_span instant(u64 now)
{
	return (struct kvblk_span){ .ns = now };
}

/*
 * What was earned beyond the burst is gone, but for the last nanosecond's: a request as
 * large as the burst could not have come before this one.
 */
static void bucket_settle(struct kvblk_bucket *b, u64 now)
{
	struct kvblk_span oldest = span_sub(instant(now), b->full, b->rate);
	struct kvblk_span cut = { .ns = oldest.ns - 1, .frac = oldest.frac };

	if (!span_before(cut, b->zero))
		b->zero = oldest;
}

/* A request above the burst only needs a balance that is no debt. */
static u64 bucket_wait(const struct kvblk_bucket *b, u32 tokens, u64 now)
{
	struct amount a = { .tokens = tokens };
	struct kvblk_span due = b->zero;
	s64 at;

	if (tokens <= b->burst)
		due = span_add(due, time_of(a, b->rate), b->rate);
	at = span_ceil(due);
	return at > (s64)now ? at - (s64)now : 0;
}

static void bucket_charge(struct kvblk_bucket *b, u32 tokens)
{
	struct amount a = { .tokens = tokens };

	b->zero = span_add(b->zero, time_of(a, b->rate), b->rate);
}

/* Balance of a settled bucket at @now. */
static struct amount bucket_balance(const struct kvblk_bucket *b, u64 now,
				    bool *debt)
{
	struct kvblk_span at = instant(now);

	*debt = span_before(at, b->zero);
	return amount_of(*debt ? span_sub(b->zero, at, b->rate) :
				 span_sub(at, b->zero, b->rate), b->rate);
}

static void bucket_fill(struct kvblk_bucket *b, u64 now)
{
	b->zero = span_sub(instant(now), b->full, b->rate);
}

/* @b holds nothing yet. Cut first: what exceeds the burst may not fit a time. */
static void bucket_grant(struct kvblk_bucket *b, struct amount a, bool debt,
			 u64 now)
{
	if (debt)
		b->zero = span_add(instant(now), time_of(a, b->rate), b->rate);
	else if (a.tokens >= b->burst)
		bucket_fill(b, now);
	else
		b->zero = span_sub(instant(now), time_of(a, b->rate), b->rate);
}

void kvblk_throttle_init(struct kvblk_throttle *t)
{
	memset(t, 0, sizeof(*t));
}

static bool any_limit(const struct kvblk_throttle *t)
{
	unsigned int id;

	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		if (t->bucket[id].rate)
			return true;
	return false;
}

void kvblk_throttle_set(struct kvblk_throttle *t, enum kvblk_bucket_id id,
			u64 rate, u64 burst, u64 now)
{
	struct kvblk_bucket new = { .rate = rate, .burst = burst };
	struct kvblk_bucket *b = &t->bucket[id];
	struct amount a;
	bool debt;

	if (rate) {
		a.tokens = burst;
		a.nano = 0;
		new.full = time_of(a, rate);
		bucket_fill(&new, now);
	}
	if (rate && b->rate) {
		bucket_settle(b, now);
		a = bucket_balance(b, now, &debt);
		bucket_grant(&new, a, debt, now);
	}
	*b = new;
	t->limited = any_limit(t);
}

static u32 tokens_for(enum kvblk_bucket_id id, bool read, bool write, u32 bytes)
{
	switch (id) {
	case KVBLK_BUCKET_OPS:
		return 1;
	case KVBLK_BUCKET_OPS_READ:
		return read;
	case KVBLK_BUCKET_OPS_WRITE:
		return write;
	case KVBLK_BUCKET_BYTES:
		return bytes;
	case KVBLK_BUCKET_BYTES_READ:
		return read ? bytes : 0;
	case KVBLK_BUCKET_BYTES_WRITE:
		return write ? bytes : 0;
	default:
		return 0;
	}
}

u64 kvblk_throttle_take(struct kvblk_throttle *t, bool read, bool write,
			u32 bytes, u64 now)
{
	u32 tokens[KVBLK_BUCKET_NR];
	unsigned int id;
	u64 wait = 0;

	if (!t->limited)
		return 0;
	for (id = 0; id < KVBLK_BUCKET_NR; id++) {
		struct kvblk_bucket *b = &t->bucket[id];

		tokens[id] = 0;
		if (!b->rate)
			continue;
		tokens[id] = tokens_for(id, read, write, bytes);
		if (!tokens[id])
			continue;
		bucket_settle(b, now);
		wait = max(wait, bucket_wait(b, tokens[id], now));
	}
	if (wait)
		return wait;
	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		if (tokens[id])
			bucket_charge(&t->bucket[id], tokens[id]);
	return 0;
}

s64 kvblk_throttle_balance(const struct kvblk_throttle *t,
			   enum kvblk_bucket_id id, u64 now)
{
	struct kvblk_bucket b = t->bucket[id];
	struct amount a;
	bool debt;

	if (!b.rate)
		return 0;
	bucket_settle(&b, now);
	a = bucket_balance(&b, now, &debt);
	return debt ? -(s64)(a.tokens + (a.nano ? 1 : 0)) : (s64)a.tokens;
}
