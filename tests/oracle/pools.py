"""pools: the values that arguments are made of.

Few keys and few members, so that commands meet; numbers at the limits of what
their parsers take; texts that are numbers to one command and not to another. A
pool is chosen by the type and the name that the oracle's COMMAND DOCS gives the
argument; `for_argument` holds the table.
"""
import re

KEYS = [b"a", b"b", b"c", b"{t}1", b"{t}2", b"", b"bin\x00\r\n\xff",
        b"long" * 70, b"z", b"h"]
KEY_WEIGHTS = [8, 8, 6, 4, 3, 1, 2, 1, 2, 2]
# Where the commands of a group mostly find their own type.
HOMES = {"string": [b"a", b""], "bitmap": [b"a", b""],
         "list": [b"b", b"bin\x00\r\n\xff"], "set": [b"c", b"long" * 70],
         "sorted-set": [b"{t}1", b"z"], "hash": [b"{t}2", b"h"]}
HOME_CHANCE = 0.65

MEMBERS = [b"m1", b"m2", b"m3", b"1", b"2", b"-7", b"", b"\xff\x00",
           b"M1", b"3.5", b"w" * 64, b"w" * 65]

INTEGERS = [b"0", b"1", b"2", b"3", b"5", b"10", b"-1", b"-2", b"-3", b"100"]
LIMITS = [b"127", b"128", b"255", b"256", b"-129", b"32767", b"65535",
          b"65536", b"2147483647", b"2147483648", b"-2147483648",
          b"-2147483649", b"4294967295", b"4294967296", b"9223372036854775806",
          b"9223372036854775807", b"-9223372036854775808",
          b"9223372036854775808", b"-9223372036854775809",
          b"18446744073709551615", b"18446744073709551616",
          b"4611686018427387904", b"-4611686018427387905"]
# Texts that are no integers, or none in the form that is asked for.
NOT_INTEGERS = [b"", b"+1", b"01", b"-0", b" 1", b"1 ", b"1.0", b"1e3", b"0x10",
                b"abc", b"--1", b"-", b"1\x00", b"1\r\n", b"99999999999999999999"]

DOUBLES = [b"0", b"1", b"-1", b"1.5", b"-2.25", b"0.1", b"3", b"1e3", b"100",
           b"10.5e-2"]
DOUBLE_LIMITS = [b"inf", b"-inf", b"+inf", b"Infinity", b"1e308", b"-1e308",
                 b"1.7976931348623157e308", b"1e309", b"5e-324", b"1e-400",
                 b"-0", b"-0.0", b"9007199254740993", b"0.30000000000000004",
                 b"1e17", b"123456789012345678", b"1e21", b"1e-7",
                 b"9223372036854775807", b"0x1p3", b".5", b"5."]
NOT_DOUBLES = [b"nan", b"-nan", b"", b" 1", b"1 ", b"abc", b"1,5", b"1.2.3",
               b"e5", b"1e", b"1\x00"]

# Deadlines lie so far away or so far back that no clock matters. Few of
# them are alike, so that GT and LT do not hang on a millisecond.
SOON_S, LATE_S = 1000, 2000000
FAR_UNIX_S = 16725225600  # the year 2500
TIME_ODD = [b"0", b"-1", b"-100", b"9223372036854775807", b"9223372036854775",
            b"-9223372036854775808", b"9223370399119966",
            b"18446744073709551616", b"9223372036854775808", b"4294967296000",
            b"abc", b"", b"1.5", b"+100", b"0100", b" 100"]

PATTERNS = [b"*", b"a*", b"?", b"[a-c]", b"{t}*", b"*1", b"m[12]", b"[^a]",
            b"\\*", b"", b"[", b"\\", b"a", b"[a", b"**", b"*\xff*", b"[c-a]",
            b"M*", b"nomatch", b"h?*", b"w_*", b"*->*"]

WORDS = [b"GET", b"NX", b"XX", b"EX", b"PX", b"KEEPTTL", b"COUNT", b"MATCH",
         b"WITHSCORES", b"LIMIT", b"STORE", b"REPLACE", b"DB", b"GT", b"LT",
         b"CH", b"INCR", b"ASYNC", b"SYNC", b"TYPE", b"LEN", b"IDX", b"BIT",
         b"BYTE", b"LEFT", b"BEFORE", b"NOSUCH", b"foo", b"ASC", b"ALPHA",
         b"BYSCORE", b"BYLEX", b"REV", b"WEIGHTS", b"AGGREGATE", b"FIELDS",
         b"~", b"=", b"MAXLEN", b"MINID", b"*", b"$", b">", b"+", b"-"]

ENCODINGS = [b"u8", b"i5", b"u1", b"i64", b"u63", b"i8", b"u16", b"i1", b"u4"]
ODD_ENCODINGS = [b"u64", b"i65", b"u0", b"i0", b"x8", b"8", b"u", b"", b"U8",
                 b"u-1", b"i99999999999", b"u08", b"u8 "]
