// SPDX-License-Identifier: GPL-2.0
/*
 * Names processes, and finds the one that holds a file lock. F_OFD_GETLK does
 * not tell (such a lock belongs to no process), but /proc/<pid>/fdinfo/<fd>
 * shows the locks of an open file.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "holder.h"

const char *by_process(int pid, char user[HOLDER_LEN])
{
	char path[32], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(comm, sizeof(comm), file))
			comm[0] = '\0';
		fclose(file);
	}
	comm[strcspn(comm, "\n")] = '\0';
	if (comm[0])
		snprintf(user, HOLDER_LEN, " by process %d (%s)", pid, comm);
	else
		snprintf(user, HOLDER_LEN, " by process %d", pid);
	return user;
}

static bool has_lock(int pid, const char *fd_name)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", pid, fd_name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "lock:", strlen("lock:"));
	fclose(file);
	return found;
}

static bool locks_file(int pid, const struct stat *wanted)
{
	char path[32];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		found = !fstatat(dirfd(dir), entry->d_name, &st, 0) &&
			st.st_dev == wanted->st_dev &&
			st.st_ino == wanted->st_ino &&
			has_lock(pid, entry->d_name);
	closedir(dir);
	return found;
}

bool find_holder(int fd, char user[HOLDER_LEN])
{
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *proc;

	if (fstat(fd, &st))
		return false;
	proc = opendir("/proc");
	if (!proc)
		return false;
	while (!found && (entry = readdir(proc))) {
		int pid = atoi(entry->d_name);

		found = pid > 0 && pid != getpid() && locks_file(pid, &st);
		if (found)
			by_process(pid, user);
	}
	closedir(proc);
	return found;
}
