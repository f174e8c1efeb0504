#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""profile.py KALLSYMS PROFILE REQUESTS [N] - instructions per request by function, from what
plugin.c wrote; the N largest (default 70). PROFILE - BASE subtracts another run:
profile.py KALLSYMS PROFILE,BASE REQUESTS."""

import bisect
import sys


def symbols(name):
    """Sorted [(address, symbol, module)] of /proc/kallsyms."""
    out = []
    with open(name, encoding="ascii") as file:
        for line in file:
            address, kind, symbol, *module = line.split()
            if kind in "tTwW":
                out.append((int(address, 16), symbol, module[0].strip("[]") if module else "kernel"))
    return sorted(out)


def collect(name, table, sign, counts):
    addresses = [row[0] for row in table]
    with open(name, encoding="ascii") as file:
        for line in file:
            address, insns, side = line.split()
            address, insns = int(address, 16), int(insns)
            if side == "guest":
                key = ("(guest)", "")
            elif address < 1 << 63:
                key = ("(user space)", "")
            else:
                at = bisect.bisect_right(addresses, address) - 1
                key = table[at][1:] if at >= 0 else ("?", "")
            counts[key] = counts.get(key, 0) + sign * insns


def main():
    kallsyms, names, requests = sys.argv[1:4]
    most = int(sys.argv[4]) if len(sys.argv) > 4 else 70
    table, counts, modules = symbols(kallsyms), {}, {}
    for sign, name in zip((1, -1), names.split(",")):
        collect(name, table, sign, counts)
    for (symbol, module), insns in counts.items():
        modules[module or symbol] = modules.get(module or symbol, 0) + insns
    for title, rows in (("by module", modules.items()),
                        ("by function", ((f"{s} [{m}]" if m else s, n)
                                         for (s, m), n in counts.items()))):
        print(f"instructions per request {title}")
        for name, insns in sorted(rows, key=lambda row: -row[1])[:most]:
            print(f"{insns / int(requests):10.1f}  {name}")
        print()


main()
