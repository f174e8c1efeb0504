// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of kvblk-vmm's IOAPIC, driven through its registers as a guest
 * does it: one line "ok NAME" or "not ok NAME" for each, a line "# ..." for
 * each wrong expectation. KVM is what this file notes down.
 */
#include <string.h>

#include "vmm.h"

#define PIN		16
#define MASKED		(1U << 16)
#define LEVEL		(1U << 15)
#define REMOTE_IRR	(1U << 14)
#define LOGICAL		(1U << 11)
#define VECTOR		0x51

static struct vm vm;
static struct irq_routes routes;
static unsigned int nr_set;		/* calls that set the routes */
static unsigned int nr_signals[IOAPIC_PINS];
static uint32_t disk_lines;
static int wrong;

int irqchip_set_routes(struct vm *unused, struct irq_routes *set)
{
	routes = *set;
	nr_set++;
	return 0;
}

void irqchip_signal(struct vm *unused, uint32_t gsi, bool level)
{
	nr_signals[gsi] += level;
}

bool disk_line(const struct vm *unused, uint32_t gsi)
{
	return disk_lines >> gsi & 1;
}

void vm_stop(struct vm *unused, int status)
{
}

static void expect(uint64_t got, uint64_t want, const char *what)
{
	if (got == want)
		return;
	wrong++;
	printf("# %s: 0x%llx, not 0x%llx\n", what, (unsigned long long)got,
	       (unsigned long long)want);
}

static void reset(void)
{
	memset(&vm, 0, sizeof(vm));
	memset(&routes, 0, sizeof(routes));
	memset(nr_signals, 0, sizeof(nr_signals));
	nr_set = 0;
	disk_lines = 0;
	memset(&vm.serial, 0xff, sizeof(vm.serial));
	ioapic_init(&vm.ioapic, &vm);
}

static uint32_t reg_read(uint8_t index)
{
	uint32_t select = index, value;

	ioapic_mmio(&vm.ioapic, GPA_IOAPIC, &select, 4, true);
	ioapic_mmio(&vm.ioapic, GPA_IOAPIC + 0x10, &value, 4, false);
	return value;
}

static void reg_write(uint8_t index, uint32_t value)
{
	uint32_t select = index;

	ioapic_mmio(&vm.ioapic, GPA_IOAPIC, &select, 4, true);
	ioapic_mmio(&vm.ioapic, GPA_IOAPIC + 0x10, &value, 4, true);
}

/* The low half of PIN's entry, which holds all but the destination. */
static void pin_write(uint32_t low)
{
	reg_write(0x10 + 2 * PIN, low);
}

static void test_registers(void)
{
	unsigned int pin;

	expect(reg_read(1), 0x20 | (IOAPIC_PINS - 1) << 16, "version");
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		expect(reg_read(0x10 + 2 * pin), MASKED, "entry at first");
	reg_write(0, 0xffffffff);
	expect(reg_read(0), 0x0f000000, "identification");
	pin_write(0xffffffff);
	expect(reg_read(0x10 + 2 * PIN), 0x1afff, "bits that can be written");
	reg_write(0x11 + 2 * PIN, 0xffffffff);
	expect(reg_read(0x11 + 2 * PIN), 0xff000000, "destination");
	expect(reg_read(0x10 + 2 * IOAPIC_PINS), 0, "entry after the last");
	expect(nr_set, 0, "routes of masked pins");
}

static const struct {
	uint32_t low;
	uint8_t dest;
	uint32_t address;
	uint32_t data;
} messages[] = {
	{ VECTOR, 0, 0xfee00000, VECTOR },
	{ VECTOR, 63, 0xfee3f000, VECTOR },
	{ VECTOR | LOGICAL, 0xff, 0xfeeff004, VECTOR },
	{ VECTOR | LEVEL, 1, 0xfee01000, VECTOR | LEVEL },
	{ 0xfe | 1 << 8 | LOGICAL, 2, 0xfee02004, 0x1fe },	/* lowest */
	{ 4 << 8, 3, 0xfee03000, 0x400 },			/* NMI */
};

static void test_message(void)
{
	size_t i;

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		reset();
		reg_write(0x11 + 2 * PIN, (uint32_t)messages[i].dest << 24);
		pin_write(messages[i].low);
		expect(routes.head.nr, 1, "number of routes");
		expect(routes.entries[0].gsi, PIN, "gsi");
		expect(routes.entries[0].type, KVM_IRQ_ROUTING_MSI, "type");
		expect(routes.entries[0].u.msi.address_lo, messages[i].address,
		       "address");
		expect(routes.entries[0].u.msi.data, messages[i].data, "data");
	}
}

static void test_changes(void)
{
	pin_write(VECTOR | MASKED);
	reg_write(0x11 + 2 * PIN, 1 << 24);
	expect(nr_set, 0, "while masked");
	pin_write(VECTOR);
	expect(nr_set, 1, "unmasked");
	pin_write(VECTOR);
	expect(nr_set, 1, "the same again");
	reg_write(0x11 + 2 * PIN, 2 << 24);
	expect(nr_set, 2, "another destination");
	reg_write(0x10, 0x30);
	expect(routes.head.nr, 2, "two pins");
	pin_write(VECTOR | MASKED);
	expect(routes.head.nr, 1, "one of them masked");
	expect(routes.entries[0].gsi, 0, "the other stays");
}

