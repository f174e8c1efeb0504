// SPDX-License-Identifier: GPL-2.0
/* kvblkctl pause: hold a disk still. */
#include <getopt.h>
#include <unistd.h>

#include "cmd.h"
#include "size.h"

static const struct option pause_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{},
};

static const char pause_help[] =
	"It takes no more requests of its guest until 'kvblkctl resume'; those in\n"
	"flight are waited for. The guest only sees that its disk is slow.\n\n"
	"Options:\n"
	"  --timeout MS  wait for at most so many milliseconds (1000)\n"
	"  --help        show this\n";

static int pause_disk(const char *name, uint32_t timeout_ms)
{
	char why[KVBLK_WHY_LEN];
	int ctl = open_control();
	uint32_t left;
	int err;

	if (ctl < 0)
		return -ctl;
	err = kvblk_disk_pause(ctl, name, timeout_ms, &left, why, sizeof(why));
	close(ctl);
	if (err)
		return refused(name, err, why);
	if (!left)
		return CODE_OK;
	complain("%s: paused, but %u requests have not ended", name, left);
	complain("wait with 'kvblkctl pause', or go on with 'kvblkctl resume'");
	return CODE_REFUSED;
}

static int run_pause(int argc, char **argv)
{
	uint64_t timeout_ms = 0;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "h", pause_options, NULL)) != -1) {
		if (opt == 'h')
			return print_help();
		if (opt != OPT_TIMEOUT)
			return usage_hint();
		if (!parse_number(optarg, UNIT_COUNT, &timeout_ms) ||
		    !timeout_ms || timeout_ms > KVBLK_PAUSE_MS_MAX)
			return usage_error("--timeout: %s is no number from 1 to %d",
					   optarg, KVBLK_PAUSE_MS_MAX);
	}
	code = check_operands(argc, argv, 1, "NAME");
	return code ? code : pause_disk(argv[optind], timeout_ms);
}

const struct cmd cmd_pause = {
	.name = "pause",
	.args = "[OPTION]... NAME",
	.summary = "Hold a disk still, for a snapshot of its guest",
	.help = pause_help,
	.run = run_pause,
};
