# SPDX-License-Identifier: GPL-2.0
#
# kvblk: the module, its tools and its tests. `make help` lists the targets.

KDIR	?= /lib/modules/$(shell uname -r)/build
OUT	?= out
PREFIX	?= /usr/local
DESTDIR	?=

override OUT := $(abspath $(OUT))
ENV	:= selftests/env

help:
	@echo 'Build'
	@echo '  all        the module for the running kernel (or KDIR=...) and the tools, in $(OUT)'
	@echo '  modules    the module only'
	@echo '  tools      libkvblk, kvblkctl, kvblk-vmm'
	@echo '  install    both, into the running kernel and PREFIX=$(PREFIX)'
	@echo '  clean      remove $(OUT)'
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
	@echo '  torture    hostile guests and callers, TORTURE=10 times as many as make check has'
	@echo '  coverage   line and branch coverage of the module, by all tests in UML'
	@echo '  microbench nanoseconds per request of the drain alone, in User Mode Linux'
	@echo '  bench      kvblk and its peers at the same work, counted (options: BENCH=...)'
	@echo
	@echo 'Downloads and kernels are kept in $${KVBLK_CACHE:-~/.cache/kvblk}.'

all: modules tools

# The module needs no type information for BPF, nor pahole to make it.
kbuild = $(MAKE) -C $(KDIR) M=$(OUT)/module CONFIG_DEBUG_INFO_BTF_MODULES=

# The build runs in a copy: the tree stays clean.
modules:
	@mkdir -p $(OUT)/module
	@cp -a Kbuild kmod uapi $(OUT)/module/
	$(kbuild) modules

tools:
	$(MAKE) -C tools O=$(OUT)/tools

install: all
	$(kbuild) modules_install
	$(MAKE) -C tools O=$(OUT)/tools PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

clean:
	rm -rf $(OUT)

demo:
	@selftests/demo/demo.sh

check:
	@selftests/check.sh

lint unit kunit selftest testfuzz testtools:
	@selftests/check.sh $(patsubst test%,%,$@)

fuzz:
	@selftests/fuzz/run.sh --seconds 0

torture:
	@TORTURE=$(or $(TORTURE),10) selftests/torture.sh

coverage:
	@selftests/coverage/run.sh

microbench:
	@selftests/bench/micro.sh

bench:
	@selftests/bench/run.sh --out $(OUT)/bench $(BENCH)

.PHONY: help all modules tools install clean demo check lint unit kunit testfuzz testtools selftest fuzz \
	torture coverage microbench bench
