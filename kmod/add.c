// SPDX-License-Identifier: GPL-2.0
/* KVBLK_ADD: makes a disk. */
#include <linux/crc32.h>
#include "control.h"
#include "features.h"
#include "mmio.h"

static int size_check(const char *field, u32 value, u32 min, u32 max,
		      struct kvblk_why *why)
{
	if (is_power_of_2(value) && value >= min && value <= max)
		return 0;
	return kvblk_why(why, -EINVAL, "%s: %u is no power of two from %u to %u",
			 field, value, min, max);
}

static int add_spec(const struct kvblk_add *arg, struct kvblk_disk_spec *spec,
		    struct kvblk_why *why)
{
	int ret = kvblk_control_name(arg->name, why);

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
	kvblk_crew_spread(&disk->crew, arg->workers);
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
	return kvblk_workers_check(arg->workers, arg->queues, why);
}

/* What KVBLK_SET may change later, all of it. */
static void add_settings(const struct kvblk_add *arg, struct kvblk_set *set)
{
	*set = (struct kvblk_set){
		.hdr.flags = KVBLK_SET_FLAGS,
		.limit_mask = BIT(KVBLK_LIMIT_NR) - 1,
		.poll_us = arg->poll_us,
		.poll_percent = arg->poll_percent,
		.interrupt_count = arg->interrupt_count,
		.interrupt_usecs = arg->interrupt_usecs,
	};
	memcpy(set->limits, arg->limits, sizeof(set->limits));
}

int kvblk_control_add(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_add *arg = data;
	struct kvblk_disk_spec spec;
	struct kvblk_disk *disk;
	struct kvblk_set set;
	int ret;

	ret = add_spec(arg, &spec, why);
	if (ret)
		return ret;
	ret = add_queues(arg, why);
	if (ret)
		return ret;
	add_settings(arg, &set);
	ret = kvblk_set_check(&set, why);
	if (ret)
		return ret;

	disk = kvblk_disk_alloc(&spec, arg->queues);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	kvblk_set_apply(disk, &set);
	ret = add_fill(arg, disk, why);
	if (!ret)
		ret = kvblk_disk_publish(disk);
	if (ret == -EEXIST)
		kvblk_why(why, ret, "name: there is a disk %s already", spec.name);
	if (ret)
		kvblk_disk_put(disk);
	return ret;
}
