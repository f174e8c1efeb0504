// SPDX-License-Identifier: GPL-2.0
/*
 * The steps of a request.
 *
 * All of them run in the worker but for the jobs, which run in a work item because
 * they may sleep. A request is in one hand at a time: the worker's, a work item's or
 * the backing's; kvblk_queue_post() hands it back to the worker, which goes on
 * with req->next.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "queue.h"
#include "trace.h"

static void req_set_result(struct kvblk_req *req);
static void req_complete_job(struct kvblk_req *req);

static int req_flush_job(struct kvblk_req *req)
{
	struct kvblk_backing *b = req->q->env.backing;

	return b->ops->flush(b);
}

/*
 * The VMM's memory is borrowed only by jobs that use it: one that hangs would keep
 * a killed VMM's address space.
 */
static int req_run_job(struct kvblk_req *req)
{
	const struct kvblk_mem *mem = req->q->env.mem;
	int ret;

	if (req->job == req_flush_job)
		return req->job(req);
	if (!kvblk_mem_enter(mem))
		return -EFAULT;
	ret = req->job(req);
	kvblk_mem_leave(mem);
	return ret;
}

/* A work item: the job, in the VMM's address space and on its account. */
static void req_work(struct work_struct *work)
{
	struct kvblk_req *req = container_of(work, struct kvblk_req, io.work);
	const struct kvblk_queue_env *env = &req->q->env;
	struct mem_cgroup *old = kvblk_owner_enter(env->owner);

	req->job_ret = req_run_job(req);
	/* Or it was about the chain or the status byte. */
	if (req->lap.stage == KVBLK_STAGE_BACKING)
		kvblk_req_lap(req, KVBLK_STAGE_PUBLISH);
	kvblk_owner_leave(old);
	if (req->next == req_complete_job) {
		req_set_result(req);
		if (kvblk_used_direct(req))
			return;
	}
	kvblk_queue_post(req);
}

static void req_defer(struct kvblk_req *req, int (*job)(struct kvblk_req *req),
		      void (*next)(struct kvblk_req *req))
{
	req->job = job;
	req->next = next;
	trace_kvblk_defer(req);
	kvblk_count(req->q->env.stats, KVBLK_STAT_DEFERRED, 1);
	INIT_WORK(&req->io.work, req_work);
	queue_work(req->q->env.wq, &req->io.work);
}

/* ---- 1. From the ring to a decided request ---- */

static void req_vec_free(struct kvblk_req *req)
{
	if (req->io.vec != req->inline_vec)
		kfree(req->io.vec);
	req->io.vec = NULL;
}

/* Gives up what @req has, for room for @nr. */
static int req_vec_room(struct kvblk_req *req, unsigned int nr, gfp_t gfp)
{
	req_vec_free(req);
	req->io.vec = req->inline_vec;
	if (nr > KVBLK_VEC_INLINE)
		/* The guest says how many: too many are an error, nothing to warn of. */
		req->io.vec = kmalloc_array(nr, sizeof(*req->io.vec),
					    gfp | __GFP_ACCOUNT | __GFP_NOWARN);
	return req->io.vec ? 0 : -ENOMEM;
}

/* A piece takes one element, or more if it is in several regions: then it is done again. */
static int req_vec_fill(struct kvblk_req *req, gfp_t gfp)
{
	const struct kvblk_cmd *cmd = &req->cmd;
	int nr = cmd->nr_data, room, ret;

	do {
		room = nr;
		ret = req_vec_room(req, room, gfp);
		if (ret)
			return ret;
		nr = kvblk_mem_vec(req->q->env.mem, cmd->data, cmd->nr_data, req->io.vec, room,
				   &req->io.bits);
	} while (nr > room);
	req->io.nr_vec = nr;
	return min(nr, 0);
}

/* Turns the request into a verdict; its status byte is known. */
static void req_refuse(struct kvblk_req *req, u8 status)
{
	req->cmd.op = KVBLK_OP_NONE;
	req->cmd.status = status;
}

static int req_read_chain(struct kvblk_req *req, struct kvblk_seg *scratch,
			  bool sleep)
{
	const struct kvblk_queue_env *env = &req->q->env;
	struct kvblk_mem_reader rd = kvblk_mem_reader(env->mem, sleep);
	struct kvblk_chain chain = {
		.seg = scratch,
		.max = kvblk_chain_max(req->q->vring.num),
	};
	int ret;

	ret = kvblk_vring_walk(&req->q->vring, req->head, &rd.g, &chain);
	if (ret)
		return ret;	/* no status byte is known yet */
	ret = kvblk_cmd_parse(env->geo, &rd.g, &chain, &req->cmd);
	if (ret == -ENODATA)
		return ret;
	if (!ret)
		ret = req_vec_fill(req, sleep ? GFP_KERNEL :
					 GFP_NOWAIT | __GFP_NOWARN);
	if (ret == -ENXIO || (ret && sleep)) {
		req_refuse(req, VIRTIO_BLK_S_IOERR);
		ret = 0;
	}
	return ret;
}

