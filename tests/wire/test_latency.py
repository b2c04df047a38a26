"""LATENCY: events that took long, and how long commands take."""
import re
import time

import pytest


@pytest.fixture
def slow(server, raws):
    """A connection to a server where DEBUG SLEEP is allowed, and its monitor on."""
    conn, = raws(1, of=server.new(enable_debug_command="yes"))
    assert conn.cmd("CONFIG", "SET", "latency-monitor-threshold", 50) == b"OK"
    return conn


def test_off_by_default(raw):
    assert raw.cmd("CONFIG", "GET", "latency-monitor-threshold")[1] == b"0"
    assert raw.cmd("LATENCY", "LATEST") == []
    assert raw.cmd("LATENCY", "HISTORY", "command") == []
    assert b"latency-monitor-threshold" in raw.cmd("LATENCY", "DOCTOR")


def test_command_event(slow):
    slow.cmd("DEBUG", "SLEEP", 0.06)
    slow.cmd("DEBUG", "SLEEP", 0.11)
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.01)
    slow.cmd("DEBUG", "SLEEP", 0.07)
    history = slow.cmd("LATENCY", "HISTORY", "command")
    assert 2 <= len(history) <= 3, "one sample a second, the worst"
    assert 110 <= max(ms for _, ms in history) < 1000
    assert 70 <= history[-1][1] < 1000
    assert abs(history[-1][0] - time.time()) < 10
    latest = {e[0]: e[1:] for e in slow.cmd("LATENCY", "LATEST")}
    assert latest[b"command"][:2] == history[-1]
    assert latest[b"command"][2] >= 110
    graph = slow.cmd("LATENCY", "GRAPH", "command")
    assert re.match(rb"command - high \d+ ms, low \d+ ms \(all time high \d+ ms\)\n", graph)
    assert b"#" in graph
    doctor = slow.cmd("LATENCY", "DOCTOR")
    assert b"command: " in doctor
    slow.cmd("HELLO", 3)
    assert slow.cmd("LATENCY", "DOCTOR").format == b"txt"
    assert slow.cmd("LATENCY", "GRAPH", "command").format == b"txt"
    slow.cmd("HELLO", 2)
    assert slow.cmd("LATENCY", "RESET", "nosuch", "fast-command") in (0, 1)
    assert slow.cmd("LATENCY", "RESET") >= 1
    assert slow.cmd("LATENCY", "LATEST") == []


def test_one_event_is_reset(slow):
    slow.cmd("DEBUG", "SLEEP", 0.06)
    assert slow.cmd("LATENCY", "RESET", "command") == 1
    assert slow.cmd("LATENCY", "RESET", "command") == 0
    assert slow.cmd("LATENCY", "HISTORY", "command") == []


def test_threshold_at_run_time(slow):
    slow.cmd("CONFIG", "SET", "latency-monitor-threshold", 0)
    slow.cmd("LATENCY", "RESET")
    slow.cmd("DEBUG", "SLEEP", 0.06)
    assert slow.cmd("LATENCY", "LATEST") == []


def test_errors(raw):
    assert raw.cmd("LATENCY", "GRAPH", "nosuch") == \
        "ERR No samples available for event 'nosuch'"
    assert raw.cmd("LATENCY", "HISTORY", "nosuch") == []
    assert raw.cmd("LATENCY", "RESET", "nosuch") == 0
    assert raw.cmd("LATENCY", "HISTORY") == \
        "ERR wrong number of arguments for 'latency|history' command"
    assert raw.cmd("LATENCY", "FOO") == "ERR unknown subcommand 'FOO'. Try LATENCY HELP."
    assert len(raw.cmd("LATENCY", "HELP")) > 10


# ---- HISTOGRAM ----

def histogram(raw, *names):
    raw.cmd("HELLO", 3)
    reply = raw.cmd("LATENCY", "HISTOGRAM", *names)
    raw.cmd("HELLO", 2)
    return reply


def test_histogram(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    for i in range(100):
        raw.cmd("SET", "a", i)
    raw.cmd("GET", "a")
    found = histogram(raw, "set", "GET", "nosuch", "del", "nosuch|sub")
    assert found.keys() == {b"set", b"get"}
    assert found[b"set"][b"calls"] == 100
    columns = found[b"set"][b"histogram_usec"]
    assert list(columns) == sorted(columns)
    assert list(columns.values()) == sorted(set(columns.values())), "they grow"
    assert list(columns.values())[-1] == 100
    ends = [1, 2, 4, 8, 16, 33, 66, 132, 264, 528]
    assert all(c in ends or c > 1000 for c in columns)
    flat = raw.cmd("LATENCY", "HISTOGRAM", "get")
    assert flat[0] == b"get"
    assert flat[1][:3] == [b"calls", 1, b"histogram_usec"]
    assert len(flat[1][3]) == 2


def test_histogram_of_subcommands(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("CLIENT", "ID")
    raw.cmd("CLIENT", "GETNAME")
    assert histogram(raw, "client").keys() == {b"client|id", b"client|getname"}
    assert histogram(raw, "client|id").keys() == {b"client|id"}
    assert b"config|resetstat" in histogram(raw)


def test_latency_tracking_off(raw, config):
    config("latency-tracking", "no")
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("SET", "a", 1)
    assert raw.cmd("LATENCY", "HISTOGRAM", "set") == []
    assert b"percentiles_usec_set" not in raw.cmd("INFO", "latencystats")
    assert b"cmdstat_set:calls=1" in raw.cmd("INFO", "commandstats")


def test_percentiles(raw, config):
    raw.cmd("SET", "a", 1)
    config("latency-tracking-info-percentiles", "0 50.5 100")
    text = raw.cmd("INFO", "latencystats").decode()
    assert re.search(r"usec_set:p0=\d+\.\d{3},p50\.5=\d+\.\d{3},p100=\d+\.\d{3}\r\n", text)
    config("latency-tracking-info-percentiles", "")
    assert "usec_set:\r\n" in raw.cmd("INFO", "latencystats").decode()
