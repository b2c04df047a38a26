"""The end of a server: by signal and by command, idle and busy."""
import signal
import threading

import pytest

from rawconn import Closed, ReplyError


def busy(server, stop):
    """Pipelines until the server goes away."""
    try:
        with server.connect() as raw:
            while not stop.is_set():
                raw.pipeline([("SET", "k%d" % i, b"x" * 100)
                              for i in range(100)])
    except (OSError, Closed):
        pass


@pytest.fixture
def busy_server(server):
    own = server.new()
    stop = threading.Event()
    threads = [threading.Thread(target=busy, args=(own, stop)) for _ in range(4)]
    for t in threads:
        t.start()
    yield own
    stop.set()
    for t in threads:
        t.join()


def test_sigterm_idle(server):
    own = server.new()
    own.process.send_signal(signal.SIGTERM)
    assert own.wait_down() == 0


def test_sigint_idle(server):
    own = server.new()
    own.process.send_signal(signal.SIGINT)
    assert own.wait_down() == 0


def test_sigterm_busy(busy_server):
    busy_server.process.send_signal(signal.SIGTERM)
    assert busy_server.wait_down() == 0


def test_sigterm_twice(busy_server):
    busy_server.process.send_signal(signal.SIGTERM)
    busy_server.process.send_signal(signal.SIGTERM)
    busy_server.wait_down()


def test_sigterm_closes_idle_clients(server, raws):
    own = server.new()
    conns = raws(20, of=own)
    assert all(c.cmd("PING") == b"PONG" for c in conns)
    own.process.send_signal(signal.SIGTERM)
    assert own.wait_down() == 0
    assert all(c.closed(1) for c in conns)


@pytest.mark.parametrize("words", [("SHUTDOWN",), ("SHUTDOWN", "NOSAVE"),
                                   ("shutdown", "nosave", "now", "force")])
def test_shutdown_command(server, raws, words):
    own = server.new()
    conn = raws(1, of=own)[0]
    conn.send_cmd(*words)
    assert conn.closed(20)
    assert own.wait_down() == 0


def test_shutdown_command_busy(busy_server, raws):
    conn = raws(1, of=busy_server)[0]
    conn.send_cmd("SHUTDOWN", "NOSAVE")
    assert conn.closed(20)
    assert busy_server.wait_down() == 0


def test_shutdown_wrong_words(server, raw):
    assert isinstance(raw.cmd("SHUTDOWN", "PLEASE"), ReplyError)
    assert isinstance(raw.cmd("SHUTDOWN", "NOSAVE", "SAVE"), ReplyError)
    assert isinstance(raw.cmd("SHUTDOWN", "ABORT", "NOSAVE"), ReplyError)
    assert raw.cmd("PING") == b"PONG"


def test_restart_on_the_same_port(server, raws):
    own = server.new()
    conns = raws(5, of=own)
    assert all(c.cmd("SET", "a", "b") == b"OK" for c in conns)
    port = own.port
    for _ in range(3):
        own.restart()
        assert own.port == port
        assert raws(1, of=own)[0].cmd("GET", "a") is None


def test_port_in_use(server):
    """A second server on the port says so and does not start."""
    import subprocess
    result = subprocess.run(server.args, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=20)
    assert result.returncode != 0
    assert b"in use" in result.stdout
