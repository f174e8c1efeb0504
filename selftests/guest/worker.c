// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include "harness.h"
#include "worker.h"

bool worker_line(const char *dir, const char *file, const char *begin,
		 char *line, int len)
{
	char path[96];
	bool got = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	while (f && !got && fgets(line, len, f))
		got = !strncmp(line, begin, strlen(begin));
	if (f)
		fclose(f);
	return got;
}

bool worker_find(const char *disk, char *dir)
{
	char want[80], line[80];
	struct dirent *entry;
	bool found = false;
	DIR *proc = opendir("/proc");

	ASSERT_TRUE(proc);
	snprintf(want, sizeof(want), "kvblk/%s", disk);
	want[15] = 0;
	while (!found && (entry = readdir(proc))) {
		snprintf(dir, 32, "/proc/%.16s", entry->d_name);
		found = worker_line(dir, "comm", want, line, sizeof(line));
	}
	closedir(proc);
	return found;
}
