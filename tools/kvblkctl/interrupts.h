/* SPDX-License-Identifier: GPL-2.0 */
/* The option about interrupts that add and set have in common. */
#ifndef KVBLKCTL_INTERRUPTS_H
#define KVBLKCTL_INTERRUPTS_H

#include "cmd.h"

#define INTERRUPTS_HELP \
	"  --interrupts N:USECS  hold an interrupt back until it tells of N answers or\n" \
	"                        USECS are over, while more are to come; or none\n"

/* Parse N:USECS or none. Returns an exit code. */
int parse_interrupts(const char *text, uint32_t *count, uint32_t *usecs);

#endif /* KVBLKCTL_INTERRUPTS_H */
