#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""branches.py --unreachable LIST EXPORT - sum up what llvm-cov exported of kmod/.

Prints a line for each file, each branch that was never taken and each function that
was never called. LIST tells which branches cannot be taken: "file: never true|false:
text of the line", then the reason, indented. The status is 1 if one that is not in
LIST was not taken, one that is was, or a function was not called.
"""

import argparse
import json
import os
import sys


def read_list(path):
    """The entries of LIST; blank lines, comments and reasons are for people."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return {line for line in lines if line and line[0] not in "#\t"}


def never_taken(entry):
    """Yield (line number, description) of each way no run went."""
    with open(entry["filename"], encoding="utf-8") as file:
        text = [line.strip() for line in file]
    name = os.path.basename(entry["filename"])
    for branch in entry["branches"]:
        line, true, false = branch[0], branch[4], branch[5]
        for count, way in ((true, "true"), (false, "false")):
            if not count:
                yield line, f"{name}: never {way}: {text[line - 1]}"


def never_called(functions):
    """Yield what to say of each function of kmod/ that no run called."""
    for function in functions:
        if not function["count"] and "/kmod/" in function["filenames"][0]:
            yield f"{function['name'].split(':')[-1]}() is never called"


def percent(part):
    return f"{part['covered']} of {part['count']} ({part['percent']:.2f} %)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unreachable", required=True)
    parser.add_argument("export")
    args = parser.parse_args()

    with open(args.export, encoding="utf-8") as file:
        data = json.load(file)["data"][0]
    known = read_list(args.unreachable)
    missing, met = 0, set()
    for entry in data["files"]:
        if "/kmod/" not in entry["filename"] or not entry["filename"].endswith(".c"):
            continue
        part = entry["summary"]
        print(f"# {os.path.basename(entry['filename'])}: branches {percent(part['branches'])}, "
              f"regions {percent(part['regions'])}, lines {percent(part['lines'])}")
        for line, what in never_taken(entry):
            met.add(what)
            missing += what not in known
            print(f"#   line {line}: {what}" + (" (cannot be)" if what in known else ""))
    for what in never_called(data["functions"]):
        missing += 1
        print(f"# {what}")
    for what in sorted(known - met):
        missing += 1
        print(f"# listed as unreachable, but reached or gone: {what}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
