// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A on standard input and output. The transmitter is never busy: a byte
 * is written to stdout before the guest's OUT instruction ends.
 */
#include <errno.h>
#include <linux/serial_reg.h>
#include <unistd.h>

#include "vmm.h"

#define IER_MASK	(UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | \
			 UART_IER_MSI)
#define IIR_FIFO	0xc0

void serial_init(struct serial *serial, struct vm *vm)
{
	serial->vm = vm;
	serial->mcr = UART_MCR_OUT2;
	pthread_mutex_init(&serial->lock, NULL);
}

static uint8_t serial_reason(const struct serial *serial)
{
	if ((serial->ier & UART_IER_RDI) && serial->rx_count)
		return UART_IIR_RDI;
	if ((serial->ier & UART_IER_THRI) && serial->thr_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void serial_update_line(struct serial *serial)
{
	bool line = serial_reason(serial) != UART_IIR_NO_INT;

	if (line == serial->line)
		return;
	serial->line = line;
	irqchip_set_line(serial->vm, SERIAL_GSI, line);
}

static void serial_push(struct serial *serial, uint8_t byte)
{
	unsigned int tail = serial->rx_head + serial->rx_count;

	if (serial->rx_count == SERIAL_FIFO)
		return;
	serial->rx[tail % SERIAL_FIFO] = byte;
	serial->rx_count++;
}

static uint8_t serial_pop(struct serial *serial)
{
	uint8_t byte;

	if (!serial->rx_count)
		return 0;
	byte = serial->rx[serial->rx_head];
	serial->rx_head = (serial->rx_head + 1) % SERIAL_FIFO;
	serial->rx_count--;
	return byte;
}

/* A console that nobody reads any more must not stop the guest. */
static void serial_transmit(struct serial *serial, uint8_t byte)
{
	ssize_t n;

	if (serial->mcr & UART_MCR_LOOP) {
		serial_push(serial, byte);
	} else {
		do {
			n = write(STDOUT_FILENO, &byte, 1);
		} while (n < 0 && errno == EINTR);
	}
	serial->thr_pending = true;
}

static uint8_t serial_read_iir(struct serial *serial)
{
	uint8_t reason = serial_reason(serial);

	if (reason == UART_IIR_THRI)
		serial->thr_pending = false;
	return reason | (serial->fcr & UART_FCR_ENABLE_FIFO ? IIR_FIFO : 0);
}

static uint8_t serial_read_lsr(const struct serial *serial)
{
	return UART_LSR_TEMT | UART_LSR_THRE |
	       (serial->rx_count ? UART_LSR_DR : 0);
}

/* In loopback, which drivers probe with, outputs appear as inputs. */
static uint8_t serial_read_msr(const struct serial *serial)
{
	uint8_t mcr = serial->mcr;

	if (!(mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	return (mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) |
	       (mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) |
	       (mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

static void serial_write_ier(struct serial *serial, uint8_t value)
{
	/* Enabling it with an empty transmitter raises the interrupt. */
	if (value & ~serial->ier & UART_IER_THRI)
		serial->thr_pending = true;
	serial->ier = value & IER_MASK;
}

static void serial_write_fcr(struct serial *serial, uint8_t value)
{
	serial->fcr = value;
	if (value & UART_FCR_CLEAR_RCVR)
		serial->rx_count = 0;
}

static uint8_t serial_read_reg(struct serial *serial, unsigned int offset)
{
	if ((serial->lcr & UART_LCR_DLAB) && offset <= UART_DLM)
		return serial->divisor[offset];
	switch (offset) {
	case UART_RX:
		return serial_pop(serial);
	case UART_IER:
		return serial->ier;
	case UART_IIR:
		return serial_read_iir(serial);
	case UART_LCR:
		return serial->lcr;
	case UART_MCR:
		return serial->mcr;
	case UART_LSR:
		return serial_read_lsr(serial);
	case UART_MSR:
		return serial_read_msr(serial);
	default:
		return serial->scr;
	}
}

static void serial_write_reg(struct serial *serial, unsigned int offset,
			     uint8_t value)
{
	if ((serial->lcr & UART_LCR_DLAB) && offset <= UART_DLM) {
		serial->divisor[offset] = value;
		return;
	}
	switch (offset) {
	case UART_TX:
		serial_transmit(serial, value);
		break;
	case UART_IER:
		serial_write_ier(serial, value);
		break;
	case UART_FCR:
		serial_write_fcr(serial, value);
		break;
	case UART_LCR:
		serial->lcr = value;
		break;
	case UART_MCR:
		serial->mcr = value;
		break;
	case UART_SCR:
		serial->scr = value;
		break;
	}
}

/*
 * Drivers throw away what came before they were ready. Input stays in stdin
 * until the receive interrupt is on, so that a script in a pipe arrives whole.
 */
static size_t serial_free(const struct serial *serial)
{
	if (!(serial->ier & UART_IER_RDI))
		return 0;
	return SERIAL_FIFO - serial->rx_count;
}

/* The main thread does not listen to stdin while there is no room. */
static void serial_end_access(struct serial *serial, size_t free_before)
{
	serial_update_line(serial);
	if (!free_before && serial_free(serial))
		vm_wake(serial->vm);
}

uint8_t serial_read(struct vm *vm, unsigned int offset)
{
	struct serial *serial = &vm->serial;
	size_t free_before;
	uint8_t value;

	pthread_mutex_lock(&serial->lock);
	free_before = serial_free(serial);
	value = serial_read_reg(serial, offset);
	serial_end_access(serial, free_before);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

void serial_write(struct vm *vm, unsigned int offset, uint8_t value)
{
	struct serial *serial = &vm->serial;
	size_t free_before;

	pthread_mutex_lock(&serial->lock);
	free_before = serial_free(serial);
	serial_write_reg(serial, offset, value);
	serial_end_access(serial, free_before);
	pthread_mutex_unlock(&serial->lock);
}

size_t serial_room(struct serial *serial)
{
	size_t room;

	pthread_mutex_lock(&serial->lock);
	room = serial_free(serial);
	pthread_mutex_unlock(&serial->lock);
	return room;
}

void serial_receive(struct serial *serial, const uint8_t *data, size_t len)
{
	size_t i;

	pthread_mutex_lock(&serial->lock);
	for (i = 0; i < len; i++)
		serial_push(serial, data[i]);
	serial_update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}
