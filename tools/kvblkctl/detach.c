// SPDX-License-Identifier: GPL-2.0
/* kvblkctl detach: a disk off the vDPA bus. */
#include <getopt.h>

#include "cmd.h"
#include "vdpa.h"

static const struct option detach_options[] = {
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ "vdpa", no_argument, NULL, OPT_VDPA },
	{},
};

static const char detach_help[] =
	"Takes the disk off the vDPA bus. The disk stays.\n\n"
	"Options:\n"
	"  --vdpa   required: the bus\n"
	"  --force  although a driver uses it; the kernel waits until a VMM has\n"
	"           closed the device\n"
	"  --help   show this\n";

static int detach(const char *name, bool force)
{
	uint32_t state;
	int code;

	code = vdpa_disk_state(name, &state);
	if (code)
		return code;
	if (!vdpa_is_there(name)) {
		complain("%s: is not on the vDPA bus", name);
		return CODE_REFUSED;
	}
	if (!force && state != KVBLK_STATE_ATTACHED) {
		complain("%s: is in use; stop its user, or add --force", name);
		return CODE_REFUSED;
	}
	return vdpa_del(name);
}

static int run_detach(int argc, char **argv)
{
	bool vdpa = false, force = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "h", detach_options, NULL)) != -1) {
		if (opt == 'h')
			return print_help();
		else if (opt == OPT_FORCE)
			force = true;
		else if (opt == OPT_VDPA)
			vdpa = true;
		else
			return usage_hint();
	}
	code = check_operands(argc, argv, 1, "NAME");
	if (code)
		return code;
	if (!vdpa)
		return usage_error("--vdpa is missing: there is no other bus");
	return detach(argv[optind], force);
}

const struct cmd cmd_detach = {
	.name = "detach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Take a disk off the vDPA bus",
	.help = detach_help,
	.run = run_detach,
};
