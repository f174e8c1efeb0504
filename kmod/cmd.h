/* SPDX-License-Identifier: GPL-2.0 */
/* From a descriptor chain to a plain command or a verdict (virtio 1.2, 5.2.6). */
#ifndef KVBLK_CMD_H
#define KVBLK_CMD_H

#include <linux/limits.h>
#include <linux/types.h>
#include <linux/virtio_blk.h>
#include "guest.h"

/**
 * struct kvblk_geometry - What decides whether a request is good
 * @capacity: Bytes, a multiple of @block_size.
 * @block_size: Logical block size, a power of two, at least 512.
 * @size_max: Most bytes in one data segment; KVBLK_SIZE_ANY: drivers are not told of one.
 * @seg_max: Most data segments.
 * @queue_size: Largest ring.
 * @queues: Number of queues.
 * @read_only: Writes are refused.
 */
struct kvblk_geometry {
	u64 capacity;
	u32 block_size;
	u32 size_max;
	u32 seg_max;
	u16 queue_size;
	u16 queues;
	bool read_only;
};

#define KVBLK_SECTOR	512		/* unit of position and capacity */
#define KVBLK_SIZE_MAX	0x100000	/* bytes in a data segment */
#define KVBLK_SIZE_ANY	U32_MAX
#define KVBLK_SEG_MAX	254		/* data segments in a request */
#define KVBLK_CHAIN_MAX	512		/* descriptors in a chain */

/**
 * enum kvblk_op - What a command does
 * @KVBLK_OP_NONE: Nothing: the verdict is in kvblk_cmd.status.
 * @KVBLK_OP_READ: VIRTIO_BLK_T_IN.
 * @KVBLK_OP_WRITE: VIRTIO_BLK_T_OUT.
 * @KVBLK_OP_FLUSH: VIRTIO_BLK_T_FLUSH on a writable disk.
 * @KVBLK_OP_GET_ID: VIRTIO_BLK_T_GET_ID.
 * @KVBLK_OP_NR: Number of operations.
 */
enum kvblk_op {
	KVBLK_OP_NONE,
	KVBLK_OP_READ,
	KVBLK_OP_WRITE,
	KVBLK_OP_FLUSH,
	KVBLK_OP_GET_ID,
	KVBLK_OP_NR,
};

/**
 * struct kvblk_cmd - A request, decided
 * @op: What to do.
 * @status: With KVBLK_OP_NONE, the answer: VIRTIO_BLK_S_*.
 * @type: VIRTIO_BLK_T_* as the driver wrote it, for traces.
 * @status_gpa: Where the status byte goes.
 * @pos: Offset on the disk in bytes.
 * @len: Data bytes; the range pos..pos+len lies on the disk.
 * @data: Data pieces, in the array of the chain; their lengths add up to @len.
 * @nr_data: Number of them.
 */
struct kvblk_cmd {
	enum kvblk_op op;
	u8 status;
	u32 type;
	u64 status_gpa;
	u64 pos;
	u32 len;
	struct kvblk_seg *data;
	u16 nr_data;
};

/**
 * kvblk_cmd_parse - Turn a chain into a command
 * @geo: The disk.
 * @g: Reader for the 16 header bytes.
 * @chain: The chain; its pieces are trimmed to the data.
 * @cmd: The result.
 *
 * Framing is by bytes, not descriptors (2.7.4.1): the header is the first 16
 * readable bytes however they are split, the status is the last writable byte.
 * Whatever can be wrong with a request is found here.
 *
 * Return: 0 and @cmd; -ENODATA if there is no writable byte for the status (nothing
 * can be answered); -EFAULT if the header cannot be read now. In the last case @chain
 * is unchanged, for another try, and @cmd answers IOERR, for giving up.
 */
int kvblk_cmd_parse(const struct kvblk_geometry *geo, const struct kvblk_guest *g,
		    struct kvblk_chain *chain, struct kvblk_cmd *cmd);

#endif /* KVBLK_CMD_H */
