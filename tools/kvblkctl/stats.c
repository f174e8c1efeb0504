// SPDX-License-Identifier: GPL-2.0
/* kvblkctl stats: counters of a disk, their rates, and its histograms. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "json.h"
#include "latency.h"
#include "size.h"

#define NS_PER_S	1000000000LL
#define WATCH_MIN	0.01	/* seconds */
#define WATCH_MAX	86400.0
#define HEADER_EVERY	20	/* lines */

/**
 * struct stats_args - The command line
 * @json: JSON instead of text.
 * @latency: Histograms instead of counters.
 * @queues: A column, or an object, for each queue.
 * @queue: Histograms of queue @queue - 1; 0: of all.
 * @interval: Seconds; 0: show the counters once.
 * @count: Intervals; 0: without end.
 */
static struct stats_args {
	bool json;
	bool latency;
	bool queues;
	uint64_t queue;
	double interval;
	uint64_t count;
} args;

/**
 * struct counter - A member of struct kvblk_stats
 * @name: As the member.
 * @offset: Of the member.
 * @gauge: It is a level, not a count: it has no rate.
 */
struct counter {
	const char *name;
	size_t offset;
	bool gauge;
};

#define COUNTER(member) \
	{ #member, offsetof(struct kvblk_stats, member), false }
#define GAUGE(member) \
	{ #member, offsetof(struct kvblk_stats, member), true }

static const struct counter counters[] = {
	COUNTER(requests),
	COUNTER(reads_completed),
	COUNTER(bytes_read),
	COUNTER(writes_completed),
	COUNTER(bytes_written),
	COUNTER(flushes_completed),
	COUNTER(flush_errors),
	COUNTER(get_ids),
	COUNTER(unsupported),
	COUNTER(io_errors),
	COUNTER(ring_errors),
	COUNTER(invalid_avail_idx),
	COUNTER(throttled),
	COUNTER(deferred),
	COUNTER(kicks),
	COUNTER(interrupts),
	COUNTER(interrupts_suppressed),
	GAUGE(in_flight),
	GAUGE(currently_throttled),
	COUNTER(lost_kicks),
	COUNTER(lost_interrupts),
	COUNTER(interrupts_held),
	COUNTER(asked_late),
	COUNTER(polls),
	COUNTER(poll_hits),
};

#define COUNTERS_NR	(sizeof(counters) / sizeof(counters[0]))

static_assert(COUNTERS_NR * sizeof(__u64) == sizeof(struct kvblk_stats),
	      "a counter is missing");

static const struct option options[] = {
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "latency", no_argument, NULL, OPT_LATENCY },
	{ "queue", required_argument, NULL, OPT_QUEUE },
	{ "queues", no_argument, NULL, OPT_QUEUES },
	{ "watch", required_argument, NULL, OPT_WATCH },
	{},
};

static const char help[] =
	"Counters count since the disk was added; in_flight and currently_throttled\n"
	"are of the moment.\n\n"
	"Options:\n"
	"  --watch SECONDS  show rates per second, once for each interval of 0.01\n"
	"                   to 86400 seconds, until interrupted\n"
	"  --count N        with --watch: show N intervals\n"
	"  --latency        show where the time of requests goes, by kind and stage:\n"
	"                   waiting for the worker, for tokens (throttle), in the\n"
	"                   backing, until the answer is published\n"
	"  --queue N        with --latency: only queue N, from 0\n"
	"  --queues         a column for each queue\n"
	"  --json           an object; with --watch, one for each interval, on a\n"
	"                   line of its own; with --queues, an array of objects\n"
	"  --help           show this\n";

static uint64_t counter_value(const struct kvblk_stats *stats,
			      const struct counter *counter)
{
	return *(const __u64 *)((const char *)stats + counter->offset);
}

static void show_text(const struct kvblk_stats *stats)
{
	size_t i;

	for (i = 0; i < COUNTERS_NR; i++)
		printf("%s:%*s%llu\n", counters[i].name,
		       (int)(23 - strlen(counters[i].name)), "",
		       (unsigned long long)counter_value(stats, &counters[i]));
}

static void put_json(struct json *json, const struct kvblk_stats *stats)
{
	size_t i;

	for (i = 0; i < COUNTERS_NR; i++)
		json_u64(json, counters[i].name,
			 counter_value(stats, &counters[i]));
}

static void show_json(const struct kvblk_stats *stats)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	put_json(&json, stats);
	json_close(&json, '}');
}

