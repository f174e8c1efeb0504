// SPDX-License-Identifier: GPL-2.0
/* kvblkctl add: make a disk. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "owner.h"
#include "settings.h"

static const struct option options[] = {
	{ "block-size", required_argument, NULL, OPT_BLOCK_SIZE },
	{ "buffered", no_argument, NULL, OPT_BUFFERED },
	{ "capacity", required_argument, NULL, OPT_CAPACITY },
	{ "direct", no_argument, NULL, OPT_DIRECT },
	{ "help", no_argument, NULL, 'h' },
	{ "interrupts", required_argument, NULL, OPT_INTERRUPTS },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "no-lock", no_argument, NULL, OPT_NO_LOCK },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "poll-percent", required_argument, NULL, OPT_POLL_PERCENT },
	{ "poll-us", required_argument, NULL, OPT_POLL_US },
	{ "queue-size", required_argument, NULL, OPT_QUEUE_SIZE },
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "iops", required_argument, NULL, OPT_IOPS },
	{ "iops-read", required_argument, NULL, OPT_IOPS_READ },
	{ "iops-write", required_argument, NULL, OPT_IOPS_WRITE },
	{ "bps", required_argument, NULL, OPT_BPS },
	{ "bps-read", required_argument, NULL, OPT_BPS_READ },
	{ "bps-write", required_argument, NULL, OPT_BPS_WRITE },
	{},
};

/* What goes to the kernel, and the part of it that kvblkctl set may change. */
static struct kvblk_add spec = { .hdr.flags = KVBLK_DISK_DIRECT };
static struct kvblk_set set;
static bool lock = true;

static const char help[] =
	"NAME is 1 to 31 characters of [a-zA-Z0-9._-]. FILE is a regular file or a\n"
	"block device; it is locked against QEMU and other disks until the disk is\n"
	"removed. A VMM attaches through /dev/kvblk/NAME.\n\n"
	"Options:\n"
	"  --read-only           the guest cannot write\n"
	"  --direct              bypass the page cache of the host (default)\n"
	"  --buffered            use it; for files that cannot do direct I/O\n"
	"  --serial TEXT         what the guest reads as serial number, at most 20\n"
	"                        bytes (default: made from NAME)\n"
	"  --block-size SIZE     logical block size, a power of two from 512 to\n"
	"                        4096 (default: the smallest FILE allows)\n"
	"  --queue-size N        largest ring, a power of two from 16 to 1024\n"
	"                        (default: 256)\n"
	"  --queues N            number of queues, 1 to 64 (default: 1)\n"
	"  --capacity SIZE       size of the disk (default: that of FILE)\n"
	"  --owner USER[:GROUP]  owner of /dev/kvblk/NAME, names or numbers\n"
	"                        (default: root; the login group of USER)\n"
	"  --mode MODE           permissions of it, octal (default: 0600)\n"
	"  --no-lock             do not lock FILE, do not claim a block device\n"
	"  --help                show this\n\n"
	SETTINGS_HELP;

static int parse_size(const char *option, const char *text, uint64_t max,
		      uint64_t *value)
{
	if (!parse_number(text, UNIT_BYTES, value) || !*value)
		return usage_error("--%s: '%s' is not a size such as 4096 or 10G",
				   option, text);
	if (*value > max)
		return usage_error("--%s: %s is above %llu", option, text,
				   (unsigned long long)max);
	return CODE_OK;
}

static int parse_u32(const char *option, const char *text, uint32_t *value)
{
	uint64_t wide = 0;
	int code = parse_size(option, text, UINT32_MAX, &wide);

	*value = wide;
	return code;
}

static int parse_queues(const char *text, uint16_t *value)
{
	uint32_t wide = 0;
	int code = parse_count("queues", text, 1, KVBLK_QUEUES_MAX, &wide);

	*value = wide;
	return code;
}

