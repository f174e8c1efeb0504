// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "disk.h"
#include "harness.h"
#include "session.h"

int session_open_fd(const char *disk)
{
	char path[64];
	int fd;

	disk_node(disk, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int session_reopen_fd(const char *disk)
{
	uint64_t end = now_ns() + WAIT_SECONDS * NSEC_PER_SEC;
	int fd = session_open_fd(disk);

	while (fd == -EBUSY && now_ns() < end) {
		usleep(100);
		fd = session_open_fd(disk);
	}
	return fd;
}

int session_bind(int fd, enum kvblk_event event, uint32_t queue, int eventfd)
{
	struct kvblk_session_bind arg = {
		.hdr.size = sizeof(arg),
		.event = event,
		.queue = queue,
		.fd = eventfd,
	};

	return call(fd, KVBLK_SESSION_BIND, &arg);
}

void session_open(struct session *s, const char *disk)
{
	unsigned int i;

	s->fd = session_reopen_fd(disk);
	if (s->fd < 0)
		DIE("open %s: %s", disk, strerror(-s->fd));
	for (i = 0; i < KVBLK_EVENT_NR; i++) {
		s->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_GE(s->event[i], 0);
		ASSERT_EQ(session_bind(s->fd, i, 0, s->event[i]), 0);
	}
	s->page = mmap(NULL, KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, s->fd, 0);
	if (s->page == MAP_FAILED)
		DIE("map the register page: %s", strerror(errno));
}

void session_close(struct session *s)
{
	unsigned int i;

	munmap((void *)s->page, KVBLK_PAGE_SIZE);
	close(s->fd);
	for (i = 0; i < KVBLK_EVENT_NR; i++)
		close(s->event[i]);
}

int session_access(int fd, unsigned long cmd, uint32_t offset, uint32_t len,
		   uint64_t *value)
{
	struct kvblk_session_reg arg = {
		.hdr.size = sizeof(arg),
		.offset = offset,
		.len = len,
		.value = *value,
	};
	int ret = call(fd, cmd, &arg);

	*value = arg.value;
	return ret;
}

uint32_t session_read(const struct session *s, uint32_t offset)
{
	const volatile uint32_t *reg = (const void *)(s->page + offset);

	return *reg;
}

void session_write(const struct session *s, uint32_t offset, uint32_t value)
{
	uint64_t v = value;

	ASSERT_EQ(session_access(s->fd, KVBLK_SESSION_WRITE, offset, 4, &v), 0);
}

uint64_t session_features(const struct session *s)
{
	uint64_t low, high;

	session_write(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = session_read(s, VIRTIO_MMIO_DEVICE_FEATURES);
	session_write(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	high = session_read(s, VIRTIO_MMIO_DEVICE_FEATURES);
	return low | high << 32;
}

void session_accept(const struct session *s, uint64_t features)
{
	session_write(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	session_write(s, VIRTIO_MMIO_DRIVER_FEATURES, features);
	session_write(s, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	session_write(s, VIRTIO_MMIO_DRIVER_FEATURES, features >> 32);
}

void event_signal(int fd)
{
	ASSERT_EQ(eventfd_write(fd, 1), 0);
}

uint64_t event_take(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) ? 0 : value;
}

bool event_wait(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}
