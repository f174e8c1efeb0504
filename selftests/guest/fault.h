/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The n-th allocation fails, for every n: needs a kernel with fault injection
 * (Documentation/fault-injection).
 */
#ifndef KVBLK_TEST_FAULT_H
#define KVBLK_TEST_FAULT_H

#include <stdbool.h>

/* Whose allocations fail. */
enum fault_who {
	FAULT_SELF,		/* those of the calling thread */
	FAULT_WORKER,		/* of the threads kvblk/<disk> */
	FAULT_KWORKERS,		/* of work items */
	FAULT_WHOS,
};

/* What failed; a copy to or from user memory counts as an allocation does. */
enum fault_kind {
	FAULT_SLAB,
	FAULT_PAGE,
	FAULT_COPY,
	FAULT_KINDS,
	FAULT_NONE = FAULT_KINDS,
};

/* Once for each process that injects; not in a test that forks others. */
void fault_init(void);

/* From now on the @n-th allocation of @who fails, and no other. */
void fault_arm(enum fault_who who, unsigned int n);

/* No more; what failed since then. */
enum fault_kind fault_disarm(void);

/**
 * struct fault_op - A thing to do while allocations fail
 * @name: For messages.
 * @who: Whose allocations.
 * @before: Brings about what @run needs, or NULL.
 * @run: Does it: 0 or -errno.
 * @failed: Called after @run failed: what must not have changed, or NULL.
 * @undo: Called after @run succeeded, or NULL.
 * @may_fail: Whether @run may give this error after this failure; NULL: -ENOMEM, and
 *	-EFAULT if it was a copy.
 */
struct fault_op {
	const char *name;
	enum fault_who who;
	void (*before)(void);
	int (*run)(void);
	void (*failed)(void);
	void (*undo)(void);
	bool (*may_fail)(enum fault_kind kind, int err);
};

/*
 * Does @op with the first, the second, ... allocation failing, until none is left to
 * fail: then, and whenever nothing fails, it must succeed.
 */
void fault_sweep(const struct fault_op *op);

/* A note of all that the process injected. */
void fault_report(void);

#endif /* KVBLK_TEST_FAULT_H */
