/* SPDX-License-Identifier: GPL-2.0 */
/* Writes JSON, compact, on one line for each top-level value. */
#ifndef KVBLKCTL_JSON_H
#define KVBLKCTL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct json - A document being written
 * @out: Where to.
 * @depth: Objects and arrays that are open.
 * @comma: The next member has one before it.
 *
 * Start with @out alone set. A @key is NULL for an element of an array and for
 * the top-level value.
 */
struct json {
	FILE *out;
	unsigned int depth;
	bool comma;
};

/* @kind is '{' or '['. */
void json_open(struct json *json, const char *key, char kind);
/* @kind is '}' or ']'; the outermost also ends the line. */
void json_close(struct json *json, char kind);

void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_double(struct json *json, const char *key, double value);

/*
 * A string ends at a NUL or after @max bytes. Bytes above 0x7e, which need not
 * be UTF-8, are written as the character of that number.
 */
void json_string(struct json *json, const char *key, const char *text,
		 size_t max);

#endif /* KVBLKCTL_JSON_H */
