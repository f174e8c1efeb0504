/* SPDX-License-Identifier: GPL-2.0 */
/* Ioctls by table: copying, sizes, flags and the reason of a failure. */
#ifndef KVBLK_UCMD_H
#define KVBLK_UCMD_H

#include <linux/types.h>
#include <linux/kvblk.h>
#include "why.h"

/**
 * struct kvblk_ucmd - One ioctl
 * @size: Of the structure in this version, hdr included.
 * @min_size: Of its first version.
 * @flags: Flags it knows.
 * @answers: The structure is copied back on success. Others are not: memory that
 *	cannot be written must not fail a call that has done its work.
 * @run: Does it; @arg is a kernel copy.
 */
struct kvblk_ucmd {
	u16 size;
	u16 min_size;
	u32 flags;
	bool answers;
	int (*run)(void *ctx, void *arg, struct kvblk_why *why);
};

#define KVBLK_UCMD(type, known_flags, copied_back, fn) \
	{ .size = sizeof(type), .min_size = sizeof(type), \
	  .flags = (known_flags), .answers = (copied_back), .run = (fn) }

#define KVBLK_UCMD_SIZE_MAX	512

/**
 * kvblk_ucmd_run - Dispatch an ioctl
 * @table: By number, from _IOC_NR @first on.
 * @first: See above.
 * @nr: Elements of @table; those without a function are unknown.
 * @ctx: For the function.
 * @cmd: The ioctl's number.
 * @uarg: The user's structure.
 */
long kvblk_ucmd_run(const struct kvblk_ucmd *table, unsigned int first,
		    unsigned int nr, void *ctx, unsigned int cmd,
		    void __user *uarg);

#endif /* KVBLK_UCMD_H */
