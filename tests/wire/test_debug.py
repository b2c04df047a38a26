"""DEBUG: the means of testing the server."""
import re
import time

import pytest

ZEROS = b"0" * 40
DENIED = "ERR DEBUG command not allowed."


@pytest.fixture
def debug(server, raws):
    """A connection to a server of its own where DEBUG is allowed."""
    if server.is_redis:
        pytest.skip("the option is another's")
    return raws(1, of=server.new(enable_debug_command="yes"), timeout=60)[0]


def test_denied(raw):
    assert raw.cmd("DEBUG", "DIGEST").text.startswith(DENIED)
    assert raw.cmd("DEBUG") == "ERR wrong number of arguments for 'debug' command"


def test_unknown(debug):
    text = "ERR unknown subcommand or wrong number of arguments for '%s'. Try DEBUG HELP."
    for words in [["foo"], ["sleep"], ["digest", "x"], ["object"], ["error", "a", "b"],
                  ["replybuffer", "foo", "1"], ["protocol"], ["populate"]]:
        assert debug.cmd("DEBUG", *words) == text % words[0]
    assert len(debug.cmd("DEBUG", "HELP")) > 50


# ---- digests ----

def digest(raw):
    reply = raw.cmd("DEBUG", "DIGEST")
    assert re.match(rb"^[0-9a-f]{40}$", reply)
    return reply


def test_digest(debug):
    assert digest(debug) == ZEROS
    debug.cmd("MSET", *[w for i in range(1000) for w in ("k%d" % i, i)])
    debug.cmd("SELECT", 3)
    debug.cmd("SET", "a", "x")
    debug.cmd("SELECT", 0)
    full = digest(debug)
    assert full != ZEROS
    debug.cmd("SET", "k0", "other")
    assert digest(debug) != full
    debug.cmd("SET", "k0", "0", "EX", 1000)
    assert digest(debug) != full, "a deadline tells, whatever it is"
    debug.cmd("EXPIRE", "k0", 5000)
    with_deadline = digest(debug)
    debug.cmd("EXPIRE", "k0", 6000)
    assert digest(debug) == with_deadline
    debug.cmd("PERSIST", "k0")
    assert digest(debug) == full
    debug.cmd("RENAME", "k0", "k")
    assert digest(debug) != full
    debug.cmd("RENAME", "k", "k0")
    assert digest(debug) == full
    debug.cmd("SWAPDB", 0, 1)
    assert digest(debug) != full, "the database tells"
    debug.cmd("FLUSHALL")
    assert digest(debug) == ZEROS


def test_digest_is_of_content(server, raws):
    """The same whatever the order of writes, the shards and the workers, and
    however a value came to be."""
    if server.is_redis:
        pytest.skip("the option is another's")
    found = set()
    for options in [{}, {"shards": 8}]:
        conn, = raws(1, of=server.new(enable_debug_command="yes", **options))
        keys = list(range(200))
        if options:
            keys.reverse()
        for i in keys:
            conn.cmd("SET", "k%d" % i, "v%d" % i)
        if options:
            conn.cmd("SET", "n", "12")
            conn.cmd("INCR", "n")
            conn.cmd("APPEND", "long", "x" * 5000)
            conn.cmd("APPEND", "long", "x" * 5000)
        else:
            conn.cmd("SET", "n", "13")
            conn.cmd("SET", "long", "x" * 10000)
        found.add(digest(conn))
    assert len(found) == 1


