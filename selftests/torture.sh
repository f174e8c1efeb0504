#!/bin/bash
# torture.sh - hostile guests and callers, TORTURE times (10) what `make check` has of them, first in
# User Mode Linux with sanitizers, then in QEMU. Prints TAP as it comes, then what it all was.

. "$(dirname "${BASH_SOURCE[0]}")/env/common.sh"
TAG=torture

export TORTURE=${TORTURE:-10}
[[ $TORTURE =~ ^[1-9][0-9]*$ ]] || die "TORTURE must be a number above 0, not '$TORTURE'"
log=$CACHE/log/torture.log status=0
mkdir -p "$CACHE/log"
say "$TORTURE times the hostile requests and calls of make check (log: $log)"
"$TOP/selftests/vm/run.sh" torture_uml torture </dev/null 2>&1 | tee "$log" || status=$?
"$TOP/selftests/figures.sh" "$log"
if [ "$status" = 0 ]; then
	say "no report of the kernel, no stuck queue, $SECONDS s"
else
	grep -aE '^[[:space:]]*not ok [0-9]' "$log" | sed 's/^/# /' || true
	say "failed, $SECONDS s"
fi
exit "$status"
