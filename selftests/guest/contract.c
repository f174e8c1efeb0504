// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include "contract.h"
#include "disk.h"
#include "harness.h"
#include "pattern.h"

#define UNKNOWN_FLAG	(1U << 31)
#define UNKNOWN_NR	0x7f
#define UNTOUCHED	0x5a
#define MESSAGE_LEN	160

/* With room for a tail that this kernel does not know. */
union argument {
	struct kvblk_hdr hdr;
	uint8_t bytes[ARG_MAX_SIZE];
};

static union argument good_argument(const struct contract *c)
{
	union argument arg = { 0 };

	ASSERT_LE(c->size + 1, sizeof(arg));
	arg.hdr.size = c->size;
	c->fill(&arg);
	return arg;
}

static void expect(int fd, const struct contract *c, union argument *arg,
		   int want, const char *what)
{
	int ret = call(fd, c->cmd, arg);

	if (ret != want)
		FAIL("%s, %s: %d (%s), not %d", c->name, what, ret,
		     strerror(-ret), want);
	if (!ret && c->undo)
		c->undo(arg);
}

static void check_size(int fd, const struct contract *c)
{
	union argument arg = good_argument(c);

	arg.hdr.size = c->size - 1;
	expect(fd, c, &arg, -EINVAL, "one byte short");
	arg = good_argument(c);
	arg.hdr.size = sizeof(arg.hdr) - 1;
	expect(fd, c, &arg, -EINVAL, "shorter than its header");
	arg = good_argument(c);
	arg.hdr.size = 0;
	expect(fd, c, &arg, -EINVAL, "no size");

	arg = good_argument(c);
	arg.hdr.size = c->size + 1;
	arg.bytes[c->size] = 1;
	expect(fd, c, &arg, -E2BIG, "longer with a dirty tail");
	arg = good_argument(c);
	arg.hdr.size = sizeof(arg);
	arg.bytes[sizeof(arg) - 1] = 1;
	expect(fd, c, &arg, -E2BIG, "much longer with a dirty tail");
	arg = good_argument(c);
	arg.hdr.size = c->size + 1;
	expect(fd, c, &arg, 0, "longer with a clean tail");
	arg = good_argument(c);
	arg.hdr.size = sizeof(arg);
	expect(fd, c, &arg, 0, "much longer with a clean tail");
}

static void check_unknown(int fd, const struct contract *c)
{
	union argument arg = good_argument(c);
	unsigned int i;

	arg.hdr.flags |= UNKNOWN_FLAG;
	expect(fd, c, &arg, -EOPNOTSUPP, "unknown flag");
	arg = good_argument(c);
	arg.hdr.reserved = 1;
	expect(fd, c, &arg, -EOPNOTSUPP, "hdr.reserved");
	for (i = 0; c->reserved[i]; i++) {
		arg = good_argument(c);
		arg.bytes[c->reserved[i]] = 1;
		expect(fd, c, &arg, -EOPNOTSUPP, "reserved");
	}
}

/* The argument ends before an unmapped page, or reaches into it. */
static void check_fault(int fd, const struct contract *c)
{
	union argument arg = good_argument(c);
	size_t page = KVBLK_PAGE_SIZE;
	uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *at;

	ASSERT_TRUE(p != MAP_FAILED);
	ASSERT_EQ(munmap(p + page, page), 0);
	EXPECT_EQ(call(fd, c->cmd, NULL), -EFAULT);
	EXPECT_EQ(call(fd, c->cmd, p + page), -EFAULT);
	at = p + page - c->size + 1;
	memcpy(at, &arg, c->size - 1);
	EXPECT_EQ(call(fd, c->cmd, at), -EFAULT);

	at = p + page - c->size;
	memcpy(at, &arg, c->size);
	expect(fd, c, (void *)at, 0, "at the end of a page");
	ASSERT_EQ(munmap(p, page), 0);
}

void contract_check(int fd, const struct contract *c)
{
	union argument arg = good_argument(c);
	unsigned long other = _IOWR(KVBLK_IOC, UNKNOWN_NR, struct kvblk_hdr);

	check_size(fd, c);
	check_unknown(fd, c);
	check_fault(fd, c);
	EXPECT_EQ(call(fd, other, &arg), -ENOTTY);
	expect(fd, c, &arg, 0, "plain");
}

void contract_refuse(int fd, unsigned long cmd, void *arg, int want,
		     const char *word)
{
	struct kvblk_hdr *hdr = arg;
	char msg[MESSAGE_LEN] = "";
	int ret;

	hdr->msg = (uintptr_t)msg;
	hdr->msg_len = sizeof(msg);
	ret = call(fd, cmd, arg);
	if (ret != want)
		FAIL("%s: %d (%s), not %d; message \"%s\"", word, ret,
		     strerror(-ret), want, msg);
	else if (!strcasestr(msg, word))
		FAIL("message \"%s\" does not name %s", msg, word);
}

void contract_check_message(int fd, unsigned long cmd, const void *good,
			    const void *bad, size_t size)
{
	union argument arg = { 0 };
	char msg[MESSAGE_LEN], cut[8];

	memset(msg, UNTOUCHED, sizeof(msg));
	memcpy(&arg, good, size);
	arg.hdr.msg = (uintptr_t)msg;
	arg.hdr.msg_len = sizeof(msg);
	EXPECT_EQ(call(fd, cmd, &arg), 0);
	EXPECT_EQ(pattern_check_byte(msg, sizeof(msg), UNTOUCHED),
		  sizeof(msg));

	memcpy(&arg, bad, size);
	arg.hdr.msg = (uintptr_t)msg;
	arg.hdr.msg_len = sizeof(msg);
	EXPECT_LT(call(fd, cmd, &arg), 0);
	EXPECT_GT(strnlen(msg, sizeof(msg)), sizeof(cut));
	EXPECT_LT(strnlen(msg, sizeof(msg)), sizeof(msg));

	memset(cut, UNTOUCHED, sizeof(cut));
	arg.hdr.msg = (uintptr_t)cut;
	arg.hdr.msg_len = sizeof(cut) - 1;
	EXPECT_LT(call(fd, cmd, &arg), 0);
	EXPECT_EQ(strnlen(cut, sizeof(cut)), sizeof(cut) - 2);
	EXPECT_EQ(memcmp(cut, msg, sizeof(cut) - 2), 0);
	EXPECT_EQ(cut[sizeof(cut) - 1], UNTOUCHED);
}
