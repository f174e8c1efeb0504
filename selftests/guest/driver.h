/* SPDX-License-Identifier: GPL-2.0 */
/* A guest's virtio-blk driver that lives in the test process. */
#ifndef KVBLK_TEST_DRIVER_H
#define KVBLK_TEST_DRIVER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include "memory.h"
#include "ring.h"
#include "session.h"

#define F_BIT(f)	(1ULL << (f))
#define F_EVENT_IDX	F_BIT(VIRTIO_RING_F_EVENT_IDX)
#define F_MQ		F_BIT(VIRTIO_BLK_F_MQ)
#define F_INDIRECT	F_BIT(VIRTIO_RING_F_INDIRECT_DESC)
#define F_FLUSH		F_BIT(VIRTIO_BLK_F_FLUSH)
#define F_VERSION_1	F_BIT(VIRTIO_F_VERSION_1)

#define SEGS_MAX	256

/* A status that no device writes: nothing was written yet. */
#define STATUS_UNSET	0xaa

/**
 * struct driver_config - How a driver behaves
 * @num: Ring entries; 0: 256.
 * @memory: Kind of guest memory.
 * @features: Beside VERSION_1 and, without @no_flush, FLUSH.
 * @no_flush: Does not accept FLUSH: its writes are durable when they end.
 * @indirect: Every chain goes through an indirect table.
 * @poll: Looks at the used ring and asks for no interrupts.
 * @kick_write: Notifies by a register write, not by the eventfd.
 * @ack_write: Acknowledges by a register write, not by the eventfd.
 * @polite: Notifies only when the device wants it.
 */
struct driver_config {
	uint16_t num;
	enum memory_kind memory;
	uint64_t features;
	bool no_flush;
	bool indirect;
	bool poll;
	bool kick_write;
	bool ack_write;
	bool polite;
};

/* A request; the caller owns it until it is reaped. */
struct request {
	uint32_t type;
	uint64_t sector;
	struct seg seg[SEGS_MAX];
	unsigned int nr;
	uint8_t status;
	uint32_t used_len;
};

/**
 * struct driver - A driver on a session
 * @s: The session.
 * @m: Guest memory.
 * @r: The queue.
 * @index: Its number.
 * @cfg: How it behaves.
 * @slots: Guest address of header and status for each head.
 * @flying: Requests by head.
 */
struct driver {
	struct session s;
	struct memory m;
	struct ring r;
	unsigned int index;
	struct driver_config cfg;
	uint64_t slots;
	struct request *flying[RING_MAX];
};

/* Session, memory, empty ring: the device was not touched yet. */
void driver_init(struct driver *d, const char *disk,
		 const struct driver_config *cfg);

/*
 * Another queue, number @index, of the device of @first, which is not running yet. It has
 * an eventfd and a ring of its own, all else is shared; driver_set_queue() sets it up.
 */
void driver_add_queue(struct driver *d, struct driver *first, unsigned int index);

/* Steps of the handshake; driver_start() takes them all. */
void driver_negotiate(struct driver *d);
void driver_set_queue(struct driver *d);
void driver_ok(struct driver *d);
void driver_start(struct driver *d);

/* driver_init() and driver_start(); a NULL config takes all defaults. */
void driver_open(struct driver *d, const char *disk,
		 const struct driver_config *cfg);
void driver_close(struct driver *d);

/* Status = 0, then waits until the device says that it is done. */
void driver_reset(struct driver *d);
void driver_restart(struct driver *d);

uint32_t driver_status(const struct driver *d);

/* Makes the device look at the queue. */
void driver_kick(struct driver *d);

/* Makes @nr requests of @type: @len bytes each, one behind the other, in memory of their own. */
void driver_requests(struct driver *d, struct request *rq, unsigned int nr, uint32_t type,
		     uint32_t len);

/* Offers a request without making it visible; false: the ring is full. */
bool driver_queue(struct driver *d, struct request *rq);

/* Makes all offered requests visible and notifies. */
void driver_flush(struct driver *d);

/* Waits for a used element: 0, -ETIMEDOUT, or -EIO if the device is broken. */
int driver_wait(struct driver *d);

/* Takes a used request, or NULL. */
struct request *driver_reap(struct driver *d);

/* Clears interrupts that are pending and acknowledges them; which they were. */
uint32_t driver_ack(struct driver *d);

/* One request from start to end: its status byte, or as driver_wait(). */
int driver_do(struct driver *d, struct request *rq);

/* The same for a request with one segment, or none with @len 0. */
int driver_io(struct driver *d, uint32_t type, uint64_t sector, uint64_t gpa,
	      uint32_t len);

/* Guest addresses of header and status of the chain that begins at @head. */
uint64_t driver_header_gpa(const struct driver *d, uint16_t head);
uint64_t driver_status_gpa(const struct driver *d, uint16_t head);
void driver_set_header(struct driver *d, uint16_t head, uint32_t type,
		       uint64_t sector);

/* A write, a read back and a comparison: the disk works. */
void driver_prove(struct driver *d, uint64_t sector, uint32_t seed);

#endif /* KVBLK_TEST_DRIVER_H */
