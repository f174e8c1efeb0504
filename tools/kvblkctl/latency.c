// SPDX-License-Identifier: GPL-2.0
/* kvblkctl stats --latency: histograms as bars, or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "json.h"
#include "latency.h"

#define BAR_WIDTH	40
#define GAP_MAX		2	/* empty buckets in a row that are shown */

/**
 * struct percentile - A share of the requests
 * @name: For people.
 * @key: In JSON.
 * @per_mille: Of the requests.
 */
struct percentile {
	const char *name;
	const char *key;
	unsigned int per_mille;
};

static const struct percentile percentiles[] = {
	{ "p50", "p50_ns", 500 },
	{ "p99", "p99_ns", 990 },
	{ "p99.9", "p999_ns", 999 },
};

#define PERCENTILES_NR	(sizeof(percentiles) / sizeof(percentiles[0]))

static const char * const op_names[KVBLK_LATENCY_OP_NR] = {
	[KVBLK_LATENCY_READ]	= "read",
	[KVBLK_LATENCY_WRITE]	= "write",
	[KVBLK_LATENCY_FLUSH]	= "flush",
	[KVBLK_LATENCY_OTHER]	= "other",
};

static const char * const stage_names[KVBLK_LATENCY_STAGE_NR] = {
	[KVBLK_LATENCY_WORKER]	 = "worker",
	[KVBLK_LATENCY_THROTTLE] = "throttle",
	[KVBLK_LATENCY_BACKING]	 = "backing",
	[KVBLK_LATENCY_PUBLISH]	 = "publish",
};

/* Where a bucket begins, ns; that of the one after the last is not its end. */
static uint64_t bucket_floor(unsigned int bucket)
{
	return bucket ? 1ULL << (bucket - 1) : 0;
}

static uint64_t requests(const struct kvblk_latency_hist *hist)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < KVBLK_LATENCY_BUCKETS; i++)
		sum += hist->bucket[i];
	return sum;
}

/*
 * The bucket in which the last of the fastest @per_mille of the requests lies. There are
 * requests.
 */
static unsigned int percentile_bucket(const struct kvblk_latency_hist *hist,
				      unsigned int per_mille)
{
	/* Rounded up; in two parts, for a count near the top. */
	uint64_t all = requests(hist);
	uint64_t want = all / 1000 * per_mille + (all % 1000 * per_mille + 999) / 1000;
	unsigned int i = 0;

	while (want > hist->bucket[i])
		want -= hist->bucket[i++];
	return i;
}

/* The histograms this program knows, by operation and stage. */
struct table {
	const struct kvblk_latency_hist *cell[KVBLK_LATENCY_OP_NR][KVBLK_LATENCY_STAGE_NR];
};

static void table_fill(struct table *t, const struct kvblk_latency_hist *hists,
		       size_t count)
{
	static const struct kvblk_latency_hist none;
	unsigned int op, stage;

	for (op = 0; op < KVBLK_LATENCY_OP_NR; op++)
		for (stage = 0; stage < KVBLK_LATENCY_STAGE_NR; stage++)
			t->cell[op][stage] = &none;
	for (; count--; hists++)
		if (hists->op < KVBLK_LATENCY_OP_NR &&
		    hists->stage < KVBLK_LATENCY_STAGE_NR)
			t->cell[hists->op][hists->stage] = hists;
}

/* ---- text ---- */

/* Three digits or so and a unit: "0 ns", "16.4 us". */
static const char *format_ns(uint64_t ns, char *text, size_t room)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	double shown = ns;
	unsigned int i = 0;

	while (shown >= 999.95 && i < 3) {
		shown /= 1000;
		i++;
	}
	snprintf(text, room, "%.*f %s", i && shown < 99.95, shown, units[i]);
	return text;
}

static void put_bar(const char *label, uint64_t count, uint64_t most)
{
	/* Whatever is there is seen. */
	int width = count ? 1 + (double)count / most * (BAR_WIDTH - 1) : 0;

	printf("  %16s |", label);
	while (width--)
		putchar('#');
	printf(" %llu\n", (unsigned long long)count);
}

/* Empty buckets from @i on; the last bucket that is shown is not empty. */
static unsigned int gap(const struct kvblk_latency_hist *hist, unsigned int i)
{
	unsigned int n = 0;

	while (!hist->bucket[i + n])
		n++;
	return n;
}

