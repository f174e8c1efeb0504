// SPDX-License-Identifier: GPL-2.0
/*
 * session_test DISK [kvm]: sessions by libkvblk, on an idle disk of a loaded
 * module; with "kvm" also the tests that need /dev/kvm.
 *
 * One line "ok NAME" or "not ok NAME" for each test, a line "# ..." for what was
 * wrong in it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/virtio_mmio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kvblk.h"

#define RAM_SIZE	(1 << 20)
#define WINDOW		0xd0000000
#define GSI		5
#define SLOT		1

static const char *disk;
static void *ram;
static int wrong;

#define EXPECT(condition) expect(condition, #condition, __LINE__)

static void expect(bool good, const char *what, int line)
{
	if (good)
		return;
	wrong++;
	printf("# line %d: not so: %s\n", line, what);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static struct kvblk_dev *open_disk(void)
{
	struct kvblk_dev *dev;

	EXPECT(!kvblk_dev_open(disk, &dev));
	return dev;
}

static void test_open(void)
{
	struct kvblk_dev *dev = open_disk(), *other = dev;

	if (!dev)
		return;
	EXPECT(!strcmp(kvblk_dev_info(dev)->name, disk));
	EXPECT(kvblk_dev_info(dev)->capacity);
	EXPECT(kvblk_dev_open(disk, &other) == -EBUSY);
	EXPECT(!other);
	kvblk_dev_close(dev);

	dev = open_disk();
	kvblk_dev_close(dev);
	kvblk_dev_close(NULL);
}

static void test_open_errors(void)
{
	struct kvblk_dev *dev;

	EXPECT(kvblk_dev_open("no-such-disk", &dev) == -ENOENT);
	EXPECT(kvblk_dev_open("/dev/kvblk/no-such-disk", &dev) == -ENOENT);
	EXPECT(kvblk_dev_open("12345678901234567890123456789012", &dev) ==
	       -EINVAL);
	EXPECT(kvblk_dev_open("/dev/null", &dev) == -ENOTTY);
}

static void test_memory(void)
{
	struct kvblk_region regions[2] = {
		{ .gpa = 0, .size = RAM_SIZE, .uaddr = (uintptr_t)ram },
		{ .gpa = 4097, .size = 4096, .uaddr = (uintptr_t)ram },
	};
	struct kvblk_dev *dev = open_disk();

	if (!dev)
		return;
	EXPECT(kvblk_dev_set_memory(dev, regions, 2) == -EINVAL);
	EXPECT(strstr(kvblk_dev_why(dev), "gpa"));
	EXPECT(kvblk_dev_set_memory(dev, regions, KVBLK_REGIONS_MAX + 1) ==
	       -E2BIG);
	EXPECT(strstr(kvblk_dev_why(dev), "512"));
	EXPECT(!kvblk_dev_set_memory(dev, regions, 1));
	EXPECT(!kvblk_dev_why(dev)[0]);
	kvblk_dev_close(dev);
}

static void test_plug_fds(void)
{
	struct kvblk_dev *dev = open_disk();
	int event;

	if (!dev)
		return;
	EXPECT(!kvblk_dev_page(dev));
	EXPECT(kvblk_dev_event_fd(dev, KVBLK_EVENT_ACK, 0) == -EBADF);
	EXPECT(!kvblk_dev_plug_fds(dev));
	EXPECT(kvblk_dev_plug_fds(dev) == -EALREADY);
	for (event = 0; event < KVBLK_EVENT_NR; event++)
		EXPECT(kvblk_dev_event_fd(dev, event, 0) >= 0);
	EXPECT(kvblk_dev_event_fd(dev, KVBLK_EVENT_KICK, 1) == -EINVAL);
	EXPECT(kvblk_dev_event_fd(dev, KVBLK_EVENT_NR, 0) == -EINVAL);
	EXPECT(!memcmp(kvblk_dev_page(dev), "virt", 4));
	EXPECT(!kvblk_dev_claims(dev, 0, 4));
	kvblk_dev_close(dev);
}

/* The bytes are those of the guest, whatever the byte order of the host. */
static void test_registers(void)
{
	const unsigned char acknowledge[4] = { 1 }, driver[4] = { 3 };
	struct kvblk_dev *dev = open_disk();
	unsigned char got[8] = {};

	if (!dev)
		return;
	EXPECT(!kvblk_dev_read(dev, VIRTIO_MMIO_MAGIC_VALUE, got, 4));
	EXPECT(!memcmp(got, "virt", 5));
	EXPECT(!kvblk_dev_write(dev, VIRTIO_MMIO_STATUS, acknowledge, 4));
	EXPECT(!kvblk_dev_write(dev, VIRTIO_MMIO_STATUS, driver, 4));
	EXPECT(!kvblk_dev_read(dev, VIRTIO_MMIO_STATUS, got, 4));
	EXPECT(!memcmp(got, driver, 4));
	EXPECT(!kvblk_dev_plug_fds(dev));
	EXPECT(!memcmp((const char *)kvblk_dev_page(dev) + VIRTIO_MMIO_STATUS,
		       driver, 4));
	EXPECT(kvblk_dev_read(dev, 0, got, 3) == -EINVAL);
	EXPECT(kvblk_dev_read(dev, 0, got, 16) == -EINVAL);
	EXPECT(kvblk_dev_write(dev, 0, got, 16) == -EINVAL);
	EXPECT(kvblk_dev_write(dev, KVBLK_PAGE_SIZE - 2, got, 4) == -EINVAL);
	kvblk_dev_close(dev);
}

