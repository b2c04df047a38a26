"""What a connection asks about itself: protocol, database, name, password."""
import pytest

from rawconn import Closed, encode


def fields(line):
    """A CLIENT LIST line as a dict."""
    return dict(f.split("=", 1) for f in line.decode().strip().split(" "))


def test_ping_and_echo(raw):
    assert raw.cmd("PING") == b"PONG"
    assert raw.cmd("PING", b"a\r\n\0b") == b"a\r\n\0b"
    assert raw.cmd("PING", "a", "b") == "ERR wrong number of arguments for 'ping' command"
    assert raw.cmd("ECHO", "") == b""


def test_select(raw):
    raw.cmd("SET", "a", "zero")
    assert raw.cmd("SELECT", 15) == b"OK"
    assert raw.cmd("GET", "a") is None
    assert raw.cmd("SELECT", 16) == "ERR DB index is out of range"
    assert raw.cmd("SELECT", -1) == "ERR DB index is out of range"
    assert raw.cmd("SELECT", "x") == "ERR value is not an integer or out of range"
    assert fields(raw.cmd("CLIENT", "INFO"))["db"] == "15"
    assert raw.cmd("SELECT", 0) == b"OK"
    assert raw.cmd("GET", "a") == b"zero"


def test_quit(raw):
    raw.send(encode("QUIT") + encode("PING"))
    assert raw.read_reply() == b"OK"
    with pytest.raises(Closed):
        raw.read_reply()


# ---- HELLO, RESET ----

def test_hello(raw):
    two = raw.cmd("HELLO", 2)
    names = two[::2]
    assert names == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
    assert two[5] == 2
    three = raw.cmd("HELLO", 3)
    assert three[b"server"] == b"redis"
    assert three[b"proto"] == 3
    assert three[b"mode"] == b"standalone"
    assert three[b"role"] == b"master"
    assert three[b"modules"] == []
    assert three[b"id"] == raw.cmd("CLIENT", "ID")
    assert raw.cmd("HELLO")[b"proto"] == 3
    assert raw.cmd("GET", "nosuch") is None
    raw.cmd("HELLO", 2)
    assert isinstance(raw.cmd("CONFIG", "GET", "port"), list)


@pytest.mark.parametrize("args,error", [
    ([0], "NOPROTO unsupported protocol version"),
    ([1], "NOPROTO unsupported protocol version"),
    ([4], "NOPROTO unsupported protocol version"),
    (["abc"], "ERR Protocol version is not an integer or out of range"),
    ([2 ** 64], "ERR Protocol version is not an integer or out of range"),
    ([3, "FOO"], "ERR Syntax error in HELLO option 'FOO'"),
    ([3, "AUTH", "default"], "ERR Syntax error in HELLO option 'AUTH'"),
    ([3, "SETNAME"], "ERR Syntax error in HELLO option 'SETNAME'"),
    ([3, "AUTH", "foo", "bar"],
     "WRONGPASS invalid username-password pair or user is disabled.")])
def test_hello_errors(raw, args, error):
    assert raw.cmd("HELLO", *args) == error
    assert isinstance(raw.cmd("CONFIG", "GET", "port"), list), "still RESP2"


def test_hello_setname(raw):
    raw.cmd("HELLO", 2, "SETNAME", "joe")
    assert raw.cmd("CLIENT", "GETNAME") == b"joe"
    raw.cmd("HELLO", 3, "AUTH", "default", "anything", "SETNAME", "ann")
    assert raw.cmd("CLIENT", "GETNAME") == b"ann"


def test_reset(raw):
    raw.cmd("HELLO", 3, "SETNAME", "joe")
    raw.cmd("SELECT", 5)
    assert raw.cmd("RESET") == b"RESET"
    assert raw.cmd("CLIENT", "GETNAME") is None
    info = fields(raw.cmd("CLIENT", "INFO"))
    assert info["db"] == "0"
    assert info["resp"] == "2"


# ---- AUTH ----

def test_auth_without_a_password(raw):
    assert raw.cmd("AUTH", "x").text.startswith(
        "ERR AUTH <password> called without any password configured")
    assert raw.cmd("AUTH", "default", "x") == b"OK"
    assert raw.cmd("AUTH", "foo", "x").code == "WRONGPASS"
    assert raw.cmd("AUTH", "a", "b", "c") == "ERR syntax error"


def test_requirepass_set_while_running(server, raws):
    child = server.new()
    before, = raws(1, of=child)
    assert before.cmd("CONFIG", "SET", "requirepass", "secret") == b"OK"
    assert before.cmd("PING") == b"PONG", "who was in stays in"
    new, = raws(1, of=child)
    assert new.cmd("GET", "a") == "NOAUTH Authentication required."
    assert new.cmd("CONFIG", "GET", "*") == "NOAUTH Authentication required."
    assert new.cmd("HELLO", 3).code == "NOAUTH"
    for wrong in ["", "s", "secre", "secret2", "SECRET", "secretsecret", "\0" * 6]:
        assert new.cmd("AUTH", wrong).code == "WRONGPASS"
    assert new.cmd("GET", "a").code == "NOAUTH"
    assert new.cmd("AUTH", "secret") == b"OK"
    assert new.cmd("GET", "a") is None
    assert new.cmd("RESET") == b"RESET"
    assert new.cmd("GET", "a").code == "NOAUTH"
    assert new.cmd("HELLO", 3, "AUTH", "default", "secret")[b"proto"] == 3
    assert new.cmd("AUTH", "default", "secret") == b"OK"
    assert new.cmd("CONFIG", "SET", "requirepass", "") == b"OK"
    last, = raws(1, of=child)
    assert last.cmd("PING") == b"PONG"


