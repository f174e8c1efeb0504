// SPDX-License-Identifier: GPL-2.0
/* A session: attach, memory, registers, detach. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int open_node(const char *disk)
{
	char path[sizeof("/dev/kvblk/") + KVBLK_NAME_LEN];
	int fd;

	if (!strchr(disk, '/')) {
		if (strlen(disk) >= KVBLK_NAME_LEN)
			return -EINVAL;
		snprintf(path, sizeof(path), "/dev/kvblk/%s", disk);
		disk = path;
	}
	fd = open(disk, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static struct kvblk_dev *
alloc_dev(int fd, const struct kvblk_session_info *info)
{
	uint32_t i, count = info->queues + 2;
	struct kvblk_dev *dev;

	dev = calloc(1, sizeof(*dev) + count * sizeof(dev->events[0]));
	if (!dev)
		return NULL;
	dev->fd = fd;
	dev->info = *info;
	dev->vm_fd = -1;
	dev->event_count = count;
	for (i = 0; i < count; i++)
		dev->events[i].fd = -1;
	for (i = 0; i < info->queues; i++) {
		dev->events[i].event = KVBLK_EVENT_KICK;
		dev->events[i].queue = i;
	}
	dev->events[count - 2].event = KVBLK_EVENT_ACK;
	dev->events[count - 1].event = KVBLK_EVENT_IRQ;
	return dev;
}

int kvblk_dev_open(const char *disk, struct kvblk_dev **dev)
{
	struct kvblk_session_info info = {};
	int fd, err;

	*dev = NULL;
	fd = open_node(disk);
	if (fd < 0)
		return fd;
	err = kvblk_call(fd, KVBLK_SESSION_INFO, &info.hdr, sizeof(info), NULL,
			 0);
	if (!err) {
		*dev = alloc_dev(fd, &info);
		err = *dev ? 0 : -ENOMEM;
	}
	if (err)
		close(fd);
	return err;
}

void kvblk_dev_close(struct kvblk_dev *dev)
{
	if (!dev)
		return;
	/* Out of the guest first: it must not see a device without a server. */
	kvblk_dev_unplug(dev);
	close(dev->fd);
	free(dev);
}

int kvblk_dev_fail(struct kvblk_dev *dev, const char *what)
{
	int err = -errno;

	kvblk_why(dev->why, sizeof(dev->why), "%s: %s", what, strerror(-err));
	return err;
}

const char *kvblk_dev_why(const struct kvblk_dev *dev)
{
	return dev->why;
}

const struct kvblk_session_info *kvblk_dev_info(const struct kvblk_dev *dev)
{
	return &dev->info;
}

static int set_memory(struct kvblk_dev *dev, const struct kvblk_region *regions,
		      size_t count, uint32_t flags)
{
	struct kvblk_session_mem arg = {
		.hdr.flags = flags,
		.regions = (uintptr_t)regions,
		.count = count,
	};

	if (count > KVBLK_REGIONS_MAX) {
		kvblk_why(dev->why, sizeof(dev->why),
			  "count: %zu regions, at most %d", count,
			  KVBLK_REGIONS_MAX);
		return -E2BIG;
	}
	return kvblk_call(dev->fd, KVBLK_SESSION_SET_MEM, &arg.hdr,
			  sizeof(arg), dev->why, sizeof(dev->why));
}

int kvblk_dev_set_memory(struct kvblk_dev *dev,
			 const struct kvblk_region *regions, size_t count)
{
	return set_memory(dev, regions, count, 0);
}

int kvblk_dev_pin_memory(struct kvblk_dev *dev, const struct kvblk_region *regions,
			 size_t count)
{
	return set_memory(dev, regions, count, KVBLK_MEM_PIN);
}

int kvblk_dev_pause(struct kvblk_dev *dev, uint32_t timeout_ms,
		    uint32_t *in_flight)
{
	struct kvblk_session_pause arg = { .timeout_ms = timeout_ms };
	int err = kvblk_call(dev->fd, KVBLK_SESSION_PAUSE, &arg.hdr,
			     sizeof(arg), dev->why, sizeof(dev->why));

	if (!err)
		*in_flight = arg.in_flight;
	return err;
}

int kvblk_dev_resume(struct kvblk_dev *dev)
{
	struct kvblk_session_pause arg = {};

	return kvblk_call(dev->fd, KVBLK_SESSION_RESUME, &arg.hdr, sizeof(arg),
			  dev->why, sizeof(dev->why));
}

int kvblk_dev_set_drain(struct kvblk_dev *dev, uint32_t drain_ms)
{
	struct kvblk_session_set arg = { .drain_ms = drain_ms };

	return kvblk_call(dev->fd, KVBLK_SESSION_SET, &arg.hdr, sizeof(arg), dev->why,
			  sizeof(dev->why));
}

/*
 * The guest's bytes lie in memory as its store left them, little-endian in this
 * device; the kernel takes a number.
 */
int kvblk_dev_write(struct kvblk_dev *dev, uint32_t offset, const void *data,
		    size_t len)
{
	struct kvblk_session_reg arg = { .offset = offset, .len = len };
	uint64_t value = 0;

	if (len > sizeof(value))
		return -EINVAL;
	memcpy(&value, data, len);
	arg.value = le64toh(value);
	return kvblk_call(dev->fd, KVBLK_SESSION_WRITE, &arg.hdr, sizeof(arg),
			  NULL, 0);
}

int kvblk_dev_read(struct kvblk_dev *dev, uint32_t offset, void *data,
		   size_t len)
{
	struct kvblk_session_reg arg = { .offset = offset, .len = len };
	uint64_t value;
	int err;

	if (len > sizeof(value))
		return -EINVAL;
	err = kvblk_call(dev->fd, KVBLK_SESSION_READ, &arg.hdr, sizeof(arg),
			 NULL, 0);
	if (err)
		return err;
	value = htole64(arg.value);
	memcpy(data, &value, len);
	return 0;
}
