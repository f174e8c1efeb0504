// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "harness.h"
#include "load.h"

#define LEN	(64 * KIB)
#define SECTORS	(LEN / KVBLK_SECTOR_SIZE)

void load_init(struct load *load, struct driver *d)
{
	unsigned int i;

	memset(load, 0, sizeof(*load));
	load->d = d;
	for (i = 0; i < LOAD_DEPTH; i++) {
		load->rq[i].sector = i * SECTORS;
		/* Some buffers are misaligned and go through a bounce. */
		load->rq[i].seg[0].gpa = MEMORY_SEAM + i * LEN + i % 3;
		load->rq[i].seg[0].len = LEN;
	}
}

static void submit(struct load *load, struct request *rq)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
		VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH,
	};

	rq->type = types[random_u32() % 5];
	rq->nr = rq->type != VIRTIO_BLK_T_FLUSH;
	ASSERT_TRUE(driver_queue(load->d, rq));
}

void load_submit(struct load *load)
{
	unsigned int i;

	for (i = 0; i < LOAD_DEPTH; i++)
		submit(load, &load->rq[i]);
	driver_flush(load->d);
}

noreturn void load_run(const char *disk)
{
	static struct driver d;
	static struct load load;
	struct request *rq;

	driver_open(&d, disk, &(struct driver_config) {
		.features = F_EVENT_IDX,
	});
	load_init(&load, &d);
	load_submit(&load);
	for (;;) {
		ASSERT_EQ(driver_wait(&d), 0);
		while ((rq = driver_reap(&d))) {
			ASSERT_EQ(rq->status, VIRTIO_BLK_S_OK);
			submit(&load, rq);
		}
		driver_flush(&d);
	}
}
