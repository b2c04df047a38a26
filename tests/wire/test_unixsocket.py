"""A Unix socket beside the port, or instead of it."""
import grp
import os
import signal
import stat

import pytest

from rawconn import Closed, Raw, encode


@pytest.fixture
def path(tmp_path):
    """Short enough for a socket's address."""
    name = "/tmp/engram-%d.sock" % os.getpid()
    yield name
    if os.path.exists(name):
        os.unlink(name)


def test_both(server, path):
    own = server.new(unixsocket=path)
    with Raw(path) as unix, own.connect() as tcp:
        assert unix.cmd("SET", "a", "1") == b"OK"
        assert tcp.cmd("GET", "a") == b"1"
        data = encode("INCR", "n") * 10000
        unix.send(data)
        assert unix.read_replies(10000) == list(range(1, 10001))
        big = b"x" * (2 << 20)
        assert unix.cmd("SET", "big", big) == b"OK"
        assert unix.cmd("GET", "big") == big


def test_permissions(server, path):
    server.new(unixsocket=path, unixsocketperm="700")
    mode = os.stat(path).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("group,number", [
    ("1", 1), (grp.getgrall()[-1].gr_name, grp.getgrall()[-1].gr_gid)])
def test_group(server, path, group, number):
    server.new(unixsocket=path, unixsocketgroup=group)
    assert os.stat(path).st_gid == number


def test_no_such_group(server, path):
    child = server.new(_wait=False, unixsocket=path, unixsocketgroup="no such one")
    assert child.wait_down() == 1
    assert "Failed giving Unix socket" in child.log()
    assert not os.path.exists(path)


def test_client_list_shows_the_path(server, path):
    own = server.new(unixsocket=path)
    with Raw(path) as unix:
        line = unix.cmd("CLIENT", "LIST")
        assert b"laddr=" + path.encode() in line
        assert b"flags=U" in line
    assert own.alive()


def test_many(server, path):
    own = server.new(unixsocket=path)
    conns = [Raw(path) for _ in range(200)]
    for i, conn in enumerate(conns):
        conn.send(encode("SET", "k%d" % i, i) + encode("GET", "k%d" % i))
    for i, conn in enumerate(conns):
        assert conn.read_replies(2) == [b"OK", b"%d" % i]
    for conn in conns:
        conn.close()
    assert own.alive()


def test_gone_after_the_end_and_replaced_when_stale(server, path):
    own = server.new(unixsocket=path)
    own.end()
    own.expect_down()
    assert not os.path.exists(path)
    # A socket that a dead server left behind is no obstacle.

    own = server.new(unixsocket=path)
    own.expect_down()
    own.end(signal.SIGKILL)
    assert os.path.exists(path)
    server.new(unixsocket=path)
    with Raw(path) as unix:
        assert unix.cmd("PING") == b"PONG"


def test_closes_at_shutdown(server, path):
    own = server.new(unixsocket=path)
    with Raw(path) as unix:
        assert unix.cmd("PING") == b"PONG"
        own.end()
        own.expect_down()
        with pytest.raises((Closed, OSError)):
            unix.cmd("PING")
