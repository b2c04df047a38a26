"""RESP3: HELLO, and the shapes that change with it."""
import pytest

from rawconn import ReplyError, Simple, Verbatim, encode

HELLO_FIELDS = {b"server", b"version", b"proto", b"id", b"mode", b"role",
                b"modules"}


@pytest.fixture
def raw3(raw):
    assert isinstance(raw.cmd("HELLO", "3"), dict)
    return raw


def test_hello_3_is_a_map(raw):
    reply = raw.cmd("HELLO", "3")
    assert isinstance(reply, dict) and set(reply) == HELLO_FIELDS
    assert reply[b"proto"] == 3
    assert reply[b"mode"] == b"standalone"
    assert reply[b"role"] == b"master"
    assert reply[b"modules"] == []
    assert reply[b"id"] == raw.cmd("CLIENT", "ID")


def test_hello_2_is_an_array(raw):
    for words in (("HELLO",), ("HELLO", "2")):
        reply = raw.cmd(*words)
        assert isinstance(reply, list) and len(reply) == 14
        assert set(reply[::2]) == HELLO_FIELDS
        assert reply[reply.index(b"proto") + 1] == 2


def test_hello_back_and_forth(raw):
    for _ in range(3):
        assert isinstance(raw.cmd("HELLO", "3"), dict)
        assert isinstance(raw.cmd("HELLO"), dict)
        raw.send_cmd("GET", "nosuch")
        assert raw.read_line() == b"_"
        assert isinstance(raw.cmd("HELLO", "2"), list)
        raw.send_cmd("GET", "nosuch")
        assert raw.read_line() == b"$-1"


def test_hello_switches_in_the_middle_of_a_pipeline(raw):
    raw.send(encode("GET", "nosuch") + encode("HELLO", "3")
             + encode("GET", "nosuch") + encode("HELLO", "2")
             + encode("GET", "nosuch"))
    assert raw.read_line() == b"$-1"
    assert isinstance(raw.read_reply(), dict)
    assert raw.read_line() == b"_"
    assert isinstance(raw.read_reply(), list)
    assert raw.read_line() == b"$-1"


def test_hello_wrong_keeps_the_protocol(raw3):
    for words in (("HELLO", "4"), ("HELLO", "x"), ("HELLO", "2", "NOSUCH")):
        assert isinstance(raw3.cmd(*words), ReplyError)
    raw3.send_cmd("GET", "nosuch")
    assert raw3.read_line() == b"_"


def test_hello_with_name(raw):
    raw.cmd("HELLO", "3", "SETNAME", "me")
    assert raw.cmd("CLIENT", "GETNAME") == b"me"
    assert isinstance(raw.cmd("HELLO", "3", "SETNAME", "a b"), ReplyError)
    assert raw.cmd("CLIENT", "GETNAME") == b"me"


def test_hello_with_auth(raw):
    """Without a password, the default user takes any."""
    assert isinstance(raw.cmd("HELLO", "3", "AUTH", "default", "x"), dict)
    reply = raw.cmd("HELLO", "3", "AUTH", "nosuch", "x")
    assert reply == ReplyError("WRONGPASS invalid username-password pair or user "
                               "is disabled.")
    assert raw.cmd("PING") == b"PONG"


def test_hello_is_per_connection(raws):
    a, b = raws(2)
    a.cmd("HELLO", "3")
    b.send_cmd("GET", "nosuch")
    assert b.read_line() == b"$-1"


def test_reset_goes_back_to_2(raw3):
    assert raw3.cmd("RESET") == Simple(b"RESET")
    raw3.send_cmd("GET", "nosuch")
    assert raw3.read_line() == b"$-1"


def test_strings_and_numbers_are_alike(raw3):
    commands = [("SET", "a", "1"), ("GET", "a"), ("INCR", "a"), ("STRLEN", "a"),
                ("INCRBYFLOAT", "a", "0.5"), ("TYPE", "a"), ("EXISTS", "a"),
                ("TTL", "a"), ("SETNX", "a", "1")]
    raw3.send(b"".join(encode(*c) for c in commands))
    want = b"+OK\r\n$1\r\n1\r\n:2\r\n:1\r\n$3\r\n2.5\r\n+string\r\n:1\r\n:-1\r\n:0\r\n"
    assert raw3.read_bytes(len(want)) == want


