"""What an operator sees: the log's forms, the report of a crash, the watchdog,
signals."""
import os
import re
import shutil
import signal
import socket
import time

import pytest

from rawconn import Closed
from waiting import wait_until

SECRET = "s3cret-of-a-client"


@pytest.fixture(autouse=True)
def only_ours(server):
    if server.is_redis:
        pytest.skip("names and words are ours")


def die(own, *command):
    """Sends a command that ends the server; its status and its log."""
    own.expect_down()
    with own.connect() as raw:
        with pytest.raises((Closed, OSError)):
            raw.cmd(*command)
    status = own.wait_down()
    log = own.log()
    own.forgive_log()
    return status, log


@pytest.fixture
def own(server):
    return lambda **options: server.new(enable_debug_command="yes", **options)


# ---- the log ----

def test_start_is_logged(own):
    path = "unix.sock"
    server = own(unixsocket=path)
    log = server.log()
    for text in ("PID: %d" % server.pid, "Server initialized",
                 "Ready to accept connections tcp",
                 "Ready to accept connections unix"):
        assert text in log


@pytest.mark.parametrize("form,line", [
    (("legacy", "legacy"),
     r"^\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} # DEBUG LOG: a \"b\"  c$"),
    (("legacy", "milliseconds"), r"^\d+:M \d{13} # DEBUG LOG: a \"b\"  c$"),
    (("logfmt", "iso8601"),
     r"^pid=\d+ role=primary timestamp=\"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}"
     r"[+-]\d\d:\d\d\" level=warning message=\"DEBUG LOG: a 'b'  c\"$"),
])
def test_log_forms(own, form, line):
    server = own()
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "log-format", form[0],
                       "log-timestamp-format", form[1]) == b"OK"
        assert raw.cmd("DEBUG", "LOG", 'a "b"\r\nc') == b"OK"
    assert re.match(line, server.log().splitlines()[-1])


# ---- crashes ----

def test_segfault_is_reported(own):
    server = own(hide_user_data_from_log="no")
    status, log = die(server, "DEBUG", "SEGFAULT", SECRET)
    assert status == -signal.SIGSEGV
    parts = ["=== ENGRAM BUG REPORT START: Cut & paste starting from here ===",
             "crashed by signal: 11", "Accessing address: 0x",
             "------ STACK TRACE ------", " worker-", " *\n",
             "(debug_segfault", " main\n", "(main",
             "------ STACK TRACE DONE ------", "------ REGISTERS ------",
             "------ INFO OUTPUT ------", "redis_version:",
             "# Keyspace", "------ CURRENT CLIENT INFO ------", "cmd=debug",
             'argv[1]: "SEGFAULT"', SECRET, "=== ENGRAM BUG REPORT END."]
    at = 0
    for part in parts:
        at = log.find(part, at)
        assert at >= 0, "%r is missing\n%s" % (part, log)
    assert log.count("STACK TRACE -") == 1
    answered, asked = re.search(r"(\d+)/(\d+) expected stacktraces", log).groups()
    # Workers and the main thread; the housekeeper may not have run yet, or not
    # get to run, on a busy machine.
    workers = int(server.workers or 1)
    assert workers + 1 <= int(asked) <= workers + 2
    assert int(answered) >= workers + 1


def test_user_data_stays_out_of_the_report(own):
    server = own()
    with server.connect() as raw:
        assert raw.cmd("CLIENT", "SETNAME", SECRET) == b"OK"
        assert raw.cmd("SET", SECRET, SECRET) == b"OK"
        server.expect_down()
        with pytest.raises((Closed, OSError)):
            raw.cmd("DEBUG", "SEGFAULT", SECRET)
    server.wait_down()
    log = server.log()
    server.forgive_log()
    assert "*redacted*" in log and "BUG REPORT END" in log
    assert SECRET not in log


@pytest.mark.parametrize("how,text", [("ASSERT", "ASSERTION FAILED"),
                                      ("PANIC", "PANIC")])
