"""Random pipelines over several connections, each reply checked against a model."""
import random
import threading

import pytest

from rawconn import ReplyError, encode

NOT_AN_INTEGER = ReplyError("ERR value is not an integer or out of range")
MEGABYTE = 1 << 20


def as_integer(value):
    """The integer that Redis reads in the bytes, or None."""
    try:
        number = int(value)
    except ValueError:
        return None
    if b"%d" % number != value or not -2**63 <= number < 2**63:
        return None
    return number


class Model:
    """A keyspace of strings."""

    def __init__(self):
        self.data = {}

    def run(self, name, *args):
        return getattr(self, name.lower())(*args)

    def set(self, key, value, *options):
        old = self.data.get(key)
        if ("NX" in options and old is not None) or \
                ("XX" in options and old is None):
            return old if "GET" in options else None
        self.data[key] = value
        return old if "GET" in options else b"OK"

    def get(self, key):
        return self.data.get(key)

    def strlen(self, key):
        return len(self.data.get(key, b""))

    def append(self, key, value):
        self.data[key] = self.data.get(key, b"") + value
        return len(self.data[key])

    def getrange(self, key, first, last):
        value = self.data.get(key, b"")
        if first < 0 and last < 0 and first > last:
            return b""
        # An end before the beginning counts as the first byte.
        first, last = (max(at + len(value), 0) if at < 0 else at
                       for at in (first, last))
        return value[first:last + 1] if last >= first else b""

    def setrange(self, key, offset, part):
        value = self.data.get(key, b"")
        if not part:
            return len(value)
        value = value.ljust(offset, b"\0")
        self.data[key] = value[:offset] + part + value[offset + len(part):]
        return len(self.data[key])

    def incrby(self, key, step):
        number = as_integer(self.data.get(key, b"0"))
        if number is None:
            return NOT_AN_INTEGER
        self.data[key] = b"%d" % (number + step)
        return number + step

    def delete(self, *keys):
        return sum(self.data.pop(k, None) is not None for k in keys)

    def exists(self, *keys):
        return sum(k in self.data for k in keys)

    def mset(self, *pairs):
        self.data.update(zip(pairs[::2], pairs[1::2]))
        return b"OK"

    def msetnx(self, *pairs):
        if self.exists(*pairs[::2]):
            return 0
        self.mset(*pairs)
        return 1

    def mget(self, *keys):
        return [self.data.get(k) for k in keys]

    def getset(self, key, value):
        return self.set(key, value, "GET")

    def getdel(self, key):
        return self.data.pop(key, None)

    def setnx(self, key, value):
        return int(self.set(key, value, "NX") is not None)

    def rename(self, key, to):
        if key not in self.data:
            return ReplyError("ERR no such key")
        self.data[to] = self.data.pop(key)
        return b"OK"

    def copy(self, key, to):
        if key == to:
            return ReplyError("ERR source and destination objects are the same")
        if key not in self.data or to in self.data:
            return 0
        self.data[to] = self.data[key]
        return 1

    def type(self, key):
        return b"string" if key in self.data else b"none"

    def ping(self):
        return b"PONG"

    def echo(self, value):
        return value


