# SPDX-License-Identifier: GPL-2.0
#
# kvblk: the module, its tools and its tests. `make help` lists the targets.

KDIR	?= /lib/modules/$(shell uname -r)/build
O	?= out
PREFIX	?= /usr/local
DESTDIR	?=

override O := $(abspath $(O))
ENV	:= selftests/env

help:
	@echo 'Build'
	@echo '  all        the module for the running kernel (or KDIR=...) and the tools, in $(O)'
	@echo '  modules    the module only'
	@echo '  tools      libkvblk, kvblkctl, kvblk-vmm'
	@echo '  install    both, into the running kernel and PREFIX=$(PREFIX)'
	@echo '  clean      remove $(O)'
	@echo
	@echo 'See it work (installs and downloads what it needs, as root on Debian 12)'
	@echo '  demo       a KVM guest does real I/O on a kvblk disk; HOST=1: without QEMU'
	@echo
	@echo 'Test (likewise)'
	@echo '  check      all of the following'
	@echo '  lint       compilers, sparse, checkpatch, shellcheck'
	@echo '  unit       the pure layer in user space, with sanitizers'
	@echo '  testfuzz   the pure layer against libFuzzer for a minute'
	@echo '  kunit      unit tests in a User Mode Linux kernel, with sanitizers'
	@echo '  testtools  libkvblk and kvblkctl'
	@echo '  selftest   the loaded module in virtual machines, with KVM guests'
	@echo
	@echo 'Beyond make check'
	@echo '  fuzz       libFuzzer until it is stopped'
	@echo '  coverage   line and branch coverage of the module, by all tests in UML'
	@echo
	@echo 'Downloads and kernels are kept in $${KVBLK_CACHE:-~/.cache/kvblk}.'

all: modules tools

# The build runs in a copy: the tree stays clean.
modules:
	@mkdir -p $(O)/module
	@cp -a Kbuild kmod uapi $(O)/module/
	$(MAKE) -C $(KDIR) M=$(O)/module modules

tools:
	$(MAKE) -C tools O=$(O)/tools

install: all
	$(MAKE) -C $(KDIR) M=$(O)/module modules_install
	$(MAKE) -C tools O=$(O)/tools PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

clean:
	rm -rf $(O)

demo:
	@selftests/demo/demo.sh

check:
	@selftests/check.sh

lint unit kunit selftest testfuzz testtools:
	@selftests/check.sh $(patsubst test%,%,$@)

fuzz:
	@selftests/fuzz/run.sh --seconds 0

coverage:
	@selftests/coverage/run.sh

.PHONY: help all modules tools install clean demo check lint unit kunit testfuzz testtools selftest fuzz coverage
