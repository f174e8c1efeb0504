#!/bin/bash
# rootfs.sh - make sure the root file system with current tools is in the cache: Debian trixie with
# QEMU 10, fio, libblkio, iproute2's vdpa and file system tools, for vmrun.sh --rootfs.
#
# Prints shell assignments on stdout:
#   ROOTFS=     an ext4 image without a journal (nobody writes to it: vmrun.sh uses a snapshot)
#   ROOTFS_DIR= the same tree as a directory, for chroot
#
# The packages are unpacked, not installed: no maintainer script ran, no service is configured.
# 2 to 3 minutes and 0.6 GB the first time; made again when the recipe changes.
# KVBLK_REFRESH=1 looks for newer packages.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Qemu-block-extra brings the libblkio driver, qemu-system-common the storage daemon.
PACKAGES=qemu-system-x86,qemu-system-common,qemu-utils,qemu-block-extra,seabios,ovmf,libblkio1
PACKAGES+=,fio,iproute2,dmsetup,e2fsprogs,xfsprogs,util-linux,mount,kmod,procps,python3-minimal
PACKAGES+=,bash,dash,busybox,coreutils,findutils,grep,sed,gawk,diffutils,libc-bin
LEFT_OUT=(/usr/share/{doc,man,info,locale,i18n,icons,lintian,bash-completion}
	/usr/share/qemu/{hppa,openbios,skiboot,slof,u-boot,palcode,s390}
	/usr/lib/x86_64-linux-gnu/{gconv,dri,perl} /usr/bin/qemu-system-i386)
# The modules and what a job brings are mounted over these.
MOUNT_POINTS=(dev proc sys run tmp mnt root kvblk usr/lib/modules)
MIB=1536
images=$CACHE/rootfs

unpack()
{
	local tmp=$1 path
	local -a exclude=()
	for path in "${LEFT_OUT[@]}"; do
		exclude+=("--dpkgopt=path-exclude=$path*")
	done
	say "unpack Debian trixie with QEMU and fio (0.3 GB, 1 to 3 minutes)"
	printf 'deb [signed-by=%s] %s trixie main\n' "$KEYRING" "$(mirror_uri)" >"$images/sources.list"
	run_logged rootfs mmdebstrap --mode=root --variant=extract --include="$PACKAGES" \
		--aptopt='Acquire::Languages "none"' "${exclude[@]}" trixie "$tmp" \
		"$images/sources.list"
}

# What maintainer scripts would have done.
configure()
{
	local root=$1
	(cd "$root" && mkdir -p "${MOUNT_POINTS[@]}")
	printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
	printf 'root:x:0:\nkvm:x:1:\ndisk:x:2:\n' >"$root/etc/group"
	ln -sf /proc/mounts "$root/etc/mtab"
	ln -sf gawk "$root/usr/bin/awk"
	ldconfig -r "$root"
}

build()
{
	local tmp=$images/unpack
	rm -rf "$tmp"
	"$ENV_DIR/deps.sh" chroot vm
	unpack "$tmp"
	configure "$tmp"
	run_logged rootfs-image mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0 -m 0 \
		-d "$tmp" "$images/new.ext4" "${MIB}M"
	rm -rf "$out"
	mv "$images/new.ext4" "$out.ext4"
	mv -T "$tmp" "$out"
	touch "$out/.done"
	say "ready (${SECONDS} s)"
}

mkdir -p "$images"
recipe=$(declare -p PACKAGES LEFT_OUT MOUNT_POINTS MIB; declare -f unpack configure build)
out=$images/trixie-$(sha1sum <<<"$recipe" | cut -c1-10)
(
	locked rootfs
	if [ ! -e "$out/.done" ] || [ -n "${KVBLK_REFRESH:-}" ]; then
		build
	fi
)
printf 'ROOTFS=%s\nROOTFS_DIR=%s\n' "$out.ext4" "$out"
