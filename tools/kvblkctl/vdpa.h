/* SPDX-License-Identifier: GPL-2.0 */
/* A disk on the vDPA bus, by way of vdpa(8), modprobe(8) and sysfs. */
#ifndef KVBLKCTL_VDPA_H
#define KVBLKCTL_VDPA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Management devices of kvblk_vdpa and the drivers that can be bound. */
#define VDPA_USER	"kvblk"
#define VDPA_PHYS	"kvblk-phys"
#define VDPA_FOR_VMM	"vhost_vdpa"
#define VDPA_FOR_HOST	"virtio_vdpa"

/* Complains if --vdpa was not @given. Returns an exit code. */
int vdpa_check(bool given);

/* Put the disk @name on the bus. All of these complain, and return an exit code. */
int vdpa_add(const char *name, const char *mgmtdev);
int vdpa_del(const char *name);

/* Have @driver, loaded if need be, drive it. */
int vdpa_bind(const char *name, const char *driver);

/* Store the path of the device node that @driver made for it. */
int vdpa_node(const char *name, const char *driver, char *node, size_t len);

/* Whether the disk is on the bus. */
bool vdpa_is_there(const char *name);

#endif /* KVBLKCTL_VDPA_H */
