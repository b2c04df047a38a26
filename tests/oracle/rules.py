"""rules: which commands take part, how often, and what "the same" means where
two right servers may answer differently.

Everything here follows from what the commands promise. Where the two servers
are of different versions, see known_differences.py instead.
"""
import re

WEIGHT = 10

# Patterns of names (whole) and their weight; the first that matches counts.
WEIGHTS = [
    (r"flushall|flushdb|reset|auth|quit", 1),
    (r"swapdb|hello|dbsize|lolwut|time|ping|echo|randomkey|command.*", 2),
    (r"client\|.*|object\|.*|script\|.*|function\|.*", 2),
    (r"select|keys|scan|move", 4),
    (r"multi|discard|unwatch|watch", 4),
    (r"set|exec", 20),
    (r"[lr]push|hset|sadd|zadd", 30),  # so many others take away
    (r"xgroup\|.*|xinfo\|.*|xadd", 12),
]

# Commands that take no part: pattern of names, reason.
EXCLUDED = [
    (r"shutdown|failover|debug|crash|segfault", "ends or blocks the server"),
    (r"monitor|sync|psync|replconf|replicaof|slaveof|role",
     "the connection becomes a stream; tested with a replica"),
    (r"p?s?subscribe|ssubscribe|p?unsubscribe|sunsubscribe",
     "replies without number; tested over the wire"),
    (r"config(\|.*)?|info|command(\|.*)?|memory(\|.*)?|latency(\|.*)?"
     r"|slowlog(\|.*)?|commandlog(\|.*)?|module(\|.*)?|lolwut|acl(\|.*)?"
     r"|cluster(\|.*)?|lastsave|bgsave|save|bgrewriteaof",
     "tells about the server, not about the data; tested over the wire"),
    (r"client\|(list|info|kill|pause|unpause|unblock|tracking|trackinginfo"
     r"|caching|getredir|no-evict|no-touch)",
     "tells about connections, or stops them; tested over the wire"),
    (r"client\|reply|quit", "part of a step of its own, see rounds.py"),
    (r".*\|help", "the text belongs to the version"),
    (r"migrate|wait|waitaof|restore-asking|asking|readonly|readwrite",
     "about other nodes"),
    (r"dump|restore", "the payload belongs to the version"),
    (r"pfdebug|pfselftest|object\|freq", "about the inside"),
    (r"eval.*|fcall.*|script\|.*|function\|.*",
     "scripts have a suite of their own"),
]

# Commands that take a member by chance: what is left would differ, so
# the key goes too, in the same step.
DRAWS = {"spop"}


def keeps_by_name(name, words):
    """Does it choose by name what stays in a sorted set? Where scores differ
    that is not specified, so it is given members of one score."""
    is_lex = any(w.lower() == b"bylex" for w in words)
    return (name == "zremrangebylex" and len(words) > 1 or
            name == "zrangestore" and len(words) > 2 and is_lex)


def weight_of(name):
    for pattern, weight in WEIGHTS:
        if re.fullmatch(pattern, name):
            return weight
    return WEIGHT


def why_excluded(name):
    """The reason, or None for a command that takes part."""
    for pattern, reason in EXCLUDED:
        if re.fullmatch(pattern, name):
            return reason
    return None


# ---- what is the same ----

def number_of(reply):
    try:
        return float(reply[1])
    except (TypeError, ValueError):
        return None


def near(tolerance):
    """Numbers that time has moved a little; a negative one says something."""
    def same(words, a, b):
        x, y = number_of(a), number_of(b)
        if a[0] != b[0] or x is None or y is None:
            return False
        return x >= 0 and y >= 0 and abs(x - y) <= tolerance
    return same


def canonical(reply):
    """The reply in a form that sorts."""
    kind, payload = reply
    if isinstance(payload, list):
        return (kind, b"", [canonical(i) for i in payload])
    return (kind, b"" if payload is None else payload, [])


def in_pairs(items):
    return [(b"*", items[i:i + 2]) for i in range(0, len(items), 2)]


def as_bag(items):
    return sorted(canonical(i) for i in items)


def unordered(words, a, b):
    """The same elements in whatever order."""
    if a[0] != b[0] or not isinstance(a[1], list) or not isinstance(b[1], list):
        return False
    return as_bag(a[1]) == as_bag(b[1])


def unordered_pairs(words, a, b):
    if a[0] != b[0] or not isinstance(a[1], list) or not isinstance(b[1], list):
        return False
    return as_bag(in_pairs(a[1])) == as_bag(in_pairs(b[1]))


def same_shape(words, a, b):
    """Kinds and lengths agree; what was drawn does not."""
    if a[0] != b[0] or (a[1] is None) != (b[1] is None):
        return False
    if a[0] == b"-":
        return a[1] == b[1]
    if not isinstance(a[1], list):
        return True
    return len(a[1]) == len(b[1]) and all(
        same_shape(words, x, y) for x, y in zip(a[1], b[1]))


def scans_pairs(words):
    lower = [w.lower() for w in words]
    return (lower[0] in (b"hscan", b"zscan") and
            not {b"noscores", b"novalues"} & set(lower))


def same_scan(words, a, b):
    """Cursors are the server's own. What one call gives is comparable only if
    it gave all."""
    if a[0] != b"*" or b[0] != b"*" or len(a[1]) != 2 or len(b[1]) != 2:
        return False
    cursors = {a[1][0][1], b[1][0][1]}
    begin = words[1] if words[0].lower() == b"scan" else words[2]
    if cursors != {b"0"} or begin.strip(b"0"):
        return True
    x, y = a[1][1][1], b[1][1][1]
    if scans_pairs(words):
        x, y = in_pairs(x), in_pairs(y)
    return as_bag(x) == as_bag(y)


def same_keys(*names):
    """Maps (or arrays of pairs) whose named values may differ."""
    def same(words, a, b):
        if a[0] != b[0] or not isinstance(a[1], list):
            return False
        if not isinstance(b[1], list) or len(a[1]) != len(b[1]):
            return False
        pairs = zip(in_pairs(a[1]), in_pairs(b[1]))
        return all(p == q or (p[1][0] == q[1][0] and p[1][0][1] in names)
                   for p, q in pairs)
    return same


def same_sort(words, a, b):
    """BY a constant leaves the order to the server, and with LIMIT the choice;
    what GET finds of others may be nothing."""
    lower = [w.lower() for w in words]
    if b"by" in lower and b"limit" in lower:
        return a[0] == b[0] == b"*" and len(a[1]) == len(b[1])
    return b"by" in lower and unordered(words, a, b)


# name (pattern) -> function of (words, oracle's reply, subject's reply). It is
# asked only where the replies are not equal.
SAME = [
    (r"keys|smembers|s(union|inter|diff)|hkeys|hvals|command\|list", unordered),
    (r"hgetall", unordered_pairs),
    (r"ttl|expiretime", near(5)),
    (r"pttl|pexpiretime", near(5000)),
    (r"object\|idletime|object\|refcount|time|lastsave|client\|id", same_shape),
    (r"randomkey|[shz]randmember|hrandfield|spop", same_shape),
    (r"scan|[hsz]scan", same_scan),
    (r"hello", same_keys(b"id", b"version", b"server")),
    (r"sort|sort_ro", same_sort),
]


def rule_for(name):
    for pattern, same in SAME:
        if re.fullmatch(pattern, name):
            return same
    return None
