"""play: sends a script to the oracle and to a server under test, and compares.

Both begin empty, with new connections. Joined steps go out as one batch; its
replies are read as raw bytes, which are mostly equal, and that is all there is to
it. Otherwise they are parsed and compared one by one: by the rule of the
command (rules.py) and by what is known (known_differences.py).
"""
import re
import time
from dataclasses import dataclass

import known_differences
import rules
from link import CLOSED, SILENT, Link, encode, parse_all
from script import show

TIMEOUT_S = 10
DATABASES = 16
SCAN_CALLS_MAX = 20000
SHOWN_BYTES = 600
BOTH_SILENT = "both servers wait, longer than the oracle does"
FORGET = {"exec", "discard", "reset", "quit"}
CONTAINERS = {"client", "config", "object", "xgroup", "xinfo", "script",
              "function", "command", "memory", "pubsub", "acl", "cluster",
              "latency", "slowlog", "module", "debug"}
READERS = {b"string": ["GET"], b"list": ["LRANGE", 0, -1], b"set": ["SMEMBERS"],
           b"hash": ["HGETALL"], b"zset": ["ZRANGE", 0, -1, "WITHSCORES"],
           b"stream": ["XRANGE", "-", "+"]}


def name_of(words):
    """The name that rules go by: "get", "object|encoding"."""
    name = words[0].decode("latin-1").lower()
    if name in CONTAINERS and len(words) > 1:
        name += "|" + words[1].decode("latin-1").lower()
    return name


def text_of(reply):
    """A reply for people."""
    kind, payload = reply
    if isinstance(payload, list):
        inner = ", ".join(text_of(i) for i in payload)
        return (kind.decode() + "[" + inner + "]")[:SHOWN_BYTES]
    if payload is None:
        return kind.decode() + "null"
    text = repr(payload)[1:]
    if len(text) > SHOWN_BYTES:
        text = "%s... (%d bytes)" % (text[:SHOWN_BYTES], len(payload))
    return kind.decode("latin-1") + text


@dataclass
class Difference:
    step: int
    words: list
    oracle: tuple
    subject: tuple
    what: str = "reply"

    @property
    def signature(self):
        """What shrinking must keep, and what counts as the same find."""
        def sort_of(reply):
            kind, payload = reply
            if kind == b"-":
                return "-" + re.sub(rb"[^A-Za-z ].*", b"",
                                    payload).decode()[:40]
            return kind.decode("latin-1") + ("null" if payload is None else "")
        name = re.sub(r"[^\x20-\x7e]", "?", name_of(self.words))[:40]
        return (self.what, name, sort_of(self.oracle), sort_of(self.subject))

    def __str__(self):
        return "%s of: %s\n  oracle:  %s\n  subject: %s" % (
            self.what, show(self.words), text_of(self.oracle),
            text_of(self.subject))


class Side:
    """One of the two servers, with a connection for each session."""

    def __init__(self, port):
        self.port = port
        self.links = {}

    def link(self, session):
        link = self.links.get(session)
        if link is None:
            link = self.links[session] = Link(self.port, TIMEOUT_S)
        return link

    def drop(self, session):
        link = self.links.pop(session, None)
        if link is not None:
            link.close()

    def is_waiting(self, link):
        """Does the server say that this client is blocked?"""
        told = self.link("control").ask("CLIENT", "LIST", "ID", link.id)[1]
        return re.search(rb" flags=\S*b", told) is not None

    def reset(self):
        for session in list(self.links):
            self.drop(session)
        reply = self.link("control").ask("FLUSHALL", "SYNC")
        if reply != (b"+", b"OK"):
            raise RuntimeError("FLUSHALL got %s" % text_of(reply))


def replied(commands):
    """Those of a batch's commands that are replied to: CLIENT REPLY takes some
    replies away."""
    heard, is_on, is_skipped = [], True, False
    for index, words in commands:
        upper = [w.upper() for w in words]
        is_switch = upper[:2] == [b"CLIENT", b"REPLY"] and len(words) == 3
        way = upper[2] if is_switch else b""
        if way == b"ON":
            is_on, is_skipped = True, False
        elif way == b"OFF":
            is_on = False
        if is_on and not is_skipped and way != b"SKIP":
            heard.append((index, words))
        is_skipped = way == b"SKIP"
    return heard


