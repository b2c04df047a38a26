"""The process around the server: the background, the pid file."""
import os
import signal
import subprocess
import time

import pytest

from rawconn import Raw
from servers import free_port


def is_gone(pid):
    """Ended, whether or not its new parent has noticed."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(") ", 1)[1][0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def start(server, tmp_path):
    """Starts a server in the background: (result, port, pid file)."""
    pids = []

    def run(**options):
        port, pidfile = options.pop("port", None) or free_port(), tmp_path / "pid"
        args = [server.binary, "--port", str(port), "--bind", "127.0.0.1",
                "--daemonize", "yes", "--pidfile", str(pidfile), "--dir",
                str(tmp_path), "--logfile", "log"]
        for name, value in options.items():
            args += ["--" + name, value]
        result = subprocess.run(args, capture_output=True, text=True, timeout=30)
        if pidfile.exists():
            pids.append(int(pidfile.read_text()))
        return result, port, pidfile

    yield run
    for pid in pids:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)


def test_daemonize(server, start, tmp_path):
    if server.is_redis:
        pytest.skip("the peer does not wait for its child")
    result, port, pidfile = start()
    assert result.returncode == 0, result.stderr
    # It accepts by now: there is nothing to wait for.
    with Raw(("127.0.0.1", port)) as raw:
        assert raw.cmd("PING") == b"PONG"
        text = raw.cmd("INFO", "server").decode()
    pid = int(pidfile.read_text())
    assert "process_id:%d\r\n" % pid in text
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGHUP)
    with Raw(("127.0.0.1", port)) as raw:
        assert raw.cmd("PING") == b"PONG"
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert is_gone(pid) and not pidfile.exists()
    assert "Received SIGTERM" in (tmp_path / "log").read_text()


def test_failure_is_told_to_who_starts_it(server, start):
    if server.is_redis:
        pytest.skip("the peer does not wait for its child")
    result, _, pidfile = start(port=server.port)
    assert result.returncode == 1
    assert "Address already in use" in result.stderr
    assert not pidfile.exists()


def test_pid_file_that_cannot_be_written(server):
    own = server.new(pidfile="/nonexistent/pid")
    assert own.alive()
