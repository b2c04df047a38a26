"""SLOWLOG and COMMANDLOG: commands that took long, came large, were answered large."""
import time

import pytest

KINDS = ["slow", "large-request", "large-reply"]


@pytest.fixture
def log(server, raw, config):
    """A raw connection; the logs are empty and log nothing."""
    if server.is_redis:
        pytest.skip("COMMANDLOG is Valkey's")
    for name in ["execution-slower-than", "request-larger-than", "reply-larger-than"]:
        config("commandlog-" + name, -1)
    for kind in KINDS:
        raw.cmd("COMMANDLOG", "RESET", kind)
    return raw


def commands(log, kind="slow"):
    """The arguments of the entries, oldest first, without those of CONFIG SET."""
    entries = log.cmd("COMMANDLOG", "GET", -1, kind)
    return [e[3] for e in reversed(entries) if e[3][0] != b"CONFIG"]


def test_entry(log, config):
    log.cmd("CLIENT", "SETNAME", "me")
    config("slowlog-log-slower-than", 0)
    log.cmd("SET", "a", "x")
    config("slowlog-log-slower-than", -1)
    entries = log.cmd("SLOWLOG", "GET")
    entry, = [e for e in entries if e[3] == [b"SET", b"a", b"x"]]
    assert len(entry) == 6
    assert abs(entry[1] - time.time()) < 10
    assert 0 <= entry[2] < 10_000_000
    port = log.sock.getsockname()[1]
    assert entry[4:] == [b"127.0.0.1:%d" % port, b"me"]
    ids = [e[0] for e in entries]
    assert ids == sorted(ids, reverse=True)
    assert log.cmd("COMMANDLOG", "GET", -1, "slow")[-1] == entries[-1]


def test_large_request_and_reply(log, config):
    config("commandlog-request-larger-than", 1000)
    config("commandlog-reply-larger-than", 1000)
    log.cmd("SET", "a", "x" * 990)
    log.cmd("SET", "b", "y" * 2000)
    log.cmd("GET", "b")
    log.cmd("GET", "a")
    requests = log.cmd("COMMANDLOG", "GET", -1, "large-request")
    assert [e[3][:2] for e in requests] == [[b"SET", b"b"]]
    assert requests[0][2] >= 2000
    assert requests[0][3][2] == b"y" * 128 + b"... (1872 more bytes)"
    replies = log.cmd("COMMANDLOG", "GET", -1, "large-reply")
    assert [e[3] for e in replies] == [[b"GET", b"b"]]
    assert replies[0][2] >= 2000
    assert log.cmd("COMMANDLOG", "LEN", "slow") == 0


def test_a_big_value_that_is_pinned(log, config):
    config("commandlog-reply-larger-than", 1 << 20)
    log.cmd("SET", "a", "x" * (2 << 20))
    log.cmd("GET", "a")
    entry, = log.cmd("COMMANDLOG", "GET", -1, "large-reply")
    assert entry[2] >= 2 << 20


def test_trimming(log, config):
    config("slowlog-log-slower-than", 0)
    log.cmd("DEL", *range(33))
    log.cmd("DEL", *range(31))
    log.cmd("SET", "a", "z" * 129)
    log.cmd("SET", "a", "z" * 128)
    config("slowlog-log-slower-than", -1)
    long, fits, cut, whole = commands(log)
    assert len(long) == 32
    assert long[-1] == b"... (3 more arguments)"
    assert len(fits) == 32 and fits[-1] == b"30"
    assert cut[2] == b"z" * 128 + b"... (1 more bytes)"
    assert whole[2] == b"z" * 128


def test_number_of_entries(log, config):
    config("slowlog-max-len", 5)
    config("slowlog-log-slower-than", 0)
    for _ in range(20):
        log.cmd("PING")
    assert log.cmd("SLOWLOG", "LEN") == 5
    assert len(log.cmd("SLOWLOG", "GET", -1)) == 5
    assert len(log.cmd("SLOWLOG", "GET", 2)) == 2
    assert log.cmd("SLOWLOG", "GET", 0) == []
    assert len(log.cmd("SLOWLOG", "GET", 100)) == 5
    config("slowlog-max-len", 2)
    log.cmd("PING")
    assert log.cmd("SLOWLOG", "LEN") == 2
    config("slowlog-max-len", 0)
    log.cmd("SLOWLOG", "RESET")
    log.cmd("PING")
    assert log.cmd("SLOWLOG", "LEN") == 0


def test_get_shows_ten(log, config):
    config("slowlog-log-slower-than", 0)
    for _ in range(20):
        log.cmd("PING")
    assert len(log.cmd("SLOWLOG", "GET")) == 10


