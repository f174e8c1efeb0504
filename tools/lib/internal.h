/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of libkvblk share. */
#ifndef LIBKVBLK_INTERNAL_H
#define LIBKVBLK_INTERNAL_H

#include "kvblk.h"

/**
 * struct kvblk_dev_event - An eventfd of a session
 * @event: What it is for.
 * @queue: For a kick, the queue; else 0.
 * @fd: -1 before it is made.
 * @tied: KVM has it.
 */
struct kvblk_dev_event {
	enum kvblk_event event;
	uint32_t queue;
	int fd;
	bool tied;
};

/**
 * struct kvblk_dev - A session
 * @fd: Of /dev/kvblk/<disk>.
 * @info: As read when it was opened.
 * @why: Sentence about the last failure.
 * @page: Register page; NULL before it is mapped.
 * @vm_fd: Duplicate of the VMM's; -1 outside KVM.
 * @gpa: Of the register window.
 * @gsi: Of the interrupt.
 * @memslot: Of the register page.
 * @slotted: The memory slot exists.
 * @event_count: Elements of @events.
 * @events: A kick for each queue, the ack, the interrupt.
 *
 * What is set from @page on is put there by plugging; unplugging accepts any
 * part of it.
 */
struct kvblk_dev {
	int fd;
	struct kvblk_session_info info;
	char why[KVBLK_WHY_LEN];

	void *page;
	int vm_fd;
	uint64_t gpa;
	uint32_t gsi;
	uint32_t memslot;
	bool slotted;
	uint32_t event_count;
	struct kvblk_dev_event events[];
};

/* Return 0 or -errno. @hdr begins a structure of @size bytes. */
int kvblk_call(int fd, unsigned long request, struct kvblk_hdr *hdr,
	       size_t size, char *why, size_t why_len);

/* Store a sentence of the library's own; @why may be NULL. */
__attribute__((format(printf, 3, 4)))
void kvblk_why(char *why, size_t why_len, const char *format, ...);

/* Store "@what: " and what errno means. Return -errno. */
int kvblk_dev_fail(struct kvblk_dev *dev, const char *what);

/* Make every eventfd of @dev and bind it; undone by kvblk_events_close(). */
int kvblk_events_open(struct kvblk_dev *dev);
void kvblk_events_close(struct kvblk_dev *dev);

/* Tie every eventfd and the page to the VM; undone by kvblk_kvm_detach(). */
int kvblk_kvm_attach(struct kvblk_dev *dev);
void kvblk_kvm_detach(struct kvblk_dev *dev);

/* Undo kvblk_dev_plug() or kvblk_dev_plug_fds(), or what they got done. */
void kvblk_dev_unplug(struct kvblk_dev *dev);

#endif /* LIBKVBLK_INTERNAL_H */
