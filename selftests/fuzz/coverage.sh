#!/bin/bash
# coverage.sh - what of the pure layer the fuzz corpus and the unit tests reach together: a line
# for each file and each branch nothing takes. Fails if one of these is not in `unreachable`.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"
TAG=fuzz-coverage

here=$TOP/selftests/fuzz
out=$CACHE/fuzz/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
programs=(unit ring_fuzz mmio_fuzz throttle_fuzz)
objects=()

run_all()
{
	local target
	export LLVM_PROFILE_FILE=$out/cover/%p.profraw
	rm -f "$out"/cover/*.profraw
	"$out/cover/unit"
	for target in ring mmio throttle; do
		"$out/cover/${target}_fuzz" -runs=0 "$here/corpus/$target"
	done
}

"$ENV_DIR/deps.sh" fuzz
run_logged fuzz-coverage-build make -s -j"$JOBS" -C "$here" OUT="$out" coverage
run_logged fuzz-coverage run_all
llvm-profdata-14 merge -o "$out/cover/all.profdata" "$out"/cover/*.profraw
for program in "${programs[@]}"; do
	objects+=(-object "$out/cover/$program")
done
llvm-cov-14 export -instr-profile "$out/cover/all.profdata" "${objects[@]}" \
	>"$out/cover/all.json"
python3 "$here/branches.py" --unreachable "$here/unreachable" "$out/cover/all.json"
