// SPDX-License-Identifier: GPL-2.0
/* What /dev/kvblk-control tells of a disk. */
#include <linux/pid.h>
#include <linux/uaccess.h>
#include "control.h"
#include "session.h"

static void query_stats(struct kvblk_stats *to, const struct kvblk_counters *c,
			unsigned int nr)
{
	*to = (struct kvblk_stats){
		.requests = kvblk_counters_sum(c, nr, KVBLK_STAT_REQUESTS),
		.reads_completed = kvblk_counters_sum(c, nr, KVBLK_STAT_READS),
		.bytes_read = kvblk_counters_sum(c, nr, KVBLK_STAT_BYTES_READ),
		.writes_completed = kvblk_counters_sum(c, nr, KVBLK_STAT_WRITES),
		.bytes_written = kvblk_counters_sum(c, nr, KVBLK_STAT_BYTES_WRITTEN),
		.flushes_completed = kvblk_counters_sum(c, nr, KVBLK_STAT_FLUSHES),
		.flush_errors = kvblk_counters_sum(c, nr, KVBLK_STAT_FLUSH_ERRORS),
		.get_ids = kvblk_counters_sum(c, nr, KVBLK_STAT_GET_IDS),
		.unsupported = kvblk_counters_sum(c, nr, KVBLK_STAT_UNSUPPORTED),
		.io_errors = kvblk_counters_sum(c, nr, KVBLK_STAT_IO_ERRORS),
		.ring_errors = kvblk_counters_sum(c, nr, KVBLK_STAT_RING_ERRORS),
		.invalid_avail_idx = kvblk_counters_sum(c, nr, KVBLK_STAT_INVALID_AVAIL),
		.throttled = kvblk_counters_sum(c, nr, KVBLK_STAT_THROTTLED),
		.deferred = kvblk_counters_sum(c, nr, KVBLK_STAT_DEFERRED),
		.kicks = kvblk_kicks_sum(c, nr),
		.interrupts = kvblk_counters_sum(c, nr, KVBLK_STAT_INTERRUPTS),
		.interrupts_suppressed = kvblk_counters_sum(c, nr, KVBLK_STAT_SUPPRESSED),
		.interrupts_held = kvblk_counters_sum(c, nr, KVBLK_STAT_HELD),
		.in_flight = kvblk_counters_sum(c, nr, KVBLK_STAT_IN_FLIGHT),
		.currently_throttled = kvblk_counters_sum(c, nr, KVBLK_STAT_STALLED),
		.lost_kicks = kvblk_counters_sum(c, nr, KVBLK_STAT_LOST_KICKS),
		.lost_interrupts = kvblk_counters_sum(c, nr, KVBLK_STAT_LOST_INTERRUPTS),
		.asked_late = kvblk_counters_sum(c, nr, KVBLK_STAT_ASKED_LATE),
		.polls = kvblk_counters_sum(c, nr, KVBLK_STAT_POLLS),
		.poll_hits = kvblk_counters_sum(c, nr, KVBLK_STAT_POLL_HITS),
	};
}

static void query_session(struct kvblk_query *arg, struct kvblk_disk *disk)
{
	const struct kvblk_session *s;

	mutex_lock(&disk->lock);
	arg->state = kvblk_session_state(disk);
	s = disk->session;
	if (s) {
		arg->pid = pid_vnr(s->opener);
		arg->device_status = kvblk_mmio_status(&s->mmio);
		if (arg->device_status & VIRTIO_CONFIG_S_FEATURES_OK)
			arg->driver_features = s->mmio.driver;
	}
	mutex_unlock(&disk->lock);
}

