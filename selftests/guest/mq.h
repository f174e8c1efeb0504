/* SPDX-License-Identifier: GPL-2.0 */
/* A disk with several queues, and a driver that keeps all of them busy and knows their data. */
#ifndef KVBLK_TEST_MQ_H
#define KVBLK_TEST_MQ_H

#include "disk.h"
#include "driver.h"

#define MQ_QUEUES	4
#define MQ_DEPTH	8
#define MQ_BLOCK	4096
#define MQ_SECTORS(block)	((block) * (MQ_BLOCK / KVBLK_SECTOR_SIZE))
#define MQ_BLOCKS	256	/* of each queue */
#define MQ_SIZE		((uint64_t)MQ_QUEUES * MQ_BLOCKS * MQ_BLOCK)

/* A request with a buffer of its own. */
struct mq_slot {
	struct request rq;
	unsigned int block;
	uint32_t seed;
};

extern struct disk mq_disk;
extern struct driver mq_queue[MQ_QUEUES];
extern struct mq_slot mq_slots[MQ_QUEUES][MQ_DEPTH];

/* Variants of a test, and how many workers each has. */
extern const char *const mq_crews[];
extern const unsigned int mq_crew_size[];

/* Makes the disk; sets up all queues of a session; starts them again after a reset. */
void mq_make(unsigned int queues, unsigned int workers);
void mq_open(bool poll);
void mq_start(void);

/* The first two, without interrupts. */
void mq_setup(unsigned int workers);

/* As KVBLK_SET and KVBLK_QUEUES. */
int mq_set_workers(unsigned int workers);
void mq_stats(struct kvblk_queue_stats *stats, unsigned int nr);

/* One request to queue @i, not flushed; all that there are, flushed. */
void mq_submit(unsigned int i, struct mq_slot *s);
void mq_submit_all(void);

/* A request of queue @i that was reaped has done what it should. */
void mq_check(unsigned int i, struct mq_slot *s);

/* Takes what is there from every queue; offers it again. Requests taken. */
unsigned int mq_turn(bool again);

/* Goes on until @rounds requests were taken, and more; takes the rest. */
unsigned int mq_run(unsigned int rounds);
void mq_drain(void);

/* After a reset: nothing is on its way, nothing is known of the data. */
void mq_forget(void);

/* What the queues have counted is, together, what the disk has. */
void mq_expect_sums(void);

/* There are @workers; queue n is served by thread @map[n], or by n modulo @workers. */
void mq_expect_map(unsigned int workers, const unsigned int *map);
void mq_expect_spread(unsigned int workers);

#endif /* KVBLK_TEST_MQ_H */
