/* SPDX-License-Identifier: GPL-2.0 */
/* The sentence that goes with an errno. */
#ifndef KVBLK_WHY_H
#define KVBLK_WHY_H

#include <linux/compiler.h>

/**
 * struct kvblk_why - Reason of a failure, for the caller of an ioctl
 * @text: One sentence that names the field and the limit; empty when none.
 */
struct kvblk_why {
	char text[160];
};

/* Stores a reason; returns @err. */
__printf(3, 4) int kvblk_why(struct kvblk_why *why, int err, const char *fmt, ...);

#endif /* KVBLK_WHY_H */
