"""Strings over the wire: every command and option, the exact replies and errors.

Tables of commands and replies first, one connection each; then what needs
memory, time or chance: large values, deadlines, LCS against a model.
"""
import random
import time

import pytest

from rawconn import ReplyError, Simple

OK = Simple(b"OK")
SYNTAX = "ERR syntax error"
NOT_INT = "ERR value is not an integer or out of range"
NOT_FLOAT = "ERR value is not a valid float"
WRONGTYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OVERFLOW = "ERR increment or decrement would overflow"
INT64_MAX = 2 ** 63 - 1
INT64_MIN = -2 ** 63
STRING_MAX = 512 * 1024 * 1024


def expire_error(command):
    return "ERR invalid expire time in '%s' command" % command


def arity_error(command):
    return "ERR wrong number of arguments for '%s' command" % command


def run(raw, *steps):
    """Each step: the words of a command in one string (or a list of them), and
    its reply."""
    for words, reply in steps:
        args = words.split() if isinstance(words, str) else words
        got = raw.cmd(*args)
        assert got == reply, (words, got, reply)
        assert isinstance(got, ReplyError) == isinstance(reply, str), words
        assert isinstance(got, Simple) == isinstance(reply, Simple), words


# ---- SET and GET ----

def test_set_plain(raw):
    run(raw, ("GET k", None), ("SET k v", OK), ("GET k", b"v"),
        (["SET", "k", ""], OK), ("GET k", b""), ("STRLEN k", 0),
        (["SET", "k\0\r\n", "a\0b\r\n"], OK), (["GET", "k\0\r\n"], b"a\0b\r\n"),
        (["SET", "", "empty"], OK), (["GET", ""], b"empty"))


def test_set_conditions(raw):
    run(raw, ("SET k v XX", None), ("GET k", None), ("SET k v NX", OK),
        ("SET k w NX", None), ("SET k w nx", None), ("GET k", b"v"),
        ("SET k w XX", OK), ("GET k", b"w"), ("SET k w NX XX", SYNTAX),
        ("SET k w NX NX", None), ("SET k w FOO", SYNTAX))


def test_set_get(raw):
    run(raw, ("SET k v GET", None), ("SET k w GET", b"v"),
        ("SET k x NX GET", b"w"), ("GET k", b"w"), ("SET k x XX GET", b"w"),
        ("SET m x XX GET", None), ("EXISTS m", 0), ("SET m x NX GET", None),
        ("GET m", b"x"), ("SET n 12 GET", None), ("SET n 13 GET", b"12"),
        ("GETSET k y", b"x"), ("GETSET new y", None))


