/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/kvblk-control */
#ifndef KVBLK_CONTROL_H
#define KVBLK_CONTROL_H

int kvblk_control_init(void);
void kvblk_control_exit(void);

#endif /* KVBLK_CONTROL_H */
