/* SPDX-License-Identifier: GPL-2.0 */
/* The requests of a queue: as many as it needs at a time, by the page. */
#ifndef KVBLK_POOL_H
#define KVBLK_POOL_H

#include <linux/list.h>

struct kvblk_chunk;
struct kvblk_req;

/**
 * struct kvblk_pool - The requests of a queue; in the hands of its worker
 * @free: Requests not in use.
 * @chunk: What they are allocated in, the oldest last.
 * @nr: Requests that exist.
 * @max: Most requests: one for each entry of the ring.
 */
struct kvblk_pool {
	struct list_head free;
	struct kvblk_chunk *chunk;
	unsigned int nr;
	unsigned int max;
};

static inline void kvblk_pool_init(struct kvblk_pool *pool)
{
	INIT_LIST_HEAD(&pool->free);
}

/* Make the first requests for a ring of @max entries; sleeps. 0 or -ENOMEM. */
int kvblk_pool_start(struct kvblk_pool *pool, unsigned int max);

/* After kvblk_pool_start(), or without; no request is in use. */
void kvblk_pool_stop(struct kvblk_pool *pool);

/* A request that was free, or a new one: never sleeps. NULL: wait until one is put. */
struct kvblk_req *kvblk_pool_get(struct kvblk_pool *pool);
void kvblk_pool_put(struct kvblk_pool *pool, struct kvblk_req *req);

/* Whether every request that may exist is in use. */
static inline bool kvblk_pool_used_up(const struct kvblk_pool *pool)
{
	return list_empty(&pool->free) && pool->nr == pool->max;
}

/* Give back what was made since kvblk_pool_start(); no request is in use. */
void kvblk_pool_trim(struct kvblk_pool *pool);

#endif /* KVBLK_POOL_H */
