#!/bin/bash
# check.sh [lint|unit|fuzz|kunit|tools|selftest]... - run the tests (all of them if none is named).
#
# Every part prints TAP; the last line adds all up: "N passed, N failed, N skipped". A part
# that ends badly without naming a failed test counts as a failed one.

. "$(dirname "${BASH_SOURCE[0]}")/env/common.sh"
TAG=check

# What the last lines repeat: failed tests, and what a machine ended of.
FAILURE='^[[:space:]]*not ok [0-9]|\] (the machine died|the kernel log reports|time limit reached)'
passed=0 failed=0 skipped=0
failures=()

part_lint() { "$ENV_DIR/lint.sh"; }
part_unit() { "$ENV_DIR/deps.sh" unit && "$TOP/selftests/unit/run.sh"; }
part_fuzz() { "$TOP/selftests/fuzz/run.sh"; }
part_kunit() { "$TOP/selftests/kunit/run.sh"; }
part_tools() { "$TOP/selftests/tools/run.sh"; }
part_selftest() { "$TOP/selftests/vm/run.sh"; }

count_tap()
{
	awk '
		/^[[:space:]]*ok [0-9]/ && /# SKIP/ { skipped++; next }
		/^[[:space:]]*ok [0-9]/ { passed++ }
		/^[[:space:]]*not ok [0-9]/ { failed++ }
		END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

run_part()
{
	local name=$1 log status=0 p f s start=$SECONDS
	log=$CACHE/log/check-$name.log
	say "== $name =="
	"part_$name" </dev/null 2>&1 | tee "$log" || status=$?
	read -r p f s < <(count_tap "$log")
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
		failures+=("$name: ended with status $status")
	elif [ "$p" = 0 ] && [ "$f" = 0 ]; then
		f=1
		failures+=("$name: ran no test")
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	while read -r line; do
		failures+=("$name: $line")
	done < <(grep -E "$FAILURE" "$log" || true)
	say "== $name: $p passed, $f failed, $s skipped, $((SECONDS - start)) s =="
}

[ $# -gt 0 ] || set -- lint unit fuzz kunit tools selftest
for name; do
	[ "$(type -t "part_$name")" = function ] || die "no part '$name': lint, unit, fuzz, kunit, tools, selftest"
done
for name; do
	run_part "$name"
done
logs=("${@/#/$CACHE/log/check-}")
"$TOP/selftests/figures.sh" "${logs[@]/%/.log}"
[ ${#failures[@]} -eq 0 ] || printf '# %s\n' "${failures[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
