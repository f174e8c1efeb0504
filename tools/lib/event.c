// SPDX-License-Identifier: GPL-2.0
/* The eventfds of a session: a kick for each queue, the ack, the interrupt. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

static int bind_event(struct kvblk_dev *dev, const struct kvblk_dev_event *ev,
		      int fd)
{
	struct kvblk_session_bind arg = {
		.event = ev->event,
		.queue = ev->queue,
		.fd = fd,
	};

	return kvblk_call(dev->fd, KVBLK_SESSION_BIND, &arg.hdr, sizeof(arg),
			  dev->why, sizeof(dev->why));
}

static int open_event(struct kvblk_dev *dev, struct kvblk_dev_event *ev)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err;

	if (fd < 0)
		return kvblk_dev_fail(dev, "eventfd");
	err = bind_event(dev, ev, fd);
	if (err) {
		close(fd);
		return err;
	}
	ev->fd = fd;
	return 0;
}

int kvblk_events_open(struct kvblk_dev *dev)
{
	uint32_t i;
	int err;

	for (i = 0; i < dev->event_count; i++) {
		err = open_event(dev, &dev->events[i]);
		if (err)
			return err;
	}
	return 0;
}

void kvblk_events_close(struct kvblk_dev *dev)
{
	uint32_t i;

	for (i = 0; i < dev->event_count; i++) {
		struct kvblk_dev_event *ev = &dev->events[i];

		if (ev->fd < 0)
			continue;
		bind_event(dev, ev, -1);
		close(ev->fd);
		ev->fd = -1;
	}
}

int kvblk_dev_event_fd(const struct kvblk_dev *dev, enum kvblk_event event,
		       uint32_t queue)
{
	uint32_t i;

	for (i = 0; i < dev->event_count; i++) {
		const struct kvblk_dev_event *ev = &dev->events[i];

		if (ev->event == event && ev->queue == queue)
			return ev->fd < 0 ? -EBADF : ev->fd;
	}
	return -EINVAL;
}
