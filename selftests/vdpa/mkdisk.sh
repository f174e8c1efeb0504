#!/bin/bash
# mkdisk.sh IMAGE - make a disk that a PC boots from without help: SYSLINUX in a FAT partition with
# Debian's kernel, and an ext4 partition with busybox and guest-init.sh as root file system.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

[ $# -eq 1 ] || die "usage: mkdisk.sh IMAGE"
image=$1
series=6.12
dir=$TOP/selftests/vdpa
# MiB
BOOT_AT=1 BOOT_SIZE=40 ROOT_AT=41 ROOT_SIZE=86

"$ENV_DIR/deps.sh" vm bootdisk
assignments=$("$ENV_DIR/kernel.sh" $series)
eval "$assignments"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same busybox boots and runs: the initramfs only loads modules and goes on to the disk.
make_initramfs()
{
	"$ENV_DIR/mkroot.sh" "$work/initrd" --kernel $series --init "$dir/boot-init.sh" \
		--modules "ext4"
	gzip -1 "$work/initrd"
}

make_boot()
{
	local fat=$work/boot.fat
	truncate -s ${BOOT_SIZE}M "$fat"
	mkfs.fat -F 16 -n BOOT "$fat" >/dev/null
	cat >"$work/syslinux.cfg" <<-END
		SERIAL 0 115200
		DEFAULT linux
		PROMPT 0
		LABEL linux
		  LINUX vmlinuz
		  INITRD initrd.gz
		  APPEND console=ttyS0 panic=-1 quiet mitigations=off noxsave
	END
	mcopy -i "$fat" "$KIMAGE" ::vmlinuz
	mcopy -i "$fat" "$work/initrd.gz" ::initrd.gz
	mcopy -i "$fat" "$work/syslinux.cfg" ::syslinux.cfg
	dd if="$fat" of="$image" bs=1M seek=$BOOT_AT conv=notrunc status=none
	syslinux --offset $((BOOT_AT << 20)) --install "$image"
}

make_root()
{
	local root=$work/root name
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,data}
	cp /bin/busybox "$root/bin/"
	for name in $(/bin/busybox --list); do
		[ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
	done
	install -m 755 "$dir/guest-init.sh" "$root/init"
	mke2fs -q -t ext4 -E root_owner=0:0 -d "$root" "$work/root.ext4" ${ROOT_SIZE}M >/dev/null
	dd if="$work/root.ext4" of="$image" bs=1M seek=$ROOT_AT conv=notrunc,sparse status=none
}

rm -f "$image"
truncate -s $((ROOT_AT + ROOT_SIZE + 1))M "$image"
sfdisk -q "$image" <<END
label: dos
start=${BOOT_AT}MiB, size=${BOOT_SIZE}MiB, type=6, bootable
start=${ROOT_AT}MiB, size=${ROOT_SIZE}MiB, type=83
END
dd if=/usr/lib/syslinux/mbr/mbr.bin of="$image" conv=notrunc status=none
make_initramfs
make_boot
make_root
