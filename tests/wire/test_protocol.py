"""Bytes on the wire: what is no request, what is half a request, what is too much.

For each bad input: the error or the close that redis-server gives, and a second
connection that is served throughout.
"""
import random
import socket
import struct
import threading

import pytest

from rawconn import Closed, Raw, ReplyError, encode

PING = encode("PING")
GOT = b"+PONG\r\n"
MULTIBULK = b"-ERR Protocol error: invalid multibulk length\r\n"
BULK = b"-ERR Protocol error: invalid bulk length\r\n"
QUOTES = b"-ERR Protocol error: unbalanced quotes in request\r\n"


@pytest.fixture
def other(raws):
    """A neighbour: served before and after."""
    conn = raws(1)[0]
    assert conn.cmd("SET", "other", "1") == b"OK"
    yield conn
    assert conn.cmd("GET", "other") == b"1"


# ---- inputs that are protocol errors: one error line, then the end ----

CLOSING = {
    "multibulk 2^31": (b"*2147483648\r\n", MULTIBULK),
    "multibulk 2^63": (b"*9223372036854775808\r\n", MULTIBULK),
    "multibulk of many digits": (b"*" + b"9" * 60 + b"\r\n", MULTIBULK),
    "multibulk empty": (b"*\r\n", MULTIBULK),
    "multibulk word": (b"*x\r\n", MULTIBULK),
    "multibulk blank": (b"* 1\r\n", MULTIBULK),
    "multibulk plus": (b"*+1\r\n", MULTIBULK),
    "multibulk leading zero": (b"*01\r\n", MULTIBULK),
    "multibulk float": (b"*1.0\r\n", MULTIBULK),
    "multibulk hex": (b"*0x1\r\n", MULTIBULK),
    "bulk -1": (b"*1\r\n$-1\r\n", BULK),
    "bulk -2": (b"*1\r\n$-2\r\n", BULK),
    "bulk -0": (b"*1\r\n$-0\r\n", BULK),
    "bulk over proto-max-bulk-len": (b"*1\r\n$536870913\r\n", BULK),
    "bulk 2^63-1": (b"*1\r\n$9223372036854775807\r\n", BULK),
    "bulk 2^64": (b"*1\r\n$18446744073709551616\r\n", BULK),
    "bulk blank": (b"*1\r\n$ 4\r\nPING\r\n", BULK),
    "bulk trailing blank": (b"*1\r\n$4 \r\nPING\r\n", BULK),
    "bulk plus": (b"*1\r\n$+4\r\nPING\r\n", BULK),
    "bulk leading zero": (b"*1\r\n$04\r\nPING\r\n", BULK),
    "bulk empty length": (b"*1\r\n$\r\n", BULK),
    "bulk word": (b"*1\r\n$abc\r\n", BULK),
    "second bulk bad": (b"*2\r\n$3\r\nGET\r\n$-5\r\n", BULK),
    "no dollar": (b"*1\r\nPING\r\n",
                  b"-ERR Protocol error: expected '$', got 'P'\r\n"),
    "integer for bulk": (b"*1\r\n:4\r\nPING\r\n",
                         b"-ERR Protocol error: expected '$', got ':'\r\n"),
    "nested array": (b"*1\r\n*1\r\n$4\r\nPING\r\n",
                     b"-ERR Protocol error: expected '$', got '*'\r\n"),
    "multibulk header of 70 KB": (
        b"*" + b"1" * 70000,
        b"-ERR Protocol error: too big mbulk count string\r\n"),
    "bulk header of 70 KB": (
        b"*1\r\n$" + b"1" * 70000,
        b"-ERR Protocol error: too big bulk count string\r\n"),
    "inline of 70 KB": (b"a" * 70000,
                        b"-ERR Protocol error: too big inline request\r\n"),
    "inline of 70 KB, lines behind a NUL": (
        b"\0" + b"a\r\n" * 25000,
        b"-ERR Protocol error: too big inline request\r\n"),
    "bulk header of 70 KB, lines behind a NUL": (
        b"*1\r\n$\0" + b"a\r\n" * 25000,
        b"-ERR Protocol error: too big bulk count string\r\n"),
    "inline double quote open": (b'SET a "foo\r\n', QUOTES),
    "inline single quote open": (b"SET a 'foo\r\n", QUOTES),
    "inline text after quote": (b'SET a "foo"bar\r\n', QUOTES),
    "inline text after single quote": (b"SET a 'foo'bar\r\n", QUOTES),
    "inline escape at the end": (b'SET a "foo\\\r\n', QUOTES),
    "inline lone quote": (b'"\r\n', QUOTES),
}


