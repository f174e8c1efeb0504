// SPDX-License-Identifier: GPL-2.0
/* Numbers with suffixes: read exactly, shown roughly. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "size.h"

struct suffix {
	const char *text;
	uint64_t factor;
};

#define KI	1024ULL
#define KD	1000ULL

static const struct suffix byte_suffixes[] = {
	{ "", 1 }, { "B", 1 },
	{ "k", KI }, { "KiB", KI }, { "kB", KD },
	{ "M", KI * KI }, { "MiB", KI * KI }, { "MB", KD * KD },
	{ "G", KI * KI * KI }, { "GiB", KI * KI * KI }, { "GB", KD * KD * KD },
	{ "T", KI * KI * KI * KI }, { "TiB", KI * KI * KI * KI },
	{ "TB", KD * KD * KD * KD },
	{ NULL, 0 },
};

static const struct suffix count_suffixes[] = {
	{ "", 1 },
	{ "k", KD },
	{ "M", KD * KD },
	{ "G", KD * KD * KD },
	{ "T", KD * KD * KD * KD },
	{ NULL, 0 },
};

bool parse_number(const char *text, enum unit unit, uint64_t *value)
{
	const struct suffix *suffix = unit == UNIT_BYTES ? byte_suffixes :
							   count_suffixes;
	uint64_t number;
	char *end;

	/* strtoull() would take a sign and leading space. */
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno)
		return false;
	for (; suffix->text; suffix++)
		if (!strcasecmp(suffix->text, end))
			return !__builtin_mul_overflow(number, suffix->factor,
						       value);
	return false;
}

const char *format_number(uint64_t value, enum unit unit, char *text,
			  size_t room)
{
	double step = unit == UNIT_BYTES ? KI : KD;
	const char *suffix = " kMGTPE";
	double shown = value;

	/* 999.95 would be shown with one digit too many. */
	while (shown >= step - 0.05 && suffix[1]) {
		shown /= step;
		suffix++;
	}
	if (*suffix == ' ')
		snprintf(text, room, "%llu", (unsigned long long)value);
	else
		snprintf(text, room, "%.1f%c", shown, *suffix);
	return text;
}