OFFSETS = [b"0", b"1", b"7", b"8", b"9", b"15", b"100", b"#0", b"#1", b"#3",
           b"1000", b"8191"]
ODD_OFFSETS = [b"-1", b"#-1", b"8388607", b"8388608", b"8388600", b"1048576",
               b"1048575", b"4294967295", b"4294967296", b"#9223372036854775807",
               b"9223372036854775807", b"#", b"abc", b"", b"#1048576"]

STREAM_IDS = [b"1-1", b"2-1", b"2-2", b"3", b"5-0", b"10-1", b"1-*", b"5-*"]
ODD_STREAM_IDS = [b"0-0", b"0", b"-", b"+", b"$", b">", b"(1-1", b"1-", b"x",
                  b"18446744073709551615-18446744073709551615",
                  b"18446744073709551616-1", b"1-1-1", b""]
LEX_ENDS = [b"-", b"+", b"[m1", b"(m1", b"[m3", b"[", b"(", b"[\xff", b"[1"]
ODD_LEX_ENDS = [b"m1", b"", b"-1", b"+x"]
SCORE_ENDS = [b"-inf", b"+inf", b"0", b"(0", b"1", b"(1", b"3", b"(inf", b"1e3",
              b"-1"]
ODD_SCORE_ENDS = [b"(", b"abc", b"", b"(nan", b" 1", b"1 ", b"1e400", b"((1"]
# Of every kind of range there is.
ANY_ENDS = [b"0", b"1", b"-1", b"2", b"-2", b"3"]
# A negative one that is large is answered with as many elements.
DRAW_COUNTS = INTEGERS + [b"-20"]
ODD_DRAW_COUNTS = [b"9223372036854775807", b"-9223372036854775808",
                   b"4611686018427387904", b"9223372036854775808"]
TYPES = [b"string", b"list", b"set", b"zset", b"hash", b"stream", b"STRING",
         b"foo", b""]
BITOPS = [b"AND", b"OR", b"XOR", b"NOT", b"and", b"not", b"NAND", b""]
NAMES = [b"g1", b"g2", b"c1", b"name", b"", b"with space", b"x\ny", b"\xff"]
SCRIPTS = [b"return 1", b"return KEYS[1]", b"return redis.call('get',KEYS[1])",
           b"return {1,2,ARGV[1]}", b"return redis.error_reply('no')", b"syntax("]


class Pools:
    """The pools over one source of randomness."""

    def __init__(self, random):
        self.random = random

    def mix(self, usual, *odd, chance=0.12):
        """One of the usual ones, or now and then one of the others."""
        if odd and self.random.random() < chance:
            return self.random.choice(self.random.choice(odd))
        return self.random.choice(usual)

    def key(self):
        return self.random.choices(KEYS, KEY_WEIGHTS)[0]

    def key_of(self, group):
        if group in HOMES and self.random.random() < HOME_CHANCE:
            return self.random.choice(HOMES[group])
        return self.key()

    def value(self):
        draw = self.random.random()
        if draw < 0.30:
            return self.random.choice(MEMBERS)
        if draw < 0.55:
            return self.mix(INTEGERS, LIMITS, NOT_INTEGERS, chance=0.5)
        if draw < 0.70:
            return self.mix(DOUBLES, DOUBLE_LIMITS, NOT_DOUBLES, chance=0.5)
        if draw < 0.85:
            length = self.random.choice([1, 2, 8, 20, 43, 44, 45, 64, 100, 300])
            return bytes([self.random.randrange(256)]) * length
        if draw < 0.98:
            return b"value-%d" % self.random.randrange(100)
        return self.random.choice([b"x", b"ab", b"\x00"]) * (1 << 16)

    def member(self):
        if self.random.random() < 0.03:
            return self.value()
        return self.random.choice(MEMBERS)

    def integer(self):
        return self.mix(INTEGERS, LIMITS, NOT_INTEGERS, chance=0.25)

    def small(self):
        return self.mix(INTEGERS, LIMITS, NOT_INTEGERS, chance=0.15)

    def double(self):
        return self.mix(DOUBLES, DOUBLE_LIMITS, NOT_DOUBLES, chance=0.25)

    def delay(self, unit):
        """A time to live; unit is how many of them a second has."""
        if self.random.random() < 0.2:
            return self.random.choice(TIME_ODD)
        return b"%d" % (self.random.randrange(SOON_S, LATE_S) * unit)

    def moment(self, unit):
        """A point in time: far away, or long past."""
        draw = self.random.random()
        if draw < 0.1:
            return b"%d" % self.random.randrange(1, 1000000)
        if draw < 0.2:
            return self.random.choice(TIME_ODD)
        return b"%d" % ((FAR_UNIX_S + self.random.randrange(LATE_S)) * unit)

    def any(self):
        """Something that fits nowhere in particular."""
        return self.random.choice([self.key, self.value, self.member,
                                   self.integer, self.double, self.word])()

    def word(self):
        return self.random.choice(WORDS)

    def for_argument(self, command, kind, name):
        """A value for an argument of that type and name."""
        if kind == "key":
            return lambda: self.key_of(command.group)
        for commands, kinds, names, make in TABLE:
            if (re.fullmatch(kinds, kind) and re.fullmatch(names, name) and
                    re.fullmatch(commands, command.name)):
                return lambda: make(self)
        return self.value


