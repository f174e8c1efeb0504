// SPDX-License-Identifier: GPL-2.0
/* Virtio 1.2, 5.2.6.2: what a driver that did not take FLUSH may rely on. */
#include "bench_driver.h"

#define IN	VIRTIO_BLK_T_IN
#define OUT	VIRTIO_BLK_T_OUT

struct durable_row {
	const char *name;
	u64 features;
	u32 type;
	int flush_err;
	u8 status;
	int flushes;
};

static const struct durable_row durable_rows[] = {
	{ "write, can flush", 0, OUT, 0, VIRTIO_BLK_S_OK, 0 },
	{ "write, cannot", BENCH_FLUSH, OUT, 0, VIRTIO_BLK_S_OK, 1 },
	{ "write, flush fails", BENCH_FLUSH, OUT, -EIO, VIRTIO_BLK_S_IOERR, 1 },
	{ "read, cannot", BENCH_FLUSH, IN, 0, VIRTIO_BLK_S_OK, 0 },
};

KUNIT_ARRAY_PARAM_DESC(durable, durable_rows, name);

static void write_is_durable(struct kunit *test)
{
	const struct durable_row *row = test->param_value;
	struct bench *b = test->priv;

	b->disk.script.flush_err = row->flush_err;
	bench_start(b, 16, row->features);
	bench_put(b, 0, &(struct bench_req){
		.type = row->type, .sector = 2, .len = 512,
	});
	bench_kick(b);
	bench_expect_done(b, 1);
	KUNIT_EXPECT_EQ(test, row->status, slot_status(b, 0));
	KUNIT_EXPECT_EQ(test, row->flushes, atomic_read(&b->disk.flushes));
}

static struct kunit_case durable_cases[] = {
	KUNIT_CASE_PARAM(write_is_durable, durable_gen_params),
	{}
};

static struct kunit_suite durable_suite = {
	.name = "kvblk_durable",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = durable_cases,
};

kunit_test_suite(durable_suite);
