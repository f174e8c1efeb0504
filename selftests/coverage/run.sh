#!/bin/bash
# run.sh - line and branch coverage of kmod/ by its KUnit suites, the guest driver and failing
# allocations together, in User Mode Linux with sanitizers. Prints a table with the lines and a
# table with the branches that nothing ran, the lines of them that have no reason in the file
# `uncovered`, then TAP: did the tests pass, is the goal met. The tables as HTML are in the cache.
#
# KVBLK_COVERAGE_GOAL is the least percentage of lines (default 95).

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=coverage

here=$TOP/selftests/coverage
build=$CACHE/coverage/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
module=$build/module
goal=${KVBLK_COVERAGE_GOAL:-95}
number=0 failed=0

result()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - coverage: $2"
	else
		echo "not ok $number - coverage: $2"
		failed=1
	fi
}

build_all()
{
	"$ENV_DIR/umlmake.sh" "$TOP" "$module" KVBLK_KUNIT=y KVBLK_GCOV=y
	make -s -C "$TOP/selftests/guest" O="$build/programs"
	rm -rf "$build/guest"
	mkdir -p "$build/guest"
	find "$build/programs" -maxdepth 1 -type f -executable -exec cp {} "$build/guest/" \;
	make -s -C "$TOP/tools" O="$build/tools" STATIC=1
	cp "$module"/kmod/{,vdpa/}*.ko "$build/tools/kvblkctl" "$TOP"/selftests/vm/{lib,uml,fault}.sh \
		"$build/"
}

# gcovr reads the counters from beside the objects.
take_counters()
{
	find "$module" -name "*.gcda" -delete
	cp -r "$build/out/gcda/kmod" "$module/"
}

report()
{
	(cd "$module" && gcovr -r . --exclude kmod/tests --exclude '.*\.mod\.c' "$@" .)
}

"$ENV_DIR/deps.sh" build uml coverage
mkdir -p "$build"
say "build"
run_logged coverage-build build_all
say "run (log: $build/run.log)"
status=0
rm -rf "$build/out"
"$ENV_DIR/umlrun.sh" -t 2400 -m 1G \
	--allow 'Call Trace|cut here|WARNING: kernel/trace/trace_events\.c' --shared "$build/out" "$here/job.sh" "$build" \
	>"$build/run.log" 2>&1 || status=$?
take_counters
report --txt "$build/lines.txt"
report --txt "$build/branches.txt" -b
# Beside the sources that it names.
report --json "$module/coverage.json"
mkdir -p "$build/html"
report --html-details "$build/html/index.html"
cat "$build/lines.txt" "$build/branches.txt"
"$here/uncovered.py" "$here/uncovered" "$module/coverage.json"
say "HTML: $build/html/index.html"

lines=$(awk '$1 == "TOTAL" { print $4 + 0 }' "$build/lines.txt")
[ "$status" = 0 ] || grep -a '^not ok' "$build/run.log" | sed 's/^/# /' || true
result "$status" "the tests pass"
[ "${lines:-0}" -ge "$goal" ] && status=0 || status=1
result $status "${lines:-0} % of the lines run, goal $goal %"
echo "1..$number"
exit $failed
