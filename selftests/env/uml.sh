#!/bin/bash
# uml.sh [plain|san|source] - build the User Mode Linux test kernel (default: san, with all
# sanitizers). `source` stops once the source is unpacked.
#
# Prints shell assignments on stdout:
#   CHECKPATCH= the kernel's style checker (this and UML_SRC are all that `source` prints)
#   UML_LINUX=  the kernel, an ordinary program
#   UML_BUILD=  its build directory, for M= builds (umlmake.sh)
#   UML_SRC=    the kernel source
#   UML_MODS=   directory for `modprobe -d`
#   UML_VER=    the kernel release
#
# The source is the newest linux-source-7.* of sid; about 2.5 GB of cache and 4 to 10 minutes the
# first time. KVBLK_REFRESH=1 looks for a newer source.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

variant=${1:-san}
configs=("$ENV_DIR/uml.config")
case $variant in
plain | source) ;;
san) configs+=("$ENV_DIR/uml-san.config") ;;
*) die "usage: uml.sh [plain|san|source]" ;;
esac
TAG="uml $variant"

# Device trees and amdgpu's register lists are a quarter of the tree and never read.
unpack_source()
{
	local deb=$1 tmp=$2
	dpkg --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		LC_ALL=C tar -xJ -C "$tmp" --strip-components=1 --anchored \
			--no-wildcards-match-slash --wildcards \
			--exclude='*/arch/*/boot/dts' --exclude='*/drivers/gpu/drm/amd/include/*'
}

get_source()
{
	local name tmp src
	src=$(readlink "$CACHE/uml/source" || true)
	if [ -f "$src/Makefile" ] && [ -z "${KVBLK_REFRESH:-}" ]; then
		return
	fi
	apt_refresh sid
	name=$(apt_sid apt-cache search --names-only '^linux-source-7\.[0-9]+$' |
		awk '{ print $1 }' | sort -V | tail -n 1)
	[ -n "$name" ] || die "sid has no linux-source-7.* package"
	src=$CACHE/uml/$name-$(apt_sid apt-cache show "$name" | awk '/^Version:/ && !n++ { print $2 }')
	if [ ! -f "$src/Makefile" ]; then
		tmp=$CACHE/uml/unpack
		rm -rf "$tmp"
		say "download $name (165 MB)"
		fetch_debs sid "$tmp/deb" "$name"
		say "unpack $name (1.5 GB)"
		mkdir -p "$tmp/src"
		run_logged uml-unpack unpack_source "$tmp"/deb/*.deb "$tmp/src"
		mv -T "$tmp/src" "$src"
		rm -rf "$tmp"
	fi
	ln -sfn "$src" "$CACHE/uml/source"
}

# What of User Mode Linux itself would end the tests; in place, for it does not change the headers.
patch_source()
{
	local mark
	mark=$1/.kvblk-$(sha1sum <"$ENV_DIR/uml.patch" | cut -c1-10)
	[ ! -e "$mark" ] || return 0
	run_logged uml-patch patch -p1 -N -d "$1" -i "$ENV_DIR/uml.patch"
	touch "$mark"
}

build()
{
	local -a mk=(make -s -C "$src" ARCH=um O="$out")
	mkdir -p "$out"
	say "build the kernel (4 to 10 minutes, log: $CACHE/log/uml-$variant.log)"
	cat "${configs[@]}" >"$out/.config"
	run_logged "uml-$variant-config" "${mk[@]}" olddefconfig
	run_logged "uml-$variant" "${mk[@]}" -j"$JOBS"
	run_logged "uml-$variant-install" "${mk[@]}" INSTALL_MOD_PATH="$out/mods" modules_install
	touch "$out/.done"
	say "built in ${SECONDS} s"
}

"$ENV_DIR/deps.sh" uml
mkdir -p "$CACHE/uml"
(locked "uml-source"; get_source)
src=$(readlink "$CACHE/uml/source")
(locked "uml-source"; patch_source "$src")
printf 'UML_SRC=%s\nCHECKPATCH=%s\n' "$src" "$src/scripts/checkpatch.pl"
[ "$variant" != source ] || exit 0

key=$({ basename "$src"; cat "${configs[@]}" "$ENV_DIR/uml.patch"; gcc -dumpfullversion; } | sha1sum | cut -c1-10)
out=$CACHE/uml/$variant-$key
if [ ! -e "$out/.done" ]; then
	locked "uml-$variant"
	[ -e "$out/.done" ] || build
fi

cat <<END
UML_LINUX=$out/linux
UML_BUILD=$out
UML_MODS=$out/mods
UML_VER=$(cat "$out/include/config/kernel.release")
END