@pytest.mark.parametrize("name", CLOSING)
def test_closing(raw, other, name):
    data, reply = CLOSING[name]
    try:
        raw.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert raw.read_bytes(len(reply)) == reply
    assert other.cmd("PING") == b"PONG"
    assert raw.closed(5)


@pytest.mark.parametrize("name", [n for n in CLOSING if len(CLOSING[n][0]) < 99])
def test_closing_after_good_requests(raw, other, name):
    """What was whole before the fault is answered first; what is behind it
    never runs."""
    data, reply = CLOSING[name]
    raw.send(encode("SET", "k", "v") + encode("GET", "k") + data
             + encode("SET", "k", "not this"))
    want = b"+OK\r\n$1\r\nv\r\n" + reply
    assert raw.read_bytes(len(want)) == want
    assert raw.closed(5)
    assert other.cmd("GET", "k") == b"v"


@pytest.mark.parametrize("name", [n for n in CLOSING if len(CLOSING[n][0]) < 99])
def test_closing_byte_by_byte(raw, other, name):
    data, reply = CLOSING[name]
    try:
        for i in range(len(data)):
            raw.send(data[i:i + 1])
    except (BrokenPipeError, ConnectionResetError):
        pass
    try:
        got = raw.read_bytes(len(reply))
    except Closed:
        # Bytes behind the fault may turn the close into a reset, which drops
        # what the peer had not read.
        return
    if "expected '$'" not in reply.decode():
        assert got == reply
    assert raw.closed(5)


# ---- inputs that are answered or ignored, and the connection goes on ----

GOING_ON = {
    "multibulk 0": (b"*0\r\n", b""),
    "multibulk -1": (b"*-1\r\n", b""),
    "multibulk -2": (b"*-2\r\n", b""),
    "multibulk most negative": (b"*-2147483648\r\n", b""),
    "empty line": (b"\r\n", b""),
    "bare line feeds": (b"\n\n\n", b""),
    "blank line": (b"   \r\n", b""),
    "inline": (b"PING\r\n", GOT),
    "inline line feed": (b"PING\n", GOT),
    "inline blanks": (b"  \t PING \t \r\n", GOT),
    "inline lower case": (b"ping\r\n", GOT),
    "inline quoted": (b'ECHO "a\\x41\\n\\r\\t\\b\\a\\"\\\\b\\q"\r\n',
                      b'$11\r\naA\n\r\t\b\a"\\bq\r\n'),
    "inline quoted hex case": (b'ECHO "\\xfF\\x0"\r\n', b"$3\r\n\xffx0\r\n"),
    "inline single quoted": (b"ECHO 'a\\'b\"\\n'\r\n", b"$6\r\na'b\"\\n\r\n"),
    "inline empty argument": (b'ECHO ""\r\n', b"$0\r\n\r\n"),
    "inline of 60 KB": (b"ECHO " + b"a" * 60000 + b"\r\n",
                        b"$60000\r\n" + b"a" * 60000 + b"\r\n"),
    "empty command name": (
        encode(""),
        b"-ERR unknown command '', with args beginning with: \r\n"),
    "unknown command": (
        encode("nosuch", "a", "b"),
        b"-ERR unknown command 'nosuch', with args beginning with: "
        b"'a' 'b' \r\n"),
    "unknown command with line ends": (
        encode("a\r\nb", "x\r\ny"),
        b"-ERR unknown command 'a  b', with args beginning with: "
        b"'x  y' \r\n"),
    "arity": (encode("get"),
              b"-ERR wrong number of arguments for 'get' command\r\n"),
    "arity upper case": (encode("GET", "a", "b"),
                         b"-ERR wrong number of arguments for 'get' command\r\n"),
    "container without word": (
        encode("CLIENT"),
        b"-ERR wrong number of arguments for 'client' command\r\n"),
    "unknown subcommand": (
        encode("CLIENT", "NOSUCH"),
        b"-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n"),
    "http get": (b"GET / HTTP/1.1\r\n",
                 b"-ERR wrong number of arguments for 'get' command\r\n"),
    "auth without password": (
        encode("AUTH", "x"),
        b"-ERR AUTH <password> called without any password configured for the "
        b"default user. Are you sure your configuration is correct?\r\n"),
    "hello 0": (encode("HELLO", "0"),
                b"-NOPROTO unsupported protocol version\r\n"),
    "hello 1": (encode("HELLO", "1"),
                b"-NOPROTO unsupported protocol version\r\n"),
    "hello 4": (encode("HELLO", "4"),
                b"-NOPROTO unsupported protocol version\r\n"),
    "hello word": (encode("HELLO", "abc"),
                   b"-ERR Protocol version is not an integer or out of range\r\n"),
    "hello huge": (encode("HELLO", "99999999999999999999"),
                   b"-ERR Protocol version is not an integer or out of range\r\n"),
    "hello bad option": (encode("HELLO", "2", "FOO"),
                         b"-ERR Syntax error in HELLO option 'FOO'\r\n"),
    "hello auth cut": (encode("HELLO", "2", "AUTH", "a"),
                       b"-ERR Syntax error in HELLO option 'AUTH'\r\n"),
    "hello bad name": (
        encode("HELLO", "2", "SETNAME", "a b"),
        b"-ERR Client names cannot contain spaces, newlines or special "
        b"characters.\r\n"),
}


