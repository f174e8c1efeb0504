// SPDX-License-Identifier: GPL-2.0
/* KVBLK_SET: what of a disk may change while it runs. */
#include "control.h"
#include "session.h"

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

static int poll_check(u32 usecs, u32 percent, struct kvblk_why *why)
{
	if (usecs > KVBLK_POLL_US_MAX)
		return kvblk_why(why, -EINVAL, "poll_us: %u, more than %u", usecs,
				 KVBLK_POLL_US_MAX);
	if (usecs && (!percent || percent > 100))
		return kvblk_why(why, -EINVAL, "poll_percent: %u, not 1 to 100", percent);
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

int kvblk_set_check(struct kvblk_set *arg, struct kvblk_why *why)
{
	int ret;

	if (arg->limit_mask & ~(BIT(KVBLK_LIMIT_NR) - 1))
		return kvblk_why(why, -EOPNOTSUPP, "limit_mask: unknown bits in %#x",
				 arg->limit_mask);
	ret = limits_check(arg->limits, arg->limit_mask, why);
	if (!ret && arg->hdr.flags & KVBLK_SET_POLL)
		ret = poll_check(arg->poll_us, arg->poll_percent, why);
	if (!ret && arg->hdr.flags & KVBLK_SET_INTERRUPTS)
		ret = interrupts_check(arg->interrupt_count, arg->interrupt_usecs, why);
	return ret;
}

static void limits_apply(struct kvblk_disk *disk, const struct kvblk_set *arg)
{
	int id;

	BUILD_BUG_ON((int)KVBLK_LIMIT_NR != (int)KVBLK_BUCKET_NR);
	for (id = 0; id < KVBLK_LIMIT_NR; id++) {
		if (arg->limit_mask & BIT(id))
			kvblk_gate_set(&disk->gate, id, arg->limits[id].rate,
				       arg->limits[id].burst);
	}
}

/*
 * Workers and queues read the fields one by one: for a moment they may see one of each, and
 * look for work or hold an interrupt a little differently.
 */
void kvblk_set_apply(struct kvblk_disk *disk, const struct kvblk_set *arg)
{
	limits_apply(disk, arg);
	mutex_lock(&disk->lock);
	if (arg->hdr.flags & KVBLK_SET_POLL) {
		WRITE_ONCE(disk->poll.percent, arg->poll_percent);
		WRITE_ONCE(disk->poll.max_ns, arg->poll_us * NSEC_PER_USEC);
	}
	if (arg->hdr.flags & KVBLK_SET_INTERRUPTS) {
		WRITE_ONCE(disk->moderation.usecs, arg->interrupt_usecs);
		WRITE_ONCE(disk->moderation.count, arg->interrupt_count);
	}
	if (disk->session)
		kvblk_session_retry(disk->session);
	mutex_unlock(&disk->lock);
}

int kvblk_workers_check(u32 workers, u32 queues, struct kvblk_why *why)
{
	if (workers <= queues)
		return 0;
	return kvblk_why(why, -EINVAL, "workers: %u is above the %u of queues", workers,
			 queues);
}

static int set_workers(struct kvblk_disk *disk, u32 workers, struct kvblk_why *why)
{
	int ret;

	if (!workers)
		return 0;
	ret = kvblk_workers_check(workers, disk->geo.queues, why);
	if (ret)
		return ret;
	ret = kvblk_crew_set(disk, workers);
	if (ret == -EBUSY)
		kvblk_why(why, ret, "workers: another change is under way");
	else if (ret)
		kvblk_why(why, ret, "workers: no thread, error %d", ret);
	return ret;
}

int kvblk_control_set(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_set *arg = data;
	struct kvblk_disk *disk;
	int ret;

	ret = kvblk_set_check(arg, why);
	if (ret)
		return ret;
	disk = kvblk_control_find(arg->name, why);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	/* First what can fail. */
	ret = set_workers(disk, arg->workers, why);
	if (!ret)
		kvblk_set_apply(disk, arg);
	kvblk_disk_put(disk);
	return ret;
}