def test_deaths_of_our_own_are_reported(own, how, text):
    status, log = die(own(), "DEBUG", how)
    assert status == -signal.SIGABRT
    assert text in log and "crashed by signal: 6" in log
    assert "BUG REPORT END" in log


def test_signal_from_outside_is_reported(own):
    server = own()
    server.expect_down()
    os.kill(server.pid, signal.SIGABRT)
    assert server.wait_down() == -signal.SIGABRT
    log = server.log()
    server.forgive_log()
    assert "Sent by process %d" % os.getpid() in log
    assert "BUG REPORT END" in log


def test_report_can_be_left_to_the_system(own):
    server = own(crash_log_enabled="no")
    status, log = die(server, "DEBUG", "SEGFAULT")
    assert status == -signal.SIGSEGV
    assert "BUG REPORT" not in log
    server = own()
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "crash-log-enabled", "no") == b"OK"
    assert "BUG REPORT" not in die(server, "DEBUG", "SEGFAULT")[1]


def test_restart_is_refused(own):
    with own().connect() as raw:
        for how in ("RESTART", "CRASH-AND-RECOVER"):
            assert str(raw.cmd("DEBUG", how)).startswith("ERR")


# ---- threads that are stuck ----

def test_watchdog(own):
    server = own()
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "watchdog-period", "200") == b"OK"
        assert raw.cmd("DEBUG", "SLEEP", "0.7") == b"OK"
        log = wait_until(lambda: "STACK TRACE DONE" in server.log()
                         and server.log())
        # With several workers others may wait for the one that sleeps.
        expired = log.count("WATCHDOG TIMER EXPIRED")
        assert 1 <= expired <= int(server.workers or 1)
        assert log.count("STACK TRACE -") == 1
        assert raw.cmd("CONFIG", "SET", "watchdog-period", "0") == b"OK"
        assert raw.cmd("DEBUG", "SLEEP", "0.5") == b"OK"
        assert server.log().count("WATCHDOG TIMER EXPIRED") == expired


def test_sigalrm_shows_all_threads(own):
    server = own()
    os.kill(server.pid, signal.SIGALRM)
    log = wait_until(lambda: "STACK TRACE DONE" in server.log() and server.log())
    assert "Received SIGALRM" in log
    with server.connect() as raw:
        assert raw.cmd("PING") == b"PONG"


# ---- ending ----

@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_server(own, sig):
    server = own()
    server.expect_down()
    os.kill(server.pid, sig)
    assert server.wait_down() == 0
    assert "Received %s scheduling shutdown..." % sig.name in server.log()
    assert "ready to exit, bye bye..." in server.log()


def test_second_sigint_does_not_wait(own):
    server = own()
    with server.connect() as raw:
        raw.send(b"DEBUG SLEEP 30\r\n")
        time.sleep(0.3)
        server.expect_down()
        os.kill(server.pid, signal.SIGINT)
        wait_until(lambda: "Received SIGINT" in server.log())
        os.kill(server.pid, signal.SIGINT)
        assert server.wait_down(10) == 1
    assert "You insist... exiting now." in server.log()
    server.forgive_log() # a sanitizer misses the threads that were not ended


def test_other_signals_are_ignored(own):
    server = own()
    for sig in (signal.SIGHUP, signal.SIGPIPE):
        os.kill(server.pid, sig)
    with server.connect() as raw:
        assert raw.cmd("PING") == b"PONG"


# ---- the process as the system sees it ----

def title(server):
    with open("/proc/%d/cmdline" % server.pid, "rb") as f:
        return f.read().rstrip(b"\0").decode()


def test_title_follows_its_template(own):
    server = own(unixsocket="a.sock")
    address = "127.0.0.1:%d" % server.port
    assert title(server) == "%s %s" % (server.binary, address)
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "proc-title-template",
                       "T {port}|{tls-port}|{unixsocket}|{config-file}|"
                       "{server-mode}|{listen-addr} {title}") == b"OK"
        assert title(server) == "T %d|0|a.sock|-||%s %s" % (
            server.port, address, server.binary)
        for wrong in ("{port", "{nothing}", ""):
            assert "template format is invalid or contains unknown variables" \
                in str(raw.cmd("CONFIG", "SET", "proc-title-template", wrong))
        # Longer than there is room for.
        assert raw.cmd("CONFIG", "SET", "proc-title-template",
                       "x" * 60000) == b"OK"
        assert set(title(server)) == {"x"}
        assert raw.cmd("CONFIG", "SET", "proc-title-template",
                       "short") == b"OK"
        assert title(server) == "short"
        # The environment has moved out of its way.
        assert raw.cmd("PING") == b"PONG"


