"""Hashes over the wire: shapes of replies, and fields that go when they are due."""
import time

import pytest

from waiting import wait_until


@pytest.fixture(params=[512, 0], ids=["packed", "big"])
def form(request, config):
    config("hash-max-listpack-entries", request.param)
    return "listpackex" if request.param else "hashtable"


def test_maps_and_pairs_in_resp3(raw):
    raw.cmd("HSET", "h", "a", "1")
    raw.send(b"HELLO 3\r\n")
    raw.read_reply()
    assert raw.cmd("HGETALL", "h") == {b"a": b"1"}
    assert raw.cmd("HRANDFIELD", "h", "2", "WITHVALUES") == [[b"a", b"1"]]
    assert raw.cmd("HSCAN", "h", "0") == [b"0", [b"a", b"1"]]


def test_large_values_survive_their_field(raw):
    value = b"x" * 300000
    raw.cmd("HSET", "h", "f", value, "g", "1")
    replies = raw.pipeline([("HGET", "h", "f"), ("HDEL", "h", "f"),
                            ("HGET", "h", "f"), ("HGETALL", "h")])
    assert replies[0] == value
    assert replies[1:] == [1, None, [b"g", b"1"]]


def test_fields_go_when_due(raw, form):
    for i in range(0, 3000, 100):
        pairs = [x for n in range(i, i + 100) for x in ("f%d" % n, "v")]
        raw.cmd("HSETEX", "h", "PX", "80", "FIELDS", "100", *pairs)
    raw.cmd("HSET", "h", "stays", "1")
    raw.cmd("HEXPIRE", "h", "100", "FIELDS", "1", "stays")
    wait_until(lambda: raw.cmd("HLEN", "h") == 1)
    assert raw.cmd("HGETALL", "h") == [b"stays", b"1"]
    assert raw.cmd("HTTL", "h", "FIELDS", "1", "stays") == [100]


def test_many_fields_at_once_decide_the_form(raw):
    for times, form in ((512, b"listpack"), (513, b"hashtable")):
        raw.cmd("HSET", "h", *["f", "v"] * times)
        assert raw.cmd("OBJECT", "ENCODING", "h") == form
        assert raw.cmd("HGETALL", "h") == [b"f", b"v"]


def test_key_goes_with_its_last_field(raw, form):
    replies = raw.pipeline([
        ("HSETEX", "h", "PX", "20", "FIELDS", "2", "a", "1", "b", "2"),
        ("OBJECT", "ENCODING", "h")])
    assert replies[1] == form.encode()
    wait_until(lambda: raw.cmd("EXISTS", "h") == 0)


@pytest.mark.parametrize("entries", [512, 0])
def test_hidden_without_active_expiry(server, raws, entries):
    child = server.new(enable_debug_command="yes",
                       hash_max_listpack_entries=entries)
    raw = raws(1, of=child)[0]
    assert raw.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "0") == b"OK"
    raw.cmd("HSETEX", "h", "PX", "5", "FIELDS", "2", "a", "1", "b", "2")
    raw.cmd("HSET", "h", "c", "3")
    time.sleep(0.02)
    assert raw.cmd("HGETALL", "h") == [b"c", b"3"]
    assert raw.cmd("HLEN", "h") == 3
    assert raw.cmd("HGET", "h", "a") is None
    assert raw.cmd("HLEN", "h") == 2
    raw.cmd("DEBUG", "SET-ACTIVE-EXPIRE", "1")
    wait_until(lambda: raw.cmd("HLEN", "h") == 1)
