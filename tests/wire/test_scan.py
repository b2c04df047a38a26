"""SCAN's promise: what was there from the beginning to the end of an iteration is
returned; what was never there is not; every iteration ends."""
import random
import threading

import pytest

from rawconn import ReplyError, encode

BATCH = 2000


def fill(conn, keys):
    for at in range(0, len(keys), BATCH):
        part = keys[at:at + BATCH]
        conn.send(b"".join(encode("SET", k, "v") for k in part))
        assert conn.read_replies(len(part)) == [b"OK"] * len(part)


def drop(conn, keys):
    for at in range(0, len(keys), BATCH):
        conn.cmd("DEL", *keys[at:at + BATCH])


def scan(conn, *options, steps_max=1000000):
    """All keys of an iteration, with repetitions."""
    cursor, found = b"0", []
    for _ in range(steps_max):
        cursor, keys = conn.cmd("SCAN", cursor, *options)
        found += keys
        if cursor == b"0":
            return found
    raise AssertionError("an iteration without end")


def names(prefix, count):
    return [b"%s:%d" % (prefix, i) for i in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 10, 100, 5000])
def test_at_rest_each_once(raw, count):
    fill(raw, names(b"k", count))
    found = scan(raw)
    assert sorted(found) == sorted(names(b"k", count))


@pytest.mark.parametrize("step", [1, 2, 3, 10, 333, 100000])
def test_count(raw, step):
    fill(raw, names(b"k", 3000))
    assert sorted(scan(raw, "COUNT", step)) == sorted(names(b"k", 3000))


def test_count_bounds_the_work(raw):
    """COUNT is a hint, but a small one gives no flood."""
    fill(raw, names(b"k", 20000))
    cursor = b"0"
    for _ in range(50):
        cursor, keys = raw.cmd("SCAN", cursor, "COUNT", 10)
        assert len(keys) <= 200
        if cursor == b"0":
            break


def test_match_and_type(raw):
    fill(raw, names(b"a", 1000) + names(b"b", 1000))
    assert sorted(scan(raw, "MATCH", "a:*")) == sorted(names(b"a", 1000))
    assert scan(raw, "MATCH", "a:77") == [b"a:77"]
    assert len(scan(raw, "TYPE", "string", "MATCH", "*")) == 2000
    assert len(scan(raw, "TYPE", "STRING")) == 2000
    assert scan(raw, "TYPE", "stream") == []
    assert scan(raw, "MATCH", "nosuch*") == []


def test_only_this_database(raw):
    fill(raw, names(b"zero", 100))
    raw.cmd("SELECT", 3)
    fill(raw, names(b"three", 100))
    assert sorted(scan(raw)) == sorted(names(b"three", 100))
    raw.cmd("FLUSHDB")
    assert scan(raw) == []


@pytest.mark.parametrize("words", [
    ("SCAN",), ("SCAN", "x"), ("SCAN", "-1"), ("SCAN", " 0"), ("SCAN", "0x1"),
    ("SCAN", "99999999999999999999999"), ("SCAN", "0", "COUNT"),
    ("SCAN", "0", "COUNT", "0"), ("SCAN", "0", "COUNT", "-1"),
    ("SCAN", "0", "COUNT", "x"), ("SCAN", "0", "COUNT", "-9223372036854775808"),
    ("SCAN", "0", "MATCH"), ("SCAN", "0", "NOSUCH", "1")])
def test_bad_words(raw, server, words):
    reply = raw.cmd(*words)
    if words[1:] in (("-1",), (" 0",), ("0x1",)) and server.is_redis:
        return  # Read by strtoul; refusing or reading them is the same to us.
    if words[1:] == ("-1",) and not isinstance(reply, ReplyError):
        return
    assert isinstance(reply, ReplyError)


@pytest.mark.parametrize("cursor", [
    "1", "12345", "4611686018427387904", "9223372036854775807",
    "18446744073709551615"])
def test_any_cursor_is_taken(raw, cursor):
    """A cursor is a position, not a handle: one never given out is not an
    error, and leads to an end."""
    fill(raw, names(b"k", 1000))
    for _ in range(100000):
        reply = raw.cmd("SCAN", cursor)
        assert not isinstance(reply, ReplyError)
        cursor = reply[0]
        if cursor == b"0":
            return
    raise AssertionError("an iteration without end")


class Churn:
    """A neighbour that changes the keyspace until told to stop."""

    def __init__(self, server, work):
        self.stopped = threading.Event()
        self.error = None
        self.rounds = 0

        def run():
            try:
                with server.connect() as conn:
                    while not self.stopped.is_set():
                        work(conn, self.rounds)
                        self.rounds += 1
            except Exception as e:
                self.error = e
        self.thread = threading.Thread(target=run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.stopped.set()
        self.thread.join()
        assert self.error is None, self.error


def check_iterations(raw, stay, rounds=4, options=("COUNT", 50)):
    for _ in range(rounds):
        found = scan(raw, *options)
        missing = set(stay) - set(found)
        assert not missing, "%d of %d not returned: %r" % (
            len(missing), len(stay), sorted(missing)[:5])
        strange = {k for k in found
                   if not k.startswith((b"stay:", b"come:"))}
        assert not strange


def test_while_it_grows(server, raw):
    stay = names(b"stay", 5000)
    fill(raw, stay)

    def grow(conn, turn):
        if turn < 40:
            fill(conn, [b"come:%d:%d" % (turn, i) for i in range(BATCH)])
        else:
            conn.cmd("PING")
    with Churn(server, grow):
        check_iterations(raw, stay)


def test_while_it_shrinks(server, raw):
    stay = names(b"stay", 1000)
    come = names(b"come", 100000)
    fill(raw, stay + come)

    def shrink(conn, turn):
        drop(conn, come[turn * 1000:(turn + 1) * 1000] or [b"none"])
    with Churn(server, shrink):
        check_iterations(raw, stay)


def test_while_it_grows_and_shrinks(server, raw):
    """From 2,000 to 42,000 keys and back, again and again."""
    stay = names(b"stay", 2000)
    come = names(b"come", 40000)
    fill(raw, stay)

    def churn(conn, turn):
        fill(conn, come)
        drop(conn, come)
    with Churn(server, churn) as neighbour:
        check_iterations(raw, stay, rounds=6, options=("COUNT", 20))
        while neighbour.rounds < 2 and neighbour.error is None:
            check_iterations(raw, stay, rounds=1)


def test_interrupted_between_steps(raw):
    """Growth and shrinkage to a hundredth between the steps of one iteration."""
    rng = random.Random(5)
    stay = names(b"stay", 300)
    come = names(b"come", 20000)
    fill(raw, stay)
    for _ in range(5):
        cursor, found, size = b"0", set(), 0
        while True:
            cursor, keys = raw.cmd("SCAN", cursor, "COUNT", 10)
            found.update(keys)
            if cursor == b"0":
                break
            if rng.random() < 0.1:
                if size:
                    drop(raw, come)
                    size = 0
                elif rng.random() < 0.3:
                    fill(raw, come[:5000])
                    size = 1
        assert set(stay) <= found
        drop(raw, come)


def test_flush_in_the_middle(raw):
    fill(raw, names(b"old", 5000))
    cursor, _ = raw.cmd("SCAN", "0", "COUNT", 100)
    assert raw.cmd("FLUSHALL") == b"OK"
    stay = names(b"new", 5000)
    fill(raw, stay)
    while cursor != b"0":
        cursor, keys = raw.cmd("SCAN", cursor, "COUNT", 100)
        assert all(k.startswith(b"new:") for k in keys)
    assert sorted(scan(raw)) == sorted(stay)
