#!/bin/bash
# mkguest.sh DIR - put the demo's KVM guest into DIR: Debian's vmlinuz and guest.cpio, which holds
# guest-init.sh and a tree of some 50 MiB to copy.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

[ $# -eq 1 ] || die "usage: mkguest.sh DIR"
to=$1
series=6.12
tree=$CACHE/demo/tree
TREE_MIB=50

assignments=$("$ENV_DIR/kernel.sh" $series)
eval "$assignments"
mkdir -p "$to" "$tree"
locked demo-guest

# The kernel's own modules, whole directories until there are enough.
make_tree()
{
	local from=$KMODULES/lib/modules/$KVER/kernel have=0 dir
	rm -rf "$tree"
	mkdir -p "$tree"
	for dir in "$from"/*/ "$from"/drivers/*/; do
		[ "$have" -lt "$TREE_MIB" ] || break
		[ "${dir%/}" != "$from/drivers" ] || continue
		cp -a "$dir" "$tree/"
		have=$(du -sm "$tree" | cut -f 1)
	done
}

# Made again only when something in it has changed.
key=$(cat "$TOP/selftests/demo/guest-init.sh" "$TOP/selftests/demo/mkguest.sh" \
	"$ENV_DIR/mkroot.sh" <(echo "$KVER") | sha1sum | cut -c1-16)
if [ "$(cat "$CACHE/demo/guest.key" 2>/dev/null)" != "$key" ]; then
	say "make the guest's root file system"
	make_tree
	"$ENV_DIR/mkroot.sh" "$CACHE/demo/guest.cpio" --kernel $series \
		--init "$TOP/selftests/demo/guest-init.sh" \
		--modules "virtio_mmio virtio_blk ext4" --bin mke2fs --file "$tree:/tree" \
		--file /etc/mke2fs.conf:/etc/mke2fs.conf
	printf '%s\n' "$key" >"$CACHE/demo/guest.key"
fi
cp "$CACHE/demo/guest.cpio" "$to/guest.cpio"
cp "$KIMAGE" "$to/vmlinuz"
