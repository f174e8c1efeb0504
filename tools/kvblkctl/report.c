// SPDX-License-Identifier: GPL-2.0
/* Failures in words that a person can act on. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

int open_control(void)
{
	int ctl = kvblk_control_open();

	switch (ctl) {
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		complain("the kvblk module is not loaded; run 'modprobe kvblk'");
		return -CODE_NO_MODULE;
	case -EACCES:
	case -EPERM:
		complain("/dev/kvblk-control: %s; this needs root",
			 strerror(-ctl));
		return -CODE_REFUSED;
	}
	if (ctl < 0) {
		complain("/dev/kvblk-control: %s", strerror(-ctl));
		return -CODE_REFUSED;
	}
	return ctl;
}

int refused(const char *disk, int err, const char *why)
{
	if (err == -ENOENT) {
		complain("%s: no such disk; 'kvblkctl list' shows those there are",
			 disk);
		return CODE_NO_DISK;
	}
	if (why[0])
		complain("%s: %s (%s)", disk, why, strerror(-err));
	else
		complain("%s: %s", disk, strerror(-err));
	return CODE_REFUSED;
}

int query_disk(int ctl, const char *disk, struct kvblk_query *query)
{
	char why[KVBLK_WHY_LEN];
	int err = kvblk_disk_query(ctl, disk, query, why, sizeof(why));

	return err ? refused(disk, err, why) : CODE_OK;
}
