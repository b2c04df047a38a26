"""Bitmaps over the wire: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP, BITFIELD.

Exact replies and errors in tables, then each command against a model in which a
string of bytes is one large number.
"""
import random

import pytest

from test_string import (INT64_MAX, INT64_MIN, NOT_INT, OK, STRING_MAX, SYNTAX,
                         WRONGTYPE, arity_error, list_key, run)

OFFSET = "ERR bit offset is not an integer or out of range"
BIT = "ERR bit is not an integer or out of range"
TYPE = ("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is "
        "not supported but i64 is.")
BIT_MAX = STRING_MAX * 8 - 1


def bits_of(value):
    return "".join("{:08b}".format(byte) for byte in value)


# ---- SETBIT, GETBIT ----

def test_setbit(raw):
    run(raw, ("SETBIT k 7 1", 0), ("SETBIT k 7 1", 1), ("SETBIT k 7 0", 1),
        ("GET k", b"\0"), ("SETBIT k 9 1", 0), ("GET k", b"\0\x40"),
        ("SETBIT new 3 0", 0), ("GET new", b"\0"), ("GETBIT k 9", 1),
        ("GETBIT k 8", 0), ("GETBIT k 100", 0), ("GETBIT k %d" % BIT_MAX, 0),
        ("GETBIT missing 5", 0), ("SET i 1", OK), ("GETBIT i 2", 1),
        ("SETBIT i 6 1", 0), ("GET i", b"3"), ("OBJECT ENCODING i", b"raw"),
        ("EXPIRE i 100", 1), ("SETBIT i 100 1", 0), ("TTL i", 100))


