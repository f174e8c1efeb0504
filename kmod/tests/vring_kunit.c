// SPDX-License-Identifier: GPL-2.0
/* Taking and giving back chains, and who is told of it. */
#include <kunit/test.h>
#include "ring_test.h"

static void start_at(struct ring_test *rt, u16 idx)
{
	guest_ring_start_at(&rt->drv, idx);
	rt->vr.next_avail = idx;
	rt->vr.next_used = idx;
	rt->vr.published = idx;
}

static void sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvblk_vring_desc_size(1), 16);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(1), 8);
	KUNIT_EXPECT_EQ(test, kvblk_vring_used_size(1), 14);
	KUNIT_EXPECT_EQ(test, kvblk_vring_desc_size(1024), 16384);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(1024), 2054);
	KUNIT_EXPECT_EQ(test, kvblk_vring_used_size(1024), 8198);
	KUNIT_EXPECT_EQ(test, kvblk_vring_avail_size(32768), 65542);
}

static void peek_takes_nothing(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 head = 99;

	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
	KUNIT_EXPECT_EQ(test, head, 99);
	guest_ring_offer(&rt->drv, 5);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	KUNIT_EXPECT_EQ(test, head, 5);
	head = 99;
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	KUNIT_EXPECT_EQ(test, head, 5);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
}

static void peek_keeps_order(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 i, head;

	start_at(rt, 65533);
	for (i = 0; i < NUM; i++)
		guest_ring_offer(&rt->drv, NUM - 1 - i);
	for (i = 0; i < NUM; i++) {
		KUNIT_ASSERT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
		KUNIT_EXPECT_EQ(test, head, NUM - 1 - i);
		kvblk_vring_advance(&rt->vr);
	}
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 0);
	KUNIT_EXPECT_EQ(test, rt->vr.next_avail, 5);
}

/* The driver's word, checked by nobody; it moves with each chain, not with ours. */
static void end_is_the_drivers(struct kunit *test)
{
	struct ring_test *rt = test->priv;

	start_at(rt, 65535);
	KUNIT_EXPECT_EQ(test, kvblk_vring_end(&rt->vr), 65535);
	guest_ring_offer(&rt->drv, 5);
	KUNIT_EXPECT_EQ(test, kvblk_vring_end(&rt->vr), 0);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_end(&rt->vr), 0);
	guest_ring_start_at(&rt->drv, 12345);
	KUNIT_EXPECT_EQ(test, kvblk_vring_end(&rt->vr), 12345);
}

static const struct ahead_row {
	const char *name;
	u16 next;
	u16 idx;
	int ret;
} ahead_rows[] = {
	{ "equal", 7, 7, 0 },
	{ "one", 7, 8, 1 },
	{ "a full ring", 7, 7 + NUM, 1 },
	{ "one too many", 7, 8 + NUM, -ERANGE },
	{ "far ahead", 7, 1007, -ERANGE },
	{ "one back", 7, 6, -ERANGE },
	{ "wrapped, full", 65530, (u16)(65530 + NUM), 1 },
	{ "wrapped, too many", 65530, (u16)(65531 + NUM), -ERANGE },
	{ "wrapped, equal", 0, 0, 0 },
	{ "behind by one over the wrap", 0, 65535, -ERANGE },
};

static void ahead_desc(const struct ahead_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ahead, ahead_rows, ahead_desc);

static void avail_idx(struct kunit *test)
{
	const struct ahead_row *row = test->param_value;
	struct ring_test *rt = test->priv;
	u16 head;

	start_at(rt, row->next);
	guest_ring_set_avail_idx(&rt->drv, row->idx);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), row->ret);
	KUNIT_EXPECT_EQ(test, rt->vr.next_avail, row->next);
}

static void bad_head(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 head;

	guest_ring_offer(&rt->drv, NUM - 1);
	guest_ring_offer(&rt->drv, NUM);
	guest_ring_offer(&rt->drv, 65535);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), -EINVAL);
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_EQ(test, kvblk_vring_peek(&rt->vr, &head), -EINVAL);
}