static int set_serial(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > KVBLK_SERIAL_LEN)
		return usage_error("--serial: %zu bytes; 1 to %d are possible",
				   len, KVBLK_SERIAL_LEN);
	memset(spec.serial, 0, sizeof(spec.serial));
	memcpy(spec.serial, text, len);
	return CODE_OK;
}

/* The kernel takes owner and mode together. */
static int set_owner(const char *text)
{
	if (!(spec.hdr.flags & KVBLK_DISK_OWNER))
		spec.mode = 0600;
	spec.hdr.flags |= KVBLK_DISK_OWNER;
	if (!parse_owner(text, &spec.uid, &spec.gid))
		return usage_error("--owner: '%s': no such user or group", text);
	return CODE_OK;
}

static int set_mode(const char *text)
{
	spec.hdr.flags |= KVBLK_DISK_OWNER;
	if (!parse_mode(text, &spec.mode))
		return usage_error("--mode: '%s' is not from 0 to 0777", text);
	return CODE_OK;
}

static int set_option(int opt)
{
	uint64_t capacity = 0;
	int code;

	switch (opt) {
	case OPT_BLOCK_SIZE:
		return parse_u32("block-size", optarg, &spec.block_size);
	case OPT_BUFFERED:
		spec.hdr.flags &= ~KVBLK_DISK_DIRECT;
		return CODE_OK;
	case OPT_CAPACITY:
		code = parse_size("capacity", optarg, INT64_MAX, &capacity);
		spec.capacity = capacity;
		return code;
	case OPT_DIRECT:
		spec.hdr.flags |= KVBLK_DISK_DIRECT;
		return CODE_OK;
	case OPT_MODE:
		return set_mode(optarg);
	case OPT_NO_LOCK:
		lock = false;
		return CODE_OK;
	case OPT_OWNER:
		return set_owner(optarg);
	case OPT_QUEUE_SIZE:
		return parse_u32("queue-size", optarg, &spec.queue_size);
	case OPT_QUEUES:
		return parse_queues(optarg, &spec.queues);
	case OPT_READ_ONLY:
		spec.hdr.flags |= KVBLK_DISK_RO;
		return CODE_OK;
	case OPT_SERIAL:
		return set_serial(optarg);
	}
	return parse_setting(opt, optarg, &set);
}

static int check(char **operand)
{
	int code = check_settings(&set);

	memcpy(spec.limits, set.limits, sizeof(spec.limits));
	spec.workers = set.workers;
	spec.interrupt_count = set.interrupt_count;
	spec.interrupt_usecs = set.interrupt_usecs;
	spec.poll_us = set.poll_us;
	spec.poll_percent = set.poll_percent;
	snprintf(spec.name, KVBLK_NAME_LEN, "%s", operand[0]);
	return code;
}

static int explain(int err, const char *why)
{
	int code = refused(spec.name, err, why);

	if (err == -EOPNOTSUPP && (spec.hdr.flags & KVBLK_DISK_DIRECT))
		complain("for a file that cannot do direct I/O, use --buffered");
	if (err == -EEXIST)
		complain("choose another name, or run 'kvblkctl remove %s' first",
			 spec.name);
	return code;
}

static int run(int ctl, char **operand)
{
	char why[KVBLK_WHY_LEN];
	int err;

	spec.fd = open_backing(operand[1], spec.hdr.flags & KVBLK_DISK_RO, lock);
	if (spec.fd < 0)
		return -spec.fd;
	err = kvblk_disk_add(ctl, &spec, why, sizeof(why));
	close(spec.fd);
	return err ? explain(err, why) : CODE_OK;
}

const struct cmd cmd_add = {
	.name = "add",
	.args = "[OPTION]... NAME FILE",
	.summary = "Make a disk of a file or block device",
	.help = help,
	.options = options,
	.operands = "NAME FILE",
	.nr_operands = 2,
	.option = set_option,
	.check = check,
	.run = run,
};
