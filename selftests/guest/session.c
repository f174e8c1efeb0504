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
#include "vdpa.h"

int session_open_fd(const char *disk)
{
	char path[64];
	int fd;

	if (vdpa_wanted())
		return vdpa_open(disk);
	disk_node(disk, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int session_make(struct disk *disk, uint64_t size)
{
	int fd;

	disk_make(disk, size, 0);
	fd = session_open_fd(disk->name);
	ASSERT_GE(fd, 0);
	return fd;
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

static void open_page(struct session *s)
{
	unsigned int i;

	for (i = 0; i < KVBLK_EVENT_NR; i++)
		ASSERT_EQ(session_bind(s->fd, i, 0, s->event[i]), 0);
	s->page = mmap(NULL, KVBLK_PAGE_SIZE, PROT_READ, MAP_SHARED, s->fd, 0);
	if (s->page == MAP_FAILED)
		DIE("map the register page: %s", strerror(errno));
}

void session_open(struct session *s, const char *disk)
{
	unsigned int i;

	*s = (struct session) { .fd = session_reopen_fd(disk) };
	if (s->fd < 0)
		DIE("open %s: %s", disk, strerror(-s->fd));
	for (i = 0; i < KVBLK_EVENT_NR; i++) {
		s->event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ASSERT_GE(s->event[i], 0);
	}
	/* One line for both kinds of interrupt, as virtio-mmio has it. */
	if (vdpa_wanted())
		ASSERT_EQ(call(s->fd, VHOST_VDPA_SET_CONFIG_CALL,
			       &s->event[KVBLK_EVENT_IRQ]), 0);
	else
		open_page(s);
}

void session_close(struct session *s)
{
	unsigned int i;

	if (s->page)
		munmap((void *)s->page, KVBLK_PAGE_SIZE);
	close(s->fd);
	for (i = 0; i < KVBLK_EVENT_NR; i++)
		close(s->event[i]);
}

int session_drain(int fd, uint32_t ms)
{
	struct kvblk_session_set arg = { .hdr.size = sizeof(arg), .drain_ms = ms };

	return vdpa_wanted() ? 0 : call(fd, KVBLK_SESSION_SET, &arg);
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

	return s->page ? *reg : registers_read(s, offset);
}

void session_write(struct session *s, uint32_t offset, uint32_t value)
{
	uint64_t v = value;

	if (!s->page)
		registers_write(s, offset, value);
	else
		ASSERT_EQ(session_access(s->fd, KVBLK_SESSION_WRITE, offset, 4,
					 &v), 0);
}

int session_give(const struct session *s, const struct memory *m)
{
	return s->page ? memory_give(m, s->fd) : vdpa_give(s->fd, m);
}

uint64_t session_features(struct session *s)
{
	uint64_t low, high;

	session_write(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = session_read(s, VIRTIO_MMIO_DEVICE_FEATURES);
	session_write(s, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	high = session_read(s, VIRTIO_MMIO_DEVICE_FEATURES);
	return low | high << 32;
}

void session_accept(struct session *s, uint64_t features)
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
