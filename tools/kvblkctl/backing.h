/* SPDX-License-Identifier: GPL-2.0 */
/* Opens and locks what a disk is made of. */
#ifndef KVBLKCTL_BACKING_H
#define KVBLKCTL_BACKING_H

#include <stdbool.h>

/**
 * open_backing - Open the file or block device of a disk
 * @path: Its path.
 * @read_only: For reading only.
 * @lock: Take the image lock; claim a block device that is to be written
 *	against mounts and the like.
 *
 * Complains.
 *
 * Return: a descriptor, or the negative of an exit code.
 */
int open_backing(const char *path, bool read_only, bool lock);

#endif /* KVBLKCTL_BACKING_H */
