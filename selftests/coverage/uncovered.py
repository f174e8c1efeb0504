#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""uncovered.py LIST JSON - which lines that gcovr found not to run have no reason in LIST.

LIST has entries "file: text of the line" or "file: function()", at the margin, and their
reasons, indented. Prints every line without an entry, every entry that is not needed, and how
many lines there were.
"""

import json
import os
import sys


def read_list(path):
    """The entries; blank lines, comments and reasons are for people."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return {line for line in lines if line and line[0] not in "#\t"}


def owner(functions, number):
    """Name of the function that line is in."""
    starts = [f for f in functions if f["lineno"] <= number]
    return max(starts, key=lambda f: f["lineno"])["name"] if starts else ""


def not_run(root, data):
    """Yield (place, line entry, function entry) of each line."""
    for file in data["files"]:
        with open(os.path.join(root, file["file"]), encoding="utf-8") as source:
            text = [line.strip() for line in source]
        name = os.path.basename(file["file"])
        for line in file["lines"]:
            number = line["line_number"]
            if line["count"] or line.get("gcovr/noncode"):
                continue
            function = owner(file["functions"], number)
            yield (f"{file['file']}:{number}: {text[number - 1]}",
                   f"{name}: {text[number - 1]}", f"{name}: {function}()")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    known = read_list(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        data = json.load(file)
    missing, listed, used = 0, 0, set()
    for place, line, function in not_run(os.path.dirname(sys.argv[2]), data):
        found = known & {line, function}
        used |= found
        if found:
            listed += 1
        else:
            missing += 1
            print(f"# not run, and not listed: {place}")
    for entry in sorted(known - used):
        print(f"# listed, but it ran: {entry}")
    print(f"# {listed + missing} lines do not run: {listed} listed, {missing} not")


if __name__ == "__main__":
    main()
