// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "disk.h"
#include "dm.h"
#include "harness.h"

#define CONTROL		"/dev/" DM_DIR "/" DM_CONTROL_NODE
#define LOOP_CONTROL	"/dev/loop-control"
#define LOOP_RETRIES	100	/* another may take the free number */

/* A call's argument: the header, one target and its parameters. */
struct dm_arg {
	struct dm_ioctl io;
	struct dm_target_spec target;
	char params[96];
};

/* A machine without a daemon that would load it on demand. */
static bool have(const char *path, const char *load)
{
	return !access(path, R_OK | W_OK) ||
	       (!system(load) && !access(path, R_OK | W_OK));
}

static void arg_init(struct dm_arg *arg, const struct dm *dm, uint32_t flags)
{
	memset(arg, 0, sizeof(*arg));
	arg->io.version[0] = DM_VERSION_MAJOR;
	arg->io.data_size = sizeof(*arg);
	arg->io.data_start = offsetof(struct dm_arg, target);
	arg->io.flags = flags;
	snprintf(arg->io.name, sizeof(arg->io.name), "%s", dm->name);
}

static void dm_call(unsigned long cmd, struct dm_arg *arg)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		DIE("open %s: %s", CONTROL, strerror(errno));
	if (ioctl(fd, cmd, arg))
		DIE("device mapper, call %u of %s: %s",
		    (unsigned int)_IOC_NR(cmd), arg->io.name, strerror(errno));
	close(fd);
}

static void load_table(const struct dm *dm, const char *type)
{
	struct dm_arg arg;

	arg_init(&arg, dm, 0);
	arg.io.target_count = 1;
	arg.target.length = dm->size / KVBLK_SECTOR_SIZE;
	snprintf(arg.target.target_type, sizeof(arg.target.target_type), "%s",
		 type);
	if (!strcmp(type, "linear"))
		snprintf(arg.params, sizeof(arg.params), "%s 0", dm->base);
	dm_call(DM_TABLE_LOAD, &arg);
}

/* Neither flushes nor freezes: both would wait for what is to hang. */
void dm_suspend(const struct dm *dm)
{
	struct dm_arg arg;

	arg_init(&arg, dm, DM_SUSPEND_FLAG | DM_NOFLUSH_FLAG |
			   DM_SKIP_LOCKFS_FLAG);
	dm_call(DM_DEV_SUSPEND, &arg);
}

void dm_resume(const struct dm *dm)
{
	struct dm_arg arg;

	arg_init(&arg, dm, 0);
	dm_call(DM_DEV_SUSPEND, &arg);
}

void dm_set_failing(const struct dm *dm, bool failing)
{
	load_table(dm, failing ? "error" : "linear");
	dm_suspend(dm);
	dm_resume(dm);
}

static int loop_new(char *path, unsigned int len)
{
	int control, number, fd;

	if (!have(LOOP_CONTROL, "modprobe loop 2>/dev/null"))
		SKIP("no loop devices");
	control = open(LOOP_CONTROL, O_RDWR | O_CLOEXEC);
	ASSERT_GE(control, 0);
	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	ASSERT_GE(number, 0);
	snprintf(path, len, "/dev/loop%d", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	return fd;
}

void loop_make(char *path, unsigned int len, const char *file, bool direct)
{
	struct loop_config config = {
		.info.lo_flags = LO_FLAGS_AUTOCLEAR |
				 (direct ? LO_FLAGS_DIRECT_IO : 0),
	};
	int backing = open(file, O_RDWR | O_CLOEXEC);
	unsigned int i;
	int fd, ret;

	if (backing < 0)
		DIE("open %s: %s", file, strerror(errno));
	config.fd = backing;
	for (i = 0; i < LOOP_RETRIES; i++) {
		fd = loop_new(path, len);
		ret = ioctl(fd, LOOP_CONFIGURE, &config);
		if (!ret)
			break;
		ASSERT_EQ(errno, EBUSY);
		close(fd);
	}
	ASSERT_EQ(ret, 0);
	close(backing);
	/* @fd stays open: the device lives at least as long as the test. */
}

static void make_base(struct dm *dm)
{
	char file[32];
	int fd = disk_file(dm->size);

	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	loop_make(dm->base, sizeof(dm->base), file, false);
	close(fd);
}

/* There may be no daemon that makes nodes where they are expected. */
static void make_node(struct dm *dm, uint64_t dev)
{
	snprintf(dm->path, sizeof(dm->path), "%s/%s", disk_dir(), dm->name);
	unlink(dm->path);
	ASSERT_EQ(mknod(dm->path, S_IFBLK | 0600, dev), 0);
}

void dm_make(struct dm *dm, uint64_t size)
{
	static unsigned int number;
	struct dm_arg arg;

	if (!have(CONTROL, "modprobe dm_mod 2>/dev/null"))
		SKIP("no device mapper");
	memset(dm, 0, sizeof(*dm));
	dm->size = size;
	snprintf(dm->name, sizeof(dm->name), "kvt-%d-%u", (int)getpid(),
		 number++);
	make_base(dm);

	arg_init(&arg, dm, 0);
	dm_call(DM_DEV_CREATE, &arg);
	make_node(dm, arg.io.dev);
	load_table(dm, "linear");
	dm_resume(dm);
}

/* Takes the name at once, the mapping when its last user is gone. */
void dm_forget(const struct dm *dm)
{
	struct dm_arg arg;

	unlink(dm->path);
	arg_init(&arg, dm, DM_DEFERRED_REMOVE);
	dm_call(DM_DEV_REMOVE, &arg);
}

void dm_with(struct dm *dm, uint64_t size, unsigned int seconds, void (*body)(void))
{
	int status;
	pid_t pid;

	dm_make(dm, size);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		body();
		_exit(0);
	}
	if (wait_child(pid, seconds, &status))
		FAIL("hung with a dead disk");
	dm_resume(dm);
	kill(pid, SIGKILL);
	wait_child(pid, WAIT_SECONDS, &status);
	dm_forget(dm);
}
