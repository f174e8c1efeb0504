// SPDX-License-Identifier: GPL-2.0
/* I/O ports: the serial console, ways to end, and the marker. */
#include <linux/kvm.h>

#include "vmm.h"

#define SLEEP_ENABLE	(1 << 5)	/* ACPI 6.5, 4.8.3.7 sleep control */

struct port {
	uint16_t first;
	uint16_t count;
	uint8_t (*read)(struct vm *vm, unsigned int offset);
	void (*write)(struct vm *vm, unsigned int offset, uint8_t value);
};

/* Status 0 says that the controller can take a command. */
static uint8_t port_read_zero(struct vm *vm, unsigned int offset)
{
	return 0;
}

static void port_write_kbd(struct vm *vm, unsigned int offset, uint8_t value)
{
	if (value == KBD_RESET)
		vm_stop(vm, 0);
}

static void port_write_exit(struct vm *vm, unsigned int offset, uint8_t value)
{
	vm_stop(vm, value);
}

static void port_write_mark(struct vm *vm, unsigned int offset, uint8_t value)
{
	stats_mark(vm, value);
}

/* The only sleeping state on offer is S5. */
static void port_write_sleep(struct vm *vm, unsigned int offset, uint8_t value)
{
	if (offset == 0 && (value & SLEEP_ENABLE))
		vm_stop(vm, 0);
}

static const struct port ports[] = {
	{ PORT_KBD,	1, port_read_zero,	port_write_kbd },
	{ PORT_EXIT,	1, port_read_zero,	port_write_exit },
	{ PORT_MARK,	1, port_read_zero,	port_write_mark },
	{ PORT_SERIAL,	8, serial_read,		serial_write },
	{ PORT_SLEEP,	2, port_read_zero,	port_write_sleep },
};

static const struct port *port_find(unsigned int number)
{
	const struct port *port;

	for (port = ports; port < ports + sizeof(ports) / sizeof(*ports);
	     port++) {
		if (number >= port->first && number - port->first < port->count)
			return port;
	}
	return NULL;
}

static void port_access_byte(struct vm *vm, unsigned int number, uint8_t *byte,
			     bool is_write)
{
	const struct port *port = port_find(number);

	if (!port && !is_write)
		*byte = 0xff;
	else if (port && is_write)
		port->write(vm, number - port->first, *byte);
	else if (port)
		*byte = port->read(vm, number - port->first);
}

void port_access(struct vm *vm, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	bool is_write = run->io.direction == KVM_EXIT_IO_OUT;
	uint32_t i, byte;

	for (i = 0; i < run->io.count; i++) {
		for (byte = 0; byte < run->io.size; byte++)
			port_access_byte(vm, run->io.port + byte, data++,
					 is_write);
	}
}