static void test_edge(void)
{
	ioapic_set_line(&vm.ioapic, PIN, true);
	expect(nr_signals[PIN], 0, "masked");
	pin_write(VECTOR);
	expect(nr_signals[PIN], 1, "unmasked while the line is up");
	ioapic_set_line(&vm.ioapic, PIN, true);
	expect(nr_signals[PIN], 1, "up already");
	ioapic_set_line(&vm.ioapic, PIN, false);
	ioapic_set_line(&vm.ioapic, PIN, true);
	expect(nr_signals[PIN], 2, "down and up");
	expect(reg_read(0x10 + 2 * PIN), VECTOR, "remote IRR");
}

static void test_disk(void)
{
	pin_write(VECTOR);
	expect(nr_signals[PIN], 0, "idle");
	pin_write(VECTOR | MASKED);
	disk_lines = 1U << PIN;
	pin_write(VECTOR);
	expect(nr_signals[PIN], 1, "signalled while the pin was masked");
}

static void test_level(void)
{
	uint32_t eoi = VECTOR;

	pin_write(VECTOR | LEVEL);
	ioapic_set_line(&vm.ioapic, PIN, true);
	expect(nr_signals[PIN], 1, "up");
	expect(reg_read(0x10 + 2 * PIN), VECTOR | LEVEL | REMOTE_IRR,
	       "in service");
	reg_write(0x11 + 2 * PIN, 1 << 24);
	pin_write(VECTOR | LEVEL);
	expect(reg_read(0x10 + 2 * PIN), VECTOR | LEVEL | REMOTE_IRR,
	       "in service after a write");
	ioapic_set_line(&vm.ioapic, PIN, false);
	ioapic_set_line(&vm.ioapic, PIN, true);
	ioapic_eoi(&vm.ioapic, VECTOR + 1);
	expect(nr_signals[PIN], 1, "up again before the end");
	ioapic_eoi(&vm.ioapic, VECTOR);
	expect(nr_signals[PIN], 2, "still up at the end");
	ioapic_set_line(&vm.ioapic, PIN, false);
	ioapic_mmio(&vm.ioapic, GPA_IOAPIC + 0x40, &eoi, 4, true);
	expect(nr_signals[PIN], 2, "down at the end");
	expect(reg_read(0x10 + 2 * PIN), VECTOR | LEVEL, "out of service");
}

/* Nobody tells of the end while the pin is masked. */
static void test_level_masked(void)
{
	pin_write(VECTOR | LEVEL);
	ioapic_set_line(&vm.ioapic, PIN, true);
	pin_write(VECTOR | LEVEL | MASKED);
	expect(reg_read(0x10 + 2 * PIN), VECTOR | LEVEL | MASKED,
	       "out of service");
	ioapic_set_line(&vm.ioapic, PIN, false);
	ioapic_set_line(&vm.ioapic, PIN, true);
	expect(nr_signals[PIN], 1, "masked");
	pin_write(VECTOR | LEVEL);
	expect(nr_signals[PIN], 2, "unmasked while the line is up");
}

/* Any index and any access that KVM passes on; the sanitizers judge. */
static void test_any_access(void)
{
	uint64_t value = 0xa5a5a5a5a5a5a5a5;
	struct serial behind = vm.serial;
	uint32_t index, len;
	uint64_t offset;

	for (index = 0; index < 0x100; index++)
		reg_write(index, 0xa5a5a5a5);
	for (offset = 0; offset < IOAPIC_SIZE; offset++) {
		for (len = 1; len <= 8; len *= 2) {
			ioapic_mmio(&vm.ioapic, GPA_IOAPIC + offset, &value,
				    len, true);
			ioapic_mmio(&vm.ioapic, GPA_IOAPIC + offset, &value,
				    len, false);
		}
	}
	expect(memcmp(&vm.serial, &behind, sizeof(behind)), 0,
	       "what lies behind the table");
	expect(ioapic_claims(&vm.ioapic, GPA_IOAPIC - 1), false, "before");
	expect(ioapic_claims(&vm.ioapic, GPA_IOAPIC), true, "first");
	expect(ioapic_claims(&vm.ioapic, GPA_IOAPIC + IOAPIC_SIZE), false,
	       "behind");
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "registers", test_registers },
	{ "an entry is a message", test_message },
	{ "routes follow what matters", test_changes },
	{ "edge-triggered pin", test_edge },
	{ "disk that signals a masked pin", test_disk },
	{ "level-triggered pin", test_level },
	{ "level-triggered pin masked in service", test_level_masked },
	{ "any access", test_any_access },
};

int main(void)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		reset();
		wrong = 0;
		tests[i].run();
		printf("%sok ioapic: %s\n", wrong ? "not " : "", tests[i].name);
		failed |= wrong;
	}
	return failed ? 1 : 0;
}
