// SPDX-License-Identifier: GPL-2.0
/* /dev/kvblk-control: makes, changes, lists and removes disks. */
#include <linux/crc32.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/pid.h>
#include <linux/uaccess.h>
#include "control.h"
#include "features.h"
#include "pause.h"
#include "session.h"
#include "ucmd.h"

/* ---- checks ---- */

static bool name_char_ok(char c)
{
	return isascii(c) && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

static int name_check(const char *name, struct kvblk_why *why)
{
	size_t len = strnlen(name, KVBLK_NAME_LEN);
	size_t i;

	if (!len || len == KVBLK_NAME_LEN)
		return kvblk_why(why, -EINVAL, "name: must have 1 to %u characters",
				 KVBLK_NAME_LEN - 1);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return kvblk_why(why, -EINVAL, "name: must not be %s", name);
	for (i = 0; i < len; i++) {
		if (!name_char_ok(name[i]))
			return kvblk_why(why, -EINVAL, "name: character %zu is not one of a-z A-Z 0-9 . _ -",
					 i + 1);
	}
	return 0;
}

/* Checks a limit and puts in the default burst. */
static int limit_check(struct kvblk_limit *limit, int id, struct kvblk_why *why)
{
	const char *name = kvblk_bucket_names[id];

	if (limit->rate > KVBLK_RATE_MAX)
		return kvblk_why(why, -EINVAL, "limits[%s].rate: %llu is above %llu",
				 name, limit->rate, KVBLK_RATE_MAX);
	if (!limit->rate && limit->burst)
		return kvblk_why(why, -EINVAL, "limits[%s].burst: %llu without a rate",
				 name, limit->burst);
	if (!limit->burst)
		limit->burst = limit->rate;
	if (limit->burst < limit->rate)
		return kvblk_why(why, -EINVAL, "limits[%s].burst: %llu is below the rate %llu",
				 name, limit->burst, limit->rate);
	if (limit->burst > limit->rate * KVBLK_BURST_SECONDS_MAX)
		return kvblk_why(why, -EINVAL, "limits[%s].burst: %llu is more than %u seconds of the rate %llu",
				 name, limit->burst, KVBLK_BURST_SECONDS_MAX,
				 limit->rate);
	return 0;
}

static int limits_check(struct kvblk_limit *limits, u32 mask, struct kvblk_why *why)
{
	int id, ret;

	for (id = 0; id < KVBLK_LIMIT_NR; id++) {
		ret = mask & BIT(id) ? limit_check(&limits[id], id, why) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static void limits_apply(struct kvblk_disk *disk, const struct kvblk_limit *limits,
			 u32 mask)
{
	int id;

	BUILD_BUG_ON((int)KVBLK_LIMIT_NR != (int)KVBLK_BUCKET_NR);
	for (id = 0; id < KVBLK_LIMIT_NR; id++) {
		if (mask & BIT(id))
			kvblk_gate_set(&disk->gate, id, limits[id].rate,
				       limits[id].burst);
	}
}

static int size_check(const char *field, u32 value, u32 min, u32 max,
		      struct kvblk_why *why)
{
	if (is_power_of_2(value) && value >= min && value <= max)
		return 0;
	return kvblk_why(why, -EINVAL, "%s: %u is no power of two from %u to %u",
			 field, value, min, max);
}

/* ---- KVBLK_ADD ---- */

static int add_spec(const struct kvblk_add *arg, struct kvblk_disk_spec *spec,
		    struct kvblk_why *why)
{
	int ret = name_check(arg->name, why);

	if (ret)
		return ret;
	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	memset(spec, 0, sizeof(*spec));
	strscpy(spec->name, arg->name, sizeof(spec->name));
	memcpy(spec->serial, arg->serial, sizeof(spec->serial));
	if (!memchr_inv(spec->serial, 0, sizeof(spec->serial)))
		snprintf(spec->serial, sizeof(spec->serial), "kvblk-%08x",
			 crc32_le(~0, spec->name, strlen(spec->name)));
	spec->flags = arg->hdr.flags & ~KVBLK_DISK_OWNER;
	spec->mode = 0600;
	spec->uid = GLOBAL_ROOT_UID;
	spec->gid = GLOBAL_ROOT_GID;
	if (!(arg->hdr.flags & KVBLK_DISK_OWNER))
		return 0;

	if (arg->mode & ~0777)
		return kvblk_why(why, -EINVAL, "mode: %#o is above 0777", arg->mode);
	spec->mode = arg->mode;
	spec->uid = make_kuid(current_user_ns(), arg->uid);
	spec->gid = make_kgid(current_user_ns(), arg->gid);
	if (!uid_valid(spec->uid) || !gid_valid(spec->gid))
		return kvblk_why(why, -EINVAL, "uid, gid: %u, %u are not known here",
				 arg->uid, arg->gid);
	return 0;
}

static int interrupts_check(u32 count, u32 usecs, struct kvblk_why *why)
{
	if (count > KVBLK_INTERRUPT_COUNT_MAX)
		return kvblk_why(why, -EINVAL, "interrupt_count: %u is above %u", count,
				 KVBLK_INTERRUPT_COUNT_MAX);
	if (usecs > KVBLK_INTERRUPT_USECS_MAX)
		return kvblk_why(why, -EINVAL, "interrupt_usecs: %u is above %u", usecs,
				 KVBLK_INTERRUPT_USECS_MAX);
	if (!count != !usecs)
		return kvblk_why(why, -EINVAL, "interrupt_count, interrupt_usecs: %u, %u: one without the other",
				 count, usecs);
	return 0;
}

/* Queues may see the one before the other: they hold an interrupt a little differently. */
static void interrupts_apply(struct kvblk_disk *disk, u32 count, u32 usecs)
{
	WRITE_ONCE(disk->moderation.usecs, usecs);
	WRITE_ONCE(disk->moderation.count, count);
}

static int add_geometry(const struct kvblk_add *arg, struct kvblk_disk *disk,
			struct kvblk_why *why)
{
	const struct kvblk_backing *b = &disk->backing;
	struct kvblk_geometry *geo = &disk->geo;
	u32 min_block = max_t(u32, b->offset_align, KVBLK_BLOCK_SIZE_MIN);
	int ret;

	geo->block_size = arg->block_size ?: min_block;
	geo->queue_size = arg->queue_size ?: KVBLK_QUEUE_SIZE_DEFAULT;
	geo->capacity = arg->capacity ?: b->size;
	geo->queues = 1;
	geo->read_only = disk->spec.flags & KVBLK_DISK_RO;

	ret = size_check("block_size", geo->block_size, KVBLK_BLOCK_SIZE_MIN,
			 KVBLK_BLOCK_SIZE_MAX, why);
	if (ret)
		return ret;
	if (geo->block_size < min_block)
		return kvblk_why(why, -EINVAL, "block_size: %u is below %u, which direct I/O on this backing needs",
				 geo->block_size, min_block);
	if (geo->capacity > b->size)
		return kvblk_why(why, -EFBIG, "capacity: %llu is above the %llu bytes of the backing",
				 geo->capacity, b->size);
	if (!IS_ALIGNED(geo->capacity, geo->block_size))
		return kvblk_why(why, -EDOM, "capacity: %llu bytes are no multiple of the block size %u",
				 geo->capacity, geo->block_size);
	kvblk_geometry_init(geo);
	return 0;
}

static int add_fill(struct kvblk_add *arg, struct kvblk_disk *disk,
		    struct kvblk_why *why)
{
	int ret;

	ret = kvblk_file_open(&disk->backing, arg->fd,
			      arg->hdr.flags & KVBLK_DISK_RO,
			      arg->hdr.flags & KVBLK_DISK_DIRECT, why);
	if (ret)
		return ret;
	ret = add_geometry(arg, disk, why);
	if (ret)
		return ret;
	limits_apply(disk, arg->limits, ~0);
	interrupts_apply(disk, arg->interrupt_count, arg->interrupt_usecs);
	return 0;
}

static int control_add(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_add *arg = data;
	struct kvblk_disk_spec spec;
	struct kvblk_disk *disk;
	int ret;

	ret = add_spec(arg, &spec, why);
	if (ret)
		return ret;
	if (arg->queue_size) {
		ret = size_check("queue_size", arg->queue_size,
				 KVBLK_QUEUE_SIZE_MIN, KVBLK_QUEUE_SIZE_MAX, why);
		if (ret)
			return ret;
	}
	ret = limits_check(arg->limits, ~0, why);
	if (ret)
		return ret;
	ret = interrupts_check(arg->interrupt_count, arg->interrupt_usecs, why);
	if (ret)
		return ret;

	disk = kvblk_disk_alloc(&spec);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	ret = add_fill(arg, disk, why);
	if (!ret)
		ret = kvblk_disk_publish(disk);
	if (ret == -EEXIST)
		kvblk_why(why, ret, "name: there is a disk %s already", spec.name);
	if (ret)
		kvblk_disk_put(disk);
	return ret;
}

/* ---- the others ---- */

static int control_remove(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_remove *arg = data;
	int ret = name_check(arg->name, why);

	if (ret)
		return ret;
	ret = kvblk_disk_remove(arg->name);
	if (ret == -ENOENT)
		kvblk_why(why, ret, "name: there is no disk %s", arg->name);
	else if (ret == -EBUSY)
		kvblk_why(why, ret, "name: disk %s has a session", arg->name);
	return ret;
}

/* The disk by name, with a reference, or an ERR_PTR. */
static struct kvblk_disk *control_find(const char *name, struct kvblk_why *why)
{
	int ret = name_check(name, why);
	struct kvblk_disk *disk;

	if (ret)
		return ERR_PTR(ret);
	disk = kvblk_disk_find(name);
	if (!disk)
		return ERR_PTR(kvblk_why(why, -ENOENT,
					 "name: there is no disk %s", name));
	return disk;
}

static int poll_check(const struct kvblk_set *arg, struct kvblk_why *why)
{
	if (!(arg->hdr.flags & KVBLK_SET_POLL))
		return 0;
	if (arg->poll_us > KVBLK_POLL_US_MAX)
		return kvblk_why(why, -EINVAL, "poll_us: %u, more than %u", arg->poll_us,
				 KVBLK_POLL_US_MAX);
	if (arg->poll_us && (!arg->poll_percent || arg->poll_percent > 100))
		return kvblk_why(why, -EINVAL, "poll_percent: %u, not 1 to 100",
				 arg->poll_percent);
	return 0;
}

/* The worker reads them one by one: for a moment it may see one of each. */
static void poll_apply(struct kvblk_disk *disk, const struct kvblk_set *arg)
{
	if (!(arg->hdr.flags & KVBLK_SET_POLL))
		return;
	WRITE_ONCE(disk->poll.percent, arg->poll_percent);
	WRITE_ONCE(disk->poll.max_ns, arg->poll_us * NSEC_PER_USEC);
}

static int control_set(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_set *arg = data;
	struct kvblk_disk *disk;
	int ret;

	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	if (arg->limit_mask & ~(BIT(KVBLK_LIMIT_NR) - 1))
		return kvblk_why(why, -EOPNOTSUPP, "limit_mask: unknown bits in %#x",
				 arg->limit_mask);
	ret = limits_check(arg->limits, arg->limit_mask, why);
	if (!ret)
		ret = poll_check(arg, why);
	if (ret)
		return ret;
	if (arg->hdr.flags & KVBLK_SET_INTERRUPTS) {
		ret = interrupts_check(arg->interrupt_count, arg->interrupt_usecs, why);
		if (ret)
			return ret;
	}
	disk = control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	limits_apply(disk, arg->limits, arg->limit_mask);
	mutex_lock(&disk->lock);
	poll_apply(disk, arg);
	if (arg->hdr.flags & KVBLK_SET_INTERRUPTS)
		interrupts_apply(disk, arg->interrupt_count, arg->interrupt_usecs);
	if (disk->session)
		kvblk_session_retry(disk->session);
	mutex_unlock(&disk->lock);
	kvblk_disk_put(disk);
	return 0;
}

static int control_list(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_list *arg = data;
	char *names;
	int ret = 0;
	u32 room;

	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	room = min(arg->count, kvblk_disk_names(NULL, 0));
	names = kvcalloc(room, KVBLK_NAME_LEN, GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	arg->count = kvblk_disk_names(names, room);
	if (copy_to_user(u64_to_user_ptr(arg->names), names,
			 array_size(min(room, arg->count), KVBLK_NAME_LEN)))
		ret = kvblk_why(why, -EFAULT, "names: cannot be written");
	kvfree(names);
	return ret;
}

static void query_stats(struct kvblk_stats *to, const struct kvblk_counters *c)
{
	*to = (struct kvblk_stats){
		.requests = kvblk_counter(c, KVBLK_STAT_REQUESTS),
		.reads_completed = kvblk_counter(c, KVBLK_STAT_READS),
		.bytes_read = kvblk_counter(c, KVBLK_STAT_BYTES_READ),
		.writes_completed = kvblk_counter(c, KVBLK_STAT_WRITES),
		.bytes_written = kvblk_counter(c, KVBLK_STAT_BYTES_WRITTEN),
		.flushes_completed = kvblk_counter(c, KVBLK_STAT_FLUSHES),
		.flush_errors = kvblk_counter(c, KVBLK_STAT_FLUSH_ERRORS),
		.get_ids = kvblk_counter(c, KVBLK_STAT_GET_IDS),
		.unsupported = kvblk_counter(c, KVBLK_STAT_UNSUPPORTED),
		.io_errors = kvblk_counter(c, KVBLK_STAT_IO_ERRORS),
		.ring_errors = kvblk_counter(c, KVBLK_STAT_RING_ERRORS),
		.invalid_avail_idx = kvblk_counter(c, KVBLK_STAT_INVALID_AVAIL),
		.throttled = kvblk_counter(c, KVBLK_STAT_THROTTLED),
		.deferred = kvblk_counter(c, KVBLK_STAT_DEFERRED),
		.kicks = atomic64_read(&c->kicks),
		.interrupts = kvblk_counter(c, KVBLK_STAT_INTERRUPTS),
		.interrupts_suppressed = kvblk_counter(c, KVBLK_STAT_SUPPRESSED),
		.interrupts_held = kvblk_counter(c, KVBLK_STAT_HELD),
		.in_flight = kvblk_counter(c, KVBLK_STAT_IN_FLIGHT),
		.currently_throttled = kvblk_counter(c, KVBLK_STAT_STALLED),
		.lost_kicks = kvblk_counter(c, KVBLK_STAT_LOST_KICKS),
		.lost_interrupts = kvblk_counter(c, KVBLK_STAT_LOST_INTERRUPTS),
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

static int control_query(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_query *arg = data;
	struct kvblk_disk *disk = control_find(arg->name, why);
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
	};
	memcpy(arg->name, disk->spec.name, sizeof(arg->name));
	memcpy(arg->serial, disk->spec.serial, sizeof(arg->serial));
	for (id = 0; id < KVBLK_LIMIT_NR; id++) {
		bucket = kvblk_gate_get(&disk->gate, id, &balance);
		arg->limits[id].rate = bucket.rate;
		arg->limits[id].burst = bucket.burst;
	}
	query_session(arg, disk);
	query_stats(&arg->stats, &disk->stats);
	kvblk_disk_put(disk);
	return 0;
}

static int control_pause(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_pause *arg = data;
	struct kvblk_disk *disk;
	int ret;

	ret = kvblk_pause_check(arg->timeout_ms, why);
	if (ret)
		return ret;
	disk = control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	arg->in_flight = kvblk_disk_pause(disk, arg->timeout_ms);
	kvblk_disk_put(disk);
	return 0;
}

static int control_resume(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_pause *arg = data;
	struct kvblk_disk *disk;

	if (arg->timeout_ms)
		return kvblk_why(why, -EOPNOTSUPP, "timeout_ms: must be 0");
	disk = control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	kvblk_disk_resume(disk);
	arg->in_flight = kvblk_counter(&disk->stats, KVBLK_STAT_IN_FLIGHT);
	kvblk_disk_put(disk);
	return 0;
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
	kvblk_hist_sum(&disk->hists, 1, hist.op, hist.stage, &sum);
	hist.total = sum.total;
	memcpy(hist.bucket, sum.bucket, sizeof(hist.bucket));
	if (copy_to_user(&to[i], &hist, sizeof(hist)))
		return kvblk_why(why, -EFAULT, "hists: element %u cannot be written", i);
	return 0;
}

static int control_latency(void *ctx, void *data, struct kvblk_why *why)
{
	const unsigned int nr = KVBLK_KIND_NR * KVBLK_STAGE_NR;
	struct kvblk_latency *arg = data;
	struct kvblk_disk *disk;
	unsigned int i;
	int ret = 0;

	BUILD_BUG_ON((int)KVBLK_KIND_NR != (int)KVBLK_LATENCY_OP_NR);
	BUILD_BUG_ON((int)KVBLK_STAGE_NR != (int)KVBLK_LATENCY_STAGE_NR);
	BUILD_BUG_ON(KVBLK_HIST_BUCKETS != KVBLK_LATENCY_BUCKETS);
	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	disk = control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	for (i = 0; !ret && i < nr; i++)
		ret = latency_put(arg, i, disk, why);
	arg->count = nr;
	kvblk_disk_put(disk);
	return ret;
}

#define CONTROL_CMD(cmd, type, flags, answers, fn) \
	[_IOC_NR(cmd)] = KVBLK_UCMD(type, flags, answers, fn)

static const struct kvblk_ucmd control_cmds[] = {
	CONTROL_CMD(KVBLK_ADD, struct kvblk_add, KVBLK_DISK_FLAGS, false,
		    control_add),
	CONTROL_CMD(KVBLK_REMOVE, struct kvblk_remove, 0, false, control_remove),
	CONTROL_CMD(KVBLK_SET, struct kvblk_set, KVBLK_SET_FLAGS, false, control_set),
	CONTROL_CMD(KVBLK_LIST, struct kvblk_list, 0, true, control_list),
	CONTROL_CMD(KVBLK_QUERY, struct kvblk_query, 0, true, control_query),
	CONTROL_CMD(KVBLK_PAUSE, struct kvblk_pause, 0, true, control_pause),
	CONTROL_CMD(KVBLK_RESUME, struct kvblk_pause, 0, true, control_resume),
	CONTROL_CMD(KVBLK_LATENCY, struct kvblk_latency, 0, true, control_latency),
};

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return kvblk_ucmd_run(control_cmds, 0, ARRAY_SIZE(control_cmds), NULL, cmd,
			      (void __user *)arg);
}

static const struct file_operations control_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= control_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice control_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "kvblk-control",
	.fops	= &control_fops,
	.mode	= 0600,
};

int kvblk_control_init(void)
{
	BUILD_BUG_ON(sizeof(struct kvblk_query) > KVBLK_UCMD_SIZE_MAX);
	return misc_register(&control_dev);
}

void kvblk_control_exit(void)
{
	misc_deregister(&control_dev);
}