/*
 * Decides what the chain at req->head asks for. 0: decided. -EFAULT or -ENOMEM: not
 * without sleeping. Another error: the ring is broken.
 */
int kvblk_req_prepare(struct kvblk_req *req)
{
	return req_read_chain(req, req->q->scratch, false);
}

static int req_prepare_job(struct kvblk_req *req)
{
	struct kvblk_seg *scratch;
	int ret;

	/* Without it the guest loses its disk until a reset: take any pages. */
	scratch = kvmalloc_array(kvblk_chain_max(req->q->vring.num), sizeof(*scratch),
				 GFP_KERNEL);
	if (!scratch)
		return -ENOMEM;
	ret = req_read_chain(req, scratch, true);
	kvfree(scratch);
	return ret;
}

static void req_prepared(struct kvblk_req *req)
{
	if (req->job_ret)
		kvblk_queue_break(req, "a request cannot be read");
	else
		kvblk_queue_ready(req);
}

/* The same where it may sleep; the request comes back by kvblk_queue_ready(). */
void kvblk_req_prepare_patiently(struct kvblk_req *req)
{
	req_defer(req, req_prepare_job, req_prepared);
}

/* ---- 3. The answer ---- */

void kvblk_req_count(const struct kvblk_req *req)
{
	struct kvblk_counters *c = req->q->env.stats;

	if (req->status == VIRTIO_BLK_S_UNSUPP) {
		kvblk_count(c, KVBLK_STAT_UNSUPPORTED, 1);
	} else if (req->status != VIRTIO_BLK_S_OK) {
		kvblk_count(c, KVBLK_STAT_IO_ERRORS, 1);
		if (req->cmd.type == VIRTIO_BLK_T_FLUSH)
			kvblk_count(c, KVBLK_STAT_FLUSH_ERRORS, 1);
	} else if (req->cmd.op == KVBLK_OP_READ) {
		kvblk_count(c, KVBLK_STAT_READS, 1);
		kvblk_count(c, KVBLK_STAT_BYTES_READ, req->io.delivered);
	} else if (req->cmd.op == KVBLK_OP_WRITE) {
		kvblk_count(c, KVBLK_STAT_WRITES, 1);
		kvblk_count(c, KVBLK_STAT_BYTES_WRITTEN, req->io.len);
	} else if (req->cmd.op == KVBLK_OP_GET_ID) {
		kvblk_count(c, KVBLK_STAT_GET_IDS, 1);
	} else {
		kvblk_count(c, KVBLK_STAT_FLUSHES, 1);
	}
}

static int req_store_status(struct kvblk_req *req, bool sleep)
{
	return kvblk_mem_write(req->q->env.mem, req->cmd.status_gpa, &req->status,
			       sizeof(req->status), sleep);
}

int kvblk_req_store(struct kvblk_req *req)
{
	return req_store_status(req, false);
}

static int req_status_job(struct kvblk_req *req)
{
	return req_store_status(req, true);
}

static void req_status_stored(struct kvblk_req *req)
{
	/*
	 * Linux reuses the byte: a used element without a status could be taken
	 * for success.
	 */
	if (req->job_ret)
		kvblk_queue_break(req, "a status byte cannot be written");
	else
		kvblk_used_push(req);
}

static void req_set_answer(struct kvblk_req *req, u8 status, u32 written)
{
	req->status = status;
	req->used_len = written + 1;
}

/* The answer after the last job or attempt. */
static void req_set_result(struct kvblk_req *req)
{
	bool reads = req->cmd.op == KVBLK_OP_READ || req->cmd.op == KVBLK_OP_GET_ID;

	if (req->job_ret)
		req_set_answer(req, VIRTIO_BLK_S_IOERR, 0);
	else
		req_set_answer(req, VIRTIO_BLK_S_OK, reads ? req->cmd.len : 0);
}

static void req_complete(struct kvblk_req *req)
{
	kvblk_req_lap(req, KVBLK_STAGE_PUBLISH);
	req->job_ret = req_store_status(req, false);
	if (req->job_ret == -EFAULT)
		req_defer(req, req_status_job, req_status_stored);
	else
		req_status_stored(req);
}

static void req_complete_job(struct kvblk_req *req)
{
	req_set_result(req);
	req_complete(req);
}

/* ---- 2. The work itself ---- */

static int req_transfer_job(struct kvblk_req *req)
{
	struct kvblk_backing *b = req->q->env.backing;

	return b->ops->perform(b, &req->io);
}

