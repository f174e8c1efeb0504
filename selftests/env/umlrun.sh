#!/bin/bash
# umlrun.sh [options] SCRIPT [args...] - run SCRIPT as the only job of a User Mode Linux machine.
#
#   -t SECONDS     time limit (default 120)       -m MEM       memory (default 512M)
#   -k plain|san   which kernel (default san)
#   --shared DIR   writable, at /mnt/out inside; gets console.log (default: a temporary one)
#   --allow REGEX  kernel log lines that match are expected, not bugs
#   --leaks        at the end scan for memory leaks (7 s more), report in kmemleak.txt
#   --append TEXT  more kernel parameters
#
# The machine's root is this machine's root, read-only. /tmp, /run and /mnt are empty file
# systems there; what this machine has in them is seen below /mnt/host, as everything else.
# SCRIPT's environment: OUT=/mnt/out, HOST=/mnt/host, MODS (for `modprobe -d`), BED=uml.
# Its output is ours, the kernel's goes to console.log. The status is SCRIPT's; 1 if the kernel
# log reports a bug; 124 after the time limit; 125 if the machine died.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

limit=120 mem=512M variant=san dir='' allow='' leaks='' append=''
while [ $# -gt 0 ]; do
	case $1 in
	-t) limit=$2; shift 2 ;;
	-m) mem=$2; shift 2 ;;
	-k) variant=$2; shift 2 ;;
	--shared) dir=$2; shift 2 ;;
	--allow) allow=$2; shift 2 ;;
	--leaks) leaks=1; shift ;;
	--append) append=$2; shift 2 ;;
	-*) die "unknown option $1 (see the head of umlrun.sh)" ;;
	*) break ;;
	esac
done
[ $# -ge 1 ] || die "usage: umlrun.sh [options] SCRIPT [args...]"

assignments=$("$ENV_DIR/uml.sh" "$variant")
eval "$assignments"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dir=${dir:-$scratch/out}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
write_job "$dir" "$(realpath "$1")" "${@:2}"

# /mnt first: what the later lines hide stays visible below /mnt/host.
cat >"$dir/.job/fstab" <<END
sysfs    /sys                 sysfs
devpts   /dev/pts             devpts  X-mount.mkdir
tmpfs    /dev/shm             tmpfs   X-mount.mkdir
debugfs  /sys/kernel/debug    debugfs
tracefs  /sys/kernel/tracing  tracefs
cgroup2  /sys/fs/cgroup       cgroup2
tmpfs    /mnt                 tmpfs
/        /mnt/host            none    bind,X-mount.mkdir
tmpfs    /run                 tmpfs
tmpfs    /tmp                 tmpfs
none     /mnt/out             hostfs  $dir,X-mount.mkdir
END
case $UML_MODS in
/tmp/* | /run/* | /mnt/*) UML_MODS=/mnt/host$UML_MODS ;;
esac

# The allocator's per-processor caches keep pointers to what they gave out, which hides leaks of
# up to some thirty objects. Caches with user tracking have none.
[ -z "$leaks" ] || append+=" slab_debug=U"
status=0
# SIGTERM does not reach a kernel that spins, and makes others complain. The outer redirection is
# for the shell's own message when the machine ends by a signal.
# shellcheck disable=SC2086 # $append is a list of words
{ timeout -s KILL "$limit" "$UML_LINUX" mem="$mem" seccomp=on uml_dir="$scratch/" \
	rootfstype=hostfs rootflags=/ ro init="$ENV_DIR/uml-init.sh" \
	con=null con0=null,fd:1 con1=null,fd:3 log_buf_len=2M panic=-1 oops=panic \
	KVBLK_OUT="$dir" KVBLK_MODS="$UML_MODS" KVBLK_LEAKS="$leaks" $append \
	3>&1 >"$dir/console.log" 2>&1 </dev/null ||
	status=$?; } 2>/dev/null
job_result "$dir" "$status" "$allow"