def pool(usual, *odd, chance=0.12):
    return lambda p: p.mix(usual, *odd, chance=chance)


# commands, types, names (patterns that must match whole), function of Pools;
# the first row that matches counts.
TABLE = [
    (r"client\|.*", r"string", r".*", pool(NAMES, MEMBERS)),
    (r".*", r"pattern", r".*", pool(PATTERNS)),
    (r".*", r"unix-time", r".*seconds", lambda p: p.moment(1)),
    (r".*", r"unix-time", r".*", lambda p: p.moment(1000)),
    (r".*", r"integer", r"seconds", lambda p: p.delay(1)),
    (r".*", r"integer", r"milliseconds|ttl", lambda p: p.delay(1000)),
    (r"bitfield.*", r"string", r"encoding", pool(ENCODINGS, ODD_ENCODINGS)),
    (r"bitfield.*|setbit|getbit|setrange", r"integer", r"offset",
     pool(OFFSETS, ODD_OFFSETS, NOT_INTEGERS)),
    (r"bitop", r"string", r"operation", pool(BITOPS)),
    (r"scan|.scan", r"integer", r"cursor",
     pool([b"0"], NOT_INTEGERS, LIMITS, chance=0.1)),
    (r"select|swapdb|move|copy", r"integer", r"index.*|.*db.*",
     pool([b"0", b"0", b"1", b"2", b"15"], [b"16", b"-1"], NOT_INTEGERS, LIMITS)),
    (r"swapdb", r".*", r".*",
     pool([b"0", b"1", b"2"], [b"16", b"-1"], NOT_INTEGERS)),
    (r".*bit.*", r"integer", r"bit|value",
     pool([b"0", b"1"], INTEGERS, LIMITS, NOT_INTEGERS, chance=0.3)),
    (r"hello", r"integer", r".*",
     pool([b"2", b"3"], [b"0", b"1", b"4", b"-3"], NOT_INTEGERS)),
    (r"auth|hello", r"string", r"username", pool([b"default", b"nobody", b""])),
    (r"auth|hello", r"string", r"password", pool([b"secret", b""])),
    (r"hello", r"string", r"clientname", pool(NAMES)),
    (r".*", r"double", r"timeout", pool([b"0.01"], [b"-1", b"abc", b"1e400"])),
    (r"z.*lex.*", r"double|string", r"min|max|start|stop",
     pool(LEX_ENDS, ODD_LEX_ENDS)),
    (r"z.*score|zcount", r"double|string", r"min|max|start|stop",
     pool(SCORE_ENDS, ODD_SCORE_ENDS)),
    (r"z.*", r"double|string", r"min|max|start|stop",
     pool(ANY_ENDS, LEX_ENDS, SCORE_ENDS, chance=0.4)),
    (r".randmember|hrandfield", r"integer", r"count",
     pool(DRAW_COUNTS, ODD_DRAW_COUNTS, NOT_INTEGERS)),
    (r"geo.*", r"double", r"longitude|latitude",
     pool([b"0", b"13.361389", b"38.115556", b"-77.03", b"40.7", b"1"],
          [b"181", b"-181", b"86", b"nan", b"inf", b"x"])),
    (r".*", r"double", r".*", Pools.double),
    (r"scan", r"string", r"type", pool(TYPES)),
    (r"x.*", r"string", r".*id|start|end|threshold",
     pool(STREAM_IDS, ODD_STREAM_IDS, chance=0.25)),
    (r"x.*", r"string", r"group.*|consumer.*", pool(NAMES[:4], NAMES)),
    (r".*", r"string", r"field|member.*|element|pivot", Pools.member),
    (r".*", r"string", r"script", pool(SCRIPTS)),
    (r"lset", r"integer", r"index",
     pool([b"0", b"0", b"-1", b"1"], INTEGERS, LIMITS, NOT_INTEGERS)),
    (r".*", r"integer", r"start|stop|end|index|rank|count|numkeys|limit|bit",
     Pools.small),
    (r".*", r"integer", r".*", Pools.integer),
    (r"hello|.*\|setname", r"string", r".*name", pool(NAMES)),
]