int kvblk_control_query(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_query *arg = data;
	struct kvblk_disk *disk = kvblk_control_find(arg->name, why);
	struct kvblk_bucket bucket;
	s64 balance;
	int id;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	*arg = (struct kvblk_query){
		.hdr = arg->hdr,
		.disk_flags = disk->spec.flags,
		.block_size = disk->geo.block_size,
		.queue_size = disk->geo.queue_size,
		.mode = disk->spec.mode,
		.uid = from_kuid_munged(current_user_ns(), disk->spec.uid),
		.gid = from_kgid_munged(current_user_ns(), disk->spec.gid),
		.capacity = disk->geo.capacity,
		.dev_major = MAJOR(disk->dev.devt),
		.dev_minor = MINOR(disk->dev.devt),
		.interrupt_count = READ_ONCE(disk->moderation.count),
		.interrupt_usecs = READ_ONCE(disk->moderation.usecs),
		.queues = disk->geo.queues,
		.workers = kvblk_crew_get(disk).nr,
		.poll_us = READ_ONCE(disk->poll.max_ns) / NSEC_PER_USEC,
		.poll_percent = READ_ONCE(disk->poll.percent),
	};
	memcpy(arg->name, disk->spec.name, sizeof(arg->name));
	memcpy(arg->serial, disk->spec.serial, sizeof(arg->serial));
	for (id = 0; id < KVBLK_LIMIT_NR; id++) {
		bucket = kvblk_gate_get(&disk->gate, id, &balance);
		arg->limits[id].rate = bucket.rate;
		arg->limits[id].burst = bucket.burst;
	}
	query_session(arg, disk);
	query_stats(&arg->stats, disk->stats, disk->geo.queues);
	kvblk_disk_put(disk);
	return 0;
}

/* Queue @i to @arg's array, if it has room for it. */
static int queues_put(const struct kvblk_queues *arg, unsigned int i,
		      struct kvblk_disk *disk, struct kvblk_why *why)
{
	struct kvblk_queue_stats __user *to = u64_to_user_ptr(arg->queues);
	struct kvblk_queue_stats one = { .queue = i };

	if (i >= arg->count)
		return 0;
	mutex_lock(&disk->lock);
	one.worker = kvblk_crew_of(disk, i);
	mutex_unlock(&disk->lock);
	query_stats(&one.stats, &disk->stats[i], 1);
	if (copy_to_user(&to[i], &one, sizeof(one)))
		return kvblk_why(why, -EFAULT, "queues: element %u cannot be written", i);
	return 0;
}

int kvblk_control_queues(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_queues *arg = data;
	struct kvblk_disk *disk;
	unsigned int i;
	int ret = 0;

	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	disk = kvblk_control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	for (i = 0; !ret && i < disk->geo.queues; i++)
		ret = queues_put(arg, i, disk, why);
	arg->count = disk->geo.queues;
	kvblk_disk_put(disk);
	return ret;
}

/* One histogram to @arg's array, if it has room for number @i. */
static int latency_put(const struct kvblk_latency *arg, unsigned int i,
		       const struct kvblk_disk *disk, struct kvblk_why *why)
{
	struct kvblk_latency_hist __user *to = u64_to_user_ptr(arg->hists);
	struct kvblk_latency_hist hist = {
		.op = i / KVBLK_STAGE_NR,
		.stage = i % KVBLK_STAGE_NR,
	};
	struct kvblk_hist sum;

	if (i >= arg->count)
		return 0;
	if (arg->queue)
		kvblk_hist_sum(&disk->hists[arg->queue - 1], 1, hist.op, hist.stage, &sum);
	else
		kvblk_hist_sum(disk->hists, disk->geo.queues, hist.op, hist.stage, &sum);
	hist.total = sum.total;
	memcpy(hist.bucket, sum.bucket, sizeof(hist.bucket));
	if (copy_to_user(&to[i], &hist, sizeof(hist)))
		return kvblk_why(why, -EFAULT, "hists: element %u cannot be written", i);
	return 0;
}

int kvblk_control_latency(void *ctx, void *data, struct kvblk_why *why)
{
	const unsigned int nr = KVBLK_KIND_NR * KVBLK_STAGE_NR;
	struct kvblk_latency *arg = data;
	struct kvblk_disk *disk;
	unsigned int i;
	int ret = 0;

	BUILD_BUG_ON((int)KVBLK_KIND_NR != (int)KVBLK_LATENCY_OP_NR);
	BUILD_BUG_ON((int)KVBLK_STAGE_NR != (int)KVBLK_LATENCY_STAGE_NR);
	BUILD_BUG_ON(KVBLK_HIST_BUCKETS != KVBLK_LATENCY_BUCKETS);
	disk = kvblk_control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	if (arg->queue > disk->geo.queues)
		ret = kvblk_why(why, -EINVAL, "queue: %u is above %u", arg->queue,
				disk->geo.queues);
	for (i = 0; !ret && i < nr; i++)
		ret = latency_put(arg, i, disk, why);
	arg->count = nr;
	kvblk_disk_put(disk);
	return ret;
}
