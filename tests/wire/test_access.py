"""Who is let in, and what one who is not may cost: passwords, protected mode,
what only a local connection may do, the number of sessions."""
import contextlib
import socket

import pytest

from rawconn import Closed, Raw, encode


def outer_address():
    """An address of this machine that is not a loopback's; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return None
        host = sock.getsockname()[0]
    return None if host.startswith("127.") else host


@pytest.fixture
def outer(server):
    host = outer_address()
    if host is None:
        pytest.skip("this machine has no address but its loopback's")
    return lambda own: Raw((host, own.port))


@contextlib.contextmanager
def password(own):
    """The server asks for one meanwhile."""
    with own.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "requirepass", "secret") == b"OK"
        yield
        assert raw.cmd("CONFIG", "SET", "requirepass", "") == b"OK"


def test_a_password_is_bytes(server):
    """All of them count, those behind a NUL too."""
    own = server.new()
    with own.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "requirepass", b"\0abc\0def") == b"OK"
        assert raw.cmd("CONFIG", "GET", "requirepass") == [
            b"requirepass", b"\0abc\0def"]
        with own.connect() as other:
            for wrong in (b"", b"\0abc", b"\0abc\0deg", b"\0abc\0def\0"):
                assert other.cmd("AUTH", wrong).code == "WRONGPASS"
            assert other.cmd("AUTH", b"\0abc\0def") == b"OK"
        assert raw.cmd("CONFIG", "SET", "requirepass", "") == b"OK"


def test_auth_in_a_pipeline_lifts_the_limits(server, raws):
    """What a stranger may send is small; what follows a good AUTH is not a
    stranger's, though it came in the same packet."""
    own = server.new()
    keys = [b"%d" % i for i in range(30)]
    big = b"x" * 20000
    with password(own):
        conn, = raws(1, of=own)
        conn.send(encode("AUTH", "secret") + encode("MSET", *keys)
                  + encode("SET", "big", big) + encode("GET", "big"))
        assert conn.read_replies(4) == [b"OK", b"OK", b"OK", big]


def test_nothing_is_said_after_quit(raws):
    for rest in (b"*1\r\n!", b"\"", encode("PING")):
        conn, = raws(1)
        conn.send(encode("QUIT") + rest)
        assert conn.read_reply() == b"OK"
        with pytest.raises((Closed, OSError)):
            conn.read_reply()


def test_stranger_who_does_not_read(server, raws):
    """Refusals to one who has not logged in do not pile up."""
    own = server.new()
    with password(own):
        bad, = raws(1, of=own)
        bad.sock.settimeout(10)
        with pytest.raises(OSError):
            for _ in range(1000):
                bad.sock.sendall(encode("PING") * 10000)


def test_protected_mode(server, outer):
    own = server.new(bind="0.0.0.0")
    with own.connect() as local:
        with outer(own) as stranger, pytest.raises((Closed, OSError)):
            error = stranger.read_reply()
            assert error.text.startswith("DENIED")
            stranger.cmd("PING")
        assert local.cmd("CONFIG", "SET", "protected-mode", "no") == b"OK"
        with outer(own) as stranger:
            assert stranger.cmd("PING") == b"PONG"
        assert local.cmd("CONFIG", "SET", "protected-mode", "yes",
                         "requirepass", "secret") == b"OK"
        with outer(own) as stranger:
            assert stranger.cmd("PING").code == "NOAUTH"
            assert stranger.cmd("AUTH", "secret") == b"OK"
        assert local.cmd("CONFIG", "SET", "requirepass", "") == b"OK"


def test_local_means_local(server, outer):
    own = server.new(bind="0.0.0.0", protected_mode="no",
                     enable_debug_command="local",
                     enable_protected_configs="local")
    with own.connect() as local, outer(own) as stranger:
        assert local.cmd("DEBUG", "SLEEP", "0") == b"OK"
        assert local.cmd("CONFIG", "SET", "dir", own.dir) == b"OK"
        assert "not allowed" in stranger.cmd("DEBUG", "SLEEP", "0").text
        assert "protected" in stranger.cmd("CONFIG", "SET", "dir", "/").text


def test_client_ids_follow_time(raws):
    ids = []
    for _ in range(8):
        conn, = raws(1)
        ids.append(conn.cmd("CLIENT", "ID"))
    assert ids == sorted(set(ids))


def test_password_comes_and_goes(server, raws):
    """Who is in stays in; one who is not may go on when there is no password any
    more, and no longer when there is one again."""
    own = server.new()
    inside, = raws(1, of=own)
    assert inside.cmd("PING") == b"PONG"  # it is in, and not merely on its way
    with password(own):
        stranger, = raws(1, of=own)
        assert stranger.cmd("PING") == "NOAUTH Authentication required."
        assert inside.cmd("PING") == b"PONG"
    assert stranger.cmd("PING") == b"PONG"
    with password(own):
        assert stranger.cmd("PING").code == "NOAUTH"
        assert stranger.cmd("AUTH", "secret") == b"OK"
        assert stranger.cmd("PING") == b"PONG"
        assert stranger.cmd("RESET") == b"RESET"
        assert stranger.cmd("PING").code == "NOAUTH"


def test_refused_passwords_are_counted_and_logged(server, raws):
    own = server.new(loglevel="verbose")
    if own.is_redis:
        pytest.skip("keeps a log of its own for that")

    def refused():
        info = inside.cmd("INFO", "stats").decode()
        return int(info.split("acl_access_denied_auth:")[1].split()[0])

    inside, = raws(1, of=own)
    before = refused()
    with password(own):
        stranger, = raws(1, of=own)
        wrong = "WRONGPASS invalid username-password pair or user is disabled."
        assert stranger.cmd("AUTH", "guess") == wrong
        assert stranger.cmd("AUTH", "nobody", "secret") == wrong
        assert stranger.cmd("HELLO", "3", "AUTH", "default", "guess") == wrong
        assert refused() == before + 3
    log = own.log()
    assert log.count("wrong user or password") == 3
    assert "%s:%d" % stranger.sock.getsockname()[:2] in log
    assert "guess" not in log


def test_availability_zone(raws, config):
    conn, = raws(1)
    if b"availability_zone" not in conn.cmd("INFO", "server"):
        pytest.skip("not known there")
    assert len(conn.cmd("HELLO", "2")) == 14
    config("availability-zone", "zone-1")
    assert conn.cmd("HELLO", "3")[b"availability_zone"] == b"zone-1"
    assert b"availability_zone:zone-1\r\n" in conn.cmd("INFO", "server")
