// SPDX-License-Identifier: GPL-2.0
/* The limit options that add and set have in common. */
#include <stdio.h>
#include <string.h>

#include "limit.h"

const char *limit_name(unsigned int id)
{
	static const char * const names[KVBLK_LIMIT_NR] = {
		[KVBLK_LIMIT_OPS] = "iops",
		[KVBLK_LIMIT_OPS_READ] = "iops-read",
		[KVBLK_LIMIT_OPS_WRITE] = "iops-write",
		[KVBLK_LIMIT_BYTES] = "bps",
		[KVBLK_LIMIT_BYTES_READ] = "bps-read",
		[KVBLK_LIMIT_BYTES_WRITE] = "bps-write",
	};

	return names[id];
}

enum unit limit_unit(unsigned int id)
{
	return id < KVBLK_LIMIT_BYTES ? UNIT_COUNT : UNIT_BYTES;
}

/* To the kernel 0 means no limit; somebody who types it may mean a stop. */
static bool parse_rate(const char *text, enum unit unit, uint64_t *value)
{
	return parse_number(text, unit, value) && *value;
}

int parse_limit(int opt, const char *text, struct kvblk_limit *limit)
{
	enum unit unit = limit_unit(opt - OPT_LIMIT);
	size_t rate_len = strcspn(text, ":");
	uint64_t rate, burst = 0;
	char copy[32];

	*limit = (struct kvblk_limit){};
	if (!strcmp(text, "none"))
		return CODE_OK;
	if (rate_len >= sizeof(copy))
		goto malformed;
	snprintf(copy, sizeof(copy), "%.*s", (int)rate_len, text);
	if (!parse_rate(copy, unit, &rate))
		goto malformed;
	if (text[rate_len] && !parse_rate(text + rate_len + 1, unit, &burst))
		goto malformed;
	limit->rate = rate;
	limit->burst = burst;
	return CODE_OK;

malformed:
	return usage_error("--%s: '%s' is not a limit such as %s, %s or none",
			   limit_name(opt - OPT_LIMIT), text,
			   unit == UNIT_BYTES ? "10M" : "5k",
			   unit == UNIT_BYTES ? "10M:64M" : "5k:20k");
}
