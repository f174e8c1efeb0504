// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of exits to user space, reported as lines of key=value words that
 * awk as well as people can read.
 */
#include <ctype.h>
#include <string.h>

#include "vmm.h"

static const char * const exit_names[EXIT_NR] = {
	[EXIT_MMIO]	= "mmio",
	[EXIT_PIO]	= "pio",
	[EXIT_HLT]	= "hlt",
	[EXIT_EOI]	= "eoi",
	[EXIT_INTERRUPTED]	= "interrupted",
	[EXIT_OTHER]	= "other",
};

static const char * const reg_names[REG_NR] = {
	[REG_SETUP]	= "setup",
	[REG_NOTIFY]	= "notify",
	[REG_ACK]	= "ack",
	[REG_CONFIG]	= "config",
};

int stats_open(struct stats *stats, const char *path)
{
	if (!path)
		stats->out = stderr;
	else if (!strcmp(path, "-"))
		stats->out = stdout;
	else
		stats->out = fopen(path, "we");
	if (!stats->out)
		return fail("--stats: cannot write %s: %m", path);
	return 0;
}

void stats_close(struct stats *stats)
{
	if (stats->out && stats->out != stderr && stats->out != stdout)
		fclose(stats->out);
}

static void stats_print(FILE *out, const char *prefix,
			const char * const *names, atomic_ulong *counters,
			unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		fprintf(out, " %s%s=%lu", prefix, names[i],
			atomic_load_explicit(&counters[i],
					     memory_order_relaxed));
}

void stats_report(struct vm *vm, const char *when)
{
	FILE *out = vm->stats.out;
	unsigned int i;

	flockfile(out);
	fprintf(out, "kvblk-vmm: %s exits", when);
	stats_print(out, "", exit_names, vm->stats.exits, EXIT_NR);
	fputc('\n', out);
	for (i = 0; i < vm->nr_disks; i++) {
		struct disk *disk = &vm->disks[i];

		fprintf(out, "kvblk-vmm: %s disk=%s", when, disk->name);
		stats_print(out, "read_", reg_names, disk->reads, REG_NR);
		stats_print(out, "write_", reg_names, disk->writes, REG_NR);
		fputc('\n', out);
	}
	fflush(out);
	funlockfile(out);
}

/* The guest brackets a phase of its work: `printf 1 | dd of=/dev/port ...` */
void stats_mark(struct vm *vm, uint8_t value)
{
	char when[16];

	if (isgraph(value))
		snprintf(when, sizeof(when), "mark=%c", value);
	else
		snprintf(when, sizeof(when), "mark=0x%02x", value);
	stats_report(vm, when);
}
