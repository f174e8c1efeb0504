// SPDX-License-Identifier: GPL-2.0
/* kvblkctl list: one line for each disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "size.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPT_JSON },
	{},
};

static const char help[] =
	"In the order in which they were added.\n\n"
	"Options:\n"
	"  --json  an array of objects\n"
	"  --help  show this\n";

/**
 * struct list_ops - How a list is shown
 * @begin: Before the first disk.
 * @disk: For each.
 * @end: After the last.
 */
struct list_ops {
	void (*begin)(struct json *json);
	void (*disk)(struct json *json, const struct kvblk_query *disk);
	void (*end)(struct json *json);
};

static void table_begin(struct json *json)
{
	fprintf(json->out, "%-31s %-11s %8s %8s %s\n", "NAME", "STATE", "SIZE",
		"PID", "FLAGS");
}

static void table_disk(struct json *json, const struct kvblk_query *disk)
{
	char size[16], pid[16] = "-";

	if (disk->pid)
		snprintf(pid, sizeof(pid), "%d", disk->pid);
	fprintf(json->out, "%-31s %-11s %8s %8s %s%s\n", disk->name,
		kvblk_state_name(disk->state),
		format_number(disk->capacity, UNIT_BYTES, size, sizeof(size)),
		pid,
		disk->disk_flags & KVBLK_DISK_DIRECT ? "direct" : "buffered",
		disk->disk_flags & KVBLK_DISK_RO ? ",ro" : "");
}

static void table_end(struct json *json)
{
	(void)json;
}

static void json_list_begin(struct json *json)
{
	json_open(json, NULL, '[');
}

static void json_list_disk(struct json *json, const struct kvblk_query *disk)
{
	json_open(json, NULL, '{');
	json_string(json, "name", disk->name, sizeof(disk->name));
	json_string(json, "state", kvblk_state_name(disk->state), SIZE_MAX);
	json_u64(json, "capacity", disk->capacity);
	json_u64(json, "pid", disk->pid);
	json_bool(json, "direct", disk->disk_flags & KVBLK_DISK_DIRECT);
	json_bool(json, "read_only", disk->disk_flags & KVBLK_DISK_RO);
	json_close(json, '}');
}

static void json_list_end(struct json *json)
{
	json_close(json, ']');
}

static const struct list_ops table_ops = {
	.begin = table_begin,
	.disk = table_disk,
	.end = table_end,
};

static const struct list_ops json_ops = {
	.begin = json_list_begin,
	.disk = json_list_disk,
	.end = json_list_end,
};

static const struct list_ops *ops = &table_ops;

static int show_disks(int ctl, const struct kvblk_disk_name *names, size_t count)
{
	struct json json = { .out = stdout };
	char why[KVBLK_WHY_LEN];
	struct kvblk_query disk;
	int code = CODE_OK;
	size_t i;

	ops->begin(&json);
	for (i = 0; i < count; i++) {
		int err = kvblk_disk_query(ctl, names[i].text, &disk, why,
					   sizeof(why));

		if (!err)
			ops->disk(&json, &disk);
		else if (err != -ENOENT) /* removed since: not an error */
			code = refused(names[i].text, err, why);
	}
	ops->end(&json);
	return code;
}

static int set_option(int opt)
{
	ops = &json_ops;
	return CODE_OK;
}

static int run(int ctl, char **operand)
{
	struct kvblk_disk_name *names;
	char why[KVBLK_WHY_LEN];
	size_t count;
	int err, code;

	err = kvblk_disk_list(ctl, &names, &count, why, sizeof(why));
	if (err) {
		complain("%s", why[0] ? why : strerror(-err));
		return CODE_REFUSED;
	}
	code = show_disks(ctl, names, count);
	free(names);
	return code;
}

const struct cmd cmd_list = {
	.name = "list",
	.args = "[--json]",
	.summary = "List the disks",
	.help = help,
	.options = options,
	.option = set_option,
	.run = run,
};
