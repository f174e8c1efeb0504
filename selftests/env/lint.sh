#!/bin/bash
# lint.sh [CHECK...] - check the source; one TAP line per check. All checks if none is named:
#
#   build-SERIES   the module compiles without warnings (W=1 -Werror)      SERIES: 6.1, 6.12, 7.2
#   sparse-SERIES  sparse finds nothing in our files
#   checkpatch-DIR the kernel's style checker, strict                      DIR: kmod, uapi, ...
#   version        kernel versions are tested for in kmod/compat.h only
#   shape          no function is longer than 60 lines
#   scripts        shellcheck on all shell scripts
#   blanks         no trailing blanks in any text file

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

SERIES=(6.1 6.12 7.2)
DIRS=(kmod uapi tools selftests)
build=$CACHE/lint/$(printf '%s' "$TOP" | sha1sum | cut -c1-10)
FLAGS=(W=1 KCFLAGS=-Werror)

# What of checkpatch does not apply. A message that users see is not broken over lines.
IGNORE=LONG_LINE_STRING
# kzalloc_obj() is newer than 6.1.
IGNORE_KMOD=$IGNORE,ALLOC_WITH_SIZEOF
# compat.h is there to compare versions, which checkpatch takes for a constant on the wrong side.
IGNORE_COMPAT=$IGNORE,LINUX_VERSION_CODE,CONSTANT_COMPARISON
# Trace events are declared by macros that look like no other code.
IGNORE_TRACE=$IGNORE,COMPLEX_MACRO,MACRO_ARG_REUSE,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE
# User space and the headers it includes have none of these macros and types, nor READ_ONCE().
IGNORE_USER=$IGNORE,BIT_MACRO,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES
IGNORE_USER+=,VOLATILE
# A test macro names its argument once as text and once as value.
IGNORE_TESTS=MACRO_ARG_REUSE

sources()
{
	local dir=$1
	[ ! -d "$TOP/$dir" ] || find "$TOP/$dir" -name '*.[ch]' -printf "$dir/%P\n" | LC_ALL=C sort
}

shell_scripts()
{
	local file
	find "$TOP" -name .git -prune -o -type f -size -1000k -printf '%P\n' | LC_ALL=C sort |
		while read -r file; do
			if [[ $(head -c 30 "$TOP/$file" | tr -d '\0' | head -n 1) =~ ^'#!'.*sh$ ]]; then
				printf '%s\n' "$file"
			fi
		done
}

check_build()
{
	"$ENV_DIR/kmake.sh" "$1" "$TOP" "$build/$1" "${FLAGS[@]}" 2>&1
}

# Warnings about the kernel's own headers are not ours to fix.
check_sparse()
{
	local log
	log=$("$ENV_DIR/kmake.sh" "$1" "$TOP" "$build/$1" "${FLAGS[@]}" \
		C=2 CF=-D__CHECK_ENDIAN__ 2>&1) || { printf '%s\n' "$log"; return 1; }
	! grep -E "^($build/$1/|\./)?(kmod|uapi)/.*(warning|error):" <<<"$log"
}

check_checkpatch()
{
	local files
	mapfile -t files < <(sources "$1" | grep -vxE 'kmod/(compat|trace)\.h')
	[ ${#files[@]} -gt 0 ] || return 0
	case $1 in
	kmod)
		[ ! -e "$TOP/kmod/compat.h" ] || checkpatch "$IGNORE_COMPAT" kmod/compat.h || return
		[ ! -e "$TOP/kmod/trace.h" ] || checkpatch "$IGNORE_TRACE" kmod/trace.h || return
		checkpatch "$IGNORE_KMOD" "${files[@]}"
		;;
	selftests)
		# The shim stands in for the kernel's own headers and has to look like them.
		mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v ^selftests/unit/shim/)
		checkpatch "$IGNORE_USER,$IGNORE_TESTS" "${files[@]}"
		;;
	*)
		checkpatch "$IGNORE_USER" "${files[@]}"
		;;
	esac
}

# checkpatch leaves a file in the current directory.
checkpatch()
{
	local ignore=$1 assignments
	shift
	assignments=$("$ENV_DIR/uml.sh" source)
	eval "$assignments"
	mkdir -p "$build"
	(cd "$build" && perl "$CHECKPATCH" --no-tree --root="$UML_SRC" --strict --terse --quiet \
		--show-types --no-summary --ignore "$ignore" -f "${@/#/$TOP/}" |
		sed "s,^$TOP/,,")
}

check_scripts()
{
	local files
	mapfile -t files < <(shell_scripts)
	# SC2317: functions that are called by a name in a variable or from a trap look unused.
	(cd "$TOP" && shellcheck -x -P SCRIPTDIR -e SC2317 "${files[@]}" selftests/env/common.sh)
}

check_version()
{
	! (cd "$TOP" && grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION|UTS_RELEASE' \
		--include='*.[ch]' --exclude=compat.h kmod uapi)
}

check_shape()
{
	local files
	mapfile -t files < <(for dir in "${DIRS[@]}"; do sources "$dir"; done)
	(cd "$TOP" && python3 "$ENV_DIR/shape.py" "${files[@]}")
}

check_blanks()
{
	! (cd "$TOP" && grep -rnIE --exclude-dir=.git --exclude='*.patch' '[[:blank:]]+$' .)
}

if [ $# -eq 0 ]; then
	set -- "${SERIES[@]/#/build-}" "${SERIES[@]/#/sparse-}" "${DIRS[@]/#/checkpatch-}" \
		version shape scripts blanks
fi
"$ENV_DIR/deps.sh" build lint
echo "TAP version 13"
echo "1..$#"
number=0 failed=0
for check; do
	number=$((number + 1))
	argument=
	case $check in
	*-*) argument=${check#*-} ;;
	esac
	if report=$("check_${check%%-*}" "$argument" 2>&1); then
		echo "ok $number - lint: $check"
	else
		echo "not ok $number - lint: $check"
		head -n 100 <<<"$report" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
done
[ "$failed" -eq 0 ]
