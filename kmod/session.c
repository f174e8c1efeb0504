// SPDX-License-Identifier: GPL-2.0
/* A session: what it is made of, and what the engine asks of it. Its life is in life.c. */
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/kvblk.h>
#include "features.h"
#include "pause.h"
#include "session.h"

/* ---- what the engine asks; nothing here may sleep ---- */

static struct kvblk_vq *queue_vq(struct kvblk_queue *q)
{
	return container_of(q, struct kvblk_vq, queue);
}

static unsigned int vq_index(const struct kvblk_vq *vq)
{
	return vq - vq->session->vq;
}

static void session_used(struct kvblk_queue *q, bool interrupt)
{
	struct kvblk_vq *vq = queue_vq(q);
	struct kvblk_session *s = vq->session;

	s->ops->used(s->front, vq_index(vq), interrupt);
}

void kvblk_session_needs_reset(struct kvblk_session *s)
{
	kvblk_mmio_needs_reset(&s->mmio);
	s->ops->config(s->front);
}

static void session_broken(struct kvblk_queue *q, const char *reason)
{
	struct kvblk_vq *vq = queue_vq(q);

	kvblk_complain(vq->session->disk, "queue %u needs a reset: %s", vq_index(vq),
		       reason);
	kvblk_session_needs_reset(vq->session);
}

static bool session_unanswered(struct kvblk_queue *q)
{
	struct kvblk_vq *vq = queue_vq(q);
	struct kvblk_session *s = vq->session;

	return s->ops->unanswered(s->front, vq_index(vq));
}

static void session_quiet(struct kvblk_queue *q)
{
	wake_up_all(&queue_vq(q)->session->wait);
}

static void session_stopped(struct kvblk_queue *q)
{
	wake_up_all(&queue_vq(q)->session->wait);
	kvblk_session_finish_soon(queue_vq(q)->session);
}

static const struct kvblk_queue_ops session_queue_ops = {
	.used		= session_used,
	.broken		= session_broken,
	.unanswered	= session_unanswered,
	.quiet		= session_quiet,
	.stopped	= session_stopped,
};

void kvblk_session_kick(struct kvblk_session *s, unsigned int vq)
{
	atomic64_inc(&s->disk->stats[vq].kicks);
	kvblk_queue_kick(&s->vq[vq].queue);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_kick);

void kvblk_session_kick_here(struct kvblk_session *s, unsigned int vq)
{
	atomic64_inc(&s->disk->stats[vq].kicks);
	kvblk_queue_kick_here(&s->vq[vq].queue);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_kick_here);

void kvblk_session_retry(struct kvblk_session *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_vqs; i++)
		kvblk_queue_event(&s->vq[i].queue, KVBLK_EV_RETRY);
}

/* ---- open ---- */

static bool session_queue_ok(struct kvblk_mmio *m, const struct kvblk_vq_config *vq)
{
	struct kvblk_session *s = container_of(m, struct kvblk_session, mmio);

	return kvblk_mem_covers(&s->mem, vq->desc, kvblk_vring_desc_size(vq->num)) &&
	       kvblk_mem_covers(&s->mem, vq->avail, kvblk_vring_avail_size(vq->num)) &&
	       kvblk_mem_covers(&s->mem, vq->used, kvblk_vring_used_size(vq->num));
}

static void session_init_geo(struct kvblk_session *s)
{
	s->geo = s->disk->geo;
	s->geo.queue_size = max(s->geo.queue_size, s->ops->queue_size);
	if (s->ops->size_any)
		s->geo.size_max = KVBLK_SIZE_ANY;
}

static void session_init_mmio(struct kvblk_session *s)
{
	const struct kvblk_geometry *geo = &s->geo;
	struct virtio_blk_config config;

	s->mmio.page = page_address(s->page);
	s->mmio.offered = kvblk_features(geo) | s->ops->transport;
	s->mmio.queue_max = geo->queue_size;
	s->mmio.queues = s->nr_vqs;
	s->mmio.queue_ok = session_queue_ok;
	kvblk_config_fill(&config, geo);
	kvblk_mmio_init(&s->mmio, &config, sizeof(config));
}

static void session_free(struct kref *ref)
{
	struct kvblk_session *s = container_of(ref, struct kvblk_session, ref);
	struct module *owner = s->ops->owner;

	s->ops->free(s->front);
	kvblk_mem_exit(&s->mem);
	kvblk_mem_exit(&s->next_mem);
	kvblk_owner_exit(&s->owner);
	put_pid(s->opener);
	put_page(s->page);
	kfree(s->worker);
	kvblk_disk_put(s->disk);
	kfree(s);
	/* Unloading waits for session_wq, on which the last put runs. */
	module_put(owner);
}

void kvblk_session_put(struct kvblk_session *s)
{
	kref_put(&s->ref, session_free);
}

static struct kvblk_session *session_alloc(struct kvblk_disk *disk,
					   const struct kvblk_front *ops)
{
	struct kvblk_session *s;

	s = kzalloc(struct_size(s, vq, disk->geo.queues), GFP_KERNEL);
	if (!s)
		return NULL;
	s->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	s->worker = kcalloc(disk->geo.queues, sizeof(*s->worker), GFP_KERNEL);
	if (!s->page || !s->worker)
		goto err_free;
	kref_init(&s->ref);
	INIT_WORK(&s->finish, kvblk_session_finish);
	init_waitqueue_head(&s->wait);
	s->mem.ops = &kvblk_mem_user_ops;
	if (!ops->shared)
		s->opener = get_pid(task_tgid(current));
	kvblk_owner_init(&s->owner);
	kvblk_disk_get(disk);
	s->disk = disk;
	s->ops = ops;
	s->drain_ms = KVBLK_DRAIN_MS;
	s->nr_vqs = disk->geo.queues;
	__module_get(ops->owner);
	session_init_geo(s);
	session_init_mmio(s);
	return s;

err_free:
	if (s->page)
		put_page(s->page);
	kfree(s->worker);
	kfree(s);
	return NULL;
}

