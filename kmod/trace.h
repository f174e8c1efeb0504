/* SPDX-License-Identifier: GPL-2.0 */
/* Trace events of a request and its queue: events/kvblk in tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvblk

#if !defined(KVBLK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVBLK_TRACE_H

#include <linux/blk_types.h>
#include <linux/tracepoint.h>
#include "queue.h"

#define KVBLK_TRACE_NAME_LEN	32	/* KVBLK_NAME_LEN */

TRACE_DEFINE_ENUM(KVBLK_OP_NONE);
TRACE_DEFINE_ENUM(KVBLK_OP_READ);
TRACE_DEFINE_ENUM(KVBLK_OP_WRITE);
TRACE_DEFINE_ENUM(KVBLK_OP_FLUSH);
TRACE_DEFINE_ENUM(KVBLK_OP_GET_ID);
TRACE_DEFINE_ENUM(KVBLK_STAGE_WORKER);
TRACE_DEFINE_ENUM(KVBLK_STAGE_THROTTLE);
TRACE_DEFINE_ENUM(KVBLK_STAGE_BACKING);
TRACE_DEFINE_ENUM(KVBLK_STAGE_PUBLISH);

#define kvblk_show_op(op)			\
	__print_symbolic(op,			\
		{ KVBLK_OP_NONE, "none" },	\
		{ KVBLK_OP_READ, "read" },	\
		{ KVBLK_OP_WRITE, "write" },	\
		{ KVBLK_OP_FLUSH, "flush" },	\
		{ KVBLK_OP_GET_ID, "get-id" })

/* What a work item is for follows from where the request is. */
#define kvblk_show_job(stage)				\
	__print_symbolic(stage,				\
		{ KVBLK_STAGE_WORKER, "decide" },	\
		{ KVBLK_STAGE_THROTTLE, "decide" },	\
		{ KVBLK_STAGE_BACKING, "backing" },	\
		{ KVBLK_STAGE_PUBLISH, "status" })

/* What tells the queue, in every event. */
#define KVBLK_TRACE_QUEUE					\
	__array(char, disk, KVBLK_TRACE_NAME_LEN)		\
	__field(u16, queue)

#define KVBLK_TRACE_SET_QUEUE(q)				\
	do {							\
		strscpy(__entry->disk, (q)->env.name,		\
			KVBLK_TRACE_NAME_LEN);			\
		__entry->queue = (q)->env.index;		\
	} while (0)

DECLARE_EVENT_CLASS(kvblk_queue,
	TP_PROTO(const struct kvblk_queue *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(q);
	),
	TP_printk("disk=%s queue=%u", __entry->disk, __entry->queue)
);

/* The driver notifies. */
DEFINE_EVENT(kvblk_queue, kvblk_kick,
	TP_PROTO(const struct kvblk_queue *q),
	TP_ARGS(q)
);

/* The queue stops, for a reset or the end of the session. */
DEFINE_EVENT(kvblk_queue, kvblk_reset,
	TP_PROTO(const struct kvblk_queue *q),
	TP_ARGS(q)
);

/* A chain is taken from the ring. It may not be decided yet. */
TRACE_EVENT(kvblk_pop,
	TP_PROTO(const struct kvblk_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, desc)
		__field(u32, in_flight)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(req->q);
		__entry->desc = req->head;
		__entry->in_flight = req->q->in_flight;
	),
	TP_printk("disk=%s queue=%u head=%u in_flight=%u", __entry->disk,
		  __entry->queue, __entry->desc, __entry->in_flight)
);

/* The first request waits for tokens, again or still. */
TRACE_EVENT(kvblk_stall,
	TP_PROTO(const struct kvblk_req *req, u64 wait),
	TP_ARGS(req, wait),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, desc)
		__field(u8, op)
		__field(u32, len)
		__field(u64, wait)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(req->q);
		__entry->desc = req->head;
		__entry->op = req->cmd.op;
		__entry->len = req->cmd.len;
		__entry->wait = wait;
	),
	TP_printk("disk=%s queue=%u head=%u op=%s len=%u wait_ns=%llu",
		  __entry->disk, __entry->queue, __entry->desc,
		  kvblk_show_op(__entry->op), __entry->len, __entry->wait)
);

