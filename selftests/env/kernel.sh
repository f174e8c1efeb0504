#!/bin/bash
# kernel.sh 6.1|6.12|7.2 - make sure Debian's newest kernel of that series is in the cache.
#
# Prints shell assignments on stdout:
#   KVER=      release, e.g. 6.12.1+deb12-amd64
#   KIMAGE=    the vmlinuz
#   KMODULES=  directory with lib/modules/$KVER, depmod done
#   KDIR=      build directory for M= builds; with KCHROOT set a path inside that chroot
#   KCHROOT=   empty, or the chroot that holds the compiler the headers ask for
#
# 6.1 and 6.12 come from this machine's own apt sources. 7.2 comes from sid; its headers need
# sid's compiler and libraries, which are unpacked (never installed) beside them.
# KVBLK_REFRESH=1 looks for a newer kernel.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

series=${1:-}
TAG="kernel $series"
case $series in
6.1) suite=main pattern='^linux-image-6\.1\.0-[0-9]+-amd64$' ;;
6.12) suite=main pattern='^linux-image-6\.12\.[0-9]+\+deb12-amd64$' ;;
7.2) suite=sid pattern='^linux-image-7\.2(\.[0-9]+)?\+.*-amd64$' ;;
*) die "usage: kernel.sh 6.1|6.12|7.2" ;;
esac
current=$CACHE/kernel/$series

# What a module build needs in sid beside the headers; python and perl run checks under W=1.
CHROOT_PACKAGES=gcc-16,gcc-16-for-host,binutils,make,libc6-dev,bc,cpio,kmod,pahole,perl
CHROOT_PACKAGES+=,python3-minimal,libelf1t64,libssl3t64,zlib1g,bash,dash,coreutils,grep,sed
CHROOT_PACKAGES+=,findutils,mawk,diffutils,gzip,xz-utils,sparse

find_newest()
{
	apt_$suite apt-cache search --names-only "$pattern" | awk '{ print $1 }' |
		sed -E '/-(rt|cloud)-amd64$/d' | sort -V | tail -n 1
}

# The package `linux-image-X` is split in some releases: follow its dependencies of the same X.
packages_for()
{
	local image=linux-image-$1 headers=linux-headers-$1 p
	for p in "$image" "$headers"; do
		printf '%s\n' "$p"
		apt_$suite apt-cache depends --no-recommends --no-suggests --no-conflicts \
			--no-breaks --no-replaces --no-enhances "$p" |
			awk '/Depends: linux-(base|binary|modules|headers|kbuild)-[0-9]/ { print $NF }'
	done | sort -u
}

unpack_chroot()
{
	local tmp=$1
	say "unpack sid's compiler into a chroot (0.6 GB, 30 s)"
	run_logged chroot-sid mmdebstrap --mode=root --variant=extract \
		--include="$CHROOT_PACKAGES" --aptopt='Acquire::Check-Valid-Until "false"' \
		sid "$tmp" "$CACHE/apt-sid/sources.list"
	# No maintainer script ran, so the alternatives are missing.
	ln -sf mawk "$tmp/usr/bin/awk"
	[ -e "$tmp/usr/bin/gcc" ] || ln -s gcc-16 "$tmp/usr/bin/gcc"
	mkdir -p "$tmp/proc" "$tmp/dev"
}

# Debian's headers name each other by absolute path.
relocate_headers()
{
	local root=$1 final=$2 link
	grep -rlI --include=Makefile --include='*.mk' --include=.kernelvariables '/usr/src/linux' \
		"$root"/usr/src/linux-headers-* |
		xargs -r sed -i "s,\([ =]\|^\)/usr/src/linux,\1$final/usr/src/linux,g"
	for link in "$root/lib/modules/$KVER"/build "$root/lib/modules/$KVER"/source; do
		ln -sfn "$final$(readlink "$link")" "$link"
	done
}

# The headers packages forget the script that asks whether sparse is recent enough; sid's is.
provide_checker_test()
{
	local dir
	for dir in "$1"/usr/src/linux-headers-*-common/scripts; do
		[ -e "$dir/checker-valid.sh" ] && continue
		printf '#!/bin/sh\necho 1\n' >"$dir/checker-valid.sh"
		chmod 755 "$dir/checker-valid.sh"
	done
}

install_kernel()
{
	local tmp=$1 final=$2 root=$1 deb
	local -a list
	mapfile -t list < <(packages_for "$KVER")
	[ ${#list[@]} -ge 4 ] || die "linux-headers-$KVER is incomplete: ${list[*]}"
	say "download linux-image-$KVER and headers (120 MB)"
	fetch_debs "$suite" "$tmp/deb" "${list[@]}"
	if [ "$suite" = sid ]; then
		root=$tmp/root
		unpack_chroot "$root"
	fi
	say "unpack"
	for deb in "$tmp"/deb/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$root" --keep-directory-symlink --exclude='./usr/share/doc'
	done
	rm -rf "$tmp/deb"
	if [ "$suite" = sid ]; then
		provide_checker_test "$root"
	else
		relocate_headers "$tmp" "$final"
	fi
	depmod -b "$root" "$KVER"
}

prepare()
{
	local image tmp
	if [ -e "$current/.done" ] && [ -z "${KVBLK_REFRESH:-}" ]; then
		return
	fi
	"$ENV_DIR/deps.sh" build
	[ $suite = main ] || "$ENV_DIR/deps.sh" chroot
	apt_refresh $suite
	image=$(find_newest)
	[ -n "$image" ] || die "no package matches $pattern in $suite's package lists"
	KVER=${image#linux-image-}
	if [ ! -e "$CACHE/kernel/$KVER/.done" ]; then
		tmp=$CACHE/kernel/unpack-$series
		rm -rf "$CACHE/kernel/$KVER" "$tmp"
		mkdir "$tmp"
		install_kernel "$tmp" "$CACHE/kernel/$KVER"
		printf '%s\n' "$KVER" >"$tmp/.done"
		mv -T "$tmp" "$CACHE/kernel/$KVER"
		say "ready: $KVER (${SECONDS} s)"
	fi
	ln -sfn "$KVER" "$current"
}

mkdir -p "$CACHE/kernel"
(locked "kernel-$series"; prepare)

KVER=$(cat "$current/.done")
root=$CACHE/kernel/$KVER chroot=
kdir=$root/lib/modules/$KVER/build
if [ $suite = sid ]; then
	root=$root/root
	chroot=$root
	kdir=/lib/modules/$KVER/build
fi
# Recent packages keep the image beside the modules.
image=$root/boot/vmlinuz-$KVER
[ -e "$image" ] || image=$root/lib/modules/$KVER/vmlinuz
cat <<END
KVER=$KVER
KIMAGE=$image
KMODULES=$root
KDIR=$kdir
KCHROOT=$chroot
END
