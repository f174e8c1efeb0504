// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "driver.h"
#include "harness.h"
#include "pattern.h"
#include "vdpa.h"

#define SLOT_SIZE	64
#define SLOT_STATUS	32	/* apart from the header */
#define PROVE_BYTES	4096

void driver_init(struct driver *d, const char *disk,
		 const struct driver_config *cfg)
{
	memset(d, 0, sizeof(*d));
	if (cfg)
		d->cfg = *cfg;
	if (!d->cfg.num)
		d->cfg.num = KVBLK_QUEUE_SIZE_DEFAULT;
	d->cfg.features |= F_VERSION_1;
	if (!d->cfg.no_flush)
		d->cfg.features |= F_FLUSH;
	if (d->cfg.indirect)
		d->cfg.features |= F_INDIRECT;
	session_open(&d->s, disk);
	memory_init(&d->m, vdpa_wanted() && !vdpa_phys() ?
			    MEMORY_SHARED : d->cfg.memory);
	ASSERT_EQ(session_give(&d->s, &d->m), 0);
	ring_init(&d->r, &d->m, d->cfg.num);
	d->r.event_idx = d->cfg.features & F_EVENT_IDX;
	d->slots = memory_alloc(&d->m, SLOT_SIZE * d->cfg.num, SLOT_SIZE);
}

void driver_add_queue(struct driver *d, struct driver *first, unsigned int index)
{
	int *kick = &d->s.event[KVBLK_EVENT_KICK];

	*d = *first;
	d->index = index;
	ring_init(&d->r, &d->m, d->cfg.num);
	d->r.event_idx = first->r.event_idx;
	d->slots = memory_alloc(&d->m, SLOT_SIZE * d->cfg.num, SLOT_SIZE);
	first->m.used = d->m.used;
	*kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(*kick, 0);
	ASSERT_EQ(session_bind(d->s.fd, KVBLK_EVENT_KICK, index, *kick), 0);
}

uint32_t driver_status(const struct driver *d)
{
	return session_read(&d->s, VIRTIO_MMIO_STATUS);
}

static void set_status(struct driver *d, uint32_t bit)
{
	uint32_t want = driver_status(d) | bit;

	session_write(&d->s, VIRTIO_MMIO_STATUS, want);
	ASSERT_EQ(driver_status(d) & ~STATUS_BROKEN, want);
}

void driver_negotiate(struct driver *d)
{
	set_status(d, STATUS_ACK);
	set_status(d, STATUS_DRIVER);
	session_accept(&d->s, d->cfg.features);
	set_status(d, STATUS_FEATURES);
}

static void set_address(struct driver *d, uint32_t offset, uint64_t gpa)
{
	session_write(&d->s, offset, gpa);
	session_write(&d->s, offset + 4, gpa >> 32);
}

void driver_set_queue(struct driver *d)
{
	session_write(&d->s, VIRTIO_MMIO_QUEUE_SEL, d->index);
	ASSERT_GE(session_read(&d->s, VIRTIO_MMIO_QUEUE_NUM_MAX), d->cfg.num);
	session_write(&d->s, VIRTIO_MMIO_QUEUE_NUM, d->cfg.num);
	set_address(d, VIRTIO_MMIO_QUEUE_DESC_LOW, d->r.desc_gpa);
	set_address(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, d->r.avail_gpa);
	set_address(d, VIRTIO_MMIO_QUEUE_USED_LOW, d->r.used_gpa);
	session_write(&d->s, VIRTIO_MMIO_QUEUE_READY, 1);
}

void driver_ok(struct driver *d)
{
	set_status(d, STATUS_OK);
}

void driver_start(struct driver *d)
{
	driver_negotiate(d);
	driver_set_queue(d);
	ASSERT_EQ(session_read(&d->s, VIRTIO_MMIO_QUEUE_READY), 1);
	driver_ok(d);
}

void driver_open(struct driver *d, const char *disk,
		 const struct driver_config *cfg)
{
	driver_init(d, disk, cfg);
	driver_start(d);
}

void driver_close(struct driver *d)
{
	session_close(&d->s);
	memory_exit(&d->m);
}

void driver_reset(struct driver *d)
{
	session_write(&d->s, VIRTIO_MMIO_STATUS, 0);
	if (!WAIT_FOR(!driver_status(d)))
		DIE("reset does not end, status %#x", driver_status(d));
}

/* A new driver starts with an empty ring and no interrupt left over. */
void driver_restart(struct driver *d)
{
	driver_reset(d);
	ring_clear(&d->r);
	memset(d->flying, 0, sizeof(d->flying));
	event_take(d->s.event[KVBLK_EVENT_IRQ]);
	driver_start(d);
}

void driver_kick(struct driver *d)
{
	if (d->cfg.kick_write)
		session_write(&d->s, VIRTIO_MMIO_QUEUE_NOTIFY, d->index);
	else
		event_signal(d->s.event[KVBLK_EVENT_KICK]);
}

uint64_t driver_header_gpa(const struct driver *d, uint16_t head)
{
	return d->slots + SLOT_SIZE * head;
}

uint64_t driver_status_gpa(const struct driver *d, uint16_t head)
{
	return driver_header_gpa(d, head) + SLOT_STATUS;
}

