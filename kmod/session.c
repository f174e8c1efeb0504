// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a session: open, run, reset, close.
 *
 * Reset and close are the same to the engine: stop, and when the last I/O has
 * ended session_finish() does what is left, in a work item. The caller only waits
 * for that, for a bounded time and without a lock. If the backing is dead the
 * caller returns, Status keeps NEEDS_RESET, the disk stays busy, and both
 * end by themselves when the I/O comes back.
 */
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/kvblk.h>
#include "features.h"
#include "session.h"

static struct workqueue_struct *session_wq;

/* ---- what the engine asks; nothing here may sleep ---- */

static struct kvblk_session *queue_session(struct kvblk_queue *q)
{
	return container_of(q, struct kvblk_session, queue);
}

static void session_interrupt(struct kvblk_session *s)
{
	if (s->irq)
		eventfd_signal(s->irq);
}

static void session_used(struct kvblk_queue *q, bool interrupt)
{
	struct kvblk_session *s = queue_session(q);

	kvblk_mmio_raise(&s->mmio, KVBLK_INT_VRING);
	if (interrupt)
		session_interrupt(s);
}

static void session_broken(struct kvblk_queue *q, const char *reason)
{
	struct kvblk_session *s = queue_session(q);

	kvblk_complain(s->disk, "needs a reset: %s", reason);
	kvblk_mmio_needs_reset(&s->mmio);
	session_interrupt(s);
}

static bool session_unanswered(struct kvblk_queue *q)
{
	return kvblk_mmio_interrupts(&queue_session(q)->mmio) & KVBLK_INT_VRING;
}

static void session_quiet(struct kvblk_queue *q)
{
	wake_up_all(&queue_session(q)->wait);
}

static void session_queue_finish(struct kvblk_session *s)
{
	kvblk_session_get(s);
	if (!queue_work(session_wq, &s->finish))
		kvblk_session_put(s);
}

static void session_stopped(struct kvblk_queue *q)
{
	session_queue_finish(queue_session(q));
}

static const struct kvblk_queue_ops session_queue_ops = {
	.used		= session_used,
	.broken		= session_broken,
	.unanswered	= session_unanswered,
	.quiet		= session_quiet,
	.stopped	= session_stopped,
};

static void session_notify(struct kvblk_session *s)
{
	atomic64_inc(&s->disk->stats.kicks);
	kvblk_queue_event(&s->queue, KVBLK_EV_KICK);
}

static void session_kick(struct kvblk_hook *hook)
{
	session_notify(container_of(hook, struct kvblk_session, kick));
}

static void session_ack(struct kvblk_hook *hook)
{
	struct kvblk_session *s = container_of(hook, struct kvblk_session, ack);

	kvblk_mmio_ack(&s->mmio, KVBLK_INT_VRING);
}

/* ---- open ---- */

static bool session_queue_ok(struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	struct kvblk_session *s = container_of(m, struct kvblk_session, mmio);

	return kvblk_mem_covers(&s->mem, vq->desc, kvblk_vring_desc_size(vq->num)) &&
	       kvblk_mem_covers(&s->mem, vq->avail, kvblk_vring_avail_size(vq->num)) &&
	       kvblk_mem_covers(&s->mem, vq->used, kvblk_vring_used_size(vq->num));
}

static void session_init_mmio(struct kvblk_session *s)
{
	const struct kvblk_geometry *geo = &s->disk->geo;
	struct virtio_blk_config config;

	s->mmio.page = page_address(s->page);
	s->mmio.offered = kvblk_features(geo);
	s->mmio.queue_max = geo->queue_size;
	s->mmio.queue_ok = session_queue_ok;
	kvblk_config_fill(&config, geo);
	kvblk_mmio_init(&s->mmio, &config, sizeof(config));
}

static void session_free(struct kref *ref)
{
	struct kvblk_session *s = container_of(ref, struct kvblk_session, ref);

	if (s->irq)
		eventfd_ctx_put(s->irq);
	kvblk_mem_exit(&s->mem);
	kvblk_owner_exit(&s->owner);
	put_pid(s->opener);
	put_page(s->page);
	kvblk_disk_put(s->disk);
	kfree(s);
	/* Unloading waits for session_wq, on which the last put runs. */
	module_put(THIS_MODULE);
}

void kvblk_session_put(struct kvblk_session *s)
{
	kref_put(&s->ref, session_free);
}

static void session_finish(struct work_struct *work);

static struct kvblk_session *session_alloc(struct kvblk_disk *disk)
{
	struct kvblk_session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!s->page) {
		kfree(s);
		return NULL;
	}
	kref_init(&s->ref);
	INIT_WORK(&s->finish, session_finish);
	init_waitqueue_head(&s->wait);
	s->kick.fn = session_kick;
	s->ack.fn = session_ack;
	s->mem.ops = &kvblk_mem_user_ops;
	s->opener = get_pid(task_tgid(current));
	kvblk_owner_init(&s->owner);
	kvblk_disk_get(disk);
	s->disk = disk;
	__module_get(THIS_MODULE);
	session_init_mmio(s);
	return s;
}

