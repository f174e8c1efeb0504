/* SPDX-License-Identifier: GPL-2.0 */
/* A register window and a driver that climbs the steps of Status. */
#ifndef KVBLK_TESTS_MMIO_TEST_H
#define KVBLK_TESTS_MMIO_TEST_H

#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include "../mmio.h"

#define OFFERED		(BIT_ULL(VIRTIO_F_VERSION_1) | 0x30000246)
#define QUEUE_MAX	256

#define A	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define D	VIRTIO_CONFIG_S_DRIVER
#define F_OK	VIRTIO_CONFIG_S_FEATURES_OK
#define D_OK	VIRTIO_CONFIG_S_DRIVER_OK
#define BROKEN	VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED	VIRTIO_CONFIG_S_FAILED

#define NONE	KVBLK_MMIO_NONE
#define REFUSED	KVBLK_MMIO_REFUSED

static const u8 config[] = {
	0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
};

struct mmio_test {
	struct kvblk_mmio m;
	bool queue_bad;
	struct kvblk_vq_config asked;	/* last argument of queue_ok() */
	unsigned int asks;
};

static inline bool queue_ok(struct kvblk_mmio *m,
			    const struct kvblk_vq_config *vq)
{
	struct mmio_test *mt = container_of(m, struct mmio_test, m);

	mt->asks++;
	mt->asked = *vq;
	return !mt->queue_bad;
}

static inline int mmio_test_init(struct kunit *test)
{
	struct mmio_test *mt = kunit_kzalloc(test, sizeof(*mt), GFP_KERNEL);

	if (!mt)
		return -ENOMEM;
	mt->m.page = kunit_kzalloc(test, KVBLK_MMIO_SIZE, GFP_KERNEL);
	if (!mt->m.page)
		return -ENOMEM;
	mt->m.offered = OFFERED;
	mt->m.queue_max = QUEUE_MAX;
	mt->m.queues = 1;
	mt->m.queue_ok = queue_ok;
	kvblk_mmio_init(&mt->m, config, sizeof(config));
	test->priv = mt;
	return 0;
}

static inline enum kvblk_mmio_act wr(struct mmio_test *mt, u32 offset,
				     u32 value)
{
	return kvblk_mmio_write(&mt->m, offset, 4, value);
}

static inline u32 rd(const struct mmio_test *mt, u32 offset)
{
	return kvblk_mmio_read(&mt->m, offset, 4);
}

/* Steps of a driver's start, up to and including @last. */
static inline void start(struct kunit *test, struct mmio_test *mt, u32 last)
{
	static const u32 steps[] = { A, A | D, A | D | F_OK,
				     A | D | F_OK | D_OK };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] == (A | D | F_OK)) {
			wr(mt, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
			wr(mt, VIRTIO_MMIO_DRIVER_FEATURES, 1);
		}
		KUNIT_ASSERT_EQ(test, wr(mt, VIRTIO_MMIO_STATUS, steps[i]),
				steps[i] & D_OK ? KVBLK_MMIO_START : NONE);
		if (steps[i] & last)
			break;
	}
	KUNIT_ASSERT_EQ(test, rd(mt, VIRTIO_MMIO_STATUS), steps[i]);
}

static inline void set_status(struct mmio_test *mt, u32 status)
{
	((u8 *)mt->m.page)[VIRTIO_MMIO_STATUS] = status;
}

static const u32 queue_registers[] = {
	VIRTIO_MMIO_QUEUE_NUM,
	VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH,
	VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH,
	VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH,
};

static inline void expect_queue_writes(struct kunit *test,
				       struct mmio_test *mt,
				       enum kvblk_mmio_act want)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queue_registers); i++)
		KUNIT_EXPECT_EQ_MSG(test, wr(mt, queue_registers[i], 16), want,
				    "status %#x, register %#x",
				    rd(mt, VIRTIO_MMIO_STATUS),
				    queue_registers[i]);
}

#endif /* KVBLK_TESTS_MMIO_TEST_H */
