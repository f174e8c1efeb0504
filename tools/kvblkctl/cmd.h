/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands share: their table, their words, their exit codes. */
#ifndef KVBLKCTL_CMD_H
#define KVBLKCTL_CMD_H

#include <getopt.h>

#include "kvblk.h"

/**
 * enum exit_code - Documented in kvblkctl(8)
 * @CODE_OK: Done.
 * @CODE_REFUSED: The kernel or the system refused.
 * @CODE_USAGE: The command line is wrong; nothing was tried.
 * @CODE_NO_DISK: There is no disk of that name.
 * @CODE_NO_MODULE: The module is not loaded.
 */
enum exit_code {
	CODE_OK,
	CODE_REFUSED,
	CODE_USAGE,
	CODE_NO_DISK,
	CODE_NO_MODULE,
};

/**
 * struct cmd - A subcommand
 * @name: Word on the command line.
 * @args: What follows it, for the first line of the help.
 * @summary: One line, without a full stop.
 * @help: The options.
 * @options: For getopt_long(), with --help.
 * @operands: Names of what follows them, for a message; the first is a NAME.
 * @nr_operands: How many must follow.
 * @option: Takes an option, its argument in optarg; NULL: there is --help only.
 * @check: Whether options and operands fit together, or NULL.
 * @run: Does it by the control device; @operand is the first of them.
 *
 * The functions complain and return an exit code. A command runs once: what it was told is in
 * variables of its file.
 */
struct cmd {
	const char *name;
	const char *args;
	const char *summary;
	const char *help;
	const struct option *options;
	const char *operands;
	int nr_operands;
	int (*option)(int opt);
	int (*check)(char **operand);
	int (*run)(int ctl, char **operand);
};

extern const struct cmd cmd_add;
extern const struct cmd cmd_attach;
extern const struct cmd cmd_detach;
extern const struct cmd cmd_list;
extern const struct cmd cmd_pause;
extern const struct cmd cmd_remove;
extern const struct cmd cmd_resume;
extern const struct cmd cmd_set;
extern const struct cmd cmd_show;
extern const struct cmd cmd_stats;

/* getopt_long() values of options without a letter; limits end the list. */
enum {
	OPT_FIRST = 0x100,
	OPT_BLOCK_SIZE = OPT_FIRST,
	OPT_BUFFERED,
	OPT_CAPACITY,
	OPT_COUNT,
	OPT_DIRECT,
	OPT_FORCE,
	OPT_HOST,
	OPT_INTERRUPTS,
	OPT_JSON,
	OPT_LATENCY,
	OPT_MAP,
	OPT_MODE,
	OPT_NO_LOCK,
	OPT_OWNER,
	OPT_PHYS,
	OPT_POLL_PERCENT,
	OPT_POLL_US,
	OPT_QUEUE,
	OPT_QUEUE_SIZE,
	OPT_QUEUES,
	OPT_READ_ONLY,
	OPT_SERIAL,
	OPT_TIMEOUT,
	OPT_VDPA,
	OPT_WATCH,
	OPT_WORKERS,
	OPT_LIMIT,
	OPT_IOPS = OPT_LIMIT + KVBLK_LIMIT_OPS,
	OPT_IOPS_READ = OPT_LIMIT + KVBLK_LIMIT_OPS_READ,
	OPT_IOPS_WRITE = OPT_LIMIT + KVBLK_LIMIT_OPS_WRITE,
	OPT_BPS = OPT_LIMIT + KVBLK_LIMIT_BYTES,
	OPT_BPS_READ = OPT_LIMIT + KVBLK_LIMIT_BYTES_READ,
	OPT_BPS_WRITE = OPT_LIMIT + KVBLK_LIMIT_BYTES_WRITE,
};

/* "kvblkctl add: ..." on stderr; the second also says how to get help. */
__attribute__((format(printf, 1, 2)))
void complain(const char *format, ...);
__attribute__((format(printf, 1, 2)))
int usage_error(const char *format, ...);

/* What getopt() has complained about already. */
int usage_hint(void);

/* The control device, or the negative of an exit code. */
int open_control(void);

/* Tell why a call on @disk failed. Returns an exit code. */
int refused(const char *disk, int err, const char *why);

/* Query @disk; complains. Returns an exit code. */
int query_disk(int ctl, const char *disk, struct kvblk_query *query);

#endif /* KVBLKCTL_CMD_H */