static void put_bars(const struct kvblk_latency_hist *hist)
{
	unsigned int i, first = 0, last = KVBLK_LATENCY_BUCKETS - 1;
	char floor[16], label[24];
	uint64_t most = 0;

	while (!hist->bucket[first])
		first++;
	while (!hist->bucket[last])
		last--;
	for (i = first; i <= last; i++)
		if (hist->bucket[i] > most)
			most = hist->bucket[i];
	for (i = first; i <= last; i++) {
		if (gap(hist, i) > GAP_MAX) {
			printf("  %16s |\n", "...");
			i += gap(hist, i);
		}
		snprintf(label, sizeof(label), i ? "from %s" : "%s",
			 format_ns(bucket_floor(i), floor, sizeof(floor)));
		put_bar(label, hist->bucket[i], most);
	}
}

static void put_percentile(const struct kvblk_latency_hist *hist,
			   const struct percentile *p)
{
	unsigned int i = percentile_bucket(hist, p->per_mille);
	char text[16];

	if (i == KVBLK_LATENCY_BUCKETS - 1)
		printf(", %s from %s", p->name,
		       format_ns(bucket_floor(i), text, sizeof(text)));
	else
		printf(", %s below %s", p->name,
		       format_ns(bucket_floor(i + 1), text, sizeof(text)));
}

static void put_hist(const struct kvblk_latency_hist *hist, const char *op,
		     const char *stage)
{
	uint64_t count = requests(hist);
	char text[16];
	size_t i;

	printf("%s, %s: ", op, stage);
	if (hist->bucket[0] == count) {
		printf("none of %llu took time\n", (unsigned long long)count);
		return;
	}
	printf("mean %s", format_ns(hist->total / count, text, sizeof(text)));
	for (i = 0; i < PERCENTILES_NR; i++)
		put_percentile(hist, &percentiles[i]);
	putchar('\n');
	put_bars(hist);
}

static void show_text(const struct table *t)
{
	unsigned int op, stage;
	bool any = false;

	for (op = 0; op < KVBLK_LATENCY_OP_NR; op++) {
		for (stage = 0; stage < KVBLK_LATENCY_STAGE_NR; stage++) {
			if (!requests(t->cell[op][stage]))
				continue;
			put_hist(t->cell[op][stage], op_names[op], stage_names[stage]);
			any = true;
		}
	}
	if (!any)
		puts("no request was answered yet");
}

/* ---- JSON ---- */

static void json_percentile(struct json *json, const struct kvblk_latency_hist *hist,
			    const struct percentile *p)
{
	unsigned int i = KVBLK_LATENCY_BUCKETS - 1;

	if (requests(hist))
		i = percentile_bucket(hist, p->per_mille);
	if (i == KVBLK_LATENCY_BUCKETS - 1)
		json_null(json, p->key);
	else
		json_u64(json, p->key, bucket_floor(i + 1));
}

static void json_hist(struct json *json, const struct kvblk_latency_hist *hist,
		      const char *key)
{
	size_t i;

	json_open(json, key, '{');
	json_u64(json, "requests", requests(hist));
	json_u64(json, "total_ns", hist->total);
	for (i = 0; i < PERCENTILES_NR; i++)
		json_percentile(json, hist, &percentiles[i]);
	json_open(json, "buckets", '[');
	for (i = 0; i < KVBLK_LATENCY_BUCKETS; i++) {
		if (!hist->bucket[i])
			continue;
		json_open(json, NULL, '{');
		json_u64(json, "from_ns", bucket_floor(i));
		json_u64(json, "requests", hist->bucket[i]);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

static void show_json(const struct table *t)
{
	struct json json = { .out = stdout };
	unsigned int op, stage;

	json_open(&json, NULL, '{');
	for (op = 0; op < KVBLK_LATENCY_OP_NR; op++) {
		json_open(&json, op_names[op], '{');
		for (stage = 0; stage < KVBLK_LATENCY_STAGE_NR; stage++)
			json_hist(&json, t->cell[op][stage], stage_names[stage]);
		json_close(&json, '}');
	}
	json_close(&json, '}');
}

int show_latency(int ctl, const char *disk, uint32_t queue, bool json)
{
	struct kvblk_latency_hist *hists;
	char why[KVBLK_WHY_LEN] = "";
	struct table table;
	size_t count;
	int err;

	err = kvblk_disk_latency(ctl, disk, queue, &hists, &count, why, sizeof(why));
	if (err)
		return refused(disk, err, why);
	table_fill(&table, hists, count);
	if (json)
		show_json(&table);
	else
		show_text(&table);
	free(hists);
	return CODE_OK;
}
