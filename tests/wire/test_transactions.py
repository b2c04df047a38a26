"""MULTI, EXEC, DISCARD, WATCH, UNWATCH: what is queued, what refuses the whole,
what a watched key's change is, and what CLIENT LIST shows of it.
"""
import time

import pytest

from rawconn import Closed

ABORTED = "EXECABORT Transaction discarded because of previous errors."
NOT_WITHIN = "ERR Command not allowed inside a transaction"
QUEUED = b"QUEUED"
# On as many shards as there are.
KEYS = ["key:%d" % i for i in range(12)]


def field(raw, name, of=None):
    """One field of a session's CLIENT LIST line."""
    line = raw.cmd("CLIENT", "LIST", "ID", of) if of else raw.cmd("CLIENT",
                                                                  "INFO")
    return dict(f.split("=", 1) for f in line.decode().split())[name]


def transaction(raw, *commands):
    """EXEC's reply; everything goes out in one piece."""
    replies = raw.pipeline([("MULTI",), *commands, ("EXEC",)])
    assert replies[0] == b"OK"
    assert replies[1:-1] == [QUEUED] * len(commands)
    return replies[-1]


# ---- queueing ----

def test_replies_come_together_and_in_order(raw):
    assert transaction(raw, ("SET", "a", 1), ("INCR", "a"), ("GET", "a"),
                       ("LRANGE", "none", 0, -1), ("GET", "none"),
                       ("RPUSH", "l", "x", "y"), ("LRANGE", "l", 0, -1),
                       ("PING",)) == [b"OK", 2, b"2", [], None, 2,
                                      [b"x", b"y"], b"PONG"]


def test_empty(raw):
    assert transaction(raw) == []


def test_nobody_sees_what_is_queued(raws):
    one, other = raws(2)
    assert one.pipeline([("MULTI",), ("SET", "a", 1)]) == [b"OK", QUEUED]
    assert other.cmd("EXISTS", "a") == 0
    assert one.cmd("EXEC") == [b"OK"]
    assert other.cmd("GET", "a") == b"1"


def test_out_of_turn(raw):
    assert raw.cmd("EXEC") == "ERR EXEC without MULTI"
    assert raw.cmd("DISCARD") == "ERR DISCARD without MULTI"
    assert raw.cmd("UNWATCH") == b"OK"
    assert raw.cmd("MULTI", "x") == \
        "ERR wrong number of arguments for 'multi' command"
    assert raw.cmd("EXEC") == "ERR EXEC without MULTI"


def test_discard(raw):
    raw.cmd("SET", "a", 1)
    assert raw.pipeline([("MULTI",), ("SET", "a", 2), ("DISCARD",)]) == [
        b"OK", QUEUED, b"OK"]
    assert raw.cmd("GET", "a") == b"1"
    assert raw.cmd("EXEC") == "ERR EXEC without MULTI"


@pytest.mark.parametrize("within", [("MULTI",), ("WATCH", "a")])
def test_multi_and_watch_within(server, raw, within):
    raw.pipeline([("MULTI",), ("SET", "a", 1)])
    reply = raw.cmd(*within)
    assert raw.cmd("SET", "b", 2) == QUEUED
    # Redis 7.0 has words of its own and goes on.
    if server.is_redis and reply != NOT_WITHIN:
        assert raw.cmd("EXEC") == [b"OK", b"OK"]
    else:
        assert reply == NOT_WITHIN
        assert raw.cmd("EXEC") == ABORTED
        assert raw.cmd("EXISTS", "a", "b") == 0


@pytest.mark.parametrize("wrong, text", [
    (("NOSUCH",), "ERR unknown command 'NOSUCH', with args beginning with: "),
    (("GET",), "ERR wrong number of arguments for 'get' command"),
    (("CLIENT", "NOSUCH"), "ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.")])
def test_an_error_while_queueing_refuses_all(raw, wrong, text):
    assert raw.cmd("MULTI") == b"OK"
    assert raw.cmd("SET", "a", 1) == QUEUED
    assert raw.cmd(*wrong) == text
    assert raw.cmd("SET", "b", 1) == QUEUED
    assert raw.cmd("EXEC") == ABORTED
    assert raw.cmd("EXISTS", "a", "b") == 0
    assert transaction(raw, ("SET", "a", 1)) == [b"OK"]