@pytest.mark.parametrize("words", [
    ("GET", "nosuch"), ("GETDEL", "nosuch"), ("GETEX", "nosuch"),
    ("SET", "new", "1", "GET"), ("SET", "nosuch", "1", "XX"), ("RANDOMKEY",),
    ("CLIENT", "GETNAME")])
def test_null(raws, words):
    two, three = raws(2)
    three.cmd("HELLO", "3")
    two.cmd("DEL", "new")
    three.send_cmd(*words)
    assert three.read_line() == b"_"
    two.cmd("DEL", "new")
    two.send_cmd(*words)
    assert two.read_line() == b"$-1"


def test_null_in_an_array(raw3):
    raw3.send_cmd("MGET", "nosuch", "nosuch2")
    assert [raw3.read_line() for _ in range(3)] == [b"*2", b"_", b"_"]


def test_config_get_is_a_map(raw3):
    assert raw3.cmd("CONFIG", "GET", "maxclients") == {b"maxclients": b"10000"}
    assert raw3.cmd("CONFIG", "GET", "nosuch") == {}
    both = raw3.cmd("CONFIG", "GET", "maxclients", "timeout")
    assert both == {b"maxclients": b"10000", b"timeout": b"0"}
    raw3.cmd("HELLO", "2")
    assert raw3.cmd("CONFIG", "GET", "timeout") == [b"timeout", b"0"]


def test_info_is_verbatim(raw3):
    reply = raw3.cmd("INFO", "server")
    assert isinstance(reply, Verbatim) and reply.format == b"txt"
    assert reply.startswith(b"# Server\r\n")
    raw3.cmd("HELLO", "2")
    assert not isinstance(raw3.cmd("INFO", "server"), Verbatim)


def test_client_list_is_verbatim(raw3):
    for words in (("CLIENT", "LIST"), ("CLIENT", "INFO")):
        reply = raw3.cmd(*words)
        assert isinstance(reply, Verbatim) and reply.format == b"txt"
        assert b" resp=3" in reply
    raw3.cmd("HELLO", "2")
    assert b" resp=2" in raw3.cmd("CLIENT", "INFO")


def test_lcs_idx_is_a_map(raw3):
    raw3.cmd("MSET", "a", "ohmytext", "b", "mynewtext")
    want = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]]
    assert raw3.cmd("LCS", "a", "b", "IDX") == {b"matches": want, b"len": 6}
    raw3.cmd("HELLO", "2")
    assert raw3.cmd("LCS", "a", "b", "IDX") == [b"matches", want, b"len", 6]


def test_command_info_has_sets(raw3):
    row = raw3.cmd("COMMAND", "INFO", "get")[0]
    assert row[:2] == [b"get", 2] and row[3:6] == [1, 1, 1]
    assert type(row[2]).__name__ == "SetReply"
    assert set(row[2]) == {b"readonly", b"fast"}
    assert type(row[6]).__name__ == "SetReply"
    assert {b"@read", b"@string", b"@fast"} <= set(row[6])
    assert raw3.cmd("COMMAND", "INFO", "nosuch") == [None]


def test_scan_and_keys_stay_arrays(raw3):
    raw3.cmd("SET", "a", "1")
    assert raw3.cmd("SCAN", "0", "COUNT", "1000") == [b"0", [b"a"]]
    reply = raw3.cmd("KEYS", "*")
    assert type(reply) is list and reply == [b"a"]


def test_errors_are_simple_errors(raw3):
    raw3.send_cmd("GET")
    assert raw3.read_line().startswith(b"-ERR wrong number")
    raw3.send(b"*x\r\n")
    assert raw3.read_line() == b"-ERR Protocol error: invalid multibulk length"
    assert raw3.closed(5)
