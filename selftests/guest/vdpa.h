/* SPDX-License-Identifier: GPL-2.0 */
/* A disk on the vDPA bus, through the character device of vhost-vdpa. */
#ifndef KVBLK_TEST_VDPA_H
#define KVBLK_TEST_VDPA_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vhost.h>
#include "memory.h"

#ifndef VHOST_VDPA_RESUME
#define VHOST_VDPA_RESUME	_IO(VHOST_VIRTIO, 0x7E)
#endif
#ifndef VHOST_BACKEND_F_SUSPEND
#define VHOST_BACKEND_F_SUSPEND	0x4
#endif
#ifndef VHOST_BACKEND_F_RESUME
#define VHOST_BACKEND_F_RESUME	0x5
#endif
#ifndef VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK
#define VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK 0x6
#endif

/* Set-up of a queue; addresses are the guest's. */
struct vdpa_vring {
	unsigned int index;
	unsigned int num;
	unsigned int base;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	int kick;
	int call;
};

/* Whether tests that take either front end are to take this one. */
bool vdpa_wanted(void);

/* Whether disks get the kind of memory that has physical addresses. */
bool vdpa_phys(void);

/* Puts the disk on the bus and opens its node: descriptor or -errno. */
int vdpa_open(const char *disk);

bool vdpa_on_bus(const char *disk);

/* Takes it from the bus; its node must be closed. 0 or -errno. */
int vdpa_remove(const char *disk);

/* One message to the I/O address table: 0 or -errno. */
int vdpa_iotlb(int fd, unsigned int type, uint64_t iova, uint64_t size,
	       uint64_t addr);
int vdpa_map(int fd, uint64_t iova, uint64_t size, void *addr);
int vdpa_map_ro(int fd, uint64_t iova, uint64_t size, void *addr);
int vdpa_unmap(int fd, uint64_t iova, uint64_t size);

/* All of guest memory in one batch. */
int vdpa_give(int fd, const struct memory *m);

/* Each gives 0 or -errno. */
int vdpa_set_status(int fd, uint8_t status);
int vdpa_set_features(int fd, uint64_t features);
int vdpa_enable(int fd, unsigned int index, bool on);
int vdpa_set_vring(int fd, const struct vdpa_vring *vr);
int vdpa_get_base(int fd, unsigned int index, unsigned int *base);

uint8_t vdpa_status(int fd);
uint64_t vdpa_features(int fd);

/* Takes all disks from the bus whose names begin with @prefix. */
void vdpa_sweep(const char *prefix);

#endif /* KVBLK_TEST_VDPA_H */
