#!/bin/bash
# run.sh [--seconds N] [TARGET...] - fuzz the pure layer in user space, with sanitizers, and print
# TAP: a line for each target (ring, mmio, throttle; all if none is named) and, if all ran, one
# for the coverage of the layer.
#
#   --seconds N   in total, shared by the targets (default 60); 0: in turns until interrupted,
#                 keeping what is found in the cache
#
# A target starts from corpus/TARGET. An input that makes it fail is kept and named.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=fuzz

here=$TOP/selftests/fuzz
out=$CACHE/fuzz/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
seconds=60 turn=60 number=0 failed=0
OPTIONS=(-rss_limit_mb=1024 -timeout=20 -max_len=512 -print_final_stats=1)

while [ $# -gt 0 ]; do
	case $1 in
	--seconds) seconds=$2; shift 2 ;;
	-*) die "unknown option $1 (see the head of run.sh)" ;;
	*) break ;;
	esac
done
all=$#
[ $# -gt 0 ] || set -- ring mmio throttle
for target; do
	[ -e "$here/${target}_fuzz.c" ] || die "no target '$target': ring, mmio, throttle"
done

# fuzz TARGET SECONDS SEED - new inputs go to the first corpus.
fuzz()
{
	mkdir -p "$out/found/$1" "$out/failed"
	"$out/${1}_fuzz" "${OPTIONS[@]}" -max_total_time="$2" -seed="$3" \
		-artifact_prefix="$out/failed/$1-" "$out/found/$1" "$here/corpus/$1" \
		>"$out/$1.log" 2>&1 </dev/null
}

result()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - fuzz: $2"
	else
		echo "not ok $number - fuzz: $2"
		failed=$((failed + 1))
	fi
}

# What the target says beside its progress, from the failed check to the input's name.
explain()
{
	grep -avE '^(#[0-9]+[[:space:]]+(NEW|REDUCE|pulse|INITED|RELOAD|READ)|stat::|INFO: |NEW_FUNC)' "$1" |
		head -n 60 | tr -cd '[:print:]\n' | sed 's/^/# /'
}

run_target()
{
	local target=$1 status=0 runs input
	fuzz "$target" "$2" "$3" || status=$?
	runs=$(awk '$1 == "stat::number_of_executed_units:" { print $2 }' "$out/$target.log")
	result "$status" "$target (${runs:-no} runs)"
	[ "$status" != 0 ] || return 0
	explain "$out/$target.log"
	input=$(sed -n 's/.*Test unit written to //p' "$out/$target.log")
	[ -z "$input" ] || echo "# again: $out/${target}_fuzz $input"
}

"$ENV_DIR/deps.sh" fuzz
mkdir -p "$out"
say "build"
run_logged fuzz-build make -s -j"$JOBS" -C "$here" OUT="$out"

if [ "$seconds" = 0 ]; then
	trap 'exit 0' INT
	for ((seed = 1; failed == 0; seed++)); do
		for target; do
			run_target "$target" $turn $seed
		done
	done
	exit 1
fi

# The same inputs in each run: nothing from earlier ones.
rm -rf "$out/found"
echo "TAP version 13"
for target; do
	run_target "$target" $(((seconds + $# - 1) / $#)) 1
done
if [ "$all" = 0 ]; then
	report=$("$here/coverage.sh") && status=0 || status=$?
	result "$status" "corpus and unit tests reach every branch that can be reached"
	printf '%s\n' "$report"
fi
echo "1..$number"
[ "$failed" -eq 0 ]
