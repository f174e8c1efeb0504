/* SPDX-License-Identifier: GPL-2.0 */
/* Owner and mode of a device node, from the command line. */
#ifndef KVBLKCTL_OWNER_H
#define KVBLKCTL_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * USER[:GROUP] or :GROUP, by name or number. Without a group it is the login
 * group of the user, or 0 if the user is a number without a name. false:
 * unknown.
 */
bool parse_owner(const char *text, uint32_t *uid, uint32_t *gid);

/* Octal permission bits. */
bool parse_mode(const char *text, uint32_t *mode);

#endif /* KVBLKCTL_OWNER_H */
