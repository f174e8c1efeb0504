// SPDX-License-Identifier: GPL-2.0
/* Pause and resume, by the control device and by the VMM. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "contract.h"
#include "disk.h"
#include "harness.h"
#include "load.h"
#include "witness.h"

#define SIZE	(8 * MIB)

static const char * const kinds[] = {
	"control.buffered", "control.direct", "vmm.buffered", "vmm.direct", NULL,
};

static struct disk disk;
static struct driver d;

static bool by_vmm(void)
{
	return harness_variant() >= 2;
}

static void setup(void)
{
	disk_make(&disk, SIZE, harness_variant() % 2 ? KVBLK_DISK_DIRECT : 0);
	driver_open(&d, disk.name, NULL);
}

/* Requests left in flight, or -errno. */
static int64_t control_pause(unsigned long cmd, uint32_t timeout_ms)
{
	struct kvblk_pause arg = {
		.hdr.size = sizeof(arg), .timeout_ms = timeout_ms,
	};
	int err;

	memcpy(arg.name, disk.name, sizeof(arg.name));
	err = disk_control(cmd, &arg);
	return err ? err : (int64_t)arg.in_flight;
}

static int64_t vmm_pause(unsigned long cmd, uint32_t timeout_ms)
{
	struct kvblk_session_pause arg = {
		.hdr.size = sizeof(arg), .timeout_ms = timeout_ms,
	};
	int err = call(d.s.fd, cmd, &arg);

	return err ? err : (int64_t)arg.in_flight;
}

static int64_t pause_it(void)
{
	if (by_vmm())
		return BOUNDED(PAUSE, vmm_pause(KVBLK_SESSION_PAUSE, 20000));
	return BOUNDED(PAUSE, control_pause(KVBLK_PAUSE, 20000));
}

static int64_t resume_it(void)
{
	return by_vmm() ? vmm_pause(KVBLK_SESSION_RESUME, 0) :
			  control_pause(KVBLK_RESUME, 0);
}

static uint64_t memory_sum(const struct memory *m)
{
	uint64_t sum = 0, i;
	unsigned int r;

	for (r = 0; r < m->nr; r++)
		for (i = 0; i < m->region[r].size; i += sizeof(sum))
			sum = sum * 31 +
			      *(const uint64_t *)(m->region[r].addr + i);
	return sum;
}

static unsigned int reap_all(unsigned int want)
{
	struct request *rq;
	unsigned int got = 0;

	while (got < want) {
		ASSERT_EQ(driver_wait(&d), 0);
		while ((rq = driver_reap(&d))) {
			EXPECT_EQ(rq->status, VIRTIO_BLK_S_OK);
			got++;
		}
	}
	return got;
}

/* A look at a page nobody wrote maps the zero page, which User Mode Linux cannot copy to. */
static void memory_touch(const struct memory *m)
{
	volatile uint8_t *page;
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		page = m->region[i].addr;
		for (; page < m->region[i].addr + m->region[i].size; page += 4096)
			*page = *page;
	}
}

/* Nothing moves while a loaded disk is paused, and nothing is lost. */
TEST_EACH(still_under_load, kinds)
{
	struct load load;
	unsigned int round;
	uint64_t sum;

	setup();
	memory_touch(&d.m);
	for (round = 0; round < 20; round++) {
		load_init(&load, &d);
		load_submit(&load);
		usleep(random_u32() % 2000);
		ASSERT_EQ(pause_it(), 0);
		EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_PAUSED);
		EXPECT_EQ(disk_stats(disk.name).in_flight, 0);
		sum = memory_sum(&d.m);
		driver_kick(&d);
		usleep(3000);
		ASSERT_EQ(memory_sum(&d.m), sum);
		ASSERT_GE(resume_it(), 0);
		reap_all(LOAD_DEPTH);
	}
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_RUNNING);
	driver_prove(&d, 0, 3);
}

TEST_EACH(again_is_no_error, kinds)
{
	setup();
	EXPECT_EQ(pause_it(), 0);
	EXPECT_EQ(pause_it(), 0);
	EXPECT_GE(resume_it(), 0);
	EXPECT_GE(resume_it(), 0);
	driver_prove(&d, 0, 4);
}

