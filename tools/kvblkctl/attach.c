// SPDX-License-Identifier: GPL-2.0
/* kvblkctl attach: a disk on the vDPA bus. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "cmd.h"
#include "vdpa.h"

static const struct option attach_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "host", no_argument, NULL, OPT_HOST },
	{ "phys", no_argument, NULL, OPT_PHYS },
	{ "vdpa", no_argument, NULL, OPT_VDPA },
	{},
};

static const char attach_help[] =
	"Puts the disk on the vDPA bus and prints the device node that it got.\n"
	"A VMM that attaches through libkvblk does not need this.\n\n"
	"Options:\n"
	"  --vdpa   required: the bus\n"
	"  --phys   the device uses physical addresses and the VMM's memory gets\n"
	"           pinned; without it, user addresses of shared memory\n"
	"  --host   for the host itself: a virtio block device; implies --phys\n"
	"  --help   show this\n";

static int attach(const char *name, const char *mgmtdev, const char *driver)
{
	char node[PATH_MAX];
	uint32_t state;
	int code;

	code = vdpa_disk_state(name, &state);
	if (code)
		return code;
	if (state != KVBLK_STATE_IDLE) {
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

static int run_attach(int argc, char **argv)
{
	const char *mgmtdev = VDPA_USER, *driver = VDPA_FOR_VMM;
	bool vdpa = false;
	int opt, code;

	while ((opt = getopt_long(argc, argv, "h", attach_options, NULL)) != -1) {
		switch (opt) {
		case 'h':
			return print_help();
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
		default:
			return usage_hint();
		}
	}
	code = check_operands(argc, argv, 1, "NAME");
	if (code)
		return code;
	if (!vdpa)
		return usage_error("--vdpa is missing: there is no other bus");
	return attach(argv[optind], mgmtdev, driver);
}

const struct cmd cmd_attach = {
	.name = "attach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Put a disk on the vDPA bus, for QEMU and other VMMs",
	.help = attach_help,
	.run = run_attach,
};
