// SPDX-License-Identifier: GPL-2.0
/* Reading and writing a file that interrupts, falls short, ends or fails. */
#include <kunit/test.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/shmem_fs.h>
#include <linux/string.h>
#include "../backing.h"
#include "../mem.h"

#define LEN	4096	/* of every transfer */
#define PAD	0x5a	/* what guest memory holds beforehand */
#define STEPS	5	/* the last one ends the list */

/**
 * struct step - What calls of the file do
 * @what: An error, or 0: nothing is moved, or the most bytes that are.
 * @times: Number of calls; 0 ends the list, and all later calls are honest.
 */
struct step {
	ssize_t what;
	unsigned int times;
};

struct file_row {
	const char *name;
	bool write;
	u64 pos;
	u64 size;	/* of the file, 0: enough */
	struct step step[STEPS];
	int ret;
	unsigned int calls;
	u32 done;
	u32 delivered;
};

#define FOR_EVER	UINT_MAX

static const struct file_row file_rows[] = {
	{ "read", false, 512, 0, {}, 0, 1, LEN, LEN },
	{ "read, interrupted twice", false, 512, 0, { { -EINTR, 2 } }, 0, 3, LEN, LEN },
	{ "read, each kind of interruption", false, 0, 0,
	  { { -EINTR, 1 }, { -ERESTARTSYS, 1 }, { -ERESTARTNOINTR, 1 },
	    { -ERESTARTNOHAND, 1 } }, 0, 5, LEN, LEN },
	{ "read, interrupted 16 times", false, 0, 0, { { -EINTR, 16 } },
	  0, 17, LEN, LEN },
	{ "read, interrupted 17 times", false, 0, 0, { { -EINTR, 17 } },
	  -EINTR, 17 },
	{ "read, interrupted for ever", false, 0, 0, { { -EINTR, FOR_EVER } },
	  -EINTR, 17 },
	{ "read, short", false, 0, 0, { { 700, 2 } }, 0, 3, LEN, LEN },
	{ "read over the end", false, 512, 3512, {}, 0, 2, LEN, 3000 },
	{ "read, short and over the end", false, 512, 3512, { { 100, 1 } },
	  0, 3, LEN, 3000 },
	{ "read behind the end", false, 8192, 4096, {}, 0, 1, LEN, 0 },
	{ "read, EIO", false, 0, 0, { { -EIO, 1 } }, -EIO, 1 },
	{ "read, EAGAIN", false, 0, 0, { { -EAGAIN, 1 } }, -EAGAIN, 1 },
	{ "read, short, then EIO", false, 0, 0, { { 512, 1 }, { -EIO, 1 } },
	  -EIO, 2, 512, 512 },
	{ "write", true, 512, 0, {}, 0, 1, LEN, LEN },
	{ "write, interrupted twice", true, 512, 0, { { -EINTR, 2 } }, 0, 3, LEN, LEN },
	{ "write, interrupted 16 times", true, 0, 0, { { -EINTR, 16 } },
	  0, 17, LEN, LEN },
	{ "write, interrupted for ever", true, 0, 0, { { -EINTR, FOR_EVER } },
	  -EINTR, 17 },
	{ "write, progress forgives nothing", true, 0, 0,
	  { { -EINTR, 8 }, { 512, 1 }, { -EINTR, 9 } }, -EINTR, 18, 512, 512 },
	{ "write, short", true, 0, 0, { { 1000, 3 } }, 0, 4, LEN, LEN },
	{ "write, nothing moves", true, 0, 0, { { 0, 1 } }, -EIO, 1 },
	{ "write, half, then nothing", true, 0, 0, { { 2048, 1 }, { 0, 1 } },
	  -EIO, 2, 2048, 2048 },
	{ "write, half, then ENOSPC", true, 0, 0, { { 2048, 1 }, { -ENOSPC, 1 } },
	  -ENOSPC, 2, 2048, 2048 },
	{ "write, EAGAIN", true, 0, 0, { { -EAGAIN, 1 } }, -EAGAIN, 1 },
	{ "write behind the end", true, 8192, 4096, {}, 0, 1, LEN, LEN },
};

KUNIT_ARRAY_PARAM_DESC(file, file_rows, name);

/* What the file does, for one case at a time. */
static struct script {
	const struct file_operations *real;
	const struct step *next;
	unsigned int left;	/* calls of *next, once it has begun */
	unsigned int calls;
} script;

/* Bytes the next call may move, or what it fails with. */
static ssize_t script_next(size_t want)
{
	const struct step *s = script.next;

	script.calls++;
	if (!s->times)
		return want;
	if (!script.left)
		script.left = s->times;
	if (!--script.left)
		script.next++;
	return s->what;
}

