/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libkvblk: what a control tool and a VMM need of kvblk, in a few calls.
 *
 * Every function that can fail returns 0 (or a descriptor) on success and
 * -errno on failure; nothing is left behind by a call that failed. The numbers
 * and structures of the kernel interface are in <linux/kvblk.h>; the errors
 * listed there reach the caller unchanged.
 */
#ifndef LIBKVBLK_H
#define LIBKVBLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvblk.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: a disk in a VMM
 *
 * A VMM with its memory slots in place gives its guest a disk so::
 *
 *	struct kvblk_dev *dev;
 *	int err;
 *
 *	err = kvblk_dev_open("disk0", &dev);
 *	if (err)
 *		return err;
 *	err = kvblk_dev_set_memory(dev, regions, count);
 *	if (!err)
 *		err = kvblk_dev_plug(dev, vm_fd, 0xd0000000, gsi, slot);
 *	if (err) {
 *		fprintf(stderr, "disk0: %s\n", kvblk_dev_why(dev));
 *		kvblk_dev_close(dev);
 *		return err;
 *	}
 *
 * and, where a vCPU returns with KVM_EXIT_MMIO::
 *
 *	if (kvblk_dev_claims(dev, run->mmio.phys_addr, run->mmio.len)) {
 *		uint32_t offset = run->mmio.phys_addr - 0xd0000000;
 *
 *		if (run->mmio.is_write)
 *			kvblk_dev_write(dev, offset, run->mmio.data,
 *					run->mmio.len);
 *		else
 *			kvblk_dev_read(dev, offset, run->mmio.data,
 *				       run->mmio.len);
 *	}
 *
 * The guest has to be told of the device: a virtio-mmio device (``LNRO0005`` in
 * ACPI, ``virtio,mmio`` in a device tree) of 4096 bytes at that address, with
 * an edge-triggered, active-high interrupt on that GSI. Nothing else is needed;
 * the I/O itself never returns to the VMM.
 */

/**
 * DOC: threads
 *
 * kvblk_dev_claims(), kvblk_dev_read() and kvblk_dev_write() may be called by
 * any number of vCPU threads at once. Every other call on one struct kvblk_dev
 * has to be alone; kvblk_dev_close() when no vCPU runs that could use the
 * device. Different devices are independent.
 */

/* ---- Control: /dev/kvblk-control, for root ---- */

/* Room for the longest sentence a failing call stores. */
#define KVBLK_WHY_LEN	256

/**
 * struct kvblk_disk_name - Element of what kvblk_disk_list() returns
 * @text: NUL-terminated.
 */
struct kvblk_disk_name {
	char text[KVBLK_NAME_LEN];
};

/**
 * kvblk_control_open - Open the control device
 *
 * Return: a close-on-exec descriptor for the kvblk_disk_*() calls, to be closed
 * with close(); -ENOENT if the module is not loaded, -EACCES if not root.
 */
int kvblk_control_open(void);

/**
 * kvblk_disk_add - Make a disk
 * @ctl: From kvblk_control_open().
 * @spec: The disk. Of @spec->hdr only the flags (KVBLK_DISK_*) are used; zero
 *	all that is to take its default.
 * @why: Stores one sentence that names the field and the limit when the call
 *	fails, and "" when it succeeds or nothing is to be said. May be NULL.
 * @why_len: Bytes at @why; KVBLK_WHY_LEN is always enough.
 *
 * The disk keeps a reference to the open file description of @spec->fd, and so
 * whatever lock was taken on it by kvblk_image_lock(); the caller closes its
 * descriptor as soon as it likes.
 *
 * Return: 0 or -errno as listed at struct kvblk_add.
 */
int kvblk_disk_add(int ctl, const struct kvblk_add *spec, char *why,
		   size_t why_len);

/**
 * kvblk_disk_remove - Remove a disk and drop its backing file, lock included
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0, -ENOENT, or -EBUSY while a session is attached or its I/O has not
 * ended. Here and below a @name that is too long is -EINVAL.
 */
int kvblk_disk_remove(int ctl, const char *name, char *why, size_t why_len);

