// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that kicks only when it is asked to, at the worst moments: from a timer interrupt
 * a little after the worker has started a request, that is while it looks for more, asks
 * for notifications, and looks again.
 */
#include <linux/hrtimer.h>
#include "bench_driver.h"
#include "prng.h"

#define CHAINS	3000
#define WINDOW	16000	/* ns, with sanitizers about twice what a pass takes */

/**
 * struct polite - The driver
 * @b: Its bench.
 * @timer: Offers the next chain.
 * @p: For the delay.
 * @sent: Chains offered.
 * @kicks: For so many of them.
 */
struct polite {
	struct bench *b;
	struct hrtimer timer;
	struct prng p;
	u16 sent;
	u16 kicks;
};

static bool polite_is_asked(const struct polite *d)
{
	const struct guest_ring *r = &d->b->ring;

	/* The index first (2.7.7.1): pairs with that in vring_has_passed(). */
	smp_mb();
	if (d->b->features & BENCH_EVENT_IDX)
		return vring_need_event(guest_ring_avail_event(r), r->avail_idx,
					r->avail_idx - 1);
	return !(guest_ring_used_flags(r) & VRING_USED_F_NO_NOTIFY);
}

static struct polite polite;

static enum hrtimer_restart polite_send(struct hrtimer *timer)
{
	struct polite *d = container_of(timer, struct polite, timer);

	/* The one before may still be on its way. */
	guest_ring_offer(&d->b->ring, slot_head(d->b, d->sent % 2));
	WRITE_ONCE(d->sent, d->sent + 1);
	if (polite_is_asked(d)) {
		d->kicks++;
		bench_kick(d->b);
	}
	return HRTIMER_NORESTART;
}

/* In the worker, which goes on to look for more. */
static void polite_attempt(struct fake_backing *f)
{
	struct polite *d = &polite;

	if (READ_ONCE(d->sent) < CHAINS)
		hrtimer_start(&d->timer, ns_to_ktime(prng_below(&d->p, WINDOW)),
			      HRTIMER_MODE_REL);
}

/* It has seen all answers, and wants to be told of the next. */
static void polite_used(struct bench *b)
{
	guest_ring_set_used_event(&b->ring, guest_ring_used_idx(&b->ring));
}

static const struct polite_row {
	const char *name;
	u64 features;
	u32 held;
	u32 usecs;
} polite_rows[] = {
	{ "flag", BENCH_INDIRECT },
	{ "event", BENCH_INDIRECT | BENCH_EVENT_IDX },
	{ "asked late", BENCH_INDIRECT | BENCH_EVENT_IDX, 2, 50 },
};

KUNIT_ARRAY_PARAM_DESC(polite, polite_rows, name);

/* Each chain is served without the help of the self-check, which would count. */
static void no_chain_is_missed(struct kunit *test)
{
	const struct polite_row *row = test->param_value;
	struct bench *b = test->priv;
	struct polite *d = &polite;

	*d = (struct polite){ .b = b, .p.state = 0x6b76626c6b2d7434ULL };
	hrtimer_setup(&d->timer, polite_send, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	bench_start(b, 64, row->features);
	bench_put_reads(b, 0, 2);
	d->sent = 2;
	b->disk.on_attempt = polite_attempt;
	b->on_used = polite_used;
	b->moderation = (struct kvblk_moderation){ row->held, row->usecs };
	bench_kick(b);
	bench_await_used(b, CHAINS);
	KUNIT_EXPECT_EQ(test, 0, bench_stat(b, KVBLK_STAT_LOST_KICKS));
	/* Both happened, so the moment was met from both sides. */
	KUNIT_EXPECT_GT(test, d->kicks, 0);
	KUNIT_EXPECT_LT(test, d->kicks, CHAINS - 2);
	kunit_info(test, "%u of %u chains needed a kick", d->kicks, CHAINS);
	bench_stop(b);
	hrtimer_cancel(&d->timer);
}

static struct kunit_case polite_cases[] = {
	KUNIT_CASE_PARAM(no_chain_is_missed, polite_gen_params),
	{}
};

static struct kunit_suite polite_suite = {
	.name = "kvblk_polite",
	.init = bench_init,
	.exit = bench_exit,
	.test_cases = polite_cases,
};

kunit_test_suite(polite_suite);
