#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""shape.py [--max N] FILE... - name the C functions whose body is longer than N (60) lines.

Relies on kernel style: a function's braces stand alone in the first column.
"""

import argparse
import re
import sys

# "file name:function" -> why it may be long. For flat tables of cases only.
EXEMPT = {}

NAME = re.compile(r"(\w+)\s*\(")


def functions(lines):
    """Yield (name, line number, body lines) of each function."""
    start, head = None, ""
    for number, line in enumerate(lines, 1):
        if start is None:
            if line == "{" and ")" in head:
                start = number
                found = NAME.search(head)
                name = found.group(1) if found else "?"
            elif line.rstrip().endswith((";", "}")) or not line or line.startswith("#"):
                head = ""
            else:
                head += line + " "
        elif line == "}":
            yield name, start, number - start - 1
            start, head = None, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max", type=int, default=60)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()

    bad = 0
    for path in args.files:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        for name, line, length in functions(lines):
            if length > args.max and f"{path.rsplit('/', 1)[-1]}:{name}" not in EXEMPT:
                print(f"{path}:{line}: {name} has {length} lines, limit {args.max}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