static void push_is_not_seen(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u32 id, len;

	start_at(rt, 65535);
	kvblk_vring_push(&rt->vr, 3, 513);
	kvblk_vring_push(&rt->vr, 7, U32_MAX);
	KUNIT_EXPECT_FALSE(test, guest_ring_take(&rt->drv, &id, &len));
	kvblk_vring_publish(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv), 1);
	KUNIT_ASSERT_TRUE(test, guest_ring_take(&rt->drv, &id, &len));
	KUNIT_EXPECT_EQ(test, id, 3);
	KUNIT_EXPECT_EQ(test, len, 513);
	KUNIT_ASSERT_TRUE(test, guest_ring_take(&rt->drv, &id, &len));
	KUNIT_EXPECT_EQ(test, id, 7);
	KUNIT_EXPECT_EQ(test, len, U32_MAX);
	KUNIT_EXPECT_FALSE(test, guest_ring_take(&rt->drv, &id, &len));
}

static const struct signal_row {
	const char *name;
	bool event_idx;
	u16 avail_flags;
	u16 start;
	u16 pushed;
	u16 used_event;
	bool interrupt;
} signal_rows[] = {
	{ "nothing pushed", false, 0, 0, 0, 0, false },
	{ "nothing pushed, event", true, 0, 0, 0, 0, false },
	{ "plain", false, 0, 0, 1, 0xffff, true },
	{ "plain, three", false, 0, 9, 3, 0, true },
	{ "no interrupt asked", false, VRING_AVAIL_F_NO_INTERRUPT, 0, 1, 0,
	  false },
	{ "only that flag counts", false, 0xfffe, 0, 1, 0, true },
	{ "event, this one", true, 0, 0, 1, 0, true },
	{ "event, the next one", true, 0, 0, 1, 1, false },
	{ "event, long ago", true, 0, 8, 1, 3, false },
	{ "event, first of three", true, 0, 4, 3, 4, true },
	{ "event, last of three", true, 0, 4, 3, 6, true },
	{ "event, behind three", true, 0, 4, 3, 7, false },
	{ "event, before three", true, 0, 4, 3, 3, false },
	{ "event, threshold 10", true, 0, 0, 3, 10, false },
	{ "event over the wrap", true, 0, 65534, 3, 65535, true },
	{ "event 0 over the wrap", true, 0, 65534, 3, 0, true },
	{ "event behind the wrap", true, 0, 65534, 3, 1, false },
	{ "event beats NO_INTERRUPT", true, VRING_AVAIL_F_NO_INTERRUPT, 0, 1,
	  0, true },
};

static void signal_desc(const struct signal_row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(signal, signal_rows, signal_desc);

static void interrupt_decision(struct kunit *test)
{
	const struct signal_row *row = test->param_value;
	struct ring_test *rt = test->priv;
	u16 i;

	start_at(rt, row->start);
	rt->vr.event_idx = row->event_idx;
	guest_ring_set_avail_flags(&rt->drv, row->avail_flags);
	guest_ring_set_used_event(&rt->drv, row->used_event);
	for (i = 0; i < row->pushed; i++)
		kvblk_vring_push(&rt->vr, i, 1);
	KUNIT_EXPECT_EQ(test, kvblk_vring_publish(&rt->vr), row->interrupt);
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv),
			(u16)(row->start + row->pushed));
	/* Asked again, there is nothing new to tell. */
	KUNIT_EXPECT_FALSE(test, kvblk_vring_publish(&rt->vr));
}

/* Batch after batch, exactly the one that reaches used_event interrupts. */
static void event_over_batches(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	unsigned int batch, interrupts = 0;

	rt->vr.event_idx = true;
	guest_ring_set_used_event(&rt->drv, 4);
	for (batch = 0; batch < 4; batch++) {
		kvblk_vring_push(&rt->vr, 0, 1);
		kvblk_vring_push(&rt->vr, 1, 1);
		if (kvblk_vring_publish(&rt->vr)) {
			interrupts++;
			KUNIT_EXPECT_EQ(test, batch, 2);
		}
	}
	KUNIT_EXPECT_EQ(test, interrupts, 1);
}

static void notify_by_flag(struct kunit *test)
{
	struct ring_test *rt = test->priv;

	kvblk_vring_disable_notify(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv),
			VRING_USED_F_NO_NOTIFY);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 0);
	guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_TRUE(test, kvblk_vring_enable_notify(&rt->vr));
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
}

