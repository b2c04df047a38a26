"""Expiry: due keys go by themselves, refreshing costs no memory, a wave of due keys
leaves the others served."""
import random
import time

import pytest

from rawconn import ReplyError, encode
from test_limits import info
from waiting import wait_until

BATCH = 5000


def send_counted(conn, data, replies, want):
    """Sends a block of commands whose replies are all `want`, on the wire."""
    conn.send(data)
    got = conn.read_bytes(len(want) * replies)
    assert got == want * replies


def set_all(conn, commands):
    for at in range(0, len(commands), BATCH):
        part = commands[at:at + BATCH]
        send_counted(conn, b"".join(encode(*c) for c in part), len(part),
                     b"+OK\r\n")


def dbsize(conn):
    return conn.cmd("DBSIZE")


def test_due_keys_go_by_themselves(raw):
    """No key is touched after it was set."""
    rng = random.Random(1)
    set_all(raw, [("SET", "k%d" % i, "v", "PX", rng.randrange(50, 600))
                  for i in range(5000)] + [("SET", "stays", "v")])
    wait_until(lambda: dbsize(raw) == 1, 15)
    assert raw.cmd("GET", "stays") == b"v"


def test_due_keys_go_in_every_database(raw):
    for db in range(16):
        raw.cmd("SELECT", db)
        set_all(raw, [("SET", "k%d" % i, "v", "PX", 100) for i in range(200)])
    for db in range(16):
        raw.cmd("SELECT", db)
        wait_until(lambda: dbsize(raw) == 0, 15)


def test_due_among_many_that_are_not(raw):
    """1 % is due; those who look at samples find them late, those who know at
    once: the end is generous, and access would show them gone anyway."""
    set_all(raw, [("SET", "k%d" % i, "v", "PX", 200 if i % 100 == 0 else 10**8)
                  for i in range(20000)])
    due = ["k%d" % i for i in range(0, 20000, 100)]
    wait_until(lambda: raw.cmd("EXISTS", *due) == 0, 10)
    wait_until(lambda: dbsize(raw) == 20000 - 200, 20)


def test_far_and_near_deadlines(raw):
    """From milliseconds to the end of time; only the near ones go."""
    far = [10**3 * 60, 10**6, 10**8, 10**10, 2**40, 2**50, 2**60]
    set_all(raw, [("SET", "far%d" % i, "v", "PX", ms)
                  for i, ms in enumerate(far)])
    set_all(raw, [("SET", "near%d" % i, "v", "PX", i + 1) for i in range(300)])
    wait_until(lambda: dbsize(raw) == len(far), 15)
    for i, ms in enumerate(far):
        left = raw.cmd("PTTL", "far%d" % i)
        assert ms - 20000 <= left <= ms


def test_never_early_never_seen_late(raw):
    """A key is there before its time and gone after it, to whoever looks."""
    for ms in (1, 2, 5, 10, 50, 120):
        before = time.time()
        assert raw.cmd("SET", "k", "v", "PX", ms) == b"OK"
        after = time.time()
        while True:
            asked = time.time()
            value = raw.cmd("GET", "k")
            answered = time.time()
            if value is None:
                assert answered >= before + (ms - 1) / 1000
                break
            assert asked <= after + (ms + 1) / 1000


def test_deadline_in_the_past_deletes(raw):
    for words in (("PEXPIRE", "k", "-1"), ("EXPIRE", "k", "0"),
                  ("EXPIREAT", "k", "1"), ("PEXPIREAT", "k", "1000")):
        raw.cmd("SET", "k", "v")
        assert raw.cmd(*words) == 1
        assert raw.cmd("EXISTS", "k") == 0
    assert dbsize(raw) == 0


@pytest.mark.parametrize("words", [
    ("EXPIRE", "k", "9223372036854775807"), ("EXPIRE", "k", "9223372036854775"),
    ("PEXPIRE", "k", "9223372036854775807"),
    ("EXPIREAT", "k", "9223372036854775807"),
    ("SET", "k", "v", "EX", "9223372036854775807"),
    ("SET", "k", "v", "EXAT", "9223372036854775807"),
    ("SET", "k", "v", "PX", "9223372036854775807"),
    ("SETEX", "k", "9223372036854775807", "v"),
    ("PSETEX", "k", "9223372036854775807", "v"),
    ("GETEX", "k", "EX", "9223372036854775807"),
    ("EXPIRE", "k", "-9223372036854775808"),
    ("SET", "k", "v", "EX", "0"), ("SET", "k", "v", "PX", "-1"),
    ("SETEX", "k", "0", "v"), ("EXPIRE", "k", "x"), ("EXPIRE", "k", "1.5")])
