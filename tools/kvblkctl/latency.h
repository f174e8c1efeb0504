/* SPDX-License-Identifier: GPL-2.0 */
/* kvblkctl stats --latency: where the time of requests goes. */
#ifndef KVBLKCTL_LATENCY_H
#define KVBLKCTL_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Shows the histograms of @disk, or of its queue @queue - 1 if that is not 0; complains.
 * Returns an exit code.
 */
int show_latency(int ctl, const char *disk, uint32_t queue, bool json);

#endif /* KVBLKCTL_LATENCY_H */
