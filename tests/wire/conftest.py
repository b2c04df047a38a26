"""Fixtures of the wire tests: a server driven over its sockets.

    pytest tests/wire                      all engines and numbers of workers
    pytest tests/wire --engine epoll --workers 1
    pytest tests/wire --server /usr/bin/redis-server

The server is --server, or ENGRAM_SERVER, or the release build; ENGRAM_IO_ENGINE and
ENGRAM_WORKERS stand for --engine and --workers. It runs once for each engine and number of workers, and every test that asks for `server`, `r`,
`raw` or `raws` runs on each of these. A test that changes options for good, or
ends the server, takes an instance of its own from `server.new(option=value)`.

Before each test the data is flushed; after it the server must be alive, answer a
PING on a fresh connection, and have reported no assertion and no sanitizer's find.
"""
import ctypes
import os
import shutil

import pytest
import redis

from rawconn import Raw
from servers import Server, is_redis

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEFAULT_SERVER = os.path.join(ROOT, "build/release/src/server/engram-server")
ENGINES = ["io_uring", "epoll"]
WORKERS = [1, 3]
SYS_IO_URING_SETUP = 425


def pytest_addoption(parser):
    parser.addoption("--server", default=os.environ.get("ENGRAM_SERVER",
                                                        DEFAULT_SERVER),
                     help="the server's binary")
    parser.addoption("--engine", action="append",
                     choices=ENGINES + ["auto"],
                     help="only this I/O engine (may be repeated)")
    parser.addoption("--workers", action="append", type=int,
                     help="only this number of workers (may be repeated)")


def has_io_uring():
    """Whether the kernel lets us make a ring."""
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(120)
    fd = libc.syscall(SYS_IO_URING_SETUP, 4, params)
    if fd < 0:
        return False
    os.close(fd)
    return True


def chosen(config, option, variable, default):
    """What the command line says, or else the environment, or else all."""
    if config.getoption(option):
        return config.getoption(option)
    return [os.environ[variable]] if variable in os.environ else default


def pytest_generate_tests(metafunc):
    if "shared_server" not in metafunc.fixturenames:
        return
    config = metafunc.config
    if is_redis(config.getoption("--server")):
        pairs = [(None, None)]
        ids = ["redis"]
    else:
        pairs = [(e, w) for e in chosen(config, "--engine", "ENGRAM_IO_ENGINE",
                                        ENGINES)
                 for w in chosen(config, "--workers", "ENGRAM_WORKERS", WORKERS)]
        ids = ["%s-%s" % p for p in pairs]
        if not has_io_uring():
            reason = "this kernel refuses io_uring"
            pairs = [pytest.param(p, marks=pytest.mark.skip(reason=reason))
                     if p[0] == "io_uring" else p for p in pairs]
    metafunc.parametrize("shared_server", pairs, ids=ids, indirect=True,
                         scope="session")


@pytest.fixture(scope="session")
def shared_server(request):
    engine, workers = request.param
    server = Server(os.path.abspath(request.config.getoption("--server")),
                    engine, workers)
    yield server
    try:
        server.end()
        server.check_log()
    finally:
        shutil.rmtree(server.dir, ignore_errors=True)


@pytest.fixture
def server(shared_server):
    """The server under test, empty. .port .pid .args .alive() .restart()
    .new(**options) .rss_bytes() .cpu_seconds() .log()"""
    if not shared_server.alive():
        shared_server.restart()
    with shared_server.connect() as raw:
        assert raw.cmd("FLUSHALL") == b"OK"
    yield shared_server
    try:
        shared_server.end_children()
    finally:
        shared_server.check()


@pytest.fixture
def r(server):
    """A redis.Redis; replies are bytes."""
    client = redis.Redis(port=server.port, socket_timeout=60)
    yield client
    client.close()


@pytest.fixture
def raws(server):
    """raws(n): n raw connections, closed after the test. raws(1, of=other) goes
    to a server from server.new()."""
    made = []

    def make(count, of=None, timeout=10.0):
        new = [Raw((of or server).address, timeout) for _ in range(count)]
        made.extend(new)
        return new

    yield make
    for raw in made:
        raw.close()


@pytest.fixture
def raw(raws):
    """One raw connection: .send(bytes) .read_reply() .cmd(*args) .pipeline(list)
    .closed(timeout) .silent(seconds)"""
    return raws(1)[0]


@pytest.fixture
def config(server):
    """config(name, value): CONFIG SET on the shared server, undone at the end."""
    before = []

    def change(name, value):
        with server.connect() as conn:
            was = conn.cmd("CONFIG", "GET", name)
            assert len(was) == 2, "no such option: %s" % name
            assert conn.cmd("CONFIG", "SET", name, value) == b"OK"
        before.append((name, was[1]))

    yield change
    with server.connect() as conn:
        for name, value in reversed(before):
            assert conn.cmd("CONFIG", "SET", name, value) == b"OK"
