/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Token buckets for operations and bytes. Time comes in as an argument.
 *
 * A bucket keeps the instant at which its balance is (was, or will be) zero, as
 * nanoseconds plus an exact fraction: no token is ever rounded away. Balance at
 * time t is (t - zero) * rate, at most the burst; it is negative (debt) while
 * zero lies ahead.
 */
#ifndef KVBLK_THROTTLE_H
#define KVBLK_THROTTLE_H

#include <linux/types.h>

/* The order is that of enum kvblk_limit_id. */
enum kvblk_bucket_id {
	KVBLK_BUCKET_OPS,
	KVBLK_BUCKET_OPS_READ,
	KVBLK_BUCKET_OPS_WRITE,
	KVBLK_BUCKET_BYTES,
	KVBLK_BUCKET_BYTES_READ,
	KVBLK_BUCKET_BYTES_WRITE,
	KVBLK_BUCKET_NR,
};

/**
 * struct kvblk_span - A time, or an instant, exact for one rate
 * @ns: Nanoseconds.
 * @frac: Fraction of a nanosecond to add, in 1/rate; below the rate.
 */
struct kvblk_span {
	s64 ns;
	u64 frac;
};

/**
 * struct kvblk_bucket - One token bucket
 * @rate: Tokens per second, 1 to 2^40; 0: no limit.
 * @burst: Most tokens it holds, beside those of the last nanosecond; rate to
 *	3600 * rate.
 * @full: Time that fills it from balance zero.
 * @zero: Instant of balance zero, signed so that it may lie before time 0.
 */
struct kvblk_bucket {
	u64 rate;
	u64 burst;
	struct kvblk_span full;
	struct kvblk_span zero;
};

struct kvblk_throttle {
	struct kvblk_bucket bucket[KVBLK_BUCKET_NR];
	bool limited;		/* any rate is not 0 */
};

/* All buckets without limit. */
void kvblk_throttle_init(struct kvblk_throttle *t);

/**
 * kvblk_throttle_set - Change one limit
 * @t: The throttle.
 * @id: Which.
 * @rate: Tokens per second, at most 2^40; 0: no limit.
 * @burst: From @rate to 3600 * @rate; the caller has checked.
 * @now: Time in ns.
 *
 * The balance in tokens is kept, debt too, cut to the new burst. A bucket that had
 * no limit starts full.
 */
void kvblk_throttle_set(struct kvblk_throttle *t, enum kvblk_bucket_id id,
			u64 rate, u64 burst, u64 now);

/**
 * kvblk_throttle_take - Take the tokens of a request, or say when it fits
 * @t: The throttle.
 * @read: The request reads: it counts in the READ buckets.
 * @write: The request writes: it counts in the WRITE buckets.
 * @bytes: Tokens for the byte buckets; 0 always passes there.
 * @now: Time in ns; never goes back.
 *
 * All buckets that concern the request must agree, else none is charged. A request
 * larger than the burst passes when the balance is not negative and leaves debt.
 *
 * Return: 0 if taken, else the ns to wait until it fits, rounded up.
 */
u64 kvblk_throttle_take(struct kvblk_throttle *t, bool read, bool write,
			u32 bytes, u64 now);

/* Balance of a bucket in whole tokens, rounded down; for display. 0 if no limit. */
s64 kvblk_throttle_balance(const struct kvblk_throttle *t,
			   enum kvblk_bucket_id id, u64 now);

#endif /* KVBLK_THROTTLE_H */
