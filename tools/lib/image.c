// SPDX-License-Identifier: GPL-2.0
/*
 * The image lock that QEMU honours.
 *
 * Each permission has two bytes. A shared lock on byte 100 + p says "I use p",
 * one on 200 + p says "I let nobody else use p". Users announce both first and
 * look for a conflict afterwards, so of two that race at least one sees the
 * other.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "kvblk.h"

enum image_perm {
	PERM_CONSISTENT_READ,
	PERM_WRITE,
	PERM_WRITE_UNCHANGED,
	PERM_RESIZE,
	PERM_NR,
};

#define PERM_BIT(perm)	(1U << (perm))
#define USED_BASE	100
#define UNSHARED_BASE	200

static int lock_byte(int fd, short type, off_t start)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* Announce the bits of @mask, or take every byte of @base back. */
static int announce(int fd, off_t base, unsigned int mask)
{
	int perm, err = 0;

	for (perm = 0; perm < PERM_NR && !err; perm++)
		if (mask & PERM_BIT(perm))
			err = lock_byte(fd, F_RDLCK, base + perm);
	return err;
}

static void withdraw(int fd)
{
	int perm;

	for (perm = 0; perm < PERM_NR; perm++) {
		lock_byte(fd, F_UNLCK, USED_BASE + perm);
		lock_byte(fd, F_UNLCK, UNSHARED_BASE + perm);
	}
}

/* Others hold shared locks, so it takes an exclusive one to see them. */
static int test_byte(int fd, off_t start)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = 1,
	};

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type == F_UNLCK ? 0 : -EAGAIN;
}

static int test(int fd, off_t base, unsigned int mask)
{
	int perm, err = 0;

	for (perm = 0; perm < PERM_NR && !err; perm++)
		if (mask & PERM_BIT(perm))
			err = test_byte(fd, base + perm);
	return err;
}

int kvblk_image_lock(int fd, bool read_only)
{
	unsigned int used = PERM_BIT(PERM_CONSISTENT_READ);
	unsigned int unshared = PERM_BIT(PERM_WRITE) | PERM_BIT(PERM_RESIZE);
	int err;

	if (!read_only)
		used |= PERM_BIT(PERM_WRITE);

	err = announce(fd, USED_BASE, used);
	if (!err)
		err = announce(fd, UNSHARED_BASE, unshared);
	if (!err)
		err = test(fd, UNSHARED_BASE, used);
	if (!err)
		err = test(fd, USED_BASE, unshared);
	if (err)
		withdraw(fd);
	return err;
}
