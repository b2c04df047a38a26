"""CLIENT beyond a session's own: LIST, KILL, PAUSE, UNBLOCK over all workers."""
import re
import socket
import threading
import time

import pytest

from rawconn import Raw, encode
from servers import is_redis
from waiting import wait_until

FIELDS = ("id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf "
          "qbuf-free argv-mem multi-mem rbs rbp obl oll omem tot-mem events cmd user "
          "redir resp lib-name lib-ver tot-net-in tot-net-out tot-cmds").split()


def parse(text):
    """The lines of CLIENT LIST as dicts."""
    text = text.decode() if isinstance(text, bytes) else text
    return [dict(word.split("=", 1) for word in line.split(" "))
            for line in text.splitlines()]


def listed(conn, *options):
    return parse(conn.cmd("CLIENT", "LIST", *options))


def ids(conn, *options):
    return [int(line["id"]) for line in listed(conn, *options)]


def own_id(conn):
    return conn.cmd("CLIENT", "ID")


def address(conn):
    return "%s:%d" % conn.sock.getsockname()[:2]


@pytest.fixture(autouse=True)
def only_ours(server):
    if is_redis(server.binary):
        pytest.skip("fields and filters are Valkey 8.1's")


@pytest.fixture
def unpaused(raws):
    """Nothing is left paused."""
    yield
    assert raws(1)[0].cmd("CLIENT", "UNPAUSE") == b"OK"


# ---- LIST ----

def test_fields_stand_in_their_order(raw):
    line = raw.cmd("CLIENT", "LIST", "ID", own_id(raw)).decode()
    assert [word.split("=")[0] for word in line.split()] == FIELDS
    assert line.endswith("\n")
    assert [word.split("=")[0] for word in
            raw.cmd("CLIENT", "INFO").decode().split()] == FIELDS


def test_values_are_true(raws):
    me, other = raws(2)
    other.cmd("HELLO", "3", "SETNAME", "other")
    other.cmd("CLIENT", "SETINFO", "LIB-NAME", "lib")
    other.cmd("CLIENT", "SETINFO", "LIB-VER", "1.2")
    other.cmd("SELECT", "5")
    other.cmd("WATCH", "a", "b")
    other.cmd("MULTI")
    other.cmd("SET", "k", "v")
    line = listed(me, "ID", own_id(me) + 1)
    line = listed(me, "ADDR", address(other))[0]
    assert line["name"] == "other"
    assert line["addr"] == address(other)
    assert line["laddr"] == "%s:%d" % other.sock.getpeername()[:2]
    assert (line["db"], line["resp"], line["flags"]) == ("5", "3", "x")
    assert (line["multi"], line["watch"]) == ("1", "2")
    assert int(line["multi-mem"]) > 0
    assert (line["lib-name"], line["lib-ver"]) == ("lib", "1.2")
    assert line["cmd"] == "multi"
    assert line["user"] == "default"
    assert (line["redir"], line["sub"], line["psub"], line["ssub"]) == ("-1", "0", "0", "0")
    other.send(b"*2\r\n$4\r\nECHO\r\n$100\r\npart of an argument")
    wait_until(lambda: int(listed(me, "ADDR", address(other))[0]["qbuf"]) > 0)


def test_bytes_and_commands_are_counted(raws):
    me, other = raws(2)
    number = own_id(other)
    before = listed(me, "ID", number)[0]
    sent = encode("ECHO", "x" * 1000)
    other.send(sent)
    got = other.read_reply()
    other.cmd("PING")
    after = listed(me, "ID", number)[0]
    grown = {f: int(after[f]) - int(before[f])
             for f in ("tot-net-in", "tot-net-out", "tot-cmds")}
    assert grown["tot-cmds"] == 2
    assert grown["tot-net-in"] == len(sent) + len(encode("PING"))
    assert grown["tot-net-out"] >= len(got)


