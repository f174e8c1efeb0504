/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The n-th allocation fails, for every n: needs a kernel with fault injection
 * (Documentation/fault-injection).
 */
#ifndef KVBLK_TEST_FAULT_H
#define KVBLK_TEST_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Whose allocations fail. */
enum fault_who {
	FAULT_SELF,		/* those of the calling thread */
	FAULT_WORKER,		/* of the threads kvblk/<disk> */
	FAULT_KWORKERS,		/* of work items */
	FAULT_WHOS,
};

/* Variants of a test. */
extern const char *const fault_whos[FAULT_WHOS + 1];

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
 * @disk: Name of a disk that must be what it was after @run failed, or NULL.
 * @page: Its register page, of which the same is true, or NULL.
 * @before: Brings about what @run needs, or NULL.
 * @run: Does it: 0 or -errno.
 * @failed: Called after @run failed, or NULL.
 * @undo: Called after @run succeeded, or NULL.
 * @after: Called after both, or NULL.
 * @may_fail: Whether @run may give this error after this failure; NULL: -ENOMEM, and
 *	-EFAULT if it was a copy.
 */
struct fault_op {
	const char *name;
	enum fault_who who;
	const char *disk;
	const uint8_t *page;
	void (*before)(void);
	int (*run)(void);
	void (*failed)(void);
	void (*undo)(void);
	void (*after)(void);
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
