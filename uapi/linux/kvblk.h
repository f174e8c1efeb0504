/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * kvblk: a virtio-blk device for KVM guests, served by the host kernel.
 *
 * Two kinds of device node:
 *
 *   /dev/kvblk-control    makes, changes, lists and removes disks (root)
 *   /dev/kvblk/<disk>     one open descriptor is one session of a VMM
 */
#ifndef _UAPI_LINUX_KVBLK_H
#define _UAPI_LINUX_KVBLK_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: errno contract
 *
 * Every ioctl takes a pointer to a structure that begins with struct kvblk_hdr.
 * All calls agree on these errors; nothing changes when a call fails:
 *
 * - ``ENOTTY``: the ioctl number is not known on this kind of descriptor.
 * - ``EINVAL``: hdr.size is below the smallest version of the structure, or
 *   a field has a value that is never valid.
 * - ``E2BIG``: hdr.size is above what this kernel knows and the unknown tail
 *   is not all zero.
 * - ``EOPNOTSUPP``: a flag bit is unknown, a reserved field is not zero, or the
 *   backing file cannot do what is asked (direct I/O).
 * - ``EFAULT``: a pointer cannot be read or written.
 * - ``ENOMEM``: out of memory.
 *
 * The errors of single calls are listed beside their structures. When hdr.msg
 * points to a buffer, a failing call also stores one sentence there that names
 * the field and the limit.
 */

/**
 * struct kvblk_hdr - Begins the argument of every ioctl
 * @size: Size in bytes of the whole structure that contains this header.
 * @flags: Flags of the call; unknown bits are refused with EOPNOTSUPP.
 * @msg: Address of a buffer for a sentence about a failure, or 0.
 * @msg_len: Length in bytes of that buffer. The sentence is cut to fit and
 *	always ends with a NUL byte; nothing is stored on success.
 * @reserved: Must be 0.
 */
