/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A queue on the bench: the real worker on kernel memory, a driver's ring, a fake
 * backing. Every wait has an end; what a failed case leaves is torn down.
 */
#ifndef KVBLK_TESTS_BENCH_H
#define KVBLK_TESTS_BENCH_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio_config.h>
#include "../queue.h"
#include "fake_backing.h"
#include "guest_ring.h"

#define BENCH_GPA	0x10000000ULL
#define BENCH_RING	4096	/* bytes for the ring; then come the slots */
#define BENCH_SLOTS	64	/* also the largest ring */
#define BENCH_SLOT	4096
#define BENCH_RAM	(BENCH_RING + BENCH_SLOTS * BENCH_SLOT)
#define BENCH_WAIT	(20 * HZ)
#define BENCH_SERIAL	"0123456789abcdefghij"

#define BENCH_EVENT_IDX	BIT_ULL(VIRTIO_RING_F_EVENT_IDX)
#define BENCH_INDIRECT	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define BENCH_FLUSH	BIT_ULL(VIRTIO_BLK_F_FLUSH)	/* given: not negotiated */

/**
 * struct bench - The bench
 *
 * @test: The case.
 * @worker: Serves it.
 * @q: The queue under test.
 * @mem: Guest memory: @ram at BENCH_GPA.
 * @mem_ops: Its kind: the kernel's, which a case may change before a start.
 * @geo: 64 sectors, 64 ring entries, writable.
 * @gate: Without limits.
 * @poll: The worker does not look.
 * @stats: Counters.
 * @hists: Histograms.
 * @owner: Nobody.
 * @disk: The backing.
 * @env: How they hang together.
 * @ram: BENCH_RAM bytes.
 *
 * @ring: The driver's view, set up by bench_start().
 * @features: Negotiated for it.
 *
 * @on_used: Called by the worker for every publication, if set.
 * @used_calls: Publications.
 * @interrupts: Those for which the driver wants an interrupt.
 * @broken: Calls of ops.broken.
 * @stopped: Calls of ops.stopped.
 * @quiet: Calls of ops.quiet.
 * @unanswered: What ops.unanswered says.
 */
struct bench {
	struct kunit *test;
	struct kvblk_worker worker;
	struct kvblk_queue q;
	struct kvblk_mem mem;
	struct kvblk_mem_ops mem_ops;
	struct kvblk_geometry geo;
	struct kvblk_gate gate;
	struct kvblk_poll_limits poll;
	struct kvblk_counters stats;
	struct kvblk_hists hists;
	struct kvblk_moderation moderation;
	struct kvblk_owner owner;
	struct fake_backing disk;
	struct kvblk_queue_env env;
	u8 *ram;

	struct guest_ring ring;
	u64 features;

	void (*on_used)(struct bench *b);
	unsigned int used_calls;
	unsigned int interrupts;
	unsigned int broken;
	unsigned int stopped;
	unsigned int quiet;
	bool unanswered;
};