# ---- CLIENT ----

def test_client_id_grows_and_is_unique(raws):
    ids = [raw.cmd("CLIENT", "ID") for raw in raws(10)]
    assert len(set(ids)) == 10
    assert all(i > 0 for i in ids)


def test_client_name(raw):
    assert raw.cmd("CLIENT", "GETNAME") is None
    assert raw.cmd("CLIENT", "SETNAME", "joe") == b"OK"
    assert raw.cmd("CLIENT", "GETNAME") == b"joe"
    for bad in ["a b", "a\nb", "a\0b", "\xff", " "]:
        assert raw.cmd("CLIENT", "SETNAME", bad) == \
            "ERR Client names cannot contain spaces, newlines or special characters."
    assert raw.cmd("CLIENT", "GETNAME") == b"joe"
    assert raw.cmd("CLIENT", "SETNAME", "") == b"OK"
    assert raw.cmd("CLIENT", "GETNAME") is None


def test_client_list_and_info(raw):
    raw.cmd("CLIENT", "SETNAME", "joe")
    mine = str(raw.cmd("CLIENT", "ID"))
    info = fields(raw.cmd("CLIENT", "INFO"))
    assert info["id"] == mine
    assert info["name"] == "joe"
    assert info["cmd"] == "client|info"
    assert info["user"] == "default"
    assert info["flags"] == "N"
    assert info["addr"].startswith("127.0.0.1:")
    lines = raw.cmd("CLIENT", "LIST").splitlines()
    assert mine in [fields(line)["id"] for line in lines]
    assert len(raw.cmd("CLIENT", "LIST", "ID", mine).splitlines()) == 1
    assert raw.cmd("CLIENT", "LIST", "ID", 2 ** 62) == b""
    assert raw.cmd("CLIENT", "LIST", "TYPE", "pubsub") == b""
    assert raw.cmd("CLIENT", "LIST", "TYPE", "foo") == "ERR Unknown client type 'foo'"
    assert raw.cmd("CLIENT", "LIST", "ID", "x") in ("ERR syntax error",
                                                    "ERR Invalid client ID")
    assert raw.cmd("CLIENT", "LIST", "ID") == "ERR syntax error"
    assert raw.cmd("CLIENT", "LIST", "FOO") == "ERR syntax error"


def test_client_reply(raw):
    raw.send(encode("CLIENT", "REPLY", "OFF") + encode("SET", "a", 1)
             + encode("NOSUCH") + encode("CLIENT", "REPLY", "ON") + encode("GET", "a"))
    assert raw.read_replies(2) == [b"OK", b"1"]
    raw.send(encode("CLIENT", "REPLY", "SKIP") + encode("INCR", "a") + encode("GET", "a"))
    assert raw.read_reply() == b"2"
    assert raw.silent()
    assert raw.cmd("CLIENT", "REPLY", "FOO") == "ERR syntax error"


def test_client_errors(raw):
    assert raw.cmd("CLIENT", "FOO") == "ERR unknown subcommand 'FOO'. Try CLIENT HELP."
    assert raw.cmd("CLIENT") == "ERR wrong number of arguments for 'client' command"
    assert raw.cmd("CLIENT", "ID", "x") == \
        "ERR wrong number of arguments for 'client|id' command"
    assert raw.cmd("CLIENT", "NO-EVICT", "ON") == b"OK"
    assert raw.cmd("CLIENT", "NO-EVICT", "FOO") == "ERR syntax error"
    assert len(raw.cmd("CLIENT", "HELP")) > 8


def test_client_setinfo(server, raw):
    if server.is_redis:
        pytest.skip("came with 7.2")
    assert raw.cmd("CLIENT", "SETINFO", "LIB-NAME", "redis-py") == b"OK"
    assert raw.cmd("CLIENT", "SETINFO", "lib-ver", "1.2.3") == b"OK"
    info = fields(raw.cmd("CLIENT", "INFO"))
    assert (info["lib-name"], info["lib-ver"]) == ("redis-py", "1.2.3")
    for name in ("lib-name", "Lib-Ver"):
        assert raw.cmd("CLIENT", "SETINFO", name, "a b") == \
            "ERR %s cannot contain spaces, newlines or special characters." % name
    assert raw.cmd("CLIENT", "SETINFO", "foo", "x").code == "ERR"
    assert raw.cmd("CLIENT", "NO-TOUCH", "ON") == b"OK"