def test_an_error_while_running_undoes_nothing(raw):
    raw.cmd("SET", "s", "text")
    assert transaction(raw, ("SET", "a", 1), ("INCR", "s"), ("LPUSH", "s", 1),
                       ("INCR", "a")) == [
        b"OK", "ERR value is not an integer or out of range",
        "WRONGTYPE Operation against a key holding the wrong kind of value", 2]


def test_select_within(raw):
    assert transaction(raw, ("SET", "a", 0), ("SELECT", 1), ("SET", "a", 1),
                       ("SELECT", 0), ("GET", "a")) == [
        b"OK", b"OK", b"OK", b"OK", b"0"]
    assert transaction(raw, ("SELECT", 1)) == [b"OK"]
    assert raw.cmd("GET", "a") == b"1"


def test_commands_that_take_everything(raw):
    raw.cmd("MSET", *[x for k in KEYS for x in (k, k)])
    assert transaction(raw, ("DBSIZE",), ("FLUSHALL",), ("DBSIZE",),
                       ("SET", "a", 1), ("KEYS", "*"), ("SWAPDB", 0, 1),
                       ("DBSIZE",)) == [len(KEYS), b"OK", 0, b"OK", [b"a"],
                                        b"OK", 0]


def test_quit_and_reset_within(raws):
    one, other = raws(2)
    assert one.pipeline([("MULTI",), ("SET", "a", 1)]) == [b"OK", QUEUED]
    assert one.cmd("RESET") == b"RESET"
    assert one.cmd("EXEC") == "ERR EXEC without MULTI"
    other.pipeline([("MULTI",), ("SET", "a", 1)])
    assert other.cmd("QUIT") == b"OK"
    assert other.closed()
    assert one.cmd("EXISTS", "a") == 0