/* Waits until @cond holds; ends the case if it never does. */
#define bench_until(b, cond)						\
do {									\
	unsigned long end_ = jiffies + BENCH_WAIT;			\
	bool ok_;							\
									\
	while (!(ok_ = (cond)) && time_before(jiffies, end_))		\
		usleep_range(50, 200);					\
	KUNIT_ASSERT_TRUE_MSG((b)->test, ok_, "never: " #cond);		\
} while (0)

static inline u64 bench_stat(const struct bench *b, enum kvblk_stat id)
{
	return kvblk_counter(&b->stats, id);
}

/* A bucket that is in debt for an hour, so that no clock can matter. */
static inline void bench_gate_empty(struct bench *b, enum kvblk_bucket_id id)
{
	kvblk_gate_set(&b->gate, id, 1, 3600);
	b->gate.throttle.bucket[id].zero.ns += 7200 * NSEC_PER_SEC;
}

static inline void bench_gate_lift(struct bench *b, enum kvblk_bucket_id id)
{
	kvblk_gate_set(&b->gate, id, 0, 0);
}

/* ---- what a session does ---- */

static inline struct bench *to_bench(struct kvblk_queue *q)
{
	return container_of(q, struct bench, q);
}

static inline void bench_used(struct kvblk_queue *q, bool interrupt)
{
	struct bench *b = to_bench(q);
	unsigned long flags;

	/* The worker's call may be interrupted by that of who completes, or of a timer. */
	local_irq_save(flags);
	WRITE_ONCE(b->interrupts, b->interrupts + interrupt);
	WRITE_ONCE(b->used_calls, b->used_calls + 1);
	local_irq_restore(flags);
	if (b->on_used)
		b->on_used(b);
}

static inline void bench_broken(struct kvblk_queue *q, const char *reason)
{
	struct bench *b = to_bench(q);

	WRITE_ONCE(b->broken, b->broken + 1);
}

static inline void bench_stopped(struct kvblk_queue *q)
{
	struct bench *b = to_bench(q);

	WRITE_ONCE(b->stopped, b->stopped + 1);
}

static inline bool bench_unanswered(struct kvblk_queue *q)
{
	return READ_ONCE(to_bench(q)->unanswered);
}

static inline void bench_quiet(struct kvblk_queue *q)
{
	struct bench *b = to_bench(q);

	WRITE_ONCE(b->quiet, b->quiet + 1);
}

static const struct kvblk_queue_ops bench_ops = {
	.used		= bench_used,
	.broken		= bench_broken,
	.unanswered	= bench_unanswered,
	.quiet		= bench_quiet,
	.stopped	= bench_stopped,
};

static inline void bench_kick(struct bench *b)
{
	kvblk_queue_kick(&b->q);
}

static inline int bench_try_start(struct bench *b, u16 num, u64 features)
{
	const struct kvblk_vq_config vq = {
		.num = num,
		.ready = true,
		.desc = BENCH_GPA,
		.avail = BENCH_GPA + guest_ring_avail_offset(num),
		.used = BENCH_GPA + guest_ring_used_offset(num),
	};
	int ret;

	b->features = features;
	ret = kvblk_queue_prepare(&b->q, &vq, features ^ BENCH_FLUSH);
	if (!ret)
		kvblk_queue_run(&b->q);
	return ret;
}

/* An empty ring, as a driver makes it after a reset. */
static inline void bench_ring(struct bench *b, u16 num, u64 features)
{
	memset(b->ram, 0, BENCH_RING);
	guest_ring_init(&b->ring, b->ram, num);
	b->features = features;
}

static inline void bench_start(struct bench *b, u16 num, u64 features)
{
	bench_ring(b, num, features);
	KUNIT_ASSERT_EQ(b->test, 0, bench_try_start(b, num, features));
}

static inline void bench_await_stop(struct bench *b)
{
	bench_until(b, kvblk_queue_idle(&b->q) && READ_ONCE(b->stopped));
	KUNIT_EXPECT_EQ(b->test, 1, b->stopped);
	b->stopped = 0;
	kvblk_queue_release(&b->q);
}

static inline void bench_stop(struct bench *b)
{
	KUNIT_ASSERT_TRUE(b->test, kvblk_queue_stop(&b->q));
	bench_await_stop(b);
}

/* Whether the worker sleeps and has nothing to do. */
static inline bool bench_asleep(struct bench *b)
{
	if (kvblk_queue_has_work(&b->q) || !llist_empty(&b->worker.incoming))
		return false;
	/* It runs from taking the events to the end of the pass: look later. */
	smp_rmb();
	return READ_ONCE(b->worker.task->__state) == TASK_IDLE;
}

static inline void bench_settle(struct bench *b)
{
	bench_until(b, bench_asleep(b));
}

/* ---- set-up and tear-down of a case ---- */

static inline int bench_memory(struct bench *b)
{
	struct kvblk_mem_region *region = kvmalloc(sizeof(*region), GFP_KERNEL);
	unsigned int bad;

	b->ram = kvzalloc(BENCH_RAM, GFP_KERNEL);
	if (!region || !b->ram) {
		kvfree(region);
		return -ENOMEM;
	}
	*region = (struct kvblk_mem_region){
		.gpa = BENCH_GPA,
		.size = BENCH_RAM,
		.host = (uintptr_t)b->ram,
	};
	b->mem_ops = kvblk_mem_kernel_ops;
	return kvblk_mem_init(&b->mem, &b->mem_ops, NULL, region, 1, &bad);
}

/* The same memory by the addresses of its pages, each a region; present at any time. */
static inline int bench_use_pages(struct bench *b)
{
	const unsigned int nr = BENCH_RAM / PAGE_SIZE;
	struct kvblk_mem_region *region = kvmalloc_array(nr, sizeof(*region), GFP_KERNEL);
	unsigned int i, bad;

	if (!region)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		void *va = b->ram + i * PAGE_SIZE;
		struct page *page = is_vmalloc_addr(va) ? vmalloc_to_page(va) :
							  virt_to_page(va);

		region[i] = (struct kvblk_mem_region){
			.gpa = BENCH_GPA + i * PAGE_SIZE,
			.size = PAGE_SIZE,
			.host = (u64)page_to_pfn(page) << PAGE_SHIFT,
		};
	}
	kvblk_mem_exit(&b->mem);
	return kvblk_mem_init_phys(&b->mem, region, nr, &bad);
}

