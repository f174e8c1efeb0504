/* SPDX-License-Identifier: GPL-2.0 */
/* Owner and mode of a device node, from the command line. */
#ifndef KVBLKCTL_OWNER_H
#define KVBLKCTL_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * USER[:GROUP] or :GROUP: numbers, or names of /etc/passwd and /etc/group.
 * Without a group it is the login group of a name, 0 for a number. false:
 * unknown.
 */
bool parse_owner(const char *text, uint32_t *uid, uint32_t *gid);

/* Octal permission bits. */
bool parse_mode(const char *text, uint32_t *mode);

#endif /* KVBLKCTL_OWNER_H */