def test_title_can_be_left_alone(own):
    server = own(set_proc_title="no")
    before = title(server)
    assert "--set-proc-title" in before
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "proc-title-template", "x") == b"OK"
    assert title(server) == before


def score(server):
    with open("/proc/%d/oom_score_adj" % server.pid) as f:
        return int(f.read())


def test_oom_score(own):
    server = own()
    base = score(server)
    with server.connect() as raw:
        def change(*words):
            return raw.cmd("CONFIG", "SET", *words)

        assert change("oom-score-adj-values", "11 20 30") == b"OK"
        assert score(server) == base
        assert change("oom-score-adj", "yes") == b"OK"
        assert score(server) == base + 11
        assert change("oom-score-adj-values", "2000 20 30") == b"OK"
        assert score(server) == 1000
        assert change("oom-score-adj", "absolute", "oom-score-adj-values",
                      "%d 1 1" % (base + 3)) == b"OK"
        assert score(server) == base + 3
        # A pair that is bad changes nothing.
        assert str(change("oom-score-adj-values", "5 5 5", "dir",
                          "/nonexistent")).startswith("ERR")
        assert score(server) == base + 3
        assert change("oom-score-adj", "no") == b"OK"
        assert score(server) == base
        assert "wrong number of arguments" in str(
            change("oom-score-adj-values", "1 2"))


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"),
                    reason="needs root, to become somebody who may not")
def test_oom_score_that_is_refused(own):
    server = own(_prefix=["setpriv", "--bounding-set", "-sys_resource",
                          "--inh-caps", "-sys_resource"])
    with server.connect() as raw:
        assert raw.cmd("CONFIG", "SET", "oom-score-adj-values",
                       "-1000 0 0") == b"OK"
        reply = str(raw.cmd("CONFIG", "SET", "oom-score-adj", "yes"))
        assert "'oom-score-adj') - Failed to set current oom_score_adj. Check " \
            "server logs." in reply
        assert raw.cmd("CONFIG", "GET", "oom-score-adj")[1] == b"no"
    assert "Unable to write oom_score_adj: Permission denied" in server.log()


# ---- supervisors ----

@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """The socket of one who listens in systemd's place."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        yield sock


def test_systemd_is_told(own, systemd):
    server = own(supervised="auto", daemonize="yes")
    assert systemd.recv(4096).decode().splitlines() == [
        "STATUS=Ready to accept connections", "READY=1"]
    # Supervised, it does not go into the background.
    assert server.alive()
    with server.connect() as raw:
        assert b"process_supervised:systemd\r\n" in raw.cmd("INFO", "server")
    server.expect_down()
    server.end()
    assert "STOPPING=1" in systemd.recv(4096).decode().splitlines()


def test_systemd_is_not_told_unasked(own, systemd):
    with own().connect() as raw:
        assert b"process_supervised:no\r\n" in raw.cmd("INFO", "server")
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(4096)


def test_systemd_that_does_not_listen(own, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert "Can't tell systemd" in own(supervised="systemd").log()


def test_upstart_is_told_by_stopping(server, monkeypatch):
    monkeypatch.setenv("UPSTART_JOB", "engram")
    own = server.new(supervised="upstart", _wait=False)

    def state():
        with open("/proc/%d/stat" % own.pid) as f:
            return f.read().rsplit(") ", 1)[1][0]

    wait_until(lambda: state() == "T")
    os.kill(own.pid, signal.SIGCONT)
    wait_until(lambda: state() != "T")
    with own.connect() as raw:
        assert raw.cmd("PING") == b"PONG"
