// SPDX-License-Identifier: GPL-2.0
/*
 * A disk on the vDPA bus while allocations fail: put there and taken away, its start, a
 * change of its memory, its end. The bus hides some failures: what counts is the state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/vdpa.h>
#include "disk.h"
#include "driver.h"
#include "fault.h"
#include "harness.h"
#include "vdpa.h"

#define SIZE	(1 * MIB)

static struct disk disk;
static struct driver d;

static void __attribute__((constructor)) use_vdpa(void)
{
	setenv("KVBLK_TEST_FRONT", "vdpa", 1);
}

/* ---- the bus, by netlink: allocations of a tool of its own would not fail ---- */

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attrs[256];
};

static int netlink = -1;
static uint16_t family;

static void add_text(struct message *m, uint16_t type, const char *text)
{
	struct nlattr *a = (void *)m + NLMSG_ALIGN(m->nl.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + strlen(text) + 1;
	memcpy((char *)a + NLA_HDRLEN, text, strlen(text) + 1);
	m->nl.nlmsg_len = NLMSG_ALIGN(m->nl.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static void message_init(struct message *m, uint16_t type, uint8_t command)
{
	memset(m, 0, sizeof(*m));
	m->nl.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	m->nl.nlmsg_type = type;
	m->nl.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m->genl.cmd = command;
	m->genl.version = 1;
}

/* Handled before send() returns. No answer, for want of memory, is one, too. */
static int request(const struct message *m)
{
	struct { struct nlmsghdr nl; struct nlmsgerr e; uint8_t more[256]; } answer;

	if (send(netlink, m, m->nl.nlmsg_len, 0) < 0)
		return -errno;
	if (recv(netlink, &answer, sizeof(answer), MSG_DONTWAIT) < 0)
		return -errno;
	return answer.nl.nlmsg_type == NLMSG_ERROR ? answer.e.error : -EPROTO;
}

static void netlink_init(void)
{
	struct { struct nlmsghdr nl; struct genlmsghdr genl; uint8_t a[1024]; } answer;
	struct message m;
	struct nlattr *a;

	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_GE(netlink, 0);
	message_init(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	m.nl.nlmsg_flags = NLM_F_REQUEST;
	add_text(&m, CTRL_ATTR_FAMILY_NAME, VDPA_GENL_NAME);
	ASSERT_EQ(send(netlink, &m, m.nl.nlmsg_len, 0), m.nl.nlmsg_len);
	ASSERT_GE(recv(netlink, &answer, sizeof(answer), 0), 0);
	ASSERT_NE(answer.nl.nlmsg_type, NLMSG_ERROR);
	for (a = (void *)answer.a; a->nla_type != CTRL_ATTR_FAMILY_ID;
	     a = (void *)a + NLA_ALIGN(a->nla_len))
		ASSERT_GE(a->nla_len, NLA_HDRLEN);
	memcpy(&family, (uint8_t *)a + NLA_HDRLEN, sizeof(family));
}

/* It may be this look that fails; not the next one. */
static bool on_bus(void)
{
	return vdpa_on_bus(disk.name) || vdpa_on_bus(disk.name);
}

static int run_attach(void)
{
	struct message m;
	int ret;

	message_init(&m, family, VDPA_CMD_DEV_NEW);
	add_text(&m, VDPA_ATTR_MGMTDEV_DEV_NAME, "kvblk");
	add_text(&m, VDPA_ATTR_DEV_NAME, disk.name);
	ret = request(&m);
	return on_bus() ? 0 : ret ?: -EIO;
}

static int run_detach(void)
{
	struct message m;
	int ret;

	message_init(&m, family, VDPA_CMD_DEV_DEL);
	add_text(&m, VDPA_ATTR_DEV_NAME, disk.name);
	ret = request(&m);
	return on_bus() ? ret ?: -EIO : 0;
}

/* Of the sockets, too. */
static bool netlink_may_fail(enum fault_kind kind, int err)
{
	return err == -ENOMEM || err == -ENOBUFS || (kind == FAULT_COPY && err == -EFAULT);
}

static void expect_idle(void)
{
	ASSERT_TRUE(WAIT_FOR(disk_state(disk.name) == KVBLK_STATE_IDLE));
}

static void detach(void)
{
	ASSERT_EQ(vdpa_remove(disk.name), 0);
	expect_idle();
}

static void attach(void)
{
	ASSERT_EQ(run_attach(), 0);
}

TEST(attach_and_detach)
{
	struct fault_op op = {
		.name = "attach",
		.run = run_attach,
		.failed = expect_idle,
		.undo = detach,
		.may_fail = netlink_may_fail,
	};

	fault_init();
	netlink_init();
	disk_make(&disk, SIZE, 0);
	fault_sweep(&op);
	op.name = "detach";
	op.before = attach;
	op.run = run_detach;
	op.failed = detach;
	op.undo = expect_idle;
	fault_sweep(&op);
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
	driver_close(&d);
	fault_report();
}

/* ---- a VMM ---- */

/* A message that fails for whatever reason is EFAULT or EINVAL to vhost. */
static bool vhost_may_fail(enum fault_kind kind, int err)
{
	return err == -ENOMEM || err == -EFAULT || (kind == FAULT_COPY && err == -EINVAL);
}

/* The bus does not tell that memory was not taken; the device needs a reset then. */
static int state(int err)
{
	uint8_t status;

	if (err)
		return err;
	/* Of two calls one can fail. */
	if (call(d.s.fd, VHOST_VDPA_GET_STATUS, &status))
		ASSERT_EQ(call(d.s.fd, VHOST_VDPA_GET_STATUS, &status), 0);
	return status & STATUS_BROKEN ? -ENOMEM : 0;
}

static void open_without_memory(void)
{
	driver_init(&d, disk.name, NULL);
	driver_negotiate(&d);
	driver_set_queue(&d);
	ASSERT_EQ(vdpa_unmap(d.s.fd, 0, ~0ULL), 0);
}

static int run_give_and_start(void)
{
	int err = vdpa_give(d.s.fd, &d.m);

	/* A batch that was left open would have no effect. */
	if (err)
		return err;
	return state(vdpa_set_status(d.s.fd, STATUS_RUNNING));
}

static void use(void)
{
	driver_prove(&d, 0, 1);
	driver_close(&d);
}

/* Whatever was left half done: the next VMM finds a new device. */
static void again(void)
{
	driver_close(&d);
	driver_open(&d, disk.name, NULL);
	use();
}

static void open_and_run(void)
{
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, 1);
}

static int unmapped;

static int run_unmap(void)
{
	unmapped = vdpa_unmap(d.s.fd, d.m.region[1].gpa, d.m.region[1].size);
	return state(unmapped);
}

/* What the VMM took back is not touched, if it was not told that this failed. */
static void expect_taken(void)
{
	const struct region *mid = &d.m.region[1];
	struct request rq = {
		.type = VIRTIO_BLK_T_IN, .seg[0] = { mid->gpa, 4096 }, .nr = 1,
	};
	uint8_t want[4096];

	memset(want, 0x5a, sizeof(want));
	memset(mid->addr, 0x5a, sizeof(want));
	ASSERT_TRUE(driver_queue(&d, &rq));
	driver_flush(&d);
	ASSERT_TRUE(WAIT_FOR(ring_pending(&d.r) ||
			     driver_status(&d) & STATUS_BROKEN));
	if (!unmapped)
		EXPECT_EQ(memcmp(mid->addr, want, sizeof(want)), 0);
	driver_close(&d);
}

static int run_close(void)
{
	int fd = d.s.fd;

	d.s.fd = -1;
	return close(fd) ? -errno : 0;
}

static void close_rest(void)
{
	driver_close(&d);
	open_and_run();
	driver_close(&d);
}

/* With two threads, of which one may be had and the other not. */
static void make_disk(void)
{
	struct kvblk_add add;

	disk_add_init(&add, disk_file(SIZE));
	add.queues = 2;
	add.workers = 2;
	disk_add(&disk, &add);
}

TEST_EACH(vmm, fault_whos)
{
	struct fault_op op = {
		.name = "memory and start",
		.who = harness_variant(),
		.before = open_without_memory,
		.run = run_give_and_start,
		.failed = again,
		.undo = use,
		.may_fail = vhost_may_fail,
	};

	fault_init();
	make_disk();
	driver_open(&d, disk.name, NULL);
	driver_close(&d);
	fault_sweep(&op);
	op.name = "unmap";
	op.before = open_and_run;
	op.run = run_unmap;
	op.failed = NULL;
	op.undo = NULL;
	op.after = expect_taken;
	fault_sweep(&op);
	op.name = "close";
	op.run = run_close;
	op.after = close_rest;
	fault_sweep(&op);
	fault_report();
}