@pytest.mark.parametrize("name", GOING_ON)
def test_going_on(raw, other, name):
    data, reply = GOING_ON[name]
    raw.send(data + PING)
    want = reply + GOT
    assert raw.read_bytes(len(want)) == want
    assert other.cmd("PING") == b"PONG"


@pytest.mark.parametrize("name",
                         [n for n in GOING_ON if len(GOING_ON[n][0]) < 200])
def test_going_on_between_pipelined(raw, name):
    data, reply = GOING_ON[name]
    raw.send((PING + data) * 50 + PING)
    want = (GOT + reply) * 50 + GOT
    assert raw.read_bytes(len(want)) == want


# ---- inputs with no end: nothing is answered, nothing is allocated ----

WAITING = {
    "multibulk of INT_MAX": b"*2147483647\r\n",
    "a million arguments": b"*1048576\r\n",
    "bulk of 512 MB": b"*2\r\n$4\r\nECHO\r\n$536870912\r\n",
    "bulk of 512 MB begun": b"*2\r\n$4\r\nECHO\r\n$536870912\r\n" + b"x" * 1000,
    "carriage returns only": b"PING\r\r\r",
    "line feeds in an array": b"*1\n$4\nPING\n",
    "half a header": b"*1\r",
    "a NUL in a line": b"PING\0\r\nPING\r\n",
    "a NUL in a multibulk header": b"*1\0\r\n$4\r\nPING\r\n",
    "a NUL in a bulk header": b"*1\r\n$4\0\r\nPING\r\n",
    "half a body": b"*1\r\n$4\r\nPI",
}


@pytest.mark.parametrize("name", WAITING)
def test_waiting(raw, other, name):
    raw.send(WAITING[name])
    if name == "multibulk of INT_MAX":
        # More arguments than anyone needs may also be refused.
        assert raw.silent(0.1) or raw.closed(1)
    else:
        assert raw.silent(0.1)
    assert other.cmd("PING") == b"PONG"


def test_declared_lengths_do_not_allocate(server, raws):
    """Connections that announce 512 MB each, and as many that announce a million
    arguments. Redis reserves the 512 MB without touching them."""
    rss = server.rss_bytes()
    for i, conn in enumerate(raws(100)):
        conn.send(b"*2\r\n$3\r\nGET\r\n$536870912\r\nabc" if i % 2
                  else b"*1048576\r\n$4\r\nMGET\r\n$1\r\na\r\n")
    fresh = raws(1)[0]
    assert fresh.cmd("PING") == b"PONG"
    info = dict(line.split(b":", 1) for line in
                fresh.cmd("INFO", "memory").splitlines() if b":" in line)
    assert server.rss_bytes() - rss < 100 << 20
    if not server.is_redis:
        assert int(info[b"used_memory"]) < 100 << 20


def test_million_arguments_go_through(raw):
    """The largest count that every version takes."""
    count = 1024 * 1024
    raw.send(b"*%d\r\n$3\r\nDEL\r\n" % count + b"$1\r\na\r\n" * (count - 1))
    assert raw.read_reply() == 0


# ---- bytes that are no protocol at all ----

def test_nuls(raw, other):
    """The end of a line is seen only before a NUL."""
    raw.send(b"*1\0\r\n\0\0\0\r\n" + b"PI\0NG\r\n")
    raw.read_available(0.1)
    assert other.cmd("PING") == b"PONG"


def test_body_without_line_end(raw, other):
    """Redis skips two bytes whatever they are; a protocol error is fine too."""
    raw.send(b"*2\r\n$4\r\nECHO\r\n$3\r\nfooXX" + PING)
    got = raw.read_available(0.2)
    assert got == b"$3\r\nfoo\r\n" + GOT or got.startswith(b"-ERR Protocol error")
    assert other.cmd("PING") == b"PONG"