@pytest.mark.parametrize("offset", [
    "-1", "a", "", "1.0", " 1", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808"])
def test_bad_offsets(raw, server, offset):
    run(raw, (["SETBIT", "k", offset, "1"], OFFSET),
        (["GETBIT", "k", offset], OFFSET),
        (["BITFIELD", "k", "GET", "u8", offset], OFFSET))
    if not server.is_redis or offset != str(INT64_MIN):
        # The peer multiplies that one without a look at overflow.
        run(raw, (["BITFIELD", "k", "SET", "u8", "#" + offset, "1"], OFFSET))
        run(raw, ("EXISTS k", 0))


def test_setbit_bad_bits(raw):
    for bit in ["2", "-1", "a", "", "4294967296", str(INT64_MIN)]:
        run(raw, (["SETBIT", "k", "0", bit], BIT))
    run(raw, ("SETBIT k a 2", OFFSET), ("EXISTS k", 0))


def test_last_bit(raw):
    run(raw, ("SETBIT k %d 1" % BIT_MAX, 0), ("STRLEN k", STRING_MAX),
        ("GETBIT k %d" % BIT_MAX, 1), ("BITCOUNT k", 1),
        ("BITPOS k 1", BIT_MAX), ("DEL k", 1))


# ---- BITCOUNT, BITPOS ----

def test_bitcount(raw, server):
    run(raw, ("BITCOUNT k", 0), ("BITCOUNT k 0 -1", 0), ("SET k foobar", OK),
        ("BITCOUNT k", 26), ("BITCOUNT k 0 0", 4),
        # Redis has no range without an end; Valkey has had it since 8.0.
        ("BITCOUNT k 1", SYNTAX if server.is_redis else 22),
        ("BITCOUNT k 5 30 BIT", 17), ("BITCOUNT k -2 -1", 7),
        ("BITCOUNT k 1 1 byte", 6), ("BITCOUNT k 3 1", 0),
        ("BITCOUNT k -1 -3", 0), ("BITCOUNT k -100 -200 BIT", 0),
        ("BITCOUNT k %d %d" % (INT64_MIN, INT64_MAX), 26),
        ("BITCOUNT k %d %d BIT" % (INT64_MAX, INT64_MIN), 0),
        ("BITCOUNT k a 1", NOT_INT), ("BITCOUNT k 0 1 BITS", SYNTAX),
        ("BITCOUNT k 0 0 BIT BYTE", SYNTAX), ("SET i 12345", OK),
        ("BITCOUNT i", 17), (["SET", "e", ""], OK), ("BITCOUNT e", 0))


def test_bitpos(raw):
    run(raw, ("BITPOS k 1", -1), ("BITPOS k 0", 0), ("BITPOS k 0 5 6", 0),
        ("BITPOS k 2", "ERR The bit argument must be 1 or 0."),
        ("BITPOS k a", NOT_INT), (["SET", "k", b"\xff\xff\xff"], OK),
        ("BITPOS k 0", 24), ("BITPOS k 0 1", 24), ("BITPOS k 0 0 -1", -1),
        ("BITPOS k 0 3", -1), ("BITPOS k 0 0 -1 BIT", -1),
        ("BITPOS k 1 5 7 BIT", 5), ("BITPOS k 0 5 100 BIT", -1),
        ("BITPOS k 1 -100 -200", 0), ("BITPOS k 1 2 1", -1),
        ("BITPOS k 1 0 1 FOO", SYNTAX), ("BITPOS k 1 0 1 BIT x", SYNTAX),
        ("BITPOS k 1 x", NOT_INT))


def range_model(start, end, length):
    start = max(start + length if start < 0 else start, 0)
    end = max(end + length if end < 0 else end, 0)
    return start, min(end, length - 1)


def test_ranges_model(raw):
    chance = random.Random(11)
    for _ in range(400):
        size = chance.choice([0, 1, 3, 8, 9, 40, 100])
        filler = chance.choice([b"\0", b"\xff", None])
        value = filler * size if filler else chance.randbytes(size)
        if size and chance.random() < 0.5:
            value = bytearray(value)
            value[chance.randrange(size)] ^= 1 << chance.randrange(8)
        raw.cmd("SET", "k", bytes(value))
        unit = chance.choice(["BYTE", "BIT"])
        step = 8 if unit == "BYTE" else 1
        length = size * 8 // step
        a, b = (chance.randint(-length - 3, length + 3) for _ in range(2))
        bits = bits_of(value)
        start, end = range_model(a, b, length)
        part = bits[start * step:(end + 1) * step] if start <= end else ""
        backwards = a < 0 and b < 0 and a > b
        assert raw.cmd("BITCOUNT", "k", a, b, unit) == \
            (0 if backwards else part.count("1")), (value, a, b, unit)
        for bit in "01":
            found = part.find(bit)
            found = found + start * step if found >= 0 else -1
            assert raw.cmd("BITPOS", "k", bit, a, b, unit) == found, \
                (value, bit, a, b, unit)


# ---- BITOP ----

def test_bitop(raw):
    alone = "ERR BITOP NOT must be called with a single source key."
    run(raw, ("BITOP AND d", arity_error("bitop")), ("BITOP FOO d a", SYNTAX),
        ("BITOP NOT d a b", alone), ("BITOP NOT d a", 0), ("SET d 1", OK),
        ("BITOP NOT d missing", 0), ("EXISTS d", 0), ("MSET a abc b 12", OK),
        ("BITOP and d a b", 3), ("GET d", b"\x21\x22\0"), ("BITOP OR d a b x", 3),
        ("GET d", b"qrc"), ("BITOP XOR d a b", 3), ("GET d", b"\x50\x50c"),
        ("BITOP NOT d a", 3), ("GET d", b"\x9e\x9d\x9c"),
        ("OBJECT ENCODING d", b"raw"), ("BITOP AND d a missing", 3),
        ("GET d", b"\0\0\0"), ("BITOP OR d a", 3), ("GET d", b"abc"),
        ("EXPIRE a 100", 1), ("BITOP OR a a b", 3), ("TTL a", -1),
        ("GET a", b"qrc"), ("EXPIRE d 100", 1), ("BITOP OR d b", 2),
        ("TTL d", -1), ("GET d", b"12"))


def bitop_model(op, values):
    size = max(map(len, values))
    numbers = [int.from_bytes(v.ljust(size, b"\0"), "big") for v in values]
    first, rest = numbers[0], 0
    for number in numbers[1:]:
        rest |= number
    if op == "NOT":
        result = ~first & ((1 << size * 8) - 1)
    elif op in ("DIFF", "DIFF1", "ANDOR"):
        result = {"DIFF": first & ~rest, "DIFF1": rest & ~first,
                  "ANDOR": first & rest}[op]
    elif op == "ONE":
        once = twice = 0
        for number in numbers:
            once, twice = once | number, twice | (once & number)
        result = once & ~twice
    else:
        result = first
        for number in numbers[1:]:
            result = {"AND": result & number, "OR": result | number,
                      "XOR": result ^ number}[op]
    return result.to_bytes(size, "big")


@pytest.mark.parametrize("op", ["AND", "OR", "XOR", "NOT", "DIFF", "DIFF1",
                                "ANDOR", "ONE"])
def test_bitop_model(raw, server, op):
    if server.is_redis and op in ("DIFF", "DIFF1", "ANDOR", "ONE"):
        pytest.skip("not an operation of this peer")
    chance = random.Random(op)
    for _ in range(40):
        count = 1 if op == "NOT" else chance.randint(2, 5)
        size = chance.choice([1, 7, 8, 9, 100, 4096, 4097, 9000])
        values = [chance.randbytes(chance.randint(1, size)) for _ in range(count)]
        names = ["s%d" % i for i in range(count)]
        for name, value in zip(names, values):
            raw.cmd("SET", name, value)
        dest = chance.choice(names + ["d", "d"])
        raw.cmd("SET", "d", chance.randbytes(chance.randint(0, 10000)))
        want = bitop_model(op, values)
        assert raw.cmd("BITOP", op, dest, *names) == len(want)
        assert raw.cmd("GET", dest) == want, (op, dest, values)
        for name, value in zip(names, values):
            assert name == dest or raw.cmd("GET", name) == value


def test_bitop_few_sources(raw, server):
    if server.is_redis:
        pytest.skip("not operations of this peer")
    for op in ("DIFF", "DIFF1", "ANDOR"):
        run(raw, ("SET a abc", OK),
            ("BITOP %s d a" % op,
             "ERR BITOP %s must be called with multiple source keys." % op))
    run(raw, ("BITOP ONE d a", 3), ("GET d", b"abc"))


# ---- BITFIELD ----

@pytest.mark.parametrize("kind", [
    "u64", "u0", "i65", "i0", "x8", "u", "i", "I8", "U8", "u08", "u8x", "i-8",
    "u+8", "", "u99999999999999999999"])
def test_bitfield_bad_types(raw, kind):
    run(raw, (["BITFIELD", "k", "GET", kind, "0"], TYPE),
        (["BITFIELD_RO", "k", "GET", kind, "0"], TYPE),
        (["BITFIELD", "k", "SET", "u8", "0", "1", "SET", kind, "0", "1"], TYPE),
        ("EXISTS k", 0))


def test_bitfield_errors(raw):
    read_only = "ERR BITFIELD_RO only supports the GET subcommand"
    run(raw, ("BITFIELD k GET u8", SYNTAX), ("BITFIELD k SET u8 0", SYNTAX),
        ("BITFIELD k INCRBY i8 0", SYNTAX), ("BITFIELD k FOO", SYNTAX),
        ("BITFIELD k GET u8 0 SET", SYNTAX), ("BITFIELD k OVERFLOW", SYNTAX),
        ("BITFIELD k OVERFLOW FOO", "ERR Invalid OVERFLOW type specified"),
        ("BITFIELD k SET u8 0 a", NOT_INT), ("BITFIELD k INCRBY u8 0 1.5", NOT_INT),
        ("BITFIELD k SET i64 0 9223372036854775808", NOT_INT),
        ("BITFIELD_RO k SET u8 0 1", read_only),
        ("BITFIELD_RO k GET u8 0 INCRBY u8 0 1", read_only),
        ("BITFIELD k GET u8 #536870912", OFFSET), ("BITFIELD k", []),
        ("BITFIELD_RO k", []), ("BITFIELD k OVERFLOW SAT", []), ("EXISTS k", 0))


def test_bitfield(raw):
    run(raw, ("BITFIELD k GET u8 0 GET i64 4294967232", [0, 0]),
        ("BITFIELD k GET i64 4294967233 GET u8 #536870911", [0, 0]),
        ("EXISTS k", 0), ("BITFIELD k OVERFLOW FAIL SET u2 0 9", [None]),
        ("EXISTS k", 1),
        ("BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1 GET u4 #0",
         [1, 1, 0]),
        ("BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", [2, 2]),
        ("BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", [3, 3]),
        ("BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", [0, 3]),
        ("BITFIELD k OVERFLOW FAIL INCRBY u2 102 1", [None]),
        ("BITFIELD k SET i8 0 200 GET i8 0 SET i8 0 -1", [0, -56, -56]),
        ("BITFIELD k OVERFLOW SAT SET i8 0 200 GET i8 0 SET i8 0 -500 GET i8 0 "
         "SET u8 0 -1 GET u8 0", [-1, 127, 127, -128, 128, 255]),
        ("SET i 12", OK), ("BITFIELD i GET u8 0 GET u8 #1 GET u8 #2", [49, 50, 0]),
        ("BITFIELD_RO i GET u8 4", [0x13]),
        ("OBJECT ENCODING i", b"int"), ("EXPIRE i 100", 1),
        ("BITFIELD i SET u8 #2 51", [0]), ("GET i", b"123"), ("TTL i", 100))


class FieldModel:
    """A string as one number, most significant bit first."""

    def __init__(self):
        self.bits = "0" * 512

    def get(self, kind, at):
        width = int(kind[1:])
        value = int(self.bits[at:at + width], 2)
        if kind[0] == "i" and value >> (width - 1):
            value -= 1 << width
        return value

    def put(self, kind, at, value, overflow):
        """False: refused."""
        width = int(kind[1:])
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) \
            if kind[0] == "i" else (0, (1 << width) - 1)
        if not low <= value <= high:
            if overflow == "FAIL":
                return False
            if overflow == "SAT":
                value = min(max(value, low), high)
        value &= (1 << width) - 1
        self.bits = self.bits[:at] + format(value, "0%db" % width) \
            + self.bits[at + width:]
        return True

    def run(self, op, kind, at, value, overflow):
        old = self.get(kind, at)
        if op == "GET":
            return old
        if op == "SET":
            new = value if kind[0] == "i" else value % (1 << 64)
        else:
            new = old + value
        if not self.put(kind, at, new, overflow):
            return None
        return old if op == "SET" else self.get(kind, at)


def test_bitfield_model(raw, server):
    chance = random.Random(13)
    edges = [0, 1, -1, 127, 128, 255, 256, -128, -129, INT64_MAX, INT64_MIN]
    if server.is_redis:
        edges.pop()  # the peer saturates this one upwards
    model = FieldModel()
    for _ in range(500):
        args, want, overflow = [], [], "WRAP"
        for _ in range(chance.randint(1, 5)):
            if chance.random() < 0.4:
                overflow = chance.choice(["WRAP", "SAT", "FAIL"])
                args += ["OVERFLOW", overflow]
            kind = chance.choice(["i%d" % chance.randint(1, 64),
                                  "u%d" % chance.randint(1, 63)])
            width = int(kind[1:])
            at = chance.randrange(512 - 64)
            where = str(at)
            if chance.random() < 0.3:
                at -= at % width
                where = "#%d" % (at // width)
            op = chance.choice(["GET", "SET", "INCRBY"])
            value = chance.choice(edges + [chance.randint(INT64_MIN, INT64_MAX)])
            args += [op, kind, where] + ([value] if op != "GET" else [])
            want.append(model.run(op, kind, at, value, overflow))
        assert raw.cmd("BITFIELD", "k", *args) == want, args
    got = bits_of(raw.cmd("GET", "k"))
    assert model.bits.startswith(got) and "1" not in model.bits[len(got):]


def test_wrong_type(raw, list_key):
    refused = ["SETBIT l 0 1", "GETBIT l 0", "BITCOUNT l", "BITPOS l 1",
               "BITOP OR d l", "BITOP OR d missing l", "BITFIELD l GET u8 0",
               "BITFIELD l SET u8 0 1", "BITFIELD_RO l GET u8 0"]
    run(raw, *[(words, WRONGTYPE) for words in refused])
    run(raw, ("EXISTS d", 0), ("LLEN l", 1), ("SET b 12", OK),
        ("BITOP OR l b", 2), ("GET l", b"12"))
