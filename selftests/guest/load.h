/* SPDX-License-Identifier: GPL-2.0 */
/* A driver that keeps a disk busy with requests of all kinds. */
#ifndef KVBLK_TEST_LOAD_H
#define KVBLK_TEST_LOAD_H

#include <stdnoreturn.h>
#include "driver.h"

#define LOAD_DEPTH	32

struct load {
	struct driver *d;
	struct request rq[LOAD_DEPTH];
};

/* @d runs and its ring is empty. */
void load_init(struct load *load, struct driver *d);

/* Sends the whole depth at once. */
void load_submit(struct load *load);

/* Opens @disk and never stops. */
noreturn void load_run(const char *disk);

#endif /* KVBLK_TEST_LOAD_H */
