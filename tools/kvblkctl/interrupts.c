// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "interrupts.h"

int parse_interrupts(const char *text, uint32_t *count, uint32_t *usecs)
{
	int end = -1;

	*count = 0;
	*usecs = 0;
	if (!strcmp(text, "none"))
		return CODE_OK;
	if (strspn(text, "0123456789:") == strlen(text) &&
	    sscanf(text, "%9u:%9u%n", count, usecs, &end) == 2 && !text[end] && *count && *usecs)
		return CODE_OK;
	return usage_error("--interrupts: '%s' is not N:USECS such as 8:100, or none", text);
}