def test_idle_buffers_are_cut(raws):
    """After two seconds a half request takes no more than itself."""
    me, other = raws(2)
    number = own_id(other)
    other.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n" + b"x" * 30000)

    def room():
        line = listed(me, "ID", number)[0]
        return int(line["qbuf"]), int(line["qbuf-free"])

    wait_until(lambda: room()[0] > 30000)
    wait_until(lambda: room()[1] == 0, 6)
    assert room()[0] > 30000
    other.send(b"y" * 170000 + b"\r\n")
    assert other.read_reply() == b"OK"
    assert me.cmd("GET", "k") == b"x" * 30000 + b"y" * 170000


def test_flags(raws, server):
    me, other = raws(2)
    number = own_id(other)

    def flags():
        return listed(me, "ID", number)[0]["flags"]

    assert flags() == "N"
    other.cmd("CLIENT", "NO-EVICT", "ON")
    other.cmd("CLIENT", "NO-TOUCH", "ON")
    assert flags() == "eT"
    other.cmd("RESET")
    assert flags() == "N"
    other.send(encode("MONITOR"))
    wait_until(lambda: flags() == "O")


def test_filters(raws):
    conns = raws(6)
    me = conns[0]
    mine = [own_id(c) for c in conns]
    assert set(mine) <= set(ids(me))
    assert sorted(ids(me, "ID", *mine[1:3])) == sorted(mine[1:3])
    assert ids(me, "ID", mine[1], "ADDR", address(conns[1])) == [mine[1]]
    assert ids(me, "ID", mine[1], "ADDR", address(conns[2])) == []
    assert mine[0] not in ids(me, "SKIPME", "YES")
    assert mine[0] in ids(me, "SKIPME", "NO")
    assert set(mine) <= set(ids(me, "TYPE", "normal", "USER", "default"))
    for kind in ("master", "primary", "replica", "slave", "pubsub"):
        assert ids(me, "TYPE", kind) == []
    assert ids(me, "MAXAGE", 1000000) == []
    laddr = "%s:%d" % me.sock.getpeername()[:2]
    assert set(mine) <= set(ids(me, "LADDR", laddr))
    assert ids(me, "LADDR", "127.0.0.1:1") == []
    assert ids(me, "ID", *range(2 ** 40, 2 ** 40 + 500)) == []


@pytest.mark.parametrize("sub", ["LIST", "KILL"])
def test_filters_that_make_no_sense(raw, sub):
    def refused(*options):
        return raw.cmd("CLIENT", sub, *options)

    assert refused("ID", 1, "foo") == "ERR syntax error"
    assert refused("ID", "str", "TYPE", "normal") == "ERR syntax error"
    assert refused("ID", 0) == "ERR client-id should be greater than 0"
    assert refused("ID", -1) == "ERR client-id should be greater than 0"
    assert refused("TYPE", "what") == "ERR Unknown client type 'what'"
    assert refused("USER", "who") == "ERR No such user 'who'"
    assert refused("SKIPME", "maybe") == "ERR syntax error"
    assert refused("MAXAGE", "str") == "ERR maxage is not an integer or out of range"
    assert refused("MAXAGE", 10 ** 20) == "ERR maxage is not an integer or out of range"
    assert refused("MAXAGE", 0) == "ERR maxage should be greater than 0"
    assert refused("NAME", "x") == "ERR syntax error"
    assert refused("ID", 1, "TYPE") == "ERR syntax error"


def test_list_of_many(raws):
    """Longer than a block, and than what fits a visit."""
    conns = raws(200)
    for i, conn in enumerate(conns):
        conn.cmd("CLIENT", "SETNAME", "n%d-%s" % (i, "x" * 200))
    lines = listed(conns[0])
    names = {line["name"].split("-")[0] for line in lines}
    assert {"n%d" % i for i in range(200)} <= names
    assert all(list(line) == FIELDS for line in lines)


def test_pipelined_lists_come_in_order(raws):
    conn, = raws(1)
    number = own_id(conn)
    got = conn.pipeline([("CLIENT", "LIST", "ID", number), ("PING",),
                         ("CLIENT", "LIST", "ID", number), ("ECHO", "x"),
                         ("CLIENT", "KILL", "ID", 2 ** 50), ("SET", "k", "v"),
                         ("GET", "k")])
    assert got[0].startswith(b"id=%d " % number)
    assert got[1] == b"PONG"
    assert got[2].startswith(b"id=%d " % number)
    assert got[3:] == [b"x", 0, b"OK", b"v"]


