/* SPDX-License-Identifier: GPL-2.0 */
/* Kinds of backing that every data test runs on. */
#ifndef KVBLK_TEST_BACKING_H
#define KVBLK_TEST_BACKING_H

#include "disk.h"

/* For TEST_EACH(): file or block device, through the page cache or not. */
extern const char *const backing_variants[];
/* The first of them: files only. */
extern const char *const backing_file_variants[];

/* A disk of @size bytes on the backing of the variant that runs, zeroed. */
void backing_disk(struct disk *d, uint64_t size, uint32_t flags);

/* Bytes of the backing itself. */
void backing_read(const struct disk *d, uint64_t pos, void *dst, uint64_t len);
void backing_write(const struct disk *d, uint64_t pos, const void *src,
		   uint64_t len);

/* Whether the backing holds the pattern of @seed at @pos. */
void backing_expect(const struct disk *d, uint64_t pos, uint64_t len,
		    uint32_t seed);
void backing_fill(const struct disk *d, uint64_t pos, uint64_t len,
		  uint32_t seed);

/* What the block device under the backing has seen so far. */
struct backing_io {
	uint64_t sectors_written;
	uint64_t flushes;
};

/* False if there is no block device under it. */
bool backing_io(const struct disk *d, struct backing_io *io);

#endif /* KVBLK_TEST_BACKING_H */
