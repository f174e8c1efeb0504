// SPDX-License-Identifier: GPL-2.0
/* kvblkctl detach: a disk off the vDPA bus. */
#include "cmd.h"
#include "vdpa.h"

static const struct option options[] = {
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ "vdpa", no_argument, NULL, OPT_VDPA },
	{},
};

static const char help[] =
	"Takes the disk off the vDPA bus. The disk stays.\n\n"
	"Options:\n"
	"  --vdpa   required: the bus\n"
	"  --force  although a driver uses it; the kernel waits until a VMM has\n"
	"           closed the device\n"
	"  --help   show this\n";

static bool vdpa, force;

static int set_option(int opt)
{
	*(opt == OPT_VDPA ? &vdpa : &force) = true;
	return CODE_OK;
}

static int check(char **operand)
{
	return vdpa_check(vdpa);
}

static int run(int ctl, char **operand)
{
	struct kvblk_query disk;
	char *name = operand[0];
	int code;

	code = query_disk(ctl, name, &disk);
	if (code)
		return code;
	if (!vdpa_is_there(name)) {
		complain("%s: is not on the vDPA bus", name);
		return CODE_REFUSED;
	}
	if (!force && disk.state != KVBLK_STATE_ATTACHED) {
		complain("%s: is in use; stop its user, or add --force", name);
		return CODE_REFUSED;
	}
	return vdpa_del(name);
}

const struct cmd cmd_detach = {
	.name = "detach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Take a disk off the vDPA bus",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.check = check,
	.run = run,
};