def test_impossible_deadlines(raw, words):
    raw.cmd("SET", "k", "old")
    reply = raw.cmd(*words)
    assert isinstance(reply, ReplyError), reply
    assert raw.cmd("GET", "k") == b"old" and raw.cmd("TTL", "k") == -1


def test_refreshing_does_not_grow(raw, server):
    """A million new deadlines on a thousand keys."""
    set_all(raw, [("SET", "k%d" % i, "v", "EX", 1000) for i in range(1000)])
    rng = random.Random(2)
    blocks = [b"".join(encode("PEXPIRE", "k%d" % i, rng.randrange(10**5, 10**9))
                       for i in range(1000)) * 5 for _ in range(4)]
    for block in blocks:
        send_counted(raw, block, BATCH, b":1\r\n")
    used = int(info(raw, "memory")["used_memory"])
    rss = server.rss_bytes()
    for turn in range(200):
        send_counted(raw, blocks[turn % 4], BATCH, b":1\r\n")
    assert int(info(raw, "memory")["used_memory"]) - used < 2 << 20
    assert server.rss_bytes() - rss < 8 << 20
    assert dbsize(raw) == 1000


def test_overwriting_with_deadlines_does_not_grow(raw, server):
    """SET takes the old deadline away: nothing of it may stay."""
    block = b"".join(encode("SET", "k%d" % i, "v", "PX", 10**7 + i)
                     + encode("SET", "k%d" % i, "v") for i in range(2500))
    for _ in range(4):
        send_counted(raw, block, BATCH, b"+OK\r\n")
    used = int(info(raw, "memory")["used_memory"])
    for _ in range(60):
        send_counted(raw, block, BATCH, b"+OK\r\n")
    assert int(info(raw, "memory")["used_memory"]) - used < 2 << 20


def test_wave_of_200k(server, raws):
    """All due within one second: a neighbour's PING is answered in time, and
    they are gone soon after."""
    conn, other = raws(2)
    count = 200000
    due = int(time.time() * 1000) + 5000
    set_all(conn, [("SET", "key:%d" % i, "value", "PXAT", due + i % 1000)
                   for i in range(count)])
    if int(time.time() * 1000) < due:
        assert dbsize(conn) == count
    worst = 0.0
    while time.time() * 1000 < due + 1500:
        began = time.monotonic()
        assert other.cmd("PING") == b"PONG"
        worst = max(worst, time.monotonic() - began)
    assert worst < 1.0
    wait_until(lambda: dbsize(conn) == 0, 20)


def test_expired_are_counted(raw):
    before = int(info(raw, "stats")["expired_keys"])
    set_all(raw, [("SET", "k%d" % i, "v", "PX", 20) for i in range(1000)])
    wait_until(lambda: dbsize(raw) == 0, 15)
    assert int(info(raw, "stats")["expired_keys"]) - before == 1000


def test_keyspace_line_counts_deadlines(raw):
    set_all(raw, [("SET", "k%d" % i, "v") for i in range(100)])
    set_all(raw, [("SET", "e%d" % i, "v", "EX", 1000) for i in range(50)])
    assert info(raw, "keyspace")["db0"].startswith("keys=150,expires=50,")
    assert raw.cmd("PERSIST", "e0") == 1
    raw.cmd("DEL", "e1")
    assert info(raw, "keyspace")["db0"].startswith("keys=149,expires=48,")


def test_deadlines_survive_rename_copy_and_swap(raw):
    raw.cmd("SET", "a", "v", "PX", 600)
    raw.cmd("RENAME", "a", "b")
    assert raw.cmd("COPY", "b", "c") == 1
    assert raw.cmd("COPY", "b", "d", "DB", "5") == 1
    assert raw.cmd("SWAPDB", "0", "7") == b"OK"
    assert dbsize(raw) == 0
    for db in (7, 5):
        raw.cmd("SELECT", db)
        wait_until(lambda: dbsize(raw) == 0, 15)
