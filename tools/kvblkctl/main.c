// SPDX-License-Identifier: GPL-2.0
/* kvblkctl: make, change, list and remove kvblk disks. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

static const struct cmd * const cmds[] = {
	&cmd_add,
	&cmd_remove,
	&cmd_set,
	&cmd_list,
	&cmd_show,
	&cmd_stats,
	&cmd_attach,
	&cmd_detach,
	&cmd_pause,
	&cmd_resume,
};

#define CMDS_NR	(sizeof(cmds) / sizeof(cmds[0]))

/* NULL before the first word of the command line is understood. */
static const struct cmd *current;

static int print_overview(void)
{
	size_t i;

	puts("Usage: kvblkctl COMMAND [ARGUMENT]...\n\n"
	     "Manage the disks that kvblk serves to KVM guests.\n\n"
	     "Commands:");
	for (i = 0; i < CMDS_NR; i++)
		printf("  %-8s%s\n", cmds[i]->name, cmds[i]->summary);
	puts("\n"
	     "  --help      show this, or the options of a command\n"
	     "  --version   show the version\n\n"
	     "Exit codes: 0 done, 1 the kernel or the system refused, 2 wrong\n"
	     "usage, 3 no such disk, 4 the module is not loaded.");
	return CODE_OK;
}

static int print_help(void)
{
	if (!current)
		return print_overview();
	printf("Usage: kvblkctl %s %s\n\n%s.\n\n%s", current->name,
	       current->args, current->summary, current->help);
	return CODE_OK;
}

static void vcomplain(const char *format, va_list args)
{
	fprintf(stderr, "kvblkctl%s%s: ", current ? " " : "",
		current ? current->name : "");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vcomplain(format, args);
	va_end(args);
}

int usage_hint(void)
{
	fprintf(stderr, "Try 'kvblkctl %s%s--help'.\n",
		current ? current->name : "", current ? " " : "");
	return CODE_USAGE;
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vcomplain(format, args);
	va_end(args);
	return usage_hint();
}

static const struct cmd *find_cmd(const char *name)
{
	size_t i;

	for (i = 0; i < CMDS_NR; i++)
		if (!strcmp(cmds[i]->name, name))
			return cmds[i];
	return NULL;
}

static int check_operands(int argc, char **argv)
{
	int count = current->nr_operands;

	if (argc - optind < count)
		return usage_error("%s: missing", current->operands);
	if (argc - optind > count)
		return usage_error("'%s': one argument too many", argv[optind + count]);
	if (count && strlen(argv[optind]) >= KVBLK_NAME_LEN)
		return usage_error("NAME: '%s' has more than %d characters",
				   argv[optind], KVBLK_NAME_LEN - 1);
	return CODE_OK;
}

static int run_current(int argc, char **argv)
{
	int opt, ctl, code;

	while ((opt = getopt_long(argc, argv, "h", current->options, NULL)) != -1) {
		if (opt == 'h')
			return print_help();
		code = opt == '?' ? usage_hint() : current->option(opt);
		if (code)
			return code;
	}
	code = check_operands(argc, argv);
	if (!code && current->check)
		code = current->check(argv + optind);
	if (code)
		return code;
	ctl = open_control();
	if (ctl < 0)
		return -ctl;
	code = current->run(ctl, argv + optind);
	close(ctl);
	return code;
}

static int run(int argc, char **argv)
{
	char title[32];

	if (argc < 2)
		return usage_error("a command is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return print_help();
	if (!strcmp(argv[1], "--version")) {
		puts("kvblkctl " KVBLK_VERSION);
		return CODE_OK;
	}
	current = find_cmd(argv[1]);
	if (!current)
		return usage_error("'%s' is not a command", argv[1]);

	/* getopt() begins its messages with this. */
	snprintf(title, sizeof(title), "kvblkctl %s", current->name);
	argv[1] = title;
	return run_current(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	if ((fflush(stdout) || ferror(stdout)) && code == CODE_OK) {
		complain("cannot write the output: %m");
		code = CODE_REFUSED;
	}
	return code;
}
