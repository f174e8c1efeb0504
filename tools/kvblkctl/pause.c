// SPDX-License-Identifier: GPL-2.0
/* kvblkctl pause: hold a disk still. */
#include "cmd.h"
#include "size.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{},
};

static const char help[] =
	"It takes no more requests of its guest until 'kvblkctl resume'; those in\n"
	"flight are waited for. The guest only sees that its disk is slow.\n\n"
	"Options:\n"
	"  --timeout MS  wait for at most so many milliseconds (1000)\n"
	"  --help        show this\n";

static uint64_t timeout_ms;

static int set_option(int opt)
{
	if (parse_number(optarg, UNIT_COUNT, &timeout_ms) && timeout_ms &&
	    timeout_ms <= KVBLK_PAUSE_MS_MAX)
		return CODE_OK;
	return usage_error("--timeout: %s is no number from 1 to %d", optarg, KVBLK_PAUSE_MS_MAX);
}

static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN], *name = operand[0];
	uint32_t left;
	int err;

	err = kvblk_disk_pause(ctl, name, timeout_ms, &left, why, sizeof(why));
	if (err)
		return refused(name, err, why);
	if (!left)
		return CODE_OK;
	complain("%s: paused, but %u requests have not ended", name, left);
	complain("wait with 'kvblkctl pause', or go on with 'kvblkctl resume'");
	return CODE_REFUSED;
}

const struct cmd cmd_pause = {
	.name = "pause",
	.args = "[OPTION]... NAME",
	.summary = "Hold a disk still, for a snapshot of its guest",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.run = run,
};
