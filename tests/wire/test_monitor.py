"""MONITOR: every command of every worker, to whoever wants to see it."""
import re
import time

import pytest

from rawconn import encode

LINE = re.compile(rb'^\+(\d+\.\d{6}) \[(\d+) ([^ \]]+)\] (.*)$')


class Monitor:
    def __init__(self, conn):
        self.conn = conn
        assert conn.cmd("MONITOR") == b"OK"

    def line(self):
        """(database, peer, the quoted words)"""
        match = LINE.match(b"+" + self.conn.read_reply())
        assert match is not None
        assert abs(float(match.group(1)) - time.time()) < 30
        return int(match.group(2)), match.group(3).decode(), match.group(4)

    def words(self):
        return self.line()[2]


@pytest.fixture
def monitors(raws):
    """monitors(n): n sessions that have sent MONITOR."""
    return lambda count: [Monitor(conn) for conn in raws(count)]


def address(conn):
    return "%s:%d" % conn.sock.getsockname()[:2]


def test_lines(monitors, raws):
    monitor, = monitors(1)
    conn, = raws(1)
    conn.cmd("SET", "foo", b"a b\r\n\t\a\b\x01\\\"'\x7f\xff")
    assert monitor.line() == (
        0, address(conn),
        b'"SET" "foo" "a b\\r\\n\\t\\a\\b\\x01\\\\\\"\'\\x7f\\xff"')
    conn.cmd("SELECT", "3")
    assert monitor.line() == (3, address(conn), b'"SELECT" "3"')
    conn.cmd("GET", "")
    assert monitor.line() == (3, address(conn), b'"GET" ""')


def test_every_worker_to_every_monitor(monitors, raws):
    watching = monitors(5)
    conns = raws(10)
    for i, conn in enumerate(conns):
        assert conn.cmd("ECHO", "n%d" % i) == b"n%d" % i
    want = {b'"ECHO" "n%d"' % i for i in range(10)}
    for monitor in watching:
        assert {monitor.words() for _ in range(10)} == want


def test_one_session_is_shown_in_order(monitors, raws):
    watching = monitors(3)
    conn, = raws(1)
    conn.pipeline([("ECHO", str(i)) for i in range(3000)])
    for monitor in watching:
        for i in range(3000):
            assert monitor.words() == b'"ECHO" "%d"' % i


def test_what_is_not_shown(monitors, raws):
    monitor, = monitors(1)
    conn, = raws(1)
    for line in (("CONFIG", "GET", "maxmemory"), ("CLIENT", "LIST"), ("nosuch",),
                 ("GET",), ("DEBUG", "SLEEP", "0"), ("CLIENT", "KILL", "ID", 2 ** 50)):
        conn.cmd(*line)
    conn.cmd("CLIENT", "SETNAME", "x")
    assert monitor.words() == b'"CLIENT" "SETNAME" "x"'


def test_secrets(monitors, raws):
    monitor, = monitors(1)
    conn, = raws(1)
    conn.cmd("AUTH", "sesame")
    conn.cmd("AUTH", "user", "sesame")
    conn.cmd("HELLO", "2", "AUTH", "user", "sesame", "SETNAME", "joe")
    assert monitor.words() == b'"AUTH" "(redacted)"'
    assert monitor.words() == b'"AUTH" "(redacted)" "(redacted)"'
    assert monitor.words() == (b'"HELLO" "2" "AUTH" "(redacted)" "(redacted)" '
                               b'"SETNAME" "joe"')


def test_transactions(monitors, raws):
    monitor, = monitors(1)
    conn, = raws(1)
    conn.pipeline([("MULTI",), ("SET", "foo", "bar"), ("GET", "foo"), ("EXEC",)])
    assert [monitor.words() for _ in range(4)] == [
        b'"MULTI"', b'"SET" "foo" "bar"', b'"GET" "foo"', b'"EXEC"']
    conn.pipeline([("MULTI",), ("nosuch",), ("EXEC",)])
    assert [monitor.words() for _ in range(2)] == [b'"MULTI"', b'"EXEC"']


