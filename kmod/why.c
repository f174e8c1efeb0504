// SPDX-License-Identifier: GPL-2.0
/* The sentence that goes with an errno. */
#include <linux/kernel.h>
#include "why.h"

int kvblk_why(struct kvblk_why *why, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return err;
}
