# shellcheck shell=bash
# common.sh - sourced by every script of this directory.
#
# Sets ENV_DIR, TOP (the project), CACHE and JOBS, and defines:
#   say TEXT...              progress line on stderr, prefixed with [$TAG]
#   die TEXT...              error line on stderr, exit 1
#   run_logged NAME CMD...   run quietly, log in the cache, show its tail on failure
#   locked NAME              hold the cache lock NAME until the script ends
#   apt_main CMD... / apt_sid CMD...     apt tools with this machine's sources / with sid's
#   apt_refresh main|sid     fetch the package lists (once a day)
#   copy_sources SRC OUT     copy what a module build reads, keep times, drop what is gone
#   scan_log FILE [REGEX]    fail and show the place if a kernel log reports a bug; lines that
#                            match REGEX are expected
#   emulator_fault FILE...   whether what a machine printed shows a known fault of the emulator
#   write_job DIR SCRIPT ARGS...         leave a job for a test machine in DIR/.job
#   job_result DIR STATUS [REGEX]        judge what it left there and exit
#   fetch_debs main|sid DIR PACKAGE...   download packages into DIR without installing them
#
# Environment: KVBLK_CACHE (cache directory), KVBLK_JOBS (make -j).

set -euo pipefail

ENV_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$ENV_DIR/../.." && pwd)
CACHE=${KVBLK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kvblk}
JOBS=${KVBLK_JOBS:-$(nproc)}
TAG=${0##*/}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export TOP CACHE JOBS KEYRING PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$CACHE/log" "$CACHE/lock"
# Called from the project's Makefile, the kernel's make would inherit its options.
unset MAKEFLAGS MFLAGS MAKELEVEL

say()
{
	printf '[%s] %s\n' "$TAG" "$*" >&2
}

die()
{
	printf '[%s] error: %s\n' "$TAG" "$*" >&2
	exit 1
}

run_logged()
{
	local log=$CACHE/log/$1.log
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 30 "$log" >&2
		die "failed: $* (whole log: $log)"
	fi
}

# The descriptor stays open until the script exits, so the lock cannot be left behind.
locked()
{
	local fd
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -n "$fd"; then
		say "waiting for another run that prepares '$1'"
		flock "$fd"
	fi
}

# The machine's own mirror is the first base suite of its sources: a suite with a dash
# (bookworm-security, bookworm-updates, bookworm-backports) may live elsewhere.
mirror_uri()
{
	local uri
	# shellcheck disable=SC2016 # apt expands them
	uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' |
		awk '$1 !~ /[-\/]/ && $2 == "main" && !n++ { print $3 }')
	[ -n "$uri" ] || die "apt has no Debian mirror configured (see apt-get indextargets)"
	printf '%s\n' "$uri"
}

apt_main()
{
	"$1" -o APT::Sandbox::User=root "${@:2}"
}

# Other suites get their own lists and cache, so that the system never sees their packages.
# Sid's Release file often outlives its validity date on partial mirrors.
apt_sid()
{
	local dir=$CACHE/apt-sid
	"$1" -o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" \
		-o Dir::State::status=/dev/null -o Acquire::Check-Valid-Until=false \
		-o Acquire::Languages=none -o APT::Sandbox::User=root "${@:2}"
}

# Once a day is enough. The stamp also names the mirror, which may have changed.
apt_refresh()
{
	local suite=$1 stamp=$CACHE/apt-$1/stamp uri try
	(
		locked "apt-$suite"
		uri=$(mirror_uri)
		mkdir -p "$CACHE"/apt-sid/{lists/partial,cache/archives/partial} "$CACHE/apt-main"
		if [ "$(cat "$stamp" 2>/dev/null)" = "$uri" ] &&
		   [ -n "$(find "$stamp" -mmin -1440)" ]; then
			exit
		fi
		say "fetch the package lists of $suite"
		printf 'deb [signed-by=%s] %s sid main\n' "$KEYRING" "$uri" \
			>"$CACHE/apt-sid/sources.list"
		# Somebody else's apt may hold the lock of the system's lists.
		for try in 1 2 3 4 5; do
			"apt_$suite" apt-get update >"$CACHE/log/apt-$suite.log" 2>&1 && break
			[ "$try" -lt 5 ] || run_logged "apt-$suite" "apt_$suite" apt-get update
			sleep 3
		done
		printf '%s\n' "$uri" >"$stamp"
	)
}

