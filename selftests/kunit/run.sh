#!/bin/bash
# run.sh [--leaks] [-k plain|san] - build the module with its KUnit suites, run them in User Mode
# Linux and print TAP: a line for each case, one for each suite of kmod/tests/*_kunit.c that did
# not run to its end, one each for unloading, the kernel log and leaks.
#
#   --leaks        scan for memory leaks after unloading (needs san)
#   -k plain|san   which kernel (default san: all sanitizers)

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

variant=san leaks=()
while [ $# -gt 0 ]; do
	case $1 in
	--leaks) leaks=(--leaks); shift ;;
	-k) variant=$2; shift 2 ;;
	*) die "unknown option $1 (see the head of run.sh)" ;;
	esac
done

here=$TOP/selftests/kunit
build=$CACHE/kunit/$variant-$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
number=0 failed=0

# Lines of TAP without numbers on stdin.
tap()
{
	local line
	while read -r line; do
		case $line in
		'ok - '* | 'not ok - '*)
			number=$((number + 1))
			[[ $line != not* ]] || failed=$((failed + 1))
			line=${line/ok -/ok $number -}
			;;
		esac
		printf '%s\n' "$line"
	done
}

# One line per suite that has a file or results; each must have both.
suites()
{
	local file name
	for file in "$TOP"/kmod/tests/*_kunit.c; do
		name=${file##*/}
		printf 'kvblk_%s\n' "${name%_kunit.c}"
	done
	ls "$out/kunit"
}

# verdict TEXT FILE: fails if FILE holds anything, and shows it.
verdict()
{
	if [ -s "$2" ]; then
		head -n 100 "$2" | sed 's/^/# /'
		echo "not ok - kunit: $1"
	else
		echo "ok - kunit: $1"
	fi
}

report()
{
	local suite
	while read -r suite; do
		touch "$out/kunit/$suite"
		awk -v suite="$suite" -f "$here/ktap.awk" "$out/kunit/$suite"
		[ -e "$TOP/kmod/tests/${suite#kvblk_}_kunit.c" ] ||
			echo "not ok - $suite: has no file of its name"
	done < <(suites | sort -u)

	# 1 is said by one of the following, too.
	[ "$status" -le 1 ] || tail -n 30 "$out/log" >"$out/death"
	verdict "the machine lives to the end" "$out/death"
	[ -e "$out/end" ] || echo "the job did not come to its end" >>"$out/complaints"
	verdict "the module loads and unloads" "$out/complaints"
	scan_log "$out/console.log" >"$out/splat" 2>&1 || true
	verdict "the kernel log is clean" "$out/splat"
	[ ${#leaks[@]} -eq 0 ] || verdict "no memory leaks" "$out/kmemleak.txt"
}

say "build"
run_logged "kunit-$variant" "$ENV_DIR/umlmake.sh" -k "$variant" "$TOP" "$build" KVBLK_KUNIT=y

out=$(mktemp -d)
mkdir "$out/kunit"
trap 'rm -rf "$out"' EXIT
say "run"
status=0
"$ENV_DIR/umlrun.sh" -k "$variant" -t 1200 --shared "$out" "${leaks[@]}" \
	"$here/job.sh" "$build/kmod/kvblk.ko" >"$out/complaints" 2>"$out/log" || status=$?

echo "TAP version 13"
tap < <(report)
echo "1..$number"
echo "# $((number - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
