"""OBJECT: how keys are stored, and how often and how long ago they were used."""
import time

import pytest

NO_LFU = ("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
          "note that when switching between policies at runtime LRU and LFU data will take "
          "some time to adjust.")
LFU = ("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
       "switching between policies at runtime LRU and LFU data will take some time to adjust.")


@pytest.mark.parametrize("value,encoding", [
    ("1", b"int"), ("-9223372036854775808", b"int"), ("9223372036854775808", b"embstr"),
    ("01", b"embstr"), ("", b"embstr"), ("x" * 44, b"embstr"), ("x" * 45, b"raw"),
    ("x" * 100000, b"raw")])
def test_encoding(raw, value, encoding):
    raw.cmd("SET", "a", value)
    assert raw.cmd("OBJECT", "ENCODING", "a") == encoding


def test_missing_keys(raw):
    for sub in ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"]:
        assert raw.cmd("OBJECT", sub, "nosuch") is None
    raw.cmd("SET", "a", "x", "PX", 1)
    time.sleep(0.01)
    assert raw.cmd("OBJECT", "ENCODING", "a") is None
    assert raw.cmd("OBJECT", "FOO", "a") == "ERR unknown subcommand 'FOO'. Try OBJECT HELP."
    assert len(raw.cmd("OBJECT", "HELP")) > 8


def test_lru(raw):
    raw.cmd("SET", "a", "x")
    assert raw.cmd("OBJECT", "REFCOUNT", "a") == 1
    assert 0 <= raw.cmd("OBJECT", "IDLETIME", "a") <= 1
    assert raw.cmd("OBJECT", "FREQ", "a") == NO_LFU
    end = time.monotonic() + 10
    while raw.cmd("OBJECT", "IDLETIME", "a") < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert raw.cmd("OBJECT", "IDLETIME", "a") >= 2
    raw.cmd("GET", "a")
    assert raw.cmd("OBJECT", "IDLETIME", "a") <= 1


def test_lfu(raw, config):
    config("maxmemory-policy", "allkeys-lfu")
    raw.cmd("SET", "a", "x")
    assert raw.cmd("OBJECT", "FREQ", "a") == 5
    assert raw.cmd("OBJECT", "IDLETIME", "a") == LFU
    raw.cmd("GET", "a")
    assert raw.cmd("OBJECT", "FREQ", "a") == 6, "the first use always counts"
    for _ in range(1000):
        raw.cmd("GET", "a")
    grown = raw.cmd("OBJECT", "FREQ", "a")
    assert 10 < grown < 40, "then ever more seldom"
    raw.cmd("SET", "a", "longer, so that it is made anew")
    assert raw.cmd("OBJECT", "FREQ", "a") >= grown
    raw.cmd("COPY", "a", "b")
    raw.cmd("SET", "c", "x")
    assert raw.cmd("OBJECT", "FREQ", "c") == 5
    config("lfu-log-factor", 0)
    for _ in range(300):
        raw.cmd("GET", "c")
    assert raw.cmd("OBJECT", "FREQ", "c") == 255, "without a factor each use counts"
    config("maxmemory-policy", "volatile-lru")
    assert raw.cmd("OBJECT", "FREQ", "a") == NO_LFU