static int req_durable_write_job(struct kvblk_req *req)
{
	int ret = req_transfer_job(req);

	return ret ?: req_flush_job(req);
}

/* Whether the attempt has done it all. */
static bool req_took_all(struct kvblk_req *req)
{
	if (req->io.result > 0) {
		req->io.done = req->io.result;
		req->io.delivered = req->io.result;
	}
	return req->io.done == req->io.len;
}

static void req_attempted(struct kvblk_req *req)
{
	if (req_took_all(req)) {
		req_complete_job(req);
		return;
	}
	/*
	 * Short, or an error that may come from not being allowed to sleep: the
	 * patient way finishes it or confirms the error.
	 */
	kvblk_req_lap(req, KVBLK_STAGE_BACKING);
	req_defer(req, req_transfer_job, req_complete_job);
}

static void req_attempt_end(struct kvblk_io *io)
{
	struct kvblk_req *req = container_of(io, struct kvblk_req, io);

	kvblk_req_lap(req, KVBLK_STAGE_PUBLISH);
	if (req_took_all(req)) {
		req_set_result(req);
		if (kvblk_used_direct(req))
			return;
	}
	kvblk_queue_post(req);
}

static bool req_attempt(struct kvblk_req *req)
{
	struct kvblk_backing *b = req->q->env.backing;

	return req->q->here ? b->ops->stack(b, &req->io) : b->ops->attempt(b, &req->io);
}

static void req_transfer(struct kvblk_req *req)
{
	struct kvblk_io *io = &req->io;

	io->mem = req->q->env.mem;
	io->write = req->cmd.op == KVBLK_OP_WRITE;
	io->pos = req->cmd.pos;
	io->len = req->cmd.len;
	io->done = 0;
	io->delivered = 0;
	io->end = req_attempt_end;
	req->next = req_attempted;
	req->job_ret = 0;

	if (!io->len)
		req_complete_job(req);
	else if (io->write && req->q->write_through)
		req_defer(req, req_durable_write_job, req_complete_job);
	else if (!req_attempt(req))
		req_defer(req, req_transfer_job, req_complete_job);
}

static void req_flush(struct kvblk_req *req)
{
	req_defer(req, req_flush_job, req_complete_job);
}

static int req_identify_job(struct kvblk_req *req)
{
	struct iov_iter iter;
	size_t n;

	req->q->env.mem->ops->iter(&iter, ITER_DEST, req->io.vec, req->io.nr_vec,
				   VIRTIO_BLK_ID_BYTES);
	n = copy_to_iter(req->q->env.serial, VIRTIO_BLK_ID_BYTES, &iter);
	return n == VIRTIO_BLK_ID_BYTES ? 0 : -EFAULT;
}

static void req_identify(struct kvblk_req *req)
{
	pagefault_disable();
	req->job_ret = req_identify_job(req);
	pagefault_enable();
	if (req->job_ret)
		req_defer(req, req_identify_job, req_complete_job);
	else
		req_complete_job(req);
}

static void req_answer(struct kvblk_req *req)
{
	req_set_answer(req, req->cmd.status, 0);
	req_complete(req);
}

static void (*const req_ops[])(struct kvblk_req *req) = {
	[KVBLK_OP_NONE]		= req_answer,
	[KVBLK_OP_READ]		= req_transfer,
	[KVBLK_OP_WRITE]	= req_transfer,
	[KVBLK_OP_FLUSH]	= req_flush,
	[KVBLK_OP_GET_ID]	= req_identify,
};

/* Starts a popped request whose tokens were taken. */
void kvblk_req_start(struct kvblk_req *req)
{
	BUILD_BUG_ON(ARRAY_SIZE(req_ops) != KVBLK_OP_NR);
	kvblk_lap_to(&req->lap, KVBLK_STAGE_BACKING, kvblk_queue_now(req->q));
	trace_kvblk_submit(req);
	req_ops[req->cmd.op](req);
}

enum kvblk_kind kvblk_req_kind(const struct kvblk_req *req)
{
	static const u8 kinds[KVBLK_OP_NR] = {
		[KVBLK_OP_NONE]		= KVBLK_KIND_OTHER,
		[KVBLK_OP_READ]		= KVBLK_KIND_READ,
		[KVBLK_OP_WRITE]	= KVBLK_KIND_WRITE,
		[KVBLK_OP_FLUSH]	= KVBLK_KIND_FLUSH,
		[KVBLK_OP_GET_ID]	= KVBLK_KIND_OTHER,
	};

	return kinds[req->cmd.op];
}

void kvblk_req_free(struct kvblk_req *req)
{
	req_vec_free(req);
	kvblk_pool_put(&req->q->pool, req);
}
