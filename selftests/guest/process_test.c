// SPDX-License-Identifier: GPL-2.0
/* Sessions that pass from process to process, by fork() and exec(), under load. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include "disk.h"
#include "driver.h"
#include "harness.h"
#include "load.h"

#define SIZE	(4 * MIB)
#define ROUNDS	10

static struct disk disk;
static struct driver d;

static void expect_usable(uint32_t seed)
{
	driver_open(&d, disk.name, NULL);
	driver_prove(&d, 0, seed);
	driver_close(&d);
}

static void open_loaded(void)
{
	static struct load load;

	driver_open(&d, disk.name, NULL);
	load_init(&load, &d);
	load_submit(&load);
}

/* A child that was given the descriptor keeps the disk, and can do nothing. */
TEST(fork_under_load)
{
	struct kvblk_session_info info = { .hdr.size = sizeof(info) };
	unsigned int i;
	int status;
	pid_t pid;

	disk_make(&disk, SIZE, 0);
	for (i = 0; i < ROUNDS; i++) {
		open_loaded();
		pid = fork();
		ASSERT_GE(pid, 0);
		if (!pid) {
			EXPECT_EQ(call(d.s.fd, KVBLK_SESSION_INFO, &info),
				  -EPERM);
			pause();
		}
		session_close(&d.s);
		EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
		kill(pid, SIGKILL);
		ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
		memory_exit(&d.m);
		expect_usable(i + 1);
	}
}

/* A process that has opened the disk, loaded it, and become another program. */
static pid_t fork_and_exec(void)
{
	int fd[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(pipe2(fd, O_CLOEXEC), 0);
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid) {
		open_loaded();
		fcntl(d.s.fd, F_SETFD, 0);
		execlp("sleep", "sleep", "1000", NULL);
		DIE("exec: %s", strerror(errno));
	}
	close(fd[1]);
	/* Its end of the pipe goes with the old program. */
	ASSERT_EQ(read(fd[0], &byte, 1), 0);
	close(fd[0]);
	return pid;
}

/* exec() takes the memory away from under the session, not the descriptor. */
TEST(exec_under_load)
{
	unsigned int i;
	int status;
	pid_t pid;

	disk_make(&disk, SIZE, 0);
	for (i = 0; i < ROUNDS; i++) {
		pid = fork_and_exec();
		EXPECT_EQ(session_open_fd(disk.name), -EBUSY);
		kill(pid, SIGKILL);
		ASSERT_EQ(wait_child(pid, WAIT_SECONDS, &status), 0);
		expect_usable(i + 1);
	}
}
