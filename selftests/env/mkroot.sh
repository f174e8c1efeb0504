#!/bin/bash
# mkroot.sh OUTFILE [options] - make the initramfs of a test machine (a plain cpio archive).
#
#   --kernel SERIES     whose modules (default 6.12); see kernel.sh
#   --modules "M..."    modules with all they depend on; `M?` may be missing in that kernel
#   --bin PATH          a program of this machine (name or path) with its libraries; repeatable
#   --file SRC:DST      a file or directory; repeatable
#   --init FILE         process 1, a script (default: what vmrun.sh needs)
#
# Always there: busybox with all its applets, bash, kmod, and what vmrun.sh needs (virtio_blk, 9p).
# The same input gives the same archive.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 1 ] || die "usage: mkroot.sh OUTFILE [options] (see the head of mkroot.sh)"
outfile=$1 series=6.12 modules="virtio_pci virtio_blk 9p 9pnet_virtio"
bins=(bash kmod) files=() init=$ENV_DIR/vm-init.sh
shift
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) series=$2 ;;
	--modules) modules+=" $2" ;;
	--bin) bins+=("$2") ;;
	--file) files+=("$2") ;;
	--init) init=$2 ;;
	*) die "unknown option $1" ;;
	esac
	shift 2
done

add_file()
{
	local src=$1 dst=$2
	[ -e "$src" ] || die "no such file: $src"
	mkdir -p "$(dirname "$root$dst")"
	cp -rL --preserve=mode "$src" "$root$dst"
}

add_program()
{
	local path lib
	path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1") || die "no such program: $1"
	add_file "$path" "$path"
	# A static program makes ldd fail.
	while read -r lib; do
		[ -e "$root$lib" ] || add_file "$lib" "$lib"
	done < <(ldd "$path" 2>/dev/null | grep -o '/[^ ]*' || true)
}

# modprobe knows soft dependencies and aliases, which modules.dep alone does not.
module_files()
{
	local name=${1%\?} list
	if list=$(modprobe -C /dev/null -d "$KMODULES" -S "$KVER" --show-depends "$name" 2>&1); then
		awk '$1 == "insmod" { print $2 }' <<<"$list"
	elif [ "$name" = "$1" ]; then
		die "kernel $KVER has no module $name: $list"
	else
		say "kernel $KVER has no module $name (optional)"
	fi
}

add_modules()
{
	local dir=lib/modules/$KVER name file list dst
	mkdir -p "$root/$dir"
	cp "$KMODULES/$dir"/modules.{builtin,builtin.modinfo,order} "$root/$dir/"
	list=$(for name in $modules; do module_files "$name"; done)
	while read -r file; do
		dst=$root/$dir/${file#*"/$dir/"}
		mkdir -p "$(dirname "$dst")"
		case $file in
		*.xz) xz -dc "$file" >"${dst%.xz}" ;;
		*.zst) zstd -qdc "$file" >"${dst%.zst}" ;;
		*) cp "$file" "$dst" ;;
		esac
	done < <(sort -u <<<"$list")
	depmod -b "$root" "$KVER"
}

"$ENV_DIR/deps.sh" vm
assignments=$("$ENV_DIR/kernel.sh" "$series")
eval "$assignments"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"

mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,proc,sys,run,tmp,mnt,root,etc,var}
for name in bin sbin lib lib64; do
	ln -s "usr/$name" "$root/$name"
done
cp /bin/busybox "$root/usr/bin/"
for name in $(/bin/busybox --list); do
	[ "$name" = busybox ] || ln -s /bin/busybox "$root/usr/bin/$name"
done
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
# Real programs replace applets of the same name, wherever the search path finds those first.
for name in "${bins[@]}"; do
	rm -f "$root/usr/bin/${name##*/}"
	add_program "$name"
done
for name in modprobe insmod rmmod lsmod modinfo depmod; do
	ln -sf /bin/kmod "$root/usr/sbin/$name"
	rm -f "$root/usr/bin/$name"
done
for name in "${files[@]}"; do
	add_file "${name%%:*}" "${name#*:}"
done
add_modules
case " $modules " in
*" kvm_amd "*) gcc -O2 -Wall -static -o "$root/usr/sbin/kvm-hold" "$ENV_DIR/kvm-hold.c" ;;
esac
cp "$init" "$root/init"
chmod 755 "$root/init"

find "$root" -exec touch -h -d @0 {} +
mkdir -p "$(dirname "$outfile")"
(cd "$root" && find . -print0 | LC_ALL=C sort -z |
	cpio --quiet --null -o -H newc -R 0:0 --reproducible) >"$outfile.tmp"
mv "$outfile.tmp" "$outfile"