def test_expired_keys_are_no_content(debug):
    debug.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    debug.cmd("SET", "a", 1, "PX", 1)
    time.sleep(0.01)
    assert debug.cmd("DBSIZE") == 1
    assert digest(debug) == ZEROS
    debug.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_expired_keys_go_when_they_are_met(debug):
    """By SCAN, which leaves what it was not asked for, and by GET; each counts
    once."""
    debug.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    debug.cmd("FLUSHALL")
    debug.cmd("CONFIG", "RESETSTAT")
    for i in range(100):
        debug.cmd("SET", "s:%d" % i, 1, "PX", 1)
    debug.cmd("RPUSH", "l", 1)
    debug.cmd("PEXPIRE", "l", 1)
    time.sleep(0.01)
    assert debug.cmd("GET", "s:0") is None
    assert debug.cmd("SCAN", 0, "TYPE", "nosuch") == "ERR unknown type name 'nosuch'"
    assert debug.cmd("SCAN", 0, "TYPE", "hash", "COUNT", 1000) == [b"0", []]
    assert debug.cmd("DBSIZE") == 100
    cursor = b"0"
    for words in (["TYPE", "string"], ["MATCH", "l"]):
        while True:
            cursor, found = debug.cmd("SCAN", cursor, "COUNT", 10, *words)
            assert found == []
            if cursor == b"0":
                break
        assert debug.cmd("DBSIZE") == (1 if words[0] == "TYPE" else 0)
    stats = debug.cmd("INFO", "stats")
    assert b"\r\nexpired_keys:101\r\n" in stats
    assert b"\r\nexpired_lazily:101\r\n" in stats
    debug.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_digest_value(debug):
    debug.cmd("MSET", "a", 5, "b", 6)
    debug.cmd("SET", "c", "4")
    debug.cmd("INCR", "c")
    a, b, c, none = debug.cmd("DEBUG", "DIGEST-VALUE", "a", "b", "c", "nosuch")
    assert a == c and a != b
    assert none == ZEROS
    assert len(a) == 40


def test_digest_of_sets(debug):
    """Equal members, equal digest: in any order and encoding."""
    def of(*keys):
        return debug.cmd("DEBUG", "DIGEST-VALUE", *keys)

    debug.cmd("SADD", "a", *range(300))
    debug.cmd("SADD", "b", *reversed(range(300)))
    debug.cmd("SADD", "c", "x", *range(300))
    debug.cmd("SREM", "c", "x")
    assert debug.cmd("OBJECT", "ENCODING", "a") != debug.cmd("OBJECT", "ENCODING", "c")
    a, b, c = of("a", "b", "c")
    assert a == b == c != ZEROS
    debug.cmd("SREM", "c", 7)
    assert of("c") != [a]
    before = digest(debug)
    debug.cmd("SADD", "b", "new")
    assert digest(debug) != before
    debug.cmd("SREM", "b", "new")
    assert digest(debug) == before


def test_digest_of_lists(debug):
    """Equal elements in equal order, in any encoding."""
    def of(*keys):
        return debug.cmd("DEBUG", "DIGEST-VALUE", *keys)

    debug.cmd("RPUSH", "a", *range(100), "x", "12a")
    debug.cmd("LPUSH", "b", "12a", "x", *reversed(range(100)))
    debug.cmd("RPUSH", "c", *range(100), "x", "12a", *["y" * 100] * 1000)
    assert debug.cmd("OBJECT", "ENCODING", "c") == b"quicklist"
    a, b, c = of("a", "b", "c")
    assert a == b != c
    debug.cmd("LTRIM", "c", 0, 101)
    assert of("c") == [a]
    debug.cmd("LSET", "b", 0, 1)
    debug.cmd("LSET", "b", 1, 0)
    assert of("b") != [a], "the order tells"


def test_digest_of_sorted_sets(debug):
    """Equal members with equal scores, in any order and encoding."""
    def of(*keys):
        return debug.cmd("DEBUG", "DIGEST-VALUE", *keys)

    pairs = [(i % 7 + 0.5, "m%d" % i) for i in range(100)]
    debug.cmd("ZADD", "a", *[w for p in pairs for w in p])
    debug.cmd("ZADD", "b", *[w for p in reversed(pairs) for w in p])
    debug.cmd("CONFIG", "SET", "zset-max-listpack-entries", 10)
    debug.cmd("ZADD", "c", *[w for p in pairs for w in p])
    assert debug.cmd("OBJECT", "ENCODING", "a") != debug.cmd("OBJECT", "ENCODING", "c")
    a, b, c = of("a", "b", "c")
    assert a == b == c
    debug.cmd("ZINCRBY", "b", 1, "m5")
    assert of("b") != [a]
    debug.cmd("ZINCRBY", "b", -1, "m5")
    assert of("b") == [a]


# ---- keys and tables ----

