#!/bin/bash
# figures.sh LOG... - what the notes in TAP add up to, in one line: hostile requests, hostile calls,
# failures injected.

set -eu
exec cat "$@" | awk '
	$3 == "hostile" && $4 == "requests," { requests += $2; rings += $5 }
	$3 == "hostile" && $4 == "calls," { calls += $2 }
	$3 == "pairs," { calls += $4 }
	/ failures injected in all$/ { failures += $2 }
	function add(n, what) {
		if (n)
			line = line (line ? ", " : "# ") n " " what
	}
	END {
		add(requests, "hostile requests")
		add(rings, "broken rings")
		add(calls, "hostile calls")
		add(failures, "failures injected")
		if (line)
			print line
	}'
