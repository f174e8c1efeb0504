/* SPDX-License-Identifier: GPL-2.0 */
/* The thread that serves a disk, as /proc shows it. */
#ifndef KVBLK_TEST_WORKER_H
#define KVBLK_TEST_WORKER_H

#include <stdbool.h>

/*
 * Its directory in /proc, of at least 32 bytes; false if there is none. A name in /proc is
 * cut: no two disks of a test may begin alike.
 */
bool worker_find(const char *disk, char *dir);

/* The line of a file in there that begins with @begin. */
bool worker_line(const char *dir, const char *file, const char *begin,
		 char *line, int len);

#endif /* KVBLK_TEST_WORKER_H */
