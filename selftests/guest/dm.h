/* SPDX-License-Identifier: GPL-2.0 */
/* A block device that can be made to hang, to fail, and to come back. */
#ifndef KVBLK_TEST_DM_H
#define KVBLK_TEST_DM_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct dm - A device-mapper device over a loop device over a new file
 * @name: Of the mapping.
 * @path: Node of the mapping.
 * @base: Node of the loop device below.
 * @size: In bytes.
 *
 * dm_forget() is a duty: a mapping outlives the process that made it.
 */
struct dm {
	char name[32];
	char path[64];
	char base[64];
	uint64_t size;
};

/* Skips the test where the kernel has no device mapper. */
void dm_make(struct dm *dm, uint64_t size);

/* From now on I/O waits; from now on it goes on. The second may be repeated. */
void dm_suspend(const struct dm *dm);
void dm_resume(const struct dm *dm);

/* From the next moment on I/O fails, or works again. */
void dm_set_failing(const struct dm *dm, bool failing);

/*
 * Makes @dm and runs @body in a process of its own with @seconds to live; resumes and forgets the
 * mapping whatever happens there.
 */
void dm_with(struct dm *dm, uint64_t size, unsigned int seconds, void (*body)(void));

/* Takes the mapping away, at the latest when its last user is gone. */
void dm_forget(const struct dm *dm);

/* Node of a new loop device over @file, gone with its last user. */
void loop_make(char *path, unsigned int len, const char *file, bool direct);

#endif /* KVBLK_TEST_DM_H */
