// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "backing.h"
#include "harness.h"
#include "pattern.h"

enum variant {
	BUFFERED_FILE,
	DIRECT_FILE,
	BUFFERED_BDEV,
	DIRECT_BDEV,
};

const char *const backing_variants[] = {
	[BUFFERED_FILE] = "buffered-file",
	[DIRECT_FILE] = "direct-file",
	[BUFFERED_BDEV] = "buffered-bdev",
	[DIRECT_BDEV] = "direct-bdev",
	NULL,
};

const char *const backing_file_variants[] = {
	[BUFFERED_FILE] = "buffered-file",
	[DIRECT_FILE] = "direct-file",
	NULL,
};

static int open_bdev(void)
{
	const char *path = getenv("KVBLK_TEST_BDEV");
	int fd;

	if (!path)
		SKIP("KVBLK_TEST_BDEV names no block device");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		DIE("open %s: %s", path, strerror(errno));
	return fd;
}

/* Written, not a hole: direct I/O into holes takes another path. */
static void zero(int fd, uint64_t size)
{
	static const uint8_t block[64 * KIB];
	uint64_t pos, n;

	for (pos = 0; pos < size; pos += n) {
		n = size - pos < sizeof(block) ? size - pos : sizeof(block);
		ASSERT_EQ(pwrite(fd, block, n, pos), n);
	}
}

void backing_disk(struct disk *d, uint64_t size, uint32_t flags)
{
	enum variant v = harness_variant();
	struct kvblk_add add;
	int fd;

	fd = v == BUFFERED_FILE || v == DIRECT_FILE ? disk_file(size) :
						      open_bdev();
	zero(fd, size);
	disk_add_init(&add, fd);
	add.hdr.flags = flags;
	if (v == DIRECT_FILE || v == DIRECT_BDEV)
		add.hdr.flags |= KVBLK_DISK_DIRECT;
	add.capacity = size;
	disk_add(d, &add);
}

void backing_read(const struct disk *d, uint64_t pos, void *dst, uint64_t len)
{
	ASSERT_EQ(pread(d->fd, dst, len, pos), len);
}

void backing_write(const struct disk *d, uint64_t pos, const void *src,
		   uint64_t len)
{
	ASSERT_EQ(pwrite(d->fd, src, len, pos), len);
}

void backing_expect(const struct disk *d, uint64_t pos, uint64_t len,
		    uint32_t seed)
{
	void *buf = malloc(len);

	backing_read(d, pos, buf, len);
	EXPECT_EQ(pattern_check(buf, len, seed), len);
	free(buf);
}

void backing_fill(const struct disk *d, uint64_t pos, uint64_t len,
		  uint32_t seed)
{
	void *buf = malloc(len);

	pattern_fill(buf, len, seed);
	backing_write(d, pos, buf, len);
	free(buf);
}

/* Fields 7 and 16 of Documentation/block/stat.rst. */
bool backing_io(const struct disk *d, struct backing_io *io)
{
	unsigned long long sectors, flushes;
	char path[64];
	struct stat st;
	int found;
	dev_t dev;
	FILE *f;

	ASSERT_EQ(fstat(d->fd, &st), 0);
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(dev),
		 minor(dev));
	f = fopen(path, "r");
	if (!f)
		return false;
	found = fscanf(f, "%*u %*u %*u %*u %*u %*u %llu %*u %*u %*u %*u %*u %*u %*u %*u %llu",
		       &sectors, &flushes);
	fclose(f);
	io->sectors_written = sectors;
	io->flushes = flushes;
	return found == 2;
}
