// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include "disk.h"
#include "harness.h"
#include "vdpa.h"

#define DEVICES "/sys/bus/vdpa/devices"

bool vdpa_wanted(void)
{
	const char *front = getenv("KVBLK_TEST_FRONT");

	return front && !strcmp(front, "vdpa");
}

/* iproute2's tool, as a user would: its exit status. */
static int tool(const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool vdpa_on_bus(const char *disk)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICES "/%s", disk);
	return !access(path, F_OK);
}

int vdpa_remove(const char *disk)
{
	const char *const argv[] = { "vdpa", "dev", "del", disk, NULL };

	return tool(argv) ? -EIO : 0;
}

/* The node has the name of vhost-vdpa's device below the bus device. */
static bool node_of(const char *disk, char *path, size_t len)
{
	char dir[128];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(dir, sizeof(dir), DEVICES "/%s", disk);
	d = opendir(dir);
	while (d && !found && (e = readdir(d))) {
		found = !strncmp(e->d_name, "vhost-vdpa-", 11);
		if (found)
			snprintf(path, len, "/dev/%.40s", e->d_name);
	}
	if (d)
		closedir(d);
	return found && !access(path, F_OK);
}

bool vdpa_phys(void)
{
	const char *memory = getenv("KVBLK_TEST_MEMORY");

	return memory && !strcmp(memory, "phys");
}

int vdpa_open(const char *disk)
{
	const char *const argv[] = {
		"vdpa", "dev", "add", "name", disk, "mgmtdev",
		vdpa_phys() ? "kvblk-phys" : "kvblk", NULL
	};
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char path[64];
	int fd;

	/* Vhost counts what it pins. */
	if (vdpa_phys())
		ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &all), 0);
	if (!vdpa_on_bus(disk) && tool(argv))
		return -EIO;
	if (!WAIT_FOR(node_of(disk, path, sizeof(path))))
		return -ENOENT;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, VHOST_SET_OWNER)) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int iotlb(int fd, unsigned int type, uint64_t iova, uint64_t size,
		 uint64_t addr, unsigned int access)
{
	struct vhost_msg_v2 msg = {
		.type = VHOST_IOTLB_MSG_V2,
		.iotlb = {
			.iova = iova,
			.size = size,
			.uaddr = addr,
			.perm = access,
			.type = type,
		},
	};

	return write(fd, &msg, sizeof(msg)) == sizeof(msg) ? 0 : -errno;
}

int vdpa_iotlb(int fd, unsigned int type, uint64_t iova, uint64_t size,
	       uint64_t addr)
{
	return iotlb(fd, type, iova, size, addr, VHOST_ACCESS_RW);
}

int vdpa_map_ro(int fd, uint64_t iova, uint64_t size, void *addr)
{
	return iotlb(fd, VHOST_IOTLB_UPDATE, iova, size, (uintptr_t)addr,
		     VHOST_ACCESS_RO);
}

int vdpa_map(int fd, uint64_t iova, uint64_t size, void *addr)
{
	return vdpa_iotlb(fd, VHOST_IOTLB_UPDATE, iova, size, (uintptr_t)addr);
}

int vdpa_unmap(int fd, uint64_t iova, uint64_t size)
{
	return vdpa_iotlb(fd, VHOST_IOTLB_INVALIDATE, iova, size, 0);
}

int vdpa_give(int fd, const struct memory *m)
{
	uint64_t backend = 1ULL << VHOST_BACKEND_F_IOTLB_MSG_V2 |
			   1ULL << VHOST_BACKEND_F_IOTLB_BATCH;
	const struct region *r;
	int err;

	err = call(fd, VHOST_SET_BACKEND_FEATURES, &backend);
	if (!err)
		err = vdpa_iotlb(fd, VHOST_IOTLB_BATCH_BEGIN, 0, 0, 0);
	for (r = m->region; !err && r < m->region + m->nr; r++)
		err = vdpa_map(fd, r->gpa, r->size, r->addr);
	return err ?: vdpa_iotlb(fd, VHOST_IOTLB_BATCH_END, 0, 0, 0);
}

uint8_t vdpa_status(int fd)
{
	uint8_t status;

	ASSERT_EQ(call(fd, VHOST_VDPA_GET_STATUS, &status), 0);
	return status;
}

int vdpa_set_status(int fd, uint8_t status)
{
	return call(fd, VHOST_VDPA_SET_STATUS, &status);
}

uint64_t vdpa_features(int fd)
{
	uint64_t features;

	ASSERT_EQ(call(fd, VHOST_GET_FEATURES, &features), 0);
	return features;
}

int vdpa_set_features(int fd, uint64_t features)
{
	return call(fd, VHOST_SET_FEATURES, &features);
}

int vdpa_enable(int fd, unsigned int index, bool on)
{
	struct vhost_vring_state state = { .index = index, .num = on };

	return call(fd, VHOST_VDPA_SET_VRING_ENABLE, &state);
}

int vdpa_set_vring(int fd, const struct vdpa_vring *vr)
{
	struct vhost_vring_state num = { vr->index, vr->num };
	struct vhost_vring_state base = { vr->index, vr->base };
	struct vhost_vring_file kick = { vr->index, vr->kick };
	struct vhost_vring_file irq = { vr->index, vr->call };
	struct vhost_vring_addr addr = {
		.index = vr->index,
		.desc_user_addr = vr->desc,
		.avail_user_addr = vr->avail,
		.used_user_addr = vr->used,
	};

	return call(fd, VHOST_SET_VRING_NUM, &num) ?:
	       call(fd, VHOST_SET_VRING_BASE, &base) ?:
	       call(fd, VHOST_SET_VRING_ADDR, &addr) ?:
	       call(fd, VHOST_SET_VRING_CALL, &irq) ?:
	       call(fd, VHOST_SET_VRING_KICK, &kick);
}

int vdpa_get_base(int fd, unsigned int index, unsigned int *base)
{
	struct vhost_vring_state state = { .index = index };
	int err = call(fd, VHOST_GET_VRING_BASE, &state);

	*base = state.num;
	return err;
}

void vdpa_sweep(const char *prefix)
{
	struct dirent *e;
	DIR *d = opendir(DEVICES);

	while (d && (e = readdir(d))) {
		if (!strncmp(e->d_name, prefix, strlen(prefix)) &&
		    vdpa_remove(e->d_name))
			FAIL("%s cannot be taken from the vDPA bus", e->d_name);
	}
	if (d)
		closedir(d);
}
