"""Fixtures of the client library's tests: its programs, and a server for them.

    ENGRAM_SERVER=... ENGRAM_BUILD=build/release python3 -m pytest tests/client

Each test that asks for `server` runs beside Engram and beside Debian's
redis-server. A server is ended by its process id.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("ENGRAM_BUILD",
                                       os.path.join(ROOT, "build/release")))
ENGRAM = os.environ.get("ENGRAM_SERVER",
                        os.path.join(BUILD, "src/server/engram-server"))
SERVERS = {"engram": ENGRAM, "redis": "/usr/bin/redis-server"}
START_SECONDS = 30
PROGRAM_SECONDS = 60


def is_free(port):
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port(but=(), beside=0):
    """ENGRAM_TEST_PORTS ("LOW-HIGH") narrows the range; not one of `but`. The
    port so far above it is free too. None is of those that the system gives to
    whoever connects."""
    low, high = map(int, os.environ.get("ENGRAM_TEST_PORTS",
                                        "17200-31999").split("-"))
    count = min(high, 32000 - beside) - low
    for i in range(count):
        port = low + (os.getpid() + i) % count
        if port not in but and is_free(port) and is_free(port + beside):
            return port
    raise RuntimeError("no free port")


class Server:
    def __init__(self, binary, *options, beside=0):
        self.dir = tempfile.mkdtemp(prefix="engram-client-")
        self.port = free_port(beside=beside)
        self.path = os.path.join(self.dir, "socket")
        self.url = f"redis://127.0.0.1:{self.port}"
        self.binary, self.options = binary, options
        self.start()

    def start(self):
        with open(os.path.join(self.dir, "log"), "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "--port", str(self.port), "--bind", "127.0.0.1",
                 "--unixsocket", self.path, "--save", "", *self.options],
                cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.binary} does not start, see {self.dir}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture(params=sorted(SERVERS))
def server_of(request):
    """A function that starts this kind of server with some options."""
    made = []

    def start(*options):
        made.append(Server(SERVERS[request.param], *options))
        return made[-1]

    yield start
    for server in made:
        server.close()


@pytest.fixture
def server(server_of):
    return server_of()


def program(name):
    """The path of an example."""
    return os.path.join(BUILD, "examples", name)


def run(name, *arguments):
    """Runs an example to its end: (exit status, output, what it complained)."""
    p = subprocess.run([program(name), *map(str, arguments)],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=PROGRAM_SECONDS)
    return p.returncode, p.stdout, p.stderr


def pipeline_loses(server, **environment):
    """Kills the server while examples/pipeline is in full swing: the program's
    status, output and complaint."""
    p = subprocess.Popen([program("pipeline"), server.url, "1000000000"],
                         env={**os.environ, **environment},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        answer = b""
        while answer != b":1\r\n":
            sock.sendall(b"EXISTS key:999\r\n")
            answer = sock.recv(100)
    server.kill()
    output, complaint = p.communicate(timeout=60)
    return p.returncode, output, complaint
