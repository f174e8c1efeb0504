// SPDX-License-Identifier: GPL-2.0
/* The throttle of a disk as the worker and the control device share it. */
#include "gate.h"

const char * const kvblk_bucket_names[KVBLK_BUCKET_NR] = {
	[KVBLK_BUCKET_OPS]		= "ops",
	[KVBLK_BUCKET_OPS_READ]		= "ops_read",
	[KVBLK_BUCKET_OPS_WRITE]	= "ops_write",
	[KVBLK_BUCKET_BYTES]		= "bytes",
	[KVBLK_BUCKET_BYTES_READ]	= "bytes_read",
	[KVBLK_BUCKET_BYTES_WRITE]	= "bytes_write",
};

u64 kvblk_gate_take(struct kvblk_gate *gate, const struct kvblk_cmd *cmd)
{
	bool read = cmd->op == KVBLK_OP_READ;
	bool write = cmd->op == KVBLK_OP_WRITE;
	u64 wait;

	/* A verdict costs no I/O; a disk without limits needs no clock. */
	if (cmd->op == KVBLK_OP_NONE || !READ_ONCE(gate->throttle.limited))
		return 0;

	spin_lock(&gate->lock);
	wait = kvblk_throttle_take(&gate->throttle, read, write,
				   read || write ? cmd->len : 0, ktime_get_ns());
	spin_unlock(&gate->lock);
	return wait;
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
