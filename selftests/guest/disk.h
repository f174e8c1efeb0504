/* SPDX-License-Identifier: GPL-2.0 */
/* Disks and the files under them, through the control device. */
#ifndef KVBLK_TEST_DISK_H
#define KVBLK_TEST_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvblk.h>

#define KIB	1024ULL
#define MIB	(1024ULL * KIB)

#define CONTROL_PATH	"/dev/kvblk-control"
#define NODE_DIR	"/dev/kvblk"

/**
 * struct disk - A disk and the test's own view of its backing
 * @name: Under /dev/kvblk.
 * @fd: Another reference to the backing file, to look at the data.
 * @size: Capacity in bytes.
 */
struct disk {
	char name[KVBLK_NAME_LEN];
	int fd;
	uint64_t size;
};

/* The ioctl, 0 or -errno. */
int call(int fd, unsigned long cmd, void *arg);

/* An open control device, and a call on it: 0 or -errno. */
int disk_control_fd(void);
int disk_control(unsigned long cmd, void *arg);

/* Directory for files: $KVBLK_TEST_DIR or /tmp. */
const char *disk_dir(void);

/* A new, already unlinked, file of @size bytes in @dir. */
int disk_file_in(const char *dir, uint64_t size);
int disk_file(uint64_t size);

/* Defaults for KVBLK_ADD with a name that no other disk has. */
void disk_add_init(struct kvblk_add *add, int fd);

/* Makes a disk; skips the test where direct I/O is asked and impossible. */
void disk_add(struct disk *d, const struct kvblk_add *add);
void disk_make(struct disk *d, uint64_t size, uint32_t flags);

int disk_remove(const char *name);
void disk_query(const char *name, struct kvblk_query *q);
struct kvblk_stats disk_stats(const char *name);
uint32_t disk_state(const char *name);

/* KVBLK_SET of one limit. */
int disk_limit(const char *name, enum kvblk_limit_id id, uint64_t rate,
	       uint64_t burst);

/* KVBLK_SET of when it interrupts. */
int disk_interrupts(const char *name, uint32_t count, uint32_t usecs);

/* Number of disks there are. */
unsigned int disk_count(void);

/* Path of the disk's node. */
void disk_node(const char *name, char *path, unsigned int len);

#endif /* KVBLK_TEST_DISK_H */
