#!/bin/bash
# uml.sh DIR - the job of boot 'uml': the guest driver in a kernel with KASAN, UBSAN, lockdep and
# kmemleak. DIR holds kvblk.ko, lib.sh and guest/.

dir=$1
[ -d "$dir" ] || dir=$HOST$1
# shellcheck source=selftests/vm/lib.sh
. "$dir/lib.sh"
KVBLK=$dir

tests=()
for program in "$dir"/guest/*_test; do
	name=${program##*/}
	if [ "$name" != life_test ]; then
		tests+=("$name")
		continue
	fi
	while read -r test; do
		[[ $test == memory_gone* ]] || tests+=("$name:$test")
	done < <("$program" -l)
done
check "insmod" load
tap_of uml "$dir/guest/run.sh" "${tests[@]}"
unload
exit "$failed"
