// SPDX-License-Identifier: GPL-2.0
/* kvblkctl resume: let a paused disk go on. */
#include <getopt.h>
#include <unistd.h>

#include "cmd.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{},
};

static const char help[] =
	"What its guest asked for in the meantime is served at once.\n\n"
	"Options:\n"
	"  --help  show this\n";

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
	err = kvblk_disk_resume(ctl, argv[optind], why, sizeof(why));
	close(ctl);
	return err ? refused(argv[optind], err, why) : CODE_OK;
}

const struct cmd cmd_resume = {
	.name = "resume",
	.args = "NAME",
	.summary = "Let a paused disk go on",
	.help = help,
	.run = run,
};
