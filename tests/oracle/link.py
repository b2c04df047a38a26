"""link: one connection to one server, for many commands at a time.

A batch of commands is sent at once and its replies are read as one run of raw
bytes, without making Python values of them: two servers that answer alike are
told from each other by one comparison of bytes. Only where the bytes differ are
they parsed, by `parse`, into pairs (kind, payload):

    (b'+' b'-' b':' b'$' ... , bytes)         one value; a null's payload is None
    (b'*' b'~' b'>' , list of replies)        a sequence
    (b'%', list of replies)                   a map, keys and values in turn

Pushes and attributes belong to no command: a push is read together with the
reply that follows it.
"""
import select
import socket

CHUNK_BYTES = 1 << 16
LINES = frozenset(b"+-:_#,(")
BULKS = frozenset(b"$=!")
# How many replies follow for each element that the header counts.
SEQUENCES = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2, ord("|"): 2}
NULL_KINDS = (b"$", b"*", b"_")

# Stand where a reply did not come.
CLOSED = (b"!closed", b"")
SILENT = (b"!silent", b"")


class Garbage(Exception):
    """Bytes that no reply begins with."""


def encode(args):
    """A command as an array of bulk strings."""
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        out.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(out)


def skip(buffer, pos):
    """Where the reply at pos ends (with the pushes before it), or -1 while it
    has not come whole."""
    pending = 1
    size = len(buffer)
    while pending:
        eol = buffer.find(b"\r\n", pos)
        if eol < 0:
            return -1
        kind = buffer[pos]
        if kind in LINES:
            pos = eol + 2
            pending -= 1
        elif kind in BULKS:
            length = int(buffer[pos + 1:eol])
            pos = eol + 2 if length < 0 else eol + length + 4
            if pos > size:
                return -1
            pending -= 1
        elif kind in SEQUENCES:
            count = max(int(buffer[pos + 1:eol]), 0) * SEQUENCES[kind]
            is_extra = kind in b">|"
            pos = eol + 2
            pending += count - (0 if is_extra else 1)
        else:
            raise Garbage(bytes(buffer[pos:pos + 80]))
    return pos


def parse(buffer, pos=0):
    """The reply at pos of whole bytes, and where it ends."""
    eol = buffer.index(b"\r\n", pos)
    kind, head = bytes(buffer[pos:pos + 1]), bytes(buffer[pos + 1:eol])
    pos = eol + 2
    if kind[0] in LINES:
        return (kind, None if kind == b"_" else head), pos
    if kind[0] in BULKS:
        length = int(head)
        if length < 0:
            return (kind, None), pos
        return (kind, bytes(buffer[pos:pos + length])), pos + length + 2
    count = int(head)
    if count < 0:
        return (kind, None), pos
    items = []
    for _ in range(count * SEQUENCES[kind[0]]):
        item, pos = parse(buffer, pos)
        items.append(item)
    if kind == b"|":
        return parse(buffer, pos)
    return (kind, items), pos


def parse_all(raw):
    """The replies in raw, pushes included."""
    replies, pos = [], 0
    while pos < len(raw):
        reply, pos = parse(raw, pos)
        replies.append(reply)
    return replies


class Link:
    def __init__(self, port, timeout_s):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        # Why nothing more will come: CLOSED, SILENT, or None.
        self.end = None

    def close(self):
        self.sock.close()

    def send(self, data):
        if self.end is None:
            try:
                self.sock.sendall(data)
            except OSError:
                # What the server said before it closed can still be read.
                pass

    def read(self, count):
        """The raw bytes of the next count replies, of fewer if they do not
        come: then self.end says why."""
        pos = 0
        while count:
            try:
                end = skip(self.buffer, pos) if len(self.buffer) > pos else -1
            except Garbage:
                self.end = (b"!garbage", bytes(self.buffer[pos:pos + 80]))
                break
            if end >= 0:
                pos = end
                count -= 1
            elif self.end is not None or not self._fill():
                break
        raw = bytes(self.buffer[:pos])
        del self.buffer[:pos]
        return raw

    def _fill(self):
        try:
            data = self.sock.recv(CHUNK_BYTES)
        except socket.timeout:
            self.end = SILENT
            return False
        except OSError:
            data = b""
        if not data:
            self.end = CLOSED
            return False
        self.buffer += data
        return True

    def is_heard(self):
        """Is there something to read?"""
        return bool(self.buffer or
                    select.select([self.sock], [], [], 0)[0])

    def ask(self, *args):
        """One command, one parsed reply."""
        return self.ask_all([args])[0]

    def ask_all(self, commands):
        """Several commands at once; a reply that is missing is self.end."""
        self.send(b"".join(encode([a if isinstance(a, bytes) else
                                   str(a).encode() for a in c])
                           for c in commands))
        replies = [r for r in parse_all(self.read(len(commands)))
                   if r[0] != b">"]
        return replies + [self.end] * (len(commands) - len(replies))
