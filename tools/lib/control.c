// SPDX-License-Identifier: GPL-2.0
/* Disks by /dev/kvblk-control. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A name cut to fit could be that of another disk. */
static int copy_name(char to[KVBLK_NAME_LEN], const char *name, char *why,
		     size_t why_len)
{
	size_t len = strlen(name);

	if (len >= KVBLK_NAME_LEN) {
		kvblk_why(why, why_len, "name: %zu characters, at most %d",
			  len, KVBLK_NAME_LEN - 1);
		return -EINVAL;
	}
	memcpy(to, name, len + 1);
	return 0;
}

int kvblk_control_open(void)
{
	int fd = open("/dev/kvblk-control", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kvblk_disk_add(int ctl, const struct kvblk_add *spec, char *why,
		   size_t why_len)
{
	struct kvblk_add arg = *spec;

	return kvblk_call(ctl, KVBLK_ADD, &arg.hdr, sizeof(arg), why, why_len);
}

int kvblk_disk_remove(int ctl, const char *name, char *why, size_t why_len)
{
	struct kvblk_remove arg = {};
	int err = copy_name(arg.name, name, why, why_len);

	if (err)
		return err;
	return kvblk_call(ctl, KVBLK_REMOVE, &arg.hdr, sizeof(arg), why,
			  why_len);
}

int kvblk_disk_set(int ctl, const struct kvblk_set *spec, char *why,
		   size_t why_len)
{
	struct kvblk_set arg = *spec;

	return kvblk_call(ctl, KVBLK_SET, &arg.hdr, sizeof(arg), why, why_len);
}

int kvblk_disk_move(int ctl, const char *name, uint32_t queue, uint32_t worker,
		    char *why, size_t why_len)
{
	struct kvblk_move arg = { .queue = queue, .worker = worker };
	int err = copy_name(arg.name, name, why, why_len);

	if (err)
		return err;
	return kvblk_call(ctl, KVBLK_MOVE, &arg.hdr, sizeof(arg), why, why_len);
}

static int pause_or_resume(int ctl, unsigned long request, const char *name,
			   struct kvblk_pause *arg, char *why, size_t why_len)
{
	int err = copy_name(arg->name, name, why, why_len);

	if (err)
		return err;
	return kvblk_call(ctl, request, &arg->hdr, sizeof(*arg), why, why_len);
}

int kvblk_disk_pause(int ctl, const char *name, uint32_t timeout_ms,
		     uint32_t *in_flight, char *why, size_t why_len)
{
	struct kvblk_pause arg = { .timeout_ms = timeout_ms };
	int err;

	err = pause_or_resume(ctl, KVBLK_PAUSE, name, &arg, why, why_len);
	if (!err)
		*in_flight = arg.in_flight;
	return err;
}

int kvblk_disk_resume(int ctl, const char *name, char *why, size_t why_len)
{
	struct kvblk_pause arg = {};

	return pause_or_resume(ctl, KVBLK_RESUME, name, &arg, why, why_len);
}

int kvblk_disk_query(int ctl, const char *name, struct kvblk_query *query,
		     char *why, size_t why_len)
{
	int err;

	memset(query, 0, sizeof(*query));
	err = copy_name(query->name, name, why, why_len);
	if (err)
		return err;
	return kvblk_call(ctl, KVBLK_QUERY, &query->hdr, sizeof(*query), why,
			  why_len);
}

/**
 * struct array_call - A call that fills an array
 * @request: Its number.
 * @hdr: Begins its argument.
 * @size: Of the argument.
 * @array: Member of the argument: address of the array.
 * @count: Member of the argument. In: elements of the array. Out: how many there are.
 * @each: Size of an element.
 */
struct array_call {
	unsigned long request;
	struct kvblk_hdr *hdr;
	size_t size;
	__u64 *array;
	__u32 *count;
	size_t each;
};

/*
 * There may be more of them from one call to the next: ask until all fit. The array, which is
 * NULL on failure and if there are none, is left in the argument.
 */
static int get_array(int ctl, const struct array_call *c, size_t *count, char *why,
		     size_t why_len)
{
	void *got = NULL, *grown;
	size_t room = 0;
	int err;

	for (;;) {
		*c->array = (uintptr_t)got;
		*c->count = room;
		err = kvblk_call(ctl, c->request, c->hdr, c->size, why, why_len);
		if (err || *c->count <= room)
			break;
		room = *c->count;
		grown = realloc(got, room * c->each);
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		got = grown;
	}
	*count = err ? 0 : *c->count;
	if (!*count) {
		free(got);
		got = NULL;
	}
	*c->array = (uintptr_t)got;
	return err;
}

int kvblk_disk_latency(int ctl, const char *name, uint32_t queue,
		       struct kvblk_latency_hist **hists, size_t *count, char *why,
		       size_t why_len)
{
	struct kvblk_latency arg = { .queue = queue };
	const struct array_call c = {
		KVBLK_LATENCY, &arg.hdr, sizeof(arg), &arg.hists, &arg.count, sizeof(**hists),
	};
	int err = copy_name(arg.name, name, why, why_len);

	*count = 0;
	if (!err)
		err = get_array(ctl, &c, count, why, why_len);
	*hists = (void *)(uintptr_t)arg.hists;
	return err;
}

int kvblk_disk_queues(int ctl, const char *name, struct kvblk_queue_stats **queues,
		      size_t *count, char *why, size_t why_len)
{
	struct kvblk_queues arg = {};
	const struct array_call c = {
		KVBLK_QUEUES, &arg.hdr, sizeof(arg), &arg.queues, &arg.count, sizeof(**queues),
	};
	int err = copy_name(arg.name, name, why, why_len);

	*count = 0;
	if (!err)
		err = get_array(ctl, &c, count, why, why_len);
	*queues = (void *)(uintptr_t)arg.queues;
	return err;
}

int kvblk_disk_list(int ctl, struct kvblk_disk_name **names, size_t *count, char *why,
		    size_t why_len)
{
	struct kvblk_list arg = {};
	const struct array_call c = {
		KVBLK_LIST, &arg.hdr, sizeof(arg), &arg.names, &arg.count, sizeof(**names),
	};
	int err = get_array(ctl, &c, count, why, why_len);

	*names = (void *)(uintptr_t)arg.names;
	return err;
}

const char *kvblk_state_name(uint32_t state)
{
	static const char * const names[] = {
		[KVBLK_STATE_IDLE] = "idle",
		[KVBLK_STATE_ATTACHED] = "attached",
		[KVBLK_STATE_RUNNING] = "running",
		[KVBLK_STATE_DRAINING] = "draining",
		[KVBLK_STATE_NEEDS_RESET] = "needs-reset",
		[KVBLK_STATE_PAUSED] = "paused",
	};

	if (state >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[state];
}