static void show_queues_text(const struct kvblk_queue_stats *queues, size_t count)
{
	size_t i, n;

	printf("%-22s", "queue:");
	for (n = 0; n < count; n++)
		printf(" %12u", queues[n].queue);
	printf("\n%-22s", "worker:");
	for (n = 0; n < count; n++)
		printf(" %12u", queues[n].worker);
	putchar('\n');
	for (i = 0; i < COUNTERS_NR; i++) {
		printf("%s:%*s", counters[i].name, (int)(21 - strlen(counters[i].name)), "");
		for (n = 0; n < count; n++)
			printf(" %12llu", (unsigned long long)
			       counter_value(&queues[n].stats, &counters[i]));
		putchar('\n');
	}
}

static void show_queues_json(const struct kvblk_queue_stats *queues, size_t count)
{
	struct json json = { .out = stdout };
	size_t n;

	json_open(&json, NULL, '[');
	for (n = 0; n < count; n++) {
		json_open(&json, NULL, '{');
		json_u64(&json, "queue", queues[n].queue);
		json_u64(&json, "worker", queues[n].worker);
		put_json(&json, &queues[n].stats);
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int show_queues(int ctl, const char *name, bool json)
{
	struct kvblk_queue_stats *queues;
	char why[KVBLK_WHY_LEN] = "";
	size_t count;
	int err;

	err = kvblk_disk_queues(ctl, name, &queues, &count, why, sizeof(why));
	if (err)
		return refused(name, err, why);
	(json ? show_queues_json : show_queues_text)(queues, count);
	free(queues);
	return CODE_OK;
}

/* Counters only grow, but another disk may have been given the name. */
static double rate(uint64_t old, uint64_t new, double seconds)
{
	return new < old ? 0 : (new - old) / seconds;
}

static void show_rates_json(const struct kvblk_stats *old,
			    const struct kvblk_stats *new, double seconds)
{
	struct json json = { .out = stdout };
	size_t i;

	json_open(&json, NULL, '{');
	json_double(&json, "seconds", seconds);
	for (i = 0; i < COUNTERS_NR; i++) {
		uint64_t value = counter_value(new, &counters[i]);

		if (counters[i].gauge)
			json_u64(&json, counters[i].name, value);
		else
			json_double(&json, counters[i].name,
				    rate(counter_value(old, &counters[i]),
					 value, seconds));
	}
	json_close(&json, '}');
}

static void put_rate(uint64_t old, uint64_t new, double seconds, enum unit unit)
{
	char text[16];

	printf("%9s ", format_number(rate(old, new, seconds) + 0.5, unit, text,
				     sizeof(text)));
}

static void show_rates_text(const struct kvblk_stats *old,
			    const struct kvblk_stats *new, double seconds)
{
	put_rate(old->reads_completed, new->reads_completed, seconds,
		 UNIT_COUNT);
	put_rate(old->bytes_read, new->bytes_read, seconds, UNIT_BYTES);
	put_rate(old->writes_completed, new->writes_completed, seconds,
		 UNIT_COUNT);
	put_rate(old->bytes_written, new->bytes_written, seconds, UNIT_BYTES);
	put_rate(old->flushes_completed, new->flushes_completed, seconds,
		 UNIT_COUNT);
	put_rate(old->io_errors, new->io_errors, seconds, UNIT_COUNT);
	put_rate(old->throttled, new->throttled, seconds, UNIT_COUNT);
	put_rate(old->interrupts, new->interrupts, seconds, UNIT_COUNT);
	printf("%9llu\n", (unsigned long long)new->in_flight);
}

static void show_rates(uint64_t line, const struct kvblk_stats *old,
		       const struct kvblk_stats *new, double seconds)
{
	if (args.json) {
		show_rates_json(old, new, seconds);
	} else {
		if (!(line % HEADER_EVERY))
			printf("%9s %9s %9s %9s %9s %9s %9s %9s %9s\n",
			       "reads/s", "rdB/s", "writes/s", "wrB/s",
			       "flushes/s", "errors/s", "stalls/s", "irqs/s",
			       "in-flight");
		show_rates_text(old, new, seconds);
	}
	/* Somebody may read this by a pipe as it comes. */
	fflush(stdout);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = {
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* Each rate is over the time that really went by, not over the interval. */
static int watch(int ctl, const char *name)
{
	int64_t step = args.interval * NS_PER_S;
	int64_t now = now_ns(), next = now;
	struct kvblk_query disk;
	uint64_t line;
	int code;

	code = query_disk(ctl, name, &disk);
	for (line = 0; !code && (!args.count || line < args.count); line++) {
		struct kvblk_stats old = disk.stats;
		int64_t then = now;

		next += step;
		sleep_until(next);
		code = query_disk(ctl, name, &disk);
		now = now_ns();
		if (!code)
			show_rates(line, &old, &disk.stats,
				   (double)(now - then) / NS_PER_S);
	}
	return code;
}

static int show(int ctl, const char *name)
{
	struct kvblk_query query;
	int code;

	if (args.latency)
		return show_latency(ctl, name, args.queue, args.json);
	if (args.queues)
		return show_queues(ctl, name, args.json);
	code = query_disk(ctl, name, &query);
	if (code)
		return code;
	if (args.json)
		show_json(&query.stats);
	else
		show_text(&query.stats);
	return CODE_OK;
}

static int set_option(int opt)
{
	char *end;

	switch (opt) {
	case OPT_COUNT:
		if (!parse_number(optarg, UNIT_COUNT, &args.count) ||
		    !args.count)
			return usage_error("--count: '%s' is not a number above 0",
					   optarg);
		return CODE_OK;
	case OPT_JSON:
		args.json = true;
		return CODE_OK;
	case OPT_LATENCY:
		args.latency = true;
		return CODE_OK;
	case OPT_QUEUE:
		if (!parse_number(optarg, UNIT_COUNT, &args.queue) ||
		    args.queue >= KVBLK_QUEUES_MAX)
			return usage_error("--queue: '%s' is not from 0 to %u", optarg,
					   KVBLK_QUEUES_MAX - 1);
		args.queue++;
		return CODE_OK;
	case OPT_QUEUES:
		args.queues = true;
		return CODE_OK;
	case OPT_WATCH:
		args.interval = strtod(optarg, &end);
		/* Written so that a NaN fails as well. */
		if (*end || !(args.interval >= WATCH_MIN &&
			      args.interval <= WATCH_MAX))
			return usage_error("--watch: '%s' is not from %g to %g seconds",
					   optarg, WATCH_MIN, WATCH_MAX);
		return CODE_OK;
	}
	return usage_hint();
}

static int check(char **operand)
{
	if (args.count && !args.interval)
		return usage_error("--count: only with --watch");
	if (args.latency && args.interval)
		return usage_error("--latency: not with --watch");
	if (args.queue && !args.latency)
		return usage_error("--queue: only with --latency");
	if (args.queues && (args.latency || args.interval))
		return usage_error("--queues: not with --latency or --watch");
	return CODE_OK;
}

static int run(int ctl, char **operand)
{
	return (args.interval ? watch : show)(ctl, operand[0]);
}

const struct cmd cmd_stats = {
	.name = "stats",
	.args = "[OPTION]... NAME",
	.summary = "Show the counters of a disk, their rates, or where time goes",
	.help = help,
	.options = options,
	.operands = "NAME",
	.nr_operands = 1,
	.option = set_option,
	.check = check,
	.run = run,
};
