// SPDX-License-Identifier: GPL-2.0
/* Writes JSON (RFC 8259). */
#include <string.h>

#include "json.h"

static void put_quoted(FILE *out, const char *text, size_t max)
{
	size_t i, len = strnlen(text, max);

	fputc('"', out);
	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void begin(struct json *json, const char *key)
{
	if (json->comma)
		fputc(',', json->out);
	json->comma = true;
	if (key) {
		put_quoted(json->out, key, strlen(key));
		fputc(':', json->out);
	}
}

void json_open(struct json *json, const char *key, char kind)
{
	begin(json, key);
	fputc(kind, json->out);
	json->comma = false;
	json->depth++;
}

void json_close(struct json *json, char kind)
{
	fputc(kind, json->out);
	json->comma = true;
	if (!--json->depth) {
		fputc('\n', json->out);
		json->comma = false;
	}
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
	begin(json, key);
	fputs("null", json->out);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	begin(json, key);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_double(struct json *json, const char *key, double value)
{
	begin(json, key);
	fprintf(json->out, "%.3f", value);
}

void json_string(struct json *json, const char *key, const char *text,
		 size_t max)
{
	begin(json, key);
	put_quoted(json->out, text, max);
}