/**
 * kvblk_disk_pause - Hold a disk still: it takes no more requests
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @timeout_ms: How long to wait for requests in flight, at most
 *	KVBLK_PAUSE_MS_MAX; 0: 1000.
 * @in_flight: Out: requests that have not ended; 0: the disk is still.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0, -ENOENT, -EINVAL.
 */
int kvblk_disk_pause(int ctl, const char *name, uint32_t timeout_ms,
		     uint32_t *in_flight, char *why, size_t why_len);

/* The end of it. Return: 0, -ENOENT. */
int kvblk_disk_resume(int ctl, const char *name, char *why, size_t why_len);

/**
 * kvblk_disk_set - Change a disk, attached or not
 * @ctl: From kvblk_control_open().
 * @spec: Name, flags of what is to change, mask and limits, and the rest.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0 or -errno as listed at struct kvblk_set.
 */
int kvblk_disk_set(int ctl, const struct kvblk_set *spec, char *why,
		   size_t why_len);

/**
 * kvblk_disk_move - Give a queue of a disk, attached or not, to another thread
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @queue: Number of the queue.
 * @worker: Number of the thread.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0, -ENOENT, -EINVAL, -EBUSY as listed at struct kvblk_move, or -ENOTTY from a
 * kernel that cannot.
 */
int kvblk_disk_move(int ctl, const char *name, uint32_t queue, uint32_t worker,
		    char *why, size_t why_len);

/**
 * kvblk_disk_query - Tell what a disk is and does
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @query: Filled.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0 or -ENOENT.
 */
int kvblk_disk_query(int ctl, const char *name, struct kvblk_query *query,
		     char *why, size_t why_len);

/**
 * kvblk_disk_latency - Tell where the time of a disk's requests goes
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @queue: 0: all queues together; else 1 + the number of one.
 * @hists: Set to a new array; free() it. NULL on failure.
 * @count: Set to its number of elements.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * A newer kernel may know kinds and stages that the caller does not: look at the
 * members op and stage, not at the order.
 *
 * Return: 0, -ENOENT, -EINVAL, -ENOMEM, or -ENOTTY from a kernel that cannot tell.
 */
int kvblk_disk_latency(int ctl, const char *name, uint32_t queue,
		       struct kvblk_latency_hist **hists, size_t *count, char *why,
		       size_t why_len);

/**
 * kvblk_disk_queues - Tell what each queue of a disk does
 * @ctl: From kvblk_control_open().
 * @name: Of the disk.
 * @queues: Set to a new array in the order of the queues; free() it. NULL on failure.
 * @count: Set to its number of elements.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * Return: 0, -ENOENT, -ENOMEM, or -ENOTTY from a kernel that cannot tell.
 */
int kvblk_disk_queues(int ctl, const char *name, struct kvblk_queue_stats **queues,
		      size_t *count, char *why, size_t why_len);

/**
 * kvblk_disk_list - List the names of all disks
 * @ctl: From kvblk_control_open().
 * @names: Set to an array in the order of adding, for free(); NULL if empty.
 * @count: Set to its length.
 * @why: As for kvblk_disk_add().
 * @why_len: Likewise.
 *
 * A disk may be gone by the time it is queried.
 *
 * Return: 0 or -ENOMEM.
 */
int kvblk_disk_list(int ctl, struct kvblk_disk_name **names, size_t *count,
		    char *why, size_t why_len);

/**
 * kvblk_state_name - Word for a state
 * @state: enum kvblk_disk_state.
 *
 * Return: "idle", "attached", "running", "draining", "needs-reset", "paused"; "unknown"
 * for a state this library does not know. Never NULL.
 */
const char *kvblk_state_name(uint32_t state);

/* ---- Image lock ---- */

/**
 * kvblk_image_lock - Lock a disk image against other users of it
 * @fd: Open for reading, and for writing unless @read_only.
 * @read_only: The image is only going to be read. Any number of readers share
 *	an image; a writer is alone.
 *
 * Takes the byte-range locks that QEMU takes on its images, so that kvblk, QEMU
 * and qemu-img refuse to open the same image for writing twice. They are open
 * file description locks: they belong to what open() made, not to the process.
 * KVBLK_ADD keeps a reference to that, so the lock lasts until the disk is
 * removed although the process that added it has long exited. Without a disk
 * it ends when the last duplicate of @fd is closed.
 *
 * Two callers at the same instant may both fail, never both succeed. The lock
 * is advisory; a file system that has no locks answers -EOPNOTSUPP or -ENOLCK.
 *
 * Return: 0; -EAGAIN if another user holds a lock that conflicts (then none is
 * held by @fd); or the -errno of fcntl().
 */
