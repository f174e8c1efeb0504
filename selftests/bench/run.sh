#!/bin/bash
# run.sh [options] [count] [guests] - compare kvblk with its peers at the same work; both parts
# if none is named. Counts, not times: instructions, context switches, system calls, exits.
#
#   count   systems without a guest, on Debian's 6.12 in QEMU with -icount
#   guests  systems that serve a KVM guest, nested; a plugin of QEMU counts instructions
#
#   --systems "S..."  only these          --backings "null file"     --depths "1 32 128"
#   --sizes "4k 64k"                      --rws "randread randwrite"
#   --guests "S..."   only these          --cpus "N..."  of the guests (default "1 2")
#   --halt-poll NS    for how long KVM looks before it puts a processor of a guest to sleep
#                     (halt_poll_ns; default: the kernel's, 200000, which is short here)
#   --out DIR         where the results go (default out/bench): results.txt, .json, .svg
#   --profile         of the last of SYSTEMS and GUESTS which functions the instructions are in:
#                     only 4 KiB random reads from the null block device at depth 1 and 32, in
#                     DIR/profile-PART-DEPTH.txt
#   --check           judge the goals that are exact, for make check: TAP, no tables
#   --keep            make the tables from the samples that DIR has, run nothing
#
# `make bench` runs this. The samples of a part are kept in DIR: a run of one part only leaves
# the other's in the tables.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=bench

BENCH_DIR=$TOP/selftests/bench
build=$CACHE/bench/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
RETRIES=2
# What is counted: the difference between so many requests and so many.
SHORT=500 LONG=3500
GUEST_WARM=1000 GUEST_SHORT=500 GUEST_LONG=3500

systems='' cpus='1 2'
guests='kvblk_mmio kvblk_pin kvblk_split kvblk_poll kvblk_held kvblk_both kvblk_vhost'
guests+=' qemu_native qemu_uring qemu_microvm'
backings='null file' depths='1 32 128' sizes='4k 64k' rws='randread randwrite'
halt_poll='' out=$TOP/out/bench keep='' profile='' check='' parts=()
while [ $# -gt 0 ]; do
	case $1 in
	--systems) systems=$2; shift 2 ;;
	--backings) backings=$2; shift 2 ;;
	--depths) depths=$2; shift 2 ;;
	--sizes) sizes=$2; shift 2 ;;
	--rws) rws=$2; shift 2 ;;
	--guests) guests=$2; shift 2 ;;
	--cpus) cpus=$2; shift 2 ;;
	--halt-poll) halt_poll=$2; shift 2 ;;
	--out) out=$2; shift 2 ;;
	--profile) profile=1; shift ;;
	--check) check=1; shift ;;
	--keep) keep=1; shift ;;
	count | guests) parts+=("$1"); shift ;;
	*) die "unknown argument $1 (see the head of run.sh)" ;;
	esac
