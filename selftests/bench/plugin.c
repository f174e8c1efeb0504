// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's emulator (TCG) that counts instructions, those of nested guests
 * apart: VMRUN ends the host's, the return behind it ends the guest's. Where nested
 * guests run, -icount cannot: this counts there.
 *
 *   -plugin file=plugin.so,out=FILE[,profile=PREFIX]
 *
 * mark.c, run inside, adds the line "mark HOST GUEST" to FILE. With profile=, mark 2n
 * writes what ran since mark 2n - 1 to PREFIX.n: "ADDRESS INSTRUCTIONS SIDE".
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin_api.h"

#define CPUS_MAX	64
#define TABLE_SIZE	(1U << 18)

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 1;

static const uint8_t vmrun[] = { 0x0f, 0x01, 0xd8 };
/* prefetchnta 0x6b766c62, which no compiler makes: mark.c executes it. */
static const uint8_t mark[] = { 0x0f, 0x18, 0x04, 0x25, 0x62, 0x6c, 0x76, 0x6b };

/* A piece of code without a branch; kept for ever, as the emulator may. */
struct block {
	struct block *next;
	unsigned long long addr;
	unsigned long long insns;
	bool returns;		/* behind a VMRUN: the host again */
	unsigned long long runs[2];	/* by side, since the last mark */
};

static struct cpu {
	unsigned long long insns[2];	/* host, guest */
	int side;
} __attribute__((aligned(64))) cpus[CPUS_MAX];

static struct block *table[TABLE_SIZE];
static uint64_t return_addr;
static FILE *out;
static const char *profile_name;
static unsigned int marks;

static void on_block(unsigned int index, void *data)
{
	struct cpu *cpu = &cpus[index % CPUS_MAX];
	struct block *b = data;

	if (b->returns)
		cpu->side = 0;
	cpu->insns[cpu->side] += b->insns;
	if (profile_name)
		__atomic_fetch_add(&b->runs[cpu->side], 1, __ATOMIC_RELAXED);
}

static void on_vmrun(unsigned int index, void *data)
{
	(void)data;
	cpus[index % CPUS_MAX].side = 1;
}

static FILE *profile_open(unsigned int nr)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s.%u", profile_name, nr);
	return fopen(name, "w");
}

/* Writes profile @nr, unless 0; clears what was counted. */
static void sweep(unsigned int nr)
{
	static const char * const sides[] = { "host", "guest" };
	FILE *f = nr ? profile_open(nr) : NULL;
	struct block *b;
	unsigned int i, side;

	for (i = 0; i < TABLE_SIZE; i++) {
		for (b = table[i]; b; b = b->next) {
			for (side = 0; side < 2; side++) {
				if (f && b->runs[side])
					fprintf(f, "%llx %llu %s\n", b->addr,
						b->runs[side] * b->insns, sides[side]);
				b->runs[side] = 0;
			}
		}
	}
	if (f)
		fclose(f);
}

static void on_mark(unsigned int index, void *data)
{
	unsigned long long sum[2] = { 0, 0 };
	unsigned int i;

	(void)index;
	(void)data;
	for (i = 0; i < CPUS_MAX; i++) {
		sum[0] += cpus[i].insns[0];
		sum[1] += cpus[i].insns[1];
	}
	fprintf(out, "mark %llu %llu\n", sum[0], sum[1]);
	fflush(out);
	marks++;
	if (profile_name)
		sweep(marks % 2 ? 0 : marks / 2);
}

static bool insn_is(const struct qemu_plugin_insn *insn, const uint8_t *bytes, size_t size)
{
	return qemu_plugin_insn_size(insn) == size &&
	       !memcmp(qemu_plugin_insn_data(insn), bytes, size);
}

static struct block *block_find(uint64_t addr, uint64_t insns)
{
	struct block **at = &table[(addr ^ addr >> 18) % TABLE_SIZE], *b;

	for (b = *at; b; b = b->next) {
		if (b->addr == addr && b->insns == insns)
			return b;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->addr = addr;
	b->insns = insns;
	b->next = *at;
	*at = b;
	return b;
}

/* QEMU translates under a lock of its own: one at a time. */
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct block *b = block_find(qemu_plugin_tb_vaddr(tb), n);
	struct qemu_plugin_insn *insn;

	(void)id;
	b->returns = b->addr == return_addr;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, b);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (insn_is(insn, mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (!insn_is(insn, vmrun, sizeof(vmrun)))
			continue;
		return_addr = qemu_plugin_insn_vaddr(insn) + sizeof(vmrun);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_vmrun, QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
					   char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		if (!strncmp(argv[i], "profile=", 8))
			profile_name = strdup(argv[i] + 8);
	}
	if (!out) {
		fprintf(stderr, "plugin: out=FILE is missing or cannot be written\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
