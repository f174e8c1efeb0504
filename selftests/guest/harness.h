/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small test harness with TAP output.
 *
 * Every test runs in a child process and process group of its own, so that it
 * starts clean, may be killed when it hangs, and may kill what it forked.
 */
#ifndef KVBLK_TEST_HARNESS_H
#define KVBLK_TEST_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000ULL
#define TEST_SECONDS	120	/* until a test counts as hung */
#define WAIT_SECONDS	20	/* until an event counts as lost */
#define PROGRESS_SECONDS 30	/* between two notes of progress */

/**
 * struct test - A test, once or once for each of its variants
 * @name: What TAP shows.
 * @run: The body.
 * @seconds: Time limit.
 * @variants: Names of the variants, ended by NULL; or NULL.
 * @next: List of the program's tests, in the order of the source.
 */
struct test {
	const char *name;
	void (*run)(void);
	unsigned int seconds;
	const char *const *variants;
	struct test *next;
};

#define TEST_FULL(fn, limit, list)					\
static void fn(void);							\
static struct test fn##_test = {					\
	.name = #fn,							\
	.run = fn,							\
	.seconds = limit,						\
	.variants = list,						\
};									\
static void __attribute__((constructor)) fn##_add(void)			\
{									\
	harness_add(&fn##_test);					\
}									\
static void fn(void)

#define TEST(fn)		TEST_FULL(fn, TEST_SECONDS, NULL)
#define TEST_EACH(fn, list)	TEST_FULL(fn, TEST_SECONDS, list)

void harness_add(struct test *t);

/* Runs, in a process of its own, after every test; may fail that test. */
void harness_after(void (*fn)(void));

/* Index of the variant that runs. */
unsigned int harness_variant(void);

void harness_note(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* A note how far a long test has come, if the last one is long ago. */
void harness_progress(uint64_t done, uint64_t goal);
void harness_fail(bool fatal, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
noreturn void harness_skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#define SKIP(...) harness_skip(__VA_ARGS__)

#define FAIL(...) harness_fail(false, __FILE__, __LINE__, __VA_ARGS__)
#define DIE(...) harness_fail(true, __FILE__, __LINE__, __VA_ARGS__)

/* Both sides are shown as signed numbers and in hexadecimal. */
#define CHECK_OP(fatal, a, op, b)					\
({									\
	int64_t a_ = (int64_t)(a);					\
	int64_t b_ = (int64_t)(b);					\
									\
	if (!(a_ op b_))						\
		harness_fail(fatal, __FILE__, __LINE__,			\
			     "%s %s %s: %lld (%#llx), %lld (%#llx)",	\
			     #a, #op, #b, (long long)a_, (long long)a_,	\
			     (long long)b_, (long long)b_);		\
	a_ op b_;							\
})

#define EXPECT_EQ(a, b) CHECK_OP(false, a, ==, b)
#define EXPECT_NE(a, b) CHECK_OP(false, a, !=, b)
#define EXPECT_LE(a, b) CHECK_OP(false, a, <=, b)
#define EXPECT_LT(a, b) CHECK_OP(false, a, <, b)
#define EXPECT_GE(a, b) CHECK_OP(false, a, >=, b)
#define EXPECT_GT(a, b) CHECK_OP(false, a, >, b)
#define ASSERT_EQ(a, b) CHECK_OP(true, a, ==, b)
#define ASSERT_NE(a, b) CHECK_OP(true, a, !=, b)
#define ASSERT_LE(a, b) CHECK_OP(true, a, <=, b)
#define ASSERT_GE(a, b) CHECK_OP(true, a, >=, b)
#define EXPECT_TRUE(a) CHECK_OP(false, !!(a), ==, 1)
#define ASSERT_TRUE(a) CHECK_OP(true, !!(a), ==, 1)

/* Whether @cond became true before an event counts as lost. */
#define WAIT_FOR(cond)							\
({									\
	uint64_t end_ = now_ns() + WAIT_SECONDS * NSEC_PER_SEC;		\
	bool ok_ = (cond);						\
									\
	while (!ok_ && now_ns() < end_) {				\
		usleep(100);						\
		ok_ = (cond);						\
	}								\
	ok_;								\
})

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

/* A repeatable sequence: the same in every run of a test. */
uint32_t random_u32(void);

/* Waits for @pid; 0 and @status, or -ETIMEDOUT. */
int wait_child(pid_t pid, unsigned int seconds, int *status);

#endif /* KVBLK_TEST_HARNESS_H */
