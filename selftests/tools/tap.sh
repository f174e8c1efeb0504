# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# tap.sh - sourced by the test scripts beside it: TAP on standard output.

number=0 failed=0 suite=

start()
{
	suite=$1
	echo "TAP version 13"
}

# Is the last command: its status is that of the tests.
finish()
{
	echo "1..$number"
	[ $failed -eq 0 ]
}

ok()
{
	number=$((number + 1))
	echo "ok $number - $suite: $1"
}

not_ok()
{
	number=$((number + 1)) failed=$((failed + 1))
	echo "not ok $number - $suite: $1"
	[ -z "${2:-}" ] || head -n 40 <<<"$2" | sed 's/^/# /'
}

skip()
{
	number=$((number + 1))
	echo "ok $number - $suite: $1 # SKIP $2"
}

# check NAME COMMAND...: the command has to succeed.
check()
{
	local name=$1 report
	shift
	if report=$("$@" 2>&1); then
		ok "$name"
	else
		not_ok "$name" "$report"
	fi
}

# check_code NAME CODE REGEX COMMAND...: exit code, and what it says on standard error.
check_code()
{
	local name=$1 code=$2 regex=$3 report status
	shift 3
	report=$("$@" 2>&1 >/dev/null)
	status=$?
	if [ $status -eq "$code" ] && grep -qE -e "$regex" <<<"$report"; then
		ok "$name"
	else
		not_ok "$name" "exit code $status, not $code with '$regex': $report"
	fi
}

# results_of COMMAND...: each of its lines "ok NAME" or "not ok NAME" is a test.
results_of()
{
	local report verdict name status=0 before=$failed
	report=$("$@" 2>&1) || status=$?
	while read -r verdict name; do
		case $verdict in
		ok) ok "$name" ;;
		not) not_ok "${name#ok }" ;;
		*) echo "# $verdict $name" ;;
		esac
	done <<<"$report"
	[ $status -eq 0 ] || [ $failed -gt $before ] ||
		not_ok "${1##*/} ends well" "status $status"
}