def batches_of(steps):
    """Lists of (index, step) that go out together."""
    batch = []
    for index, step in enumerate(steps):
        joins = (step.is_joined and batch and
                 batch[-1][1].session == step.session and
                 not step.commands[0][0].startswith(b"!") and
                 not batch[-1][1].commands[0][0].startswith(b"!"))
        if batch and not joins:
            yield batch
            batch = []
        batch.append((index, step))
    if batch:
        yield batch


class Player:
    def __init__(self, oracle_port, subject_port, oracle):
        """oracle: its name and version."""
        self.sides = (Side(oracle_port), Side(subject_port))
        self.oracle = oracle
        self.queued = {}
        self.known_seen = {}
        self.coverage = None  # name -> [count, errors], where it is wanted
        self.command_count = 0

    def close(self):
        for side in self.sides:
            for session in list(side.links):
                side.drop(session)

    def play(self, steps):
        """The first Difference, or None."""
        self.queued = {}
        self.may_have_grown = False  # a string, by a BITFIELD that failed
        self.waiting = {}  # session -> what it waits with
        for side in self.sides:
            side.reset()
        self.is_over = False
        for batch in batches_of(steps):
            found = self._batch(batch)
            # What a waiter was given is why others find what they find.
            found = self._answers(batch[-1][0]) or found
            if self.is_over:
                return None
            if found is not None:
                return found
        return None

    def _batch(self, batch):
        session = batch[0][1].session
        if session in self.waiting:
            found = self._answer(session, batch[0][0])
            if found is not None or self.is_over:
                return found
        commands = [(i, words) for i, s in batch for words in s.commands]
        if commands[0][1][0].startswith(b"!"):
            return self._special(session, *commands[0])
        data = b"".join(encode(words) for _, words in commands)
        self.may_have_grown |= b"\r\nfail\r\n" in data.lower()
        heard = replied(commands)
        links = [side.link(session) for side in self.sides]
        for link in links:
            link.send(data)
        raws = [link.read(len(heard)) for link in links]
        self.command_count += len(commands)
        found = None
        if (raws[0] != raws[1] or b"QUEUED" in raws[0] or self.coverage is not None
                or session in self.queued or any(k.end for k in links)):
            found = self._replies(session, heard, raws, links)
        if found is None and any(link.end for link in links):
            for side in self.sides:
                side.drop(session)
            self.queued.pop(session, None)
        return found

    def _replies(self, session, commands, raws, links):
        """Compares the replies of a batch one by one."""
        lists = []
        for raw, link in zip(raws, links):
            replies = parse_all(raw)
            missing = len(commands) - sum(r[0] != b">" for r in replies)
            lists.append(replies + [link.end] * missing)
        if len(lists[0]) != len(commands) or len(lists[1]) != len(commands):
            # There are pushes.
            if lists[0] == lists[1]:
                return None
            index, words = commands[0]
            return Difference(index, words, (b"*", lists[0]), (b"*", lists[1]))
        queue = self.queued.setdefault(session, [])
        for (index, words), a, b in zip(commands, *lists):
            if a == b == SILENT:
                self._count(BOTH_SILENT)
                self.is_over = True
                return None
            if SILENT in (a, b):
                return Difference(index, words, a, b, "silence")
            if self.coverage is not None:
                seen = self.coverage.setdefault(name_of(words), [0, 0])
                seen[0] += 1
                seen[1] += a[0] == b"-"
            found = self._reply(index, words, a, b, queue)
            if found is not None or self.is_over:
                return found
            if a == (b"+", b"QUEUED"):
                queue.append(words)
            elif name_of(words) in FORGET:
                queue.clear()
        if not queue:
            del self.queued[session]
        return None

    def _reply(self, index, words, a, b, queue):
        """Compares one reply; that of EXEC by what was queued."""
        if a == b:
            return None
        name = name_of(words)
        if (name == "exec" and self.may_have_grown and isinstance(a[1], list) and
                b[1] is None):
            self._count("BITFIELD that grows a string and then fails is a change "
                        "to who watches it")
            self.is_over = True
            return None
        if (name == "exec" and isinstance(a[1], list) and isinstance(b[1], list)
                and len(a[1]) == len(b[1]) == len(queue)):
            for inner, x, y in zip(queue, a[1], b[1]):
                found = self._reply(index, inner, x, y, [])
                if found is not None or self.is_over:
                    return found
            return None
        same = rules.rule_for(name)
        if same is not None and same(words, a, b):
            return None
        known = known_differences.explain(*self.oracle, name, words, a, b)
        if known is None:
            return Difference(index, words, a, b)
        self._count(known.reason)
        self.is_over = known.parts
        return None

    def _count(self, reason):
        self.known_seen[reason] = self.known_seen.get(reason, 0) + 1

    # ---- what is not sent as it is ----

    def _special(self, session, index, words):
        if words[0] == b"!pause":
            time.sleep(int(words[1]) / 1000)
            return None
        if words[0] == b"!wait":
            return self._wait(session, words[1:])
        if words[0] == b"!answer":
            return None  # whoever waited has been answered before any step
        if words[0] == b"!dataset":
            return self._dataset(index)
        if words[0] == b"!scanall":
            found = [self._scan_all(side.link(session), words[1:])
                     for side in self.sides]
            return self._reply(index, words, *found, [])
        raise ValueError("no such command of the player: %r" % words[0])

    # ---- sessions that wait ----

    def _wait(self, session, words):
        """Sends the words, and returns once both servers have answered or say
        that the session waits."""
        if not words:
            return None
        self.waiting[session] = words
        for side in self.sides:
            link = side.link(session)
            link.id = link.ask("CLIENT", "ID")[1]
            link.send(encode(words))
            end = time.monotonic() + TIMEOUT_S
            while (not link.is_heard() and time.monotonic() < end and
                   not side.is_waiting(link)):
                pass
        return None

    def _answers(self, index):
        """Compares what those were answered of whom the oracle wakes."""
        oracle = self.sides[0]
        found = None
        if self.waiting and not self.is_over:
            oracle.link("control").ask("PING")  # it has answered all by then
        for session in sorted(self.waiting):
            if oracle.link(session).is_heard():
                # A known difference of one decides what the others get.
                found = self._answer(session, index) or found
        return found

    def _answer(self, session, index):
        """Compares what a session that waits is answered."""
        words = self.waiting.pop(session)
        replies = []
        is_woken = False
        for side in self.sides:
            link = side.link(session)
            is_woken = is_woken or link.is_heard()
            if not is_woken:
                side.link("control").ask("CLIENT", "UNBLOCK", link.id)
            raw = link.read(1)
            replies.append(parse_all(raw)[0] if raw else link.end)
        self.command_count += 1
        return self._reply(index, words, *replies, [])

    # ---- iterations and data ----

    def _scan_all(self, link, words):
        """The set of what an iteration gives, sorted; or its error."""
        at = 1 if words[0].lower() == b"scan" else 2
        seen, cursor = {}, b"0"
        for _ in range(SCAN_CALLS_MAX):
            reply = link.ask(*words[:at], cursor, *words[at:])
            if reply[0] != b"*":
                return reply
            cursor, items = reply[1][0][1], reply[1][1][1]
            if rules.scans_pairs(words):
                items = rules.in_pairs(items)
            for item in items:
                seen[repr(item)] = item
            if cursor == b"0":
                return (b"*", [seen[key] for key in sorted(seen)])
        return (b"!endless", b"")

    def _dataset(self, index):
        """Compares every database, key by key."""
        links = [side.link("control") for side in self.sides]
        keys = [[link.ask_all([("SELECT", db), ("KEYS", "*")])[1]
                 for db in range(DATABASES)] for link in links]
        for db, (a, b) in enumerate(zip(*keys)):
            words = [b"KEYS", b"*", b"in", b"%d" % db]
            if a == CLOSED or b == CLOSED or not rules.unordered(words, a, b):
                return Difference(index, words, a, b, "dataset")
            names = sorted(r[1] for r in a[1])
            found = names and self._database(index, db, names, links)
            if found:
                return found
        return None

    def _database(self, index, db, names, links):
        first = [("SELECT", db)] + [("TYPE", n) for n in names]
        types = links[0].ask_all(first)[1:]
        commands = [("SELECT", db)]
        for name, kind in zip(names, types):
            reader = READERS.get(kind[1], ["TYPE"])
            commands += [("TYPE", name), ("OBJECT", "ENCODING", name),
                         ("PTTL", name), (reader[0], name, *reader[1:])]
        replies = [link.ask_all(commands) for link in links]
        for words, a, b in zip(commands, *replies):
            words = [w if isinstance(w, bytes) else str(w).encode()
                     for w in words]
            found = self._reply(index, words, a, b, [])
            if found is not None:
                found.what = "dataset"
                return found
            if self.is_over:
                return None
        return None
