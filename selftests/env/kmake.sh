#!/bin/bash
# kmake.sh SERIES SRCDIR OUTDIR [make args...] - build the external module of SRCDIR (the
# directory of its Kbuild) against Debian's kernel of that series (6.1, 6.12 or 7.2).
#
# Works on a copy in OUTDIR; SRCDIR is only read. The status is make's.
# Examples of arguments: W=1 KCFLAGS=-Werror, C=2 (sparse), V=1, clean.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 3 ] || die "usage: kmake.sh 6.1|6.12|7.2 SRCDIR OUTDIR [make args...]"
series=$1 src=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)
shift 3

assignments=$("$ENV_DIR/kernel.sh" "$series")
eval "$assignments"
copy_sources "$src" "$out"
# The kernels have type information for BPF; a test module needs none, nor pahole to make it.
make=(make -s -j"$JOBS" -C "$KDIR" M="$out" CONFIG_DEBUG_INFO_BTF_MODULES= "$@")
[ -n "$KCHROOT" ] || exec "${make[@]}"

# The same path inside as outside keeps compiler messages and file names right. The mounts
# live in a private name space and vanish with make; objtool opens /proc, sparse /dev/null.
mkdir -p "$KCHROOT$out"
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare -m bash -euc '
	mount -t proc proc "$1/proc"
	mount --rbind /dev "$1/dev"
	mount --bind "$2" "$1$2"
	root=$1
	shift 2
	exec chroot "$root" env PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C "$@"
' bash "$KCHROOT" "$out" "${make[@]}"
