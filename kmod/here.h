/* SPDX-License-Identifier: GPL-2.0 */
/* A turn in the driver's own thread: the bell that rings for it. */
#ifndef KVBLK_HERE_H
#define KVBLK_HERE_H

/* Before the first and after the last queue that is kicked by kvblk_queue_kick_here(). */
int kvblk_bell_init(void);
void kvblk_bell_exit(void);

#endif /* KVBLK_HERE_H */