def test_body_longer_than_said(raw, other):
    raw.send(b"*2\r\n$4\r\nECHO\r\n$3\r\nfoobar\r\n")
    got = raw.read_available(0.2)
    assert got.startswith((b"$3\r\nfoo\r\n-ERR ", b"-ERR Protocol error"))


@pytest.mark.parametrize("data", [
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\nSET a b\r\n",
    b"Host: localhost\r\nSET a b\r\n",
    b"host: x\r\n",
    b"post / HTTP/1.0\r\n",
    encode("POST") + encode("SET", "a", "b"),
    encode("Host:", "x") + encode("SET", "a", "b"),
])
def test_http_is_dropped(server, raw, other, data):
    """Cross-protocol scripting: nothing is answered, nothing behind it runs, and
    the log says so."""
    size = len(server.log())
    raw.send(data)
    assert raw.read_available(5) == b""
    assert raw.closed(5)
    assert other.cmd("EXISTS", "a") == 0
    if size == len(server.log()) and server.is_redis:
        return  # It logs this once a minute.
    assert "Cross Protocol Scripting" in server.log()


def test_http_get_runs_no_body(raw, other):
    """A GET is refused line by line until its Host: header closes."""
    raw.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\nSET a b\r\n")
    assert raw.closed(5)
    assert other.cmd("EXISTS", "a") == 0


@pytest.mark.parametrize("data", [
    bytes.fromhex("16030100a5010000a10303") + bytes(range(256)) + b"\r\n",
    bytes.fromhex("1603010200010001fc0303") + bytes(1000),
    b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\xff" * 5000 + b"\r\n",
], ids=["tls hello", "tls hello of nuls", "sslv2", "ssh", "high bytes"])
def test_other_protocols(raw, other, data):
    raw.send(data)
    raw.read_available(0.1)
    assert other.cmd("PING") == b"PONG"


def test_random_bytes(raws, other):
    rng = random.Random(1)
    for _ in range(100):
        with_start = rng.choice([b"", b"*", b"*3\r\n", b"*2\r\n$3\r\nGET\r\n",
                                 b"$", b"\r\n"])
        junk = bytes(rng.choices(range(256), k=rng.randrange(1, 3000)))
        conn = raws(1)[0]
        conn.send(with_start + junk + b"\r\n")
        if rng.random() < 0.5:
            conn.close()
    assert other.cmd("PING") == b"PONG"


# ---- pieces ----

SAMPLE = [("SET", "key", b"va\r\nl\0ue"), ("GET", "key"), ("STRLEN", "key"),
          ("INCR", "n"), ("ECHO", "x" * 50)]
SAMPLE_BYTES = b"\r\n" + b"".join(encode(*c) for c in SAMPLE) + b"PING\r\n"
SAMPLE_REPLIES = [b"OK", b"va\r\nl\0ue", 8, None, b"x" * 50, b"PONG"]


def check_sample(conn):
    got = conn.read_replies(len(SAMPLE_REPLIES))
    got[3] = None
    assert got == SAMPLE_REPLIES


def test_cut_at_every_byte(raw):
    """In two packets, cut at each place in turn."""
    for cut in range(1, len(SAMPLE_BYTES)):
        raw.send(SAMPLE_BYTES[:cut])
        raw.send(SAMPLE_BYTES[cut:])
        check_sample(raw)


def test_cut_and_the_first_part_is_answered(raw):
    """A whole request is answered though the next one is not whole."""
    tail = encode("ECHO", "second")
    for cut in range(1, len(tail)):
        raw.send(encode("ECHO", "first") + tail[:cut])
        assert raw.read_reply() == b"first"
        raw.send(tail[cut:])
        assert raw.read_reply() == b"second"


def test_cut_and_closed(raws, other):
    """Connections that end in the middle of a request."""
    data = encode("SET", "gone", "x" * 20)
    for cut in range(1, len(data)):
        conn = raws(1)[0]
        conn.send(data[:cut])
        conn.close()
    assert other.cmd("EXISTS", "gone") == 0


def test_half_closed_still_answered(raw):
    """The peer has said all and waits: what it asked is answered."""
    raw.send(PING * 10)
    assert raw.read_replies(10) == [b"PONG"] * 10
    raw.sock.shutdown(socket.SHUT_WR)
    assert raw.closed(5)


def test_one_byte_a_packet(raw, other):
    for byte in SAMPLE_BYTES:
        raw.send(bytes([byte]))
    check_sample(raw)
    assert other.cmd("PING") == b"PONG"


