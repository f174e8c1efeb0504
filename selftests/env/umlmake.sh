#!/bin/bash
# umlmake.sh [-k plain|san] SRCDIR OUTDIR [make args...] - build the external module of SRCDIR
# for the User Mode Linux test kernel (default: san). Like kmake.sh otherwise.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

variant=san
if [ "${1:-}" = -k ]; then
	variant=$2
	shift 2
fi
[ $# -ge 2 ] || die "usage: umlmake.sh [-k plain|san] SRCDIR OUTDIR [make args...]"
src=$1
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2

assignments=$("$ENV_DIR/uml.sh" "$variant")
eval "$assignments"
copy_sources "$src" "$out"
exec make -s -j"$JOBS" -C "$UML_BUILD" ARCH=um M="$out" "$@"
