#!/usr/bin/python3
"""stock_qemu.py WORK - QEMU boots a guest from a kvblk disk on the vDPA bus. TAP on stdout.

WORK holds boot.img (mkdisk.sh) and is on a file system with direct I/O. kvblk and kvblk_vdpa are
loaded; kvblkctl and vdpa are in the search path.
"""

import hashlib
import os
import subprocess
import sys
import time

from qemu import Guest, Lost

ROOT_OFFSET = 41 << 20  # of the guest's root file system in boot.img
RATE = 50               # requests per second of the throttled disk
READS = 150

number = 0
failed = 0


def check(name, good):
    global number, failed
    number += 1
    failed += not good
    print("%sok %d - qemu: %s" % ("" if good else "not ", number, name), flush=True)
    return good


def note(text):
    print("# " + text, flush=True)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def status_of(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, timeout=300).returncode


def counters(disk):
    with open("/sys/kernel/debug/kvblk/%s/counters" % disk) as text:
        return {line.split()[0]: int(line.split()[1]) for line in text if len(line.split()) > 1
                and line.split()[1].isdigit()}


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def attach(disk, *options):
    """Puts @disk on the bus: the path of its node."""
    return run("kvblkctl", "attach", "--vdpa", *options, disk).strip()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha1(file.read()).hexdigest()


class Loop:
    """A block device of what begins at @offset in @path: e2fsck forgets its own option for that."""

    def __init__(self, path, offset):
        self.device = run("losetup", "-f", "--show", "-o", str(offset), path).strip()

    def __enter__(self):
        return self.device

    def __exit__(self, *error):
        run("losetup", "-d", self.device)


class Test:
    def __init__(self, work):
        self.work = work
        self.boots = 0

    def path(self, name):
        return "%s/%s" % (self.work, name)

    def add(self, name, *options):
        run("kvblkctl", "add", name, self.path(name + ".img"), *options)

    def disks(self):
        for name, size in (("slow", 8 << 20), ("fixed", 4 << 20)):
            with open(self.path(name + ".img"), "wb") as file:
                file.write(os.urandom(size))
        self.fixed = digest(self.path("fixed.img"))
        self.add("boot")
        self.add("slow", "--iops", str(RATE))
        self.add("fixed", "--read-only")
        self.nodes = [attach(name) for name in ("boot", "slow", "fixed")]

    def fsck(self, *options):
        """The status of e2fsck of the guest's root file system."""
        with Loop(self.path("boot.img"), ROOT_OFFSET) as device:
            return status_of("e2fsck", *options, device)

    def start(self):
        self.guest = Guest(self.work, self.nodes)

    def up(self, how):
        """The guest comes up and finds what it wrote."""
        self.boots += 1
        start = time.monotonic()
        good = int(self.guest.expect("checked ([0-9]+)")[1]) == self.files
        self.guest.expect("up %d" % self.boots)
        check("%s: the guest is up, its data is intact" % how, good)
        note("%s: up after %.0f s" % (how, time.monotonic() - start))

    files = 0

    def write(self):
        self.files += 1
        self.guest.ask("write f%d" % self.files)
        self.guest.expect("wrote f%d" % self.files)

    def load(self):
        """A guest that writes for ever: true once requests arrive."""
        self.guest.ask("load")
        self.guest.expect("loads")
        before = counters("boot")["writes_completed"]
        return wait_for(lambda: counters("boot")["writes_completed"] > before + 50)

    def other_disks(self):
        self.guest.ask("throttled %d %d" % (2 * RATE, READS))
        said = self.guest.expect("throttled ([0-9]+) ([0-9]+)")
        rate = int(said[1]) * 1000 / int(said[2])
        note("throttle: asked %d requests/s, reached %.1f" % (RATE, rate))
        check("the throttled disk is no faster than it may be", rate < RATE * 1.1)
        self.guest.ask("read-only")
        check("the guest reads the read-only disk and cannot write it",
              self.guest.expect("read-only ([0-9a-f]+)")[1] == self.fixed)

    def stop_and_cont(self):
        check("stop and cont: load runs", self.load())
        for _ in range(5):
            self.guest.qmp("stop")
            before = counters("boot")
            time.sleep(0.3)
            after = counters("boot")
            if before["requests"] != after["requests"] or after["in_flight"]:
                check("stop and cont: a stopped guest's disk is still", False)
                return
            self.guest.qmp("cont")
            wait_for(lambda: counters("boot")["requests"] > after["requests"] + 10)
        check("stop and cont: five times under load",
              counters("boot")["requests"] > after["requests"])
        self.guest.ask("check")
        check("stop and cont: the data is intact",
              int(self.guest.expect("checked ([0-9]+)")[1]) == self.files)

    def reset(self):
        self.guest.qmp("system_reset")
        self.up("system_reset under load")
        self.write()

    def poweroff(self):
        self.guest.ask("poweroff")
        check("poweroff: QEMU ends by itself", self.guest.wait() == 0)
        check("poweroff: the root file system is clean", self.fsck("-fn") == 0)

    def killed(self):
        check("SIGKILL: load runs", self.load())
        self.guest.kill()
        check("SIGKILL: nothing stays in flight",
              wait_for(lambda: counters("boot")["in_flight"] == 0))
        check("SIGKILL: the journal is replayed", self.fsck("-p") < 2)
        check("SIGKILL: the root file system is clean", self.fsck("-fn") == 0)

    def private_memory(self):
        """Pinned by vhost, the disk on physical addresses."""
        run("kvblkctl", "detach", "--vdpa", "boot")
        self.guest = Guest(self.work, [attach("boot", "--phys")], shared=False)
        self.up("private memory")
        self.write()
        check("private memory: load runs", self.load())
        self.guest.kill()
        check("private memory: SIGKILL: nothing stays in flight",
              wait_for(lambda: counters("boot")["in_flight"] == 0))

    def leave(self):
        for name in ("boot", "slow", "fixed"):
            run("kvblkctl", "detach", "--vdpa", name)
            run("kvblkctl", "remove", name)
        check("the read-only image is what it was", digest(self.path("fixed.img")) == self.fixed)

    def whole(self):
        self.disks()
        self.start()
        self.up("start from the disk's boot sector")
        self.write()
        self.other_disks()
        self.stop_and_cont()
        self.reset()
        self.poweroff()
        self.start()
        self.up("start after poweroff")
        self.write()
        self.killed()
        self.start()
        self.up("start after SIGKILL")
        self.poweroff()
        self.private_memory()
        self.leave()

    def short(self):
        self.disks()
        self.start()
        self.up("start from the disk's boot sector")
        self.write()
        self.reset()
        self.poweroff()
        self.leave()


def main():
    test = Test(sys.argv[1])
    try:
        test.short() if sys.argv[2:] == ["short"] else test.whole()
    except (Lost, subprocess.SubprocessError, OSError) as error:
        check("%s: %s" % (type(error).__name__, error), False)
        with open(test.path("guest.log")) as log:
            for line in log.read().splitlines()[-40:]:
                note(line)
        if hasattr(test, "guest"):
            test.guest.kill()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
