// SPDX-License-Identifier: GPL-2.0
/* Opens and locks what a disk is made of. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing.h"
#include "cmd.h"
#include "holder.h"

static const char *open_advice(int err, bool read_only)
{
	switch (err) {
	case EACCES:
	case EPERM:
	case EROFS:
		return read_only ? "" : "; --read-only needs no write access";
	case EBUSY:
		return "; it is mounted or otherwise in use";
	default:
		return "";
	}
}

/* The kernel checks this again, but to open a FIFO could wait forever. */
static int check_kind(const char *path, mode_t *kind)
{
	struct stat st;

	if (stat(path, &st)) {
		complain("%s: %m", path);
		return -CODE_REFUSED;
	}
	*kind = st.st_mode & S_IFMT;
	if (*kind != S_IFREG && *kind != S_IFBLK) {
		complain("%s: neither a regular file nor a block device", path);
		return -CODE_REFUSED;
	}
	return 0;
}

static int lock_backing(const char *path, int fd, bool read_only)
{
	char user[HOLDER_LEN];
	int err = kvblk_image_lock(fd, read_only);

	if (!err)
		return 0;
	if (err != -EAGAIN)
		complain("%s: cannot lock: %s; --no-lock does without", path,
			 strerror(-err));
	else if (find_holder(fd, user))
		complain("%s: in use%s; end that first", path, user);
	else
		complain("%s: in use by no process; perhaps by a disk, see 'kvblkctl list'",
			 path);
	return -CODE_REFUSED;
}

int open_backing(const char *path, bool read_only, bool lock)
{
	int flags = O_CLOEXEC | (read_only ? O_RDONLY : O_RDWR);
	mode_t kind;
	int fd, err;

	err = check_kind(path, &kind);
	if (err)
		return err;
	/* On a block device: not while mounted, and no mount from now on. */
	if (kind == S_IFBLK && lock && !read_only)
		flags |= O_EXCL;
	fd = open(path, flags);
	if (fd < 0) {
		complain("%s: %m%s", path, open_advice(errno, read_only));
		return -CODE_REFUSED;
	}
	err = lock ? lock_backing(path, fd, read_only) : 0;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
