// SPDX-License-Identifier: GPL-2.0
/* A disk on the vDPA bus, by way of vdpa(8), modprobe(8) and sysfs. */
#define _GNU_SOURCE	/* environ */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "vdpa.h"

#define BUS		"/sys/bus/vdpa"
#define NODE_TRIES	100	/* of 50 ms: a disk of the host is scanned first */

/* Runs a program; its messages are the user's. The wait status, or -errno. */
static int run_program(const char *const argv[])
{
	int err, status;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return status;
}

static int run_vdpa(const char *const argv[])
{
	int status = run_program(argv);

	if (!status)
		return CODE_OK;
	if (status < 0)
		complain("cannot run vdpa(8), which the package iproute2 has: %s",
			 strerror(-status));
	return CODE_REFUSED;
}

static void load_module(const char *name)
{
	/* Built in, loaded or not to be had: what needs it will tell. */
	run_program((const char *const[]){ "modprobe", "-q", name, NULL });
}

static bool device_file(const char *name, const char *file, char *path, size_t len)
{
	return snprintf(path, len, BUS "/devices/%s/%s", name, file) < (int)len;
}

int vdpa_check(bool given)
{
	return given ? CODE_OK : usage_error("--vdpa is missing: there is no other bus");
}

bool vdpa_is_there(const char *name)
{
	char path[PATH_MAX];

	return device_file(name, "", path, sizeof(path)) && !access(path, F_OK);
}

int vdpa_add(const char *name, const char *mgmtdev)
{
	load_module("kvblk_vdpa");
	if (access("/sys/module/kvblk_vdpa", F_OK)) {
		complain("the module kvblk_vdpa is not loaded; it needs a kernel with vDPA");
		return CODE_NO_MODULE;
	}
	return run_vdpa((const char *const[]){ "vdpa", "dev", "add", "name", name,
					       "mgmtdev", mgmtdev, NULL });
}

int vdpa_del(const char *name)
{
	return run_vdpa((const char *const[]){ "vdpa", "dev", "del", name, NULL });
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Whether @driver drives the device now. */
static bool is_bound(const char *name, const char *driver)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *base;
	ssize_t len;

	if (!device_file(name, "driver", path, sizeof(path)))
		return false;
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	base = strrchr(target, '/');
	return base && !strcmp(base + 1, driver);
}

int vdpa_bind(const char *name, const char *driver)
{
	char path[PATH_MAX];
	int err;

	load_module(driver);
	/* Either driver takes any device: say which one is meant. */
	device_file(name, "driver_override", path, sizeof(path));
	err = write_file(path, driver);
	if (!err && !is_bound(name, driver)) {
		device_file(name, "driver/unbind", path, sizeof(path));
		write_file(path, name);
		snprintf(path, sizeof(path), BUS "/drivers/%s/bind", driver);
		err = write_file(path, name);
	}
	if (!err)
		return CODE_OK;
	complain("%s: cannot bind the driver %s: %s", name, driver, strerror(-err));
	return CODE_REFUSED;
}

static bool find_node(const char *name, const char *driver, char *node, size_t len)
{
	const char *what = strcmp(driver, VDPA_FOR_VMM) ? "virtio*/block/*" : "vhost-vdpa-*";
	char pattern[PATH_MAX];
	bool found = false;
	glob_t hits;

	device_file(name, what, pattern, sizeof(pattern));
	if (glob(pattern, 0, NULL, &hits))
		return false;
	snprintf(node, len, "/dev/%s", strrchr(hits.gl_pathv[0], '/') + 1);
	found = !access(node, F_OK);
	globfree(&hits);
	return found;
}

int vdpa_node(const char *name, const char *driver, char *node, size_t len)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int i;

	for (i = 0; i < NODE_TRIES; i++) {
		if (find_node(name, driver, node, len))
			return CODE_OK;
		nanosleep(&pause, NULL);
	}
	complain("%s: the driver %s has made no device node", name, driver);
	return CODE_REFUSED;
}
