// SPDX-License-Identifier: GPL-2.0
/* kvblk-vmm: command line, order of set-up, exit status. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm.h"

#define STATUS_FAILED	1
#define STATUS_USAGE	2

/* A panic ends the guest instead of leaving it at a dead console. */
#define CMDLINE_DEFAULT	"console=ttyS0 reboot=k panic=-1"
#define MEM_DEFAULT	(512ULL << 20)
#define MEM_MAX		(1ULL << 40)

struct options {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
	const char *stats;
	const char *disks[DISKS_MAX];
	unsigned int nr_disks;
	unsigned int cpus;
	uint64_t mem;
	bool pin;
	enum irqchip irqchip;
};

static const char usage_text[] =
"Usage: kvblk-vmm --kernel FILE [OPTION]...\n"
"Boot a Linux kernel in a virtual machine with kvblk disks.\n"
"\n"
"  -k, --kernel FILE    bzImage to boot\n"
"  -i, --initrd FILE    initial RAM disk\n"
"  -a, --cmdline STR    appended to \"" CMDLINE_DEFAULT "\"\n"
"  -c, --cpus N         virtual processors (1)\n"
"  -m, --mem SIZE       memory, with suffix M or G (512M)\n"
"  -d, --disk NAME      kvblk disk, once for each (vda, vdb, ...)\n"
"  -p, --pin            keep the guest's memory in memory: faster disks\n"
"  -I, --irqchip KIND   IOAPIC: split (in kvblk-vmm) or kernel (split)\n"
"  -s, --stats FILE     write counters to FILE, or - for stdout (stderr)\n"
"  -h, --help           print this\n"
"\n"
"The console is on stdin and stdout; Ctrl-A x ends. The exit status is 0 when\n"
"the guest switches off or reboots, else what it writes to I/O port 0xf4.\n"
"A byte written to port 0xf8 prints the counters. See kvblk-vmm(1).\n";

static const struct option long_options[] = {
	{ "kernel",	required_argument,	NULL, 'k' },
	{ "initrd",	required_argument,	NULL, 'i' },
	{ "cmdline",	required_argument,	NULL, 'a' },
	{ "cpus",	required_argument,	NULL, 'c' },
	{ "mem",	required_argument,	NULL, 'm' },
	{ "disk",	required_argument,	NULL, 'd' },
	{ "pin",	no_argument,		NULL, 'p' },
	{ "irqchip",	required_argument,	NULL, 'I' },
	{ "stats",	required_argument,	NULL, 's' },
	{ "help",	no_argument,		NULL, 'h' },
	{ },
};

int fail(const char *fmt, ...)
{
	va_list args;
	int err = errno;

	flockfile(stderr);
	fputs("kvblk-vmm: ", stderr);
	va_start(args, fmt);
	errno = err;
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
	return -1;
}

static int parse_cpus(struct options *opts, const char *text)
{
	char *end;
	unsigned long n;

	n = strtoul(text, &end, 10);
	if (end == text || *end || n < 1 || n > VCPUS_MAX)
		return fail("--cpus %s: not a number from 1 to %d", text,
			    VCPUS_MAX);
	opts->cpus = n;
	return 0;
}

static int parse_mem(struct options *opts, const char *text)
{
	unsigned int shift = 0;
	unsigned long long n;
	char *end;

	n = strtoull(text, &end, 10);
	if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (end == text || !shift || end[1])
		return fail("--mem %s: not a number with suffix M or G", text);
	if (n < MEM_MIN >> shift || n > MEM_MAX >> shift)
		return fail("--mem %s: not from %lluM to %lluG", text,
			    MEM_MIN >> 20, MEM_MAX >> 30);
	opts->mem = n << shift;
	return 0;
}

static int parse_disk(struct options *opts, const char *name)
{
	if (opts->nr_disks == DISKS_MAX)
		return fail("--disk %s: at most %d disks", name, DISKS_MAX);
	opts->disks[opts->nr_disks++] = name;
	return 0;
}

static int parse_option(struct options *opts, int option)
{
	switch (option) {
	case 'k':
		opts->kernel = optarg;
		return 0;
	case 'i':
		opts->initrd = optarg;
		return 0;
	case 'a':
		opts->cmdline = optarg;
		return 0;
	case 'c':
		return parse_cpus(opts, optarg);
	case 'm':
		return parse_mem(opts, optarg);
	case 'd':
		return parse_disk(opts, optarg);
	case 'p':
		opts->pin = true;
		return 0;
	case 'I':
		return irqchip_parse(optarg, &opts->irqchip);
	case 's':
		opts->stats = optarg;
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		exit(0);
	default:
		return -1;
	}
}

static int parse_options(struct options *opts, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "k:i:a:c:m:d:pI:s:h",
				     long_options, NULL)) >= 0) {
		if (parse_option(opts, option))
			return -1;
	}
	if (optind < argc)
		return fail("unexpected argument '%s'", argv[optind]);
	return opts->kernel ? 0 : fail("--kernel is missing; try --help");
}

/* Descriptors 0 to 2 must not become guest files when they come in closed. */
static int open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return fail("/dev/null: %m");
	close(fd);
	return 0;
}

static int load_guest(struct vm *vm, const struct options *opts)
{
	struct boot_files files = {
		.kernel = opts->kernel,
		.initrd = opts->initrd,
	};
	char *cmdline;
	uint64_t entry;
	int err;

	if (asprintf(&cmdline, CMDLINE_DEFAULT " %s", opts->cmdline) < 0)
		return fail("out of memory");
	files.cmdline = cmdline;
	err = boot_load(vm, &files, &entry);
	free(cmdline);
	return err ? -1 : vcpu_set_entry(&vm->vcpus[0], entry);
}

static int set_up(struct vm *vm, const struct options *opts)
{
	unsigned int i;

	if (vm_create(vm, opts->mem, opts->cpus, opts->irqchip) ||
	    stats_open(&vm->stats, opts->stats))
		return -1;
	vm->pin = opts->pin;
	for (i = 0; i < opts->nr_disks; i++) {
		if (disk_open(vm, opts->disks[i]))
			return -1;
	}
	return load_guest(vm, opts);
}

static int run(struct vm *vm)
{
	int status = STATUS_FAILED;

	if (console_open() == 0) {
		if (vm_start(vm))
			vm_stop(vm, STATUS_FAILED);
		status = console_run(vm);
		vm_join(vm);
	}
	console_close();
	stats_report(vm, "end");
	return status;
}

int main(int argc, char **argv)
{
	static struct vm vm;
	struct options opts = {
		.cmdline = "",
		.cpus = 1,
		.mem = MEM_DEFAULT,
		.irqchip = IRQCHIP_SPLIT,
	};
	int status = STATUS_FAILED;

	if (parse_options(&opts, argc, argv))
		return STATUS_USAGE;
	if (open_standard_files())
		return STATUS_FAILED;
	if (!set_up(&vm, &opts))
		status = run(&vm);
	vm_close(&vm);
	stats_close(&vm.stats);
	return status;
}
