#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py SAMPLES... [--json FILE] [--svg FILE] [--check] - from what the machines of
`make bench` printed to tables, JSON and a chart."""

import argparse
import json
import sys

SYSTEMS = {
    "raw": "the device itself",
    "loop": "loop device, direct I/O",
    "vdpa_sim": "vdpa_sim_blk",
    "kvblk_vdpa": "kvblk, virtio_vdpa",
    "kvblk_none": "kvblk, no scheduler",
    "kvblk_told": "that, moderated",
    "vduse": "VDUSE, virtio_vdpa",
    "kvblk_mmio": "kvblk, virtio-mmio",
    "kvblk_pin": "kvblk, virtio-mmio, pinned",
    "kvblk_split": "pinned, split irqchip",
    "kvblk_poll": "that, looking",
    "kvblk_held": "that, moderated",
    "kvblk_both": "that, looking, moderated",
    "kvblk_vhost": "kvblk, vhost-vdpa",
    "qemu_native": "QEMU PCI, iothread, aio=native",
    "qemu_uring": "QEMU PCI, iothread, io_uring",
    "qemu_microvm": "QEMU microvm",
}
KEYS = ("system", "backing", "rw", "size", "depth")


def parse(lines, kinds):
    """Adds the lines "KIND KEY=VALUE..." of one machine to {kind: [{key: value}]}; passes others
    over. What the emulator counted at a mark is in lines of its own: host and guest."""
    marks, guests = [], []
    for line in lines:
        kind, _, rest = line.strip().partition(" ")
        if kind == "mark":
            marks.append([int(word) for word in rest.split()])
        elif kind in kinds:
            row = dict(word.split("=", 1) for word in rest.split() if "=" in word)
            kinds[kind].append(row)
            if kind == "guest":
                guests.append(row)
    for row in guests:
        at = int(row["mark"])
        for side, name in enumerate(("host", "guest")):
            row[name] = str(marks[at + 1][side] - marks[at][side])


def number(text):
    return float(text) if "." in text else int(text)


def pairs(rows, keys=KEYS):
    """The short and the long run of each measurement; of several alike the one with the least
    instructions."""
    runs = {}
    for row in rows:
        both = runs.setdefault(tuple(row[k] for k in keys), {})
        requests = int(row["requests"])
        both[requests] = min(both.get(requests, row), row, key=lambda r: float(r.get("us", 0)))
    for key, both in runs.items():
        if len(both) != 2:
            sys.exit(f"{' '.join(key)}: {len(both)} lengths of run instead of two")
        yield key, [both[requests] for requests in sorted(both)]


def per_request(short, long, name):
    return (number(long[name]) - number(short[name])) / (
        int(long["requests"]) - int(short["requests"]))


def results(kinds):
    """One dictionary of figures for each measurement."""
    out = {}
    for key, (short, long) in pairs(kinds["sample"]):
        row = dict(zip(KEYS, key))
        row["depth"] = int(row["depth"])
        row["instructions"] = 1000 * per_request(short, long, "us")
        for name in ("ctxt", "intr", "timer"):
            row[name] = per_request(short, long, name)
        row["intr"] = max(0, row["intr"] - row.pop("timer"))
        if "told" in long:
            row["told"] = per_request(short, long, "told")
        row["service"] = max(0, 1 - (number(long["user"]) + number(long["sys"])) / 100)
        out[key] = row
    for key, (short, long) in pairs(kinds["calls"]):
        if key in out:
            out[key]["calls"] = per_request(short, long, "calls")
    for key, row in out.items():
        raw = out.get(("raw",) + key[1:])
        if raw:
            row["times_raw"] = row["instructions"] / raw["instructions"]
    return list(out.values())


# ---- tables ----

COLUMNS = (
    ("instructions", "instr.", "{:.0f}"),
    ("times_raw", "x raw", "{:.2f}"),
    ("ctxt", "switches", "{:.2f}"),
    ("calls", "calls", "{:.2f}"),
    ("intr", "interrupts", "{:.2f}"),
    ("told", "told", "{:.2f}"),
    ("service", "service", "{:.0%}"),
)


def cells(row, columns):
    """Adding 0 turns the minus of what rounds to 0 into a plus."""
    return [fmt.format(round(row[name], 4) + 0.0) if name in row else ""
            for name, _, fmt in columns]


def table(rows, columns, left):
    """Lines of an RST simple table: @left of each row, then the columns."""
    columns = [column for column in columns if any(column[0] in row for row in rows)]
    grid = [[left[0]] + [head for _, head, _ in columns]]
    grid += [[left[1](row)] + cells(row, columns) for row in rows]
    width = [max(len(line[i]) for line in grid) for i in range(len(grid[0]))]
    rule = " ".join("=" * n for n in width)
    text = [" ".join(c.ljust(n) if not i else c.rjust(n)
                     for i, (c, n) in enumerate(zip(line, width))).rstrip() for line in grid]
    return [rule, text[0], rule] + text[1:] + [rule]


def count_tables(rows):
    groups = {}
    for row in rows:
        groups.setdefault((row["backing"], row["rw"], row["size"], row["depth"]), []).append(row)
    for (backing, rw, size, depth), group in groups.items():
        where = "null block device" if backing == "null" else "file on ext4"
        yield ""
        yield f"{rw}, {size}, depth {depth}, {where}:"
        yield ""
        yield from table(group, COLUMNS, ("system", lambda row: SYSTEMS[row["system"]]))


GUEST_COLUMNS = (
    ("host", "host instr.", "{:.0f}"),
    ("exits", "exits", "{:.2f}"),
    ("mmio_exits", "MMIO exits", "{:.2f}"),
    ("ctxt", "switches", "{:.2f}"),
    ("calls", "calls", "{:.2f}"),
    ("interrupts", "interrupts", "{:.2f}"),
    ("guest", "guest instr.", "{:.0f}"),
)


def guest_results(kinds):
    """The same for systems with guests."""
    rows = []
    for key, (short, long) in pairs(kinds["guest"], ("system", "cpus", "depth")):
        rows.append({"system": key[0], "cpus": int(key[1]), "depth": int(key[2])} |
                    {name: per_request(short, long, name) for name, _, _ in GUEST_COLUMNS})
    return rows


def guest_tables(rows, lost):
    for cpus, depth in sorted({(row["cpus"], row["depth"]) for row in rows}):
        yield ""
        yield (f"From a KVM guest with {cpus} processor{'s' if cpus > 1 else ''}, randread, 4k, "
               f"depth {depth}:")
        yield ""
        yield from table([row for row in rows if (row["cpus"], row["depth"]) == (cpus, depth)],
                         GUEST_COLUMNS, ("system", lambda row: SYSTEMS[row["system"]]))
    for row in lost:
        yield ""
        yield (f"{SYSTEMS[row['system']]}, processors: {row['cpus']}: not measured, its guest "
               f"did not end its reads")


# ---- goals that are exact ----

# Of kvblk on the null block device, 4 KiB random read: (depth, figure, most).
LIMITS = (
    (1, "ctxt", 0.1),
    (1, "times_raw", 2.2),
    (32, "ctxt", 0.1),
    (32, "intr", 0.1),
    (32, "times_raw", 2.2),
)


def check(rows):
    """TAP; whether all goals are met."""
    good = True
    print(f"TAP version 13\n1..{len(LIMITS)}")
    for number_, (depth, name, most) in enumerate(LIMITS, 1):
        got = [row[name] for row in rows if row["system"] == "kvblk_vdpa" and
               row["depth"] == depth and (row["rw"], row["size"]) == ("randread", "4k")]
        ok = bool(got) and got[0] <= most
        good = good and ok
        what = {"ctxt": "context switches", "intr": "interrupts",
                "times_raw": "times the device's instructions"}[name]
        print(f"{'ok' if ok else 'not ok'} {number_} - count: {what} for each request at depth "
              f"{depth}: {got[0] if got else 'none counted':.3f}, at most {most}")
    return good


# ---- chart ----

SHADES = {1: "#2b6cb0", 32: "#90cdf4"}


def svg(rows):
    """Bars: times the instructions of the device itself, 4 KiB random read."""
    picked = [row for row in rows if row["backing"] == "null" and row["rw"] == "randread" and
              row["size"] == "4k" and row["depth"] in SHADES]
    names = [name for name in SYSTEMS if any(row["system"] == name for row in picked)]
    scale = 380 / max(row.get("times_raw", 1) for row in picked)
    out, y = [], 52
    for name in names:
        out.append(f'<text x="190" y="{y + 19}" text-anchor="end">{SYSTEMS[name]}</text>')
        for depth, shade in SHADES.items():
            for row in picked:
                if (row["system"], row["depth"]) == (name, depth) and "times_raw" in row:
                    width = row["times_raw"] * scale
                    out.append(f'<rect x="200" y="{y}" width="{width:.1f}" height="13" '
                               f'fill="{shade}"/>')
                    out.append(f'<text x="{206 + width:.1f}" y="{y + 11}">'
                               f'{row["times_raw"]:.2f}</text>')
            y += 15
        y += 12
    head = ('Instructions per 4 KiB random read on a null block device, as a multiple of the '
            'device itself')
    legend = "".join(f'<rect x="{200 + 100 * i}" y="28" width="13" height="13" fill="{shade}"/>'
                     f'<text x="{218 + 100 * i}" y="39">depth {depth}</text>'
                     for i, (depth, shade) in enumerate(SHADES.items()))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {y + 6}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n'
            f'<text x="10" y="18" font-size="13">{head}</text>\n{legend}\n' +
            "\n".join(out) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="+")
    parser.add_argument("--json")
    parser.add_argument("--svg")
    parser.add_argument("--check", action="store_true", help="judge the exact goals, print TAP")
    args = parser.parse_args()
    kinds = {"machine": [], "sample": [], "calls": [], "guest": [], "lost": []}
    for name in args.samples:
        with open(name, encoding="utf-8", errors="replace") as file:
            parse(file, kinds)
    rows, guests = results(kinds), guest_results(kinds)
    if args.check:
        sys.exit(0 if check(rows) else 1)
    for line in list(count_tables(rows)) + list(guest_tables(guests, kinds["lost"])):
        print(line)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"machines": kinds["machine"], "counted": rows, "guests": guests,
                       "lost": kinds["lost"]}, file, indent=1)
            file.write("\n")
    if args.svg and rows:
        with open(args.svg, "w", encoding="utf-8") as file:
            file.write(svg(rows))


main()
