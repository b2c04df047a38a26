"""What an operator sees: the log's forms, the report of a crash, the watchdog,
signals."""
import os
import re
import signal
import time

import pytest

from rawconn import Closed

SECRET = "s3cret-of-a-client"


@pytest.fixture(autouse=True)
def only_ours(server):
    if server.is_redis:
        pytest.skip("names and words are ours")


def wait_for(what, seconds=10):
    """what() once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("did not come true within %d s" % seconds)


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
             "------ STACK TRACE ------", " worker-", " *\n", " main\n",
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
    # Workers, main thread, housekeeper; the last may be slow on a busy machine.
    assert int(asked) == int(server.workers or 1) + 2
    assert int(answered) >= int(asked) - 1


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
        log = wait_for(lambda: "STACK TRACE DONE" in server.log()
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
    log = wait_for(lambda: "STACK TRACE DONE" in server.log() and server.log())
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
        wait_for(lambda: "Received SIGINT" in server.log())
        os.kill(server.pid, signal.SIGINT)
        assert server.wait_down(10) == 1
    assert "You insist... exiting now." in server.log()


def test_other_signals_are_ignored(own):
    server = own()
    for sig in (signal.SIGHUP, signal.SIGPIPE):
        os.kill(server.pid, sig)
    with server.connect() as raw:
        assert raw.cmd("PING") == b"PONG"
