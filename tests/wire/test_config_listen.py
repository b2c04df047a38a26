"""CONFIG SET port and bind: the new address answers, the old one does not, and a
change that fails leaves everything as it was."""
import os
import socket
import time

import pytest

from rawconn import Closed, Raw
from servers import free_port

ERROR = "ERR CONFIG SET failed (possibly related to argument '%s') - %s"
PORT_ERROR = ERROR % ("port", "Unable to listen on this port. Check server logs.")
BIND_ERROR = ERROR % ("bind", "Failed to bind to specified addresses.")


def answers(port, host="127.0.0.1"):
    try:
        with Raw((host, port), 10) as raw:
            return raw.cmd("PING") == b"PONG"
    except (ConnectionRefusedError, ConnectionResetError, Closed):
        return False  # refused; or it was in the old socket's queue


def becomes(want, port, host="127.0.0.1"):
    """The worker that accepts hears of a change a moment later."""
    end = time.monotonic() + 10
    while answers(port, host) != want:
        assert time.monotonic() < end
        time.sleep(0.005)
    return True


def shown(raw, name):
    return raw.cmd("CONFIG", "GET", name)[1]


@pytest.fixture
def many(server, raws):
    """A server and sessions on all of its workers; accepted, since those that
    still wait for that go with the old socket."""
    child = server.new()
    sessions = raws(4, of=child)
    for raw in sessions:
        assert raw.cmd("PING") == b"PONG"
    return child, sessions


def test_port(many):
    child, raws = many
    for raw in raws:
        old, new = child.port, free_port()
        assert raw.cmd("CONFIG", "SET", "port", new) == b"OK"
        child.port = new
        assert becomes(True, new) and becomes(False, old)
        assert shown(raw, "port") == b"%d" % new
        assert b"tcp_port:%d\r" % new in raw.cmd("INFO", "server")
    for raw in raws:
        assert raw.cmd("PING") == b"PONG"


def test_taken_port(many):
    child, raws = many
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        for raw in raws:
            assert raw.cmd("CONFIG", "SET", "timeout", 99, "port", taken,
                           "maxmemory", "1gb") == PORT_ERROR
            assert raw.cmd("CONFIG", "GET", "timeout", "port", "maxmemory")[1::2] \
                .count(b"0") == 2
            assert shown(raw, "port") == b"%d" % child.port
            assert answers(child.port)


def test_no_port(many):
    child, raws = many
    assert raws[0].cmd("CONFIG", "SET", "port", 0) == b"OK"
    assert becomes(False, child.port)
    assert raws[1].cmd("CONFIG", "SET", "port", child.port) == b"OK"
    assert becomes(True, child.port)


@pytest.mark.parametrize("addresses", [
    "127.0.0.2", "127.0.0.1 127.0.0.2", "127.0.0.1 127.0.0.1", "-192.0.2.1 127.0.0.2",
    "127.0.0.2 -::1"])
def test_bind(many, addresses):
    child, raws = many
    for raw in raws:
        assert raw.cmd("CONFIG", "SET", "bind", addresses) == b"OK"
        assert shown(raw, "bind") == addresses.encode()
        for host in ["127.0.0.1", "127.0.0.2"]:
            assert becomes(host in addresses.split(), child.port, host)
        assert raw.cmd("CONFIG", "SET", "bind", "127.0.0.1") == b"OK"
        assert becomes(False, child.port, "127.0.0.2")
        assert becomes(True, child.port)


def test_bind_that_covers_the_old_one(many):
    """Every address and one of them, at the same port, there and back."""
    child, raws = many
    assert raws[0].cmd("CONFIG", "SET", "requirepass", "") == b"OK"
    for raw in raws:
        assert raw.cmd("CONFIG", "SET", "bind", "*") == b"OK"
        assert becomes(True, child.port, "127.0.0.3")
        assert raw.cmd("CONFIG", "SET", "bind", "127.0.0.1") == b"OK"
        assert becomes(False, child.port, "127.0.0.3")
        assert becomes(True, child.port)


@pytest.mark.parametrize("addresses", [
    "192.0.2.1", "127.0.0.1 192.0.2.1", "-192.0.2.1", "nosuch.invalid",
    "\"127.0.0.1"])
def test_wrong_bind(many, addresses):
    child, raws = many
    for raw in raws:
        assert raw.cmd("CONFIG", "SET", "bind", addresses) == BIND_ERROR
        assert shown(raw, "bind") == b"127.0.0.1"
        assert answers(child.port)


def test_many_changes_leak_nothing(many):
    child, raws = many
    assert raws[0].cmd("CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2") == b"OK"
    assert becomes(True, child.port, "127.0.0.2")
    before = len(os.listdir("/proc/%d/fd" % child.pid))
    for i in range(50):
        bind = "127.0.0.3" if i % 2 == 0 else "127.0.0.1 127.0.0.2"
        assert raws[i % 4].cmd("CONFIG", "SET", "bind", bind) == b"OK"
        assert raws[i % 4].cmd("CONFIG", "SET", "bind", "192.0.2.1") == BIND_ERROR
    assert becomes(True, child.port)
    end = time.monotonic() + 10
    while len(os.listdir("/proc/%d/fd" % child.pid)) > before:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_start_where_the_port_is_taken(server):
    """The suite of Valkey looks for these words."""
    child = server.new(_wait=False)
    child._wait_ready()
    other = server.new(_wait=False, port=child.port)
    assert other.wait_down() == 1
    assert "Failed listening on port %d" % child.port in other.log()
