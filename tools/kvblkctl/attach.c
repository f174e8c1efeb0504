// SPDX-License-Identifier: GPL-2.0
/* kvblkctl attach: a disk on the vDPA bus. */
#include <limits.h>
#include <stdio.h>

#include "cmd.h"
#include "vdpa.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "host", no_argument, NULL, OPT_HOST },
	{ "phys", no_argument, NULL, OPT_PHYS },
	{ "vdpa", no_argument, NULL, OPT_VDPA },
	{},
};

static const char help[] =
	"Puts the disk on the vDPA bus and prints the device node that it got.\n"
	"A VMM that attaches through libkvblk does not need this.\n\n"
	"Options:\n"
	"  --vdpa   required: the bus\n"
	"  --phys   the device uses physical addresses and the VMM's memory gets\n"
	"           pinned; without it, user addresses of shared memory\n"
	"  --host   for the host itself: a virtio block device; implies --phys\n"
	"  --help   show this\n";

static const char *mgmtdev = VDPA_USER, *driver = VDPA_FOR_VMM;
static bool vdpa;

static int set_option(int opt)
{
	switch (opt) {
	case OPT_HOST:
		driver = VDPA_FOR_HOST;
		mgmtdev = VDPA_PHYS;
		break;
	case OPT_PHYS:
		mgmtdev = VDPA_PHYS;
		break;
	case OPT_VDPA:
		vdpa = true;
		break;
	}
	return CODE_OK;
}

static int check(char **operand)
{
	return vdpa_check(vdpa);
}

static int run(int ctl, char **operand)
{
	char node[PATH_MAX], *name = operand[0];
	struct kvblk_query disk;
	int code;

	code = query_disk(ctl, name, &disk);
	if (code)
		return code;
	if (disk.state != KVBLK_STATE_IDLE) {
		complain("%s: is attached already", name);
		return CODE_REFUSED;
	}
	code = vdpa_add(name, mgmtdev);
	if (code)
		return code;
	code = vdpa_bind(name, driver);
	if (!code)
		code = vdpa_node(name, driver, node, sizeof(node));
	if (code)
		vdpa_del(name);
	else
		puts(node);
	return code;
}

const struct cmd cmd_attach = {
	.name = "attach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Put a disk on the vDPA bus, for QEMU and other VMMs",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.check = check,
	.run = run,
};