def test_object(debug):
    debug.cmd("SET", "a", "bar")
    shape = (rb"^Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:4 lru:\d+ "
             rb"lru_seconds_idle:\d+")
    assert re.match(shape, debug.cmd("DEBUG", "OBJECT", "a"))
    assert b"serializedlength" not in debug.cmd("DEBUG", "OBJECT", "a", "fast")
    debug.cmd("SET", "a", 300)
    assert b"encoding:int serializedlength:3 " in debug.cmd("DEBUG", "OBJECT", "a")
    assert debug.cmd("DEBUG", "OBJECT", "nosuch") == "ERR no such key"


def test_object_of_a_list(debug):
    debug.cmd("RPUSH", "a", *range(100))
    assert b"ql_" not in debug.cmd("DEBUG", "OBJECT", "a")
    for depth, chunks in [("0", None), ("1", 10)]:
        debug.cmd("CONFIG", "SET", "list-compress-depth", depth)
        debug.cmd("DEL", "a")
        debug.cmd("RPUSH", "a", *("item number %d is here" % i for i in range(3000)))
        found = re.search(rb" ql_nodes:(\d+) ql_avg_node:([\d.]+) ql_listpack_max:-2 "
                          rb"ql_compressed:(\d) ql_uncompressed_size:(\d+)$",
                          debug.cmd("DEBUG", "OBJECT", "a"))
        nodes = int(found[1])
        assert nodes == (chunks or nodes)
        assert float(found[2]) == round(3000 / nodes, 2)
        assert found[3] == depth.encode()
        assert int(found[4]) == 76890 + 7 * nodes
    debug.cmd("CONFIG", "SET", "list-compress-depth", "0")


def test_sdslen(debug):
    debug.cmd("SET", "key", "value")
    assert re.match(rb"key_sds_len:3, key_sds_avail:0, key_zmalloc:\d+, val_sds_len:5, "
                    rb"val_sds_avail:\d+, val_zmalloc:\d+$", debug.cmd("DEBUG", "SDSLEN", "key"))
    debug.cmd("SET", "key", 1)
    assert debug.cmd("DEBUG", "SDSLEN", "key") == "ERR Not an sds encoded string."
    assert debug.cmd("DEBUG", "SDSLEN", "nosuch") == "ERR no such key"
    assert debug.cmd("DEBUG", "LISTPACK", "key") == "ERR Not a listpack encoded object."
    assert debug.cmd("DEBUG", "QUICKLIST", "key") == "ERR Not a quicklist encoded object."
    assert debug.cmd("DEBUG", "HTSTATS-KEY", "key") == \
        "ERR The value stored at the specified key is not represented using an hash table"


def test_populate_and_htstats(debug):
    empty = debug.cmd("DEBUG", "HTSTATS", 0)
    assert empty.count(b"No stats available for empty dictionaries") == 2
    assert debug.cmd("DEBUG", "POPULATE", 20000) == b"OK"
    assert debug.cmd("DBSIZE") == 20000
    assert debug.cmd("MGET", "key:0", "key:19999", "key:20000") == \
        [b"value:0", b"value:19999", None]
    debug.cmd("SET", "foo:1", "kept")
    assert debug.cmd("DEBUG", "POPULATE", 3, "foo", 10) == b"OK"
    assert debug.cmd("MGET", "foo:0", "foo:1", "foo:2") == \
        [b"value:0\0\0\0", b"kept", b"value:2\0\0\0"]
    assert debug.cmd("DEBUG", "POPULATE", 1, "b", 100000) == b"OK"
    assert debug.cmd("STRLEN", "b:0") == 100000
    assert debug.cmd("DEBUG", "POPULATE", 1, "c", 3) == b"OK"
    assert debug.cmd("GET", "c:0") == b"val"
    debug.cmd("SELECT", 2)
    assert debug.cmd("DEBUG", "POPULATE", 5, "") == b"OK"
    assert debug.cmd("GET", ":4") == b"value:4"
    for words in [["x"], [-1], [2, "p", -3]]:
        assert debug.cmd("DEBUG", "POPULATE", *words) == \
            "ERR value is out of range, must be positive"
    text = debug.cmd("DEBUG", "HTSTATS", 0)
    size, = map(int, re.findall(rb"table size: (\d+)", text))
    assert re.findall(rb"number of entries: (\d+)", text) == [b"20005"]
    assert 20005 <= size < 40000
    assert b"segments: " in debug.cmd("DEBUG", "HTSTATS", 0, "full")
    assert debug.cmd("DEBUG", "HTSTATS", 99) == "ERR Out of range database"
    assert debug.cmd("DEBUG", "HTSTATS", "x") == "ERR value is not an integer or out of range"
    assert debug.cmd("DEBUG", "CHECK") == b"OK"


