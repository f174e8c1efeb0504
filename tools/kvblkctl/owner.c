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

static bool parse_user(const char *text, uint32_t *uid, uint32_t *gid)
{
	struct passwd *user;
	bool number;

	*uid = 0;
	*gid = 0;
	if (!text[0])
		return true;
	number = parse_id(text, 10, uid);
	user = number ? getpwuid(*uid) : getpwnam(text);
	if (user) {
		*uid = user->pw_uid;
		*gid = user->pw_gid;
	}
	return number || user;
}

static bool parse_group(const char *text, uint32_t *gid)
{
	struct group *group;

	if (parse_id(text, 10, gid))
		return true;
	group = getgrnam(text);
	if (group)
		*gid = group->gr_gid;
	return group;
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
