"""COMMAND: what the server tells of its commands, held against a peer's answers.

The peer is Debian's redis-server 7.0; Engram describes its commands as Valkey 8.1
does. DIFFERENCES are all there are between the two, for commands both know.
"""
import os
import shutil

import pytest

from rawconn import ReplyError, SetReply, Simple
from servers import Server

PEER = "/usr/bin/redis-server"

INFO_FIELDS = ["name", "arity", "flags", "first", "last", "step", "categories",
               "tips", "key_specs", "subcommands"]

# Texts, of which only that they are there is compared.
TEXTS = {"summary", "complexity", "replaced_by", "notes"}

# Command: {field: why}; the field differs for this reason and is not compared.
# The fields of sets are given as what the peer has more and less.
BLOCKS_IN_SCRIPTS = {"flags": ({"noscript"}, set())}
ALL_NODES = {"tips": (set(), {"request_policy:all_nodes",
                              "response_policy:all_succeeded"})}
SPECIAL = {"tips": (set(), {"response_policy:special"})}
NEW_ARGUMENTS = {"arguments": "takes arguments that came later"}
OTHER_ARGUMENTS = {"arguments": "the same arguments, told otherwise"}
NEW_HISTORY = {"history": "something happened later"}
SINCE_DEPRECATED = {field: "deprecated later" for field in
                    ("deprecated_since", "doc_flags", "replaced_by")}


def differences():
    known = {
        "exec": {"flags": ({"skip_slowlog"}, {"skip_commandlog"})},
        "wait": {"flags": ({"noscript"}, {"blocking"}),
                 "categories": (set(), {"@blocking"})},
        "latency|reset": {"tips": ({"response_policy:all_succeeded"},
                                   {"response_policy:agg_sum"})},
        "msetnx": {"tips": ({"request_policy:multi_shard",
                             "response_policy:agg_min"}, set())},
        "zrank": {"arity": "WITHSCORE", **NEW_ARGUMENTS, **NEW_HISTORY},
        "zrevrank": {"arity": "WITHSCORE", **NEW_ARGUMENTS, **NEW_HISTORY},
        "sinterstore": {"key_specs": "the destination is not read"},
        "command|getkeys": {"arity": "a command without arguments is answered",
                            **OTHER_ARGUMENTS},
        "client|pause": {"since": "of what version it is"},
        "xread": {"complexity": "left out"},
    }
    groups = [
        ("memory|malloc-stats memory|purge cluster|info cluster|myid "
         "cluster|nodes cluster|shards cluster|slots",
         {"flags": (set(), {"loading"})}),
        ("cluster|slots", {field: "deprecated in that version only" for field in
                           SINCE_DEPRECATED}),
        ("blmove blpop brpop brpoplpush bzpopmax bzpopmin", BLOCKS_IN_SCRIPTS),
        ("acl|deluser acl|save acl|setuser client|setname config|resetstat "
         "config|rewrite", ALL_NODES),
        ("multi watch", {"flags": (set(), {"no_multi"})}),
        ("randomkey scan", SPECIAL),
        ("acl|log georadius_ro georadiusbymember_ro hello xinfo|consumers "
         "bgsave bitcount bitop client|kill client|list georadiusbymember set "
         "xinfo|stream zscan cluster|setslot", NEW_HISTORY),
        ("bgsave bitcount client|kill client|list set zscan hscan bitop "
         "cluster|setslot",
         NEW_ARGUMENTS),
        ("georadiusbymember xinfo|stream config|get geohash geopos georadius "
         "migrate pfmerge psubscribe shutdown", OTHER_ARGUMENTS),
        ("psetex quit setex setnx slowlog slowlog|get slowlog|help slowlog|len "
         "slowlog|reset", SINCE_DEPRECATED),
    ]
    known["command|getkeysandflags"] = known["command|getkeys"]
    for names, fields in groups:
        for name in names.split():
            known[name] = {**known.get(name, {}), **fields}
    return known


DIFFERENCES = differences()


@pytest.fixture(scope="module")
def peer():
    if not os.path.exists(PEER):
        pytest.skip("no peer to compare with")
    server = Server(PEER)
    yield server
    server.end()
    shutil.rmtree(server.dir, ignore_errors=True)


@pytest.fixture
def raw3(raw):
    assert isinstance(raw.cmd("HELLO", "3"), dict)
    return raw


def text(value):
    return value.decode()


