"""grammar: makes commands from what the oracle's COMMAND DOCS says of them.

Every command of the oracle that the server under test has too takes part; one
that the server learns joins without a change here. `rules` says which do not,
and how often the others come.

The arguments of a command become a tree of functions, each of which appends to
a list of words. Most commands that come out are legal. Some are then spoilt: a
word dropped, doubled, swapped, replaced; an option repeated or unknown.
"""
import re

import rules
from pools import ANY_ENDS, DOUBLES, LEX_ENDS, SCORE_ENDS, Pools

# Commands whose second argument is a time to live.
AT_ONE = {"setex", "psetex", "expire", "pexpire"}
# Commands that wait and say how long first; the others say it last.
TIMEOUT_FIRST = {"blmpop", "bzmpop"}
# Commands whose options say what their ranges look like; where these stand.
RANGE_AT = {"zrange": 1, "zrangestore": 2}
# Of these options of ZADD one alone goes with all its other words.
ZADD_EITHER = {b"NX", b"XX", b"GT", b"LT", b"INCR"}
AGREE_CHANCE = 0.7
OPTION_CHANCE = 0.35
SPOIL_CHANCE = 0.12
CASE_CHANCE = 0.06
MORE_CHANCE = 0.55
MORE_MAX = 5


def as_text(reply):
    return reply[1].decode("utf-8", "replace") if reply[1] is not None else ""


def as_map(reply):
    """A RESP2 array or RESP3 map of pairs, as a dict from text."""
    items = reply[1] or []
    return {as_text(items[i]): items[i + 1] for i in range(0, len(items), 2)}


class Argument:
    """One argument of the documentation."""

    def __init__(self, reply):
        fields = as_map(reply)
        self.name = as_text(fields["name"])
        self.kind = as_text(fields["type"])
        self.token = fields["token"][1] if "token" in fields else None
        flags = fields.get("flags", (b"*", []))[1] or []
        self.flags = {as_text(f) for f in flags}
        inner = fields.get("arguments", (b"*", []))[1] or []
        self.inner = [Argument(a) for a in inner]


class Command:
    """One command, or one subcommand ("config|get")."""

    def __init__(self, name, docs):
        self.name = name
        fields = as_map(docs)
        self.group = as_text(fields.get("group", (b"$", b"")))
        arguments = fields.get("arguments", (b"*", []))[1] or []
        self.arguments = [Argument(a) for a in arguments]
        self.words = [w.encode() for w in name.upper().split("|")]
        self.weight = rules.weight_of(name)


def read_commands(link):
    """name -> Command, from a server's COMMAND DOCS."""
    found = {}
    for name, docs in as_map(link.ask("COMMAND", "DOCS")).items():
        fields = as_map(docs)
        if "subcommands" in fields:
            for sub, inner in as_map(fields["subcommands"]).items():
                found[sub] = Command(sub, inner)
        else:
            found[name] = Command(name, docs)
    return found


def read_names(link):
    """The names that a server's COMMAND LIST gives."""
    return {as_text(r).lower() for r in link.ask("COMMAND", "LIST")[1]}


def read_blocking(link, names):
    """Those of the names that may wait for others, by their flags."""
    blocking = set()
    for info in link.ask("COMMAND", "INFO", *sorted(names))[1]:
        if info[1] and b"blocking" in [f[1] for f in info[1][2][1]]:
            blocking.add(as_text(info[1][0]))
    return blocking


