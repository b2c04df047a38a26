"""Whatever stands in a pipeline, and whatever others do in the same turn: each
request has its one reply, in order."""
import random

import pytest

from rawconn import ReplyError, encode

SESSIONS = 12
ROUNDS = 60
QUEUES = ["q1", "q2", "q3"]


def tagged(rng, tag):
    """A request, or a few that belong together, ending in one whose reply is the
    tag; and how many replies they have."""
    big = "x" * rng.choice([1, 100, 40_000])
    kinds = [
        [["SET", "k", big], ["GET", "k"]],
        [["RPUSH", rng.choice(QUEUES), "e"]],
        [["RPUSH", rng.choice(QUEUES)] + ["e"] * 5, ["BLPOP", "q1", "0.02"]],
        [["BLPOP", *QUEUES, "0.03"]],
        [["BLMOVE", "q1", "q2", "LEFT", "RIGHT", "0.02"]],
        [["BZPOPMIN", "z", "0.02"], ["ZADD", "z", "1", "m"]],
        [["MULTI"], ["LPUSH", "q3", "e"], ["BLPOP", "q2", "0"], ["EXEC"]],
        [["MULTI"], ["NOSUCH"], ["EXEC"]],
        [["WATCH", "k"], ["MULTI"], ["CLIENT", "ID"], ["EXEC"]],
        [["CLIENT", "LIST"]],
        [["CLIENT", "PAUSE", "3", rng.choice(["WRITE", "ALL"])]],
        [["CLIENT", "UNBLOCK", str(rng.randrange(1, 40))]],
        [["CONFIG", "SET", "maxmemory-samples", "5"], ["INFO", "clients"]],
        [["FLUSHALL"], ["DBSIZE"]],
        [["KEYS", "*"], ["SCAN", "0"]],
        [["SELECT", str(rng.randrange(2))]],
        [["RENAME", "q1", "q3"], ["COPY", "q3", "q1", "REPLACE"]],
        [["SORT", "q2", "STORE", "q1"]],
        [["HELLO", "2"]],
        [["SET", "k"]],
        [["SLOWLOG", "GET", "1"], ["LATENCY", "HISTOGRAM", "get"]],
    ]
    commands = rng.choice(kinds)
    return commands + [["ECHO", tag]], len(commands)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_request_has_its_reply(server, raws, seed):
    rng = random.Random(seed)
    conns = raws(SESSIONS)
    for round_ in range(ROUNDS):
        wanted = []
        for i, conn in enumerate(conns):
            data, counts = b"", []
            for n in range(rng.randrange(1, 5)):
                tag = "%d-%d-%d" % (round_, i, n)
                commands, count = tagged(rng, tag)
                data += b"".join(encode(*c) for c in commands)
                counts.append((count, tag.encode()))
            cut = rng.choice([len(data), rng.randrange(len(data))])
            conn.send(data[:cut])
            wanted.append((counts, data[cut:]))
        for conn, (_, rest) in zip(conns, wanted):
            conn.send(rest)
        for conn, (counts, _) in zip(conns, wanted):
            for count, tag in counts:
                for _ in range(count):
                    conn.read_reply()
                assert conn.read_reply() == tag
    for conn in conns:
        assert not isinstance(conn.cmd("UNWATCH"), ReplyError)