def flat_infos(reply):
    """All commands, subcommands among them: {name: {field: value}}."""
    found, left = {}, list(reply)
    while left:
        info = dict(zip(INFO_FIELDS, left.pop(), strict=True))
        left.extend(info.pop("subcommands"))
        found[text(info.pop("name"))] = info
    return found


def flat_docs(reply):
    found, left = {}, dict(reply)
    while left:
        name, docs = left.popitem()
        left.update(docs.pop(b"subcommands", {}))
        found[text(name)] = {text(k): v for k, v in docs.items()}
    return found


def plain(value, without=()):
    """A reply to be compared: sets in order, texts blank, some fields left
    out."""
    if isinstance(value, SetReply):
        return sorted((plain(v, without) for v in value), key=repr)
    if isinstance(value, list):
        return [plain(v, without) for v in value]
    if isinstance(value, dict):
        return {text(k): "..." if text(k) in TEXTS else plain(v, without)
                for k, v in value.items() if text(k) not in without}
    return text(value) if isinstance(value, bytes) else value


def compare(ours, theirs, known):
    """The fields that differ though they should not, and those that do not though
    they should."""
    wrong = []
    for field in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(field), theirs.get(field)
        why = known.get(field)
        if isinstance(why, tuple):
            more, less = set(other) - set(mine), set(mine) - set(other)
            if (more, less) != why:
                wrong.append((field, more, less))
        elif (mine != other) != (why is not None):
            wrong.append((field, mine, other))
    return wrong


def infos_of(conn):
    return {name: {k: plain(v) for k, v in info.items()}
            for name, info in flat_infos(conn.cmd("COMMAND")).items()}


def docs_of(conn):
    """Arguments are compared without their names, most of which were chosen anew
    after the peer's time."""
    docs = flat_docs(conn.cmd("COMMAND", "DOCS"))
    for entry in docs.values():
        for field, value in entry.items():
            entry[field] = "..." if field in TEXTS else plain(
                value, {"name", "display_text", "summary"})
        if "history" in entry:
            entry["history"] = sorted(since for since, _ in entry["history"])
    return docs


@pytest.mark.parametrize("ask", [infos_of, docs_of])
def test_as_the_peer(server, peer, raw3, ask):
    if server.is_redis:
        pytest.skip("the peer itself")
    with peer.connect() as conn:
        conn.cmd("HELLO", "3")
        theirs = ask(conn)
    ours = ask(raw3)
    both = sorted(set(ours) & set(theirs))
    assert len(both) > 90
    wrong = {}
    for name in both:
        fields = set(ours[name]) | set(theirs[name])
        known = {k: v for k, v in DIFFERENCES.get(name, {}).items()
                 if k in fields}
        if compare(ours[name], theirs[name], known):
            wrong[name] = compare(ours[name], theirs[name], known)
    assert wrong == {}


def test_every_command_is_documented(server, raw3):
    docs = flat_docs(raw3.cmd("COMMAND", "DOCS"))
    names = {text(n) for n in raw3.cmd("COMMAND", "LIST")}
    assert set(docs) == names
    for name, entry in docs.items():
        assert entry["summary"] and entry["since"] and entry["group"], name


# ---- shapes ----

def test_count_and_list(raw):
    infos = raw.cmd("COMMAND")
    assert raw.cmd("COMMAND", "COUNT") == len(infos)
    names = raw.cmd("COMMAND", "LIST")
    assert len(names) == len(set(names))
    assert set(names) == {n.encode() for n in flat_infos(infos)}
    assert {b"get", b"config", b"config|get"} < set(names)


def test_list_is_filtered(raw):
    def listed(by, what):
        return set(raw.cmd("COMMAND", "LIST", "FILTERBY", by, what))
    assert listed("PATTERN", "GET") == {b"get"}
    assert listed("pattern", "config|*re*") == {b"config|resetstat",
                                                b"config|rewrite"}
    assert listed("PATTERN", "nosuch*") == set()
    assert listed("MODULE", "nosuch") == set()
    assert listed("ACLCAT", "nosuch") == set()
    bitmaps = listed("ACLCAT", "Bitmap")
    assert b"setbit" in bitmaps and b"get" not in bitmaps


@pytest.mark.parametrize("words", [
    ["what"], ["FILTERBY"], ["FILTERBY", "PATTERN"], ["FILTERBY", "what", "x"],
    ["PATTERN", "x"], ["FILTERBY", "PATTERN", "x", "y"], ["x", "PATTERN", "y"]])
