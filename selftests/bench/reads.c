// SPDX-License-Identifier: GPL-2.0
/*
 * reads DEVICE DEPTH REQUESTS - random reads of 4 KiB, DEPTH at a time, by Linux AIO: the load
 * of the KVM guests, small enough for an initramfs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE		4096
#define DEPTH_MAX	256

static struct iocb iocbs[DEPTH_MAX];
static uint64_t seed = 88172645463325252;
static uint64_t blocks;
static aio_context_t ctx;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* xorshift: the same positions in every run. */
static uint64_t next_block(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % blocks;
}

static void submit(struct iocb *iocb)
{
	iocb->aio_offset = next_block() * SIZE;
	if (syscall(SYS_io_submit, ctx, 1L, &iocb) != 1)
		die("io_submit");
}

static void prepare(int fd, unsigned int depth)
{
	unsigned int i;
	void *buf;

	if (posix_memalign(&buf, SIZE, (size_t)depth * SIZE))
		die("memory");
	for (i = 0; i < depth; i++) {
		iocbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_buf = (uintptr_t)buf + i * SIZE;
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_data = i;
	}
}

static void run(unsigned int depth, unsigned long requests)
{
	unsigned long started, ended = 0;
	struct io_event events[DEPTH_MAX];
	long i, n;

	for (started = 0; started < depth && started < requests; started++)
		submit(&iocbs[started]);
	while (ended < requests) {
		n = syscall(SYS_io_getevents, ctx, 1L, (long)depth, events, NULL);
		if (n < 1)
			die("io_getevents");
		for (i = 0; i < n; i++, ended++) {
			if (events[i].res != SIZE) {
				fprintf(stderr, "a read gave %lld\n", (long long)events[i].res);
				exit(1);
			}
			if (started++ < requests)
				submit(&iocbs[events[i].data]);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int depth;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: reads DEVICE DEPTH REQUESTS\n");
		return 2;
	}
	depth = atoi(argv[2]);
	if (depth < 1 || depth > DEPTH_MAX) {
		fprintf(stderr, "reads: a depth is 1 to %d\n", DEPTH_MAX);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECT);
	if (fd < 0)
		die(argv[1]);
	blocks = lseek(fd, 0, SEEK_END) / SIZE;
	if (syscall(SYS_io_setup, (long)depth, &ctx))
		die("io_setup");
	prepare(fd, depth);
	run(depth, strtoul(argv[3], NULL, 10));
	return 0;
}
