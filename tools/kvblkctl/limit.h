/* SPDX-License-Identifier: GPL-2.0 */
/* The limit options that add and set have in common. */
#ifndef KVBLKCTL_LIMIT_H
#define KVBLKCTL_LIMIT_H

#include "cmd.h"
#include "size.h"

#define LIMIT_HELP \
	"Limits; a request passes when all that concern it allow it:\n" \
	"  --iops N[:BURST]           requests of every kind per second\n" \
	"  --iops-read N[:BURST]      reads per second\n" \
	"  --iops-write N[:BURST]     writes per second\n" \
	"  --bps SIZE[:BURST]         bytes read and written per second\n" \
	"  --bps-read SIZE[:BURST]    bytes read per second\n" \
	"  --bps-write SIZE[:BURST]   bytes written per second\n" \
	"BURST is what may pass at once after a pause; without it, one second's\n" \
	"worth. 'none' in place of a limit means unlimited.\n"

/* Name of a limit, as in its option. */
const char *limit_name(unsigned int id);
enum unit limit_unit(unsigned int id);

/* Parse the argument of option @opt (OPT_LIMIT + id). Returns an exit code. */
int parse_limit(int opt, const char *text, struct kvblk_limit *limit);

#endif /* KVBLKCTL_LIMIT_H */