static inline void bench_free(struct bench *b)
{
	if (b->env.wq)
		destroy_workqueue(b->env.wq);
	kvblk_mem_exit(&b->mem);
	kvfree(b->ram);
	kfree(b);
}

static inline int bench_init(struct kunit *test)
{
	struct bench *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int ret;

	if (!b)
		return -ENOMEM;
	b->test = test;
	b->geo = (struct kvblk_geometry){
		.capacity = FAKE_BYTES,
		.block_size = 512,
		.size_max = KVBLK_SIZE_MAX,
		.seg_max = KVBLK_SEG_MAX,
		.queue_size = BENCH_SLOTS,
	};
	kvblk_gate_init(&b->gate);
	fake_init(&b->disk);
	b->env = (struct kvblk_queue_env){
		.name = "bench",
		.ops = &bench_ops,
		.geo = &b->geo,
		.serial = BENCH_SERIAL,
		.mem = &b->mem,
		.backing = &b->disk.b,
		.gate = &b->gate,
		.poll = &b->poll,
		.stats = &b->stats,
		.hists = &b->hists,
		.moderation = &b->moderation,
		.owner = &b->owner,
		.wq = alloc_workqueue("kvblk-bench", WQ_UNBOUND, 0),
	};
	ret = b->env.wq ? bench_memory(b) : -ENOMEM;
	if (!ret)
		ret = kvblk_worker_init(&b->worker, &b->mem, &b->owner, NULL,
					"bench");
	if (ret) {
		bench_free(b);
		return ret;
	}
	kvblk_queue_init(&b->q, &b->env, &b->worker);
	test->priv = b;
	return 0;
}

static inline void bench_exit(struct kunit *test)
{
	unsigned long end = jiffies + BENCH_WAIT;
	struct bench *b = test->priv;

	if (!b)
		return;
	b->on_used = NULL;
	kvblk_queue_stop(&b->q);
	do {
		fake_revive(&b->disk);
		usleep_range(50, 200);
	} while (!kvblk_queue_idle(&b->q) && time_before(jiffies, end));
	if (!kvblk_queue_idle(&b->q)) {
		/* Memory that a thread still uses is better lost. */
		KUNIT_FAIL(test, "the queue does not stop");
		return;
	}
	kvblk_queue_release(&b->q);
	kvblk_worker_exit(&b->worker);
	fake_exit(&b->disk);
	bench_free(b);
}

#endif /* KVBLK_TESTS_BENCH_H */
