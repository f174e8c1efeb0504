/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio-mmio version 2 register window and device status machine (virtio 1.2, 4.2).
 *
 * The window is a page of memory that the guest reads without any exit; it is
 * the only copy of what a register reads as. One writer at a time (the disk's
 * mutex) but for two words: Status and InterruptStatus are also changed by the
 * worker and the ack hook, always by atomic read-modify-write.
 */
#ifndef KVBLK_MMIO_H
#define KVBLK_MMIO_H

#include <linux/atomic.h>
#include <linux/types.h>

#define KVBLK_MMIO_SIZE		4096
#define KVBLK_MMIO_CONFIG	0x100	/* configuration space */
#define KVBLK_MMIO_VENDOR	0x6c62766b	/* "kvbl" */
#define KVBLK_MMIO_QUEUES	64	/* at most */

#define KVBLK_INT_VRING		0x1	/* VIRTIO_MMIO_INT_VRING */
#define KVBLK_INT_CONFIG	0x2	/* VIRTIO_MMIO_INT_CONFIG */

/**
 * struct kvblk_vq_config - A queue as the driver set it up
 * @num: Entries.
 * @ready: QueueReady.
 * @desc: Guest physical address of the descriptor table, 16-byte aligned.
 * @avail: Of the driver area, 2-byte aligned.
 * @used: Of the device area, 4-byte aligned.
 * @base: Index of both rings to begin with; not 0 only where a front end restores a
 *	queue whose requests had all ended.
 */
struct kvblk_vq_config {
	u16 num;
	u16 base;
	bool ready;
	u64 desc;
	u64 avail;
	u64 used;
};

/**
 * struct kvblk_mmio - The register file
 * @page: The window, KVBLK_MMIO_SIZE bytes, little-endian.
 * @offered: Device features.
 * @driver: Driver features; settled at FEATURES_OK.
 * @queue_max: Largest ring.
 * @queues: Number of queues, at most KVBLK_MMIO_QUEUES; see kvblk_mmio_queues().
 * @queue_ok: Asked at QueueReady = 1 whether the three areas lie in guest memory.
 * @features_sel: DeviceFeaturesSel.
 * @driver_sel: DriverFeaturesSel.
 * @queue_sel: QueueSel.
 * @vq: Queues.
 */
struct kvblk_mmio {
	void *page;
	u64 offered;
	u64 driver;
	u16 queue_max;
	u16 queues;
	bool (*queue_ok)(struct kvblk_mmio *m, const struct kvblk_vq_config *vq);
	u32 features_sel;
	u32 driver_sel;
	u32 queue_sel;
	struct kvblk_vq_config vq[KVBLK_MMIO_QUEUES];
};

/**
 * enum kvblk_mmio_act - What a register write asks of the object layer
 * @KVBLK_MMIO_NONE: Nothing more.
 * @KVBLK_MMIO_REFUSED: Ignored, the driver broke a rule; for the log.
 * @KVBLK_MMIO_NOTIFY: Look at the queue given by the value.
 * @KVBLK_MMIO_START: DRIVER_OK was set: start the queues.
 * @KVBLK_MMIO_RESET: Status = 0 was written; nothing is changed yet.
 * @KVBLK_MMIO_FAILED: The driver gave up (FAILED).
 */
enum kvblk_mmio_act {
	KVBLK_MMIO_NONE,
	KVBLK_MMIO_REFUSED,
	KVBLK_MMIO_NOTIFY,
	KVBLK_MMIO_START,
	KVBLK_MMIO_RESET,
	KVBLK_MMIO_FAILED,
};

/**
 * kvblk_mmio_init - Set a zeroed window to its state after reset
 * @m: @page, @offered, @queue_max, @queues and @queue_ok are given.
 * @config: The configuration space.
 * @config_len: Its bytes, at most KVBLK_MMIO_SIZE - KVBLK_MMIO_CONFIG.
 */
void kvblk_mmio_init(struct kvblk_mmio *m, const void *config, u32 config_len);

/**
 * kvblk_mmio_write - A register write of the guest
 * @m: The register file.
 * @offset: Byte offset in the window.
 * @len: Bytes written. Below KVBLK_MMIO_CONFIG only aligned 4-byte writes count.
 * @value: The value.
 *
 * What the specification forbids is ignored; the driver sees that by reading back.
 * The configuration space has no writable field.
 */
enum kvblk_mmio_act kvblk_mmio_write(struct kvblk_mmio *m, u32 offset, u32 len,
				     u64 value);

/**
 * kvblk_mmio_accept - Take the driver's features as a whole
 * @m: The register file.
 * @features: Must contain VERSION_1 and nothing that is not offered.
 *
 * For front ends without feature registers; allowed until FEATURES_OK.
 *
 * Return: 0, -EBUSY, -EINVAL.
 */
int kvblk_mmio_accept(struct kvblk_mmio *m, u64 features);

/* Number of queues the driver may use: one if it has not accepted VIRTIO_BLK_F_MQ. */
unsigned int kvblk_mmio_queues(const struct kvblk_mmio *m);

/* @len bytes (1, 2, 4, 8) at @offset as the mapped page shows them. */
u64 kvblk_mmio_read(const struct kvblk_mmio *m, u32 offset, u32 len);

/*
 * Reset in two steps. From begin to done Status reads NEEDS_RESET, which by the rules
 * of the status machine lets no driver get on but by another reset.
 * kvblk_mmio_reset_done() also bumps ConfigGeneration.
 */
void kvblk_mmio_reset_begin(struct kvblk_mmio *m);
void kvblk_mmio_reset_done(struct kvblk_mmio *m);

/* Status and InterruptStatus: from any context. */
u32 kvblk_mmio_status(const struct kvblk_mmio *m);
void kvblk_mmio_needs_reset(struct kvblk_mmio *m);	/* status and CONFIG */
void kvblk_mmio_raise(struct kvblk_mmio *m, u32 bits);
void kvblk_mmio_ack(struct kvblk_mmio *m, u32 bits);
u32 kvblk_mmio_interrupts(const struct kvblk_mmio *m);

#endif /* KVBLK_MMIO_H */
