#!/bin/bash
# merge.sh - replace the corpus of each target by the fewest inputs that reach as much as the old
# one and what `run.sh --seconds 0` found together.
#
# An input that does not end in a zero byte gets one, which is what a target reads behind the end
# of any input: no tool then takes it for text.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=fuzz

here=$TOP/selftests/fuzz
out=$CACHE/fuzz/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)

merge()
{
	local target=$1 new=$out/merged/$1 file
	rm -rf "$new"
	mkdir -p "$new" "$out/failed" "$out/found/$target" "$here/corpus/$target"
	run_logged "fuzz-merge-$target" "$out/${target}_fuzz" -merge=1 -set_cover_merge=1 \
		-use_counters=0 -artifact_prefix="$out/failed/" "$new" "$here/corpus/$target" "$out/found/$target"
	rm -f "$here/corpus/$target"/*
	for file in "$new"/*; do
		[ "$(tail -c 1 "$file" | od -An -tx1)" = " 00" ] || printf '\0' >>"$file"
		cp "$file" "$here/corpus/$target/$(sha1sum "$file" | cut -c1-16)"
	done
	say "$target: $(find "$here/corpus/$target" -type f | wc -l) inputs," \
		"$(cat "$here/corpus/$target"/* | wc -c) bytes"
}

"$ENV_DIR/deps.sh" fuzz
run_logged fuzz-build make -s -j"$JOBS" -C "$here" OUT="$out"
for target in ring mmio throttle; do
	merge "$target"
done
