"""An unmodified QEMU whose disks are vhost-vdpa nodes, and the guest on its serial console."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import time

LIMIT = 240  # seconds until a guest that says nothing counts as hung


class Lost(Exception):
    """The guest failed, ended or is silent."""


class Line:
    """A socket that QEMU listens on, read line by line."""

    def __init__(self, path):
        self.buffer = b""
        self.sock = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 30
        while True:
            try:
                self.sock.connect(path)
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def send(self, text):
        self.sock.sendall(text.encode())

    def read(self, seconds):
        """The next line, or None at the end of the time or of the other side."""
        end = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").strip("\r")


class Guest:
    """One QEMU process; @nodes are the paths of its disks, the first one boots."""

    def __init__(self, work, nodes, memory=384, shared=True):
        self.log = open(work + "/guest.log", "a")
        paths = [work + "/console", work + "/qmp"]
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
        ram = "memory-backend-%s,id=ram,size=%dM" % ("memfd,share=on" if shared else "ram", memory)
        command = ["qemu-system-x86_64", "-M", "q35,memory-backend=ram", "-accel", "kvm",
                   "-cpu", "host", "-m", str(memory), "-object", ram, "-nodefaults",
                   "-display", "none",
                   "-chardev", "socket,id=con,path=%s,server=on,wait=off" % paths[0],
                   "-serial", "chardev:con",
                   "-qmp", "unix:%s,server=on,wait=off" % paths[1]]
        for number, node in enumerate(nodes):
            command += ["-device", "vhost-vdpa-device-pci,vhostdev=%s,bootindex=%d"
                        % (node, number)]
        self.log.write(" ".join(command) + "\n")
        self.log.flush()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.console = Line(paths[0])
        self.monitor = Line(paths[1])
        self.monitor.read(30)
        self.qmp("qmp_capabilities")

    def qmp(self, command, **arguments):
        self.monitor.send(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        while True:
            line = self.monitor.read(60)
            if line is None:
                raise Lost("no answer to " + command)
            answer = json.loads(line)
            if "error" in answer:
                raise Lost("%s: %s" % (command, answer["error"]))
            if "return" in answer:
                return answer["return"]

    def ask(self, text):
        self.console.send(text + "\n")

    def expect(self, pattern):
        """Waits until the guest says @pattern: the match."""
        while True:
            line = self.console.read(LIMIT)
            if line is None:
                raise Lost("silent, while '%s' is awaited" % pattern)
            self.log.write(line + "\n")
            self.log.flush()
            said = line[line.find("guest: ") + 7:] if "guest: " in line else None
            if said is None:
                if "Kernel panic" in line:
                    raise Lost(line)
                continue
            if said.startswith("failed"):
                raise Lost(said)
            match = re.fullmatch(pattern, said)
            if match:
                return match

    def wait(self, seconds=60):
        """Its exit status."""
        return self.process.wait(seconds)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)
