// SPDX-License-Identifier: GPL-2.0
/* kvblkctl set: change limits and threads of a disk, and when it interrupts. */
#include <stdio.h>

#include "settings.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "interrupts", required_argument, NULL, OPT_INTERRUPTS },
	{ "poll-percent", required_argument, NULL, OPT_POLL_PERCENT },
	{ "poll-us", required_argument, NULL, OPT_POLL_US },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "iops", required_argument, NULL, OPT_IOPS },
	{ "iops-read", required_argument, NULL, OPT_IOPS_READ },
	{ "iops-write", required_argument, NULL, OPT_IOPS_WRITE },
	{ "bps", required_argument, NULL, OPT_BPS },
	{ "bps-read", required_argument, NULL, OPT_BPS_READ },
	{ "bps-write", required_argument, NULL, OPT_BPS_WRITE },
	{},
};

static const char help[] =
	"Takes effect at once, also while a guest runs. What is not named stays as\n"
	"it is.\n\n"
	"Options:\n"
	"  --help                     show this\n\n"
	SETTINGS_HELP;

static struct kvblk_set spec;

static int set_option(int opt)
{
	return parse_setting(opt, optarg, &spec);
}

static int check(char **operand)
{
	int code = check_settings(&spec);

	if (code)
		return code;
	if (!spec.limit_mask && !spec.hdr.flags && !spec.workers)
		return usage_error("there is nothing to set");
	snprintf(spec.name, KVBLK_NAME_LEN, "%s", operand[0]);
	return CODE_OK;
}

static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_set(ctl, &spec, why, sizeof(why));

	return err ? refused(spec.name, err, why) : CODE_OK;
}

const struct cmd cmd_set = {
	.name = "set",
	.args = "[OPTION]... NAME",
	.summary = "Change settings and limits of a disk",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.check = check,
	.run = run,
};
