// SPDX-License-Identifier: GPL-2.0
/* kvblkctl show: what a disk is. */
#include <string.h>

#include "bits.h"
#include "holder.h"
#include "json.h"
#include "limit.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPT_JSON },
	{},
};

static const char help[] =
	"Its identity, limits and session; 'kvblkctl stats' has the counters.\n\n"
	"Options:\n"
	"  --json  an object; sizes in bytes, rates per second, and null for no\n"
	"          limit\n"
	"  --help  show this\n";

static void put_word(void *data, const char *name)
{
	(void)data;
	printf(" %s", name);
}

static void put_bits(const char *key, uint64_t value,
		     const struct bit_name *table)
{
	printf("%s 0x%llx", key, (unsigned long long)value);
	spell_bits(value, table, put_word, NULL);
	putchar('\n');
}

/* The guest may be told any bytes; a terminal is not. */
static void put_serial(const struct kvblk_query *disk)
{
	size_t i, len = strnlen((const char *)disk->serial,
				sizeof(disk->serial));

	printf("serial:          ");
	for (i = 0; i < len; i++) {
		unsigned char c = disk->serial[i];

		if (c < ' ' || c > '~' || c == '\\')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('\n');
}

static void put_limit(const struct kvblk_limit *limit, unsigned int id)
{
	enum unit unit = limit_unit(id);
	char rate[16], burst[16];

	printf("%s:%*s", limit_name(id), (int)(16 - strlen(limit_name(id))), "");
	if (!limit->rate)
		puts("none");
	else
		printf("%s per second, burst %s\n",
		       format_number(limit->rate, unit, rate, sizeof(rate)),
		       format_number(limit->burst, unit, burst, sizeof(burst)));
}

static void put_interrupts(const struct kvblk_query *disk)
{
	printf("interrupts:      ");
	if (disk->interrupt_count)
		printf("one for %u answers, after %u us at the latest\n",
		       disk->interrupt_count, disk->interrupt_usecs);
	else
		puts("not held back");
}

static void put_poll(const struct kvblk_query *disk)
{
	printf("polling:         ");
	if (disk->poll_us)
		printf("up to %u us, at most %u%% of a processor\n", disk->poll_us,
		       disk->poll_percent);
	else
		puts("none");
}

static void put_session(const struct kvblk_query *disk)
{
	char user[HOLDER_LEN];

	printf("state:           %s%s\n", kvblk_state_name(disk->state),
	       disk->pid ? by_process(disk->pid, user) : "");
	put_bits("device status:  ", disk->device_status, status_bits);
	put_bits("driver features:", disk->driver_features, feature_bits);
}

static void show_text(const struct kvblk_query *disk)
{
	char size[16];
	unsigned int i;

	printf("name:            %s\n", disk->name);
	put_serial(disk);
	printf("capacity:        %llu bytes (%s)\n",
	       (unsigned long long)disk->capacity,
	       format_number(disk->capacity, UNIT_BYTES, size, sizeof(size)));
	printf("block size:      %u\n", disk->block_size);
	printf("queue size:      %u\n", disk->queue_size);
	printf("queues:          %u, %u worker%s\n", disk->queues, disk->workers,
	       disk->workers == 1 ? "" : "s");
	printf("access:          %s, %s\n",
	       disk->disk_flags & KVBLK_DISK_RO ? "read-only" : "read-write",
	       disk->disk_flags & KVBLK_DISK_DIRECT ? "direct" : "buffered");
	printf("node:            /dev/kvblk/%s (%u:%u), mode %04o, owner %u:%u\n",
	       disk->name, disk->dev_major, disk->dev_minor, disk->mode,
	       disk->uid, disk->gid);
	put_interrupts(disk);
	put_poll(disk);
	put_session(disk);
	for (i = 0; i < KVBLK_LIMIT_NR; i++)
		put_limit(&disk->limits[i], i);
}

static void json_word(void *data, const char *name)
{
	json_string(data, NULL, name, SIZE_MAX);
}

static void json_bits(struct json *json, const char *key, uint64_t value,
		      const struct bit_name *table)
{
	json_open(json, key, '[');
	spell_bits(value, table, json_word, json);
	json_close(json, ']');
}

static void json_limit(struct json *json, const struct kvblk_limit *limit,
		       unsigned int id)
{
	if (!limit->rate) {
		json_null(json, limit_name(id));
		return;
	}
	json_open(json, limit_name(id), '{');
	json_u64(json, "rate", limit->rate);
	json_u64(json, "burst", limit->burst);
	json_close(json, '}');
}

static void json_node(struct json *json, const struct kvblk_query *disk)
{
	json_open(json, "node", '{');
	json_u64(json, "major", disk->dev_major);
	json_u64(json, "minor", disk->dev_minor);
	json_u64(json, "mode", disk->mode);
	json_u64(json, "uid", disk->uid);
	json_u64(json, "gid", disk->gid);
	json_close(json, '}');
}

static void show_json(const struct kvblk_query *disk)
{
	struct json json = { .out = stdout };
	unsigned int i;

	json_open(&json, NULL, '{');
	json_string(&json, "name", disk->name, sizeof(disk->name));
	json_string(&json, "serial", (const char *)disk->serial,
		    sizeof(disk->serial));
	json_u64(&json, "capacity", disk->capacity);
	json_u64(&json, "block_size", disk->block_size);
	json_u64(&json, "queue_size", disk->queue_size);
	json_u64(&json, "queues", disk->queues);
	json_u64(&json, "workers", disk->workers);
	json_bool(&json, "read_only", disk->disk_flags & KVBLK_DISK_RO);
	json_bool(&json, "direct", disk->disk_flags & KVBLK_DISK_DIRECT);
	json_node(&json, disk);
	json_u64(&json, "interrupt_count", disk->interrupt_count);
	json_u64(&json, "interrupt_usecs", disk->interrupt_usecs);
	json_u64(&json, "poll_us", disk->poll_us);
	json_u64(&json, "poll_percent", disk->poll_percent);
	json_string(&json, "state", kvblk_state_name(disk->state), SIZE_MAX);
	json_u64(&json, "pid", disk->pid);
	json_bits(&json, "device_status", disk->device_status, status_bits);
	json_bits(&json, "driver_features", disk->driver_features,
		  feature_bits);
	json_open(&json, "limits", '{');
	for (i = 0; i < KVBLK_LIMIT_NR; i++)
		json_limit(&json, &disk->limits[i], i);
	json_close(&json, '}');
	json_close(&json, '}');
}

static void (*show)(const struct kvblk_query *disk) = show_text;

static int set_option(int opt)
{
	show = show_json;
	return CODE_OK;
}

static int run(int ctl, char **operand)
{
	struct kvblk_query disk;
	int code = query_disk(ctl, operand[0], &disk);

	if (!code)
		show(&disk);
	return code;
}

const struct cmd cmd_show = {
	.name = "show",
	.args = "[--json] NAME",
	.summary = "Show what a disk is and who uses it",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.run = run,
};
