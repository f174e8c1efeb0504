// SPDX-License-Identifier: GPL-2.0
/*
 * The requests of a queue: as many as it needs at a time, by the page.
 *
 * A ring of 1024 entries could have as many requests in flight, and hardly ever has.
 * The first page of them comes with the start, so that a queue always moves; the
 * others when they are needed, if they can be had without waiting. They stay until
 * the disk is idle: a busy one allocates nothing.
 */
#include <linux/overflow.h>
#include <linux/slab.h>
#include "pool.h"
#include "queue.h"

/**
 * struct kvblk_chunk - A page of requests
 * @next: The one made before it.
 * @nr: Elements of @req.
 * @req: The requests.
 */
struct kvblk_chunk {
	struct kvblk_chunk *next;
	unsigned int nr;
	struct kvblk_req req[];
};

#define CHUNK_REQS ((PAGE_SIZE - sizeof(struct kvblk_chunk)) / sizeof(struct kvblk_req))

static void pool_add(struct kvblk_pool *pool, struct kvblk_chunk *chunk)
{
	struct kvblk_queue *q = container_of(pool, struct kvblk_queue, pool);
	unsigned int i;

	for (i = 0; i < chunk->nr; i++) {
		chunk->req[i].q = q;
		list_add_tail(&chunk->req[i].link, &pool->free);
	}
}

static int pool_grow(struct kvblk_pool *pool, gfp_t gfp)
{
	unsigned int nr = min_t(unsigned int, pool->max - pool->nr, CHUNK_REQS);
	struct kvblk_chunk *chunk;

	chunk = kzalloc(struct_size(chunk, req, nr), gfp | __GFP_ACCOUNT);
	if (!chunk)
		return -ENOMEM;
	chunk->nr = nr;
	chunk->next = pool->chunk;
	pool->chunk = chunk;
	pool->nr += nr;
	pool_add(pool, chunk);
	return 0;
}

/* Frees the newest. */
static void pool_shrink(struct kvblk_pool *pool)
{
	struct kvblk_chunk *chunk = pool->chunk;

	pool->chunk = chunk->next;
	pool->nr -= chunk->nr;
	kfree(chunk);
}

int kvblk_pool_start(struct kvblk_pool *pool, unsigned int max)
{
	pool->max = max;
	return pool_grow(pool, GFP_KERNEL);
}

void kvblk_pool_stop(struct kvblk_pool *pool)
{
	while (pool->chunk)
		pool_shrink(pool);
	INIT_LIST_HEAD(&pool->free);
}

struct kvblk_req *kvblk_pool_get(struct kvblk_pool *pool)
{
	struct kvblk_req *req;

	if (list_empty(&pool->free) && pool->nr < pool->max)
		pool_grow(pool, GFP_NOWAIT | __GFP_NOWARN);
	req = list_first_entry_or_null(&pool->free, struct kvblk_req, link);
	if (req)
		list_del(&req->link);
	return req;
}

/* The one that was used last is the one in the caches. */
void kvblk_pool_put(struct kvblk_pool *pool, struct kvblk_req *req)
{
	list_add(&req->link, &pool->free);
}

void kvblk_pool_trim(struct kvblk_pool *pool)
{
	if (!pool->chunk->next)
		return;
	while (pool->chunk->next)
		pool_shrink(pool);
	INIT_LIST_HEAD(&pool->free);
	pool_add(pool, pool->chunk);
}
