// SPDX-License-Identifier: GPL-2.0
/*
 * Random limits, requests and times against a model that keeps each balance as
 * one 128-bit number of nanotokens, which no operation rounds.
 *
 * Input: the first instant, then steps: what, how much, how much later.
 */
#include "input.h"
#include "throttle.h"

#define NANO		1000000000LL
#define RATE_MAX	(1ULL << 40)
#define HOUR		3600
/* Leaves room for the longest debt, 2^32 seconds, in signed nanoseconds. */
#define TIME_MAX	(1ULL << 62)
#define STEPS_MAX	256

struct model_bucket {
	u64 rate;
	u64 burst;
	__int128 balance;	/* nanotokens at @at */
	u64 at;
	__int128 allowed;	/* nanotokens since the limit was set ... */
	__int128 granted;	/* ... what was taken of them ... */
	__int128 largest;	/* ... and by the largest request */
};

struct world {
	struct kvblk_throttle t;
	struct model_bucket model[KVBLK_BUCKET_NR];
	u64 now;
	u64 last_wait;
};

static void model_settle(struct model_bucket *b, u64 now)
{
	__int128 full = (__int128)b->burst * NANO;
	__int128 earned = (__int128)(now - b->at) * b->rate;

	b->allowed += earned;
	b->balance += earned;
	/* The clock is no finer: what the last nanosecond earned is kept. */
	if (b->balance - full >= b->rate)
		b->balance = full;
	b->at = now;
}

static void model_set(struct model_bucket *b, u64 rate, u64 burst, u64 now)
{
	__int128 full = (__int128)burst * NANO;
	bool had_limit = b->rate;

	model_settle(b, now);
	if (!had_limit || b->balance > full)
		b->balance = full;
	b->rate = rate;
	b->burst = burst;
	b->allowed = b->balance;
	b->granted = 0;
	b->largest = 0;
}

static u32 model_tokens(unsigned int id, bool read, bool write, u32 bytes)
{
	u32 tokens = id < KVBLK_BUCKET_BYTES ? 1 : bytes;

	switch (id % 3) {
	case 1:
		return read ? tokens : 0;
	case 2:
		return write ? tokens : 0;
	default:
		return tokens;
	}
}

static u64 model_wait(const struct model_bucket *b, u32 tokens)
{
	__int128 need = tokens > b->burst ? 0 : (__int128)tokens * NANO;

	if (b->balance >= need)
		return 0;
	return (need - b->balance + b->rate - 1) / b->rate;
}

/* A bucket may be overdrawn by one request: the next one waits. */
static void model_charge(struct model_bucket *b, u32 tokens)
{
	__int128 amount = (__int128)tokens * NANO;

	b->balance -= amount;
	b->granted += amount;
	if (b->largest < amount)
		b->largest = amount;
	CHECK(!tokens || b->granted <= b->allowed + b->largest,
	      "%u tokens are too many", tokens);
}

static u64 model_take(struct world *w, bool read, bool write, u32 bytes)
{
	struct model_bucket *b;
	u64 wait = 0, one;
	u32 tokens;

	for (b = w->model; b < w->model + KVBLK_BUCKET_NR; b++) {
		tokens = model_tokens(b - w->model, read, write, bytes);
		if (!b->rate || !tokens)
			continue;
		model_settle(b, w->now);
		one = model_wait(b, tokens);
		wait = one > wait ? one : wait;
	}
	for (b = w->model; !wait && b < w->model + KVBLK_BUCKET_NR; b++)
		if (b->rate)
			model_charge(b, model_tokens(b - w->model, read, write,
						     bytes));
	return wait;
}

/* One nanosecond earlier is too early, just then is not. */
static void check_wait_exact(const struct world *w, bool read, bool write,
			     u32 bytes, u64 wait)
{
	struct kvblk_throttle copy = w->t;
	u64 left;

	if (wait > TIME_MAX || w->now + wait > TIME_MAX)
		return;
	left = kvblk_throttle_take(&copy, read, write, bytes,
				   w->now + wait - 1);
	CHECK(left == 1, "wait %llu leaves %llu", wait, left);
	left = kvblk_throttle_take(&copy, read, write, bytes, w->now + wait);
	CHECK(left == 0, "wait %llu leaves %llu", wait, left);
}

static void check_balances(const struct world *w)
{
	unsigned int id;

	for (id = 0; id < KVBLK_BUCKET_NR; id++) {
		struct model_bucket b = w->model[id];
		s64 is = kvblk_throttle_balance(&w->t, id, w->now);
		__int128 want;

		if (!b.rate) {
			CHECK(is == 0, "bucket %u: %lld", id, is);
			continue;
		}
		model_settle(&b, w->now);
		want = b.balance / NANO - (b.balance % NANO < 0);
		CHECK(is == (s64)want, "bucket %u: %lld, not %lld", id, is,
		      (s64)want);
	}
}

static void step_set(struct world *w, struct input *in)
{
	unsigned int id = input_u8(in) % KVBLK_BUCKET_NR;
	u64 rate = input_bytes(in, 1 + input_u8(in) % 6) % (RATE_MAX + 1);
	u64 burst = rate;

	if (rate)
		burst += input_u64(in) % (rate * (HOUR - 1) + 1);
	kvblk_throttle_set(&w->t, id, rate, burst, w->now);
	model_set(&w->model[id], rate, burst, w->now);
}

static void step_take(struct world *w, struct input *in)
{
	u8 how = input_u8(in);
	bool read = how & 1, write = how & 2;
	u32 bytes = input_bytes(in, (how >> 2) % 5);
	struct world before = *w;
	u64 is, want;

	is = kvblk_throttle_take(&w->t, read, write, bytes, w->now);
	want = model_take(w, read, write, bytes);
	CHECK(is == want, "waits %llu ns, not %llu", is, want);
	if (is)
		check_wait_exact(&before, read, write, bytes, is);
	w->last_wait = is;
}

static void step_time(struct world *w, struct input *in)
{
	u8 how = input_u8(in);
	u64 by = 0;

	switch (how % 4) {
	case 0:
		by = w->last_wait;
		break;
	case 1:
		by = w->last_wait ? w->last_wait - 1 : 0;
		break;
	case 2:
		by = input_bytes(in, 1 + how / 4 % 8);
		break;
	case 3:
		by = (u64)input_u16(in) * NANO;
		break;
	}
	if (by <= TIME_MAX - w->now)
		w->now += by;
}

int fuzz_one_input(const u8 *data, size_t size)
{
	struct input in = { .data = data, .left = size };
	struct world w = { .now = 0 };
	unsigned int steps;

	kvblk_throttle_init(&w.t);
	w.now = input_bytes(&in, input_u8(&in) % 9) % (TIME_MAX / 2);
	for (steps = 0; in.left && steps < STEPS_MAX; steps++) {
		switch (input_u8(&in) % 4) {
		case 0:
			step_set(&w, &in);
			break;
		case 1:
			step_time(&w, &in);
			break;
		default:
			step_take(&w, &in);
			break;
		}
		check_balances(&w);
	}
	return 0;
}
