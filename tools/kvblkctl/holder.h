/* SPDX-License-Identifier: GPL-2.0 */
/* Names processes, and finds the one that holds a file lock. */
#ifndef KVBLKCTL_HOLDER_H
#define KVBLKCTL_HOLDER_H

#include <stdbool.h>

#define HOLDER_LEN	64

/* Store " by process 12 (name)". Returns @user. */
const char *by_process(int pid, char user[HOLDER_LEN]);

/*
 * Store " by process 12 (name)" of another process with a lock on the file of
 * @fd. false if none is seen, as when only the kernel has the file open.
 */
bool find_holder(int fd, char user[HOLDER_LEN]);

#endif /* KVBLKCTL_HOLDER_H */