void driver_set_header(struct driver *d, uint16_t head, uint32_t type,
		       uint64_t sector)
{
	struct virtio_blk_outhdr hdr = { .type = type, .sector = sector };
	uint8_t unset = STATUS_UNSET;

	memory_write(&d->m, driver_header_gpa(d, head), &hdr, sizeof(hdr));
	memory_write(&d->m, driver_status_gpa(d, head), &unset, 1);
}

static unsigned int pieces_of(struct driver *d, const struct request *rq,
			      struct piece *piece)
{
	bool write = rq->type != VIRTIO_BLK_T_OUT;
	uint16_t head = d->r.free;
	unsigned int i, n = 0;

	piece[n++] = (struct piece) { driver_header_gpa(d, head), 16, false };
	for (i = 0; i < rq->nr; i++)
		piece[n++] = (struct piece) { rq->seg[i].gpa, rq->seg[i].len,
					      write };
	piece[n++] = (struct piece) { driver_status_gpa(d, head), 1, true };
	return n;
}

void driver_requests(struct driver *d, struct request *rq, unsigned int nr, uint32_t type,
		     uint32_t len)
{
	uint64_t gpa = memory_alloc(&d->m, nr * len, len);
	unsigned int i;

	for (i = 0; i < nr; i++)
		rq[i] = (struct request) {
			.type = type, .sector = i * len / KVBLK_SECTOR_SIZE,
			.seg[0] = { gpa + i * len, len }, .nr = 1,
		};
}

bool driver_queue(struct driver *d, struct request *rq)
{
	struct piece piece[SEGS_MAX + 2];
	unsigned int n;
	int head;

	if (!d->r.nr_free)
		return false;
	n = pieces_of(d, rq, piece);
	head = ring_add(&d->r, &d->m, piece, n, d->cfg.indirect);
	if (head < 0)
		return false;
	driver_set_header(d, head, rq->type, rq->sector);
	rq->status = STATUS_UNSET;
	d->flying[head] = rq;
	ring_offer(&d->r, head);
	return true;
}

void driver_flush(struct driver *d)
{
	bool wanted = ring_publish(&d->r);

	if (wanted || !d->cfg.polite)
		driver_kick(d);
}

uint32_t driver_ack(struct driver *d)
{
	uint32_t bits;

	event_take(d->s.event[KVBLK_EVENT_IRQ]);
	bits = session_read(&d->s, VIRTIO_MMIO_INTERRUPT_STATUS);
	if (bits == VIRTIO_MMIO_INT_VRING && !d->cfg.ack_write)
		event_signal(d->s.event[KVBLK_EVENT_ACK]);
	else if (bits)
		session_write(&d->s, VIRTIO_MMIO_INTERRUPT_ACK, bits);
	return bits;
}

static bool broken(const struct driver *d)
{
	return driver_status(d) & STATUS_BROKEN;
}

/* A lost interrupt is a time-out: the ring is not looked at without one. */
static int wait_interrupt(struct driver *d)
{
	ring_want_interrupt(&d->r, true);
	while (!ring_pending(&d->r)) {
		if (broken(d))
			return -EIO;
		if (!event_wait(d->s.event[KVBLK_EVENT_IRQ],
				WAIT_SECONDS * 1000))
			return -ETIMEDOUT;
		driver_ack(d);
	}
	return 0;
}

static int wait_poll(struct driver *d)
{
	ring_want_interrupt(&d->r, false);
	if (!WAIT_FOR(ring_pending(&d->r) || broken(d)))
		return -ETIMEDOUT;
	return ring_pending(&d->r) ? 0 : -EIO;
}

int driver_wait(struct driver *d)
{
	return d->cfg.poll ? wait_poll(d) : wait_interrupt(d);
}

struct request *driver_reap(struct driver *d)
{
	struct request *rq;
	uint32_t len;
	int head = ring_take(&d->r, &len);

	if (head < 0)
		return NULL;
	rq = d->flying[head];
	d->flying[head] = NULL;
	rq->used_len = len;
	memory_read(&d->m, driver_status_gpa(d, head), &rq->status, 1);
	return rq;
}

int driver_do(struct driver *d, struct request *rq)
{
	int err;

	if (!driver_queue(d, rq))
		DIE("no room for a request of %u segments", rq->nr);
	driver_flush(d);
	err = driver_wait(d);
	if (err)
		return err;
	ASSERT_TRUE(driver_reap(d) == rq);
	return rq->status;
}

int driver_io(struct driver *d, uint32_t type, uint64_t sector, uint64_t gpa,
	      uint32_t len)
{
	struct request rq = {
		.type = type,
		.sector = sector,
		.seg[0] = { gpa, len },
		.nr = !!len,
	};

	return driver_do(d, &rq);
}

void driver_prove(struct driver *d, uint64_t sector, uint32_t seed)
{
	struct seg seg = { MEMORY_HIGH, PROVE_BYTES };

	segs_fill(&d->m, &seg, 1, seed);
	ASSERT_EQ(driver_io(d, VIRTIO_BLK_T_OUT, sector, seg.gpa, seg.len),
		  VIRTIO_BLK_S_OK);
	segs_fill(&d->m, &seg, 1, ~seed);
	ASSERT_EQ(driver_io(d, VIRTIO_BLK_T_IN, sector, seg.gpa, seg.len),
		  VIRTIO_BLK_S_OK);
	ASSERT_EQ(segs_check(&d->m, &seg, 1, seed), seg.len);
}
