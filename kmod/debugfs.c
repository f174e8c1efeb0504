// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/kvblk/<disk>/: counters, latency, state, config. One "name value" a line;
 * a name never changes its meaning, new ones may come.
 */
#include <linux/debugfs.h>
#include <linux/pid.h>
#include <linux/seq_file.h>
#include <linux/kvblk.h>
#include "debugfs.h"
#include "features.h"
#include "session.h"

static struct dentry *debugfs_root;

static int counters_put(struct seq_file *m, const struct kvblk_counters *c,
			unsigned int nr)
{
	int id;

	for (id = 0; id < KVBLK_STAT_NR; id++)
		seq_printf(m, "%s %llu\n", kvblk_stat_names[id],
			   kvblk_counters_sum(c, nr, id));
	seq_printf(m, "kicks %llu\n", kvblk_kicks_sum(c, nr));
	return 0;
}

static int counters_show(struct seq_file *m, void *unused)
{
	const struct kvblk_disk *disk = m->private;

	return counters_put(m, disk->stats, disk->geo.queues);
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int queue_counters_show(struct seq_file *m, void *unused)
{
	return counters_put(m, m->private, 1);
}
DEFINE_SHOW_ATTRIBUTE(queue_counters);

static void latency_put_hist(struct seq_file *m, const struct kvblk_hist *sum,
			     enum kvblk_kind kind, enum kvblk_stage stage)
{
	unsigned int i;

	seq_printf(m, "%s_%s_total %llu\n", kvblk_kind_names[kind],
		   kvblk_stage_names[stage], sum->total);
	for (i = 0; i < KVBLK_HIST_BUCKETS; i++) {
		if (sum->bucket[i])
			seq_printf(m, "%s_%s_from_%llu %llu\n", kvblk_kind_names[kind],
				   kvblk_stage_names[stage], kvblk_hist_floor(i),
				   sum->bucket[i]);
	}
}

static int latency_put(struct seq_file *m, const struct kvblk_hists *hists,
		       unsigned int nr)
{
	struct kvblk_hist sum;
	int kind, stage;

	for (kind = 0; kind < KVBLK_KIND_NR; kind++) {
		for (stage = 0; stage < KVBLK_STAGE_NR; stage++) {
			kvblk_hist_sum(hists, nr, kind, stage, &sum);
			latency_put_hist(m, &sum, kind, stage);
		}
	}
	return 0;
}

static int latency_show(struct seq_file *m, void *unused)
{
	const struct kvblk_disk *disk = m->private;

	return latency_put(m, disk->hists, disk->geo.queues);
}
DEFINE_SHOW_ATTRIBUTE(latency);

static int queue_latency_show(struct seq_file *m, void *unused)
{
	return latency_put(m, m->private, 1);
}
DEFINE_SHOW_ATTRIBUTE(queue_latency);

/* The balance of the buckets that have a limit, in tokens. */
static void state_show_throttle(struct seq_file *m, struct kvblk_disk *disk)
{
	struct kvblk_bucket bucket;
	s64 balance;
	int id;

	for (id = 0; id < KVBLK_BUCKET_NR; id++) {
		bucket = kvblk_gate_get(&disk->gate, id, &balance);
		if (bucket.rate)
			seq_printf(m, "balance_%s %lld\n", kvblk_bucket_names[id], balance);
	}
}

static void state_show_bits(struct seq_file *m, const char *name, u64 bits,
			    const char *(*bit_name)(unsigned int bit))
{
	unsigned int bit;
	const char *known;

	seq_printf(m, "%s %#llx", name, bits);
	for (bit = 0; bit < 64; bit++) {
		known = bits & BIT_ULL(bit) ? bit_name(bit) : NULL;
		if (known)
			seq_printf(m, " %s", known);
	}
	seq_putc(m, '\n');
}

static const char *status_bit_name(unsigned int bit)
{
	return bit < 32 ? kvblk_status_name(BIT(bit)) : NULL;
}

/* The worker owns the cursors: each is a snapshot, not all of one moment. */
static void state_show_queue(struct seq_file *m, const struct kvblk_session *s,
			     unsigned int i)
{
	const struct kvblk_vq_config *vq = &s->mmio.vq[i];
	const struct kvblk_queue *q = &s->vq[i].queue;

	seq_printf(m, "queue %u\n", i);
	seq_printf(m, "worker %u\n", kvblk_crew_of(s->disk, i));
	seq_printf(m, "queue_size %u\n", vq->num);
	seq_printf(m, "queue_ready %d\n", vq->ready);
	seq_printf(m, "queue_desc %#llx\n", vq->desc);
	seq_printf(m, "queue_driver %#llx\n", vq->avail);
	seq_printf(m, "queue_device %#llx\n", vq->used);
	seq_printf(m, "next_avail %u\n", READ_ONCE(q->vring.next_avail));
	seq_printf(m, "next_used %u\n", READ_ONCE(q->vring.next_used));
	seq_printf(m, "in_flight %u\n", READ_ONCE(q->in_flight));
	seq_printf(m, "stalled %d\n", READ_ONCE(q->stalled));
	seq_printf(m, "broken %d\n", READ_ONCE(q->broken));
}

static void state_show_session(struct seq_file *m, const struct kvblk_session *s)
{
	unsigned int i;

	seq_printf(m, "pid %d\n", pid_vnr(s->opener));
	state_show_bits(m, "device_status", kvblk_mmio_status(&s->mmio),
			status_bit_name);
	state_show_bits(m, "device_features", s->mmio.offered, kvblk_feature_name);
	state_show_bits(m, "driver_features", s->mmio.driver, kvblk_feature_name);
	seq_printf(m, "memory_regions %u\n", s->mem.nr);
	for (i = 0; i < s->nr_vqs; i++)
		state_show_queue(m, s, i);
}

static int state_show(struct seq_file *m, void *unused)
{
	static const char * const names[] = {
		[KVBLK_STATE_IDLE]		= "idle",
		[KVBLK_STATE_ATTACHED]		= "attached",
		[KVBLK_STATE_RUNNING]		= "running",
		[KVBLK_STATE_DRAINING]		= "draining",
		[KVBLK_STATE_NEEDS_RESET]	= "needs-reset",
		[KVBLK_STATE_PAUSED]		= "paused",
	};
	struct kvblk_disk *disk = m->private;

	mutex_lock(&disk->lock);
	seq_printf(m, "state %s\n", names[kvblk_session_state(disk)]);
	if (disk->session)
		state_show_session(m, disk->session);
	mutex_unlock(&disk->lock);
	state_show_throttle(m, disk);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int config_show(struct seq_file *m, void *unused)
{
	struct kvblk_disk *disk = m->private;
	const struct kvblk_geometry *geo = &disk->geo;
	struct kvblk_bucket bucket;
	s64 balance;
	int id;

	seq_printf(m, "capacity %llu\n", geo->capacity);
	seq_printf(m, "block_size %u\n", geo->block_size);
	seq_printf(m, "queue_size %u\n", geo->queue_size);
	seq_printf(m, "queues %u\n", geo->queues);
	seq_printf(m, "workers %u\n", kvblk_crew_get(disk).nr);
	seq_printf(m, "seg_max %u\n", geo->seg_max);
	seq_printf(m, "size_max %u\n", geo->size_max);
	seq_printf(m, "read_only %d\n", geo->read_only);
	seq_printf(m, "direct %d\n", disk->backing.direct);
	seq_printf(m, "serial %.20s\n", disk->spec.serial);
	seq_printf(m, "interrupt_count %u\n", READ_ONCE(disk->moderation.count));
	seq_printf(m, "interrupt_usecs %u\n", READ_ONCE(disk->moderation.usecs));
	seq_printf(m, "poll_us %lu\n", READ_ONCE(disk->poll.max_ns) / NSEC_PER_USEC);
	seq_printf(m, "poll_percent %u\n", READ_ONCE(disk->poll.percent));
	for (id = 0; id < KVBLK_BUCKET_NR; id++) {
		bucket = kvblk_gate_get(&disk->gate, id, &balance);
		seq_printf(m, "limit_%s %llu burst %llu\n", kvblk_bucket_names[id],
			   bucket.rate, bucket.burst);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(config);

/* <disk>/queues/<n> */
static void debugfs_add_queue(struct kvblk_disk *disk, struct dentry *queues,
			      unsigned int i)
{
	struct dentry *dir;
	char name[sizeof("65535")];

	snprintf(name, sizeof(name), "%u", i);
	dir = debugfs_create_dir(name, queues);
	debugfs_create_file("counters", 0400, dir, &disk->stats[i],
			    &queue_counters_fops);
	debugfs_create_file("latency", 0400, dir, &disk->hists[i], &queue_latency_fops);
}

void kvblk_debugfs_add(struct kvblk_disk *disk)
{
	struct dentry *queues;
	unsigned int i;

	disk->debugfs = debugfs_create_dir(disk->spec.name, debugfs_root);
	debugfs_create_file("counters", 0400, disk->debugfs, disk, &counters_fops);
	debugfs_create_file("latency", 0400, disk->debugfs, disk, &latency_fops);
	debugfs_create_file("state", 0400, disk->debugfs, disk, &state_fops);
	debugfs_create_file("config", 0400, disk->debugfs, disk, &config_fops);
	queues = debugfs_create_dir("queues", disk->debugfs);
	for (i = 0; i < disk->geo.queues; i++)
		debugfs_add_queue(disk, queues, i);
}

void kvblk_debugfs_del(struct kvblk_disk *disk)
{
	/* Waits for readers, so none holds the disk afterwards. */
	debugfs_remove(disk->debugfs);
}

void kvblk_debugfs_init(void)
{
	debugfs_root = debugfs_create_dir("kvblk", NULL);
}

void kvblk_debugfs_exit(void)
{
	debugfs_remove(debugfs_root);
}
