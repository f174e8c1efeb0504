/* SPDX-License-Identifier: GPL-2.0 */
/* The errno contract that all ioctls share. */
#ifndef KVBLK_TEST_CONTRACT_H
#define KVBLK_TEST_CONTRACT_H

#include <stddef.h>
#include <stdint.h>
#include <linux/kvblk.h>

#define ARG_MAX_SIZE	1024	/* larger than every structure */
#define RESERVED_MAX	2

/**
 * struct contract - An ioctl and how to call it well
 * @name: For messages.
 * @cmd: Its number.
 * @size: Of its structure.
 * @fill: Makes a zeroed argument valid; called before every try.
 * @undo: Takes back what a successful call did, or NULL.
 * @reserved: Offsets of 32-bit fields beside hdr.reserved that must be 0; ends
 *	with 0.
 */
struct contract {
	const char *name;
	unsigned long cmd;
	size_t size;
	void (*fill)(void *arg);
	void (*undo)(void *arg);
	size_t reserved[RESERVED_MAX + 1];
};

/* Tries all that the contract forbids and allows, on descriptor @fd. */
void contract_check(int fd, const struct contract *c);

/* Makes the call, expects error @want and a message that has @word in it. */
void contract_refuse(int fd, unsigned long cmd, void *arg, int want,
		     const char *word);

/* Of the message buffer: nothing on success, cut to fit on failure. */
void contract_check_message(int fd, unsigned long cmd, const void *good,
			    const void *bad, size_t size);

#endif /* KVBLK_TEST_CONTRACT_H */