int kvblk_image_lock(int fd, bool read_only);

/* ---- Session: /dev/kvblk/<disk>, for a VMM ---- */

/* One attachment to a disk. */
struct kvblk_dev;

/**
 * kvblk_dev_open - Attach to a disk
 * @disk: Its name, or a path (anything with a slash) to its device node.
 * @dev: Set to the session, for kvblk_dev_close(); NULL on failure.
 *
 * Return: 0; -ENOENT if there is no such disk, -EBUSY if another session is
 * attached or has I/O that has not ended, -EACCES if the node does not allow
 * it.
 */
int kvblk_dev_open(const char *disk, struct kvblk_dev **dev);

/**
 * kvblk_dev_close - Detach
 * @dev: May be NULL, and half plugged.
 *
 * Takes the device out of the VM (memory slot, irqfd and ioeventfds, in the
 * reverse order of kvblk_dev_plug()) and ends the session. Bounded in time: I/O
 * that a dead backing file still holds is left to the kernel.
 */
void kvblk_dev_close(struct kvblk_dev *dev);

/**
 * kvblk_dev_why - Sentence about the last failure
 * @dev: The session.
 *
 * Of kvblk_dev_set_memory(), kvblk_dev_plug() or kvblk_dev_plug_fds(): names
 * the step, the field and the limit.
 *
 * Return: "" if there is nothing to say. Never NULL; valid until the next call.
 */
const char *kvblk_dev_why(const struct kvblk_dev *dev);

/**
 * kvblk_dev_info - Tell what the session serves
 * @dev: The session.
 *
 * Return: name, flags, queues and capacity, as read by kvblk_dev_open(); valid
 * until kvblk_dev_close().
 */
const struct kvblk_session_info *kvblk_dev_info(const struct kvblk_dev *dev);

/**
 * kvblk_dev_set_memory - Tell the guest's memory
 * @dev: The session.
 * @regions: As given to KVM_SET_USER_MEMORY_REGION, in any order: RAM only, not
 *	register pages.
 * @count: At most KVBLK_REGIONS_MAX.
 *
 * Replaces the whole map. Comes before the guest runs; afterwards it works only
 * while the driver has not set DRIVER_OK.
 *
 * Return: 0 or -errno as listed at struct kvblk_session_mem.
 */
int kvblk_dev_set_memory(struct kvblk_dev *dev,
			 const struct kvblk_region *regions, size_t count);

/**
 * kvblk_dev_pin_memory - The same, and keep all of it in memory
 * @dev: The session.
 * @regions: As above.
 * @count: As above.
 *
 * Requests cost less; the pages count against RLIMIT_MEMLOCK until the map is replaced or
 * the session ends.
 *
 * Return: 0 or -errno; -ENOMEM above the limit.
 */
int kvblk_dev_pin_memory(struct kvblk_dev *dev, const struct kvblk_region *regions,
			 size_t count);

/**
 * kvblk_dev_plug - Put the device into a KVM guest
 * @dev: The session.
 * @vm_fd: Of KVM_CREATE_VM, with an interrupt controller in the kernel. Kept as
 *	a duplicate, so the VMM may close its own in any order.
 * @gpa: Guest physical address of the register window of KVBLK_PAGE_SIZE bytes;
 *	a multiple of that, in no other memory slot.
 * @gsi: Interrupt, edge-triggered.
 * @memslot: KVM memory slot that nothing else uses.
 *
 * Makes the eventfds and binds them; ties the interrupt to @gsi (KVM_IRQFD) and
 * the writes of QueueNotify and InterruptACK to the kernel (KVM_IOEVENTFD);
 * maps the register page and makes it a read-only memory slot. From then on
 * guest reads of registers, notifications and acknowledgements need no exit to
 * the VMM; other writes do, and go to kvblk_dev_write().
 *
 * Return: 0; -EINVAL if @gpa is not aligned; -EALREADY if plugged already;
 * -EMFILE or -ENOMEM; or what KVM answered (-EEXIST: the slot overlaps another
 * or another eventfd has the address; kvblk_dev_why() names the step).
 */
