// SPDX-License-Identifier: GPL-2.0
/* Owner and mode of a device node, from the command line. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "owner.h"

/* The highest number is no id: it means "unchanged" to chown(). */
static bool parse_id(const char *text, int base, uint32_t *value)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	number = strtoul(text, &end, base);
	if (errno || *end || number >= UINT32_MAX)
		return false;
	*value = number;
	return true;
}

/*
 * The files are read without the name service, whose plug-ins a statically
 * linked program cannot load.
 */
static bool find_user(const char *name, uint32_t *uid, uint32_t *gid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;

	if (!file)
		return false;
	do {
		user = fgetpwent(file);
	} while (user && strcmp(user->pw_name, name));
	if (user) {
		*uid = user->pw_uid;
		*gid = user->pw_gid;
	}
	fclose(file);
	return user;
}

static bool find_group(const char *name, uint32_t *gid)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *group;

	if (!file)
		return false;
	do {
		group = fgetgrent(file);
	} while (group && strcmp(group->gr_name, name));
	if (group)
		*gid = group->gr_gid;
	fclose(file);
	return group;
}

static bool parse_user(const char *text, uint32_t *uid, uint32_t *gid)
{
	*uid = 0;
	*gid = 0;
	return !text[0] || parse_id(text, 10, uid) ||
	       find_user(text, uid, gid);
}

static bool parse_group(const char *text, uint32_t *gid)
{
	return parse_id(text, 10, gid) || find_group(text, gid);
}

bool parse_owner(const char *text, uint32_t *uid, uint32_t *gid)
{
	const char *colon = strchrnul(text, ':');
	char user[64];

	if (!text[0] || (size_t)(colon - text) >= sizeof(user))
		return false;
	snprintf(user, sizeof(user), "%.*s", (int)(colon - text), text);
	return parse_user(user, uid, gid) &&
	       (!colon[0] || parse_group(colon + 1, gid));
}

bool parse_mode(const char *text, uint32_t *mode)
{
	return parse_id(text, 8, mode) && *mode <= 0777;
}
