/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registers of virtio-mmio as a VMM shows them that has its disk from vhost-vdpa,
 * so that the tests of the device run on either front end.
 */
#ifndef KVBLK_TEST_REGISTERS_H
#define KVBLK_TEST_REGISTERS_H

#include <stdint.h>

struct session;

/* What the device does not keep for the VMM. */
struct registers {
	uint32_t features_sel;
	uint32_t driver_sel;
	uint64_t driver_features;
	uint32_t num;
	uint32_t ready;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
};

uint32_t registers_read(const struct session *s, uint32_t offset);
void registers_write(struct session *s, uint32_t offset, uint32_t value);

#endif /* KVBLK_TEST_REGISTERS_H */