class Commands:
    """Random commands on a set of keys."""

    def __init__(self, seed, prefix, key_count, bytes_max):
        self.rng = random.Random(seed)
        self.keys = [prefix + b"%d" % i + b"\r\n\0"[:i % 4]
                     for i in range(key_count)]
        self.bytes_max = bytes_max
        self.noise = self.rng.randbytes(bytes_max)

    def key(self):
        return self.rng.choice(self.keys)

    def value(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            return b"%d" % rng.randrange(-10**rng.randrange(1, 12), 10**11)
        if kind < 0.4:
            return rng.choice([b"", b"\0", b"\r\n", b"-1", b"007", b" 1", b"1e3",
                               b"*1\r\n", b"$-1\r\n"])
        size = int(self.bytes_max ** rng.random())
        at = rng.randrange(self.bytes_max - size + 1)
        return self.noise[at:at + size]

    def keys_some(self):
        return [self.key() for _ in range(self.rng.randrange(1, 9))]

    def pairs(self):
        return [x for k in self.keys_some() for x in (k, self.value())]

    def next(self):
        rng = self.rng
        name = rng.choice(
            ["SET", "GET", "GET", "SETX", "STRLEN", "APPEND", "GETRANGE",
             "SETRANGE", "INCRBY", "DEL", "EXISTS", "MSET", "MGET", "MSETNX",
             "GETSET", "GETDEL", "SETNX", "RENAME", "COPY", "TYPE", "PING",
             "ECHO"])
        if name == "SETX":
            options = rng.choice([["NX"], ["XX"], ["GET"], ["XX", "GET"]])
            return ["SET", self.key(), self.value()] + options
        arguments = {
            "SET": lambda: [self.key(), self.value()],
            "APPEND": lambda: [self.key(), self.value()[:2000]],
            "GETRANGE": lambda: [self.key(), rng.randrange(-50, 500),
                                 rng.randrange(-50, 5000)],
            "SETRANGE": lambda: [self.key(), rng.randrange(3000),
                                 self.value()[:2000]],
            "INCRBY": lambda: [self.key(), rng.randrange(-1000, 1000)],
            "DEL": self.keys_some, "EXISTS": self.keys_some,
            "MGET": self.keys_some, "MSET": self.pairs, "MSETNX": self.pairs,
            "GETSET": lambda: [self.key(), self.value()],
            "SETNX": lambda: [self.key(), self.value()],
            "RENAME": lambda: [self.key(), self.key()],
            "COPY": lambda: [self.key(), self.key()],
            "PING": lambda: [], "ECHO": lambda: [self.value()],
        }.get(name, lambda: [self.key()])
        return [name] + arguments()


def expected(model, command):
    name = "delete" if command[0] == "DEL" else command[0]
    return model.run(name, *command[1:])


def brief(command):
    return [a if not isinstance(a, bytes) or len(a) < 80
            else a[:60] + b"... %d bytes" % len(a) for a in command]


def check_replies(conn, model, commands):
    """Reads the reply of each command, given what the model says."""
    for i, command in enumerate(commands):
        want = expected(model, command)
        got = conn.read_reply()
        if got != want:
            raise AssertionError("command %d %r: got %.200r, not %.200r"
                                 % (i, brief(command), got, want))


def send_in_pieces(conn, data, rng):
    at = 0
    while at < len(data):
        size = rng.choice([1, 10, 500, 5000, 100000, len(data)])
        conn.send(data[at:at + size])
        at += size


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_pipelines(raws, seed):
    """Four connections at once, each on keys of its own."""
    sessions, senders = [], []
    for i, conn in enumerate(raws(4)):
        make = Commands(seed * 100 + i, b"s%d:" % i, 20, 20000)
        commands = [make.next() for _ in range(2000)]
        data = b"".join(encode(*c) for c in commands)
        sessions.append((conn, commands))
        senders.append(threading.Thread(target=send_in_pieces,
                                        args=(conn, data, make.rng)))
    for t in senders:
        t.start()
    errors = []

    def read(conn, commands):
        try:
            check_replies(conn, Model(), commands)
        except Exception as e:
            errors.append(e)
            conn.close()

    readers = [threading.Thread(target=read, args=s) for s in sessions]
    for t in readers:
        t.start()
    for t in readers + senders:
        t.join()
    assert not errors, errors[0]


def test_random_pipelines_of_large_values(raws):
    """Values of up to 1 MB, binary."""
    conns = raws(2)
    models = [Model(), Model()]
    makes = [Commands(7 + i, b"large%d:" % i, 6, MEGABYTE) for i in range(2)]
    for _ in range(12):
        for conn, model, make in zip(conns, models, makes):
            commands = [make.next() for _ in range(25)]
            data = b"".join(encode(*c) for c in commands)
            sender = threading.Thread(target=conn.send, args=(data,))
            sender.start()
            check_replies(conn, model, commands)
            sender.join()


def test_connections_see_each_others_writes(raws):
    """A reply read on one connection is the past for every other."""
    conns = raws(5)
    model = Model()
    make = Commands(11, b"shared:", 15, 3000)
    for _ in range(300):
        conn = make.rng.choice(conns)
        commands = [make.next() for _ in range(make.rng.randrange(1, 12))]
        conn.send(b"".join(encode(*c) for c in commands))
        check_replies(conn, model, commands)


def test_batches_on_one_key(raw):
    """Each command of a pipeline sees the one before it, however they are
    batched."""
    model = Model()
    make = Commands(13, b"one:", 1, 300)
    commands = [make.next() for _ in range(3000)]
    sender = threading.Thread(
        target=raw.send, args=(b"".join(encode(*c) for c in commands),))
    sender.start()
    check_replies(raw, model, commands)
    sender.join()


def test_database_of_each_connection(raws):
    """SELECT inside pipelines: the same key in several databases."""
    conns = raws(3)
    data = {}
    rng = random.Random(17)
    current = [0] * len(conns)
    for _ in range(200):
        i = rng.randrange(len(conns))
        commands, want = [], []
        for _ in range(rng.randrange(1, 20)):
            kind = rng.randrange(3)
            if kind == 0:
                current[i] = rng.randrange(16)
                commands.append(("SELECT", current[i]))
                want.append(b"OK")
            elif kind == 1:
                data[current[i]] = b"%d" % rng.randrange(1000)
                commands.append(("SET", "k", data[current[i]]))
                want.append(b"OK")
            else:
                commands.append(("GET", "k"))
                want.append(data.get(current[i]))
        assert conns[i].pipeline(commands) == want
