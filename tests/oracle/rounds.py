"""rounds: makes the script of one round from one seed.

A round has one to four sessions of RESP2 or RESP3. They take turns: each sends
a burst, one command or a pipeline, and waits for its replies. In every second
round only a few commands take part, so that they meet more often. Now and then,
and at the end, the data is compared. In a round of short deadlines, deadlines of
some milliseconds are set and have passed before anything looks at them.
"""
from random import Random

import grammar
import rules
from pools import KEYS, MEMBERS
from script import Step

STEPS = 400
FOCUS_COUNT = 12
BURST_MAX = 24
DATASET_CHANCE = 0.004
SCANALL_CHANCE = 0.01
SHORT_CHANCE = 0.04
SHORT_MS = 15
SHORT_WAIT_MS = 25
# Sessions of their own wait for keys while others work. The oracle forgets to
# wake them when the result of one of these overwrites a value.
WAITERS = (11, 12, 13)
FORGETS_WAITERS = {"sort", "zunionstore", "zinterstore", "zdiffstore",
                   "zrangestore", "georadius", "georadiusbymember",
                   "geosearchstore"}
WAITING_CHANCE = 0.5
WAIT_CHANCE, FEED_CHANCE, ANSWER_CHANCE = 0.05, 0.25, 0.15
FEEDS = [(b"RPUSH", b"m1", b"m2"), (b"LPUSH", b"m3"), (b"ZADD", b"1", b"m1"),
         (b"ZADD", b"2", b"m2", b"-1", b"m3"), (b"SADD", b"m1")]
# Commands that end CLIENT REPLY OFF, or the connection, or begin to queue.
UNMUTES = {b"RESET", b"QUIT", b"MULTI"}
# What tells of keys whose time has come and that are still there.
SEES_EXPIRED = {"dbsize", "swapdb", "copy", "randomkey", "object|encoding"}


