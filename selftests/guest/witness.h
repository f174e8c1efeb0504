/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must go on while a disk is in trouble: another disk's requests, and calls
 * of the control device about both.
 */
#ifndef KVBLK_TEST_WITNESS_H
#define KVBLK_TEST_WITNESS_H

#include "disk.h"
#include "harness.h"

/*
 * A call that may wait for I/O returns after a second; what is beyond that is
 * the scheduler's on a busy machine. A call that waits for the disk never returns.
 */
#define CALL_SECONDS	5

/* Puts a load on a new disk and keeps asking about it and about @disk. */
void witness_start(const struct disk *disk);

/* Fails unless load and calls have gone on since this was called. */
void witness_check(void);

/* Ends the load and the calls, and notes the longest of the calls. */
void witness_stop(void);

/* A call named @what took @ns. */
void witness_took(const char *what, uint64_t ns);

/* The value of @call, which must return in time. */
#define BOUNDED(call)							\
({									\
	uint64_t start_ = now_ns();					\
	__auto_type value_ = (call);					\
									\
	witness_took(#call, now_ns() - start_);				\
	value_;								\
})

#endif /* KVBLK_TEST_WITNESS_H */
