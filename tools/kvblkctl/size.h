/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers with suffixes. */
#ifndef KVBLKCTL_SIZE_H
#define KVBLKCTL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum unit - What a number counts
 * @UNIT_BYTES: k, M, G, T and KiB, MiB, GiB, TiB are powers of 1024; kB, MB,
 *	GB, TB are powers of 1000; B is 1.
 * @UNIT_COUNT: k, M, G, T are powers of 1000.
 */
enum unit {
	UNIT_BYTES,
	UNIT_COUNT,
};

/* What both kinds say in --help. */
#define SIZE_HELP \
	"SIZE is in bytes. The suffixes k, M, G, T (or KiB, MiB, GiB, TiB) are\n" \
	"powers of 1024; kB, MB, GB, TB are powers of 1000.\n"
#define COUNT_HELP \
	"The suffixes k, M, G, T of a number of operations are powers of 1000.\n"

/**
 * parse_number - Read a whole number with a suffix
 * @text: Digits and perhaps a suffix, in any case, without space.
 * @unit: What it counts.
 * @value: Set.
 *
 * Return: false if @text is anything else or above 2^64 - 1.
 */
bool parse_number(const char *text, enum unit unit, uint64_t *value);

/* @value to three digits or so with a suffix; @room of 16 bytes is enough. */
const char *format_number(uint64_t value, enum unit unit, char *text,
			  size_t room);

#endif /* KVBLKCTL_SIZE_H */
