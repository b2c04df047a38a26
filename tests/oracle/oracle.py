#!/usr/bin/python3
"""The oracle: random commands to Debian's redis-server and to Engram, and every
reply and the data compared. tests/oracle/README.md says more.

    tests/oracle/oracle.py --seconds 60
    tests/oracle/oracle.py --seed 7 --rounds 1          one round again
    tests/oracle/oracle.py --commands string,copy       a group and a command
    tests/oracle/oracle.py --script FILE                only this script
    tests/oracle/oracle.py --peer /path/to/valkey-server
"""
import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "wire")]
sys.dont_write_bytecode = True

import grammar  # noqa: E402
import known_differences  # noqa: E402
import rules  # noqa: E402
import script  # noqa: E402
from link import Link  # noqa: E402
from play import Player  # noqa: E402
from rounds import Rounds  # noqa: E402
from servers import Server, ServerFailure  # noqa: E402
from shrink import Shrinker  # noqa: E402

DEFAULT_SERVER = ROOT / "build/release/src/server/engram-server"
KINDS = [("io_uring", 1), ("io_uring", 3), ("epoll", 1), ("epoll", 3)]
# Strings may grow to this on both sides, so that their limit is met.
BULK_BYTES_MAX = 1 << 20
FINDS_MAX = 40


class Oracle:
    """The oracle and the servers under test."""

    def __init__(self):
        self.servers = []
        self.subjects = []

    def start(self, peer, server, kinds):
        self.peer = self._server(peer)
        for engine, workers in kinds:
            title = "%s, %d worker%s" % (engine, workers, "s"[:workers > 1])
            subject = self._server(server, engine, workers)
            self.subjects.append((title, subject))
        self._ask()

    def _server(self, *arguments):
        server = Server(*arguments, proto_max_bulk_len=BULK_BYTES_MAX)
        self.servers.append(server)
        return server

    def _ask(self):
        """Who the oracle is, and which commands both have."""
        link = Link(self.peer.port, 10)
        info = link.ask("INFO", "server")[1].decode()
        found = dict(line.split(":", 1) for line in info.splitlines()
                     if ":" in line)
        name = found.get("server_name", "redis")
        self.version = found.get("%s_version" % name, found["redis_version"])
        self.name = name
        self.title = "%s %s" % (name, self.version)
        self.commands = grammar.read_commands(link)
        theirs = Link(self.subjects[0][1].port, 10)
        self.available = grammar.read_names(theirs)
        both = self.available & set(self.commands)
        self.blocking = grammar.read_blocking(link, both)
        link.close()
        theirs.close()

    def taking_part(self, chosen):
        """The commands of both, less those excluded; chosen: groups or names."""
        found = [c for name, c in sorted(self.commands.items())
                 if name in self.available and not rules.why_excluded(name)
                 and not known_differences.is_avoided(self.name, name)]
        if chosen:
            found = [c for c in found if c.group in chosen or c.name in chosen
                     or c.name.split("|")[0] in chosen]
        return found

    def player(self, subject):
        return Player(self.peer.port, subject.port, (self.name, self.version))

    def end(self):
        for server in self.servers:
            try:
                server.end()
            except ServerFailure as why:
                print(why)
            shutil.rmtree(server.dir, ignore_errors=True)


