// SPDX-License-Identifier: GPL-2.0
/* Kicks and interrupts: suppressed when asked, never lost. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"

#define SIZE		(1 * MIB)
#define BATCH		64
#define MANY		20000
#define HELD_ROUNDS	1000
#define QUIET_MS	50	/* long enough to notice what must not come */

static struct disk disk;
static struct driver d;
static struct request rq[BATCH];

static void setup(const struct driver_config *cfg)
{
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	driver_open(&d, disk.name, cfg);
	/* Answered in place: the backing plays no part. */
	for (i = 0; i < BATCH; i++)
		rq[i].type = VIRTIO_BLK_T_GET_ID;
}

static bool interrupted(int ms)
{
	return event_wait(d.s.event[KVBLK_EVENT_IRQ], ms);
}

/* One request through the ring, whatever was asked of interrupts. */
static void one_request(void)
{
	ASSERT_TRUE(driver_queue(&d, &rq[0]));
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(ring_pending(&d.r)));
	ASSERT_TRUE(driver_reap(&d) == &rq[0]);
}

static uint64_t decisions(void)
{
	struct kvblk_stats st = disk_stats(disk.name);

	return st.interrupts + st.interrupts_suppressed;
}

/* The same, up to the device's decision whether to interrupt. */
static void one_decided_request(void)
{
	uint64_t before = decisions();

	one_request();
	ASSERT_TRUE(WAIT_FOR(decisions() == before + 1));
}

TEST(no_interrupt_flag)
{
	unsigned int i;

	setup(NULL);
	ring_want_interrupt(&d.r, false);
	for (i = 0; i < 20; i++)
		one_decided_request();
	EXPECT_EQ(interrupted(0), false);
	EXPECT_EQ(disk_stats(disk.name).interrupts, 0);
	EXPECT_EQ(disk_stats(disk.name).interrupts_suppressed, 20);

	ring_want_interrupt(&d.r, true);
	one_decided_request();
	EXPECT_EQ(interrupted(WAIT_SECONDS * 1000), true);
	EXPECT_EQ(disk_stats(disk.name).interrupts, 1);
}

/* used_event far ahead: silence until the element that was asked for. */
TEST(event_idx_threshold)
{
	unsigned int round, i;

	setup(&(struct driver_config) { .features = F_EVENT_IDX });
	for (round = 0; round < 5; round++) {
		ring_set_used_event(&d.r, d.r.last_used + 9);
		for (i = 0; i < 9; i++)
			one_decided_request();
		EXPECT_EQ(interrupted(0), false);
		EXPECT_EQ(disk_stats(disk.name).interrupts, round);
		one_decided_request();
		EXPECT_EQ(interrupted(WAIT_SECONDS * 1000), true);
		EXPECT_EQ(disk_stats(disk.name).interrupts, round + 1);
		driver_ack(&d);
		one_decided_request();
		EXPECT_EQ(interrupted(0), false);
	}
}

/* With EVENT_IDX the flag says nothing (2.7.7.2). */
TEST(event_idx_ignores_the_flag)
{
	setup(&(struct driver_config) { .features = F_EVENT_IDX });
	d.r.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ring_set_used_event(&d.r, d.r.last_used);
	one_decided_request();
	EXPECT_EQ(interrupted(WAIT_SECONDS * 1000), true);
}

/* An idle device asks for the next kick and gets by without any other. */
TEST(event_idx_kick_hint)
{
	unsigned int i;
	uint64_t kicks;

	setup(&(struct driver_config) {
		.features = F_EVENT_IDX, .polite = true,
	});
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(WAIT_FOR(ring_avail_event(&d.r) ==
				     d.r.avail_idx));
		kicks = disk_stats(disk.name).kicks;
		one_request();
		EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).kicks ==
				     kicks + 1));
	}
}

TEST(kick_flag_is_clear_when_idle)
{
	unsigned int i;

	setup(&(struct driver_config) { .polite = true });
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(WAIT_FOR(!d.r.used->flags));
		one_request();
	}
	driver_close(&d);

	/* With EVENT_IDX the flag is never used (2.7.10.2). */
	driver_open(&d, disk.name, &(struct driver_config) {
		.features = F_EVENT_IDX,
	});
	for (i = 0; i < 20; i++) {
		one_request();
		EXPECT_EQ(d.r.used->flags, 0);
	}
}

static const char *const kick_variants[] = { "eventfd", "register", NULL };

