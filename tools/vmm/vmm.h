/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kvblk-vmm: a small virtual machine monitor with kvblk disks.
 *
 * It has what a stock kernel needs to run and nothing else: memory, vCPUs,
 * interrupt controllers, a serial console, ACPI tables, disks.
 */
#ifndef KVBLK_VMM_H
#define KVBLK_VMM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <kvblk.h>

/*
 * Guest physical addresses. Memory fills 0 to 3 GiB and goes on at 4 GiB; the
 * gap holds the disks' register windows and the interrupt controllers.
 */
#define GPA_GDT			0x00000500
#define GPA_BOOT_PARAMS		0x00007000
#define GPA_PAGE_TABLES		0x00009000
#define GPA_CMDLINE		0x00020000
#define GPA_LOW_END		0x0009fc00
#define GPA_ACPI		0x000e0000
#define GPA_ACPI_END		0x00100000
#define GPA_GAP			0xc0000000
#define GPA_DISK		0xd0000000
#define GPA_IOAPIC		0xfec00000
#define GPA_LAPIC		0xfee00000
#define GPA_IDENTITY_MAP	0xfffbc000
#define GPA_TSS			0xfffbd000
#define GPA_4G			0x100000000ULL

/* I/O ports, besides those that KVM serves itself. */
#define PORT_KBD		0x64	/* writing KBD_RESET resets */
#define PORT_EXIT		0xf4	/* ends with the status written */
#define PORT_MARK		0xf8	/* reports the counters */
#define PORT_SERIAL		0x3f8
#define PORT_SLEEP		0x600	/* ACPI sleep control, sleep status */

#define KBD_RESET		0xfe

#define IOAPIC_PINS		24
#define IOAPIC_SIZE		0x1000
#define SERIAL_GSI		4

#define VCPUS_MAX		64
#define DISKS_MAX		19	/* IOAPIC pins that are free */
#define MEM_MIN			(64ULL << 20)

/* stats.c: counters */

enum exit_kind {
	EXIT_MMIO,
	EXIT_PIO,
	EXIT_HLT,
	EXIT_EOI,
	EXIT_INTERRUPTED,
	EXIT_OTHER,
	EXIT_NR,
};

/* Registers of virtio-mmio as far as their exits have different reasons. */
enum reg_class {
	REG_SETUP,
	REG_NOTIFY,
	REG_ACK,
	REG_CONFIG,
	REG_NR,
};

struct stats {
	FILE *out;
	atomic_ulong exits[EXIT_NR];
};

struct vm;

int stats_open(struct stats *stats, const char *path);
void stats_report(struct vm *vm, const char *when);
void stats_mark(struct vm *vm, uint8_t value);
void stats_close(struct stats *stats);

static inline void stats_count(atomic_ulong *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* serial.c: the console */

#define SERIAL_FIFO	64

struct serial {
	struct vm *vm;
	pthread_mutex_t lock;	/* protects all that follows */
	uint8_t ier;
	uint8_t fcr;
	uint8_t lcr;
	uint8_t mcr;
	uint8_t scr;
	uint8_t divisor[2];
	bool thr_pending;
	bool line;
	unsigned int rx_head;
	unsigned int rx_count;
	uint8_t rx[SERIAL_FIFO];
};

void serial_init(struct serial *serial, struct vm *vm);
uint8_t serial_read(struct vm *vm, unsigned int offset);
void serial_write(struct vm *vm, unsigned int offset, uint8_t value);
size_t serial_room(struct serial *serial);
void serial_receive(struct serial *serial, const uint8_t *data, size_t len);

/* disk.c: kvblk disks */

struct disk {
	const char *name;
	struct kvblk_dev *dev;
	uint64_t gpa;
	uint32_t gsi;
	atomic_ulong reads[REG_NR];
	atomic_ulong writes[REG_NR];
};

int disk_open(struct vm *vm, const char *name);
void disk_mmio(struct vm *vm, uint64_t gpa, void *data, uint32_t len,
	       bool is_write);
bool disk_line(const struct vm *vm, uint32_t gsi);
void disk_close(struct disk *disk);

/* irqchip.c: interrupt controllers */

enum irqchip {
	IRQCHIP_SPLIT,		/* IOAPIC in ioapic.c */
	IRQCHIP_KERNEL,		/* IOAPIC in KVM */
	IRQCHIP_NR,
};

/* What KVM_SET_GSI_ROUTING takes. */
struct irq_routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[IOAPIC_PINS];
};

