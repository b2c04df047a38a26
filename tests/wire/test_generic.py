"""Keys whatever their value: deletion, names, copies, deadlines, databases."""
import time

import pytest

NOT_INT = "ERR value is not an integer or out of range"
SAME = "ERR source and destination objects are the same"
DB_RANGE = "ERR DB index is out of range"
SYNTAX = "ERR syntax error"
FAR = 99999999999  # seconds: beyond any test


def now_ms():
    return time.time() * 1000


# ---- DEL, UNLINK, EXISTS, TOUCH, TYPE ----

@pytest.mark.parametrize("command", ["DEL", "UNLINK"])
def test_delete_counts_what_was_there(raw, command):
    raw.cmd("MSET", "a", 1, "b", 2, "c", 3)
    assert raw.cmd(command, "a", "nosuch", "b", "a") == 2
    assert raw.cmd("EXISTS", "a", "b", "c") == 1
    assert raw.cmd("DBSIZE") == 1


def test_exists_counts_repeats(raw):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("EXISTS", "a", "a", "b") == 2
    assert raw.cmd("TOUCH", "a", "a", "b") == 2


def test_type(raw):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("TYPE", "a") == b"string"
    assert raw.cmd("TYPE", "nosuch") == b"none"


def test_many_keys_at_once(raw):
    names = ["k%d" % i for i in range(3000)]
    raw.cmd("MSET", *[x for n in names for x in (n, n)])
    assert raw.cmd("EXISTS", *names) == 3000
    assert raw.cmd("DEL", *names) == 3000
    assert raw.cmd("DBSIZE") == 0


# ---- expiry ----

@pytest.mark.parametrize("command,unit_ms,absolute", [
    ("EXPIRE", 1000, False), ("PEXPIRE", 1, False),
    ("EXPIREAT", 1000, True), ("PEXPIREAT", 1, True)])
def test_expire_sets_the_deadline(raw, command, unit_ms, absolute):
    raw.cmd("SET", "a", 1)
    value = int((100000 + (now_ms() if absolute else 0)) / unit_ms)
    assert raw.cmd(command, "a", value) == 1
    assert 95000 < raw.cmd("PTTL", "a") <= 100500
    assert 95 <= raw.cmd("TTL", "a") <= 100
    assert abs(raw.cmd("PEXPIRETIME", "a") - now_ms() - 100000) < 5000
    assert raw.cmd("EXPIRETIME", "a") == (raw.cmd("PEXPIRETIME", "a") + 500) // 1000
    assert raw.cmd("PERSIST", "a") == 1
    assert raw.cmd("PERSIST", "a") == 0
    assert raw.cmd("TTL", "a") == -1