def test_what_a_monitor_may_do(monitors, raws):
    monitor, = monitors(1)
    conn = monitor.conn
    for line in (("GET", "x"), ("SET", "x", "y"), ("DEL", "x")):
        assert conn.cmd(*line) == "ERR Replica can't interact with the keyspace"
    conn.send(encode("PING"))
    assert conn.read_reply() == b"PONG"
    assert monitor.words() == b'"PING"'
    conn.send(encode("MONITOR") + encode("ECHO", "x"))  # again: not answered
    assert conn.read_reply() == b"x"
    assert monitor.words() == b'"ECHO" "x"'


def test_in_a_transaction(raw):
    raw.cmd("MULTI")
    raw.cmd("MONITOR")
    assert raw.cmd("EXEC") == ["ERR MONITOR isn't allowed for DENY BLOCKING client"]
    raw.cmd("SET", "x", "y")
    assert raw.silent(0.05)


@pytest.mark.parametrize("how", ["RESET", "close"])
def test_end(monitors, raws, how):
    monitor, other = monitors(2)
    conn, = raws(1)
    if how == "RESET":
        assert monitor.conn.cmd("RESET") == b"RESET"
        assert other.words() == b'"RESET"'
    else:
        monitor.conn.close()
        conn.cmd("PING")
        assert other.words() == b'"PING"'
    for i in range(20):
        conn.cmd("ECHO", str(i))
        assert other.words() == b'"ECHO" "%d"' % i
    if how == "RESET":
        assert monitor.conn.silent(0.05)
        assert monitor.conn.cmd("SET", "k", "v") == b"OK"


def test_muted_monitor(raws):
    monitor, conn = raws(2)
    monitor.send(encode("CLIENT", "REPLY", "OFF") + encode("MONITOR"))
    time.sleep(0.05)
    conn.cmd("PING")
    assert monitor.silent(0.05)


def test_slow_reader_is_closed(raws, config, server):
    """It is the limit of its class that ends it; others are not held up."""
    config("client-output-buffer-limit", "normal 1000000 0 0")
    slow, = raws(1)
    assert slow.cmd("MONITOR") == b"OK"
    writers = raws(3)
    number = slow.sock.getsockname()[1]
    value = "x" * 100000
    for _ in range(40):
        for conn in writers:
            assert conn.cmd("SET", "k", value) == b"OK"
    end = time.monotonic() + 10
    while b":%d " % number in writers[0].cmd("CLIENT", "LIST"):
        assert time.monotonic() < end
        assert writers[1].cmd("SET", "k", value) == b"OK"
    assert server.rss_bytes() < 200 << 20


def test_long_arguments_are_cut(monitors, raws, server):
    """Beyond 8 MB the rest is counted."""
    if "redis-server" in server.binary:
        pytest.skip("shown whole there")
    monitor, = monitors(1)
    conn, = raws(1)
    conn.cmd("SET", "k", b"x" * (9 << 20))
    words = monitor.words()
    assert words.startswith(b'"SET" "k" "xxx')
    assert words.endswith(b'x"... (1048576 more bytes)')
    conn.cmd("PING")
    assert monitor.words() == b'"PING"'


def test_many_monitors_and_writers(monitors, raws):
    """Nothing is lost, nothing is shown twice, each session in its order."""
    watching = monitors(6)
    conns = raws(6)
    for i, conn in enumerate(conns):
        conn.send(b"".join(encode("ECHO", "%d-%d" % (i, n)) for n in range(500)))
    for conn in conns:
        conn.read_replies(500)
    for monitor in watching:
        seen = [0] * 6
        for _ in range(3000):
            i, n = map(int, re.match(rb'"ECHO" "(\d+)-(\d+)"', monitor.words()).groups())
            assert n == seen[i]
            seen[i] += 1
        assert seen == [500] * 6