def test_list_errors(raw, words):
    assert raw.cmd("COMMAND", "LIST", *words) == ReplyError("ERR syntax error")


def test_info_of_some(raw):
    infos = raw.cmd("COMMAND", "INFO", "get", "nosuch", "CLIENT|List", "get|x",
                    "client|nosuch", "client|list|x", "", "|", "GET")
    assert [i and i[0] for i in infos] == [
        b"get", None, b"client|list", None, None, None, None, None, b"get"]
    assert infos[0] == infos[-1]
    assert raw.cmd("COMMAND", "INFO") == raw.cmd("COMMAND")


def test_info_in_bytes(raw):
    raw.send_cmd("COMMAND", "INFO", "nosuch")
    assert [raw.read_line() for _ in range(2)] == [b"*1", b"$-1"]


def test_info_in_sets_and_maps(raw3):
    info = raw3.cmd("COMMAND", "INFO", "get")[0]
    for field in (2, 6, 7, 8, 9):
        assert isinstance(info[field], SetReply)
    assert all(isinstance(word, Simple) for word in info[2] + info[6])
    assert info[8] == [{
        b"flags": [b"RO", b"access"],
        b"begin_search": {b"type": b"index", b"spec": {b"index": 1}},
        b"find_keys": {b"type": b"range", b"spec": {
            b"lastkey": 0, b"keystep": 1, b"limit": 0}}}]


def test_docs_of_some(raw, raw3):
    assert raw3.cmd("COMMAND", "DOCS", "nosuch", "client|nosuch") == {}
    docs = raw3.cmd("COMMAND", "DOCS", "CONFIG|Get", "nosuch", "getset")
    assert list(docs) == [b"config|get", b"getset"]
    assert docs[b"getset"][b"doc_flags"] == [b"deprecated"]
    assert isinstance(docs[b"getset"][b"doc_flags"], SetReply)
    key = docs[b"getset"][b"arguments"][0]
    key.pop(b"display_text", None)  # the peer has none
    assert key == {b"name": b"key", b"type": b"key", b"key_spec_index": 0}


def test_docs_in_resp2(raw):
    docs = raw.cmd("COMMAND", "DOCS", "getset", "getset")
    assert docs[::2] == [b"getset", b"getset"]
    assert docs[1][::2] == [b"summary", b"since", b"group", b"complexity",
                            b"doc_flags", b"deprecated_since", b"replaced_by",
                            b"arguments"]


def test_a_container_holds_its_subcommands(raw3):
    client = raw3.cmd("COMMAND", "DOCS", "client")[b"client"]
    assert list(client)[-1] == b"subcommands"
    assert b"client|id" in client[b"subcommands"]
    info = raw3.cmd("COMMAND", "INFO", "client")[0]
    assert b"client|id" in [sub[0] for sub in info[9]]


# ---- keys ----

RW, OW, RO, RM = "RW access update", "OW update", "RO access", "RM delete"

