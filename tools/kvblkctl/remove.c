// SPDX-License-Identifier: GPL-2.0
/* kvblkctl remove: remove a disk. */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "cmd.h"
#include "holder.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{},
};

static const char help[] =
	"Its file is closed and unlocked. A disk that a VMM has attached is not\n"
	"removed.\n\n"
	"Options:\n"
	"  --help  show this\n";

static int explain(int ctl, const char *name, int err, const char *why)
{
	struct kvblk_query query;
	char user[HOLDER_LEN];

	if (err != -EBUSY || kvblk_disk_query(ctl, name, &query, NULL, 0))
		return refused(name, err, why);
	if (query.pid) {
		complain("%s: in use%s; end that first", name,
			 by_process(query.pid, user));
	} else {
		complain("%s: %llu requests of a past session have not ended",
			 name, (unsigned long long)query.stats.in_flight);
		complain("try again when the file of the disk answers");
	}
	return CODE_REFUSED;
}

static int run(int argc, char **argv)
{
	char why[KVBLK_WHY_LEN];
	int opt, ctl, err, code;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return opt == 'h' ? print_help() : usage_hint();
	code = check_operands(argc, argv, 1, "NAME");
	if (code)
		return code;
	ctl = open_control();
	if (ctl < 0)
		return -ctl;
	err = kvblk_disk_remove(ctl, argv[optind], why, sizeof(why));
	if (err)
		code = explain(ctl, argv[optind], err, why);
	close(ctl);
	return code;
}

const struct cmd cmd_remove = {
	.name = "remove",
	.args = "NAME",
	.summary = "Remove a disk that no VMM uses",
	.help = help,
	.run = run,
};
