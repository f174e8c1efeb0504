// SPDX-License-Identifier: GPL-2.0
/* The throttle of a disk as its queues and the control device share it. */
#include "gate.h"

const char * const kvblk_bucket_names[KVBLK_BUCKET_NR] = {
	[KVBLK_BUCKET_OPS]		= "ops",
	[KVBLK_BUCKET_OPS_READ]		= "ops_read",
	[KVBLK_BUCKET_OPS_WRITE]	= "ops_write",
	[KVBLK_BUCKET_BYTES]		= "bytes",
	[KVBLK_BUCKET_BYTES_READ]	= "bytes_read",
	[KVBLK_BUCKET_BYTES_WRITE]	= "bytes_write",
};

/* The buckets with a limit that @cmd takes from. */
static unsigned int gate_buckets(const struct kvblk_throttle *t,
				 const struct kvblk_cmd *cmd)
{
	unsigned int want = BIT(KVBLK_BUCKET_OPS), limited = 0;
	int id;

	if (cmd->op == KVBLK_OP_READ)
		want |= BIT(KVBLK_BUCKET_BYTES) | BIT(KVBLK_BUCKET_OPS_READ) |
			BIT(KVBLK_BUCKET_BYTES_READ);
	if (cmd->op == KVBLK_OP_WRITE)
		want |= BIT(KVBLK_BUCKET_BYTES) | BIT(KVBLK_BUCKET_OPS_WRITE) |
			BIT(KVBLK_BUCKET_BYTES_WRITE);
	for (id = 0; id < KVBLK_BUCKET_NR; id++)
		limited |= t->bucket[id].rate ? BIT(id) : 0;
	return want & limited;
}

static bool gate_is_first(const struct kvblk_gate *gate,
			  const struct kvblk_gate_waiter *waiter)
{
	const struct kvblk_gate_waiter *w;

	list_for_each_entry(w, &gate->waiters, link) {
		if (w == waiter)
			return true;
		if (w->buckets & waiter->buckets)
			return false;
	}
	return true;
}

/* Those behind @waiter may be the first now. */
static void gate_leave(struct kvblk_gate *gate, struct kvblk_gate_waiter *waiter)
{
	struct kvblk_gate_waiter *w;

	lockdep_assert_held(&gate->lock);
	if (list_empty(&waiter->link))
		return;
	list_del_init(&waiter->link);
	list_for_each_entry(w, &gate->waiters, link) {
		if (w->buckets & waiter->buckets)
			w->look(w);
	}
}

static u64 gate_take_first(struct kvblk_gate *gate, const struct kvblk_cmd *cmd)
{
	bool read = cmd->op == KVBLK_OP_READ;
	bool write = cmd->op == KVBLK_OP_WRITE;

	return kvblk_throttle_take(&gate->throttle, read, write,
				   read || write ? cmd->len : 0, ktime_get_ns());
}

u64 kvblk_gate_take(struct kvblk_gate *gate, struct kvblk_gate_waiter *waiter,
		    const struct kvblk_cmd *cmd)
{
	u64 wait;

	/* A verdict costs no I/O; a disk without limits needs no clock. */
	if (cmd->op == KVBLK_OP_NONE)
		return 0;
	if (!READ_ONCE(gate->throttle.limited) && list_empty(&waiter->link))
		return 0;

	spin_lock(&gate->lock);
	waiter->buckets = gate_buckets(&gate->throttle, cmd);
	wait = gate_is_first(gate, waiter) ? gate_take_first(gate, cmd) : U64_MAX;
	if (!wait)
		gate_leave(gate, waiter);
	else if (list_empty(&waiter->link))
		list_add_tail(&waiter->link, &gate->waiters);
	spin_unlock(&gate->lock);
	return wait;
}

void kvblk_gate_quit(struct kvblk_gate *gate, struct kvblk_gate_waiter *waiter)
{
	spin_lock(&gate->lock);
	gate_leave(gate, waiter);
	spin_unlock(&gate->lock);
}

void kvblk_gate_set(struct kvblk_gate *gate, enum kvblk_bucket_id id, u64 rate,
		    u64 burst)
{
	spin_lock(&gate->lock);
	kvblk_throttle_set(&gate->throttle, id, rate, burst, ktime_get_ns());
	spin_unlock(&gate->lock);
}

struct kvblk_bucket kvblk_gate_get(struct kvblk_gate *gate,
				   enum kvblk_bucket_id id, s64 *balance)
{
	struct kvblk_bucket bucket;

	spin_lock(&gate->lock);
	bucket = gate->throttle.bucket[id];
	*balance = kvblk_throttle_balance(&gate->throttle, id, ktime_get_ns());
	spin_unlock(&gate->lock);
	return bucket;
}
