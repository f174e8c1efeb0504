// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of the parsers and writers of kvblkctl: one line "ok NAME" or
 * "not ok NAME" for each group of cases, a line "# ..." for each wrong case.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "limit.h"
#include "owner.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define K		1024ULL

static int wrong;

/* What limit.c calls when it complains. */
int usage_error(const char *format, ...)
{
	(void)format;
	return CODE_USAGE;
}

static void expect(bool good, const char *what, const char *got)
{
	if (good)
		return;
	wrong++;
	printf("# '%s': got %s\n", what, got);
}

static const struct {
	const char *text;
	enum unit unit;
	bool good;
	uint64_t value;
} numbers[] = {
	{ "0", UNIT_BYTES, true, 0 },
	{ "512", UNIT_BYTES, true, 512 },
	{ "512B", UNIT_BYTES, true, 512 },
	{ "1k", UNIT_BYTES, true, K },
	{ "1K", UNIT_BYTES, true, K },
	{ "1KiB", UNIT_BYTES, true, K },
	{ "1kB", UNIT_BYTES, true, 1000 },
	{ "3M", UNIT_BYTES, true, 3 * K * K },
	{ "3mib", UNIT_BYTES, true, 3 * K * K },
	{ "3MB", UNIT_BYTES, true, 3000000 },
	{ "10G", UNIT_BYTES, true, 10 * K * K * K },
	{ "10GiB", UNIT_BYTES, true, 10 * K * K * K },
	{ "10GB", UNIT_BYTES, true, 10000000000ULL },
	{ "2T", UNIT_BYTES, true, 2 * K * K * K * K },
	{ "2TiB", UNIT_BYTES, true, 2 * K * K * K * K },
	{ "2TB", UNIT_BYTES, true, 2000000000000ULL },
	{ "5k", UNIT_COUNT, true, 5000 },
	{ "5M", UNIT_COUNT, true, 5000000 },
	{ "5G", UNIT_COUNT, true, 5000000000ULL },
	{ "5T", UNIT_COUNT, true, 5000000000000ULL },
	{ "18446744073709551615", UNIT_COUNT, true, UINT64_MAX },
	{ "16777215T", UNIT_BYTES, true, 16777215 * K * K * K * K },
	{ "18446744073709551616", UNIT_COUNT, false, 0 },
	{ "16777216T", UNIT_BYTES, false, 0 },
	{ "", UNIT_BYTES, false, 0 },
	{ "k", UNIT_BYTES, false, 0 },
	{ "-1", UNIT_BYTES, false, 0 },
	{ "+1", UNIT_BYTES, false, 0 },
	{ " 1", UNIT_BYTES, false, 0 },
	{ "1 ", UNIT_BYTES, false, 0 },
	{ "1 k", UNIT_BYTES, false, 0 },
	{ "1.5G", UNIT_BYTES, false, 0 },
	{ "0x10", UNIT_BYTES, false, 0 },
	{ "1P", UNIT_BYTES, false, 0 },
	{ "1kk", UNIT_BYTES, false, 0 },
	{ "1Ki", UNIT_BYTES, false, 0 },
	{ "5kB", UNIT_COUNT, false, 0 },
	{ "5KiB", UNIT_COUNT, false, 0 },
	{ "5B", UNIT_COUNT, false, 0 },
};

static void test_parse_number(void)
{
	size_t i;

	for (i = 0; i < COUNT(numbers); i++) {
		uint64_t value = 0;
		bool good = parse_number(numbers[i].text, numbers[i].unit,
					 &value);
		char got[32];

		snprintf(got, sizeof(got), "%d %llu", good,
			 (unsigned long long)value);
		expect(good == numbers[i].good &&
		       (!good || value == numbers[i].value), numbers[i].text,
		       got);
	}
}

static const struct {
	uint64_t value;
	enum unit unit;
	const char *text;
} shown[] = {
	{ 0, UNIT_BYTES, "0" },
	{ 1023, UNIT_BYTES, "1023" },
	{ 1024, UNIT_BYTES, "1.0k" },
	{ 1024 * K - 1, UNIT_BYTES, "1.0M" },
	{ 10 * K * K * K, UNIT_BYTES, "10.0G" },
	{ UINT64_MAX, UNIT_BYTES, "16.0E" },
	{ 999, UNIT_COUNT, "999" },
	{ 1000, UNIT_COUNT, "1.0k" },
	{ 12345, UNIT_COUNT, "12.3k" },
	{ 999999, UNIT_COUNT, "1.0M" },
	{ UINT64_MAX, UNIT_COUNT, "18.4E" },
};

static void test_format_number(void)
{
	size_t i;

	for (i = 0; i < COUNT(shown); i++) {
		char got[16];

		format_number(shown[i].value, shown[i].unit, got, sizeof(got));
		expect(!strcmp(got, shown[i].text), shown[i].text, got);
	}
}

