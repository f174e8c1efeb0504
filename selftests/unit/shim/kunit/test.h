/* SPDX-License-Identifier: GPL-2.0 */
/* As much of KUnit as the tests of the pure layer use, for user space. */
#ifndef SHIM_KUNIT_TEST_H
#define SHIM_KUNIT_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>

#define KUNIT_PARAM_DESC_SIZE	128
#define GFP_KERNEL		0

struct kunit_alloc;

struct kunit {
	void *priv;
	const void *param_value;
	/* private to the runner */
	bool failed;
	jmp_buf abort;
	struct kunit_alloc *allocs;
	char param_desc[KUNIT_PARAM_DESC_SIZE];
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
	const void *(*generate_params)(const void *prev, char *desc);
};

struct kunit_suite {
	const char name[256];
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)			{ .run_case = fn, .name = #fn }
#define KUNIT_CASE_PARAM(fn, gen) \
	{ .run_case = fn, .name = #fn, .generate_params = gen }

static inline const void *kunit_next_param(const void *prev, const void *array,
					   size_t size, size_t bytes)
{
	const void *next = prev ? prev + size : array;

	return next < array + bytes ? next : NULL;
}

#define KUNIT_ARRAY_PARAM(id, array, get_desc)				\
static const void *id##_gen_params(const void *prev, char *desc)	\
{									\
	const void *next = kunit_next_param(prev, array,		\
					    sizeof((array)[0]),		\
					    sizeof(array));		\
									\
	if (next)							\
		get_desc(next, desc);					\
	return next;							\
}

#define kunit_test_suite(suite)						\
	static struct kunit_suite *const suite##_entry			\
	__attribute__((used, section("kunit_suites"))) = &(suite)

/* The linker marks the ends of the section that kunit_test_suite() fills. */
extern struct kunit_suite *const __start_kunit_suites[];
extern struct kunit_suite *const __stop_kunit_suites[];

void *kunit_kzalloc(struct kunit *test, size_t size, int gfp);

struct kunit *kunit_fail(struct kunit *test, const char *file, int line,
			 const char *fmt, ...)
			 __attribute__((format(printf, 4, 5)));

/* A check gives NULL or, when it failed, the test: an assertion ends that. */
static inline void kunit_end(struct kunit *failed)
{
	if (failed)
		longjmp(failed->abort, 1);
}

#define SHIM_TRUE(test, cond, text, fmt, ...)				\
	((cond) ? NULL : kunit_fail(test, __FILE__, __LINE__, text fmt,	\
				    ##__VA_ARGS__))

#define SHIM_CMP(test, a, op, b, fmt, ...) ({				\
	typeof((a) + 0) __l = (a);					\
	typeof((b) + 0) __r = (b);					\
									\
	SHIM_TRUE(test, __l op __r, #a " " #op " " #b, " (%lld, %lld)" fmt, \
		  (long long)__l, (long long)__r, ##__VA_ARGS__);	\
})

#define SHIM_STR(test, a, b) ({						\
	const char *__is = (a);						\
									\
	SHIM_TRUE(test, __is && !strcmp(__is, b), #a " is " #b,		\
		  " (\"%s\")", __is ?: "NULL");				\
})

#define KUNIT_EXPECT_TRUE(t, c)		SHIM_TRUE(t, c, #c, "")
#define KUNIT_EXPECT_FALSE(t, c)	SHIM_TRUE(t, !(c), "!(" #c ")", "")
#define KUNIT_EXPECT_NULL(t, p)		SHIM_TRUE(t, !(p), "!" #p, "")
#define KUNIT_EXPECT_EQ(t, a, b)	SHIM_CMP(t, a, ==, b, "")
#define KUNIT_EXPECT_NE(t, a, b)	SHIM_CMP(t, a, !=, b, "")
#define KUNIT_EXPECT_LE(t, a, b)	SHIM_CMP(t, a, <=, b, "")
#define KUNIT_EXPECT_LT(t, a, b)	SHIM_CMP(t, a, <, b, "")
#define KUNIT_EXPECT_GE(t, a, b)	SHIM_CMP(t, a, >=, b, "")
#define KUNIT_EXPECT_GT(t, a, b)	SHIM_CMP(t, a, >, b, "")
#define KUNIT_EXPECT_EQ_MSG(t, a, b, fmt, ...) \
	SHIM_CMP(t, a, ==, b, ": " fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_STREQ(t, a, b)	SHIM_STR(t, a, b)
#define KUNIT_EXPECT_MEMEQ(t, a, b, n) \
	SHIM_TRUE(t, !memcmp(a, b, n), #a " holds " #b, "")

#define KUNIT_ASSERT_TRUE(t, c)		kunit_end(KUNIT_EXPECT_TRUE(t, c))
#define KUNIT_ASSERT_EQ(t, a, b)	kunit_end(KUNIT_EXPECT_EQ(t, a, b))
#define KUNIT_ASSERT_NE(t, a, b)	kunit_end(KUNIT_EXPECT_NE(t, a, b))
#define KUNIT_ASSERT_NOT_NULL(t, p) \
	kunit_end(SHIM_TRUE(t, p, #p " is not NULL", ""))
#define KUNIT_ASSERT_EQ_MSG(t, a, b, fmt, ...) \
	kunit_end(KUNIT_EXPECT_EQ_MSG(t, a, b, fmt, ##__VA_ARGS__))

#endif /* SHIM_KUNIT_TEST_H */
