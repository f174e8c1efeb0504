// SPDX-License-Identifier: GPL-2.0
/* kvblkctl resume: let a paused disk go on. */
#include "cmd.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{},
};

static const char help[] =
	"What its guest asked for in the meantime is served at once.\n\n"
	"Options:\n"
	"  --help  show this\n";

static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_resume(ctl, operand[0], why, sizeof(why));

	return err ? refused(operand[0], err, why) : CODE_OK;
}

const struct cmd cmd_resume = {
	.name = "resume",
	.args = "NAME",
	.summary = "Let a paused disk go on",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.run = run,
};