int kvblk_dev_plug(struct kvblk_dev *dev, int vm_fd, uint64_t gpa,
		   uint32_t gsi, uint32_t memslot);

/**
 * kvblk_dev_plug_fds - Make, bind and keep the eventfds, without KVM
 * @dev: The session.
 *
 * For a VMM with an interrupt controller of its own, an emulator or a test: it
 * uses kvblk_dev_event_fd() and kvblk_dev_page() as it likes.
 *
 * Return: 0; -EALREADY if plugged already; -EMFILE or -ENOMEM; or -errno as
 * listed at struct kvblk_session_bind.
 */
int kvblk_dev_plug_fds(struct kvblk_dev *dev);

/**
 * kvblk_dev_event_fd - Eventfd of a plugged device
 * @dev: The session.
 * @event: Kick: write to it to notify @queue. Ack: write to it to acknowledge
 *	the used-buffer interrupt. Irq: readable when the device interrupts.
 *	All are non-blocking and close-on-exec.
 * @queue: For KVBLK_EVENT_KICK; else 0.
 *
 * Return: a descriptor that stays the library's; -EBADF if the device is not
 * plugged, -EINVAL if there is no such event or queue.
 */
int kvblk_dev_event_fd(const struct kvblk_dev *dev, enum kvblk_event event,
		       uint32_t queue);

/**
 * kvblk_dev_page - Register page of a plugged device
 * @dev: The session.
 *
 * Return: KVBLK_PAGE_SIZE bytes, little-endian, read-only, that change under
 * the reader; NULL if the device is not plugged.
 */
const void *kvblk_dev_page(const struct kvblk_dev *dev);

/**
 * kvblk_dev_claims - Tell whether a guest access is for this device
 * @dev: The session.
 * @gpa: Guest physical address of the access.
 * @len: Its length.
 *
 * Return: true if all of it lies in the window given to kvblk_dev_plug().
 */
bool kvblk_dev_claims(const struct kvblk_dev *dev, uint64_t gpa, size_t len);

/**
 * kvblk_dev_pause - Hold the disk still for a memory dump or a snapshot
 * @dev: The device.
 * @timeout_ms: As for kvblk_disk_pause().
 * @in_flight: As for kvblk_disk_pause().
 *
 * Ends by kvblk_dev_resume() or with the session.
 *
 * Return: 0, -EINVAL.
 */
int kvblk_dev_pause(struct kvblk_dev *dev, uint32_t timeout_ms,
		    uint32_t *in_flight);
int kvblk_dev_resume(struct kvblk_dev *dev);

/**
 * kvblk_dev_set_drain - Say how long a reset and the end of the session wait for I/O
 * @dev: The device.
 * @drain_ms: Milliseconds, 1 to KVBLK_DRAIN_MS_MAX; 1000 if this is never called.
 *
 * Return: 0, -EINVAL.
 */
int kvblk_dev_set_drain(struct kvblk_dev *dev, uint32_t drain_ms);

/**
 * kvblk_dev_write - Forward a guest write
 * @dev: The session.
 * @offset: From the start of the window.
 * @data: The bytes as the guest stored them (``kvm_run.mmio.data``).
 * @len: 1, 2, 4 or 8.
 *
 * A write that virtio does not allow succeeds and does nothing. A reset may
 * take up to one second.
 *
 * Return: 0; -EINVAL for another length or an access beyond the window.
 */
int kvblk_dev_write(struct kvblk_dev *dev, uint32_t offset, const void *data,
		    size_t len);

/**
 * kvblk_dev_read - Forward a guest read
 * @dev: The session.
 * @offset: From the start of the window.
 * @data: Filled with @len bytes for the guest to load.
 * @len: 1, 2, 4 or 8.
 *
 * Only needed where the register page is not a memory slot of the guest.
 *
 * Return: 0; -EINVAL for another length or an access beyond the window.
 */
int kvblk_dev_read(struct kvblk_dev *dev, uint32_t offset, void *data,
		   size_t len);

#ifdef __cplusplus
}
#endif

#endif /* LIBKVBLK_H */
