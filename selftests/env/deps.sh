#!/bin/bash
# deps.sh [GROUP...] - install the Debian 12 packages that a group of tests needs (all groups if
# none is named). Asks the package database only; fast when nothing is missing.
#
# build   modules against Debian's headers        lint    checkers of source and scripts
# unit    user-space tests of the pure layer      uml     the User Mode Linux kernel
# vm      QEMU and what runs inside its guests    chroot  the unpacked sid compiler
# fuzz    the pure layer under libFuzzer          coverage  what the tests reach
# bootdisk  a disk that boots by itself

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

packages_of()
{
	case $1 in
	build) echo gcc make libc6-dev libelf1 xz-utils zstd kmod rsync cpio python3 perl bc ;;
	lint) echo sparse shellcheck perl python3 ;;
	unit) echo gcc g++ make libc6-dev python3 mandoc ;;
	uml) echo gcc make patch libc6-dev flex bison bc libelf-dev libssl-dev kmod xz-utils cpio perl \
		python3 rsync busybox-static e2fsprogs iproute2 dmsetup ;;
	vm) echo gcc libc6-dev qemu-system-x86 qemu-utils busybox-static cpio kmod e2fsprogs xfsprogs \
		btrfs-progs util-linux dmsetup iproute2 zstd xz-utils ;;
	chroot) echo mmdebstrap util-linux ;;
	fuzz) echo clang-14 libclang-rt-14-dev llvm-14 make libc6-dev python3 ;;
	coverage) echo gcovr ;;
	bootdisk) echo syslinux syslinux-common mtools dosfstools fdisk ;;
	*) die "unknown group '$1'" ;;
	esac
}

[ $# -gt 0 ] || set -- build lint unit uml vm chroot fuzz coverage bootdisk
missing=() wanted=()
for group; do
	read -ra list <<<"$(packages_of "$group")"
	wanted+=("${list[@]}")
done

have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
for package in "${wanted[@]}"; do
	case $'\n'$have$'\n' in
	*$'\n'"$package installed"$'\n'*) ;;
	*) missing+=("$package") ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$(id -u)" = 0 ] || die "needs root to install: ${missing[*]}"
locked apt
say "install for ${*}: ${missing[*]}"
install=(apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=600
	"${missing[@]}")
export DEBIAN_FRONTEND=noninteractive
# A fresh machine has no package lists, an old one has lists that name deleted files.
"${install[@]}" >"$CACHE/log/install.log" 2>&1 </dev/null || {
	run_logged apt-update apt-get update -o DPkg::Lock::Timeout=600
	run_logged install "${install[@]}"
}
