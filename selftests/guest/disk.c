// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "disk.h"
#include "harness.h"
#include "vdpa.h"

#define NAME_PREFIX	"kvt-"
#define LIST_MAX	512

int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int disk_control_fd(void)
{
	int fd = open(CONTROL_PATH, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		DIE("open %s: %s", CONTROL_PATH, strerror(errno));
	return fd;
}

int disk_control(unsigned long cmd, void *arg)
{
	int fd = disk_control_fd();
	int ret = call(fd, cmd, arg);

	close(fd);
	return ret;
}

const char *disk_dir(void)
{
	return getenv("KVBLK_TEST_DIR") ?: "/tmp";
}

int disk_file_in(const char *dir, uint64_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/kvblk-XXXXXX", dir);
	fd = mkstemp(path);
	if (fd < 0)
		DIE("%s: %s", path, strerror(errno));
	unlink(path);
	ASSERT_EQ(ftruncate(fd, size), 0);
	return fd;
}

int disk_file(uint64_t size)
{
	return disk_file_in(disk_dir(), size);
}

void disk_add_init(struct kvblk_add *add, int fd)
{
	static unsigned int number;

	memset(add, 0, sizeof(*add));
	add->hdr.size = sizeof(*add);
	add->fd = fd;
	snprintf(add->name, sizeof(add->name), NAME_PREFIX "%d-%u",
		 (int)getpid(), number++);
}

void disk_add(struct disk *d, const struct kvblk_add *add)
{
	struct kvblk_add arg = *add;
	struct kvblk_query q;
	char msg[160] = "";
	int ret;

	arg.hdr.msg = (uintptr_t)msg;
	arg.hdr.msg_len = sizeof(msg);
	ret = disk_control(KVBLK_ADD, &arg);
	if (ret == -EOPNOTSUPP && (arg.hdr.flags & KVBLK_DISK_DIRECT))
		SKIP("no direct I/O on this backing (%s)", disk_dir());
	if (ret)
		DIE("add %s: %s: %s", add->name, strerror(-ret), msg);
	disk_query(add->name, &q);
	memcpy(d->name, add->name, sizeof(d->name));
	d->fd = add->fd;
	d->size = q.capacity;
}

void disk_make(struct disk *d, uint64_t size, uint32_t flags)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(size));
	add.hdr.flags = flags;
	disk_add(d, &add);
}

int disk_remove(const char *name)
{
	struct kvblk_remove rm = { .hdr.size = sizeof(rm) };

	snprintf(rm.name, sizeof(rm.name), "%.31s", name);
	return disk_control(KVBLK_REMOVE, &rm);
}

void disk_query(const char *name, struct kvblk_query *q)
{
	memset(q, 0, sizeof(*q));
	q->hdr.size = sizeof(*q);
	snprintf(q->name, sizeof(q->name), "%.31s", name);
	ASSERT_EQ(disk_control(KVBLK_QUERY, q), 0);
}

struct kvblk_stats disk_stats(const char *name)
{
	struct kvblk_query q;

	disk_query(name, &q);
	return q.stats;
}

uint32_t disk_state(const char *name)
{
	struct kvblk_query q;

	disk_query(name, &q);
	return q.state;
}

int disk_limit(const char *name, enum kvblk_limit_id id, uint64_t rate,
	       uint64_t burst)
{
	struct kvblk_set set = {
		.hdr.size = sizeof(set),
		.limit_mask = 1U << id,
	};

	set.limits[id].rate = rate;
	set.limits[id].burst = burst;
	snprintf(set.name, sizeof(set.name), "%.31s", name);
	return disk_control(KVBLK_SET, &set);
}

int disk_interrupts(const char *name, uint32_t count, uint32_t usecs)
{
	struct kvblk_set set = {
		.hdr = { .size = sizeof(set), .flags = KVBLK_SET_INTERRUPTS },
		.interrupt_count = count,
		.interrupt_usecs = usecs,
	};

	snprintf(set.name, sizeof(set.name), "%.31s", name);
	return disk_control(KVBLK_SET, &set);
}

unsigned int disk_count(void)
{
	struct kvblk_list list = { .hdr.size = sizeof(list) };

	ASSERT_EQ(disk_control(KVBLK_LIST, &list), 0);
	return list.count;
}

void disk_node(const char *name, char *path, unsigned int len)
{
	snprintf(path, len, "%s/%s", NODE_DIR, name);
}

static bool gone(const char *name)
{
	int ret = disk_remove(name);

	return !ret || ret == -ENOENT;
}

/*
 * A test ends with its process: whatever it left attached must come free then,
 * so a disk that cannot be removed is a failure of that test.
 */
static void sweep(void)
{
	static char names[LIST_MAX][KVBLK_NAME_LEN];
	struct kvblk_list list = {
		.hdr.size = sizeof(list),
		.names = (uintptr_t)names,
		.count = LIST_MAX,
	};
	unsigned int i;

	if (access(CONTROL_PATH, F_OK))
		return;
	vdpa_sweep(NAME_PREFIX);
	ASSERT_EQ(disk_control(KVBLK_LIST, &list), 0);
	for (i = 0; i < list.count && i < LIST_MAX; i++) {
		if (strncmp(names[i], NAME_PREFIX, strlen(NAME_PREFIX)))
			continue;
		if (!WAIT_FOR(gone(names[i])))
			FAIL("disk %s stays busy after its user", names[i]);
	}
}

static void __attribute__((constructor)) sweep_after_every_test(void)
{
	harness_after(sweep);
}
