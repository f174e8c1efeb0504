// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "settings.h"

#define POLL_PERCENT	50	/* unless it is given */

static int parse_interrupts(const char *text, struct kvblk_set *set)
{
	uint32_t *count = &set->interrupt_count, *usecs = &set->interrupt_usecs;
	int end = -1;

	*count = 0;
	*usecs = 0;
	set->hdr.flags |= KVBLK_SET_INTERRUPTS;
	if (!strcmp(text, "none"))
		return CODE_OK;
	if (strspn(text, "0123456789:") == strlen(text) &&
	    sscanf(text, "%9u:%9u%n", count, usecs, &end) == 2 && !text[end] && *count && *usecs)
		return CODE_OK;
	return usage_error("--interrupts: '%s' is not N:USECS such as 8:100, or none", text);
}

int parse_count(const char *option, const char *text, uint32_t min, uint32_t max,
		uint32_t *value)
{
	uint64_t wide;

	if (!parse_number(text, UNIT_COUNT, &wide) || wide < min || wide > UINT16_MAX)
		return usage_error("--%s: '%s' is not a number from %u to %u", option, text, min,
				   max);
	*value = wide;
	return CODE_OK;
}

int parse_setting(int opt, const char *text, struct kvblk_set *set)
{
	switch (opt) {
	case OPT_INTERRUPTS:
		return parse_interrupts(text, set);
	case OPT_POLL_PERCENT:
		return parse_count("poll-percent", text, 1, 100, &set->poll_percent);
	case OPT_POLL_US:
		set->hdr.flags |= KVBLK_SET_POLL;
		return parse_count("poll-us", text, 0, KVBLK_POLL_US_MAX, &set->poll_us);
	case OPT_WORKERS:
		return parse_count("workers", text, 1, KVBLK_QUEUES_MAX, &set->workers);
	}
	if (opt < OPT_LIMIT)
		return usage_hint();
	set->limit_mask |= 1U << (opt - OPT_LIMIT);
	return parse_limit(opt, text, &set->limits[opt - OPT_LIMIT]);
}

int check_settings(struct kvblk_set *set)
{
	if (!(set->hdr.flags & KVBLK_SET_POLL))
		return set->poll_percent ? usage_error("--poll-percent: only with --poll-us") :
					   CODE_OK;
	set->poll_percent = set->poll_percent ?: POLL_PERCENT;
	return CODE_OK;
}
