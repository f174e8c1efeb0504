/* SPDX-License-Identifier: GPL-2.0 */
/* The options that add and set have in common: what may change while a guest runs. */
#ifndef KVBLKCTL_SETTINGS_H
#define KVBLKCTL_SETTINGS_H

#include "limit.h"

#define SETTINGS_HELP \
	"Settings; 'kvblkctl set' changes them while a guest runs:\n" \
	"  --interrupts N:USECS       hold an interrupt back until it tells of N answers\n" \
	"                             or USECS are over, while more are to come; or none\n" \
	"  --poll-us N                let the threads look for requests for up to N\n" \
	"                             microseconds before they sleep; 0: not at all\n" \
	"  --poll-percent N           share of a processor that this may cost (50)\n" \
	"  --workers N                threads that serve the queues (1), at most as many\n" \
	"                             as queues; queue n is served by thread n modulo N\n\n" \
	LIMIT_HELP "\n" SIZE_HELP COUNT_HELP

/**
 * parse_count - Read a number whose limits the kernel knows
 * @option: For the message.
 * @text: The number.
 * @min: Below it is refused.
 * @max: For the message; refused is what does not fit into 16 bits.
 * @value: Set.
 *
 * Return: an exit code.
 */
int parse_count(const char *option, const char *text, uint32_t min, uint32_t max,
		uint32_t *value);

/**
 * parse_setting - Take an option that add and set have in common
 * @opt: What getopt() returned.
 * @text: Its argument.
 * @set: Gets it, and a flag that says so.
 *
 * Return: an exit code. CODE_USAGE: malformed, or none of these options.
 */
int parse_setting(int opt, const char *text, struct kvblk_set *set);

/* All options are read: whether they fit together, and a default. Returns an exit code. */
int check_settings(struct kvblk_set *set);

#endif /* KVBLKCTL_SETTINGS_H */
