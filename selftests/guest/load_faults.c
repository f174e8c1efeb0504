// SPDX-License-Identifier: GPL-2.0
/* Loading the module ($KVBLK_MODULE) while allocations fail. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include "disk.h"
#include "fault.h"
#include "harness.h"

#define SECONDS	1200

static int module;

static int load(void)
{
	return syscall(SYS_finit_module, module, "", 0) ? -errno : 0;
}

static void unload(void)
{
	ASSERT_EQ(access(CONTROL_PATH, R_OK | W_OK), 0);
	ASSERT_EQ(disk_count(), 0);
	ASSERT_EQ(syscall(SYS_delete_module, "kvblk", 0), 0);
}

static void not_loaded(void)
{
	EXPECT_NE(access(CONTROL_PATH, F_OK), 0);
	EXPECT_NE(access("/sys/module/kvblk", F_OK), 0);
	EXPECT_NE(access("/sys/kernel/debug/kvblk", F_OK), 0);
}

TEST_FULL(load_and_unload, SECONDS, NULL)
{
	const char *path = getenv("KVBLK_MODULE");

	ASSERT_TRUE(path);
	module = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(module, 0);
	fault_init();
	fault_sweep(&(struct fault_op) {
		.name = "load",
		.who = FAULT_SELF,
		.run = load,
		.failed = not_loaded,
		.undo = unload,
	});
	fault_report();
}