def test_answer_to_one_who_has_said_all(raws):
    """The peer shuts its side right behind the question."""
    for _ in range(20):
        conn, = raws(1)
        conn.send(encode("CLIENT", "LIST"))
        conn.sock.shutdown(socket.SHUT_WR)
        assert conn.read_reply().startswith(b"id=")
        assert conn.closed()


def test_askers_that_go_away(raws, server):
    """Their tours come home to nobody."""
    keep = raws(20)
    for _ in range(100):
        conn = Raw(server.address)
        conn.send(encode("CLIENT", "LIST") * 3)
        conn.close()
    assert keep[0].cmd("PING") == b"PONG"


def test_muted_answers(raws):
    conn, = raws(1)
    conn.send(encode("CLIENT", "REPLY", "SKIP") + encode("CLIENT", "LIST")
              + encode("ECHO", "a"))
    assert conn.read_reply() == b"a"
    conn.send(encode("CLIENT", "REPLY", "OFF") + encode("CLIENT", "LIST")
              + encode("CLIENT", "KILL", "ID", 2 ** 50)
              + encode("CLIENT", "REPLY", "ON") + encode("ECHO", "b"))
    assert conn.read_reply() == b"OK"
    assert conn.read_reply() == b"b"


def test_in_a_transaction(raw, server):
    raw.cmd("MULTI")
    raw.cmd("CLIENT", "LIST")
    raw.cmd("CLIENT", "ID")
    raw.cmd("CLIENT", "KILL", "ID", 2 ** 50)
    lines, number, killed = raw.cmd("EXEC")
    if server.workers == 1:
        assert number in [int(line["id"]) for line in parse(lines)]
        assert killed == 0
    else:
        assert lines == ("ERR 'client|list' asks all workers and is not allowed "
                         "inside a transaction")
        assert str(killed).startswith("ERR 'client|kill'")
    assert raw.cmd("PING") == b"PONG"


# ---- KILL ----

def test_kill_by_address(raws):
    me, other = raws(2)
    assert me.cmd("CLIENT", "KILL", "000.123.321.567:0000") == "ERR No such client"
    assert me.cmd("CLIENT", "KILL", "127.0.0.1:") == "ERR No such client"
    assert me.cmd("CLIENT", "KILL", address(other)) == b"OK"
    assert other.closed()
    assert me.cmd("CLIENT", "KILL", address(me)) == b"OK"
    assert me.closed()


def test_kill_by_filters(raws):
    conns = raws(9)
    numbers = [own_id(c) for c in conns]
    me = conns[0]
    assert me.cmd("CLIENT", "KILL", "ID", numbers[1]) == 1
    assert conns[1].closed()
    assert me.cmd("CLIENT", "KILL", "ID", numbers[1]) == 0
    assert me.cmd("CLIENT", "KILL", "ID", *numbers[2:5]) == 3
    assert all(c.closed() for c in conns[2:5])
    assert me.cmd("CLIENT", "KILL", "ADDR", address(conns[5]), "ID", numbers[6]) == 0
    assert conns[5].cmd("PING") == b"PONG"
    assert me.cmd("CLIENT", "KILL", "TYPE", "pubsub") == 0
    left = len(listed(me, "SKIPME", "YES"))
    assert me.cmd("CLIENT", "KILL", "SKIPME", "YES") == left
    assert all(c.closed() for c in conns[5:])
    assert me.cmd("PING") == b"PONG"
    assert ids(me) == [numbers[0]]


def test_kill_oneself(raws):
    """Answered first; what came behind is not run."""
    me, other = raws(2)
    me.send(encode("CLIENT", "KILL", "ID", own_id(me), "SKIPME", "NO")
            + encode("SET", "k", "v"))
    assert me.read_reply() == 1
    assert me.closed()
    assert other.cmd("GET", "k") is None
    me, = raws(1)
    assert me.cmd("CLIENT", "KILL", "ID", own_id(me)) == 0  # SKIPME is yes
    assert me.cmd("PING") == b"PONG"