KEYS = [
    ("get a", [("a", RO)]),
    ("GET a", [("a", RO)]),
    ("exists a", [("a", "RO")]),
    ("set a b", [("a", OW)]),
    ("set a get", [("a", OW)]),
    ("set a b get", [("a", RW)]),
    ("set a b ex 1 GET", [("a", RW)]),
    ("mset a 1 b 2", [("a", OW), ("b", OW)]),
    ("mset a 1 b", [("a", OW), ("b", OW)]),
    ("msetnx a 1 b 2", [("a", "OW insert"), ("b", "OW insert")]),
    ("del a b", [("a", RM), ("b", RM)]),
    ("rename a b", [("a", "RW access delete"), ("b", OW)]),
    ("renamenx a b", [("a", "RW access delete"), ("b", "OW insert")]),
    ("copy a b", [("a", RO), ("b", OW)]),
    ("lcs a b", [("a", RO), ("b", RO)]),
    ("bitop and d a b", [("d", OW), ("a", RO), ("b", RO)]),
    ("bitfield a", [("a", RO)]),
    ("bitfield a get u8 0", [("a", RO)]),
    ("bitfield a get set 0", [("a", RO)]),
    ("bitfield a overflow set get u8 0", [("a", RO)]),
    ("bitfield a get u8", [("a", RW)]),
    ("bitfield a what", [("a", RW)]),
    ("bitfield a get u8 0 set u8 0 1", [("a", RW)]),
    ("bitfield a incrby u8 0 1", [("a", RW)]),
    ("object encoding a", [("a", "RO")]),
    ("memory usage a", [("a", "RO")]),
    ("lmove a b left right", [("a", "RW access delete"), ("b", "RW insert")]),
    ("lmpop 2 a b left", [("a", "RW access delete"), ("b", "RW access delete")]),
    ("lmpop 0 a left", None),
    ("lmpop 9 a left", None),
    ("lmpop x a left", None),
    ("zunionstore d 2 a b weights 1 2", [("d", OW), ("a", RO), ("b", RO)]),
    ("zunionstore d 3 a b", None),
    ("zunionstore d -1 a b", None),
    ("sort a", [("a", RO)]),
    ("sort a by store get store limit store store store d",
     [("a", RO), ("d", OW)]),
    ("sort a store b store c", [("a", RO), ("c", OW)]),
    ("sort a store", [("a", RO)]),
    ("sort_ro a by b", [("a", RO)]),
    ("xread streams a b 0 0", [("a", RO), ("b", RO)]),
    ("xread count 1 streams a b 0", [("a", RO)]),
    ("xread count 1 block 2 a 0", None),
    ("xreadgroup group streams b streams c 0", [("c", RO)]),
    ("eval x 0", []),
    ("eval x 1 a", [("a", RW)]),
    ("eval x 2 a", []),
    ("eval x what a", []),
    ("georadius a 1 2 3 km store b", [("a", RO), ("b", OW)]),
    ("georadius a 1 2 3 km store b storedist c",
     [("a", RO), ("b", OW), ("c", OW)]),
    ("georadiusbymember a store b km store store", [("a", RO), ("store", OW)]),
    ("georadius a 1 2 3 km store", [("a", RO)]),
    ("xread count 1 2 streams", None),
    ("migrate h 1 a 0 10", [("a", "RW access delete")]),
    ("migrate h 1  0 10 copy auth keys keys a keys",
     [("a", "RW access delete"), ("keys", "RW access delete")]),
    ("migrate h 1  0 10 keys", [("", "RW access delete")]),
    ("migrate h 1 a 0 10 keys b", None),
    ("watch a b", [("a", "RO"), ("b", "RO")]),
]


@pytest.mark.parametrize("line,keys", KEYS, ids=[k[0] for k in KEYS])
def test_keys(raw, line, keys):
    words = line.split(" ")
    if raw.cmd("COMMAND", "INFO", words[0]) == [None]:
        pytest.skip("not a command of this server")
    plain_keys = raw.cmd("COMMAND", "GETKEYS", *words)
    with_flags = raw.cmd("COMMAND", "GETKEYSANDFLAGS", *words)
    if keys is None:
        error = ReplyError("ERR Invalid arguments specified for command")
        assert plain_keys == error and with_flags == error
        return
    assert plain_keys == [key.encode() for key, _ in keys]
    assert [(text(key), " ".join(map(text, flags)))
            for key, flags in with_flags] == keys


@pytest.mark.parametrize("words,error", [
    ("nosuch", "Invalid command specified"),
    ("nosuch a", "Invalid command specified"),
    ("client|id", "Invalid command specified"),
    ("object nosuch a", "Invalid command specified"),
    ("ping", "The command has no key arguments"),
    ("config get a", "The command has no key arguments"),
    ("client id", "The command has no key arguments"),
    ("get", "Invalid number of arguments specified for command"),
    ("get a b", "Invalid number of arguments specified for command"),
    ("object encoding", "Invalid number of arguments specified for command")])
def test_keys_of_nonsense(server, raw, words, error):
    if server.is_redis and len(words.split()) == 1:
        pytest.skip("this peer wants arguments")
    for subcommand in ("GETKEYS", "GETKEYSANDFLAGS"):
        assert raw.cmd("COMMAND", subcommand, *words.split()) == \
            ReplyError("ERR " + error)


def test_many_keys(raw):
    keys = [b"key%d" % i for i in range(5000)]
    assert raw.cmd("COMMAND", "GETKEYS", "DEL", *keys) == keys


def test_arity(raw):
    for words in (["COUNT", "x"], ["GETKEYS"], ["HELP", "x"]):
        assert raw.cmd("COMMAND", *words) == ReplyError(
            "ERR wrong number of arguments for 'command|%s' command"
            % words[0].lower())
    assert raw.cmd("COMMAND", "nosuch") == ReplyError(
        "ERR unknown subcommand 'nosuch'. Try COMMAND HELP.")
    assert all(isinstance(line, Simple) for line in raw.cmd("COMMAND", "HELP"))