class Run:
    """What was played and what was found."""

    def __init__(self, oracle, arguments):
        self.oracle = oracle
        self.arguments = arguments
        self.finds = {}  # signature -> path of its script
        self.unsteady = 0
        self.command_count = 0
        self.known_seen = {}
        self.coverage = {} if arguments.coverage else None
        self.passed = self.failed = 0

    def play(self, subject, steps):
        """The first Difference of a fresh play; a server that died is one."""
        player = self.oracle.player(subject)
        player.coverage = self.coverage
        try:
            found = player.play(steps)
        finally:
            player.close()
        self.command_count += player.command_count
        for reason, count in player.known_seen.items():
            self.known_seen[reason] = self.known_seen.get(reason, 0) + count
        if not subject.alive():
            print(subject.log_tail())
            subject.restart()
            if found is not None:
                found.what = "crash"
        return found

    def scripts(self, paths):
        """Each script on every subject."""
        for path in paths:
            steps = script.read(path.read_text())
            steps.append(script.Step(1, [[b"!dataset"]]))
            found = None
            for title, subject in self.oracle.subjects:
                found = self.play(subject, steps)
                if found is not None:
                    print("FAILED: %s on %s\n%s" % (path.name, title, found))
                    break
            self.passed += found is None
            self.failed += found is not None

    def rounds(self, commands):
        a = self.arguments
        rounds = Rounds(commands, self.oracle.blocking, self.oracle.available)
        end = time.monotonic() + a.seconds
        seed = a.seed
        while time.monotonic() < end and len(self.finds) < FINDS_MAX:
            if a.rounds is not None and seed >= a.seed + a.rounds:
                break
            title, subject = self.oracle.subjects[
                seed % len(self.oracle.subjects)]
            steps = rounds.make(seed)
            found = self.play(subject, steps)
            if found is not None:
                self._found(seed, title, subject, steps, found)
            seed += 1
        self.round_count = seed - a.seed
        self.passed += 1
        self.passed -= bool(self.finds)
        self.failed += len(self.finds)

    def _found(self, seed, title, subject, steps, found):
        """Shrinks a find that is new and happens again."""
        if found.signature in self.finds:
            return
        if self.play(subject, steps) is None:
            self.unsteady += 1
            print("seed %d: seen once and not again: %s" % (seed, found))
            return
        shrinker = Shrinker(lambda s: self.play(subject, s), found.signature)
        small = shrinker.shrink(steps[:found.step + 1])
        again = self.play(subject, small) or found
        text = script.write(small, "seed %d, %s beside %s\n%s" % (
            seed, title, self.oracle.title, again))
        folder = Path(self.arguments.out)
        folder.mkdir(parents=True, exist_ok=True)
        name = "-".join(w for w in found.signature[:2])
        name = "".join(c if c.isalnum() else "-" for c in name)
        path = folder / ("%s-%d.txt" % (name, seed))
        path.write_text(text)
        self.finds[found.signature] = path
        print("FAILED: %s\n%s" % (path, text), flush=True)

    def report(self):
        if self.coverage:
            for name, (count, errors) in sorted(self.coverage.items()):
                print("%-24s %7d  %3d %% errors" % (
                    name, count, 100 * errors / count))
        for reason, count in sorted(self.known_seen.items()):
            print("known, seen %d times: %s" % (count, reason))
        if self.unsteady:
            print("%d differences were seen once and not again" % self.unsteady)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seconds", type=float, default=60)
    add("--seed", type=int, help="of the first round; the next has the next")
    add("--rounds", type=int, help="at most so many")
    add("--commands", help="groups or names, with commas between")
    add("--peer", default="/usr/bin/redis-server", help="the oracle's binary")
    add("--server", default=os.environ.get("ENGRAM_SERVER", DEFAULT_SERVER))
    add("--engine", help="only this I/O engine")
    add("--workers", type=int, help="only this number of workers")
    add("--script", type=Path, action="append", help="play only this")
    add("--out", default=ROOT / "build/oracle", help="folder for finds")
    add("--coverage", action="store_true", help="count commands and errors")
    add("--list", action="store_true", help="what takes part, and what not")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = int.from_bytes(os.urandom(4), "big")
    return arguments


def print_lists(oracle):
    for name in sorted(set(oracle.commands) | oracle.available):
        why = rules.why_excluded(name)
        if name not in oracle.available:
            why = "the server does not have it"
        elif name not in oracle.commands:
            why = "the oracle does not have it"
        print("%-24s %s" % (name, why or "takes part"))


def main():
    arguments = parse_arguments()
    # The servers end with the oracle, whoever ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    kinds = [(e, w) for e, w in KINDS if arguments.engine in (None, e) and
             arguments.workers in (None, w)]
    oracle = Oracle()
    try:
        oracle.start(arguments.peer, str(arguments.server), kinds)
        if arguments.list:
            print_lists(oracle)
            return 0
        chosen = set((arguments.commands or "").split(",")) - {""}
        commands = oracle.taking_part(chosen)
        print("%s; %d commands; seed %d" % (oracle.title, len(commands),
                                            arguments.seed), flush=True)
        run = Run(oracle, arguments)
        begin = time.monotonic()
        if arguments.script:
            run.scripts(arguments.script)
        else:
            run.scripts(sorted((HERE / "regressions").glob("*.txt")))
            run.rounds(commands)
            print("%d rounds" % run.round_count)
        run.report()
        print("%d commands in %.0f s" % (run.command_count,
                                         time.monotonic() - begin))
        print("%d passed, %d failed" % (run.passed, run.failed))
        return 1 if run.failed else 0
    finally:
        oracle.end()


if __name__ == "__main__":
    sys.exit(main())
