// SPDX-License-Identifier: GPL-2.0
/* kvblkctl remove: remove a disk. */
#include <errno.h>

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

static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_remove(ctl, operand[0], why, sizeof(why));

	return err ? explain(ctl, operand[0], err, why) : CODE_OK;
}

const struct cmd cmd_remove = {
	.name = "remove",
	.args = "NAME",
	.summary = "Remove a disk that no VMM uses",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.run = run,
};
