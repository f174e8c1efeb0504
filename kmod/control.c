// SPDX-License-Identifier: GPL-2.0
/* /dev/kvblk-control: makes, changes, lists and removes disks. */
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>
#include "control.h"
#include "pause.h"
#include "ucmd.h"

static bool name_char_ok(char c)
{
	return isascii(c) && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

int kvblk_control_name(const char *name, struct kvblk_why *why)
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

static int control_remove(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_remove *arg = data;
	int ret = kvblk_control_name(arg->name, why);

	if (ret)
		return ret;
	ret = kvblk_disk_remove(arg->name);
	if (ret == -ENOENT)
		kvblk_why(why, ret, "name: there is no disk %s", arg->name);
	else if (ret == -EBUSY)
		kvblk_why(why, ret, "name: disk %s has a session", arg->name);
	return ret;
}

struct kvblk_disk *kvblk_control_find(const char *name, struct kvblk_why *why)
{
	int ret = kvblk_control_name(name, why);
	struct kvblk_disk *disk;

	if (ret)
		return ERR_PTR(ret);
	disk = kvblk_disk_find(name);
	if (!disk)
		return ERR_PTR(kvblk_why(why, -ENOENT,
					 "name: there is no disk %s", name));
	return disk;
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
		    kvblk_control_add),
	CONTROL_CMD(KVBLK_REMOVE, struct kvblk_remove, 0, false, control_remove),
	CONTROL_CMD(KVBLK_SET, struct kvblk_set, KVBLK_SET_FLAGS, false,
		    kvblk_control_set),
	CONTROL_CMD(KVBLK_LIST, struct kvblk_list, 0, true, control_list),
	CONTROL_CMD(KVBLK_QUERY, struct kvblk_query, 0, true, kvblk_control_query),
	CONTROL_CMD(KVBLK_PAUSE, struct kvblk_pause, 0, true, control_pause),
	CONTROL_CMD(KVBLK_RESUME, struct kvblk_pause, 0, true, control_resume),
	CONTROL_CMD(KVBLK_LATENCY, struct kvblk_latency, 0, true, kvblk_control_latency),
	CONTROL_CMD(KVBLK_QUEUES, struct kvblk_queues, 0, true, kvblk_control_queues),
	CONTROL_CMD(KVBLK_MOVE, struct kvblk_move, 0, false, kvblk_control_move),
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