struct kvblk_hdr {
	__u32 size;
	__u32 flags;
	__aligned_u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define KVBLK_NAME_LEN		32	/* with the final NUL */
#define KVBLK_SERIAL_LEN	20	/* VIRTIO_BLK_ID_BYTES; not terminated */
#define KVBLK_SECTOR_SIZE	512

#define KVBLK_QUEUE_SIZE_MIN	16
#define KVBLK_QUEUE_SIZE_MAX	1024
#define KVBLK_QUEUE_SIZE_DEFAULT 256

#define KVBLK_QUEUES_MAX	64

#define KVBLK_BLOCK_SIZE_MIN	512
#define KVBLK_BLOCK_SIZE_MAX	4096

/**
 * enum kvblk_limit_id - Index of a limit in an array of struct kvblk_limit
 * @KVBLK_LIMIT_OPS: Requests of every kind.
 * @KVBLK_LIMIT_OPS_READ: Read requests.
 * @KVBLK_LIMIT_OPS_WRITE: Write requests.
 * @KVBLK_LIMIT_BYTES: Bytes read and written.
 * @KVBLK_LIMIT_BYTES_READ: Bytes read.
 * @KVBLK_LIMIT_BYTES_WRITE: Bytes written.
 * @KVBLK_LIMIT_NR: Number of limits.
 *
 * A request passes when every limit that concerns it allows it.
 */
enum kvblk_limit_id {
	KVBLK_LIMIT_OPS,
	KVBLK_LIMIT_OPS_READ,
	KVBLK_LIMIT_OPS_WRITE,
	KVBLK_LIMIT_BYTES,
	KVBLK_LIMIT_BYTES_READ,
	KVBLK_LIMIT_BYTES_WRITE,
	KVBLK_LIMIT_NR,
};

#define KVBLK_RATE_MAX		(1ULL << 40)	/* units per second */
#define KVBLK_BURST_SECONDS_MAX	3600		/* burst / rate */

/**
 * struct kvblk_limit - A token bucket
 * @rate: Tokens per second, at most KVBLK_RATE_MAX; 0 means no limit.
 * @burst: Tokens the bucket holds, from @rate to KVBLK_BURST_SECONDS_MAX
 *	seconds of @rate; 0 means @rate, a burst of one second.
 *
 * A burst without a rate, or below it, is EINVAL.
 */
struct kvblk_limit {
	__aligned_u64 rate;
	__aligned_u64 burst;
};

#define KVBLK_INTERRUPT_COUNT_MAX	1024
#define KVBLK_INTERRUPT_USECS_MAX	10000
#define KVBLK_POLL_US_MAX		10000

/* Flags of a disk: kvblk_add.hdr.flags and kvblk_query.disk_flags. */
#define KVBLK_DISK_RO		(1U << 0)	/* the guest cannot write */
#define KVBLK_DISK_DIRECT	(1U << 1)	/* bypass the page cache */
#define KVBLK_DISK_OWNER	(1U << 2)	/* uid, gid and mode are given */
#define KVBLK_DISK_FLAGS \
	(KVBLK_DISK_RO | KVBLK_DISK_DIRECT | KVBLK_DISK_OWNER)

/**
 * struct kvblk_add - KVBLK_ADD: make a disk
 * @hdr: Flags: KVBLK_DISK_RO, KVBLK_DISK_DIRECT, KVBLK_DISK_OWNER.
 * @name: 1 to 31 characters of ``[a-zA-Z0-9._-]``, not ``.`` or ``..``,
 *	NUL-terminated. EINVAL if malformed, EEXIST if taken.
 * @serial: What the guest reads by GET_ID, padded with NUL. All zero: kvblk
 *	makes one from @name.
 * @fd: Descriptor of a regular file or a block device, open for reading and,
 *	unless KVBLK_DISK_RO, for writing. The disk keeps a reference to it.
 *	EBADF: not open, or not open for reading. ENOTBLK: neither a regular
 *	file nor a block device. EROFS: not open for writing. ETXTBSY: a swap
 *	file.
 * @block_size: What the guest is told as logical block size: a power of two
 *	from 512 to 4096; 0 picks the smallest the backing allows. EINVAL if
 *	malformed, or smaller than direct I/O on the backing needs.
 * @queue_size: Largest ring, a power of two from 16 to 1024; 0: 256.
 * @mode: With KVBLK_DISK_OWNER, permission bits of /dev/kvblk/<name>;
 *	EINVAL above 0777. Else the node is 0600 root:root.
 * @uid: With KVBLK_DISK_OWNER, owner of the node.
 * @gid: With KVBLK_DISK_OWNER, group of the node.
 * @queues: Number of queues, at most KVBLK_QUEUES_MAX (EINVAL); 0: 1. A driver that does
 *	not accept VIRTIO_BLK_F_MQ has one.
 * @workers: Kernel threads that serve them, at most as many as queues (EINVAL); 0: 1.
 * @capacity: Size of the disk in bytes; 0: the size of the backing. ENODATA:
 *	the backing is empty. EDOM: not a multiple of @block_size. EFBIG: more
 *	than the backing holds.
 * @limits: Limits by enum kvblk_limit_id.
 * @interrupt_count: An interrupt is held back until it tells of so many answers, no more are
 *	to come before the driver is told, or @interrupt_usecs are over. A driver that goes on
 *	for several requests without being told is asked to notify of so many at a time,
 *	within the same time. At most KVBLK_INTERRUPT_COUNT_MAX; 0: none is held back.
 * @interrupt_usecs: At most KVBLK_INTERRUPT_USECS_MAX. EINVAL: one of the two is 0, the
 *	other is not.
 * @poll_us: For how long at most the worker looks for more requests before it sleeps, in
 *	microseconds; 0: it sleeps at once. How long it does follows the usual gap between
 *	requests; if that is longer it does not look. EINVAL above KVBLK_POLL_US_MAX.
 * @poll_percent: Share of a processor that looking may cost, 1 to 100, else EINVAL; any
 *	value if @poll_us is 0.
 *
 * EMFILE: no more minor numbers.
 */
struct kvblk_add {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u8 serial[KVBLK_SERIAL_LEN];
	__s32 fd;
	__u32 block_size;
	__u32 queue_size;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u16 queues;
	__u16 workers;
	__aligned_u64 capacity;
	struct kvblk_limit limits[KVBLK_LIMIT_NR];
	__u32 interrupt_count;
	__u32 interrupt_usecs;
	__u32 poll_us;
	__u32 poll_percent;
};

/**
 * struct kvblk_remove - KVBLK_REMOVE: remove a disk
 * @hdr: No flags.
 * @name: ENOENT if there is no such disk, EBUSY while a session is attached or
 *	the I/O of a past one has not ended.
 */
struct kvblk_remove {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
};

/* Flags of kvblk_set: what is to change beside limits. */
#define KVBLK_SET_POLL		(1U << 0)	/* poll_us, poll_percent */
#define KVBLK_SET_INTERRUPTS	(1U << 1)	/* interrupt_count, interrupt_usecs */
#define KVBLK_SET_FLAGS		(KVBLK_SET_POLL | KVBLK_SET_INTERRUPTS)

/**
 * struct kvblk_set - KVBLK_SET: change a disk, attached or not
 * @hdr: Flags: KVBLK_SET_FLAGS.
 * @name: ENOENT if there is no such disk.
 * @limit_mask: Bit n set: replace limit n by @limits[n]. The tokens (or debt)
 *	a bucket holds are kept, cut to the new burst.
 * @workers: Threads that serve the queues, at most as many as queues (EINVAL); 0 leaves
 *	them. Else queue n is served by thread n modulo @workers, until KVBLK_MOVE gives it
 *	to another. EBUSY while another call changes them, or while the last change has not
 *	come to its end, ENOMEM.
 * @limits: By enum kvblk_limit_id.
 * @poll_us: With KVBLK_SET_POLL, as in struct kvblk_add.
 * @poll_percent: The same.
 * @interrupt_count: With KVBLK_SET_INTERRUPTS, as in struct kvblk_add.
 * @interrupt_usecs: The same.
 *
 * The queues of a running session go on meanwhile. A call waits at most one second for
 * them to change their threads; what takes longer happens later.
 */
struct kvblk_set {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u32 limit_mask;
	__u32 workers;
	struct kvblk_limit limits[KVBLK_LIMIT_NR];
	__u32 poll_us;
	__u32 poll_percent;
	__u32 interrupt_count;
	__u32 interrupt_usecs;
};

/**
 * struct kvblk_list - KVBLK_LIST: names of all disks
 * @hdr: No flags.
 * @names: Address of an array of char[KVBLK_NAME_LEN], filled in the order in
 *	which the disks were added.
 * @count: In: elements of that array. Out: number of disks, which may be
 *	larger than what was stored.
 * @reserved: Must be 0.
 */
struct kvblk_list {
	struct kvblk_hdr hdr;
	__aligned_u64 names;
	__u32 count;
	__u32 reserved;
};

/**
 * enum kvblk_disk_state - What a disk is doing
 * @KVBLK_STATE_IDLE: No session.
 * @KVBLK_STATE_ATTACHED: A session is open; the driver has not set DRIVER_OK.
 * @KVBLK_STATE_RUNNING: The driver has set DRIVER_OK; requests are served.
 * @KVBLK_STATE_DRAINING: A reset or the end of a session waits for I/O.
 * @KVBLK_STATE_NEEDS_RESET: The driver broke the ring; waits for a reset.
 * @KVBLK_STATE_PAUSED: As RUNNING, but no request is taken from the ring.
 */
enum kvblk_disk_state {
	KVBLK_STATE_IDLE,
	KVBLK_STATE_ATTACHED,
	KVBLK_STATE_RUNNING,
	KVBLK_STATE_DRAINING,
	KVBLK_STATE_NEEDS_RESET,
	KVBLK_STATE_PAUSED,
};

/**
 * struct kvblk_stats - Counters of a disk since it was added
 * @requests: Chains taken from the ring.
 * @reads_completed: Reads that ended well.
 * @bytes_read: Bytes the backing delivered for them; padding not counted.
 * @writes_completed: Writes that ended well.
 * @bytes_written: Bytes of them.
 * @flushes_completed: Flushes that ended well.
 * @flush_errors: Flushes that failed; also counted in @io_errors.
 * @get_ids: GET_ID requests that ended well.
 * @unsupported: Requests answered UNSUPP.
 * @io_errors: Requests answered IOERR.
 * @ring_errors: Times the ring was found broken (NEEDS_RESET).
 * @invalid_avail_idx: Those of @ring_errors where avail.idx was too far ahead.
 * @throttled: Times a request had to wait for tokens, repeats included.
 * @deferred: Steps of requests handed to a work item, because the worker would
 *	have had to sleep. A flush is always one.
 * @kicks: Notifications by the driver.
 * @interrupts: Interrupts sent.
 * @interrupts_suppressed: Batches of completions without one, because the
 *	driver asked for none.
 * @in_flight: Gauge: requests taken and not yet completed.
 * @currently_throttled: Gauge: queues whose first request waits for tokens.
 * @lost_kicks: Times a request was found in the ring that nobody had notified of.
 * @lost_interrupts: Interrupts sent again because the driver had not answered for
 *	a second. A guest that does not run looks the same.
 * @interrupts_held: Batches of completions whose interrupt was held back.
 * @asked_late: Times the driver was asked to notify of several requests at a time.
 * @polls: Times a worker looked for requests before it slept.
 * @poll_hits: Those of @polls that found one.
 */
struct kvblk_stats {
	__aligned_u64 requests;
	__aligned_u64 reads_completed;
	__aligned_u64 bytes_read;
	__aligned_u64 writes_completed;
	__aligned_u64 bytes_written;
	__aligned_u64 flushes_completed;
	__aligned_u64 flush_errors;
	__aligned_u64 get_ids;
	__aligned_u64 unsupported;
	__aligned_u64 io_errors;
	__aligned_u64 ring_errors;
	__aligned_u64 invalid_avail_idx;
	__aligned_u64 throttled;
	__aligned_u64 deferred;
	__aligned_u64 kicks;
	__aligned_u64 interrupts;
	__aligned_u64 interrupts_suppressed;
	__aligned_u64 in_flight;
	__aligned_u64 currently_throttled;
	__aligned_u64 lost_kicks;
	__aligned_u64 lost_interrupts;
	__aligned_u64 interrupts_held;
	__aligned_u64 asked_late;
	__aligned_u64 polls;
	__aligned_u64 poll_hits;
};

/**
 * struct kvblk_query - KVBLK_QUERY: what a disk is and does
 * @hdr: No flags.
 * @name: In: ENOENT if there is no such disk.
 * @serial: Out, as are all that follow.
 * @disk_flags: KVBLK_DISK_RO, KVBLK_DISK_DIRECT.
 * @block_size: Logical block size in bytes.
 * @queue_size: Largest ring.
 * @mode: Of the device node.
 * @uid: Of the device node.
 * @gid: Of the device node.
 * @state: enum kvblk_disk_state.
 * @pid: Process that opened the session, in the caller's namespace, or 0.
 * @device_status: virtio device status, 0 without a session.
 * @capacity: In bytes.
 * @driver_features: What the driver accepted; 0 before FEATURES_OK.
 * @dev_major: Device number of /dev/kvblk/<name>, for those without udev.
 * @dev_minor: The same.
 * @limits: By enum kvblk_limit_id.
 * @stats: Counters, of all queues together.
 * @interrupt_count: As in struct kvblk_add.
 * @interrupt_usecs: The same.
 * @queues: Number of queues.
 * @workers: Threads that serve them.
 * @poll_us: As in struct kvblk_add.
 * @poll_percent: The same.
 */
struct kvblk_query {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u8 serial[KVBLK_SERIAL_LEN];
	__u32 disk_flags;
	__u32 block_size;
	__u32 queue_size;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 state;
	__s32 pid;
	__u32 device_status;
	__aligned_u64 capacity;
	__aligned_u64 driver_features;
	__u32 dev_major;
	__u32 dev_minor;
	struct kvblk_limit limits[KVBLK_LIMIT_NR];
	struct kvblk_stats stats;
	__u32 interrupt_count;
	__u32 interrupt_usecs;
	__u32 queues;
	__u32 workers;
	__u32 poll_us;
	__u32 poll_percent;
};

/**
 * struct kvblk_queue_stats - What one queue has counted since the disk was added
 * @queue: Its number.
 * @worker: Number of the thread that serves it; without a session, of the one that will.
 * @stats: Its counters.
 */
struct kvblk_queue_stats {
	__u32 queue;
	__u32 worker;
	struct kvblk_stats stats;
};

/**
 * struct kvblk_queues - KVBLK_QUEUES: what each queue of a disk does
 * @hdr: No flags.
 * @name: ENOENT if there is no such disk.
 * @queues: Address of an array of struct kvblk_queue_stats, filled in the order of
 *	the queues.
 * @count: In: elements of that array. Out: number of queues, which may be more than what
 *	was stored.
 * @reserved: Must be 0.
 */
struct kvblk_queues {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__aligned_u64 queues;
	__u32 count;
	__u32 reserved;
};

/**
 * struct kvblk_move - KVBLK_MOVE: give a queue to another thread
 * @hdr: No flags.
 * @name: ENOENT if there is no such disk.
 * @queue: Number of the queue; EINVAL if there is no such.
 * @worker: Number of the thread that is to serve it, below kvblk_query.workers (EINVAL).
 *	EBUSY as in KVBLK_SET.
 *
 * Works with a session and without. A queue that runs goes on meanwhile, as with KVBLK_SET.
 * The disk keeps to it, from one session to the next, until KVBLK_SET gives a number of
 * workers: be it the same as before, all queues are spread again.
 */
struct kvblk_move {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u32 queue;
	__u32 worker;
};

/**
 * struct kvblk_pause - KVBLK_PAUSE, KVBLK_RESUME: hold a disk still
 * @hdr: No flags.
 * @name: ENOENT if there is no such disk.
 * @timeout_ms: KVBLK_PAUSE: how long to wait for requests in flight; 0: 1000, at most
 *	KVBLK_PAUSE_MS_MAX (EINVAL). KVBLK_RESUME: must be 0 (EOPNOTSUPP).
 * @in_flight: Out: requests that have not ended. 0 after KVBLK_PAUSE: nothing of the
 *	guest's memory or of the backing changes until KVBLK_RESUME.
 *
 * A paused disk takes no request from the ring; notifications stay pending. It stays
 * paused over resets and sessions, and pausing it again is no error: that waits
 * again. A reset, the end of a session and removal go on as ever.
 */
struct kvblk_pause {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u32 timeout_ms;
	__u32 in_flight;
};

#define KVBLK_PAUSE_MS_MAX	60000

/**
 * enum kvblk_latency_op - What a request was
 * @KVBLK_LATENCY_READ: A read.
 * @KVBLK_LATENCY_WRITE: A write.
 * @KVBLK_LATENCY_FLUSH: A flush.
 * @KVBLK_LATENCY_OTHER: GET_ID, and what was answered without the backing.
 * @KVBLK_LATENCY_OP_NR: Number of these.
 */
enum kvblk_latency_op {
	KVBLK_LATENCY_READ,
	KVBLK_LATENCY_WRITE,
	KVBLK_LATENCY_FLUSH,
	KVBLK_LATENCY_OTHER,
	KVBLK_LATENCY_OP_NR,
};

/**
 * enum kvblk_latency_stage - What a request waited for, in this order
 * @KVBLK_LATENCY_WORKER: From the notification until it is taken up. A request that came while
 *	the worker was busy needs no notification: from when the worker saw it.
 * @KVBLK_LATENCY_THROTTLE: For tokens, be it because it lay behind one that had to wait.
 * @KVBLK_LATENCY_BACKING: In the backing.
 * @KVBLK_LATENCY_PUBLISH: From then until the driver was shown the answer.
 * @KVBLK_LATENCY_STAGE_NR: Number of these.
 */
enum kvblk_latency_stage {
	KVBLK_LATENCY_WORKER,
	KVBLK_LATENCY_THROTTLE,
	KVBLK_LATENCY_BACKING,
	KVBLK_LATENCY_PUBLISH,
	KVBLK_LATENCY_STAGE_NR,
};

#define KVBLK_LATENCY_BUCKETS	40

/**
 * struct kvblk_latency_hist - How long requests of one kind have been in one stage
 * @op: enum kvblk_latency_op.
 * @stage: enum kvblk_latency_stage.
 * @total: Sum of their times, ns.
 * @bucket: How many took 0 ns; then, in bucket n, from 2^(n - 1) to 2^n - 1 ns. The last has
 *	no upper end.
 */
struct kvblk_latency_hist {
	__u32 op;
	__u32 stage;
	__aligned_u64 total;
	__aligned_u64 bucket[KVBLK_LATENCY_BUCKETS];
};

/**
 * struct kvblk_latency - KVBLK_LATENCY: where the time of a disk's requests goes
 * @hdr: No flags.
 * @name: ENOENT if there is no such disk.
 * @hists: Address of an array of struct kvblk_latency_hist, filled in any order: those of
 *	a newer kernel may have kinds and stages that the caller does not know.
 * @count: In: elements of that array. Out: how many there are, which may be more than what
 *	was stored.
 * @queue: 0: all queues together; else 1 + the number of one (EINVAL).
 *
 * Counts since the disk was added. An answered request is counted once in every stage of its
 * kind, also if it took no time there, just after the driver was shown the answer. The numbers
 * are read while the disk works: they need not be of one moment.
 */
struct kvblk_latency {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__aligned_u64 hists;
	__u32 count;
	__u32 queue;
};

#define KVBLK_IOC		0xC7

#define KVBLK_ADD	_IOWR(KVBLK_IOC, 0x00, struct kvblk_add)
#define KVBLK_REMOVE	_IOWR(KVBLK_IOC, 0x01, struct kvblk_remove)
#define KVBLK_SET	_IOWR(KVBLK_IOC, 0x02, struct kvblk_set)
#define KVBLK_LIST	_IOWR(KVBLK_IOC, 0x03, struct kvblk_list)
#define KVBLK_QUERY	_IOWR(KVBLK_IOC, 0x04, struct kvblk_query)
#define KVBLK_PAUSE	_IOWR(KVBLK_IOC, 0x05, struct kvblk_pause)
#define KVBLK_RESUME	_IOWR(KVBLK_IOC, 0x06, struct kvblk_pause)
#define KVBLK_LATENCY	_IOWR(KVBLK_IOC, 0x07, struct kvblk_latency)
#define KVBLK_QUEUES	_IOWR(KVBLK_IOC, 0x08, struct kvblk_queues)
#define KVBLK_MOVE	_IOWR(KVBLK_IOC, 0x09, struct kvblk_move)

/**
 * DOC: sessions
 *
 * Opening /dev/kvblk/<disk> attaches to the disk. It must be opened for reading and
 * writing (EACCES). A second opener gets EBUSY, as does the next one as long as I/O
 * of the last session has not ended. Closing the
 * descriptor and unmapping its page (also by SIGKILL) detaches. A descriptor may be
 * handed to another process until KVBLK_SESSION_SET_MEM; from then on the session
 * belongs to the address space of that call's caller, and calls from any other
 * (a child's after fork(), say) get EPERM.
 *
 * Order of calls: KVBLK_SESSION_SET_MEM, KVBLK_SESSION_BIND, mmap() of one page
 * at offset 0, read only. That page is the virtio-mmio (version 2) register window;
 * guest reads need no exit when it is a read-only memory slot of the guest.
 * Writes that no eventfd takes are forwarded by KVBLK_SESSION_WRITE.
 */

#define KVBLK_PAGE_SIZE		4096	/* of the register window and of memory */
#define KVBLK_REGIONS_MAX	512

/**
 * struct kvblk_region - A piece of guest memory
 * @gpa: Guest physical address.
 * @size: In bytes, not 0.
 * @uaddr: Address in the caller's memory.
 *
 * All three are multiples of 4096.
 */
struct kvblk_region {
	__aligned_u64 gpa;
	__aligned_u64 size;
	__aligned_u64 uaddr;
};

/* Flags of kvblk_session_mem.hdr.flags. */
#define KVBLK_MEM_PIN		(1U << 0)	/* keep all of it in memory */

/**
 * struct kvblk_session_mem - KVBLK_SESSION_SET_MEM: tell the guest's memory
 * @hdr: Flags: KVBLK_MEM_PIN.
 * @regions: Address of an array of struct kvblk_region, in any order.
 * @count: Elements, at most KVBLK_REGIONS_MAX (E2BIG); 0 takes the map away.
 * @reserved: Must be 0.
 *
 * Replaces the whole map. EBUSY after DRIVER_OK. Without KVBLK_MEM_PIN nothing is pinned
 * but the rings, from DRIVER_OK to reset; with it all pages are, until the map is replaced or the
 * session ends. They count against RLIMIT_MEMLOCK (ENOMEM), and a region that cannot be pinned
 * is an error (EFAULT, EOPNOTSUPP). Requests then cost less: no page can be missing, so they are
 * answered where they complete, in interrupts too. For a region: EINVAL if not
 * aligned or empty, EOVERFLOW if it wraps, EFAULT if it is no user memory,
 * EEXIST if it overlaps another in guest physical addresses.
 */
struct kvblk_session_mem {
	struct kvblk_hdr hdr;
	__aligned_u64 regions;
	__u32 count;
	__u32 reserved;
};

/**
 * enum kvblk_event - What an eventfd is for
 * @KVBLK_EVENT_KICK: The driver's notification (KVM_IOEVENTFD at offset 0x50,
 *	length 4, data match = the queue).
 * @KVBLK_EVENT_ACK: The driver acknowledges the used-buffer interrupt
 *	(KVM_IOEVENTFD at offset 0x64, length 4, data match = 1).
 * @KVBLK_EVENT_IRQ: The device's interrupt (KVM_IRQFD).
 * @KVBLK_EVENT_NR: Number of events.
 */
enum kvblk_event {
	KVBLK_EVENT_KICK,
	KVBLK_EVENT_ACK,
	KVBLK_EVENT_IRQ,
	KVBLK_EVENT_NR,
};

/**
 * struct kvblk_session_bind - KVBLK_SESSION_BIND: bind an eventfd
 * @hdr: No flags.
 * @event: enum kvblk_event; EINVAL if unknown.
 * @queue: For KVBLK_EVENT_KICK, the queue; else 0. EINVAL if there is no such.
 * @fd: EBADF: not open. EINVAL: not an eventfd. -1: unbind.
 * @reserved: Must be 0.
 *
 * Replaces an earlier binding. EBUSY after DRIVER_OK.
 */
struct kvblk_session_bind {
	struct kvblk_hdr hdr;
	__u32 event;
	__u32 queue;
	__s32 fd;
	__u32 reserved;
};

/**
 * struct kvblk_session_reg - KVBLK_SESSION_WRITE, KVBLK_SESSION_READ
 * @hdr: No flags.
 * @offset: From the start of the window; EINVAL if offset + len is above 4096.
 * @len: 1, 2, 4 or 8 (EINVAL).
 * @value: Little-endian in its low @len bytes: to write, or what was read.
 *
 * A guest access that left the guest. A read returns what the mapped page shows. A
 * write that virtio does not allow is ignored, as the specification asks: the call
 * succeeds. A reset (write of 0 to Status) waits for I/O at most one second (see
 * struct kvblk_session_set); when that is not enough the call succeeds and Status
 * reads NEEDS_RESET until the I/O has ended.
 */
struct kvblk_session_reg {
	struct kvblk_hdr hdr;
	__u32 offset;
	__u32 len;
	__aligned_u64 value;
};

/**
 * struct kvblk_session_info - KVBLK_SESSION_INFO: what this session serves
 * @hdr: No flags.
 * @name: Of the disk.
 * @disk_flags: KVBLK_DISK_RO, KVBLK_DISK_DIRECT.
 * @queues: Number of queues; notification values are 0 to queues - 1.
 * @capacity: In bytes.
 */
struct kvblk_session_info {
	struct kvblk_hdr hdr;
	char name[KVBLK_NAME_LEN];
	__u32 disk_flags;
	__u32 queues;
	__aligned_u64 capacity;
};

/**
 * struct kvblk_session_pause - KVBLK_SESSION_PAUSE, KVBLK_SESSION_RESUME
 * @hdr: No flags.
 * @timeout_ms: As in struct kvblk_pause.
 * @in_flight: As in struct kvblk_pause.
 *
 * For a VMM that dumps or saves its guest. The pause is the session's own and ends
 * with it; the disk runs when neither this nor KVBLK_PAUSE holds it.
 */
struct kvblk_session_pause {
	struct kvblk_hdr hdr;
	__u32 timeout_ms;
	__u32 in_flight;
};

/**
 * struct kvblk_session_set - KVBLK_SESSION_SET: parameters of this session
 * @hdr: No flags.
 * @drain_ms: How long a reset and the end of the session wait for I/O, 1 to
 *	KVBLK_DRAIN_MS_MAX (EINVAL); 0 leaves it as it is. 1000 at first.
 * @reserved: Must be 0.
 *
 * Works at any time; a wait that has begun is not changed.
 */
struct kvblk_session_set {
	struct kvblk_hdr hdr;
	__u32 drain_ms;
	__u32 reserved;
};

#define KVBLK_DRAIN_MS_MAX	60000

#define KVBLK_SESSION_SET_MEM	_IOWR(KVBLK_IOC, 0x40, struct kvblk_session_mem)
#define KVBLK_SESSION_BIND	_IOWR(KVBLK_IOC, 0x41, struct kvblk_session_bind)
#define KVBLK_SESSION_WRITE	_IOWR(KVBLK_IOC, 0x42, struct kvblk_session_reg)
#define KVBLK_SESSION_READ	_IOWR(KVBLK_IOC, 0x43, struct kvblk_session_reg)
#define KVBLK_SESSION_INFO	_IOWR(KVBLK_IOC, 0x44, struct kvblk_session_info)
#define KVBLK_SESSION_PAUSE	_IOWR(KVBLK_IOC, 0x45, struct kvblk_session_pause)
#define KVBLK_SESSION_RESUME	_IOWR(KVBLK_IOC, 0x46, struct kvblk_session_pause)
#define KVBLK_SESSION_SET	_IOWR(KVBLK_IOC, 0x47, struct kvblk_session_set)

#endif /* _UAPI_LINUX_KVBLK_H */
