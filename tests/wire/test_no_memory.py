"""Memory that fails for sessions, at each step in turn: whoever is concerned gets
an error or is closed, nobody waits for ever, and the server is as before."""
import pytest

from rawconn import Closed, Raw, encode
from waiting import wait_until

AFTER = list(range(10)) + [13, 17, 25]
BIG = b"x" * 500_000
# What pools of free chunks may keep: 64 of 16 KiB each.
POOLS = 5_000_000


@pytest.fixture
def own(server):
    if server.is_redis:
        pytest.skip("DEBUG FAIL-ALLOCATIONS is ours")
    return server.new(enable_debug_command="yes", slowlog_log_slower_than="0")


def speak(server, *commands):
    """Sends them together; waits for all replies, or for the end."""
    with Raw(server.address) as conn:
        conn.send(b"".join(encode(*c) for c in commands))
        for _ in commands:
            conn.read_reply()


def arrive(server):
    speak(server, ["HELLO", "3"], ["CLIENT", "SETNAME", "n" * 200],
          ["CLIENT", "SETINFO", "lib-name", "l"], ["PING"])


def speak_in_pieces(server):
    data = encode("SET", "pieces", BIG)
    with Raw(server.address) as conn:
        for at in range(0, len(data), 30_000):
            conn.send(data[at:at + 30_000])
        conn.read_reply()
        conn.send(b"PING " + b"y" * 3000)
        conn.send(b"\r\n")
        conn.read_reply()


def ask_much(server):
    speak(server, *[["GET", "big"]] * 40)
    speak(server, ["COMMAND", "DOCS"], ["CONFIG", "GET", "*"],
          ["INFO", "everything"], ["LRANGE", "list", "0", "-1"])
    speak(server, ["MSET"] + ["a"] * 10_000, ["DEL"] + ["a"] * 10_000)


def ask_all_workers(server):
    speak(server, ["CLIENT", "LIST"], ["CLIENT", "PAUSE", "1", "WRITE"],
          ["SET", "a", "1"], ["CLIENT", "KILL", "ID", "1"],
          ["CONFIG", "SET", "maxclients", "5000"], ["SLOWLOG", "GET", "-1"])


def watch_others(server):
    with Raw(server.address) as conn:
        conn.send(encode("MONITOR"))
        conn.read_reply()
        speak(server, *[["SET", "shown", BIG]] * 4)
        speak(server, *[["SET", "shown", "1"]] * 4)


def transact(server):
    speak(server, ["WATCH", "a", "b", "c"], ["MULTI"], ["SET", "a", BIG],
          ["RENAME", "a", "b"], ["SUNIONSTORE", "c", "s", "t"], ["EXEC"])


def wait_for_each_other(server):
    conns = [Raw(server.address) for _ in range(3)]
    try:
        for conn in conns:
            conn.send(encode("BLMPOP", "0.05", "2", "q1", "q2", "LEFT") +
                      encode("SET", "behind", "it"))
        speak(server, ["RPUSH", "q1", "1"], ["RPUSH", "q2", "2"])
        for conn in conns:
            conn.read_reply()
            conn.read_reply()
    finally:
        for conn in conns:
            conn.close()


def used(server):
    with server.connect() as conn:
        info = conn.cmd("INFO", "memory").decode()
    return int(info.split("used_memory:")[1].split("\r\n")[0])


def is_as_before(server):
    """Memory is had again (nothing fails for long), and nobody is left over."""
    try:
        with server.connect() as conn:
            return conn.cmd("DEBUG", "FAIL-ALLOCATIONS", 2 ** 62) == b"OK" and \
                conn.cmd("CLIENT", "LIST").count(b"\n") == 1
    except (Closed, ConnectionError):
        return False


@pytest.mark.parametrize("scene", [arrive, speak_in_pieces, ask_much,
                                   ask_all_workers, watch_others, transact,
                                   wait_for_each_other],
                         ids=lambda f: f.__name__)
def test_no_memory(own, scene):
    speak(own, ["SET", "big", BIG], ["SADD", "s", "1", "2"], ["SADD", "t", "x"],
          ["RPUSH", "list"] + list(range(5000)))
    scene(own)
    wait_until(lambda: is_as_before(own))
    before = used(own)
    for after in AFTER:
        try:
            speak(own, ["DEBUG", "FAIL-ALLOCATIONS", after])
        except (Closed, ConnectionError):
            pass
        try:
            scene(own)
        except (Closed, ConnectionError):
            pass
        wait_until(lambda: is_as_before(own))
    speak(own, ["SLOWLOG", "RESET"], ["UNWATCH"])
    scene(own)
    wait_until(lambda: used(own) < before + POOLS)


def test_no_memory_is_logged(own):
    """A session that ends for it does not end without a word."""
    speak(own, ["RPUSH", "list"] + list(range(50_000)))

    def has_line():
        try:
            speak(own, ["DEBUG", "FAIL-ALLOCATIONS", 0], ["LRANGE", "list", 0, -1])
        except (Closed, ConnectionError):
            pass
        return "closed: no memory for its reply" in own.log()
    wait_until(has_line)
    wait_until(lambda: is_as_before(own))