fetch_debs()
{
	local suite=$1 dir=$2
	shift 2
	mkdir -p "$dir"
	(cd "$dir" && run_logged "download-$1" "apt_$suite" apt-get download "$@")
}

# Builds run in a copy, so that several kernels can build the same source at the same time and
# the tree stays clean. Times are kept: an unchanged file is not compiled again.
copy_sources()
{
	local src=$1 out=$2
	local -a parts=(.)
	[ ! -d "$src/kmod" ] || parts=(./Kbuild ./kmod ./uapi)
	mkdir -p "$out"
	(cd "$src" && rsync -aR --delete --prune-empty-dirs --exclude=.git \
		--filter='protect *.[oa]' --filter='protect *.ko' --filter='protect *.mod*' \
		--filter='protect .*' --filter='protect *.gc??' --filter='protect [mM]odule*' \
		--include='*/' --include='*.[chS]' --include='Kbuild*' --include='Makefile*' \
		--include='Kconfig*' --exclude='*' "${parts[@]}" "$out/")
}

SPLAT='cut here|BUG: |BUG kmalloc|WARNING: |UBSAN: |KASAN: |INFO: possible|INFO: task .* blocked'
SPLAT+='|INFO: trying to register|suspicious RCU|Oops|Call Trace|memory leaks|refcount_t: '
SPLAT+='|general protection|corruption|stall(s)? (on|detected)|soft lockup|workqueue lockup'
SPLAT+='|ODEBUG:|sleeping function called|Kernel panic|Unable to handle'

scan_log()
{
	local hits never='^\b$'
	[ -e "$1" ] || return 0
	hits=$(grep -Eva "${2:-$never}" "$1" | grep -Ean -B 3 -A 30 "$SPLAT" | head -n 150 || true)
	[ -n "$hits" ] || return 0
	say "the kernel log reports a bug ($1): $(first_bug "$1" "${2:-$never}")"
	printf '%s\n' "$hits" >&2
	return 1
}

# first_bug FILE REGEX - the line that says what it is, or "no bug in its log"
first_bug()
{
	grep -Eva "$2" "$1" | grep -Eav 'cut here' | grep -Eam 1 "$SPLAT" || echo "no bug in its log"
}

# Emulation of two processors has faults: QEMU aborts, a nested guest takes a double fault at its
# system call entry, the outer kernel runs into a breakpoint of its own live patching, or the machine
# is gone without a word, where a kernel would have printed a trace.
emulator_fault()
{
	grep -qsE "iotlb_to_section|double fault|Oops: int3|the machine died .*: no bug in" "$@"
}

write_job()
{
	local dir=$1 script=$2
	shift 2
	rm -rf "$dir/.job" "$dir/console.log" "$dir/kmemleak.txt"
	mkdir -p "$dir/.job"
	cp "$script" "$dir/.job/script"
	chmod +x "$dir/.job/script"
	{
		printf 'cd /\nexec /mnt/out/.job/script'
		[ $# -eq 0 ] || printf ' %q' "$@"
		printf '\n'
	} >"$dir/.job/run"
}

job_result()
{
	local dir=$1 machine=$2 allow=${3:-} status
	if [ ! -s "$dir/.job/status" ]; then
		tail -n 25 "$dir/console.log" >&2 || true
		scan_log "$dir/console.log" "$allow" || true
		case $machine in
		124 | 137) say "time limit reached"; exit 124 ;;
		esac
		say "the machine died (status $machine): $(first_bug "$dir/console.log" "${allow:-^\b$}")"
		exit 125
	fi
	status=$(cat "$dir/.job/status")
	[ ! -s "$dir/kmemleak.txt" ] || cat "$dir/kmemleak.txt" >&2
	scan_log "$dir/console.log" "$allow" || [ "$status" != 0 ] || status=1
	exit "$status"
}
