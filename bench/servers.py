"""The servers that are compared, and one of them running.

Every server is ended by its process number; what it costs is read from /proc.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
ENGRAM = ("{build}/src/server/engram-server --port {port} --save '' --dir {dir} "
          "--worker-threads ")

# name -> command; a server whose program is missing is left out.
SERVERS = {
    "redis": "redis-server --port {port} --save '' --appendonly no --dir {dir}",
    "engram": ENGRAM + "1",
    "engram-epoll": ENGRAM + "1 --io-engine epoll",
    "engram-2": ENGRAM + "2",
    "floor": "{build}/bench/net-floor {port}",
    "echo": "{build}/bench/latency echo {port}",
}


def encode(*args):
    out = ["*%d\r\n" % len(args)]
    for arg in args:
        out.append("$%d\r\n%s\r\n" % (len(arg), arg))
    return "".join(out).encode()


def command_of(name, build, port=0, folder=""):
    return [("" if w == "''" else w).format(port=port, dir=folder, build=build)
            for w in SERVERS[name].split()]


def is_there(name, build):
    return shutil.which(command_of(name, build)[0]) is not None


def spoken(argv):
    """A command as one would type it."""
    return " ".join(w or "''" for w in argv)


class Server:
    """One process on the processors `cpus`; `under` is a command that runs it,
    valgrind say."""

    def __init__(self, name, build, port, cpus=None, under=()):
        self.name, self.port = name, port
        self.dir = tempfile.mkdtemp(prefix="engram-bench-")
        self.command = (["taskset", "-c", cpus] if cpus else []) + list(under)
        self.command += command_of(name, build, port, self.dir)
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        deadline = time.monotonic() + (60 if under else 10)
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                sys.exit(f"bench: {name} ended with {self.process.returncode}: "
                         + spoken(self.command))
            try:
                if self.ask("PING")[:1] == b"+":
                    return
            except OSError:
                time.sleep(0.05)
        self.stop()
        sys.exit(f"bench: {name} does not answer on port {port}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def connect(self):
        return socket.create_connection((HOST, self.port), timeout=60)

    def ask(self, *args):
        """The first line of the reply, or a bulk's bytes."""
        with self.connect() as s:
            s.sendall(encode(*args))
            reply = s.makefile("rb")
            line = reply.readline()
            if line[:1] == b"$" and int(line[1:]) >= 0:
                return reply.read(int(line[1:]))
            return line

    def fill(self, shape, count):
        """`count` commands, a thousand at a time; none may be refused."""
        with self.connect() as s:
            reply = s.makefile("rb")
            for first in range(0, count, 1000):
                last = min(first + 1000, count)
                s.sendall(b"".join(encode(*shape(i))
                                   for i in range(first, last)))
                for i in range(first, last):
                    got = reply.readline()
                    if got[:1] not in (b"+", b":"):
                        sys.exit(f"bench: {self.name} refused {shape(i)[0]}: "
                                 f"{got[:80]}")

    def cpu_ns(self):
        """Of all its threads, user and system."""
        total = 0
        for file in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            total += int(file.read_text().split()[0])
        return total

    def used_memory(self):
        info = self.ask("INFO", "memory").decode()
        return int(re.search(r"^used_memory:(\d+)", info, re.M).group(1))

    def resident(self):
        statm = Path(f"/proc/{self.pid}/statm").read_text()
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
