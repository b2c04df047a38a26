"""rawconn: one connection to a server, byte for byte.

What a client library hides is visible here: the type of each reply, replies that
come late or not at all, and the moment the server closes. `send` writes bytes as
they are; `read_reply` reads one reply and nothing behind it.

Replies become Python values: simple strings Simple, errors ReplyError (as a value,
never raised), integers int, bulk strings bytes, nulls None, arrays list; and of
RESP3 maps dict, sets SetReply, pushes Push, doubles float, booleans bool, big
numbers int, verbatim strings Verbatim. Attributes are read and dropped.
"""
import socket
import time

CHUNK_BYTES = 1 << 16


class Simple(bytes):
    """A simple string; equal to the bytes within."""


class Verbatim(bytes):
    """A verbatim string without its format, which is in .format."""
    format = b""


class ReplyError(Exception):
    """An error reply. Equal to another of the same text, or to that text."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text

    @property
    def code(self):
        return self.text.split(" ", 1)[0]

    def __eq__(self, other):
        return self.text == getattr(other, "text", other)

    def __hash__(self):
        return hash(self.text)


class SetReply(list):
    """A RESP3 set, in the order it came."""


class Push(list):
    """A RESP3 push."""


class Closed(Exception):
    """The server closed where a reply was expected."""


def encode(*args):
    """A command as an array of bulk strings."""
    out = [b"*%d\r\n" % len(args)]
    for arg in args:
        if isinstance(arg, str):
            arg = arg.encode()
        elif not isinstance(arg, (bytes, bytearray, memoryview)):
            arg = str(arg).encode()
        out.append(b"$%d\r\n" % len(arg))
        out.append(bytes(arg))
        out.append(b"\r\n")
    return b"".join(out)


class Raw:
    def __init__(self, address, timeout=10.0):
        """`address`: (host, port), or the path of a Unix socket."""
        is_path = isinstance(address, str)
        family = socket.AF_UNIX if is_path else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        if not is_path:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buffer = bytearray()
        self.offset = 0

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # ---- bytes ----

    def send(self, data):
        self.sock.sendall(data)

    def send_cmd(self, *args):
        self.send(encode(*args))

    def _fill(self):
        if self.offset > CHUNK_BYTES:
            del self.buffer[:self.offset]
            self.offset = 0
        try:
            data = self.sock.recv(CHUNK_BYTES)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Closed("the server closed; unread: %r"
                         % bytes(self.buffer[self.offset:])[:200])
        self.buffer += data

    def read_line(self):
        """The next line without its CRLF."""
        start = self.offset
        while True:
            end = self.buffer.find(b"\r\n", start)
            if end >= 0:
                line = bytes(self.buffer[self.offset:end])
                self.offset = end + 2
                return line
            seen = len(self.buffer) - self.offset
            self._fill()
            start = self.offset + max(0, seen - 1)

    def read_bytes(self, count):
        while len(self.buffer) - self.offset < count:
            self._fill()
        data = bytes(self.buffer[self.offset:self.offset + count])
        self.offset += count
        return data

    def read_available(self, seconds):
        """What comes within `seconds`, or until the server closes; raw bytes."""
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self.sock.settimeout(left)
                self._fill()
        except (socket.timeout, Closed):
            pass
        finally:
            self.sock.settimeout(self.timeout)
        data = bytes(self.buffer[self.offset:])
        self.offset = len(self.buffer)
        return data

    # ---- replies ----

    def _bulk(self, length):
        if length < 0:
            return None
        data = self.read_bytes(length)
        assert self.read_bytes(2) == b"\r\n", "bulk string without its CRLF"
        return data

    def _sequence(self, count, kind=list):
        if count < 0:
            return None
        return kind(self.read_reply() for _ in range(count))

    def _map(self, count):
        pairs = {}
        for _ in range(count):
            key = self.read_reply()
            pairs[key] = self.read_reply()
        return pairs

    def _verbatim(self, length):
        data = self._bulk(length)
        text = Verbatim(data[4:])
        text.format = data[:3]
        return text

    def read_reply(self):
        while True:
            line = self.read_line()
            assert line, "an empty line where a reply was expected"
            kind, rest = line[:1], line[1:]
            if kind != b"|":
                break
            self._map(int(rest))
        if kind == b"+":
            return Simple(rest)
        if kind == b"-":
            return ReplyError(rest.decode("utf-8", "backslashreplace"))
        if kind in (b":", b"("):
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return self._sequence(int(rest))
        if kind == b"_":
            return None
        if kind == b"#":
            return {b"t": True, b"f": False}[rest]
        if kind == b",":
            return float(rest)
        if kind == b"=":
            return self._verbatim(int(rest))
        if kind == b"%":
            return self._map(int(rest))
        if kind == b"~":
            return self._sequence(int(rest), SetReply)
        if kind == b">":
            return self._sequence(int(rest), Push)
        raise AssertionError("not the start of a reply: %r" % line[:80])

    def read_replies(self, count):
        return [self.read_reply() for _ in range(count)]

    def cmd(self, *args):
        self.send(encode(*args))
        return self.read_reply()

    def pipeline(self, commands):
        """Sends all, then reads all; for pipelines that fit the socket buffers."""
        self.send(b"".join(encode(*c) for c in commands))
        return self.read_replies(len(commands))

    def silent(self, seconds=0.2):
        """True if nothing comes for so long and the server does not close."""
        if len(self.buffer) > self.offset:
            return False
        self.sock.settimeout(seconds)
        try:
            self._fill()
            return False
        except socket.timeout:
            return True
        except Closed:
            return False
        finally:
            self.sock.settimeout(self.timeout)

    def closed(self, timeout=5.0):
        """True if the server closes within `timeout`; what came is dropped."""
        end = time.monotonic() + timeout
        try:
            while (left := end - time.monotonic()) > 0:
                self.sock.settimeout(left)
                try:
                    if not self.sock.recv(CHUNK_BYTES):
                        return True
                except socket.timeout:
                    return False
                except OSError:
                    return True
            return False
        finally:
            self.sock.settimeout(self.timeout)