static int session_init_engine(struct kvblk_session *s, const struct kvblk_crew *crew)
{
	struct kvblk_disk *disk = s->disk;
	struct kvblk_queue_env env = {
		.name = disk->spec.name,
		.ops = &session_queue_ops,
		.geo = &s->geo,
		.serial = disk->spec.serial,
		.mem = &s->mem,
		.backing = &disk->backing,
		.gate = &disk->gate,
		.poll = &disk->poll,
		.moderation = &disk->moderation,
		.owner = &s->owner,
		.wq = disk->wq,
	};
	unsigned int i;
	int ret;

	ret = kvblk_crew_init(s, crew);
	if (ret)
		return ret;
	for (i = 0; i < s->nr_vqs; i++) {
		s->vq[i].session = s;
		env.index = i;
		env.stats = &disk->stats[i];
		env.hists = &disk->hists[i];
		kvblk_queue_init(&s->vq[i].queue, &env, &s->worker[crew->of[i]]);
	}
	return 0;
}

/* Makes @s the disk's session, with a reference, unless it is not served by @crew any more. */
static int session_attach(struct kvblk_session *s, const struct kvblk_crew *crew)
{
	struct kvblk_disk *disk = s->disk;
	int ret = 0;

	mutex_lock(&disk->lock);
	if (disk->removed)
		ret = -ENODEV;
	else if (disk->session || disk->manning ||
		 memcmp(crew, &disk->crew, sizeof(*crew)))
		ret = -EBUSY;
	if (!ret) {
		kvblk_session_get(s);
		disk->session = s;
		kvblk_pause_apply(s);
	}
	mutex_unlock(&disk->lock);
	return ret;
}

struct kvblk_session *kvblk_session_open(struct kvblk_disk *disk,
					 const struct kvblk_front *ops, void *front)
{
	struct kvblk_session *s = session_alloc(disk, ops);
	struct kvblk_crew crew = kvblk_crew_get(disk);
	int ret;

	if (!s) {
		ops->free(front);
		return ERR_PTR(-ENOMEM);
	}
	s->front = front;
	ret = session_init_engine(s, &crew);
	if (ret)
		goto err_put;
	ret = session_attach(s, &crew);
	if (ret)
		goto err_exit;
	return s;

err_exit:
	kvblk_crew_exit(s);
err_put:
	kvblk_session_put(s);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_open);

/* ---- whose it is ---- */

static void session_set_opener(struct kvblk_session *s, struct pid *opener)
{
	struct pid *old;

	mutex_lock(&s->disk->lock);
	old = s->opener;
	s->opener = opener;
	mutex_unlock(&s->disk->lock);
	put_pid(old);
}

static bool session_may_adopt(struct kvblk_session *s)
{
	bool may;

	mutex_lock(&s->disk->lock);
	may = s->opener != task_tgid(current) && !s->starting &&
	      !kvblk_session_is_set_up(s);
	mutex_unlock(&s->disk->lock);
	return may;
}

int kvblk_session_adopt(struct kvblk_session *s)
{
	struct kvblk_owner old = s->owner;
	int ret;

	if (!session_may_adopt(s))
		return 0;
	/* No work item is under way, and the thread that uses the old one ends first. */
	kvblk_owner_init(&s->owner);
	ret = kvblk_crew_renew(s, current);
	if (ret)
		swap(old, s->owner);
	else
		session_set_opener(s, get_pid(task_tgid(current)));
	kvblk_owner_exit(&old);
	return ret;
}
EXPORT_SYMBOL_KVBLK(kvblk_session_adopt);

void kvblk_session_abandon(struct kvblk_session *s)
{
	session_set_opener(s, NULL);
	if (kvblk_crew_renew(s, NULL))
		kvblk_complain(s->disk, "a thread stays in the control groups of its user");
}
EXPORT_SYMBOL_KVBLK(kvblk_session_abandon);

/* ---- for front ends without a register window ---- */

u64 kvblk_session_features(void)
{
	return kvblk_features_all();
}
EXPORT_SYMBOL_KVBLK(kvblk_session_features);

int kvblk_session_accept(struct kvblk_session *s, u64 features)
{
	int ret;

	mutex_lock(&s->disk->lock);
	ret = kvblk_mmio_accept(&s->mmio, features);
	mutex_unlock(&s->disk->lock);
	return ret;
}
EXPORT_SYMBOL_KVBLK(kvblk_session_accept);

u32 kvblk_session_status(const struct kvblk_session *s)
{
	return kvblk_mmio_status(&s->mmio);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_status);

unsigned int kvblk_session_queues(const struct kvblk_session *s)
{
	return kvblk_mmio_queues(&s->mmio);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_queues);

u64 kvblk_session_read(const struct kvblk_session *s, u32 offset, u32 len)
{
	return kvblk_mmio_read(&s->mmio, offset, len);
}
EXPORT_SYMBOL_KVBLK(kvblk_session_read);

/* ---- display ---- */

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