/* A reset is not held up, and does not end the pause. */
TEST_EACH(reset_goes_on, kinds)
{
	struct load load;

	setup();
	load_init(&load, &d);
	load_submit(&load);
	ASSERT_EQ(pause_it(), 0);
	driver_restart(&d);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_PAUSED);
	load_init(&load, &d);
	load_submit(&load);
	usleep(20000);
	EXPECT_EQ(ring_used_idx(&d.r), 0);
	ASSERT_GE(resume_it(), 0);
	reap_all(LOAD_DEPTH);
}

TEST(both_must_let_go)
{
	setup();
	EXPECT_EQ(control_pause(KVBLK_PAUSE, 0), 0);
	EXPECT_EQ(vmm_pause(KVBLK_SESSION_PAUSE, 0), 0);
	EXPECT_EQ(vmm_pause(KVBLK_SESSION_RESUME, 0), 0);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_PAUSED);
	EXPECT_EQ(control_pause(KVBLK_RESUME, 0), 0);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_RUNNING);
	driver_prove(&d, 0, 5);
}

TEST(vmm_pause_ends_with_its_session)
{
	setup();
	EXPECT_EQ(vmm_pause(KVBLK_SESSION_PAUSE, 0), 0);
	session_close(&d.s);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 6);
}

TEST(control_pause_outlives_sessions)
{
	setup();
	session_close(&d.s);
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
	EXPECT_EQ(control_pause(KVBLK_PAUSE, 0), 0);
	driver_open(&d, disk.name, NULL);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_PAUSED);
	EXPECT_EQ(control_pause(KVBLK_RESUME, 0), 0);
	driver_prove(&d, 0, 7);
}

TEST(bad_arguments)
{
	struct kvblk_pause arg = {
		.hdr.size = sizeof(arg), .timeout_ms = KVBLK_PAUSE_MS_MAX + 1,
	};

	setup();
	memcpy(arg.name, disk.name, sizeof(arg.name));
	contract_refuse(disk_control_fd(), KVBLK_PAUSE, &arg, -EINVAL,
			"timeout_ms");
	arg.timeout_ms = 1;
	contract_refuse(disk_control_fd(), KVBLK_RESUME, &arg, -EOPNOTSUPP,
			"timeout_ms");
	snprintf(arg.name, sizeof(arg.name), "nosuch");
	arg.timeout_ms = 0;
	contract_refuse(disk_control_fd(), KVBLK_PAUSE, &arg, -ENOENT, "nosuch");
	contract_refuse(disk_control_fd(), KVBLK_RESUME, &arg, -ENOENT, "nosuch");
	EXPECT_EQ(vmm_pause(KVBLK_SESSION_PAUSE, KVBLK_PAUSE_MS_MAX + 1), -EINVAL);
	EXPECT_EQ(vmm_pause(KVBLK_SESSION_RESUME, 1), -EOPNOTSUPP);
	EXPECT_EQ(disk_state(disk.name), KVBLK_STATE_RUNNING);
}

/* The disk finds by itself what nobody told it of. */
TEST(lost_kick_is_found)
{
	struct request rq = { .type = VIRTIO_BLK_T_FLUSH };

	setup();
	driver_prove(&d, 0, 8);
	usleep(20000);
	ASSERT_TRUE(driver_queue(&d, &rq));
	ring_publish(&d.r);
	EXPECT_EQ(driver_wait(&d), 0);
	EXPECT_TRUE(driver_reap(&d) == &rq);
	EXPECT_EQ(disk_stats(disk.name).lost_kicks, 1);
}

TEST(lost_interrupt_is_sent_again)
{
	struct request rq = { .type = VIRTIO_BLK_T_FLUSH };

	setup();
	ASSERT_TRUE(driver_queue(&d, &rq));
	driver_flush(&d);
	ASSERT_TRUE(event_wait(d.s.event[KVBLK_EVENT_IRQ], WAIT_SECONDS * 1000));
	event_take(d.s.event[KVBLK_EVENT_IRQ]);
	EXPECT_TRUE(event_wait(d.s.event[KVBLK_EVENT_IRQ], WAIT_SECONDS * 1000));
	EXPECT_EQ(disk_stats(disk.name).lost_interrupts, 1);
}