int irqchip_parse(const char *text, enum irqchip *irqchip);
int irqchip_create(struct vm *vm);
int irqchip_set_routes(struct vm *vm, struct irq_routes *routes);
void irqchip_signal(struct vm *vm, uint32_t gsi, bool level);
void irqchip_set_line(struct vm *vm, uint32_t gsi, bool level);

/* ioapic.c: the IOAPIC of a split irqchip */

struct ioapic {
	struct vm *vm;
	pthread_mutex_t lock;	/* protects all that follows */
	uint8_t index;
	uint32_t id;
	uint32_t lines;		/* of pins that ioapic_set_line() drives */
	uint64_t table[IOAPIC_PINS];
};

void ioapic_init(struct ioapic *ioapic, struct vm *vm);
bool ioapic_claims(const struct ioapic *ioapic, uint64_t gpa);
void ioapic_mmio(struct ioapic *ioapic, uint64_t gpa, void *data, uint32_t len,
		 bool is_write);
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);
void ioapic_set_line(struct ioapic *ioapic, unsigned int pin, bool level);

/* vcpu.c: virtual processors */

struct vcpu {
	struct vm *vm;
	struct kvm_run *run;
	pthread_t thread;
	unsigned int id;
	int fd;
	bool started;
};

int vcpu_create(struct vm *vm, unsigned int id);
int vcpu_set_up(struct vcpu *vcpu);
int vcpu_set_entry(struct vcpu *vcpu, uint64_t rip);
int vcpu_start(struct vcpu *vcpu);
void vcpu_kick(struct vcpu *vcpu);
void vcpu_close(struct vcpu *vcpu);

/* cpuid.c: what the vCPUs claim to be */

int cpuid_set(struct vcpu *vcpu);

/* port.c: I/O ports */

void port_access(struct vm *vm, struct kvm_run *run);

/* vm.c: the machine */

#define VM_RUNNING	(-1)
#define VM_REGIONS	2

struct vm {
	int kvm_fd;
	int fd;
	int wake_fd;		/* the main thread looks around */
	size_t run_size;
	atomic_int status;	/* VM_RUNNING, then the exit status */

	/* Constant once the vCPUs run. */
	enum irqchip irqchip;
	bool pin;		/* guest memory, once for each disk */
	struct kvblk_region regions[VM_REGIONS];
	unsigned int nr_regions;
	unsigned int nr_vcpus;
	unsigned int nr_disks;
	struct vcpu vcpus[VCPUS_MAX];
	struct disk disks[DISKS_MAX];

	struct ioapic ioapic;
	struct serial serial;
	struct stats stats;
};

int vm_create(struct vm *vm, uint64_t mem_size, unsigned int nr_vcpus,
	      enum irqchip irqchip);
void vm_close(struct vm *vm);
void *vm_memory(const struct vm *vm, uint64_t gpa, uint64_t len);
int vm_start(struct vm *vm);
void vm_join(struct vm *vm);
void vm_wake(struct vm *vm);
void vm_stop(struct vm *vm, int status);

static inline bool vm_running(struct vm *vm)
{
	return atomic_load(&vm->status) == VM_RUNNING;
}

/* boot.c: the kernel */

struct boot_files {
	const char *kernel;
	const char *initrd;
	const char *cmdline;
};

int boot_load(struct vm *vm, const struct boot_files *files, uint64_t *entry);

/* acpi.c: tables that tell the guest what there is */

int acpi_build(struct vm *vm, uint64_t *rsdp);

/* console.c: the terminal */

int console_open(void);
int console_run(struct vm *vm);
void console_close(void);

/* main.c */

/* Prints a line on stderr and returns -1. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* KVBLK_VMM_H */
