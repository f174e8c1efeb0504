#!/bin/bash
# micro.sh [ROUNDS] - nanoseconds per request of the drain alone (pop, parse, throttle, start,
# publish), at native speed in User Mode Linux: a table, by ring size, batch and chain. Each figure
# is the best of ROUNDS slices (default 2000) of 64 requests. `make microbench` runs this.
#
# The measurements are those of kmod/tests/drain_kunit.c, which `make kunit` runs too, briefly and
# without a verdict on time.

. "$(dirname "${BASH_SOURCE[0]}")/../env/common.sh"

rounds=${1:-2000}
build=$CACHE/kunit/plain-$(printf '%s' "$TOP" | sha1sum | cut -c1-10)

run()
{
	"$ENV_DIR/umlrun.sh" -k plain -t 300 --shared "$out" \
		--append 'kunit.filter_glob=kvblk_drain.time*' \
		"$TOP/selftests/kunit/job.sh" "$build/kmod/kvblk.ko" drain_rounds="$rounds" >&2
}

# "NAME NS" for each measurement.
figures()
{
	sed -nE 's/.*: drain ([^ ]+) ns ([0-9]+).*/\1 \2/p' "$out/kunit/kvblk_drain"
}

table()
{
	figures | awk '
		{ ns[$1] = $2; printf "%-18s %6d\n", $1, $2 }
		END {
			printf "\nbatch of 64 over 64 single requests: %.2f; %.2f if each wakes the worker\n",
				ns["batch-64"] / ns["batch-1"], ns["batch-64"] / ns["batch-1-kicked"]
			printf "ring of 1024 over ring of 16: %.2f\n", ns["ring-1024"] / ns["ring-16"]
			printf "throttle with six limits: %d ns\n", ns["limits"] - ns["batch-64"]
		}'
}

say "build"
run_logged kunit-plain "$ENV_DIR/umlmake.sh" -k plain "$TOP" "$build" KVBLK_KUNIT=y
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
say "run"
run || die "the measurement failed"
echo "ns per request, by ring, batch (ring of 256) and data segments:"
table
