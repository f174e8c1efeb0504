/* SPDX-License-Identifier: GPL-2.0 */
/* What the pure layer knows of guest memory: how to read a little of it. */
#ifndef KVBLK_GUEST_H
#define KVBLK_GUEST_H

#include <linux/types.h>

/**
 * struct kvblk_guest - Reader of guest memory, embedded in a real map
 * @read: Copies @len bytes at guest physical @gpa to @dst. Returns 0; -EFAULT if
 *	the memory exists but cannot be read now (the caller may try again
 *	where it may sleep); -ENXIO if it is not guest memory.
 */
struct kvblk_guest {
	int (*read)(const struct kvblk_guest *g, u64 gpa, void *dst, u32 len);
};

/**
 * struct kvblk_seg - A piece of a descriptor chain, by value
 * @gpa: Guest physical address; gpa + len does not wrap.
 * @len: Bytes.
 */
struct kvblk_seg {
	u64 gpa;
	u32 len;
};

/**
 * struct kvblk_chain - A descriptor chain copied out of the ring
 * @seg: Where to store; the readable pieces first, then the writable ones.
 * @max: Elements of @seg.
 * @nr_out: Readable pieces.
 * @nr_in: Writable pieces.
 * @out_bytes: Sum of the readable pieces.
 * @in_bytes: Sum of the writable pieces.
 */
struct kvblk_chain {
	struct kvblk_seg *seg;
	u16 max;
	u16 nr_out;
	u16 nr_in;
	u64 out_bytes;
	u64 in_bytes;
};

#endif /* KVBLK_GUEST_H */
