// SPDX-License-Identifier: GPL-2.0
/* kvblkctl set: change limits and threads of a disk, and when it interrupts. */
#include <stdio.h>
#include <string.h>

#include "settings.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "interrupts", required_argument, NULL, OPT_INTERRUPTS },
	{ "map", required_argument, NULL, OPT_MAP },
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
	"  --map QUEUE:WORKER         that thread, from 0, serves that queue from now on;\n"
	"                             may be given for several queues\n"
	"  --help                     show this\n\n"
	SETTINGS_HELP;

static struct kvblk_set spec;

/* Queues that get another thread, by bit, and which. */
static uint64_t moves;
static uint32_t worker[KVBLK_QUEUES_MAX];

static int parse_map(const char *text)
{
	unsigned int queue, to;
	int end = -1;

	if (strspn(text, "0123456789:") != strlen(text) ||
	    sscanf(text, "%9u:%9u%n", &queue, &to, &end) != 2 || text[end] ||
	    queue >= KVBLK_QUEUES_MAX)
		return usage_error("--map: '%s' is not QUEUE:WORKER such as 3:0", text);
	moves |= 1ULL << queue;
	worker[queue] = to;
	return CODE_OK;
}

static int set_option(int opt)
{
	if (opt == OPT_MAP)
		return parse_map(optarg);
	return parse_setting(opt, optarg, &spec);
}

static int check(char **operand)
{
	int code = check_settings(&spec);

	if (code)
		return code;
	if (!spec.limit_mask && !spec.hdr.flags && !spec.workers && !moves)
		return usage_error("there is nothing to set");
	snprintf(spec.name, KVBLK_NAME_LEN, "%s", operand[0]);
	return CODE_OK;
}

/* The number of threads comes first: it puts every queue where it belongs by its number. */
static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_set(ctl, &spec, why, sizeof(why));
	uint32_t n;

	for (n = 0; !err && n < KVBLK_QUEUES_MAX; n++) {
		if (moves >> n & 1)
			err = kvblk_disk_move(ctl, spec.name, n, worker[n], why, sizeof(why));
	}
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
