// SPDX-License-Identifier: GPL-2.0
/* Names of the counters. */
#include <linux/export.h>
#include "stats.h"

const char * const kvblk_stat_names[KVBLK_STAT_NR] = {
	[KVBLK_STAT_REQUESTS]		= "requests",
	[KVBLK_STAT_READS]		= "reads_completed",
	[KVBLK_STAT_BYTES_READ]		= "bytes_read",
	[KVBLK_STAT_WRITES]		= "writes_completed",
	[KVBLK_STAT_BYTES_WRITTEN]	= "bytes_written",
	[KVBLK_STAT_FLUSHES]		= "flushes_completed",
	[KVBLK_STAT_FLUSH_ERRORS]	= "flush_errors",
	[KVBLK_STAT_GET_IDS]		= "get_ids",
	[KVBLK_STAT_UNSUPPORTED]	= "unsupported",
	[KVBLK_STAT_IO_ERRORS]		= "io_errors",
	[KVBLK_STAT_RING_ERRORS]	= "ring_errors",
	[KVBLK_STAT_INVALID_AVAIL]	= "invalid_avail_idx",
	[KVBLK_STAT_THROTTLED]		= "throttled",
	[KVBLK_STAT_DEFERRED]		= "deferred",
	[KVBLK_STAT_INTERRUPTS]		= "interrupts",
	[KVBLK_STAT_SUPPRESSED]		= "interrupts_suppressed",
	[KVBLK_STAT_HELD]		= "interrupts_held",
	[KVBLK_STAT_ASKED_LATE]		= "asked_late",
	[KVBLK_STAT_IN_FLIGHT]		= "in_flight",
	[KVBLK_STAT_STALLED]		= "currently_throttled",
	[KVBLK_STAT_LOST_KICKS]		= "lost_kicks",
	[KVBLK_STAT_LOST_INTERRUPTS]	= "lost_interrupts",
	[KVBLK_STAT_POLLS]		= "polls",
	[KVBLK_STAT_POLL_HITS]		= "poll_hits",
};
EXPORT_SYMBOL_KVBLK(kvblk_stat_names);