def test_set_expiry_errors(raw):
    bad = expire_error("set")
    run(raw, ("SET k v EX 0", bad), ("SET k v EX -1", bad),
        ("SET k v PX 0", bad), ("SET k v EXAT -1", bad), ("SET k v PXAT 0", bad),
        ("SET k v EX abc", NOT_INT), ("SET k v EX 1.5", NOT_INT),
        (["SET", "k", "v", "EX", ""], NOT_INT), ("SET k v EX", SYNTAX),
        ("SET k v EX %d" % INT64_MAX, bad), ("SET k v PX %d" % INT64_MAX, bad),
        ("SET k v EX %d" % (INT64_MAX // 1000), bad),
        ("SET k v EXAT %d" % INT64_MAX, bad), ("SET k v EX 9" + "0" * 30, NOT_INT),
        ("SET k v EX abc FOO", SYNTAX), ("SET k v KEEPTTL EX 10", SYNTAX),
        ("SET k v EX 10 KEEPTTL", SYNTAX), ("SET k v EX 10 PX 10", SYNTAX),
        ("SET k v PERSIST", SYNTAX), ("EXISTS k", 0),
        ("SET k v XX EX 0", bad), ("SET k v GET EX 0", bad),
        ("SET k v EX 10 EX 20", OK), ("TTL k", 20))


def test_set_expiry(raw):
    run(raw, ("SET k v EX 100", OK), ("TTL k", 100), ("SET k w KEEPTTL", OK),
        ("TTL k", 100), ("GET k", b"w"), ("SET k v", OK), ("TTL k", -1),
        ("SET k v KEEPTTL", OK), ("TTL k", -1), ("SET new v KEEPTTL", OK),
        ("TTL new", -1), ("SET k v PX 100000 NX", None), ("TTL k", -1),
        ("SETEX k 50 a", OK), ("TTL k", 50), ("PSETEX k 70000 b", OK),
        ("TTL k", 70), ("GET k", b"b"), ("SETNX k v", 0), ("TTL k", 70),
        ("GETSET k v", b"b"), ("TTL k", -1))
    at = int(time.time()) + 1000
    run(raw, ("SET k v EXAT %d" % at, OK), ("EXPIRETIME k", at),
        ("SET k v PXAT %d" % (at * 1000 + 7), OK),
        ("PEXPIRETIME k", at * 1000 + 7))


def test_set_in_the_past(raw):
    run(raw, ("SET k v", OK), ("SET k w EXAT 1", OK), ("EXISTS k", 0),
        ("GET k", None), ("SET k v", OK), ("SET k w PXAT 1 GET", b"v"),
        ("EXISTS k", 0), ("DBSIZE", 0))


def test_setex_errors(raw):
    run(raw, ("SETEX k 0 v", expire_error("setex")),
        ("SETEX k -5 v", expire_error("setex")),
        ("SETEX k %d v" % INT64_MAX, expire_error("setex")),
        ("PSETEX k 0 v", expire_error("psetex")), ("SETEX k a v", NOT_INT),
        ("SETEX k 1", arity_error("setex")), ("EXISTS k", 0))


def test_set_expires(raw):
    run(raw, ("SET k v PX 30", OK), ("SET stays v", OK))
    end = time.monotonic() + 10
    while raw.cmd("GET", "k") is not None:
        assert time.monotonic() < end
    run(raw, ("SET k w KEEPTTL", OK), ("TTL k", -1), ("GET stays", b"v"))


def test_set_ifeq(raw, server):
    if server.is_redis:
        pytest.skip("IFEQ is not an option of this peer")
    run(raw, ("SET k v IFEQ v", None), ("EXISTS k", 0), ("SET k v", OK),
        ("SET k w IFEQ x", None), ("SET k w IFEQ v", OK), ("GET k", b"w"),
        ("SET k x IFEQ w GET", b"w"), ("SET k y IFEQ w GET", b"x"),
        ("GET k", b"x"), ("SET k v IFEQ x EX 100", OK), ("TTL k", 100),
        ("SET k 12 IFEQ v KEEPTTL", OK), ("SET k 13 IFEQ 12", OK),
        ("SET k v NX IFEQ 13", SYNTAX), ("SET k v IFEQ 13 XX", SYNTAX),
        ("SET k v IFEQ", SYNTAX),
        ("SET missing v IFEQ a GET", None), ("EXISTS missing", 0))


def test_delifeq(raw, server):
    if server.is_redis:
        pytest.skip("not a command of this peer")
    run(raw, ("DELIFEQ k v", 0), ("SET k abc", OK), ("DELIFEQ k ab", 0),
        ("DELIFEQ k abc", 1), ("EXISTS k", 0), ("SET k 12", OK),
        ("DELIFEQ k 012", 0), ("DELIFEQ k 12", 1),
        ("DELIFEQ k", arity_error("delifeq")))


def test_getdel(raw):
    run(raw, ("GETDEL k", None), ("SET k v", OK), ("GETDEL k", b"v"),
        ("EXISTS k", 0), (["SET", "big", "x" * 100000], OK),
        ("GETDEL big", b"x" * 100000), ("DBSIZE", 0))


def test_getex(raw):
    bad = expire_error("getex")
    run(raw, ("GETEX k", None), ("GETEX k EX 0", None), ("GETEX k EX abc", None),
        ("GETEX k PERSIST EX 10", SYNTAX), ("SET k v", OK), ("GETEX k", b"v"),
        ("GETEX k EX 100", b"v"), ("TTL k", 100), ("GETEX k", b"v"),
        ("TTL k", 100), ("GETEX k PERSIST", b"v"), ("TTL k", -1),
        ("GETEX k PERSIST", b"v"), ("GETEX k PX 50000", b"v"), ("TTL k", 50),
        ("GETEX k EX 0", bad), ("GETEX k PX -1", bad), ("GETEX k EX x", NOT_INT),
        ("GETEX k KEEPTTL", SYNTAX), ("GETEX k NX", SYNTAX), ("TTL k", 50),
        ("GETEX k EXAT 1", b"v"), ("EXISTS k", 0))


# ---- several keys ----

def test_mset_mget(raw):
    run(raw, ("MSET a 1 b 2 a 3", OK), ("MGET a b c", [b"3", b"2", None]),
        ("MSET a", arity_error("mset")), ("MSET a 1 b", arity_error("mset")),
        ("MSETNX c 1 d", arity_error("msetnx")), ("MSETNX c 1 a 2", 0),
        ("EXISTS c", 0), ("MSETNX c 1 c 2 d 3", 1), ("MGET c d", [b"2", b"3"]),
        ("EXPIRE a 100", 1), ("MSET a 1 l 2", OK), ("TTL a", -1),
        ("GET l", b"2"), ("MGET", arity_error("mget")))


def test_mset_many(raw):
    count = 2000
    pairs = [str(x) for i in range(count) for x in ("k%d" % i, i)]
    run(raw, (["MSET"] + pairs, OK), ("DBSIZE", count),
        (["MGET"] + pairs[::2], [b"%d" % i for i in range(count)]),
        (["MSETNX"] + pairs, 0))


def test_msetex(raw, server):
    if server.is_redis:
        pytest.skip("not a command of this peer")
    bad = expire_error("msetex")
    at = int(time.time()) + 1000
    run(raw, ("MSETEX 2 a 1 b 2", 1), ("MGET a b", [b"1", b"2"]),
        ("MSETEX 2 a 3 b 4 EX 100", 1), ("TTL a", 100), ("TTL b", 100),
        ("MSETEX 2 a 5 c 6 NX", 0), ("MSETEX 2 a 5 c 6 XX", 0),
        ("MGET a b c", [b"3", b"4", None]), ("MSETEX 2 a 5 b 6 XX KEEPTTL", 1),
        ("TTL a", 100), ("MSETEX 2 a 7 b 8", 1), ("TTL a", -1),
        ("MSETEX 2 d 7 e 8 NX PXAT %d" % (at * 1000), 1), ("EXPIRETIME d", at),
        ("MSETEX 1 a 1 EXAT 1", 1), ("EXISTS a", 0),
        ("MSETEX 1 f 1 EX 0", bad), ("MSETEX 1 f 1 EX a", NOT_INT),
        ("MSETEX 1 f 1 EX", SYNTAX), ("MSETEX 1 f 1 NX XX", SYNTAX),
        ("MSETEX 1 f 1 GET", SYNTAX), ("MSETEX 1 f 1 g 2", SYNTAX),
        ("EXISTS f", 0))
    for count in ["0", "-1", "x", "3", "2147483648", "9" * 30]:
        assert isinstance(raw.cmd("MSETEX", count, "f", "1"), ReplyError)
    run(raw, ("EXISTS f", 0))


# ---- numbers ----

def test_incr(raw):
    run(raw, ("INCR n", 1), ("DECR n", 0), ("DECR n", -1), ("INCRBY n 11", 10),
        ("DECRBY n 3", 7), ("GET n", b"7"), ("OBJECT ENCODING n", b"int"),
        ("INCRBY n a", NOT_INT), ("INCRBY n 1.0", NOT_INT),
        (["INCRBY", "n", " 1"], NOT_INT), (["INCRBY", "n", ""], NOT_INT),
        ("INCRBY n +1", NOT_INT), ("INCRBY n -0", NOT_INT),
        ("INCRBY n 01", NOT_INT), ("GET n", b"7"), ("EXPIRE n 100", 1),
        ("INCR n", 8), ("TTL n", 100))


@pytest.mark.parametrize("text", ["abc", "", " 5", "5 ", "05", "+5", "-0", "1.0",
                                  "0x10", "9223372036854775808", "5\0"])
def test_incr_of_no_integer(raw, text):
    run(raw, (["SET", "n", text], OK), ("INCR n", NOT_INT),
        ("DECRBY n 1", NOT_INT), ("GET n", text.encode()))


def test_incr_bounds(raw):
    run(raw, ("SET n %d" % INT64_MAX, OK), ("INCR n", OVERFLOW),
        ("INCRBY n %d" % INT64_MIN, -1), ("SET n %d" % INT64_MIN, OK),
        ("DECR n", OVERFLOW), ("DECRBY n %d" % INT64_MAX, OVERFLOW),
        ("DECRBY n %d" % INT64_MIN, "ERR decrement would overflow"),
        ("INCRBY n %d" % INT64_MAX, -1), ("INCRBY n %d" % (INT64_MAX + 1), NOT_INT))


def test_incr_of_edited(raw):
    run(raw, ("SET n 1", OK), ("APPEND n 0", 2), ("OBJECT ENCODING n", b"raw"),
        ("INCR n", 11), ("OBJECT ENCODING n", b"int"), ("SETRANGE n 0 9", 2),
        ("OBJECT ENCODING n", b"raw"), ("DECR n", 90))


def test_incrbyfloat(raw):
    unfit = "ERR increment would produce NaN or Infinity"
    run(raw, ("INCRBYFLOAT f 1.5", b"1.5"), ("INCRBYFLOAT f -1.5", b"0"),
        ("SET f 10.50", OK), ("INCRBYFLOAT f 0.1", b"10.6"),
        ("INCRBYFLOAT f -5", b"5.6"), ("SET f 3.0e3", OK),
        ("INCRBYFLOAT f 200", b"3200"), ("INCRBYFLOAT f 0x10", b"3216"),
        ("INCRBYFLOAT f abc", NOT_FLOAT), ("INCRBYFLOAT f nan", NOT_FLOAT),
        (["INCRBYFLOAT", "f", ""], NOT_FLOAT),
        (["INCRBYFLOAT", "f", " 1"], NOT_FLOAT), ("INCRBYFLOAT f inf", unfit),
        ("INCRBYFLOAT f -inf", unfit), ("GET f", b"3216"), ("SET f abc", OK),
        ("INCRBYFLOAT f 1", NOT_FLOAT), ("SET f 1", OK), ("EXPIRE f 100", 1),
        ("INCRBYFLOAT f 1e15", b"1000000000000001"), ("TTL f", 100),
        ("SET f 1e4932", OK), ("INCRBYFLOAT f 1e4932", unfit))
    raw.cmd("SET", "f", "1e4931")
    digits = raw.cmd("INCRBYFLOAT", "f", "1e4931")
    assert len(digits) == 4932 and digits.startswith(b"2000000000000000000")
    assert raw.cmd("GET", "f") == digits


# ---- parts ----

def test_append(raw):
    run(raw, ("APPEND k abc", 3), ("APPEND k def", 6), ("GET k", b"abcdef"),
        (["APPEND", "k", ""], 6), (["APPEND", "new", ""], 0), ("EXISTS new", 1),
        ("EXPIRE k 100", 1), ("APPEND k g", 7), ("TTL k", 100),
        ("APPEND i 10", 2), ("OBJECT ENCODING i", b"int"), ("APPEND i 1", 3),
        ("OBJECT ENCODING i", b"raw"))


def test_append_many(raw):
    want = b""
    for i in range(3000):
        part = b"%d," % i
        want += part
        assert raw.cmd("APPEND", "k", part) == len(want)
    assert raw.cmd("GET", "k") == want


def test_setrange(raw):
    run(raw, (["SETRANGE", "k", "0", ""], 0), ("EXISTS k", 0),
        (["SETRANGE", "k", "600000000", ""], 0), ("SETRANGE k 3 abc", 6),
        ("GET k", b"\0\0\0abc"), ("SETRANGE k 0 xy", 6), ("GET k", b"xy\0abc"),
        (["SETRANGE", "k", "600000000", ""], 6), ("SETRANGE k 6 z", 7),
        ("SETRANGE k -1 x", "ERR offset is out of range"),
        ("SETRANGE k a x", NOT_INT), ("SETRANGE k %d x" % STRING_MAX, TOO_LONG),
        ("SETRANGE k %d xx" % (STRING_MAX - 1), TOO_LONG),
        ("SETRANGE k %d x" % INT64_MAX, TOO_LONG),
        ("SETRANGE k %d x" % (INT64_MAX + 1), NOT_INT), ("STRLEN k", 7),
        ("SET i 1234", OK), ("SETRANGE i 1 99", 4), ("GET i", b"1994"),
        ("OBJECT ENCODING i", b"raw"), ("EXPIRE i 100", 1),
        ("SETRANGE i 0 2", 4), ("TTL i", 100))


def test_getrange(raw):
    run(raw, (["SET", "k", "Hello World"], OK), ("GETRANGE k 0 -1", b"Hello World"),
        ("GETRANGE k -3 -1", b"rld"), ("GETRANGE k 5 2", b""),
        ("GETRANGE k 100 200", b""), ("GETRANGE k -100 -200", b""),
        ("GETRANGE k -1 -100", b""), ("GETRANGE k -100 0", b"H"),
        ("GETRANGE k 0 %d" % INT64_MAX, b"Hello World"),
        ("GETRANGE k %d %d" % (INT64_MIN, INT64_MAX), b"Hello World"),
        ("GETRANGE k %d %d" % (INT64_MAX, INT64_MIN), b""),
        ("SUBSTR k 0 3", b"Hell"), ("GETRANGE k 0 x", NOT_INT),
        ("GETRANGE missing 0 -1", b""), ("GETRANGE missing a 0", NOT_INT),
        ("SET i 12345", OK), ("GETRANGE i 1 -2", b"234"),
        (["SET", "e", ""], OK), ("GETRANGE e 0 -1", b""),
        ("STRLEN k", 11), ("STRLEN i", 5), ("STRLEN missing", 0))


def test_large_values(raw):
    """Values that replies may borrow: they must not change under a reply."""
    chance = random.Random(5)
    size = 3 << 20
    first, second = chance.randbytes(size), chance.randbytes(size)
    raw.cmd("SET", "k", first)
    got = raw.pipeline([
        ["GET", "k"], ["SETRANGE", "k", "0", second], ["GET", "k"],
        ["SET", "k", first, "GET"], ["GETRANGE", "k", "10", "-10"],
        ["APPEND", "k", "x"], ["GETDEL", "k"], ["GET", "k"]])
    assert got == [first, size, second, second, first[10:-9], size + 1,
                   first + b"x", None]


def test_longest_string(raw):
    """The last byte a string may have; the next one is refused."""
    run(raw, ("SETRANGE k %d x" % (STRING_MAX - 1), STRING_MAX),
        ("STRLEN k", STRING_MAX), ("APPEND k y", TOO_LONG),
        (["APPEND", "k", ""], STRING_MAX), ("GETRANGE k -2 -1", b"\0x"),
        ("DEL k", 1))


# ---- LCS ----

def lcs_model(a, b):
    """Length, text and runs as LCS answers them."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else \
                max(table[i][j + 1], table[i + 1][j])
    i, j, text, runs, length = len(a), len(b), b"", [], 0
    while i > 0 and j > 0:
        if a[i - 1] == b[j - 1]:
            i, j, length = i - 1, j - 1, length + 1
            text = a[i:i + 1] + text
            if i > 0 and j > 0 and a[i - 1] == b[j - 1]:
                continue
            runs.append([[i, i + length - 1], [j, j + length - 1], length])
            length = 0
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return table[-1][-1], text, runs


def test_lcs(raw):
    runs = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
    run(raw, ("LCS a b", b""), ("LCS a b LEN", 0),
        ("LCS a b IDX", [b"matches", [], b"len", 0]),
        ("MSET a ohmytext b mynewtext", OK), ("LCS a b", b"mytext"),
        ("LCS a b LEN", 6), ("LCS a b IDX", [b"matches", runs, b"len", 6]),
        ("LCS a b IDX MINMATCHLEN 4", [b"matches", runs[:1], b"len", 6]),
        ("LCS a b IDX MINMATCHLEN -1", [b"matches", runs, b"len", 6]),
        ("LCS a b IDX MINMATCHLEN 9", [b"matches", [], b"len", 6]),
        ("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
         [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6]),
        ("LCS a b LEN IDX", "ERR If you want both the length and indexes, "
                            "please just use IDX."),
        ("LCS a b FOO", SYNTAX), ("LCS a b MINMATCHLEN", SYNTAX),
        ("LCS a b MINMATCHLEN x", NOT_INT), ("LCS a", arity_error("lcs")),
        ("LCS a a", b"ohmytext"), ("MSET i 12345 j 2244", OK), ("LCS i j", b"24"))


def test_lcs_model(raw):
    chance = random.Random(7)
    for _ in range(150):
        letters = b"abcdefgh"[:chance.randint(1, 8)]
        a, b = (bytes(chance.choices(letters, k=chance.randint(0, 40)))
                for _ in range(2))
        raw.cmd("MSET", "a", a, "b", b)
        length, text, runs = lcs_model(a, b)
        assert raw.cmd("LCS", "a", "b", "LEN") == length, (a, b)
        assert raw.cmd("LCS", "a", "b") == text, (a, b)
        assert raw.cmd("LCS", "a", "b", "IDX", "WITHMATCHLEN") == \
            [b"matches", runs, b"len", length], (a, b)


def test_lcs_resp3(raw):
    raw.cmd("HELLO", 3)
    raw.cmd("MSET", "a", "xay", "b", "a")
    assert raw.cmd("LCS", "a", "b", "IDX") == \
        {b"matches": [[[1, 1], [0, 0]]], b"len": 1}


def test_lcs_limits(raw):
    """A table of 2^27 lengths is the limit, whatever its shape."""
    over = ("ERR Insufficient memory, transient memory for LCS exceeds "
            "proto-max-bulk-len")
    raw.cmd("SETRANGE", "a", 1 << 20, "x")
    raw.cmd("SETRANGE", "b", 200, "x")
    raw.cmd("SET", "c", "x" * 100)
    run(raw, ("LCS a b LEN", over), ("LCS a b", over), ("LCS b a IDX", over),
        ("LCS a c LEN", 1), ("LCS c a", b"x"))


# ---- keys of another type ----

@pytest.fixture
def list_key(raw):
    """A list under the key l."""
    reply = raw.cmd("RPUSH", "l", "a")
    if isinstance(reply, ReplyError) and "unknown command" in reply.text:
        pytest.skip("this server has no lists")
    assert reply == 1
    yield "l"


def test_wrong_type(raw, list_key):
    lcs = "ERR The specified keys must contain string values"
    refused = ["GET l", "SET l v GET", "SET l v NX GET", "GETSET l v", "GETDEL l",
               "GETEX l", "GETEX l EX 10", "INCR l", "DECR l", "INCRBY l 1",
               "DECRBY l 1", "INCRBYFLOAT l 1", "INCRBYFLOAT l x", "APPEND l x",
               "SETRANGE l 0 x", "GETRANGE l 0 1", "STRLEN l"]
    run(raw, *[(words, WRONGTYPE) for words in refused])
    run(raw, (["SETRANGE", "l", "0", ""], WRONGTYPE), ("LCS l l", lcs),
        ("LCS missing l FOO", lcs), ("INCRBY l a", NOT_INT),
        ("GETRANGE l a b", NOT_INT), ("SETRANGE l a b", NOT_INT),
        ("SET l v NX", None), ("SETNX l v", 0), ("MSETNX a 1 l 2", 0),
        ("MGET l missing", [None, None]), ("LLEN l", 1), ("EXISTS a", 0))


def test_overwritten_type(raw, list_key):
    run(raw, ("SET l v", OK), ("GET l", b"v"), ("DEL l", 1), ("RPUSH l a", 1),
        ("SET l v XX", OK), ("GET l", b"v"), ("DEL l", 1), ("RPUSH l a", 1),
        ("MSET l v", OK), ("GET l", b"v"), ("DEL l", 1), ("RPUSH l a", 1),
        ("SETEX l 10 v", OK), ("GET l", b"v"))


def test_wrong_type_of_new_commands(raw, server, list_key):
    if server.is_redis:
        pytest.skip("not commands of this peer")
    run(raw, ("SET l v IFEQ a", WRONGTYPE), ("DELIFEQ l a", WRONGTYPE),
        ("LLEN l", 1), ("MSETEX 1 l v EX 10", 1), ("GET l", b"v"))