static int session_init_queue(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;
	struct kvblk_queue_env env = {
		.ops = &session_queue_ops,
		.geo = &disk->geo,
		.serial = disk->spec.serial,
		.mem = &s->mem,
		.backing = &disk->backing,
		.gate = &disk->gate,
		.stats = &disk->stats,
		.owner = &s->owner,
		.wq = disk->wq,
	};

	return kvblk_queue_init(&s->queue, &env, disk->spec.name);
}

/* Makes @s the disk's session, with a reference. */
static int session_attach(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;
	int ret = 0;

	mutex_lock(&disk->lock);
	if (disk->removed)
		ret = -ENODEV;
	else if (disk->session)
		ret = -EBUSY;
	if (!ret) {
		kvblk_session_get(s);
		disk->session = s;
		kvblk_queue_pause(&s->queue, disk->paused);
	}
	mutex_unlock(&disk->lock);
	return ret;
}

struct kvblk_session *kvblk_session_open(struct kvblk_disk *disk)
{
	struct kvblk_session *s = session_alloc(disk);
	int ret;

	if (!s)
		return ERR_PTR(-ENOMEM);
	ret = session_init_queue(s);
	if (ret)
		goto err_put;
	ret = session_attach(s);
	if (ret)
		goto err_exit;
	return s;

err_exit:
	kvblk_queue_exit(&s->queue);
err_put:
	kvblk_session_put(s);
	return ERR_PTR(ret);
}

/* ---- run ---- */

static void session_fail_start(struct kvblk_session *s, int err)
{
	kvblk_complain(s->disk, "cannot start queue 0: error %d", err);
	kvblk_mmio_needs_reset(&s->mmio);
	session_interrupt(s);
}

/*
 * After DRIVER_OK. Pinning the rings may take for ever, so the lock is not held; until
 * it is over @starting keeps a reset from ending.
 */
static void session_start(struct kvblk_session *s)
{
	const struct kvblk_vq_config *vq = &s->mmio.vq[0];
	int ret;

	ret = kvblk_queue_prepare(&s->queue, vq, s->mmio.driver);

	mutex_lock(&s->disk->lock);
	s->starting = false;
	if (s->resetting)
		session_queue_finish(s);
	else if (ret)
		session_fail_start(s, ret);
	else
		kvblk_queue_run(&s->queue);
	mutex_unlock(&s->disk->lock);
}

/* ---- reset and close ---- */

static void session_end_reset(struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	kvblk_mmio_reset_done(&s->mmio);
	WRITE_ONCE(s->resetting, false);
}

static void session_reset(struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	kvblk_mmio_reset_begin(&s->mmio);
	if (s->resetting)
		return;		/* joins the one that is under way */
	s->resetting = true;
	if (!kvblk_queue_stop(&s->queue) && !s->starting)
		session_end_reset(s);
}

static void session_wait(struct kvblk_session *s, const bool *pending)
{
	if (!wait_event_timeout(s->wait, !READ_ONCE(*pending),
				msecs_to_jiffies(KVBLK_DRAIN_MS)))
		kvblk_complain(s->disk, "I/O has not ended after %u ms",
			       KVBLK_DRAIN_MS);
}

/*
 * Whether the queue has stopped for good or for a reset. It stays so: nobody starts
 * a queue that is resetting or closing.
 */
static bool session_is_over(struct kvblk_session *s)
{
	bool over;

	mutex_lock(&s->disk->lock);
	over = (s->resetting || s->closing) && !s->starting &&
	       kvblk_queue_idle(&s->queue);
	mutex_unlock(&s->disk->lock);
	return over;
}

/* Ends the reset, the session or both; true for the session. */
static bool session_settle(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;
	bool last;

	mutex_lock(&disk->lock);
	if (s->resetting)
		session_end_reset(s);
	last = s->closing;
	if (last) {
		disk->session = NULL;
		WRITE_ONCE(s->closing, false);
	}
	mutex_unlock(&disk->lock);
	wake_up_all(&s->wait);
	return last;
}

static void session_finish(struct work_struct *work)
{
	struct kvblk_session *s = container_of(work, struct kvblk_session, finish);

	if (session_is_over(s)) {
		/* Unpinning may wait for pages: not under the lock. */
		kvblk_queue_release(&s->queue);
		if (session_settle(s)) {
			kvblk_queue_exit(&s->queue);
			kvblk_session_put(s);
		}
	}
	kvblk_session_put(s);
}

