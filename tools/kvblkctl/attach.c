// SPDX-License-Identifier: GPL-2.0
/* kvblkctl attach, kvblkctl detach: a disk on the vDPA bus. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

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

/* The state of a disk that exists; complains. Returns an exit code. */
static int disk_state(const char *name, uint32_t *state)
{
	struct kvblk_query query;
	int ctl = open_control();
	int code;

	if (ctl < 0)
		return -ctl;
	code = query_disk(ctl, name, &query);
	close(ctl);
	*state = query.state;
	return code;
}

static int attach(const char *name, const char *mgmtdev, const char *driver)
{
	char node[PATH_MAX];
	uint32_t state;
	int code;

	code = disk_state(name, &state);
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

static int detach(const char *name, bool force)
{
	uint32_t state;
	int code;

	code = disk_state(name, &state);
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

const struct cmd cmd_attach = {
	.name = "attach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Put a disk on the vDPA bus, for QEMU and other VMMs",
	.help = attach_help,
	.run = run_attach,
};

const struct cmd cmd_detach = {
	.name = "detach",
	.args = "--vdpa [OPTION]... NAME",
	.summary = "Take a disk off the vDPA bus",
	.help = detach_help,
	.run = run_detach,
};