def test_a_long_one(raw):
    count = 5000
    assert transaction(raw, *[("INCR", "n:%d" % (i % 50))
                              for i in range(count)]) == [
        1 + i // 50 for i in range(count)]


def test_big_values(raw):
    big = b"x" * 3000000
    assert transaction(raw, *[("SET", k, big) for k in KEYS[:4]],
                       ("MGET", *KEYS[:4])) == [b"OK"] * 4 + [[big] * 4]


# ---- several shards ----

def test_on_all_shards(raw):
    assert transaction(raw, *[("INCR", k) for k in KEYS],
                       ("MGET", *KEYS)) == [1] * 12 + [[b"1"] * 12]


def test_pipeline_of_transactions(raw):
    one = [("MULTI",), *[("INCR", k) for k in KEYS[:3]], ("EXEC",)]
    replies = raw.pipeline((one + [("GET", KEYS[0])]) * 100)
    for i in range(100):
        part = replies[i * 6:i * 6 + 6]
        assert part == [b"OK", QUEUED, QUEUED, QUEUED, [i + 1] * 3,
                        b"%d" % (i + 1)]


def test_both_keys_are_read_at_once(raws):
    writer, reader = raws(2)
    for i in range(300):
        writer.send_cmd("MULTI")
        for key in KEYS[:4]:
            writer.send_cmd("SET", key, i)
        writer.send_cmd("EXEC")
        seen = transaction(reader, *[("GET", k) for k in KEYS[:4]])
        assert len(set(seen)) == 1, seen
    assert writer.read_replies(1800)[-1] == [b"OK"] * 4


def test_who_waits_is_served_after_it(raws):
    """A waiter gets what is left at the end of the transaction."""
    waiter, pusher = raws(2)
    number = waiter.cmd("CLIENT", "ID")
    waiter.send_cmd("BLPOP", "l", 0)
    end = time.monotonic() + 10
    while field(pusher, "flags", number) != "b":
        assert time.monotonic() < end
    assert transaction(pusher, ("RPUSH", "l", "gone", "also"), ("DEL", "l"),
                       ("RPUSH", "l", "b"), ("LPUSH", "l", "a"),
                       ("LLEN", "l")) == [2, 1, 1, 2, 2]
    assert waiter.read_reply() == [b"l", b"a"]
    assert pusher.cmd("LRANGE", "l", 0, -1) == [b"b"]


# ---- WATCH ----

CHANGES = [
    ("SET", "w", "new"), ("SET", "w", "old"), ("APPEND", "w", "x"),
    ("DEL", "w"), ("UNLINK", "w"), ("GETDEL", "w"), ("EXPIRE", "w", 100),
    ("RENAME", "w", "x"), ("RENAME", "other", "w"),
    ("COPY", "other", "w", "REPLACE"), ("MOVE", "w", 1), ("FLUSHDB",),
    ("FLUSHALL",), ("SWAPDB", 0, 1), ("SETBIT", "w", 0, 1),
    ("MSET", "a", 1, "w", 2, "b", 3), ("SETRANGE", "w", 1, "x"),
    ("SORT", "list", "STORE", "w"), ("BITOP", "NOT", "w", "other"),
    ("SUNIONSTORE", "w", "set"), ("PEXPIREAT", "w", 1),
]
NO_CHANGES = [
    ("GET", "w"), ("SETNX", "w", 1), ("TTL", "w"), ("SET", "w", 1, "NX"),
    ("PERSIST", "w"), ("MSETNX", "w", 1, "a", 1), ("RENAMENX", "other", "w"),
    ("COPY", "other", "w"), ("SET", "w2", 1), ("TOUCH", "w"),
    ("SETRANGE", "w", 0, ""), ("SWAPDB", 2, 3), ("DEL", "nosuch"),
    ("FLUSHDB", "nosuch"), ("EXPIRE", "w", 100, "XX"), ("LPUSH", "w", 1),
    ("SETBIT", "w", 1, 1),
]


@pytest.fixture
def watched(raws):
    """Two sessions, the first of which watches 'w'."""
    one, other = raws(2)
    one.pipeline([("SET", "w", "old"), ("SET", "other", "x"),
                  ("RPUSH", "list", 2, 1), ("SADD", "set", "m"),
                  ("SET", "here", 1)])
    assert one.cmd("WATCH", "w") == b"OK"
    return one, other


@pytest.mark.parametrize("change", CHANGES,
                         ids=lambda c: " ".join(map(str, c)))
def test_a_change_refuses_it(watched, change):
    one, other = watched
    other.cmd(*change)
    assert transaction(one, ("SET", "ran", 1)) is None
    assert other.cmd("EXISTS", "ran") == 0
    # That was once: EXEC has forgotten the keys.
    assert transaction(one, ("SET", "ran", 1)) == [b"OK"]


@pytest.mark.parametrize("command", NO_CHANGES,
                         ids=lambda c: " ".join(map(str, c)))
def test_no_change_lets_it_run(watched, command):
    one, other = watched
    other.cmd(*command)
    assert transaction(one, ("SET", "ran", 1)) == [b"OK"]


@pytest.mark.parametrize("own", [("SET", "w", "mine"), ("DEL", "w")])
def test_its_own_change_counts(watched, own):
    one, _ = watched
    one.cmd(*own)
    assert transaction(one, ("SET", "ran", 1)) is None


def test_the_change_within_does_not(watched):
    one, _ = watched
    assert transaction(one, ("SET", "w", 1), ("INCR", "w")) == [b"OK", 2]


def test_a_change_between_multi_and_exec(watched):
    one, other = watched
    assert one.pipeline([("MULTI",), ("SET", "ran", 1)]) == [b"OK", QUEUED]
    other.cmd("SET", "w", "new")
    assert one.cmd("EXEC") is None


def test_unwatch_discard_and_reset_forget(watched):
    one, other = watched
    for forget in [[("UNWATCH",)], [("MULTI",), ("DISCARD",)], [("RESET",)]]:
        one.cmd("WATCH", "w")
        one.pipeline(forget)
        other.cmd("APPEND", "w", "x")
        assert transaction(one, ("SET", "ran", 1)) == [b"OK"]


def test_unwatch_within_is_too_late(watched):
    one, other = watched
    other.cmd("SET", "w", "new")
    assert transaction(one, ("UNWATCH",), ("SET", "ran", 1)) is None


def test_an_error_goes_before_a_change(watched):
    one, other = watched
    other.cmd("SET", "w", "new")
    one.pipeline([("MULTI",), ("NOSUCH",)])
    assert one.cmd("EXEC") == ABORTED


def test_any_of_many_keys(raws):
    one, other = raws(2)
    for key in KEYS:
        assert one.cmd("WATCH", *KEYS) == b"OK"
        assert one.cmd("WATCH", *KEYS) == b"OK"
        other.cmd("SET", key, 1)
        assert transaction(one, ("PING",)) is None
    assert transaction(one, ("PING",)) == [b"PONG"]


def test_a_key_made_and_deleted_again(raws):
    one, other = raws(2)
    one.cmd("WATCH", "none")
    other.pipeline([("SET", "none", 1), ("DEL", "none")])
    assert transaction(one, ("PING",)) is None


def test_flush_of_keys_that_are_not_there(raws):
    one, other = raws(2)
    one.cmd("WATCH", "none")
    other.cmd("FLUSHALL")
    assert transaction(one, ("PING",)) == [b"PONG"]


def test_of_another_database(raws):
    one, other = raws(2)
    one.pipeline([("SELECT", 1), ("WATCH", "w"), ("SELECT", 0)])
    other.cmd("SET", "w", 1)
    assert transaction(one, ("PING",)) == [b"PONG"]
    one.pipeline([("SELECT", 1), ("WATCH", "w"), ("SELECT", 0)])
    other.pipeline([("SELECT", 1), ("SET", "w", 1)])
    assert transaction(one, ("PING",)) is None


@pytest.mark.parametrize("here, there, runs", [
    (False, False, True), (True, False, False), (False, True, False)])
def test_swapped_databases(raws, here, there, runs):
    one, other = raws(2)
    if here:
        other.cmd("SET", "w", 1)
    if there:
        other.pipeline([("SELECT", 1), ("SET", "w", 1), ("SELECT", 0)])
    one.cmd("WATCH", "w")
    other.cmd("SWAPDB", 0, 1)
    assert (transaction(one, ("PING",)) == [b"PONG"]) == runs


def test_a_key_falls_due(raws):
    """A deadline that passes is a change, though nobody has seen it yet."""
    one, other = raws(2)
    for looks in (False, True):
        one.pipeline([("SET", "w", 1, "PX", 30), ("WATCH", "w")])
        if looks:
            end = time.monotonic() + 10
            while other.cmd("EXISTS", "w"):
                assert time.monotonic() < end
        else:
            time.sleep(0.06)
        assert transaction(one, ("PING",)) is None


def test_a_key_that_was_due_when_watched(raws):
    """It was not there for the watcher either."""
    one, other = raws(2)
    other.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    try:
        one.cmd("SET", "w", 1, "PX", 1)
        time.sleep(0.01)
        one.cmd("WATCH", "w")
        other.cmd("GET", "w")
        assert transaction(one, ("PING",)) == [b"PONG"]
    finally:
        other.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_elements_handed_to_a_waiter(raws):
    """The list was there for a moment only; for a watcher it has changed."""
    one, other, waiter = raws(3)
    number = waiter.cmd("CLIENT", "ID")
    waiter.send_cmd("BLPOP", "l", 0)
    end = time.monotonic() + 10
    while field(other, "flags", number) != "b":
        assert time.monotonic() < end
    one.cmd("WATCH", "l")
    other.cmd("RPUSH", "l", "x")
    assert waiter.read_reply() == [b"l", b"x"]
    assert transaction(one, ("PING",)) is None


# ---- CLIENT LIST ----

def test_client_list(server, raws):
    one, other = raws(2)
    number = one.cmd("CLIENT", "ID")
    assert field(other, "multi", number) == "-1"
    one.cmd("WATCH", *KEYS)
    if not server.is_redis:  # Valkey 8.1 says 0 once it has watched.
        assert field(other, "multi", number) == "-1"
        assert field(other, "watch", number) == "12"
    one.cmd("MULTI")
    assert field(other, "multi", number) == "0"
    assert field(other, "flags", number) == "x"
    one.pipeline([("PING",)] * 3)
    assert field(other, "multi", number) == "3"
    other.cmd("SET", KEYS[5], 1)
    assert field(other, "flags", number) == "xd"
    assert one.cmd("EXEC") is None
    assert field(other, "flags", number) == "N"
    if not server.is_redis:
        assert field(other, "multi", number) == "-1"
        assert field(other, "watch", number) == "0"


def test_who_leaves_in_the_midst(raws):
    one, other = raws(2)
    one.pipeline([("WATCH", *KEYS), ("MULTI",), ("SET", KEYS[0], 1)])
    one.close()
    assert transaction(other, *[("SET", k, 1) for k in KEYS]) == [b"OK"] * 12
    gone, = raws(1)
    number = gone.cmd("CLIENT", "ID")
    gone.pipeline([("WATCH", "a"), ("MULTI",), ("SET", "a", 1)])
    assert other.cmd("CLIENT", "KILL", "ID", number) == 1
    with pytest.raises(Closed):
        gone.cmd("EXEC")
    assert other.cmd("EXISTS", "a") == 0
