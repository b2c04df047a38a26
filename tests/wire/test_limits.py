"""Limits: connections, descriptors, idle time, buffers, lengths. What is over a limit
is refused or closed; everybody else is served."""
import re
import resource
import threading
import time

import pytest

from rawconn import Closed, Raw, ReplyError, encode
from waiting import wait_until

MEGABYTE = 1 << 20


def info(conn, section):
    lines = conn.cmd("INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def alone(server):
    """One connection, once the server has noticed that all others are gone."""
    conn = server.connect()
    wait_until(lambda: int(info(conn, "clients")["connected_clients"]) == 1)
    return conn


# ---- connections ----

def test_maxclients(server, raws):
    own = server.new(maxclients=10)
    conns = [alone(own)] + raws(9, of=own)
    assert all(c.cmd("PING") == b"PONG" for c in conns)
    for _ in range(5):
        with Raw(own.address) as refused:
            assert refused.read_reply() == \
                ReplyError("ERR max number of clients reached")
            assert refused.closed(5)
    assert int(info(conns[0], "stats")["rejected_connections"]) == 5
    assert all(c.cmd("PING") == b"PONG" for c in conns)
    conns[1].close()

    def has_room():
        with Raw(own.address) as conn:
            try:
                return conn.cmd("PING") == b"PONG"
            except (Closed, OSError):
                return False
    wait_until(has_room)


def test_maxclients_at_run_time(server, raws):
    own = server.new(maxclients=50)
    conn = alone(own)
    assert conn.cmd("CONFIG", "SET", "maxclients", "3") == b"OK"
    assert conn.cmd("CONFIG", "GET", "maxclients") == [b"maxclients", b"3"]
    more = raws(2, of=own)
    assert [c.cmd("PING") for c in more] == [b"PONG"] * 2
    with Raw(own.address) as refused:
        assert isinstance(refused.read_reply(), ReplyError)
        assert refused.closed(5)
    assert conn.cmd("CONFIG", "SET", "maxclients", "4") == b"OK"
    assert raws(1, of=own)[0].cmd("PING") == b"PONG"


def test_descriptors_run_out(server, raws):
    """With few descriptors, connections wait or are refused; nobody spins, and
    after some have gone there is room again."""
    own = server.new(limits={resource.RLIMIT_NOFILE: 100}, maxclients=10000)
    first = raws(1, of=own)[0]
    assert first.cmd("SET", "a", "1") == b"OK"
    crowd = []
    for _ in range(150):
        try:
            crowd.append(Raw(own.address, 5))
        except OSError:
            break
    for conn in crowd:
        try:
            conn.send_cmd("PING")
        except OSError:
            pass
    assert first.cmd("GET", "a") == b"1"
    began, cpu = time.monotonic(), own.cpu_seconds()
    while time.monotonic() - began < 0.5:
        assert first.cmd("GET", "a") == b"1"
        time.sleep(0.05)
    if not own.is_redis:
        # Redis's listener stays ready, and its loop turns without end.
        assert own.cpu_seconds() - cpu < 0.4
    for conn in crowd:
        conn.close()

    def has_room():
        try:
            with Raw(own.address, 2) as conn:
                return conn.cmd("PING") == b"PONG"
        except (Closed, OSError):
            return False
    wait_until(has_room)


def test_connections_1000(server, raws):
    conns = raws(1000)
    for i, conn in enumerate(conns):
        conn.send(encode("SET", "c%d" % i, i) + encode("GET", "c%d" % i))
    for i, conn in enumerate(conns):
        assert conn.read_replies(2) == [b"OK", b"%d" % i]
    assert int(info(conns[0], "clients")["connected_clients"]) >= 1000
    for conn in conns[1:]:
        conn.close()
    wait_until(lambda: int(info(conns[0], "clients")["connected_clients"]) < 20)


# ---- idle time ----

def test_timeout_closes_the_idle(server, raws):
    own = server.new(timeout=1)
    idle, half, busy = raws(3, of=own)
    assert idle.cmd("PING") == b"PONG"
    half.send(b"*1\r\n$4\r\nPI")
    began = time.monotonic()
    gone = set()
    while len(gone) < 2 and time.monotonic() - began < 10:
        assert busy.cmd("PING") == b"PONG"
        for conn in (idle, half):
            if conn not in gone and conn.closed(0.05):
                gone.add(conn)
    assert gone == {idle, half}
    assert time.monotonic() - began >= 0.9
    assert busy.cmd("PING") == b"PONG"


def test_timeout_at_run_time(server, raws):
    own = server.new(timeout=0)
    idle, admin = raws(2, of=own)
    assert idle.cmd("PING") == b"PONG"
    assert not idle.closed(0.3)
    assert admin.cmd("CONFIG", "SET", "timeout", "1") == b"OK"
    assert idle.closed(10)


# ---- what a client sends ----

def test_query_buffer_limit(server, raws):
    own = server.new(client_query_buffer_limit="1mb")
    other, greedy = raws(2, of=own)
    try:
        greedy.send(b"*2\r\n$4\r\nECHO\r\n$8000000\r\n" + b"x" * (4 * MEGABYTE))
    except OSError:
        pass
    assert greedy.closed(10)
    assert other.cmd("PING") == b"PONG"


def test_query_buffer_limit_does_not_hit_pipelines(server, raws):
    """Far more bytes than the limit, but never more than a request undone."""
    own = server.new(client_query_buffer_limit="1mb")
    conn = raws(1, of=own)[0]
    data = encode("SET", "k", "v" * 1000) * 5000
    sender = threading.Thread(target=conn.send, args=(data,))
    sender.start()
    assert conn.read_replies(5000) == [b"OK"] * 5000
    sender.join()


def test_bulk_length_limit(server, raws):
    own = server.new(proto_max_bulk_len="1mb")
    conn, over = raws(2, of=own)
    value = b"v" * MEGABYTE
    assert conn.cmd("SET", "k", value) == b"OK"
    assert conn.cmd("GET", "k") == value
    over.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n")
    assert over.read_reply() == ReplyError("ERR Protocol error: invalid bulk length")
    assert over.closed(5)
    too_long = ReplyError("ERR string exceeds maximum allowed size "
                          "(proto-max-bulk-len)")
    assert conn.cmd("APPEND", "k", "x") == too_long
    assert conn.cmd("SETRANGE", "k", MEGABYTE, "x") == too_long
    assert conn.cmd("STRLEN", "k") == MEGABYTE
    assert conn.cmd("CONFIG", "SET", "proto-max-bulk-len", "2mb") == b"OK"
    assert conn.cmd("APPEND", "k", "x") == MEGABYTE + 1
    assert raws(1, of=own)[0].cmd("SET", "k", value + value) == b"OK"


@pytest.mark.parametrize("value", ["1", "0", "-1", "1mb-", "99999999999gb"])
def test_bulk_length_limit_bad_values(server, raw, value):
    """Redis takes nothing under 1 MB."""
    assert isinstance(raw.cmd("CONFIG", "SET", "proto-max-bulk-len", value),
                      ReplyError)
    assert raw.cmd("SET", "a", "b" * 1000) == b"OK"


# ---- what a client does not read ----

def fill_unread(conn, commands, seconds=20):
    """Sends without reading until the server closes; True if it did."""
    conn.sock.settimeout(0.2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            conn.sock.sendall(commands)
        except TimeoutError:
            # It has stopped reading; either it waits or it is about to close.
            if conn.closed(0.2):
                return True
        except OSError:
            return True
    return False


def test_output_hard_limit(server, raws):
    own = server.new(client_output_buffer_limit="normal 4mb 0 0".split())
    other, slow = raws(2, of=own)
    assert other.cmd("SET", "big", "x" * MEGABYTE) == b"OK"
    slow.send(encode("GET", "big") * 64)
    wait_until(lambda: slow_is_gone(other), 10)
    assert other.cmd("STRLEN", "big") == MEGABYTE


def slow_is_gone(other):
    return int(info(other, "clients")["connected_clients"]) == 1


def test_output_soft_limit(server, raws):
    own = server.new(client_output_buffer_limit="normal 0 1mb 1".split())
    other, slow = raws(2, of=own)
    assert other.cmd("SET", "big", "x" * MEGABYTE) == b"OK"
    slow.send(encode("GET", "big") * 20)
    assert other.cmd("PING") == b"PONG"
    wait_until(lambda: slow_is_gone(other), 15)


def test_output_limit_spares_readers(server, raws):
    """A client that reads gets more than the limit in all, if not at once."""
    own = server.new(client_output_buffer_limit="normal 8mb 0 0".split())
    conn = raws(1, of=own)[0]
    value = b"x" * MEGABYTE
    assert conn.cmd("SET", "big", value) == b"OK"
    for _ in range(40):
        assert conn.cmd("GET", "big") == value


def test_output_limit_at_run_time(server, raws):
    own = server.new()
    other, slow = raws(2, of=own)
    assert other.cmd("CONFIG", "SET", "client-output-buffer-limit",
                     "normal 2mb 0 0") == b"OK"
    assert other.cmd("CONFIG", "GET", "client-output-buffer-limit")[1].startswith(
        b"normal 2097152 0 0")
    assert other.cmd("SET", "big", "x" * MEGABYTE) == b"OK"
    slow.send(encode("GET", "big") * 64)
    wait_until(lambda: slow_is_gone(other), 10)


def test_slow_reader_without_limit_harms_nobody(server, raws):
    """64 MB of replies lie unread; they come whole in the end, and the memory
    comes back."""
    own = server.new()
    other, slow = raws(2, of=own)
    start = int(info(other, "memory")["used_memory"])
    value = b"x" * MEGABYTE
    assert other.cmd("SET", "big", value) == b"OK"
    slow.send(encode("GET", "big") * 64)
    for _ in range(100):
        assert other.cmd("PING") == b"PONG"
    for _ in range(64):
        assert slow.read_reply() == value
    slow.close()
    wait_until(lambda: int(info(other, "memory")["used_memory"]) - start
                 < 20 * MEGABYTE)


def disconnects(conn):
    return int(info(conn, "stats")["client_output_buffer_limit_disconnections"])


LONG_REPLIES = [
    ["HRANDFIELD", "hash", "-999999999"],
    ["HRANDFIELD", "hash", "-4611686018427387903", "WITHVALUES"],
    ["SRANDMEMBER", "set", "-9223372036854775807"],
    ["SRANDMEMBER", "set", "-15000"],
    ["ZRANDMEMBER", "zset", "-2000000000", "WITHSCORES"],
    ["LRANGE", "list", "0", "-1"],
    ["KEYS", "*"],
    ["SCAN", "0", "COUNT", "100000"],
    ["SORT", "list", "ALPHA"],
    ["MGET"] + ["value"] * 200,
]


@pytest.mark.parametrize("protocol", ["2", "3"])
@pytest.mark.parametrize("in_multi", [False, True], ids=["alone", "multi"])
def test_output_limit_while_a_reply_is_made(server, raws, protocol, in_multi):
    """Nothing of it is sent, what stands behind it in a transaction runs, and the
    others are served."""
    own = server.new(client_output_buffer_limit="normal 100kb 0 0".split())
    other, = raws(1, of=own)
    other.cmd("HSET", "hash", "field", "value")
    other.cmd("SADD", "set", "m")
    other.cmd("ZADD", "zset", "1", "m")
    other.cmd("SET", "value", "x" * 1000)
    other.cmd("RPUSH", "list", *["x" * 1000] * 150)
    for i in range(1500):
        other.cmd("SET", "a-key-of-some-seventy-bytes-or-more:" + "k" * 40
                  + str(i), "")
    for i, command in enumerate(LONG_REPLIES):
        with own.connect() as conn:
            conn.cmd("HELLO", protocol)
            behind = ["INCR", "behind"]
            if in_multi:
                conn.send(encode("MULTI") + encode(*command) + encode(*behind))
                conn.read_replies(3)
                command = ["EXEC"]
            conn.send_cmd(*command)
            with pytest.raises(Closed, match="unread: b''"):
                conn.read_reply()
        assert other.cmd("GET", "behind") == (b"%d" % (i + 1) if in_multi else None)
        assert own.is_redis or disconnects(other) == i + 1
    assert "for overcoming of output buffer limits" in own.log()


@pytest.mark.parametrize("command", [["SRANDMEMBER", "set"],
                                     ["HRANDFIELD", "hash"],
                                     ["ZRANDMEMBER", "zset"]])
def test_repeats_without_limit(server, raws, command):
    """More than a gigabyte is not made, even where output has no limit."""
    if server.is_redis:
        pytest.skip("the peer makes it")
    own = server.new()
    other, = raws(1, of=own)
    other.cmd("SADD", "set", "m")
    other.cmd("HSET", "hash", "m", "value")
    other.cmd("ZADD", "zset", "1", "m")
    for count in -999999999, -(2 ** 62) + 1:
        with own.connect() as conn:
            with pytest.raises(Closed, match="unread: b''"):
                conn.cmd(*command, count)
    with own.connect() as conn:
        assert len(conn.cmd(*command, -100000)) == 100000
    assert own.rss_bytes() < 200 * MEGABYTE
    # Where nobody listens, there is nothing to make.
    with own.connect() as conn:
        conn.send(encode("CLIENT", "REPLY", "OFF") + encode(*command, -2 ** 60)
                  + encode("CLIENT", "REPLY", "ON"))
        assert conn.read_reply() == b"OK"
    assert disconnects(other) == 2


def test_memory_of_an_unsent_reply_comes_back(server, raws):
    own = server.new(client_output_buffer_limit="normal 3mb 0 0".split())
    other, = raws(1, of=own)
    other.cmd("RPUSH", "list", *["x" * 1000] * 4000)
    before = int(info(other, "memory")["used_memory"])
    for _ in range(5):
        with own.connect() as conn:
            with pytest.raises(Closed):
                conn.cmd("LRANGE", "list", "0", "-1")
    wait_until(lambda: int(info(other, "memory")["used_memory"])
               < before + (100_000 if own.is_redis or own.workers == 1
                           else 200_000))


def test_lines_of_closed_sessions_are_bounded(server, raws):
    """Who is always over the limit does not fill the log."""
    if server.is_redis:
        pytest.skip("the peer writes a line for each")
    own = server.new(client_output_buffer_limit="normal 100kb 0 0".split())
    other, = raws(1, of=own)
    other.cmd("SADD", "set", "m")
    start = time.monotonic()
    for _ in range(300):
        with own.connect() as conn:
            with pytest.raises(Closed):
                conn.cmd("SRANDMEMBER", "set", "-1000000")
    seconds = int(time.monotonic() - start) + 2
    assert disconnects(other) == 300
    told = [0, 0]

    def all_are_told():
        log = own.log()
        told[0] = log.count("for overcoming of output buffer limits")
        told[1] = sum(map(int, re.findall(r"(\d+) more sessions closed", log)))
        return sum(told) == 300
    wait_until(all_are_told)
    assert 10 <= told[0] <= 10 * seconds * int(own.workers)


def test_unread_pings_are_bounded(server, raws):
    """One that only sends: the limit closes it, or the server stops reading it;
    its memory stays bounded."""
    own = server.new(client_output_buffer_limit="normal 4mb 0 0".split())
    other, flood = raws(2, of=own)
    fill_unread(flood, encode("ECHO", "x" * 1000) * 100, 5)
    assert int(info(other, "memory")["used_memory"]) < 64 * MEGABYTE
    assert other.cmd("PING") == b"PONG"


# ---- numbers of databases and names ----

def test_databases(server, raws):
    own = server.new(databases=3)
    conn = raws(1, of=own)[0]
    assert conn.cmd("SELECT", "2") == b"OK"
    assert conn.cmd("SELECT", "3") == ReplyError("ERR DB index is out of range")
    assert conn.cmd("SELECT", "-1") == ReplyError("ERR DB index is out of range")
    assert isinstance(conn.cmd("SELECT", "x"), ReplyError)
    assert conn.cmd("SWAPDB", "0", "3") == ReplyError("ERR DB index is out of range")


def test_maxmemory_noeviction(server, raws):
    """Writes that add are refused over the limit, reads and deletes go on."""
    own = server.new(maxmemory_policy="noeviction")
    conn = raws(1, of=own)[0]
    room, value = 8 * MEGABYTE, b"x" * 4000
    limit = int(info(conn, "memory")["used_memory"]) + room
    assert conn.cmd("CONFIG", "SET", "maxmemory", limit) == b"OK"
    refused, count = None, 0
    while not isinstance(refused, ReplyError) and count < room // 4000 + 20:
        refused = conn.cmd("SET", "k%d" % count, value)
        count += 1
    assert refused == ReplyError(
        "OOM command not allowed when used memory > 'maxmemory'.")
    assert conn.cmd("GET", "k0") == value
    for i in range(count):
        conn.cmd("DEL", "k%d" % i)
    wait_until(lambda: conn.cmd("SET", "k", "v") == b"OK")


@pytest.mark.parametrize("growing", [
    lambda i: ("SETRANGE", "k%d" % i, 8 * MEGABYTE, "x"),
    lambda i: ("SETBIT", "k%d" % i, 64 * MEGABYTE, 1),
    lambda i: ("BITOP", "NOT", "k%d" % i, "source"),
    lambda i: ("COPY", "source", "k%d" % i),
    lambda i: ("SET", "k%d" % i, "x" * (64 * 1024), "EX", 1000),
], ids=["setrange", "setbit", "bitop", "copy", "set-ex"])
def test_maxmemory_within_a_pipeline(server, raws, growing):
    """What a request adds is seen before the next one, also where its arguments
    do not show it."""
    own = server.new()
    conn, = raws(1, of=own)
    conn.cmd("SETRANGE", "source", 8 * MEGABYTE, "x")
    limit = int(info(conn, "memory")["used_memory"]) + 2 * MEGABYTE
    assert conn.cmd("CONFIG", "SET", "maxmemory", limit) == b"OK"
    conn.send(b"".join(encode(*growing(i)) for i in range(60)))
    replies = conn.read_replies(60)
    assert replies[-1].code == "OOM"
    # One may go over the limit, as it is judged by what was there before it.
    assert int(info(conn, "memory")["used_memory"]) < limit + 18 * MEGABYTE
