/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session as a VMM holds it: descriptor, eventfds, register page; or, with
 * $KVBLK_TEST_FRONT = vdpa, the same through vhost-vdpa and no page.
 */
#ifndef KVBLK_TEST_SESSION_H
#define KVBLK_TEST_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvblk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "memory.h"
#include "registers.h"

#define STATUS_ACK	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define STATUS_DRIVER	VIRTIO_CONFIG_S_DRIVER
#define STATUS_OK	VIRTIO_CONFIG_S_DRIVER_OK
#define STATUS_FEATURES	VIRTIO_CONFIG_S_FEATURES_OK
#define STATUS_BROKEN	VIRTIO_CONFIG_S_NEEDS_RESET
#define STATUS_FAILED	VIRTIO_CONFIG_S_FAILED

/* What a healthy driver has set in the end. */
#define STATUS_RUNNING \
	(STATUS_ACK | STATUS_DRIVER | STATUS_FEATURES | STATUS_OK)

struct session {
	int fd;
	int event[KVBLK_EVENT_NR];
	const uint8_t *page;
	struct registers reg;
};

/* Opens the disk's node: descriptor or -errno. */
int session_open_fd(const char *disk);

/* A new disk, and a session of it: descriptor. */
int session_make(struct disk *disk, uint64_t size);

/* As session_open_fd(), waiting until an earlier session has let go. */
int session_reopen_fd(const char *disk);

/* Opens, binds new eventfds, maps the page. */
void session_open(struct session *s, const char *disk);
void session_close(struct session *s);

int session_bind(int fd, enum kvblk_event event, uint32_t queue, int eventfd);

/* How long a reset and a close wait: 0 or -errno; not through vhost-vdpa. */
int session_drain(int fd, uint32_t ms);

/* One register access by ioctl: 0 or -errno. */
int session_access(int fd, unsigned long cmd, uint32_t offset, uint32_t len,
		   uint64_t *value);

/* A register from the page, and four bytes to it by ioctl. */
uint32_t session_read(const struct session *s, uint32_t offset);
void session_write(struct session *s, uint32_t offset, uint32_t value);

/* All of guest memory; MEMORY_SHARED if it is to be seen through vhost-vdpa. */
int session_give(const struct session *s, const struct memory *m);

/* A 64-bit feature word through its two halves. */
uint64_t session_features(struct session *s);
void session_accept(struct session *s, uint64_t features);

/* Adds one to an eventfd, as KVM does; takes what it holds (0: nothing). */
void event_signal(int fd);
uint64_t event_take(int fd);

/* Whether the eventfd is signalled within @ms. */
bool event_wait(int fd, int ms);

#endif /* KVBLK_TEST_SESSION_H */
