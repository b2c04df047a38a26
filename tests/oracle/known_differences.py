"""known_differences: where the server is right to answer otherwise than the
oracle, because the oracle is older than the behaviour that is the standard
(Redis 7.2, Valkey 8.1). Each entry says why, and is as narrow as it can be.
"""
import re
from collections import namedtuple

import rules

# commands: pattern of names; oracles: which of them answer otherwise, "any",
# "redis<7.2" (and Valkey below that version), or "valkey"; same: function of
# (words, oracle's reply, subject's reply), true where this difference explains
# what was seen; parts: whether what follows in the round cannot be compared.
Known = namedtuple("Known", "commands oracles same parts reason")


def errors(oracle, subject):
    """Error texts, as patterns that must match whole."""
    def same(words, a, b):
        return (a[0] == b"-" and b[0] == b"-" and
                re.fullmatch(oracle, a[1].decode("latin-1"), re.S) and
                re.fullmatch(subject, b[1].decode("latin-1"), re.S))
    return same


def doubles(words, a, b):
    """Replies that differ only in how many digits a double is given."""
    if a[0] != b[0]:
        return False
    if isinstance(a[1], list) and isinstance(b[1], list):
        return len(a[1]) == len(b[1]) and all(
            x == y or doubles(words, x, y) for x, y in zip(a[1], b[1]))
    x, y = rules.number_of(a), rules.number_of(b)
    return x is not None and x == y


def cut_words(words, a, b):
    """The subject names a long word of the command by its first 128 bytes."""
    text = a[1]
    for word in words:
        text = text.replace(word, word[:128]) if len(word) > 128 else text
    return a[0] == b[0] == b"-" and text != a[1] and text == b[1]


def encodings(oracle, subject):
    return lambda words, a, b: (re.fullmatch(oracle, a[1] or b"") and
                                b[1] == subject)


def first_error(words, a, b):
    """The oracle takes what the subject refuses, or both refuse it and find
    another fault first."""
    return b[0] == b"-" and a[1] != b[1]


def plain_number(word):
    return word.isdigit() and word[:1] != b"0"


def zero_signs(words, a, b):
    """Replies that differ only in -0 and 0."""
    if isinstance(a[1], list) and isinstance(b[1], list):
        return len(a[1]) == len(b[1]) and all(
            x == y or zero_signs(words, x, y) for x, y in zip(a[1], b[1]))
    return a[0] == b[0] and (a[1], b[1]) in ((b"-0", b"0"), (b"0", b"-0"))


def scanned_doubles(words, a, b):
    """The same members with the same scores, in any order and with any number
    of digits."""
    def scores(reply):
        items = reply[1][1][1] if len(reply[1]) == 2 else reply[1]
        return {m[1]: float(s[1]) for m, s in zip(items[::2], items[1::2])}
    try:
        return scores(a) == scores(b)
    except (TypeError, ValueError, IndexError):
        return False


def all_doubles(items):
    """What SORT replied; a number, if it stored them."""
    try:
        return not isinstance(items, list) or all(
            i[1] in (None, b"") or float(i[1]) == float(i[1]) for i in items)
    except (TypeError, ValueError):
        return False


def alike_to_nul(words, a, b):
    """Elements in an order that differs only behind NUL bytes."""
    def heads(reply):
        return [i[1] and i[1].split(b"\0")[0] for i in reply[1]]
    return (a[0] == b[0] == b"*" and heads(a) == heads(b) and
            b"alpha" in [w.lower() for w in words])


def bylex(words, a, b):
    """A range by name, which the command's name or an option says."""
    return any(b"bylex" in w.lower() or b"rangebylex" in w.lower() or
               w.lower() == b"zlexcount" for w in words)


def negative_offset(words, a, b):
    lower = [w.lower() for w in words]
    return any(w == b"limit" and n.startswith(b"-")
               for w, n in zip(lower, lower[1:]))


def from_other_key(words, a, b):
    """Both were given something, each of another of the command's keys."""
    return (isinstance(a[1], list) and isinstance(b[1], list) and
            a[1][0][1] != b[1][0][1] and a[1][0][1] in words and
            b[1][0][1] in words)


def refused_least(words, a, b):
    """The subject refuses the least integer, which the command has."""
    return (b"-9223372036854775808" in words and b[0] == b"-" and
            b[1].startswith(b"ERR value is out of range, value must between"))


