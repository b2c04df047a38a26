"""Sets over the wire: each command's options and errors, random members, algebra
against Python's own sets, and what OBJECT ENCODING says.
"""
import random

import pytest

SYNTAX = "ERR syntax error"
WRONGTYPE = ("WRONGTYPE Operation against a key holding the wrong kind of value")


def encoding(raw, key="s"):
    return raw.cmd("OBJECT", "ENCODING", key)


def test_add_remove_and_ask(raw):
    assert raw.cmd("SADD", "s", "a", "b", "a") == 2
    assert raw.cmd("SADD", "s", "b", "c") == 1
    assert raw.cmd("SCARD", "s") == 3 and raw.cmd("SCARD", "none") == 0
    assert raw.cmd("SISMEMBER", "s", "a") == 1
    assert raw.cmd("SMISMEMBER", "s", "a", "z", "a") == [1, 0, 1]
    assert raw.cmd("SMISMEMBER", "none", "a", "z") == [0, 0]
    assert sorted(raw.cmd("SMEMBERS", "s")) == [b"a", b"b", b"c"]
    assert raw.cmd("SMEMBERS", "none") == []
    assert raw.cmd("SREM", "s", "a", "z", "a") == 1
    assert raw.cmd("SREM", "s", "b", "c") == 2
    assert raw.cmd("EXISTS", "s") == 0 and raw.cmd("SREM", "s", "a") == 0


def test_move(raw):
    raw.pipeline([("SADD", "s", "a", "b"), ("SADD", "d", "b"),
                  ("SET", "str", 1)])
    assert raw.cmd("SMOVE", "s", "d", "z") == 0
    assert raw.cmd("SMOVE", "s", "d", "b") == 1
    assert raw.cmd("SMOVE", "s", "s", "a") == 1
    assert raw.cmd("SMOVE", "s", "new", "a") == 1
    assert raw.cmd("EXISTS", "s") == 0 and raw.cmd("SCARD", "d") == 1
    assert raw.cmd("SMOVE", "s", "str", "a") == 0
    assert raw.cmd("SMOVE", "new", "str", "a") == WRONGTYPE
    assert raw.cmd("SMOVE", "str", "new", "a") == WRONGTYPE


# ---- members by chance ----

@pytest.mark.parametrize("members", [range(5), ["a", "b", "c", "d", "e"],
                                     ["m%d" % i for i in range(1000)]])
def test_random_members(raw, members):
    want = {str(m).encode() for m in members}
    raw.cmd("SADD", "s", *members)
    assert raw.cmd("SRANDMEMBER", "s") in want
    assert raw.cmd("SRANDMEMBER", "s", 0) == []
    for count in (1, 3, len(want) - 1, len(want), len(want) + 9):
        got = raw.cmd("SRANDMEMBER", "s", count)
        assert len(got) == len(set(got)) == min(count, len(want))
        assert set(got) <= want
    assert len(raw.cmd("SRANDMEMBER", "s", -50)) == 50
    seen = set()
    for _ in range(200):
        seen.update(raw.cmd("SRANDMEMBER", "s", -100))
    assert seen == want
    assert raw.cmd("SRANDMEMBER", "none") is None
    assert raw.cmd("SRANDMEMBER", "none", 5) == []
    assert raw.cmd("SRANDMEMBER", "s", "x") == \
        "ERR value is not an integer or out of range"


def test_pop(raw):
    raw.cmd("SADD", "s", *range(100))
    got = {raw.cmd("SPOP", "s")}
    assert raw.cmd("SPOP", "s", 0) == []
    for count in (5, 90, 10):
        got.update(raw.cmd("SPOP", "s", count))
    assert got == {b"%d" % i for i in range(100)}
    assert raw.cmd("EXISTS", "s") == 0
    assert raw.cmd("SPOP", "s") is None and raw.cmd("SPOP", "s", 3) == []
    assert raw.cmd("SPOP", "s", -1) == \
        "ERR value is out of range, must be positive"
    assert raw.cmd("SPOP", "s", 1, 2) == SYNTAX


# ---- algebra ----