/* A request has its tokens and starts. */
TRACE_EVENT(kvblk_submit,
	TP_PROTO(const struct kvblk_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, desc)
		__field(u8, op)
		__field(u64, sector)
		__field(u32, len)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(req->q);
		__entry->desc = req->head;
		__entry->op = req->cmd.op;
		__entry->sector = req->cmd.pos >> SECTOR_SHIFT;
		__entry->len = req->cmd.len;
	),
	TP_printk("disk=%s queue=%u head=%u op=%s sector=%llu len=%u",
		  __entry->disk, __entry->queue, __entry->desc,
		  kvblk_show_op(__entry->op), __entry->sector, __entry->len)
);

/* A step is handed to a work item. */
TRACE_EVENT(kvblk_defer,
	TP_PROTO(const struct kvblk_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, desc)
		__field(u8, job)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(req->q);
		__entry->desc = req->head;
		__entry->job = req->lap.stage;
	),
	TP_printk("disk=%s queue=%u head=%u job=%s", __entry->disk, __entry->queue,
		  __entry->desc, kvblk_show_job(__entry->job))
);

/* The used element is filled: the next publication shows it to the driver. */
TRACE_EVENT(kvblk_complete,
	TP_PROTO(const struct kvblk_req *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, desc)
		__field(u8, op)
		__field(u8, status)
		__field(u64, sector)
		__field(u32, len)
		__field(u32, used)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(req->q);
		__entry->desc = req->head;
		__entry->op = req->cmd.op;
		__entry->status = req->status;
		__entry->sector = req->cmd.pos >> SECTOR_SHIFT;
		__entry->len = req->cmd.len;
		__entry->used = req->used_len;
	),
	TP_printk("disk=%s queue=%u head=%u op=%s sector=%llu len=%u used=%u status=%u",
		  __entry->disk, __entry->queue, __entry->desc,
		  kvblk_show_op(__entry->op), __entry->sector, __entry->len,
		  __entry->used, __entry->status)
);

/* The driver sees @count answers more. */
TRACE_EVENT(kvblk_publish,
	TP_PROTO(const struct kvblk_queue *q, u16 count, bool interrupt),
	TP_ARGS(q, count, interrupt),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__field(u16, count)
		__field(bool, interrupt)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(q);
		__entry->count = count;
		__entry->interrupt = interrupt;
	),
	TP_printk("disk=%s queue=%u count=%u interrupt=%d", __entry->disk,
		  __entry->queue, __entry->count, __entry->interrupt)
);

DECLARE_EVENT_CLASS(kvblk_trouble,
	TP_PROTO(const struct kvblk_queue *q, const char *what),
	TP_ARGS(q, what),
	TP_STRUCT__entry(
		KVBLK_TRACE_QUEUE
		__array(char, what, 48)
	),
	TP_fast_assign(
		KVBLK_TRACE_SET_QUEUE(q);
		strscpy(__entry->what, what, 48);
	),
	TP_printk("disk=%s queue=%u %s", __entry->disk, __entry->queue, __entry->what)
);

/* The ring cannot be trusted any more. */
DEFINE_EVENT(kvblk_trouble, kvblk_broken,
	TP_PROTO(const struct kvblk_queue *q, const char *what),
	TP_ARGS(q, what)
);

/* The self-check has found a notification or an interrupt that was lost. */
DEFINE_EVENT(kvblk_trouble, kvblk_lost,
	TP_PROTO(const struct kvblk_queue *q, const char *what),
	TP_ARGS(q, what)
);

#endif /* KVBLK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
