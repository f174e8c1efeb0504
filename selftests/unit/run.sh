#!/bin/bash
# run.sh [PART] - build the unit tests of the pure layer for user space, run them, print TAP.
# With PART only the tests whose "suite.case" contains it.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

exec make -s -j"$JOBS" -C "$TOP/selftests/unit" OUT="$CACHE/unit/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)" PART="${1:-}" check