@pytest.mark.parametrize("kind", ["numbers", "words", "many", "mixed"])
def test_algebra(r, kind):
    make = {"numbers": lambda i: b"%d" % i, "words": lambda i: b"w%d" % i,
            "many": lambda i: b"m%d" % (i * 31), "mixed":
            lambda i: b"%d" % i if i % 2 else b"x%d" % i}[kind]
    rand = random.Random(kind)
    span = 3000 if kind == "many" else 60
    sets = {}
    for key in "abc":
        sets[key] = {make(rand.randrange(span)) for _ in range(span // 2)}
        r.sadd(key, *sets[key])
    a, b, c = sets.values()
    assert r.sinter("a", "b", "c") == a & b & c
    assert r.sunion("a", "b", "c") == a | b | c
    assert r.sdiff("a", "b", "c") == a - b - c
    assert r.sinter("a", "none") == set() and r.sdiff("none", "a") == set()
    assert r.sdiff("a", "a") == set() and r.sunion("a", "none") == a
    assert r.sinterstore("d", "a", "b") == len(a & b)
    assert r.smembers("d") == a & b
    assert r.sdiffstore("a", "a", "b") == len(a - b)
    assert r.smembers("a") == a - b
    assert r.sunionstore("d", "a", "b") == len(a | b)
    assert r.smembers("d") == a | b
    assert r.sinterstore("d", "a", "none") == 0 and r.exists("d") == 0


def test_intercard(raw):
    raw.pipeline([("SADD", "a", *range(10)), ("SADD", "b", *range(5, 20)),
                  ("SET", "str", 1)])
    assert raw.cmd("SINTERCARD", 2, "a", "b") == 5
    assert raw.cmd("SINTERCARD", 2, "a", "b", "LIMIT", 3) == 3
    assert raw.cmd("SINTERCARD", 2, "a", "b", "limit", 0) == 5
    assert raw.cmd("SINTERCARD", 2, "a", "none") == 0
    assert raw.cmd("SINTERCARD", 0, "a") == \
        "ERR numkeys should be greater than 0"
    assert raw.cmd("SINTERCARD", 3, "a", "b") == \
        "ERR Number of keys can't be greater than number of args"
    assert raw.cmd("SINTERCARD", 2, "a", "b", "LIMIT", -1) == \
        "ERR LIMIT can't be negative"
    assert raw.cmd("SINTERCARD", 1, "a", "LIMIT") == SYNTAX
    assert raw.cmd("SINTERCARD", 2, "a", "str") == WRONGTYPE


def test_store_takes_any_old_value_away(raw):
    raw.pipeline([("SADD", "a", "x"), ("SET", "d", 1, "EX", 100)])
    assert raw.cmd("SUNIONSTORE", "d", "a") == 1
    assert raw.cmd("TYPE", "d") == b"set" and raw.cmd("TTL", "d") == -1
    raw.cmd("SET", "d", 1)
    assert raw.cmd("SINTERSTORE", "d", "a", "none") == 0
    assert raw.cmd("EXISTS", "d") == 0


@pytest.mark.parametrize("command", [
    ("SADD", "str", 1), ("SREM", "str", 1), ("SCARD", "str"),
    ("SISMEMBER", "str", 1), ("SMISMEMBER", "str", 1), ("SMEMBERS", "str"),
    ("SPOP", "str"), ("SRANDMEMBER", "str"), ("SINTER", "s", "str"),
    ("SUNION", "s", "str"), ("SDIFF", "s", "str"),
    ("SUNIONSTORE", "d", "str"), ("SSCAN", "str", 0)])
def test_wrong_type_and_arity(raw, command):
    raw.pipeline([("SET", "str", "x"), ("SADD", "s", 1)])
    assert raw.cmd(*command) == WRONGTYPE
    assert raw.cmd(command[0]) == \
        "ERR wrong number of arguments for '%s' command" % command[0].lower()


# ---- SSCAN ----

@pytest.mark.parametrize("count", [5, 100, 3000])
def test_scan(r, count):
    want = {b"m%d" % i for i in range(count)}
    r.sadd("s", *want)
    assert set(r.sscan_iter("s", count=20)) == want
    assert set(r.sscan_iter("s", match="m*1")) == {
        m for m in want if m.endswith(b"1")}


def test_scan_errors(raw):
    assert raw.cmd("SSCAN", "none", 0) == [b"0", []]
    raw.cmd("SADD", "s", "a")
    assert raw.cmd("SSCAN", "s", "x") == "ERR invalid cursor"
    assert raw.cmd("SSCAN", "s", 0, "COUNT", 0) == SYNTAX
    assert raw.cmd("SSCAN", "s", 0, "NOSUCH") == SYNTAX


# ---- forms ----

def test_encoding(raw, config):
    if b"redis_version:7.0." in raw.cmd("INFO", "server"):
        pytest.skip("Redis 7.0 has no packed sets of words")
    raw.cmd("SADD", "s", *range(512))
    assert encoding(raw) == b"intset"
    raw.cmd("SADD", "s", 512)
    assert encoding(raw) == b"hashtable"
    raw.cmd("SADD", "few", 1, 2, 3)
    assert encoding(raw, "few") == b"intset"
    raw.cmd("SADD", "few", "x")
    assert encoding(raw, "few") == b"listpack"
    raw.cmd("SADD", "few", "x" * 64)
    assert encoding(raw, "few") == b"listpack"
    raw.cmd("SADD", "few", "x" * 65)
    assert encoding(raw, "few") == b"hashtable"
    raw.cmd("SADD", "words", *["w%d" % i for i in range(128)])
    assert encoding(raw, "words") == b"listpack"
    raw.cmd("SADD", "words", "one more")
    assert encoding(raw, "words") == b"hashtable"
    # So many might come that no packed form would do.
    raw.cmd("SADD", "wide", *["a"] * 129)
    assert encoding(raw, "wide") == b"hashtable"
    assert raw.cmd("SCARD", "wide") == 1
    raw.cmd("SADD", "wide numbers", *[1] * 512)
    assert encoding(raw, "wide numbers") == b"intset"
    raw.cmd("SADD", "wide numbers", *[1] * 513)
    assert encoding(raw, "wide numbers") == b"hashtable"
    raw.cmd("SADD", "mixed", 1, *["a"] * 200)
    assert encoding(raw, "mixed") == b"listpack"
    # No number to us: it has a sign or a zero too many.
    for word in ("+1", "01", "-0", "9223372036854775808"):
        raw.cmd("SADD", word, word)
        assert encoding(raw, word) == b"listpack"
    config("set-max-intset-entries", "3")
    raw.cmd("SADD", "four", 1, 2, 3)
    assert encoding(raw, "four") == b"intset"
    raw.cmd("SADD", "four", 4)
    assert encoding(raw, "four") == b"hashtable"
    config("set-max-intset-entries", "0")
    raw.cmd("SADD", "one", 1)
    assert encoding(raw, "one") == b"listpack"