# (the oracle's name, pattern of commands, reason): what is not sent to it.
AVOIDED = [
    ("valkey", r"auth|hello", "the build of January 2025 now and then gives no reply "
     "to an AUTH that fails within a pipeline"),
]

KNOWN = [
    Known(r"expire|pexpire|expireat|pexpireat|hello|client\|.*|config\|.*", "any",
          cut_words, False,
          "a word of the client's in an error is cut at 128 bytes, so that the "
          "reply is not as long as the client likes"),
    Known(r"object\|encoding", "any", encodings(b"embstr|raw", b"int"), False,
          "a string that is an integer is stored as one whichever command made "
          "it; the oracle keeps what INCRBYFLOAT made as text"),
    Known(r"object\|encoding", "<7.2", encodings(b"hashtable|quicklist",
                                                 b"listpack"), False,
          "small sets and lists have been listpacks since 7.2"),
    Known(r"b[lrz].*", "<7.2",
          errors("ERR timeout is negative", "ERR timeout is out of range"), False,
          "a timeout beyond what can be counted was called negative"),
    Known(r"b[lrz].*", "<7.2",
          lambda words, a, b: a[0] != b"-" and
          b[0] == b"-" and b[1].startswith(b"WRONGTYPE"), True,
          "whom one of several keys woke looked at that one alone; since 7.2 the "
          "command runs anew, and meets others of the wrong type first"),
    Known(r"b[lrz].*", "<7.2", from_other_key, True,
          "who waits for several keys was given of that which came first; since "
          "7.2 the command runs anew, and takes its own first"),
    Known(r"bitcount|bitpos", "<7.2", first_error, False,
          "7.0 looks at the key first, and at the range only if there is one"),
    Known(r"bitcount", "<8.0",
          lambda words, a, b: len(words) == 3 and a[0] in b"-:" and b[0] in b"-:",
          False, "the end of BITCOUNT's range may be left out since Valkey 8.0"),
    Known(r"scan|!scanall", "<8.0",
          lambda words, a, b: b[0] == b"-"
          and b[1].startswith(b"ERR unknown type name"), False,
          "a type that there is none of was one that nothing has"),
    Known(r"[shz]?scan", "<8.0",
          lambda words, a, b: b == (b"-", b"ERR invalid cursor") and
          not plain_number(words[1 if words[0].lower() == b"scan" else 2]),
          False,
          "what is no number in its plain form was taken for a cursor, or the "
          "other words were looked at first"),
    Known(r"hello", "<7.2",
          lambda words, a, b: a[0] == b[0] == b"-" and
          (a[1].startswith(b"WRONGPASS") or b"Client names" in a[1]), False,
          "7.0 authenticates and takes the name before it has read the other "
          "options"),
    Known(r"[shz]?scan", "valkey",
          lambda words, a, b: b == (b"-", b"ERR invalid cursor"), False,
          "Valkey takes a cursor with blanks, signs and zeros before it"),
    Known(r"object\|encoding", "valkey", encodings(b"raw", b"embstr"), False,
          "Valkey counts the key towards the length of what it embeds"),
    Known(r"multi|watch", "<8.0",
          errors("ERR .*MULTI.*", "ERR Command not allowed inside a transaction"),
          True, "an older text; and it did not spoil the transaction"),
    Known(r"exec", "<8.0",
          lambda words, a, b: a[1] is None and b[1] is not None, True,
          "SET of a key that is not there, with a deadline that has passed, is "
          "no change to who watches it"),
    Known(r"exec", "<7.2",
          lambda words, a, b: a[0] == b"-" and a[1].startswith(b"EXECABORT")
          and (b[1] is None or isinstance(b[1], list) and
               any(r[0] == b"-" for r in b[1])), True,
          "a word too many (see ZRANK) is refused at once there, and when it "
          "runs here, as in 7.2 (if what is watched has not changed)"),
    Known(r"client\|getname", "<7.2", lambda words, a, b: b"-" not in (a[0], b[0]),
          False, "see HELLO: the name stays although HELLO has failed"),
    Known(r"dbsize", "<8.0",
          lambda words, a, b: a[0] == b[0] == b":" and int(a[1]) > int(b[1]),
          False,
          "SET with a deadline that has passed left a key to be expired later"),
    Known(r"zrank|zrevrank", "<7.2",
          lambda words, a, b: len(words) > 3 and a[0] == b"-" and
          b"wrong number of arguments" in a[1], False,
          "WITHSCORE came with 7.2; one word more is refused by the command"),
    Known(r"zscan|!scanall", "<8.0",
          lambda words, a, b: b"noscores" in [w.lower() for w in words] and
          a[0] == b"-", False, "NOSCORES came with Valkey 8.0"),
    Known(r"z.*", "any", bylex, True,
          "a range by name of members whose scores differ: the result is not "
          "specified, and a large set of the oracle's looks elsewhere"),
    Known(r"z(rev)?range.*", "valkey", negative_offset, True,
          "a negative offset of LIMIT takes from the end of a large set, and "
          "nothing from a small one"),
    Known(r"zscan|!scanall", "any", scanned_doubles, False,
          "a large set's scores have 17 digits there, a small one's the fewest"),
    Known(r"b?z.*", "any", zero_signs, False,
          "a small set does not keep the sign of zero, here not even while it "
          "is made or before it gets large in the same command"),
    Known(r"object\|encoding|!dataset", "any",
          encodings(b"skiplist", b"listpack"), False,
          "the oracle's ZADD XX makes a set large for the long words it is "
          "given, also where they do not come in"),
    Known(r"object\|encoding|!dataset", "<8.0",
          encodings(b"listpack|intset", b"hashtable"), False,
          "how many words came decides about a form, as in Valkey 8.1, whether "
          "or not they are alike"),
    Known(r"object\|encoding|!dataset", "<8.0",
          encodings(b"listpack", b"skiplist"), False,
          "the same of a sorted set"),
    Known(r"b[lrz].*", "<7.2",
          lambda words, a, b: b == (b"-", b"ERR timeout is out of range"),
          True, "a timeout that overflows with the time of day was taken"),
    Known(r"object\|encoding|!dataset", "<7.2",
          encodings(b"hashtable", b"listpack"), False,
          "since 7.2 a small set is a listpack"),
    Known(r"zincrby", "any",
          errors("ERR syntax error", "ERR value is not a valid float"), False,
          "the oracle takes an increment that is a word of ZADD's for that word"),
    Known(r"client\|set(name|info)", "valkey",
          lambda words, a, b: b"\0" in words[-1] and b[0] == b"-" and
          b[1].endswith(b"special characters."), True,
          "Valkey looks at a name up to its first NUL byte"),
    Known(r"lset", "valkey",
          lambda words, a, b: b == (b"-", b"ERR index out of range") and
          abs(int(words[2])) > 1 << 31, True,
          "Valkey forgets the high half of an index into a small list"),
    Known(r"b?z.*|geo.*|!scanall", "<7.2", doubles, False,
          "7.0 prints doubles with 17 digits, since 7.2 the fewest that read "
          "back the same"),
    Known(r"sort|sort_ro", "any",
          lambda words, a, b: b"can't be converted" in (a[1] or b"")
          and b[0] in (b"*", b":") and all_doubles(b[1]), True,
          "the oracle takes an overflow that an earlier command met for one of "
          "its own"),
    Known(r"sort|sort_ro", "any", alike_to_nul, False,
          "SORT ALPHA compares texts up to their first NUL byte there"),
    Known(r"client\|set(name|info)|hello", "any",
          lambda words, a, b: b[0] == b"-" and b[1].endswith(b" is too long"),
          True, "names have a bound, so that CLIENT LIST has one"),
    Known(r"lrem", "<7.2", refused_least, True,
          "since 7.2 the least integer, which has no positive, is refused; 7.0 "
          "took the elements out"),
    Known(r"lpos", "<7.2", refused_least, False,
          "since 7.2 the least integer, which has no positive, is refused"),
]


def version_of(text):
    return tuple(int(n) for n in re.findall(r"\d+", text)[:2])


def is_avoided(oracle_name, command):
    return any(oracle_name == name and re.fullmatch(commands, command)
               for name, commands, _ in AVOIDED)


def concerns(known, oracle_name, oracle_version):
    if known.oracles.startswith("<"):
        return version_of(oracle_version) < version_of(known.oracles)
    return known.oracles in ("any", oracle_name)


def explain(oracle_name, oracle_version, name, words, a, b):
    """The Known that explains the difference, or None."""
    for known in KNOWN:
        if (re.fullmatch(known.commands, name) and
                concerns(known, oracle_name, oracle_version) and
                known.same(words, a, b)):
            return known
    return None