done
[ ${#parts[@]} -gt 0 ] || parts=(count guests)
if [ -n "$check" ]; then
	systems="raw kvblk_vdpa" parts=(count) out=$build/check
fi
if [ -n "$profile$check" ]; then
	backings=null depths='1 32' sizes=4k rws=randread
fi

# What the jobs find at /kvblk.
make_payload()
{
	local to=$build/kvblk
	say "build the module and the tools"
	make -s -C "$TOP/tools" O="$build/tools" STATIC=1
	"$ENV_DIR/kmake.sh" 6.12 "$TOP" "$build/module"
	rm -rf "$to" "$build"/profile-*
	mkdir -p "$to"
	cp "$build"/module/kmod/{,vdpa/}kvblk*.ko "$build/tools/kvblkctl" "$build/tools/kvblk-vmm" \
		"$BENCH_DIR"/{systems,count,snap,guests}.sh "$to/"
	gcc -O2 -Wall -static -o "$to/mark" "$BENCH_DIR/mark.c"
	gcc -O2 -Wall -static -o "$build/reads" "$BENCH_DIR/reads.c"
	gcc -O2 -Wall -shared -fPIC -o "$build/plugin.so" "$BENCH_DIR/plugin.c"
}

# job NAME VARIABLE=VALUE... - a job that runs /kvblk/NAME.sh with these
job()
{
	local name=$1
	shift
	{
		echo '#!/bin/bash'
		printf 'export %q\n' "$@"
		echo "exec bash /kvblk/$name.sh"
	} >"$build/$name-job.sh"
	echo "$build/$name-job.sh"
}

# QEMU's arguments for part $1, in $plugin.
use_plugin()
{
	plugin=(--qemu -plugin --qemu
		"file=$build/plugin.so,out=$build/marks-$1${profile:+,profile=$build/profile-$1}")
}

# profiles PART SHORT LONG - the last two pairs of profiles are depth 1 and 32
profiles()
{
	local part=$1 requests=$(($3 - $2)) last depth
	# shellcheck disable=SC2012 # names of our own
	last=$(ls "$build/profile-$part".* | sed 's/.*\.//' | sort -n | tail -n 1)
	for depth in 1 32; do
		[ $depth = 32 ] || last=$((last - 2))
		python3 "$BENCH_DIR/profile.py" "$build/out-$part/kallsyms" \
			"$build/profile-$part.$last,$build/profile-$part.$((last - 1))" $requests \
			>"$out/profile-$part-$depth.txt"
		last=$((last + 2))
	done
}

have() { [ -e "$build/kvblk/$1" ]; }

part_count()
{
	[ -n "$systems" ] || systems="raw loop $(! have kvblk_vdpa.ko || echo kvblk_vdpa kvblk_none) vduse"
	"$ENV_DIR/mkroot.sh" "$build/count.cpio" --kernel 6.12 \
		--modules "ext4 null_blk loop brd virtio_blk virtio_vdpa vduse vhost_iotlb" \
		--file "$build/kvblk:/kvblk"
	say "count instructions without a guest: $systems"
	plugin=()
	[ -z "$profile" ] || use_plugin count
	"$ENV_DIR/vmrun.sh" --icount -t 1500 -m 2048 --kernel 6.12 --root "$build/count.cpio" \
		--rootfs "$ROOTFS" "${plugin[@]}" --out "$build/out-count" \
		"$(job count SYSTEMS="$systems" BACKINGS="$backings" RWS="$rws" SIZES="$sizes" \
			DEPTHS="$depths" SHORT=$SHORT LONG=$LONG PROFILE="$profile")" >"$build/count.log" 2>&1 ||
		return
	cp "$build/count.log" "$out/count.samples"
	[ -z "$profile" ] || profiles count $SHORT $LONG
}

make_guest()
{
	local assignments
	"$ENV_DIR/mkroot.sh" "$build/kvblk/guest.cpio" --kernel 6.12 \
		--init "$BENCH_DIR/guest-init.sh" --modules "virtio_mmio virtio_pci virtio_blk" \
		--file "$build/reads:/bench/reads"
	assignments=$("$ENV_DIR/kernel.sh" 6.12)
	eval "$assignments"
	cp "$KIMAGE" "$build/kvblk/vmlinuz"
}

# boot_guests N - a machine of its own for guests with N processors
boot_guests()
{
	use_plugin guests
	rm -f "$build"/profile-guests.*
	"$ENV_DIR/vmrun.sh" -t 700 -m 2560 --kvm-nested --kernel 6.12 --root "$build/guests.cpio" \
		--rootfs "$ROOTFS" "${plugin[@]}" \
		--out "$build/out-guests" \
		"$(job guests GUESTS="$guests" CPUS="$1" WARM=$GUEST_WARM \
			SHORT=$GUEST_SHORT LONG=$GUEST_LONG \
			HALT_POLL="$halt_poll" LIMIT=100)" >"$build/guests.log" 2>&1
}

# What a machine said that got to its end. Nested guests are more than the emulator can do at
# times: one that dies or stands still begins again.
sample_guests()
{
	local try
	for ((try = 0; ; try++)); do
		boot_guests "$1" && break
		[ "$try" -lt $RETRIES ] && ! grep -q 'RIP.*\[kvblk' "$build/out-guests/console.log" ||
			return
		say "retry: $(tail -n 1 "$build/guests.log")"
		cp "$build/out-guests/console.log" "$build/failed-guests-$1-$try.log"
	done
	cat "$build/guests.log" "$build/marks-guests" >"$out/guests-$1.samples"
}

part_guests()
{
	local n
	make_guest
	"$ENV_DIR/mkroot.sh" "$build/guests.cpio" --kernel 6.12 \
		--modules "ext4 kvm_amd null_blk vhost_vdpa" --file "$build/kvblk:/kvblk"
	for n in $cpus; do
		say "count with KVM guests, processors: $n: $guests"
		sample_guests "$n" || return
	done
	[ -z "$profile" ] || profiles guests $GUEST_SHORT $GUEST_LONG
}

run_part()
{
	rm -f "$out/$1"*.samples
	"part_$1" || { tail -n 40 "$build/$1.log" >&2; die "part $1 failed (log: $build/$1.log)"; }
}

mkdir -p "$build" "$out"
if [ -z "$keep" ]; then
	"$ENV_DIR/deps.sh" build vm chroot
	assignments=$("$ENV_DIR/rootfs.sh")
	eval "$assignments"
	make_payload
	for part in "${parts[@]}"; do
		run_part "$part"
	done
fi
if [ -n "$check" ]; then
	exec python3 "$BENCH_DIR/report.py" "$out/count.samples" --check
fi
python3 "$BENCH_DIR/report.py" "$out"/*.samples --json "$out/results.json" \
	--svg "$out/results.svg" | tee "$out/results.txt"
