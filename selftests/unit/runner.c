// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the KUnit suites that are linked in and prints TAP, one line for a case
 * and one comment for each failure.
 *
 * usage: unit [PART]	only cases whose "suite.case" contains PART
 */
#include <stdarg.h>
#include <stdlib.h>
#include <kunit/test.h>
#include <linux/compiler.h>

struct kunit_alloc {
	struct kunit_alloc *next;
	max_align_t data[];
};

void (*shim_other_cpu)(const volatile void *where, size_t size);

struct tally {
	unsigned int cases;
	unsigned int failed;
};

void *kunit_kzalloc(struct kunit *test, size_t size, int gfp)
{
	struct kunit_alloc *alloc = calloc(1, sizeof(*alloc) + size);

	(void)gfp;
	if (!alloc)
		abort();
	alloc->next = test->allocs;
	test->allocs = alloc;
	return alloc->data;
}

struct kunit *kunit_fail(struct kunit *test, const char *file, int line,
			 const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	if (test->param_value)
		printf("[%s] ", test->param_desc);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	test->failed = true;
	return test;
}

static bool run_once(struct kunit *test, const struct kunit_suite *suite,
		     const struct kunit_case *c)
{
	struct kunit_alloc *alloc;

	test->priv = NULL;
	test->failed = false;
	if (!setjmp(test->abort)) {
		if (suite->init && suite->init(test))
			kunit_fail(test, __FILE__, __LINE__, "init failed");
		else
			c->run_case(test);
	}
	shim_other_cpu = NULL;
	if (suite->exit)
		suite->exit(test);
	while ((alloc = test->allocs)) {
		test->allocs = alloc->next;
		free(alloc);
	}
	return !test->failed;
}

static bool run_case(const struct kunit_suite *suite,
		     const struct kunit_case *c, unsigned int *rows)
{
	struct kunit test = { .priv = NULL };
	bool ok = true;

	if (!c->generate_params)
		return run_once(&test, suite, c);
	while ((test.param_value = c->generate_params(test.param_value,
						      test.param_desc))) {
		(*rows)++;
		ok &= run_once(&test, suite, c);
	}
	return ok && *rows;
}

static void run_suite(const struct kunit_suite *suite, const char *part,
		      struct tally *tally)
{
	const struct kunit_case *c;
	unsigned int rows;
	char name[512];
	bool ok;

	for (c = suite->test_cases; c->run_case; c++) {
		snprintf(name, sizeof(name), "%s.%s", suite->name, c->name);
		if (part && !strstr(name, part))
			continue;
		rows = 0;
		ok = run_case(suite, c, &rows);
		tally->cases++;
		tally->failed += !ok;
		printf("%sok %u - %s", ok ? "" : "not ", tally->cases, name);
		if (rows)
			printf(" (%u rows)", rows);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : NULL;
	struct kunit_suite *const *suite;
	struct tally tally = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	for (suite = __start_kunit_suites; suite < __stop_kunit_suites; suite++)
		run_suite(*suite, part, &tally);
	printf("1..%u\n", tally.cases);
	printf("# %u passed, %u failed\n", tally.cases - tally.failed,
	       tally.failed);
	return tally.failed || !tally.cases;
}