def test_secrets(log, config):
    config("slowlog-log-slower-than", 0)
    log.cmd("AUTH", "geheim")
    log.cmd("AUTH", "me", "geheim")
    log.cmd("HELLO", 2, "SETNAME", "n", "AUTH", "default", "geheim")
    log.cmd("CONFIG", "SET", "requirepass", "")
    log.cmd("CONFIG", "SET", "masteruser", "geheim", "masterauth", "geheim", "hz", 10)
    log.cmd("CONFIG", "SET", "masteruser", "", "masterauth", "")
    config("slowlog-log-slower-than", -1)
    entries = [e[3] for e in log.cmd("SLOWLOG", "GET", -1)]
    assert b"geheim" not in b" ".join(b" ".join(e) for e in entries)
    hidden = b"(redacted)"
    assert [b"AUTH", hidden] in entries
    assert [b"AUTH", hidden, hidden] in entries
    assert [b"HELLO", b"2", b"SETNAME", b"n", b"AUTH", hidden, hidden] in entries
    assert [b"CONFIG", b"SET", b"requirepass", hidden] in entries
    assert [b"CONFIG", b"SET", b"masteruser", hidden, b"masterauth", hidden,
            b"hz", b"10"] in entries


def test_all_workers_write_one_log(log, raws, config):
    conns = raws(6)
    config("slowlog-max-len", 1000)
    config("slowlog-log-slower-than", 0)
    for i, conn in enumerate(conns):
        for n in range(20):
            conn.cmd("SET", "k%d" % i, n)
    config("slowlog-log-slower-than", -1)
    entries = [e for e in log.cmd("SLOWLOG", "GET", -1) if e[3][0] == b"SET"]
    assert len(entries) == 120
    assert len({e[0] for e in entries}) == 120
    assert len({e[4] for e in entries}) == 6


@pytest.mark.parametrize("how", ["served", "timeout", "unblocked"])
def test_waiting_is_no_work(log, raws, config, how):
    """A command that waits is noted when it has its answer, without the wait."""
    def noted():
        return [e for e in log.cmd("SLOWLOG", "GET", -1) if e[3][0] == b"BLPOP"]

    waiter, = raws(1)
    waiter_id = waiter.cmd("CLIENT", "ID")
    log.cmd("CONFIG", "RESETSTAT")
    config("slowlog-log-slower-than", 0)
    waiter.send_cmd("BLPOP", "list", 0.3 if how == "timeout" else 0)
    end = time.monotonic() + 10
    while b"blocked_clients:1" not in log.cmd("INFO", "clients") and time.monotonic() < end:
        time.sleep(0.01)
    assert noted() == []
    time.sleep(0.2)
    if how == "served":
        log.cmd("RPUSH", "list", "x")
    elif how == "unblocked":
        log.cmd("CLIENT", "UNBLOCK", waiter_id, "ERROR")
    reply = waiter.read_reply()
    assert reply == {"served": [b"list", b"x"], "timeout": None,
                     "unblocked": "UNBLOCKED client unblocked via CLIENT UNBLOCK"}[how]
    entry, = noted()
    assert entry[2] < 150000
    stats = log.cmd("INFO", "commandstats").decode()
    line = stats.split("cmdstat_blpop:")[1].split("\r")[0]
    assert line.startswith("calls=1,")
    assert ("rejected_calls=1" in line) == (how == "unblocked")
    assert (b"errorstat_UNBLOCKED:count=1" in log.cmd("INFO", "errorstats")) == \
        (how == "unblocked")


def test_memory_of_the_log_is_given_back(log, config):
    def used():
        info = log.cmd("INFO", "memory").decode()
        return int(info.split("used_memory:")[1].split("\r")[0])

    config("commandlog-large-request-max-len", 10000)
    before = used()
    config("commandlog-request-larger-than", 0)
    for _ in range(20):
        log.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\n%s\r\n" % (b"x" * 100) * 100)
        for _ in range(100):
            log.read_reply()
    config("commandlog-request-larger-than", -1)
    assert used() > before + 2000 * 100
    log.cmd("COMMANDLOG", "RESET", "large-request")
    assert used() < before + 100_000


def test_errors(log):
    count = "ERR count should be greater than or equal to -1"
    kind = "ERR type should be one of the following: slow, large-request, large-reply"
    assert log.cmd("SLOWLOG", "GET", -2) == count
    assert log.cmd("SLOWLOG", "GET", "x") == count
    assert log.cmd("COMMANDLOG", "GET", "x", "nosuch") == count
    assert log.cmd("COMMANDLOG", "GET", 1, "nosuch") == kind
    assert log.cmd("COMMANDLOG", "LEN", "nosuch") == kind
    assert log.cmd("COMMANDLOG", "RESET", "nosuch") == kind
    assert log.cmd("COMMANDLOG", "GET") == \
        "ERR wrong number of arguments for 'commandlog|get' command"
    assert log.cmd("SLOWLOG") == "ERR wrong number of arguments for 'slowlog' command"
    assert log.cmd("SLOWLOG", "GET", 1, 2) == \
        "ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP."
    assert log.cmd("SLOWLOG", "FOO") == "ERR unknown subcommand 'FOO'. Try SLOWLOG HELP."
    assert len(log.cmd("SLOWLOG", "HELP")) > 5
    assert len(log.cmd("COMMANDLOG", "HELP")) > 5