TEST_EACH(kicks_are_counted, kick_variants)
{
	uint64_t kicks;
	unsigned int i;

	setup(&(struct driver_config) { .kick_write = harness_variant() });
	kicks = disk_stats(disk.name).kicks;
	for (i = 1; i <= 20; i++) {
		one_request();
		EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).kicks == kicks + i));
	}
	/* A kick for nothing is a kick too, and does no harm. */
	driver_kick(&d);
	EXPECT_TRUE(WAIT_FOR(disk_stats(disk.name).kicks == kicks + 21));
	EXPECT_EQ(disk_stats(disk.name).requests, 20);
	EXPECT_EQ(driver_status(&d), STATUS_RUNNING);
}

static const char *const early_variants[] = {
	"eventfd", "register", "before-bind", "no-kick", NULL
};

/* What was offered before DRIVER_OK is found at DRIVER_OK. */
TEST_EACH(early_kick, early_variants)
{
	unsigned int v = harness_variant();
	int kick;

	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, &(struct driver_config) {
		.kick_write = v == 1,
	});
	if (v == 2) {
		kick = eventfd(1, EFD_NONBLOCK);
		ASSERT_EQ(session_bind(d.s.fd, KVBLK_EVENT_KICK, 0, kick), 0);
	}
	driver_negotiate(&d);
	driver_set_queue(&d);
	rq[0].type = VIRTIO_BLK_T_FLUSH;
	ASSERT_TRUE(driver_queue(&d, &rq[0]));
	ring_publish(&d.r);
	if (v < 2)
		driver_kick(&d);
	EXPECT_EQ(event_wait(d.s.event[KVBLK_EVENT_IRQ], QUIET_MS), false);
	EXPECT_EQ(ring_pending(&d.r), false);
	driver_ok(&d);
	EXPECT_EQ(driver_wait(&d), 0);
	EXPECT_TRUE(driver_reap(&d) == &rq[0]);
	EXPECT_EQ(rq[0].status, VIRTIO_BLK_S_OK);
}

static const char *const ack_variants[] = { "eventfd", "register", NULL };

/* The bit is gone when the store that acknowledges it has ended. */
TEST_EACH(interrupt_status, ack_variants)
{
	unsigned int i;

	setup(&(struct driver_config) { .ack_write = harness_variant() });
	for (i = 0; i < 20; i++) {
		one_request();
		ASSERT_EQ(interrupted(WAIT_SECONDS * 1000), true);
		EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS),
			  VIRTIO_MMIO_INT_VRING);
		EXPECT_EQ(driver_ack(&d), VIRTIO_MMIO_INT_VRING);
		EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	}
}