/* What KVM would refuse is refused by a descriptor that is no VM. */
static void test_plug_errors(void)
{
	struct kvblk_dev *dev = open_disk();
	int before = count_fds(), vm = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!dev)
		return;
	EXPECT(kvblk_dev_plug(dev, vm, 0x1001, 5, 1) == -EINVAL);
	EXPECT(strstr(kvblk_dev_why(dev), "0x1001"));
	EXPECT(kvblk_dev_plug(dev, vm, 0x1000, 5, 1) == -ENOTTY);
	EXPECT(strstr(kvblk_dev_why(dev), "KVM_IOEVENTFD"));
	close(vm);
	EXPECT(kvblk_dev_plug(dev, vm, 0x1000, 5, 1) == -EBADF);
	EXPECT(strstr(kvblk_dev_why(dev), "vm_fd"));
	EXPECT(!kvblk_dev_page(dev));
	EXPECT(!kvblk_dev_claims(dev, 0x1000, 4));
	EXPECT(count_fds() == before);
	EXPECT(!kvblk_dev_plug_fds(dev));
	kvblk_dev_close(dev);
}

/* Fail at each descriptor in turn; each time everything has to be taken back. */
static void test_plug_unwinds(void)
{
	struct kvblk_dev *dev = open_disk();
	int free_fd, before, allowed, err = -EMFILE;
	struct rlimit limit, cut;

	if (!dev || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	before = count_fds();
	free_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	close(free_fd);
	for (allowed = 0; err == -EMFILE && allowed < 16; allowed++) {
		cut = limit;
		cut.rlim_cur = free_fd + allowed;
		setrlimit(RLIMIT_NOFILE, &cut);
		err = kvblk_dev_plug_fds(dev);
		setrlimit(RLIMIT_NOFILE, &limit);
		if (err == -EMFILE) {
			EXPECT(strstr(kvblk_dev_why(dev), "eventfd"));
			EXPECT(count_fds() == before);
			EXPECT(!kvblk_dev_page(dev));
		}
	}
	EXPECT(!err);
	EXPECT(allowed == KVBLK_EVENT_NR + 1);
	kvblk_dev_close(dev);
}

static int make_vm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;

	EXPECT(kvm >= 0);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	EXPECT(vm >= 0);
	EXPECT(!ioctl(vm, KVM_CREATE_IRQCHIP, 0));
	close(kvm);
	return vm;
}

static int add_slot(int vm, uint64_t gpa)
{
	struct kvm_userspace_memory_region slot = {
		.slot = SLOT + 1,
		.guest_phys_addr = gpa,
		.memory_size = KVBLK_PAGE_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};

	return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot);
}

/* What close leaves in the VM would be in the way of the next round. */
static void test_kvm_plug(void)
{
	int vm = make_vm(), round;
	struct kvblk_dev *dev;

	for (round = 0; round < 3; round++) {
		dev = open_disk();
		if (!dev)
			break;
		EXPECT(!kvblk_dev_plug(dev, vm, WINDOW, GSI, SLOT));
		EXPECT(!kvblk_dev_why(dev)[0]);
		EXPECT(kvblk_dev_claims(dev, WINDOW, 4));
		EXPECT(kvblk_dev_claims(dev, WINDOW + 4092, 4));
		EXPECT(!kvblk_dev_claims(dev, WINDOW + 4093, 4));
		EXPECT(!kvblk_dev_claims(dev, WINDOW - 1, 4));
		EXPECT(add_slot(vm, WINDOW) < 0);
		kvblk_dev_close(dev);
	}
	EXPECT(!add_slot(vm, WINDOW));
	close(vm);
}

/* The last step fails, so that each of the others is taken back. */
static void test_kvm_unwinds(void)
{
	struct kvblk_dev *dev = open_disk();
	int vm = make_vm(), before = count_fds();

	if (!dev)
		return;
	EXPECT(!add_slot(vm, WINDOW));
	EXPECT(kvblk_dev_plug(dev, vm, WINDOW, GSI, SLOT) == -EEXIST);
	EXPECT(strstr(kvblk_dev_why(dev), "memslot"));
	EXPECT(count_fds() == before);
	EXPECT(!kvblk_dev_plug(dev, vm, WINDOW + KVBLK_PAGE_SIZE, GSI, SLOT));
	close(vm);
	kvblk_dev_close(dev);
}

static const struct {
	const char *name;
	void (*run)(void);
	bool kvm;
} tests[] = {
	{ "one session at a time", test_open, false },
	{ "errors of open", test_open_errors, false },
	{ "memory", test_memory, false },
	{ "eventfds and page", test_plug_fds, false },
	{ "registers", test_registers, false },
	{ "errors of plug", test_plug_errors, false },
	{ "a plug that fails half-way unwinds", test_plug_unwinds, false },
	{ "plug into a VM, close, plug again", test_kvm_plug, true },
	{ "a plug that a VM refuses unwinds", test_kvm_unwinds, true },
};

int main(int argc, char **argv)
{
	bool kvm = argc == 3 && !strcmp(argv[2], "kvm");
	int before = count_fds(), bad = 0;
	size_t i;

	if (argc != (kvm ? 3 : 2))
		return 2;
	disk = argv[1];
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		return 2;
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (tests[i].kvm && !kvm)
			continue;
		wrong = 0;
		tests[i].run();
		EXPECT(count_fds() == before);
		printf("%sok %s\n", wrong ? "not " : "", tests[i].name);
		bad += wrong;
	}
	return bad ? 1 : 0;
}
