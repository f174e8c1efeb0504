// SPDX-License-Identifier: GPL-2.0
/* kvblkctl set: change limits and threads of a disk, and when it interrupts. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "interrupts.h"
#include "limit.h"
#include "size.h"

#define OPT_POLL_US	'u'
#define OPT_POLL_PERCENT	'p'
#define POLL_PERCENT	50	/* unless it is given */

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "interrupts", required_argument, NULL, OPT_INTERRUPTS },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "iops", required_argument, NULL, OPT_IOPS },
	{ "iops-read", required_argument, NULL, OPT_IOPS_READ },
	{ "iops-write", required_argument, NULL, OPT_IOPS_WRITE },
	{ "bps", required_argument, NULL, OPT_BPS },
	{ "bps-read", required_argument, NULL, OPT_BPS_READ },
	{ "bps-write", required_argument, NULL, OPT_BPS_WRITE },
	{ "poll-us", required_argument, NULL, OPT_POLL_US },
	{ "poll-percent", required_argument, NULL, OPT_POLL_PERCENT },
	{},
};

static const char help[] =
	"Takes effect at once, also while a guest runs. What is not named stays as\n"
	"it is.\n\n"
	"Options:\n"
	"  --poll-us N                let the disk's thread look for requests for up to\n"
	"                             N microseconds before it sleeps; 0: not at all\n"
	"  --poll-percent N           share of a processor that this may cost (50)\n"
	INTERRUPTS_HELP
	"  --workers N                threads that serve the queues, at most as many as\n"
	"                             queues; queue n is served by thread n modulo N\n"
	"  --help                     show this\n\n"
	LIMIT_HELP "\n" SIZE_HELP COUNT_HELP;

static int set_workers(struct kvblk_set *spec, const char *text)
{
	uint64_t n;

	if (!parse_number(text, UNIT_COUNT, &n) || !n || n > UINT32_MAX)
		return usage_error("--workers: '%s' is not a number from 1 to %u", text,
				   KVBLK_QUEUES_MAX);
	spec->workers = n;
	return CODE_OK;
}

static int set_poll(struct kvblk_set *spec, int opt)
{
	uint64_t value;

	if (!parse_number(optarg, UNIT_COUNT, &value) || value > UINT32_MAX)
		return usage_error("'%s' is not a number", optarg);
	if (opt == OPT_POLL_US)
		spec->poll_us = value;
	else
		spec->poll_percent = value;
	spec->hdr.flags |= KVBLK_SET_POLL;
	return CODE_OK;
}

static int set_option(struct kvblk_set *spec, int opt)
{
	if (opt == OPT_POLL_US || opt == OPT_POLL_PERCENT)
		return set_poll(spec, opt);
	if (opt == OPT_INTERRUPTS) {
		spec->hdr.flags |= KVBLK_SET_INTERRUPTS;
		return parse_interrupts(optarg, &spec->interrupt_count,
					&spec->interrupt_usecs);
	}
	if (opt == OPT_WORKERS)
		return set_workers(spec, optarg);
	if (opt < OPT_LIMIT)
		return usage_hint();
	spec->limit_mask |= 1U << (opt - OPT_LIMIT);
	return parse_limit(opt, optarg, &spec->limits[opt - OPT_LIMIT]);
}

static int set_operands(struct kvblk_set *spec, int argc, char **argv)
{
	int code = check_operands(argc, argv, 1, "NAME");

	if (code)
		return code;
	if (!spec->limit_mask && !spec->hdr.flags && !spec->workers)
		return usage_error("there is nothing to set");
	snprintf(spec->name, KVBLK_NAME_LEN, "%s", argv[optind]);
	return CODE_OK;
}

static int set_disk(int ctl, const struct kvblk_set *spec)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_set(ctl, spec, why, sizeof(why));

	return err ? refused(spec->name, err, why) : CODE_OK;
}

static int run(int argc, char **argv)
{
	struct kvblk_set spec = { .poll_percent = POLL_PERCENT };
	int opt, ctl, code;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return print_help();
		code = set_option(&spec, opt);
		if (code)
			return code;
	}
	code = set_operands(&spec, argc, argv);
	if (code)
		return code;
	ctl = open_control();
	if (ctl < 0)
		return -ctl;
	code = set_disk(ctl, &spec);
	close(ctl);
	return code;
}

const struct cmd cmd_set = {
	.name = "set",
	.args = "[OPTION]... NAME",
	.summary = "Change limits, threads and interrupts of a disk",
	.help = help,
	.run = run,
};
