/* SPDX-License-Identifier: GPL-2.0 */
/* kvblkctl stats --latency: where the time of requests goes. */
#ifndef KVBLKCTL_LATENCY_H
#define KVBLKCTL_LATENCY_H

#include <stdbool.h>

/* Shows the histograms of @disk; complains. Returns an exit code. */
int show_latency(int ctl, const char *disk, bool json);

#endif /* KVBLKCTL_LATENCY_H */