def test_large_value_in_pieces(raw):
    rng = random.Random(2)
    value = rng.randbytes(3 << 20)
    data = encode("SET", "big", value) + encode("GET", "big")
    at = 0
    while at < len(data):
        size = rng.choice([1, 100, 1460, 16384, 70000, 500000])
        raw.send(data[at:at + size])
        at += size
    assert raw.read_reply() == b"OK"
    assert raw.read_reply() == value


# ---- long pipelines ----

def test_pipeline_100k_in_order(raw, other):
    count = 120000
    data = b"".join(encode("INCR", "counter") for _ in range(count))
    sender = threading.Thread(target=raw.send, args=(data,))
    sender.start()
    for want in range(1, count + 1):
        assert raw.read_reply() == want
    sender.join()
    assert other.cmd("GET", "counter") == b"%d" % count


def test_pipeline_of_mixed_sizes_in_order(raw):
    rng = random.Random(3)
    sizes = [rng.choice([0, 1, 10, 1000, 20000, 100000]) for _ in range(2000)]
    data = b"".join(encode("ECHO", b"%06d" % i + b"x" * n)
                    for i, n in enumerate(sizes))
    sender = threading.Thread(target=raw.send, args=(data,))
    sender.start()
    for i, size in enumerate(sizes):
        reply = raw.read_reply()
        assert reply[:6] == b"%06d" % i and len(reply) == size + 6
    sender.join()


def test_pipeline_not_read_until_all_is_sent(server, raw, other):
    """100k requests are sent before one reply is read: the server holds them
    back or keeps them, but serves others."""
    count = 100000
    raw.send(PING * count)
    assert other.cmd("PING") == b"PONG"
    want = GOT * count
    assert raw.read_bytes(len(want)) == want


def test_quit_ends_a_pipeline(raw, other):
    raw.send(encode("SET", "q", "1") + encode("QUIT") + encode("SET", "q", "2"))
    assert raw.read_reply() == b"OK"
    assert raw.read_reply() == b"OK"
    assert raw.closed(5)
    assert other.cmd("GET", "q") == b"1"


def test_errors_keep_their_place(raw):
    commands, want = [], []
    for i in range(500):
        commands += [("SET", "s", "x"), ("INCR", "s"), ("NOSUCH",), ("GET",),
                     ("ECHO", str(i))]
        want += [b"OK", ReplyError("ERR value is not an integer or out of range"),
                 ReplyError("ERR unknown command 'NOSUCH', with args beginning "
                            "with: "),
                 ReplyError("ERR wrong number of arguments for 'get' command"),
                 b"%d" % i]
    assert raw.pipeline(commands) == want


# ---- CLIENT REPLY ----

def test_client_reply_off_skip_on(raw):
    raw.send(encode("CLIENT", "REPLY", "OFF") + encode("SET", "a", "1")
             + encode("NOSUCH") + encode("CLIENT", "REPLY", "ON")
             + encode("GET", "a"))
    assert raw.read_replies(2) == [b"OK", b"1"]
    raw.send(encode("CLIENT", "REPLY", "SKIP") + encode("GET", "a") + PING)
    assert raw.read_reply() == b"PONG"
    assert isinstance(raw.cmd("CLIENT", "REPLY", "NO"), ReplyError)


def test_client_reply_off_and_a_protocol_error(raw, other):
    """Nobody is told, and nothing behind the fault runs; whether it closes at
    once differs."""
    raw.send(encode("CLIENT", "REPLY", "OFF") + PING * 100)
    assert raw.silent(0.1)
    raw.send(b"*x\r\n" + encode("SET", "after", "1"))
    assert raw.silent(0.1) or raw.closed(5)
    assert other.cmd("EXISTS", "after") == 0


# ---- many connections ----

def test_connect_and_leave(server, other):
    """2000 connections that come and go, some in the middle of a word."""
    for i in range(2000):
        with Raw(server.address) as conn:
            if i % 3 == 0:
                conn.send(PING)
            elif i % 3 == 1:
                conn.send(PING[:5])
            if i % 6 == 0:
                assert conn.read_reply() == b"PONG"
    assert other.cmd("PING") == b"PONG"


def test_reset_instead_of_close(server, other):
    """The peer's RST arrives while the server writes to it."""
    assert other.cmd("SET", "big", "x" * (1 << 20)) == b"OK"
    for _ in range(100):
        conn = Raw(server.address)
        conn.send(encode("GET", "big") * 4)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        conn.close()
    assert other.cmd("STRLEN", "big") == 1 << 20
