// SPDX-License-Identifier: GPL-2.0
/* The terminal, and what the main thread waits for while the guest runs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "vmm.h"

#define ESCAPE		0x01	/* Ctrl-A, as other monitors have it */
#define ESCAPE_QUIT	'x'

enum { POLL_SIGNAL, POLL_WAKE, POLL_STDIN, POLL_NR };

static struct {
	int signal_fd;
	bool is_tty;
	bool escaped;
	bool at_end;
	struct termios saved;
} console = { .signal_fd = -1 };

static int console_open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	console.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return console.signal_fd < 0 ? fail("signalfd: %m") : 0;
}

/* Output keeps its processing: the VMM's own lines end with \n alone. */
static void console_set_raw(void)
{
	struct termios raw = console.saved;

	cfmakeraw(&raw);
	raw.c_oflag = console.saved.c_oflag;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Threads that are made later inherit the blocked signals. */
int console_open(void)
{
	if (console_open_signals())
		return -1;
	console.is_tty = !tcgetattr(STDIN_FILENO, &console.saved);
	if (console.is_tty) {
		console_set_raw();
		fputs("kvblk-vmm: Ctrl-A x ends, Ctrl-A Ctrl-A sends Ctrl-A\n",
		      stderr);
	}
	return 0;
}

void console_close(void)
{
	if (console.is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &console.saved);
	if (console.signal_fd >= 0)
		close(console.signal_fd);
}

/* Returns whether the byte is for the guest. */
static bool console_filter(struct vm *vm, uint8_t byte)
{
	bool escaped = console.escaped;

	if (!console.is_tty)
		return true;
	console.escaped = !escaped && byte == ESCAPE;
	if (escaped && byte == ESCAPE_QUIT)
		vm_stop(vm, 0);
	return !console.escaped && (!escaped || byte == ESCAPE);
}

/* A guest that does not listen must not keep a terminal's escape from us. */
static size_t console_room(struct vm *vm)
{
	return console.is_tty ? SERIAL_FIFO : serial_room(&vm->serial);
}

static void console_input(struct vm *vm)
{
	size_t room = console_room(vm);
	uint8_t data[SERIAL_FIFO];
	size_t kept = 0;
	ssize_t i, n;

	if (!room)
		return;
	n = read(STDIN_FILENO, data, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	console.at_end = n <= 0;
	for (i = 0; i < n; i++) {
		if (console_filter(vm, data[i]))
			data[kept++] = data[i];
	}
	serial_receive(&vm->serial, data, kept);
}

static void console_signal(struct vm *vm)
{
	struct signalfd_siginfo info;

	if (read(console.signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	fail("ended by signal %u", info.ssi_signo);
	vm_stop(vm, 128 + info.ssi_signo);
}

static int console_poll(struct vm *vm, struct pollfd *fds)
{
	bool listen = !console.at_end && console_room(vm);
	eventfd_t count;

	fds[POLL_SIGNAL] = (struct pollfd) { console.signal_fd, POLLIN, 0 };
	fds[POLL_WAKE] = (struct pollfd) { vm->wake_fd, POLLIN, 0 };
	fds[POLL_STDIN] = (struct pollfd) { listen ? STDIN_FILENO : -1,
					    POLLIN, 0 };
	if (poll(fds, POLL_NR, -1) < 0 && errno != EINTR)
		return fail("poll: %m");
	if (fds[POLL_WAKE].revents)
		eventfd_read(vm->wake_fd, &count);
	return 0;
}

/* Until the guest ends; returns its status. */
int console_run(struct vm *vm)
{
	struct pollfd fds[POLL_NR];

	while (vm_running(vm)) {
		if (console_poll(vm, fds))
			vm_stop(vm, 1);
		if (fds[POLL_SIGNAL].revents)
			console_signal(vm);
		if (fds[POLL_STDIN].revents)
			console_input(vm);
	}
	return atomic_load(&vm->status);
}
