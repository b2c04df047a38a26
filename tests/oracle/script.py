"""script: sequences of commands as steps, and as text.

A step is what one session sends at once: mostly one command. A step may be
joined to the one before it: they go out together. In a file a line is a command:

    # why this script is here
    1> SET a "two words"
    1+ GET a
    1& DEL a
    2> GET a

Here session 1 sends SET and GET in one step, and DEL in a step that is joined
to it: all three at once. Session 2 waits until their replies have come. Words are bare, or in double quotes with \\xHH, \\n, \\r, \\t, \\" and \\\\;
`repeat(65536,"ab")` stands for a long one. Commands that begin with ! are for
the player:

    !dataset                    compares the whole data
    !scanall SCAN MATCH a*      iterates to the end, then compares what came
    !pause 50                   lets so many milliseconds pass
    !wait BLPOP a 0             sends this, and goes on once the session waits
    !answer                     compares what it was answered; a session that
                                waits still is unblocked first
"""
import re
from dataclasses import dataclass, field

REPEAT_BYTES_MIN = 200
PERIOD_MAX = 8


@dataclass
class Step:
    session: int
    commands: list = field(default_factory=list)
    is_joined: bool = False


def quote(word):
    if len(word) >= REPEAT_BYTES_MIN:
        for period in range(1, PERIOD_MAX + 1):
            part = word[:period]
            if word == (part * (len(word) // period + 1))[:len(word)]:
                return "repeat(%d,%s)" % (len(word), quoted(part))
    text = word.decode("latin-1")
    if re.fullmatch(r"[!-~]+", text) and not re.search(r'["\\#]', text) \
            and not text.startswith("repeat("):
        return text
    return quoted(word)


def quoted(word):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    return '"%s"' % "".join(
        names.get(b) or (chr(b) if 32 <= b < 127 else "\\x%02x" % b)
        for b in word)


def show(words):
    return " ".join(quote(w) for w in words)


def write(steps, comment=""):
    """The steps as text."""
    lines = ["# " + line if line else "#" for line in comment.splitlines()]
    for step in steps:
        for i, words in enumerate(step.commands):
            mark = "+" if i else "&" if step.is_joined else ">"
            lines.append("%d%s %s" % (step.session, mark, show(words)))
    return "\n".join(lines) + "\n"


WORD = re.compile(r'repeat\((\d+),"((?:\\.|[^"\\])*)"\)|"((?:\\.|[^"\\])*)"|(\S+)')
ESCAPES = {"t": b"\t", "n": b"\n", "r": b"\r", '"': b'"', "\\": b"\\"}


def unquoted(text):
    def back(match):
        name = match.group(1)
        if name[0] == "x":
            return bytes([int(name[1:], 16)]).decode("latin-1")
        return ESCAPES[name].decode("latin-1")
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", back, text).encode("latin-1")


def read_words(text):
    words = []
    for match in WORD.finditer(text):
        length, part, inside, bare = match.groups()
        if length is not None:
            part = unquoted(part)
            words.append((part * (int(length) // len(part) + 1))[:int(length)])
        else:
            words.append(bare.encode("latin-1") if bare is not None
                         else unquoted(inside))
    return words


def read(text):
    """The steps of a script's text."""
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\d+)([>+&]) (.*)", line)
        if not match:
            raise ValueError("line %d is no command: %s" % (number, line))
        session, mark, rest = match.groups()
        if mark == "+" and steps:
            steps[-1].commands.append(read_words(rest))
        else:
            steps.append(Step(int(session), [read_words(rest)], mark == "&"))
    return steps