static void notify_by_event(struct kunit *test)
{
	struct ring_test *rt = test->priv;

	rt->vr.event_idx = true;
	start_at(rt, 65535);
	kvblk_vring_disable_notify(&rt->vr);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
	/* One chain more, then a ring full: no reason to notify. */
	KUNIT_EXPECT_FALSE(test, vring_need_event(guest_ring_avail_event(&rt->drv), 0, 65535));
	KUNIT_EXPECT_FALSE(test, vring_need_event(guest_ring_avail_event(&rt->drv),
						  65535 + rt->vr.num, 65535));
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 65535);
	KUNIT_EXPECT_TRUE(test, vring_need_event(guest_ring_avail_event(&rt->drv), 0, 65535));
	guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_TRUE(test, kvblk_vring_enable_notify(&rt->vr));
	kvblk_vring_advance(&rt->vr);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_enable_notify(&rt->vr));
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 0);
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
}

static void notify_after_more(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	u16 i;

	rt->vr.event_idx = true;
	start_at(rt, 65534);
	KUNIT_EXPECT_FALSE(test, kvblk_vring_notify_after(&rt->vr, 3));
	KUNIT_EXPECT_EQ(test, guest_ring_avail_event(&rt->drv), 1);
	/* Of three it need not, of the fourth it must. */
	for (i = 0; i < 3; i++)
		guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_FALSE(test, vring_need_event(guest_ring_avail_event(&rt->drv), 1, 65534));
	KUNIT_EXPECT_FALSE(test, kvblk_vring_notify_after(&rt->vr, 3));
	guest_ring_offer(&rt->drv, 0);
	KUNIT_EXPECT_TRUE(test, vring_need_event(guest_ring_avail_event(&rt->drv), 2, 1));
	KUNIT_EXPECT_TRUE(test, kvblk_vring_notify_after(&rt->vr, 3));
	KUNIT_EXPECT_EQ(test, guest_ring_used_flags(&rt->drv), 0);
}

/* The areas are exactly as large as the sizes say: nothing is written beyond. */
static void areas_are_respected(struct kunit *test)
{
	struct ring_test *rt = test->priv;
	void *desc, *avail, *used;
	u16 head, i;

	desc = kunit_kzalloc(test, kvblk_vring_desc_size(NUM), GFP_KERNEL);
	avail = kunit_kzalloc(test, kvblk_vring_avail_size(NUM), GFP_KERNEL);
	used = kunit_kzalloc(test, kvblk_vring_used_size(NUM), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, desc);
	KUNIT_ASSERT_NOT_NULL(test, avail);
	KUNIT_ASSERT_NOT_NULL(test, used);
	rt->vr.desc = desc;
	rt->vr.avail = avail;
	rt->vr.used = used;
	rt->drv.avail = avail;
	rt->drv.used = used;
	rt->vr.event_idx = true;
	for (i = 0; i < 3 * NUM; i++) {
		guest_ring_offer(&rt->drv, i % NUM);
		KUNIT_ASSERT_EQ(test, kvblk_vring_peek(&rt->vr, &head), 1);
		KUNIT_ASSERT_EQ(test, walk(rt, head), 0);
		kvblk_vring_advance(&rt->vr);
		kvblk_vring_push(&rt->vr, head, i);
		kvblk_vring_publish(&rt->vr);
		kvblk_vring_enable_notify(&rt->vr);
	}
	KUNIT_EXPECT_EQ(test, guest_ring_used_idx(&rt->drv), 3 * NUM);
}

static struct kunit_case vring_cases[] = {
	KUNIT_CASE(sizes),
	KUNIT_CASE(peek_takes_nothing),
	KUNIT_CASE(peek_keeps_order),
	KUNIT_CASE(end_is_the_drivers),
	KUNIT_CASE_PARAM(avail_idx, ahead_gen_params),
	KUNIT_CASE(bad_head),
	KUNIT_CASE(push_is_not_seen),
	KUNIT_CASE_PARAM(interrupt_decision, signal_gen_params),
	KUNIT_CASE(event_over_batches),
	KUNIT_CASE(notify_by_flag),
	KUNIT_CASE(notify_by_event),
	KUNIT_CASE(notify_after_more),
	KUNIT_CASE(areas_are_respected),
	{}
};

static struct kunit_suite vring_suite = {
	.name = "kvblk_vring",
	.init = ring_test_init,
	.test_cases = vring_cases,
};

kunit_test_suite(vring_suite);
