/* SPDX-License-Identifier: GPL-2.0 */
/* Guest memory of the ring target, and what walk and parse must say of it. */
#ifndef FUZZ_RING_ORACLE_H
#define FUZZ_RING_ORACLE_H

#include "cmd.h"
#include "input.h"
#include "vring.h"

#define MEMORY_SIZE	4096
#define MEMORY_TABLE	0x100	/* indirect tables start at one of four places */
#define MEMORY_ENTRIES	64
#define MEMORY_PAGE	64	/* what can be absent */

/**
 * struct guest_memory - A little memory at guest physical 0
 * @guest: Its reader.
 * @bytes: What is there.
 * @absent: Number of the page that cannot be read now; none if too large.
 * @scribbler: Where another processor takes what it writes behind each read; or NULL.
 * @reads: Calls of the reader since memory_clear().
 * @got: The first bytes it delivered since then.
 * @got_len: How many bytes it delivered.
 * @error: Its last error.
 * @low: Lowest address it was asked for.
 * @high: End of the highest.
 */
struct guest_memory {
	struct kvblk_guest guest;
	u8 bytes[MEMORY_SIZE];
	u16 absent;
	struct input *scribbler;
	unsigned int reads;
	u8 got[16];
	size_t got_len;
	int error;
	u64 low;
	u64 high;
};

void memory_init(struct guest_memory *mem);
void memory_clear(struct guest_memory *mem);

/* Whatever is in @chain, it is sound. */
void oracle_pieces(const struct kvblk_vring *vr,
		   const struct kvblk_chain *chain);

/* kvblk_vring_walk() said @err and filled @chain. */
void oracle_walk(const struct kvblk_vring *vr, u16 head,
		 const struct guest_memory *mem,
		 const struct kvblk_chain *chain, int err);

/* kvblk_cmd_parse() said @err and @cmd; @chain is what it was given. */
void oracle_parse(const struct kvblk_geometry *geo,
		  const struct guest_memory *mem,
		  const struct kvblk_chain *chain, int err,
		  const struct kvblk_cmd *cmd);

#endif /* FUZZ_RING_ORACLE_H */