void kvblk_session_close(struct kvblk_session *s)
{
	struct kvblk_disk *disk = s->disk;

	mutex_lock(&disk->lock);
	kvblk_hook_unbind(&s->kick);
	kvblk_hook_unbind(&s->ack);
	s->closing = true;
	kvblk_queue_stop(&s->queue);
	if (kvblk_queue_idle(&s->queue))
		session_queue_finish(s);
	mutex_unlock(&disk->lock);

	session_wait(s, &s->closing);
	kvblk_session_put(s);
}

/* ---- set-up ---- */

/* Whether memory and eventfds may change: the engine does not use them. */
static bool session_is_set_up(const struct kvblk_session *s)
{
	lockdep_assert_held(&s->disk->lock);
	return s->resetting || !kvblk_queue_idle(&s->queue) ||
	       (kvblk_mmio_status(&s->mmio) & VIRTIO_CONFIG_S_DRIVER_OK);
}

int kvblk_session_set_mem(struct kvblk_session *s,
			  struct kvblk_mem_region *region, unsigned int nr,
			  unsigned int *bad)
{
	struct kvblk_mem mem, old = {};
	int ret;

	ret = kvblk_mem_init(&mem, &kvblk_mem_user_ops, region, nr, bad);
	if (ret)
		return ret;

	mutex_lock(&s->disk->lock);
	if (session_is_set_up(s)) {
		ret = -EBUSY;
		/* The regions stay the caller's. */
		mmdrop(mem.mm);
	} else {
		old = s->mem;
		s->mem = mem;
	}
	mutex_unlock(&s->disk->lock);
	kvblk_mem_exit(&old);
	return ret;
}

static int session_bind_hook(struct kvblk_session *s, struct kvblk_hook *hook, int fd)
{
	int ret;

	mutex_lock(&s->disk->lock);
	ret = session_is_set_up(s) ? -EBUSY : kvblk_hook_bind(hook, fd);
	mutex_unlock(&s->disk->lock);
	return ret;
}

int kvblk_session_bind_kick(struct kvblk_session *s, int fd)
{
	return session_bind_hook(s, &s->kick, fd);
}

int kvblk_session_bind_ack(struct kvblk_session *s, int fd)
{
	return session_bind_hook(s, &s->ack, fd);
}

int kvblk_session_bind_irq(struct kvblk_session *s, int fd)
{
	struct eventfd_ctx *ctx = fd < 0 ? NULL : eventfd_ctx_fdget(fd);
	int ret = 0;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&s->disk->lock);
	if (session_is_set_up(s))
		ret = -EBUSY;
	else
		swap(s->irq, ctx);
	mutex_unlock(&s->disk->lock);
	if (ctx)
		eventfd_ctx_put(ctx);
	return ret;
}

/* What a refused or final write leaves in the log. */
static void session_log_write(struct kvblk_session *s, enum kvblk_mmio_act act,
			      u32 offset, u64 value)
{
	if (act == KVBLK_MMIO_REFUSED)
		kvblk_complain(s->disk, "refused to write %#llx to register %#x, status %#x",
			       value, offset, kvblk_mmio_status(&s->mmio));
	else if (act == KVBLK_MMIO_FAILED)
		kvblk_complain(s->disk, "the driver gave up");
}

void kvblk_session_write(struct kvblk_session *s, u32 offset, u32 len, u64 value)
{
	enum kvblk_mmio_act act;

	mutex_lock(&s->disk->lock);
	act = kvblk_mmio_write(&s->mmio, offset, len, value);
	if (act == KVBLK_MMIO_RESET)
		session_reset(s);
	else if (act == KVBLK_MMIO_NOTIFY)
		session_notify(s);
	else if (act == KVBLK_MMIO_START)
		s->starting = s->mmio.vq[0].ready;
	mutex_unlock(&s->disk->lock);

	if (act == KVBLK_MMIO_START && s->starting)
		session_start(s);
	else if (act == KVBLK_MMIO_RESET)
		session_wait(s, &s->resetting);
	session_log_write(s, act, offset, value);
}

bool kvblk_session_allows(const struct kvblk_session *s)
{
	const struct mm_struct *mm = READ_ONCE(s->mem.mm);

	return !mm || mm == current->mm;
}

u32 kvblk_session_state(const struct kvblk_disk *disk)
{
	const struct kvblk_session *s = disk->session;
	u32 status;

	if (!s)
		return KVBLK_STATE_IDLE;
	if (s->resetting || s->closing)
		return KVBLK_STATE_DRAINING;
	status = kvblk_mmio_status(&s->mmio);
	if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return KVBLK_STATE_NEEDS_RESET;
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK))
		return KVBLK_STATE_ATTACHED;
	return disk->paused || s->paused ? KVBLK_STATE_PAUSED : KVBLK_STATE_RUNNING;
}

int kvblk_sessions_init(void)
{
	session_wq = alloc_workqueue("kvblk", WQ_UNBOUND, 0);
	return session_wq ? 0 : -ENOMEM;
}

void kvblk_sessions_exit(void)
{
	destroy_workqueue(session_wq);
}
