// SPDX-License-Identifier: GPL-2.0
/*
 * lock ro|rw FILE [pass]: lock FILE as kvblkctl does. Prints "locked" and keeps it
 * until standard input ends, or prints "refused" and who holds it, or an error.
 *
 * With "pass" a child that only inherited the descriptor keeps the lock while
 * the process that took it exits, as the kernel keeps it for a disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "holder.h"
#include "kvblk.h"

static int tell(const char *text, const char *more)
{
	printf("%s%s\n", text, more);
	fflush(stdout);
	return 0;
}

static void hold(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	bool read_only = argc > 1 && !strcmp(argv[1], "ro");
	char user[HOLDER_LEN];
	int fd, err;

	if (argc < 3)
		return 2;
	fd = open(argv[2], O_CLOEXEC | (read_only ? O_RDONLY : O_RDWR));
	if (fd < 0)
		return tell("error ", strerror(errno));
	err = kvblk_image_lock(fd, read_only);
	if (err == -EAGAIN)
		return tell("refused", find_holder(fd, user) ? user : "");
	if (err)
		return tell("error ", strerror(-err));
	/* Only after a fork() is the first process free to go. */
	if (argc > 3 && fork())
		return 0;
	tell("locked", "");
	hold();
	return 0;
}
