#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [host|uml|vm]... - test the library and the control tool (all of it if none is named).
# TAP on standard output.
#
#   host   what needs no module, on this machine
#   uml    with the module, in User Mode Linux
#   vm     what needs KVM too, in a QEMU machine

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

here=$TOP/selftests/tools
build=$CACHE/tools/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)

# What a machine gets: DIR has it beside the module.
payload()
{
	local dir=$1 ko=$2
	mkdir -p "$dir" && make -s -C "$TOP/tools" O="$build/static" STATIC=1 &&
		gcc -std=gnu11 -Wall -Wextra -Werror -O2 -static -I"$TOP/uapi" -I"$TOP/tools/lib" \
			-o "$dir/session_test" "$here/session_test.c" \
			"$build/static/libkvblk.a" &&
		cp "$ko" "$build/static/kvblkctl" "$here/tap.sh" \
			"$here/ctl_test.sh" "$dir/"
}

run_host()
{
	"$ENV_DIR/deps.sh" unit vm &&
		"$here/tools_test.sh" "$build/host"
}

run_uml()
{
	"$ENV_DIR/deps.sh" uml &&
		"$ENV_DIR/umlmake.sh" "$TOP" "$build/uml" &&
		payload "$build/shared" "$build/uml/kmod/kvblk.ko" &&
		"$ENV_DIR/umlrun.sh" -t 900 --shared "$build/shared" "$here/uml_job.sh"
}

run_vm()
{
	"$ENV_DIR/deps.sh" build vm &&
		"$ENV_DIR/kmake.sh" 6.12 "$TOP" "$build/6.12" &&
		payload "$build/vm" "$build/6.12/kmod/kvblk.ko" &&
		"$ENV_DIR/mkroot.sh" "$build/vm.cpio" --kernel 6.12 --modules kvm_amd \
			--file "$build/vm:/kvblk" &&
		"$ENV_DIR/vmrun.sh" -t 600 --kvm-nested --kernel 6.12 --root "$build/vm.cpio" \
			--out "$build/vm-out" "$here/vm_job.sh"
}

[ $# -gt 0 ] || set -- host uml vm
for part; do
	[ "$(type -t "run_$part")" = function ] || die "no part '$part': host, uml, vm"
done
status=0
for part; do
	"run_$part" || status=1
done
exit $status