static ssize_t script_read(struct kiocb *iocb, struct iov_iter *iter)
{
	ssize_t n = script_next(iov_iter_count(iter));

	if (n <= 0)
		return n;
	iov_iter_truncate(iter, n);
	return script.real->read_iter(iocb, iter);
}

static ssize_t script_write(struct kiocb *iocb, struct iov_iter *iter)
{
	ssize_t n = script_next(iov_iter_count(iter));

	if (n <= 0)
		return n;
	iov_iter_truncate(iter, n);
	return script.real->write_iter(iocb, iter);
}

static const struct file_operations script_fops = {
	.read_iter	= script_read,
	.write_iter	= script_write,
};

static u8 file_byte(u64 pos)
{
	return pos * 7 + pos / 512 + 1;
}

static u8 guest_byte(unsigned int i)
{
	return 0x80 ^ (i * 13);
}

static void file_fill(struct kunit *test, struct file *file, u64 size)
{
	u8 *buf = kunit_kmalloc(test, size, GFP_KERNEL);
	loff_t pos = 0;
	u64 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < size; i++)
		buf[i] = file_byte(i);
	KUNIT_ASSERT_EQ(test, size, kernel_write(file, buf, size, &pos));
}

/* A file in memory as a backing, which from now on does as the script says. */
static void backing_make(struct kunit *test, struct kvblk_backing *b,
			 const struct file_row *row)
{
	u64 size = row->size ?: 4 * LEN;
	struct kvblk_why why = {};
	struct file *file;
	int fd, ret;

	file = shmem_file_setup("kvblk-rules", size,
				mk_vma_flags(VMA_NORESERVE_BIT));
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, file);
	file_fill(test, file, size);
	ret = kvblk_file_open(b, fd, false, false, &why);
	close_fd(fd);
	KUNIT_ASSERT_EQ(test, 0, ret);

	script = (struct script){ .real = file->f_op, .next = row->step };
	file->f_op = &script_fops;
}

static void backing_close(struct kvblk_backing *b)
{
	b->file->f_op = script.real;
	b->ops->close(b);
}

static u8 expected_guest(const struct file_row *row, unsigned int i)
{
	if (row->write)
		return guest_byte(i);
	if (i < row->delivered)
		return file_byte(row->pos + i);
	return row->ret ? PAD : 0;
}

static u8 expected_file(const struct file_row *row, unsigned int i)
{
	return row->write && i < row->done ? guest_byte(i) :
					     file_byte(row->pos + i);
}

static void expect_file(struct kunit *test, struct kvblk_backing *b,
			const struct file_row *row)
{
	u8 *buf = kunit_kzalloc(test, LEN, GFP_KERNEL);
	loff_t pos = row->pos;
	ssize_t i, got;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	b->file->f_op = script.real;
	got = kernel_read(b->file, buf, LEN, &pos);
	for (i = 0; i < got; i++) {
		if (buf[i] != expected_file(row, i))
			break;
	}
	KUNIT_EXPECT_EQ(test, got, i);
	if (row->write && !row->ret)
		KUNIT_EXPECT_EQ(test, LEN, got);
}

/* The patient way: it ends, tells the truth, and keeps what it has done. */
static void every_outcome(struct kunit *test)
{
	const struct file_row *row = test->param_value;
	struct kvblk_mem mem = { .ops = &kvblk_mem_kernel_ops };
	u8 *guest = kunit_kmalloc(test, LEN, GFP_KERNEL);
	union kvblk_vec vec = { .iov = { (void __user *)guest, LEN } };
	struct kvblk_io io = {
		.mem = &mem, .vec = &vec, .nr_vec = 1,
		.bits = (uintptr_t)guest | LEN,
		.write = row->write, .pos = row->pos, .len = LEN,
	};
	struct kvblk_backing b = {};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, guest);
	for (i = 0; i < LEN; i++)
		guest[i] = row->write ? guest_byte(i) : PAD;
	backing_make(test, &b, row);
	KUNIT_EXPECT_EQ(test, row->ret, b.ops->perform(&b, &io));
	KUNIT_EXPECT_EQ(test, row->calls, script.calls);
	KUNIT_EXPECT_EQ(test, row->done, io.done);
	KUNIT_EXPECT_EQ(test, row->delivered, io.delivered);
	for (i = 0; i < LEN; i++) {
		if (guest[i] != expected_guest(row, i))
			break;
	}
	KUNIT_EXPECT_EQ(test, LEN, i);
	expect_file(test, &b, row);
	backing_close(&b);
}

static struct kunit_case file_rules_cases[] = {
	KUNIT_CASE_PARAM(every_outcome, file_gen_params),
	{}
};

static struct kunit_suite file_rules_suite = {
	.name = "kvblk_file_rules",
	.test_cases = file_rules_cases,
};

kunit_test_suite(file_rules_suite);