@pytest.mark.parametrize("command", ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"])
def test_no_deadline(raw, command):
    raw.cmd("SET", "a", 1)
    assert raw.cmd(command, "a") == -1
    assert raw.cmd(command, "nosuch") == -2


def test_expire_of_nothing(raw):
    assert raw.cmd("EXPIRE", "nosuch", 10) == 0
    assert raw.cmd("PERSIST", "nosuch") == 0


@pytest.mark.parametrize("command,value", [
    ("EXPIRE", 0), ("EXPIRE", -1), ("PEXPIRE", -5), ("EXPIREAT", 1),
    ("PEXPIREAT", 0), ("PEXPIREAT", -(2 ** 63))])
def test_a_time_that_has_passed_deletes(raw, command, value):
    raw.cmd("SET", "a", 1)
    assert raw.cmd(command, "a", value) == 1
    assert raw.cmd("EXISTS", "a") == 0
    assert raw.cmd("DBSIZE") == 0


@pytest.mark.parametrize("command,value", [
    ("EXPIRE", 2 ** 63 - 1), ("EXPIRE", -(2 ** 63)), ("EXPIRE", 10 ** 17),
    ("PEXPIRE", 2 ** 63 - 1), ("EXPIREAT", 2 ** 63 - 1)])
def test_overflow_is_refused(raw, command, value):
    raw.cmd("SET", "a", 1)
    assert raw.cmd(command, "a", value) == \
        "ERR invalid expire time in '%s' command" % command.lower()
    assert raw.cmd("TTL", "a") == -1


@pytest.mark.parametrize("value", ["", "abc", "1.5", " 1", "0x10", 2 ** 63])
def test_expire_wants_an_integer(raw, value):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("EXPIRE", "a", value) == NOT_INT
    assert raw.cmd("EXPIRE", "nosuch", value) == NOT_INT


def test_conditions(raw):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("EXPIRE", "a", 100, "XX") == 0
    assert raw.cmd("EXPIRE", "a", 100, "GT") == 0, "none is later than never"
    assert raw.cmd("EXPIRE", "a", 100, "NX") == 1
    assert raw.cmd("EXPIRE", "a", 200, "NX") == 0
    assert raw.cmd("EXPIRE", "a", 50, "GT") == 0
    assert raw.cmd("EXPIRE", "a", 200, "lt") == 0
    assert raw.cmd("EXPIRE", "a", 200, "gt") == 1
    assert raw.cmd("EXPIRE", "a", 150, "LT", "XX") == 1
    assert raw.cmd("PERSIST", "a") == 1
    assert raw.cmd("EXPIRE", "a", 300, "LT") == 1, "anything is before never"
    assert raw.cmd("EXPIRE", "a", 400, "XX") == 1
    assert raw.cmd("EXPIRE", "a", 0, "GT") == 0
    assert raw.cmd("EXPIRE", "a", 0, "LT") == 1
    assert raw.cmd("EXISTS", "a") == 0


@pytest.mark.parametrize("options,error", [
    (["FOO"], "ERR Unsupported option FOO"),
    (["NX", "XX"], "ERR NX and XX, GT or LT options at the same time are not compatible"),
    (["NX", "GT"], "ERR NX and XX, GT or LT options at the same time are not compatible"),
    (["GT", "LT"], "ERR GT and LT options at the same time are not compatible")])
def test_wrong_conditions(raw, options, error):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("EXPIRE", "a", 10, *options) == error
    assert raw.cmd("EXPIRE", "nosuch", 10, *options) == error


def test_it_goes_when_it_is_due(raw):
    raw.cmd("SET", "a", 1)
    raw.cmd("SET", "b", 1)
    raw.cmd("PEXPIRE", "a", 30)
    raw.cmd("PEXPIRE", "b", 30)
    end = time.monotonic() + 5
    while raw.cmd("EXISTS", "a", "b") and time.monotonic() < end:
        time.sleep(0.005)
    assert raw.cmd("GET", "a") is None
    assert raw.cmd("TTL", "a") == -2
    assert raw.cmd("TYPE", "b") == b"none"
    assert raw.cmd("RENAME", "b", "c") == "ERR no such key"
    assert raw.cmd("KEYS", "*") == []
    assert raw.cmd("SCAN", 0)[1] == []


# ---- RENAME, COPY, MOVE ----

def test_rename(raw):
    raw.cmd("SET", "a", 1, "EX", 1000)
    raw.cmd("SET", "b", 2)
    assert raw.cmd("RENAME", "a", "b") == b"OK"
    assert raw.cmd("GET", "b") == b"1"
    assert raw.cmd("TTL", "b") > 900
    assert raw.cmd("EXISTS", "a") == 0
    assert raw.cmd("DBSIZE") == 1
    assert raw.cmd("RENAME", "a", "b") == "ERR no such key"
    assert raw.cmd("RENAME", "b", "b") == b"OK"
    assert raw.cmd("RENAME", "no", "no") == "ERR no such key"


def test_renamenx(raw):
    raw.cmd("MSET", "a", 1, "b", 2)
    assert raw.cmd("RENAMENX", "a", "b") == 0
    assert raw.cmd("RENAMENX", "a", "a") == 0
    assert raw.cmd("RENAMENX", "a", "c") == 1
    assert raw.cmd("RENAMENX", "a", "c") == "ERR no such key"
    assert raw.cmd("MGET", "a", "b", "c") == [None, b"2", b"1"]


@pytest.mark.parametrize("size", [1, 100, 5000, 200000])
def test_rename_and_copy_of_all_sizes(raw, size):
    value = bytes(i % 251 for i in range(size))
    raw.cmd("SET", "a", value)
    assert raw.cmd("RENAME", "a", "b" * 300) == b"OK"
    assert raw.cmd("COPY", "b" * 300, "c") == 1
    raw.cmd("APPEND", "c", "x")
    assert raw.cmd("GET", "b" * 300) == value
    assert raw.cmd("GET", "c") == value + b"x"


def test_rename_among_many(raw):
    for i in range(300):
        raw.cmd("SET", "k%d" % i, i)
    for i in range(300):
        assert raw.cmd("RENAME", "k%d" % i, "n%d" % i) == b"OK"
    assert raw.cmd("DBSIZE") == 300
    assert raw.cmd("MGET", *["n%d" % i for i in range(300)]) == \
        [b"%d" % i for i in range(300)]


def test_copy(raw):
    raw.cmd("SET", "a", "x", "EX", 1000)
    assert raw.cmd("COPY", "a", "b") == 1
    assert raw.cmd("TTL", "b") > 900
    assert raw.cmd("COPY", "a", "b") == 0
    raw.cmd("SET", "a", "y")
    assert raw.cmd("COPY", "a", "b", "REPLACE") == 1
    assert raw.cmd("TTL", "b") == -1
    assert raw.cmd("GET", "b") == b"y"
    assert raw.cmd("COPY", "nosuch", "b", "REPLACE") == 0
    assert raw.cmd("COPY", "a", "a") == SAME
    assert raw.cmd("COPY", "a", "a", "DB", 0) == SAME
    assert raw.cmd("COPY", "a", "a", "DB", 3, "REPLACE") == 1
    assert raw.cmd("COPY", "a", "a", "DB", 3) == 0
    assert raw.cmd("COPY", "a", "b", "DB", 99) == DB_RANGE
    assert raw.cmd("COPY", "a", "b", "DB", "x") == NOT_INT
    assert raw.cmd("COPY", "a", "b", "DB") == SYNTAX
    assert raw.cmd("COPY", "a", "b", "FOO") == SYNTAX
    raw.cmd("SELECT", 3)
    assert raw.cmd("GET", "a") == b"y"


def test_move(raw):
    raw.cmd("SET", "a", "x", "EX", 1000)
    assert raw.cmd("MOVE", "a", 0) == SAME
    assert raw.cmd("MOVE", "a", 99) == DB_RANGE
    assert raw.cmd("MOVE", "a", -1) == DB_RANGE
    assert raw.cmd("MOVE", "a", "x") == NOT_INT
    assert raw.cmd("MOVE", "nosuch", 1) == 0
    assert raw.cmd("MOVE", "a", 1) == 1
    assert raw.cmd("EXISTS", "a") == 0
    raw.cmd("SET", "a", "home")
    assert raw.cmd("MOVE", "a", 1) == 0
    raw.cmd("SELECT", 1)
    assert raw.cmd("GET", "a") == b"x"
    assert raw.cmd("TTL", "a") > 900


# ---- OBJECT ----

@pytest.mark.parametrize("value,encoding", [
    ("1", b"int"), ("-9223372036854775808", b"int"), ("1.5", b"embstr"),
    ("x" * 44, b"embstr"), ("x" * 45, b"raw"), ("x" * 100000, b"raw"), ("", b"embstr")])
def test_object_encoding(raw, value, encoding):
    raw.cmd("SET", "a", value)
    assert raw.cmd("OBJECT", "ENCODING", "a") == encoding


def test_object(raw):
    raw.cmd("SET", "a", "x")
    assert raw.cmd("OBJECT", "IDLETIME", "a") in (0, 1)
    assert raw.cmd("OBJECT", "REFCOUNT", "a") == 1
    for what in ["ENCODING", "IDLETIME", "REFCOUNT", "FREQ"]:
        assert raw.cmd("OBJECT", what, "nosuch") is None
        assert raw.cmd("OBJECT", what) == \
            "ERR wrong number of arguments for 'object|%s' command" % what.lower()
    assert raw.cmd("OBJECT", "FOO", "a") == "ERR unknown subcommand 'FOO'. Try OBJECT HELP."
    assert len(raw.cmd("OBJECT", "HELP")) > 8


# ---- KEYS, RANDOMKEY, SCAN's arguments ----

@pytest.mark.parametrize("pattern,want", [
    ("*", ["abc", "abd", "b", "[x]"]), ("a*", ["abc", "abd"]), ("?", ["b"]),
    ("ab[cx]", ["abc"]), ("ab[^c]", ["abd"]), ("ab[a-c]", ["abc"]),
    ("\\[x\\]", ["[x]"]), ("", []), ("nosuch", []), ("a*c", ["abc"])])
def test_keys(raw, pattern, want):
    raw.cmd("MSET", "abc", 1, "abd", 2, "b", 3, "[x]", 4)
    assert sorted(raw.cmd("KEYS", pattern)) == sorted(w.encode() for w in want)


def test_a_costly_pattern_ends(raw):
    raw.cmd("SET", "a" * 20000, 1)
    start = time.monotonic()
    assert raw.cmd("KEYS", "*a" * 50 + "b") == []
    assert time.monotonic() - start < 5


def test_randomkey(raw):
    assert raw.cmd("RANDOMKEY") is None
    names = {b"k%d" % i for i in range(20)}
    for name in names:
        raw.cmd("SET", name, 1)
    seen = {raw.cmd("RANDOMKEY") for _ in range(600)}
    assert seen == names


@pytest.mark.parametrize("args,error", [
    (["abc"], "ERR invalid cursor"), (["1x"], "ERR invalid cursor"),
    (["18446744073709551616"], "ERR invalid cursor"),
    (["0", "COUNT", "0"], SYNTAX), (["0", "COUNT", "-1"], SYNTAX),
    (["0", "COUNT", "x"], NOT_INT), (["0", "COUNT", 2 ** 63], NOT_INT),
    (["0", "COUNT"], SYNTAX), (["0", "MATCH"], SYNTAX), (["0", "FOO", "x"], SYNTAX)])
def test_scan_errors(raw, args, error):
    assert raw.cmd("SCAN", *args) == error


@pytest.mark.parametrize("cursor", [1, 2 ** 40, 2 ** 52, 2 ** 63, 2 ** 64 - 1])
def test_any_cursor_is_survived(raw, cursor):
    raw.cmd("MSET", *range(1000))
    for _ in range(3000):
        cursor, _ = raw.cmd("SCAN", cursor, "COUNT", 1000)
        if cursor == b"0":
            return
    raise AssertionError("an iteration without end")


def test_scan_filters(raw):
    raw.cmd("MSET", *[x for i in range(100) for x in ("a%d" % i, i, "b%d" % i, i)])
    assert len(raw.cmd("SCAN", 0, "COUNT", 100000)[1]) == 200
    assert len(raw.cmd("SCAN", 0, "COUNT", 100000, "MATCH", "a*")[1]) == 100
    assert len(raw.cmd("SCAN", 0, "COUNT", 100000, "TYPE", "STRING")[1]) == 200
    assert raw.cmd("SCAN", 0, "COUNT", 100000, "TYPE", "list") == [b"0", []]


def test_scan_largest_count(raw):
    raw.cmd("SET", "a", 1)
    assert raw.cmd("SCAN", 0, "COUNT", 2 ** 63 - 1) == [b"0", [b"a"]]


# ---- whole databases ----

@pytest.mark.parametrize("words", [[], ["SYNC"], ["ASYNC"], ["async"]])
def test_flush(raw, words):
    for db in (0, 3):
        raw.cmd("SELECT", db)
        raw.cmd("MSET", *range(200))
    assert raw.cmd("FLUSHDB", *words) == b"OK"
    assert raw.cmd("DBSIZE") == 0
    raw.cmd("SELECT", 0)
    assert raw.cmd("DBSIZE") == 100
    assert raw.cmd("FLUSHALL", *words) == b"OK"
    assert raw.cmd("DBSIZE") == 0
    raw.cmd("SET", "a", 1)
    assert raw.cmd("GET", "a") == b"1"


@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
def test_flush_errors(raw, command):
    raw.cmd("SET", "a", 1)
    assert raw.cmd(command, "foo") == SYNTAX
    assert raw.cmd(command, "SYNC", "ASYNC") == SYNTAX
    assert raw.cmd("DBSIZE") == 1


def test_swapdb(raw, raws):
    other = raws(1)[0]
    other.cmd("SELECT", 1)
    raw.cmd("SET", "a", "zero")
    other.cmd("SET", "a", "one")
    assert raw.cmd("SWAPDB", 0, 1) == b"OK"
    assert raw.cmd("GET", "a") == b"one"
    assert other.cmd("GET", "a") == b"zero"
    assert raw.cmd("SWAPDB", 1, 1) == b"OK"
    assert raw.cmd("SWAPDB", "x", 1) == "ERR invalid first DB index"
    assert raw.cmd("SWAPDB", 1, "x") == "ERR invalid second DB index"
    assert raw.cmd("SWAPDB", 0, 99) == DB_RANGE
    assert raw.cmd("SWAPDB", -1, 0) == DB_RANGE


def test_time(raw):
    seconds, micros = map(int, raw.cmd("TIME"))
    assert abs(seconds - time.time()) < 5
    assert 0 <= micros < 1000000


@pytest.mark.parametrize("command", [
    "COPY a", "DEL", "EXISTS", "EXPIRE a", "EXPIRETIME", "KEYS", "MOVE a", "PERSIST",
    "RANDOMKEY x", "RENAME a", "RENAMENX a b c", "SCAN", "TOUCH", "TTL", "TYPE a b",
    "UNLINK", "DBSIZE x", "SWAPDB 0", "TIME x", "PTTL", "PEXPIREAT a"])
def test_arity(raw, command):
    assert raw.cmd(*command.split()) == "ERR wrong number of arguments for '%s' command" \
        % command.split()[0].lower()