class Rounds:
    def __init__(self, commands, blocking, available):
        """commands: the list of grammar.Command that take part; blocking: the
        names of those that may wait; available: all that the server has."""
        self.commands = commands
        self.blocking = blocking
        self.available = available

    def make(self, seed):
        """The steps of the round of that seed."""
        random = Random(seed)
        is_short = random.random() < SHORT_CHANCE
        commands = self.commands
        if is_short:
            commands = [c for c in commands if c.name not in SEES_EXPIRED]
        waits = []
        if random.random() < WAITING_CHANCE:
            waits = [c for c in commands if c.name in self.blocking]
            commands = [c for c in commands if c.name not in FORGETS_WAITERS]
        if random.random() < 0.5 and len(commands) > FOCUS_COUNT:
            commands = random.sample(commands, FOCUS_COUNT)
        maker = grammar.Maker(commands, random)
        sessions = random.choice([1, 1, 2, 3, 4])
        steps, waiting = [], {}  # session -> what it waits with
        for session in range(1, sessions + 1):
            if random.random() < 0.5 and "hello" in self.available:
                steps.append(Step(session, [[b"HELLO", b"3"]]))
        while len(steps) < STEPS:
            session = random.randint(1, sessions)
            if random.random() < DATASET_CHANCE:
                steps.append(Step(session, [[b"!dataset"]]))
            elif random.random() < SCANALL_CHANCE:
                self._scan_all(steps, session, random, maker)
            elif (waits and len(waiting) < len(WAITERS) and
                  random.random() < WAIT_CHANCE):
                self._wait(steps, waiting, random, grammar.Maker(waits, random))
            elif waiting and random.random() < FEED_CHANCE:
                steps.append(self._feed(session, waiting, random))
            elif waiting and random.random() < ANSWER_CHANCE:
                steps.append(self._answer(waiting, random))
            elif is_short and random.random() < 0.1:
                steps.append(self._deadlines(session, random))
                steps.append(Step(session, [[b"!pause", b"%d" % SHORT_WAIT_MS]]))
            else:
                self._burst(steps, session, random, maker)
        while waiting:
            steps.append(self._answer(waiting, random))
        steps.append(Step(1, [[b"!dataset"]]))
        return steps

    def _wait(self, steps, waiting, random, maker):
        """One more session waits, without end; its database is mostly the
        first, as that of the others is."""
        session = random.choice([w for w in WAITERS if w not in waiting])
        words = waiting[session] = maker.make_to_wait()
        database = random.choice([b"0", b"0", b"0", b"1"])
        steps.append(Step(session, [[b"SELECT", database]]))
        steps.append(Step(session, [[b"!wait", *words]]))

    def _feed(self, session, waiting, random):
        """Something for a key that may be waited for, at once or by EXEC."""
        words = waiting[random.choice(sorted(waiting))]
        keys = [w for w in words if w in KEYS] or KEYS
        feeds = []
        for _ in range(random.randint(1, 2)):
            name, *rest = random.choice(FEEDS)
            feeds.append([name, random.choice(keys), *rest])
        if random.random() < 0.3:
            feeds = [[b"MULTI"], *feeds, [b"EXEC"]]
        return Step(session, feeds)

    def _answer(self, waiting, random):
        """Someone no longer waits."""
        session = random.choice(sorted(waiting))
        del waiting[session]
        return Step(session, [[b"!answer"]])

    def _burst(self, steps, session, random, maker):
        size = 1
        if random.random() < 0.6:
            size = random.randint(2, BURST_MAX)
        begin = len(steps)
        for i in range(size):
            steps.append(Step(session, self._step(random, maker), i > 0))
        if "client|reply" in self.available and random.random() < 0.01:
            # Out of a transaction first, where it would be queued.
            way = random.choice([b"OFF", b"SKIP"])
            muted = [[c for c in s.commands if c[0].upper() not in UNMUTES and
                      c[0].lower().decode("latin-1") not in self.blocking]
                     for s in steps[begin:begin + 3]]
            del steps[begin:]
            steps.append(Step(session, [[b"RESET"], [b"CLIENT", b"REPLY", way],
                                        *[c for m in muted for c in m],
                                        [b"CLIENT", b"REPLY", b"ON"]]))
        elif "quit" in self.available and random.random() < 0.002:
            steps.append(Step(session, [[b"QUIT"]], True))

    def _step(self, random, maker):
        """The commands of one step: a command with what it needs."""
        name, words = maker.make()
        if name in self.blocking:
            return [[b"DISCARD"], [b"MULTI"], words, [b"EXEC"]]
        if name in rules.DRAWS and len(words) > 1:
            return [words, [b"DEL", words[1]]]
        if name == "xadd" and len(words) > 1 and b"*" in words:
            return [words, [b"DEL", words[1]]]
        if rules.keeps_by_name(name, words):
            members = random.sample(MEMBERS, random.randint(1, len(MEMBERS)))
            key = words[2 if name == "zrangestore" else 1]
            return [[b"DEL", key],
                    [b"ZADD", key, *[w for m in members for w in (b"0", m)]],
                    words]
        return [words]

    def _scan_all(self, steps, session, random, maker):
        scans = [c for c in self.commands if c.name in
                 ("scan", "hscan", "sscan", "zscan")]
        if scans:
            # Within a transaction it would be queued.
            words = grammar.Maker(scans, random).make()[1]
            at = 1 if words[0].lower() == b"scan" else 2
            steps.append(Step(session, [[b"RESET"]]))
            steps.append(Step(session, [[b"!scanall", *words[:at],
                                         *words[at + 1:]]]))

    def _deadlines(self, session, random):
        """Short deadlines for some keys, one each."""
        keys = random.sample([b"a", b"b", b"c", b"{t}1", b"{t}2"],
                             random.randint(1, 4))
        out = []
        for key in keys:
            ms = b"%d" % random.randint(1, SHORT_MS)
            out.append(random.choice([
                [b"SET", key, b"v", b"PX", ms], [b"PSETEX", key, ms, b"v"],
                [b"PEXPIRE", key, ms], [b"GETEX", key, b"PX", ms]]))
        return Step(session, [[b"RESET"]] + out)
