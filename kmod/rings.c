// SPDX-License-Identifier: GPL-2.0
/* What a queue needs to run: its rings, mapped, and memory for its requests. */
#include <linux/bio.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include "queue.h"

static void queue_unmap(struct kvblk_queue *q)
{
	int i = ARRAY_SIZE(q->area);

	while (i--) {
		if (q->area[i].addr)
			q->env.mem->ops->unmap(&q->area[i]);
	}
}

static int queue_map(struct kvblk_queue *q, const struct kvblk_vq_config *vq)
{
	const struct {
		u64 gpa;
		size_t len;
	} want[] = {
		{ vq->desc, kvblk_vring_desc_size(vq->num) },
		{ vq->avail, kvblk_vring_avail_size(vq->num) },
		{ vq->used, kvblk_vring_used_size(vq->num) },
	};
	const struct kvblk_mem *mem = q->env.mem;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(want); i++) {
		ret = mem->ops->map(mem, want[i].gpa, want[i].len, &q->area[i]);
		if (ret) {
			queue_unmap(q);
			return ret;
		}
	}
	return 0;
}

static void queue_free(struct kvblk_queue *q)
{
	kfree(q->bell.bio);
	q->bell.bio = NULL;
	kfree(q->scratch);
	q->scratch = NULL;
}

static int queue_alloc(struct kvblk_queue *q, u16 num)
{
	int ret = -ENOMEM;

	q->scratch = kmalloc_array(kvblk_chain_max(num), sizeof(*q->scratch),
				   GFP_KERNEL_ACCOUNT);
	q->bell.bio = kzalloc(sizeof(*q->bell.bio), GFP_KERNEL_ACCOUNT);
	if (q->scratch && q->bell.bio)
		ret = kvblk_pool_start(&q->pool, num);
	if (ret)
		queue_free(q);
	return ret;
}

int kvblk_queue_prepare(struct kvblk_queue *q, const struct kvblk_vq_config *vq,
			u64 features)
{
	int ret;

	ret = queue_map(q, vq);
	if (ret)
		return ret;
	ret = queue_alloc(q, vq->num);
	if (ret) {
		queue_unmap(q);
		return ret;
	}

	q->vring = (struct kvblk_vring){
		.num = vq->num,
		.event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
		.indirect = features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
		.desc = q->area[0].addr,
		.avail = q->area[1].addr,
		.used = q->area[2].addr,
		.next_avail = vq->base,
		.next_used = vq->base,
		.published = vq->base,
	};
	q->write_through = !(features & BIT_ULL(VIRTIO_BLK_F_FLUSH));
	q->waiting = false;
	kvblk_arrive_init(&q->arrive, vq->base);
	return 0;
}

void kvblk_queue_release(struct kvblk_queue *q)
{
	kvblk_pool_stop(&q->pool);
	queue_free(q);
	q->vring = (struct kvblk_vring){};
	q->broken = false;
	queue_unmap(q);
}
