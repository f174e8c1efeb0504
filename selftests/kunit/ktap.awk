# ktap.awk - turns the KTAP of one suite into TAP lines without numbers, one for a case, and
# checks that the suite is whole. -v suite=NAME is what it must be called.

function fail(text)
{
	print "not ok - " suite ": " text
}

function notes(		i)
{
	for (i = 0; i < nr; i++)
		print "# " note[i]
}

{ gsub(/[[:cntrl:]]/, "") }

/^    1\.\.[0-9]+$/ { plan = substr($1, 4) }
/^    # Subtest: / { name = $3 }

# A row of a table.
/^        (not )?ok [0-9]+ / {
	rows++
	if ($1 == "not")
		note[nr++] = $0
	next
}

# A case.
/^    (not )?ok [0-9]+ / {
	seen++
	if ($1 == "not")
		notes()
	sub(/^    /, "")
	text = $0
	sub(/^(not )?ok [0-9]+ /, "", text)
	print ($1 == "not" ? "not ok" : "ok") " - " suite "." text (rows ? " (" rows " rows)" : "")
	rows = nr = 0
	next
}

/^(not )?ok 1 / { ended = 1 }

# What KUnit said since the last case.
/EXPECTATION|ASSERTION|^    Expected|^        .* == / { note[nr++] = $0 }

END {
	if (name != suite)
		fail("there is no such suite")
	else if (!plan || seen != plan || !ended)
		fail(seen + 0 " of " plan + 0 " cases ended")
}