def test_killed_are_not_listed(raws):
    conns = raws(8)
    me = conns[0]
    numbers = [own_id(c) for c in conns[1:]]
    got = me.pipeline([("CLIENT", "KILL", "ID", *numbers), ("CLIENT", "LIST")])
    assert got[0] == 7
    assert not set(numbers) & {int(line["id"]) for line in parse(got[1])}


def test_kill_while_pipelines_run(raws, server):
    """Sessions of every worker are killed with requests under way; each has
    executed a whole number of its requests, in order."""
    victims = raws(12)
    me, = raws(1)
    numbers = [own_id(c) for c in victims]
    stop = threading.Event()

    def write(conn, key):
        burst = encode("INCR", key) * 500
        try:
            conn.sock.settimeout(0.2)
            while not stop.is_set():
                conn.sock.sendall(burst)
                try:
                    conn.sock.recv(1 << 16)
                except socket.timeout:
                    pass
        except OSError:
            pass

    threads = [threading.Thread(target=write, args=(c, "k%d" % i))
               for i, c in enumerate(victims)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    for number in numbers:
        assert me.cmd("CLIENT", "KILL", "ID", number) == 1
        assert number not in ids(me)
    stop.set()
    for thread in threads:
        thread.join()
    counts = [int(me.cmd("GET", "k%d" % i)) for i in range(len(victims))]
    time.sleep(0.1)
    assert counts == [int(me.cmd("GET", "k%d" % i)) for i in range(len(victims))]


def test_kill_one_another(raws):
    conns = raws(10)
    numbers = [own_id(c) for c in conns]
    for conn in conns:
        conn.send(encode("CLIENT", "KILL", "ID", *numbers, "SKIPME", "NO"))
    assert all(c.closed() or True for c in conns)
    me, = raws(1)
    wait_until(lambda: len(ids(me)) == 1)


def test_kill_those_who_wait(raws, unpaused):
    me, held = raws(2)
    number = own_id(held)
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    held.send(encode("SET", "k", "v") + encode("PING"))
    wait_until(lambda: listed(me, "ID", number)[0]["flags"] == "b")
    assert me.cmd("CLIENT", "KILL", "ID", number) == 1
    assert held.closed()
    assert me.cmd("CLIENT", "UNPAUSE") == b"OK"
    assert me.cmd("GET", "k") is None


# ---- PAUSE ----

def blocked(conn):
    info = conn.cmd("INFO", "clients").decode()
    return int(re.search(r"blocked_clients:(\d+)", info).group(1))


def test_pause_arguments(raw):
    def refused(*args):
        return raw.cmd("CLIENT", "PAUSE", *args)

    assert refused("abc") == "ERR timeout is not an integer or out of range"
    assert refused("1.5") == "ERR timeout is not an integer or out of range"
    assert refused("-1") == "ERR timeout is negative"
    assert refused(2 ** 63 - 1) == "ERR timeout is out of range"
    assert refused("1", "foo") == "ERR CLIENT PAUSE mode must be WRITE or ALL"
    assert raw.cmd("CLIENT", "UNPAUSE", "x").code == "ERR"


def test_pause_write(raws, unpaused):
    conns = raws(7)
    me, writers, reader = conns[0], conns[1:6], conns[6]
    assert me.cmd("CLIENT", "PAUSE", "60000", "WRITE") == b"OK"
    for i, conn in enumerate(writers):
        conn.send(encode("SET", "k%d" % i, "v") + encode("GET", "k%d" % i))
    wait_until(lambda: blocked(me) == 5)
    assert reader.cmd("GET", "k0") is None
    assert reader.cmd("SET", "k") == "ERR wrong number of arguments for 'set' command"
    assert all(c.silent(0.02) for c in writers)
    assert me.cmd("CLIENT", "UNPAUSE") == b"OK"
    assert [c.read_replies(2) for c in writers] == [[b"OK", b"v"]] * 5
    assert blocked(me) == 0


def test_pause_ends_by_itself(raws):
    """At its time, not before; on every worker."""
    conns = raws(7)
    begin = time.monotonic()
    assert conns[0].cmd("CLIENT", "PAUSE", "300", "ALL") == b"OK"
    for conn in conns[1:]:
        conn.send(encode("PING"))
    for conn in conns[1:]:
        assert conn.read_reply() == b"PONG"
        assert 0.295 <= time.monotonic() - begin < 2
    assert conns[0].cmd("PING") == b"PONG"


def test_unpause_is_not_locked_out(raws):
    me, other, third = raws(3)
    me.cmd("CLIENT", "PAUSE", "60000", "ALL")
    third.send(encode("PING"))
    assert third.silent(0.05)
    assert other.cmd("CLIENT", "UNPAUSE") == b"OK"
    assert third.read_reply() == b"PONG"


def test_pauses_add_up(raws, unpaused):
    """The longer time and what stops more stay in force."""
    me, other = raws(2)
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    me.cmd("CLIENT", "PAUSE", "10", "WRITE")
    time.sleep(0.05)
    other.send(encode("SET", "k", "v"))
    assert other.silent(0.1)
    me.cmd("CLIENT", "PAUSE", "10", "ALL")
    third, = raws(1)
    third.send(encode("PING"))
    assert third.silent(0.1)
    me.cmd("CLIENT", "UNPAUSE")
    assert other.read_reply() == b"OK"
    assert third.read_reply() == b"PONG"


def test_pause_with_pipelines_in_flight(raws, unpaused):
    """No write is executed once the pause has been answered."""
    writers = raws(6)
    me, = raws(1)
    for i, conn in enumerate(writers):
        conn.send(encode("INCR", "k%d" % i) * 20000)
    assert me.cmd("CLIENT", "PAUSE", "60000", "WRITE") == b"OK"
    keys = ["k%d" % i for i in range(6)]
    before = me.cmd("MGET", *keys)
    time.sleep(0.1)
    assert me.cmd("MGET", *keys) == before
    assert me.cmd("CLIENT", "UNPAUSE") == b"OK"
    for conn in writers:
        assert conn.read_replies(20000) == list(range(1, 20001))


def test_pause_in_its_own_pipeline(raws, unpaused):
    me, other = raws(2)
    me.send(encode("SET", "k", "1") + encode("CLIENT", "PAUSE", "60000", "WRITE")
            + encode("SET", "k", "2") + encode("GET", "k"))
    assert me.read_replies(2) == [b"OK", b"OK"]
    assert me.silent(0.05)
    assert other.cmd("GET", "k") == b"1"
    assert other.cmd("CLIENT", "UNPAUSE") == b"OK"
    assert me.read_replies(2) == [b"OK", b"2"]


def test_pause_begins_after_its_transaction(raws, unpaused):
    me, other = raws(2)
    got = me.pipeline([("MULTI",), ("SET", "a", "1"), ("CLIENT", "PAUSE", "60000", "WRITE"),
                       ("SET", "b", "2"), ("EXEC",)])
    assert got[-1] == [b"OK", b"OK", b"OK"]
    other.send(encode("SET", "c", "3"))
    wait_until(lambda: blocked(me) == 1)
    assert me.cmd("MGET", "a", "b", "c") == [b"1", b"2", None]
    me.cmd("CLIENT", "UNPAUSE")
    assert other.read_reply() == b"OK"


def test_transactions_that_write_are_paused(raws, unpaused):
    me, writer, reader = raws(3)
    writer.cmd("MULTI")
    writer.cmd("SET", "k", "v")
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    writer.send(encode("EXEC"))
    wait_until(lambda: blocked(me) == 1)
    assert reader.pipeline([("MULTI",), ("GET", "k"), ("EXEC",)])[-1] == [None]
    me.cmd("CLIENT", "UNPAUSE")
    assert writer.read_reply() == [b"OK"]


def test_nothing_expires_while_paused(raws, unpaused):
    me, = raws(1)
    me.cmd("SET", "k", "v", "PX", "30")
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")

    def expired():
        info = me.cmd("INFO", "stats").decode()
        return int(re.search(r"expired_keys:(\d+)", info).group(1))

    before = expired()
    wait_until(lambda: me.cmd("GET", "k") is None)
    time.sleep(0.1)
    assert expired() == before
    assert me.cmd("DBSIZE") == 1
    me.cmd("CLIENT", "UNPAUSE")
    wait_until(lambda: me.cmd("DBSIZE") == 0)
    assert expired() == before + 1


def test_paused_peers_that_go_away(raws, server, unpaused):
    me, = raws(1)
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    gone = [Raw(server.address) for _ in range(20)]
    for conn in gone:
        conn.send(encode("SET", "k", "v"))
    wait_until(lambda: blocked(me) == 20)
    for conn in gone:
        conn.close()
    wait_until(lambda: blocked(me) == 0)
    me.cmd("CLIENT", "UNPAUSE")
    assert me.cmd("GET", "k") is None


# ---- UNBLOCK, and the rest ----

def test_unblock(raws):
    me, other = raws(2)
    number = own_id(other)
    assert me.cmd("CLIENT", "UNBLOCK", number) == 0
    assert me.cmd("CLIENT", "UNBLOCK", 2 ** 50, "ERROR") == 0
    assert me.cmd("CLIENT", "UNBLOCK", "x") == "ERR value is not an integer or out of range"
    assert me.cmd("CLIENT", "UNBLOCK", number, "WHY") == \
        "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"


def test_paused_are_not_unblocked(raws, unpaused):
    me, other = raws(2)
    number = own_id(other)
    me.cmd("CLIENT", "PAUSE", "60000", "WRITE")
    other.send(encode("SET", "k", "v"))
    wait_until(lambda: blocked(me) == 1)
    assert me.cmd("CLIENT", "UNBLOCK", number) == 0
    assert other.silent(0.02)
    me.cmd("CLIENT", "UNPAUSE")
    assert other.read_reply() == b"OK"


def test_tracking_is_not_there(raw):
    assert raw.cmd("CLIENT", "TRACKING", "OFF") == b"OK"
    assert raw.cmd("CLIENT", "TRACKING", "OFF", "BCAST") == b"OK"
    assert raw.cmd("CLIENT", "TRACKING", "ON") == "ERR client tracking is not supported"
    assert raw.cmd("CLIENT", "TRACKING", "what") == "ERR syntax error"
    assert raw.cmd("CLIENT", "TRACKING", "ON", "what") == "ERR syntax error"
    assert raw.cmd("CLIENT", "GETREDIR") == -1
    assert raw.cmd("CLIENT", "TRACKINGINFO") == [b"flags", [b"off"], b"redirect", -1,
                                                 b"prefixes", []]
    assert "in tracking mode" in str(raw.cmd("CLIENT", "CACHING", "YES"))


def test_no_touch(raw):
    raw.cmd("SET", "k", "v")
    time.sleep(2.1)
    raw.cmd("CLIENT", "NO-TOUCH", "ON")
    raw.cmd("GET", "k")
    assert raw.cmd("OBJECT", "IDLETIME", "k") >= 2
    assert raw.cmd("TOUCH", "k") == 1
    assert raw.cmd("OBJECT", "IDLETIME", "k") < 2
    raw.cmd("CLIENT", "NO-TOUCH", "OFF")


def test_small_subcommands(raw):
    assert raw.cmd("CLIENT", "CAPA", "redirect", "foo") == b"OK"
    assert raw.cmd("CLIENT", "CAPA").code == "ERR"
    assert raw.cmd("CLIENT", "IMPORT-SOURCE", "OFF") == b"OK"
    assert raw.cmd("CLIENT", "IMPORT-SOURCE", "ON") == "ERR Server is not in import mode"
    for toggle in ("NO-EVICT", "NO-TOUCH"):
        assert raw.cmd("CLIENT", toggle, "what") == "ERR syntax error"
    help_lines = b"\n".join(raw.cmd("CLIENT", "HELP"))
    for sub in raw.cmd("COMMAND", "LIST", "FILTERBY", "PATTERN", "client|*"):
        assert sub.split(b"|")[1].upper() in help_lines