TEST(ack_clears_only_what_it_names)
{
	setup(NULL);
	one_request();
	ASSERT_EQ(interrupted(WAIT_SECONDS * 1000), true);
	session_write(&d.s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS),
		  VIRTIO_MMIO_INT_VRING);
	d.r.avail_idx += d.r.num + 1;
	driver_flush(&d);
	EXPECT_TRUE(WAIT_FOR(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS) ==
			     (VIRTIO_MMIO_INT_VRING | VIRTIO_MMIO_INT_CONFIG)));
	event_signal(d.s.event[KVBLK_EVENT_ACK]);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS),
		  VIRTIO_MMIO_INT_CONFIG);
	session_write(&d.s, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

/* No interrupt and no pending bit of one driver reaches the next. */
TEST(reset_clears_interrupts)
{
	setup(NULL);
	one_request();
	ASSERT_EQ(interrupted(WAIT_SECONDS * 1000), true);
	driver_reset(&d);
	EXPECT_EQ(session_read(&d.s, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	event_take(d.s.event[KVBLK_EVENT_IRQ]);
	EXPECT_EQ(interrupted(QUIET_MS), false);
}

/* What is offered together is answered together. */
TEST(batch_shares_interrupts)
{
	struct kvblk_stats before, after;
	unsigned int i, done = 0;

	setup(&(struct driver_config) { .num = 256 });
	for (i = 0; i < BATCH; i++)
		ASSERT_TRUE(driver_queue(&d, &rq[i]));
	before = disk_stats(disk.name);
	driver_flush(&d);
	while (done < BATCH) {
		ASSERT_EQ(driver_wait(&d), 0);
		while (driver_reap(&d))
			done++;
	}
	after = disk_stats(disk.name);
	EXPECT_EQ(after.requests - before.requests, BATCH);
	EXPECT_GE(after.interrupts - before.interrupts, 1);
	EXPECT_LE(after.interrupts - before.interrupts, 4);
}

/* One that a work item answers and one that is answered in place. */
static void one_of_each(void)
{
	unsigned int done = 0;

	ASSERT_TRUE(driver_queue(&d, &rq[0]));
	ASSERT_TRUE(driver_queue(&d, &rq[1]));
	driver_flush(&d);
	while (done < 2) {
		ASSERT_EQ(driver_wait(&d), 0);
		while (driver_reap(&d))
			done++;
	}
}

/*
 * Interrupts that are held back come all the same: the driver looks at nothing else. Now and
 * then the flush ends before the other answer is shown.
 */
TEST(held_interrupts_come)
{
	struct kvblk_stats st;
	unsigned int i;

	setup(NULL);
	rq[0].type = VIRTIO_BLK_T_FLUSH;
	ASSERT_EQ(disk_interrupts(disk.name, 4, 500), 0);
	for (i = 0; i < HELD_ROUNDS; i++)
		one_of_each();
	st = disk_stats(disk.name);
	harness_note("%llu interrupts for %llu answers, held %llu times",
		     (unsigned long long)st.interrupts,
		     (unsigned long long)st.requests,
		     (unsigned long long)st.interrupts_held);
	EXPECT_GE(st.interrupts_held, 1);
	EXPECT_LE(st.lost_interrupts, 1);
}

static atomic_bool stop;

/* Kicks at random, as a second processor of the guest would. */
static void *kicker(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop)) {
		driver_kick(&d);
		usleep(random_u32() % 200);
	}
	return NULL;
}

static const char *const lost_variants[] = {
	"plain", "plain-polite", "event-idx", "event-idx-polite", "event-idx-polite-moderated",
	NULL
};

#define LOST_MODERATED	4

/*
 * Each wait is for an interrupt alone. The device repairs what is lost and
 * counts it; a machine that stands still for a second looks like one loss. A moderated driver
 * offers one by one, and is asked to notify of several.
 */
TEST_EACH(nothing_is_lost, lost_variants)
{
	unsigned int v = harness_variant();
	unsigned int sent = 0, done = 0, n, free = BATCH;
	struct request *stack[BATCH];
	struct kvblk_stats st;
	pthread_t thread;

	setup(&(struct driver_config) {
		.features = v >= 2 ? F_EVENT_IDX : 0,
		.polite = v % 2 || v == LOST_MODERATED,
	});
	if (v == LOST_MODERATED)
		ASSERT_EQ(disk_interrupts(disk.name, 16, 200), 0);
	for (n = 0; n < BATCH; n++)
		stack[n] = &rq[n];
	/* A polite driver must do without stray kicks that hide a lost one. */
	if (!d.cfg.polite)
		ASSERT_EQ(pthread_create(&thread, NULL, kicker, NULL), 0);
	while (done < MANY) {
		n = 1 + random_u32() % BATCH;
		for (; n && free && sent < MANY; n--, sent++) {
			ASSERT_TRUE(driver_queue(&d, stack[--free]));
			if (v == LOST_MODERATED)
				driver_flush(&d);
		}
		driver_flush(&d);
		ASSERT_EQ(driver_wait(&d), 0);
		while (free < BATCH && (stack[free] = driver_reap(&d))) {
			free++;
			done++;
		}
	}
	atomic_store(&stop, true);
	if (!d.cfg.polite)
		pthread_join(thread, NULL);
	st = disk_stats(disk.name);
	harness_note("%llu notifications, %llu interrupts, asked late %llu times",
		     (unsigned long long)st.kicks, (unsigned long long)st.interrupts,
		     (unsigned long long)st.asked_late);
	EXPECT_EQ(st.asked_late > 0, v == LOST_MODERATED);
	EXPECT_EQ(st.requests, MANY);
	EXPECT_LE(st.lost_kicks + st.lost_interrupts, 1);
}

/* Without an interrupt eventfd the driver polls; without a kick it writes. */
TEST(unbound_events)
{
	unsigned int i;

	disk_make(&disk, SIZE, 0);
	driver_init(&d, disk.name, &(struct driver_config) {
		.poll = true, .kick_write = true,
	});
	for (i = 0; i < KVBLK_EVENT_NR; i++)
		ASSERT_EQ(session_bind(d.s.fd, i, 0, -1), 0);
	driver_start(&d);
	event_signal(d.s.event[KVBLK_EVENT_KICK]);
	driver_prove(&d, 0, 1);
	EXPECT_EQ(interrupted(0), false);
}

/* A new binding takes over from the old one. */
TEST(bind_again)
{
	int old, irq;

	setup(NULL);
	driver_reset(&d);
	old = d.s.event[KVBLK_EVENT_IRQ];
	event_take(old);
	irq = eventfd(0, EFD_NONBLOCK);
	ASSERT_EQ(session_bind(d.s.fd, KVBLK_EVENT_IRQ, 0, irq), 0);
	d.s.event[KVBLK_EVENT_IRQ] = irq;
	driver_restart(&d);
	driver_prove(&d, 0, 1);
	EXPECT_EQ(event_take(old), 0);
}