# ---- replies ----

@pytest.mark.parametrize("kind,resp2,resp3", [
    ("string", b"$11\r\nHello World\r\n", None), ("integer", b":12345\r\n", None),
    ("double", b"$5\r\n3.141\r\n", b",3.141\r\n"), ("null", b"$-1\r\n", b"_\r\n"),
    ("array", b"*3\r\n:0\r\n:1\r\n:2\r\n", None),
    ("set", b"*3\r\n:0\r\n:1\r\n:2\r\n", b"~3\r\n:0\r\n:1\r\n:2\r\n"),
    ("map", b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
     b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n"),
    ("attrib", b"$39\r\nSome real reply following the attribute\r\n",
     b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"
     b"$39\r\nSome real reply following the attribute\r\n"),
    ("push", b"-ERR RESP2 is not supported by this command\r\n",
     b"$40\r\nSome real reply following the push reply\r\n"
     b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n"),
    ("verbatim", b"$25\r\nThis is a verbatim\nstring\r\n",
     b"=29\r\ntxt:This is a verbatim\nstring\r\n"),
    ("true", b":1\r\n", b"#t\r\n"), ("false", b":0\r\n", b"#f\r\n"),
    ("bignum", b"$37\r\n1234567999999999999999999999999999999\r\n",
     b"(1234567999999999999999999999999999999\r\n"),
])
def test_protocol(debug, kind, resp2, resp3):
    debug.send_cmd("DEBUG", "PROTOCOL", kind)
    assert debug.read_bytes(len(resp2)) == resp2
    assert debug.cmd("PING") == b"PONG"
    debug.cmd("HELLO", 3)
    debug.send_cmd("DEBUG", "PROTOCOL", kind)
    resp3 = resp3 or resp2
    assert debug.read_bytes(len(resp3)) == resp3
    assert debug.cmd("PING") == b"PONG"


def test_error(debug):
    assert debug.cmd("DEBUG", "ERROR", "ODD things happen") == "ODD things happen"
    assert b"errorstat_ODD:count=1" in debug.cmd("INFO", "errorstats")
    assert debug.cmd("DEBUG", "PROTOCOL", "foo").text.startswith("ERR Wrong protocol type name.")


# ---- the rest ----

def test_change_repl_id(debug):
    def replid():
        return re.search(rb"master_replid:(\w{40})\r", debug.cmd("INFO", "replication")).group(1)

    before = replid()
    assert debug.cmd("DEBUG", "CHANGE-REPL-ID") == b"OK"
    assert replid() != before


def test_pause_cron(debug):
    """Without the cron nobody ends an idle session."""
    debug.cmd("CONFIG", "SET", "timeout", 1)
    debug.cmd("DEBUG", "PAUSE-CRON", 1)
    assert not debug.read_available(2.5)
    assert debug.cmd("PING") == b"PONG"
    assert debug.cmd("DEBUG", "PAUSE-CRON", 0) == b"OK"


def test_what_changes_nothing(debug):
    for words in ["dict-resizing 0", "dict-resizing 1", "replybuffer resizing 0",
                  "replybuffer peak-reset-time 100", "set-disable-deny-scripts 0",
                  "quicklist-packed-threshold 100b", "quicklist-packed-threshold 0"]:
        assert debug.cmd("DEBUG", *words.split()) == b"OK", words
    assert debug.cmd("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "x") == \
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb"
    assert debug.cmd("DEBUG", "RELOAD").text.startswith("ERR")
    assert debug.cmd("DEBUG", "LOADAOF").text.startswith("ERR")


def test_sizes_and_tuning(debug):
    assert debug.cmd("DEBUG", "STRUCTSIZE").startswith(b"bits:64 ")
    assert debug.cmd("DEBUG", "MALLCTL", "nosuch") == "ERR No such file or directory"
    if b"mem_allocator:jemalloc" in debug.cmd("INFO", "memory"):
        assert debug.cmd("DEBUG", "MALLCTL", "arenas.page") == 4096
    assert debug.cmd("DEBUG", "STRINGMATCH-TEST") == \
        b"Apparently the server did not crash: test passed"
