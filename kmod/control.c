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

static int workers_check(u32 workers, u32 queues, struct kvblk_why *why)
{
	if (workers <= queues)
		return 0;
	return kvblk_why(why, -EINVAL, "workers: %u is above the %u of queues", workers,
			 queues);
}

/* ---- KVBLK_ADD ---- */

static int add_spec(const struct kvblk_add *arg, struct kvblk_disk_spec *spec,
		    struct kvblk_why *why)
{
	int ret = name_check(arg->name, why);

	if (ret)
		return ret;
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
	disk->workers = arg->workers;
	return 0;
}

/* Checks the numbers of queues and workers and puts in the defaults. */
static int add_queues(struct kvblk_add *arg, struct kvblk_why *why)
{
	BUILD_BUG_ON(KVBLK_QUEUES_MAX != KVBLK_MMIO_QUEUES);
	if (arg->queue_size &&
	    size_check("queue_size", arg->queue_size, KVBLK_QUEUE_SIZE_MIN,
		       KVBLK_QUEUE_SIZE_MAX, why))
		return -EINVAL;
	arg->queues = arg->queues ?: 1;
	arg->workers = arg->workers ?: 1;
	if (arg->queues > KVBLK_QUEUES_MAX)
		return kvblk_why(why, -EINVAL, "queues: %u is above %u", arg->queues,
				 KVBLK_QUEUES_MAX);
	return workers_check(arg->workers, arg->queues, why);
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
	ret = add_queues(arg, why);
	if (ret)
		return ret;
	ret = limits_check(arg->limits, ~0, why);
	if (ret)
		return ret;
	ret = interrupts_check(arg->interrupt_count, arg->interrupt_usecs, why);
	if (ret)
		return ret;

	disk = kvblk_disk_alloc(&spec, arg->queues);
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
struct kvblk_disk *kvblk_control_find(const char *name, struct kvblk_why *why)
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

static int set_workers(struct kvblk_disk *disk, u32 workers, struct kvblk_why *why)
{
	int ret;

	if (!workers)
		return 0;
	ret = workers_check(workers, disk->geo.queues, why);
	if (ret)
		return ret;
	ret = kvblk_crew_set(disk, workers);
	if (ret == -EBUSY)
		kvblk_why(why, ret, "workers: another call changes them");
	else if (ret)
		kvblk_why(why, ret, "workers: no thread, error %d", ret);
	return ret;
}

static void set_apply(struct kvblk_disk *disk, const struct kvblk_set *arg)
{
	limits_apply(disk, arg->limits, arg->limit_mask);
	mutex_lock(&disk->lock);
	poll_apply(disk, arg);
	if (arg->hdr.flags & KVBLK_SET_INTERRUPTS)
		interrupts_apply(disk, arg->interrupt_count, arg->interrupt_usecs);
	if (disk->session)
		kvblk_session_retry(disk->session);
	mutex_unlock(&disk->lock);
}

static int control_set(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_set *arg = data;
	struct kvblk_disk *disk;
	int ret;

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
	disk = kvblk_control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	/* First what can fail. */
	ret = set_workers(disk, arg->workers, why);
	if (!ret)
		set_apply(disk, arg);
	kvblk_disk_put(disk);
	return ret;
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

static int control_pause(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_pause *arg = data;
	struct kvblk_disk *disk;
	int ret;

	ret = kvblk_pause_check(arg->timeout_ms, why);
	if (ret)
		return ret;
	disk = kvblk_control_find(arg->name, why);
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
	disk = kvblk_control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	kvblk_disk_resume(disk);
	arg->in_flight = kvblk_disk_stat(disk, KVBLK_STAT_IN_FLIGHT);
	kvblk_disk_put(disk);
	return 0;
}

#define CONTROL_CMD(cmd, type, flags, answers, fn) \
	[_IOC_NR(cmd)] = KVBLK_UCMD(type, flags, answers, fn)

static const struct kvblk_ucmd control_cmds[] = {
	CONTROL_CMD(KVBLK_ADD, struct kvblk_add, KVBLK_DISK_FLAGS, false,
		    control_add),
	CONTROL_CMD(KVBLK_REMOVE, struct kvblk_remove, 0, false, control_remove),
	CONTROL_CMD(KVBLK_SET, struct kvblk_set, KVBLK_SET_FLAGS, false, control_set),
	CONTROL_CMD(KVBLK_LIST, struct kvblk_list, 0, true, control_list),
	CONTROL_CMD(KVBLK_QUERY, struct kvblk_query, 0, true, kvblk_control_query),
	CONTROL_CMD(KVBLK_PAUSE, struct kvblk_pause, 0, true, control_pause),
	CONTROL_CMD(KVBLK_RESUME, struct kvblk_pause, 0, true, control_resume),
	CONTROL_CMD(KVBLK_LATENCY, struct kvblk_latency, 0, true, kvblk_control_latency),
	CONTROL_CMD(KVBLK_QUEUES, struct kvblk_queues, 0, true, kvblk_control_queues),
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