static const struct {
	int opt;
	const char *text;
	int code;
	uint64_t rate;
	uint64_t burst;
} limits[] = {
	{ OPT_IOPS, "5k", CODE_OK, 5000, 0 },
	{ OPT_IOPS, "5k:20k", CODE_OK, 5000, 20000 },
	{ OPT_IOPS_READ, "1", CODE_OK, 1, 0 },
	{ OPT_BPS, "5k", CODE_OK, 5 * K, 0 },
	{ OPT_BPS_WRITE, "10M:64MB", CODE_OK, 10 * K * K, 64000000 },
	{ OPT_BPS, "none", CODE_OK, 0, 0 },
	{ OPT_IOPS, "0", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "5:0", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, ":5", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "5:", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "5:6:7", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "5kB", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "None", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "none:5", CODE_USAGE, 0, 0 },
	{ OPT_IOPS, "11111111111111111111111111111111111111", CODE_USAGE, 0, 0 },
};

static void test_parse_limit(void)
{
	size_t i;

	for (i = 0; i < COUNT(limits); i++) {
		struct kvblk_limit limit = { .rate = 7, .burst = 7 };
		int code = parse_limit(limits[i].opt, limits[i].text, &limit);
		char got[64];

		snprintf(got, sizeof(got), "%d %llu:%llu", code,
			 (unsigned long long)limit.rate,
			 (unsigned long long)limit.burst);
		expect(code == limits[i].code && limit.rate == limits[i].rate &&
		       limit.burst == limits[i].burst, limits[i].text, got);
	}
}

/* The names are those that every system has. */
static const struct {
	const char *text;
	bool good;
	uint32_t uid;
	uint32_t gid;
} owners[] = {
	{ "root", true, 0, 0 },
	{ "root:root", true, 0, 0 },
	{ "4000000000:77", true, 4000000000U, 77 },
	{ "4000000000", true, 4000000000U, 0 },
	{ ":77", true, 0, 77 },
	{ "root:77", true, 0, 77 },
	{ "", false, 0, 0 },
	{ "root:", false, 0, 0 },
	{ "no such user", false, 0, 0 },
	{ "root:no such group", false, 0, 0 },
	{ "4294967295", false, 0, 0 },
	{ "-1", false, 0, 0 },
};

static void test_parse_owner(void)
{
	size_t i;

	for (i = 0; i < COUNT(owners); i++) {
		uint32_t uid = 9, gid = 9;
		bool good = parse_owner(owners[i].text, &uid, &gid);
		char got[32];

		snprintf(got, sizeof(got), "%d %u:%u", good, uid, gid);
		expect(good == owners[i].good &&
		       (!good || (uid == owners[i].uid &&
				  gid == owners[i].gid)),
		       owners[i].text, got);
	}
}

static const struct {
	const char *text;
	bool good;
	uint32_t mode;
} modes[] = {
	{ "0660", true, 0660 }, { "0", true, 0 }, { "777", true, 0777 },
	{ "1000", false, 0 }, { "0888", false, 0 }, { "u+w", false, 0 },
	{ "", false, 0 }, { "-1", false, 0 },
};

static void test_parse_mode(void)
{
	size_t i;

	for (i = 0; i < COUNT(modes); i++) {
		uint32_t mode = 9;
		bool good = parse_mode(modes[i].text, &mode);

		expect(good == modes[i].good &&
		       (!good || mode == modes[i].mode), modes[i].text,
		       good ? "accepted" : "refused");
	}
}

/* Every byte, so that a JSON parser can check that it comes back. */
static void print_json(void)
{
	struct json json = { .out = stdout };
	char bytes[256];
	int i;

	for (i = 0; i < 255; i++)
		bytes[i] = i + 1;
	bytes[255] = '\0';
	json_open(&json, NULL, '{');
	json_string(&json, "bytes", bytes, sizeof(bytes));
	json_string(&json, "cut", "abcdef", 3);
	json_u64(&json, "big", UINT64_MAX);
	json_double(&json, "half", 0.5);
	json_bool(&json, "yes", true);
	json_null(&json, "nothing");
	json_open(&json, "empty", '[');
	json_close(&json, ']');
	json_open(&json, "\"\\", '[');
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_u64(&json, NULL, 1);
	json_close(&json, ']');
	json_close(&json, '}');
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "numbers are parsed", test_parse_number },
	{ "numbers are shown", test_format_number },
	{ "limits are parsed", test_parse_limit },
	{ "owners are parsed", test_parse_owner },
	{ "modes are parsed", test_parse_mode },
};

int main(int argc, char **argv)
{
	size_t i;

	if (argc == 2 && !strcmp(argv[1], "json")) {
		print_json();
		return 0;
	}
	for (i = 0; i < COUNT(tests); i++) {
		int before = wrong;

		tests[i].run();
		printf("%sok %s\n", wrong == before ? "" : "not ",
		       tests[i].name);
	}
	return wrong ? 1 : 0;
}