class Maker:
    """Makes random commands over a random.Random."""

    def __init__(self, commands, random):
        self.random = random
        self.pools = Pools(random)
        self.commands = commands
        self.weights = [c.weight for c in commands]
        self.trees = {c.name: self._sequence(c, c.arguments)
                      for c in commands}

    # ---- trees ----

    def _sequence(self, command, arguments):
        """Arguments one after another; numkeys agrees with what it counts."""
        steps = []
        for argument in arguments:
            step = self._step(command, argument)
            counted = argument.kind == "integer" and argument.name == "numkeys"
            steps.append((step, counted))

        def run(out):
            place = None
            for step, counted in steps:
                begin = len(out)
                step(out)
                if place is not None and self.random.random() < 0.9:
                    out[place] = b"%d" % (len(out) - begin)
                place = begin if counted else None
        return run

    def _step(self, command, argument):
        once = self._once(command, argument)
        flags, token = argument.flags, argument.token

        def run(out):
            if "optional" in flags and self.random.random() > OPTION_CHANCE:
                return
            count = 1
            if "multiple" in flags:
                while count < MORE_MAX and self.random.random() < MORE_CHANCE:
                    count += 1
            for i in range(count):
                if token is not None and (i == 0 or "multiple_token" in flags):
                    out.append(self._cased(token))
                once(out)
        return run

    def _once(self, command, argument):
        kind = argument.kind
        if kind == "pure-token":
            return lambda out: None
        if kind == "oneof":
            choices = [self._step(command, a) for a in argument.inner]
            return lambda out: self.random.choice(choices)(out)
        if kind == "block":
            return self._sequence(command, argument.inner)
        value = self.pools.for_argument(command, kind, argument.name)
        return lambda out: out.append(value())

    def _cased(self, word):
        if self.random.random() < CASE_CHANCE:
            return word.lower() if self.random.random() < 0.5 else word.title()
        return word

    # ---- commands ----

    def make(self):
        """(name, words) of a random command."""
        command = self.random.choices(self.commands, self.weights)[0]
        return command.name, self.make_of(command)

    def make_of(self, command):
        out = []
        self.trees[command.name](out)
        if self.random.random() < AGREE_CHANCE:
            self._agree(command.name, out)
        while self.random.random() < SPOIL_CHANCE:
            self._spoil(out)
        self._calm(command.name, out)
        return [self._cased(w) for w in command.words] + out

    def make_to_wait(self):
        """The words of a random command that waits, if it does, without end."""
        command = self.random.choices(self.commands, self.weights)[0]
        words = self.make_of(command)
        for place, word in enumerate(words[:-1]):
            if word.upper() == b"BLOCK":
                words[place + 1] = b"0"
        if command.name in TIMEOUT_FIRST:
            words[1:2] = [b"0"]
        elif not command.name.startswith("x"):
            words[1:] = words[1:-1] + [b"0"]
        return words

    def _agree(self, name, out):
        """Makes what an option asks of other arguments true."""
        if name in RANGE_AT:
            ends = (SCORE_ENDS if b"BYSCORE" in out else
                    LEX_ENDS if b"BYLEX" in out else ANY_ENDS)
            at = RANGE_AT[name]
            out[at:at + 2] = self.random.choices(ends, k=2)
        if name == "zadd":
            kept = self.random.choice(sorted(ZADD_EITHER))
            out[1:] = [w for w in out[1:] if w == kept or w not in ZADD_EITHER]
        if b"WEIGHTS" in out:
            begin = end = out.index(b"WEIGHTS") + 1
            while end < len(out) and not out[end].isalpha():
                end += 1
            key_count = begin - (3 if name.endswith("store") else 2)
            out[begin:end] = self.random.choices(DOUBLES, k=key_count)

    def _calm(self, name, out):
        """A spoilt command may set a deadline so near that the two servers'
        clocks decide: it is put far away. A count may ask for more members,
        drawn again and again, than memory holds: it is made small."""
        if name.endswith(("randmember", "hrandfield")):
            out[1:2] = [b"-10" if re.fullmatch(rb"-\d{4,18}", w) or
                        w.startswith(b"-4611") else w for w in out[1:2]]
        if name.startswith("sort") and b"BY" in [w.upper() for w in out]:
            # The order of what is alike by text is nobody's promise.
            out[:] = [w for w in out if w.upper() != b"ALPHA"]
        if name == "bitfield" and b"SAT" in [w.upper() for w in out]:
            # The oracle's own sums overflow, and it takes the wrong end.
            out[:] = [b"-100" if w.startswith((b"-9223", b"-4611")) else w
                      for w in out]
        for place, word in enumerate(out):
            is_time = (place == 1 if name in AT_ONE else place > 0 and
                       out[place - 1].upper() in (b"EX", b"PX"))
            if is_time and re.fullmatch(rb"\d{1,5}", word) and int(word):
                out[place] = b"%d00000" % int(word)

    def _spoil(self, out):
        """Changes the arguments in one place."""
        place = self.random.randrange(len(out) + 1)
        draw = self.random.random()
        if place == len(out) or draw < 0.2:
            other = self.random.choice([self.pools.word, self.pools.any])()
            out.insert(place, other)
        elif draw < 0.4:
            del out[place]
        elif draw < 0.55:
            out.insert(place, out[self.random.randrange(len(out))])
        elif draw < 0.7:
            other = self.random.randrange(len(out))
            out[place], out[other] = out[other], out[place]
        elif draw < 0.8:
            del out[place:]
        elif draw < 0.9:
            out += out[place:]
        else:
            out[place] = self.pools.any()
