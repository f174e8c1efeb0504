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

/* What is called. The program ends with the longest of each kind that any test made. */
enum witness_kind {
	RESET,
	CLOSE,
	KILL,		/* until the process is gone */
	REMOVE,
	UNLOAD,
	PAUSE,
	OPEN,
	SET_UP,		/* memory, eventfds, other writes of Status */
	QUERY,
	LIST,
	SET,
	WITNESS_KINDS
};

/* Puts a load on a new disk and keeps asking about it and about @disk. */
void witness_start(const struct disk *disk);

/*
 * Fails unless the calls have gone on since this was called, and the load at the pace it had
 * before, give or take a half for the noise of the machine.
 */
void witness_check(void);

/* Ends the load and the calls. */
void witness_stop(void);

/* A call of @kind took @ns. */
void witness_took(enum witness_kind kind, uint64_t ns);

/* The value of @call, which must return in time. */
#define BOUNDED(kind, call)						\
({									\
	uint64_t start_ = now_ns();					\
	__auto_type value_ = (call);					\
									\
	witness_took(kind, now_ns() - start_);				\
	value_;								\
})

#endif /* KVBLK_TEST_WITNESS_H */
