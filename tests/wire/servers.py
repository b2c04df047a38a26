"""servers: starts, watches and ends the server under test.

A Server is one process with a folder and a port of its own. It is ended by its
process id; its log is kept so that a failure can show the tail of it.
"""
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from rawconn import Closed, Raw

# Below the ports that the kernel hands out to clients.
PORT_FIRST, PORT_LAST = 17200, 31999
START_SECONDS = 30
STOP_SECONDS = 30
LOG_TAIL_LINES = 60

TROUBLE = re.compile(
    r"(ERROR|WARNING): \w+Sanitizer|runtime error:|[Aa]ssertion .*failed"
    r"|ASSERTION FAILED|BUG REPORT START|assert failed|lock rank|SUMMARY: \w+Sani")


def free_port():
    """A port of 127.0.0.1 that could be bound a moment ago. ENGRAM_TEST_PORTS
    ("LOW-HIGH") narrows the range."""
    low, high = PORT_FIRST, PORT_LAST
    if "ENGRAM_TEST_PORTS" in os.environ:
        low, high = map(int, os.environ["ENGRAM_TEST_PORTS"].split("-"))
    ports = list(range(low, high + 1))
    random.SystemRandom().shuffle(ports)
    for port in ports[:1000]:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port from %d to %d" % (low, high))


def is_redis(binary):
    """True if the binary is the peer that the tests are validated against."""
    names = os.path.basename(binary) + os.path.basename(os.path.realpath(binary))
    return "redis" in names or "valkey" in names


def is_up(reply):
    """Whether a PING's reply says so; a stranger may be asked to log in."""
    return reply == b"PONG" or str(reply).startswith("NOAUTH")


class ServerFailure(AssertionError):
    """The server died, would not start, or reported an error of its own."""


class Server:
    def __init__(self, binary, engine=None, workers=None, **options):
        self.binary = binary
        self.engine, self.workers = engine, workers
        self.options = options
        self.is_redis = is_redis(binary)
        self.dir = tempfile.mkdtemp(prefix="engram-wire-")
        self.log_path = os.path.join(self.dir, "server.log")
        self.process = None
        self.port = free_port()
        self.children = []
        self.is_down_expected = False
        self.log_checked_bytes = 0
        if "_config" in options:
            self._write_config()
        self._start()

    # ---- what tests use ----

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def connect(self, timeout=10.0):
        return Raw(self.address, timeout)

    def new(self, limits=None, **options):
        """A server of the same kind, for one test; options are written with
        underscores; `limits` maps RLIMIT_* to a value. Stopped after the test.
        _prefix: words of a command that starts it; _wait=False: it is not ready
        yet; _config: the text of its config file, .config_path, to which port,
        folder and the like are added instead of being arguments."""
        child = Server(self.binary, self.engine, self.workers,
                       _limits=limits or {}, **options)
        self.children.append(child)
        return child

    def expect_down(self):
        """The test ends this server itself."""
        self.is_down_expected = True

    def wait_down(self, seconds=STOP_SECONDS):
        """The exit status, once the process has ended by itself."""
        self.is_down_expected = True
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ServerFailure("did not end within %d s\n%s"
                                % (seconds, self.log_tail())) from None

    def forgive_log(self):
        """What the log says up to now was meant by the test."""
        self.log_checked_bytes = os.path.getsize(self.log_path)

    def restart(self, **options):
        """Ends the process and starts it again on the same port."""
        if self.alive():
            self.end()
        self.options.update(options)
        self._start()

    def rss_bytes(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def log_tail(self):
        return "\n".join(self.log().splitlines()[-LOG_TAIL_LINES:])

    # ---- life ----

    @property
    def config_path(self):
        return os.path.join(self.dir, "engram.conf")

    def _write_config(self):
        with open(self.config_path, "w") as f:
            f.write("port %d\nbind 127.0.0.1\ndir %s\n" % (self.port, self.dir))
            if not self.is_redis:
                f.write("io-engine %s\nworker-threads %s\n"
                        % (self.engine or "epoll", self.workers or 1))
            f.write(self.options["_config"])

    @property
    def args(self):
        if "_config" in self.options:
            return [self.binary, self.config_path]
        args = self.options.get("_prefix", []) + [
            self.binary, "--port", str(self.port), "--bind", "127.0.0.1",
            "--dir", self.dir]
        options = dict(self.options)
        options.setdefault("save", "")
        if not self.is_redis:
            args += ["--io-engine", self.engine or "epoll",
                     "--worker-threads", str(self.workers or 1)]
        for name, value in options.items():
            if name.startswith("_"):
                continue
            values = value if isinstance(value, (list, tuple)) else [value]
            args += ["--" + name.replace("_", "-")] + [str(v) for v in values]
        return args

    def _start(self):
        limits = self.options.get("_limits", {})

        def narrow():
            for which, value in limits.items():
                resource.setrlimit(which, (value, value))

        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=self.dir,
                preexec_fn=narrow if limits else None)
        self.is_down_expected = False
        if self.options.get("_wait", True):
            self._wait_ready()

    def _wait_ready(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self.alive():
                raise ServerFailure("ended at start with %s: %s\n%s" % (
                    self.process.returncode, " ".join(self.args),
                    self.log_tail()))
            try:
                with self.connect(5) as raw:
                    if is_up(raw.cmd("PING")):
                        return
            except (OSError, Closed):
                pass
            time.sleep(0.01)
        self.end(signal.SIGKILL)
        raise ServerFailure("not ready after %d s\n%s"
                            % (START_SECONDS, self.log_tail()))

    def check(self):
        """Raises if the server died or has reported trouble."""
        if not self.is_down_expected:
            if not self.alive():
                raise ServerFailure("the server died with %s\n%s" % (
                    self.process.returncode, self.log_tail()))
            reply = self._ping()
            if not is_up(reply):
                raise ServerFailure("PING got %r\n%s" % (reply, self.log_tail()))
        self.check_log()

    def _ping(self):
        """What a fresh connection hears; one that finds the house full waits for
        those that the test has just left."""
        end = time.monotonic() + 5
        while True:
            with self.connect(10) as raw:
                try:
                    reply = raw.cmd("PING")
                except (Closed, OSError) as e:
                    reply = e
            if is_up(reply) or time.monotonic() > end:
                return reply
            time.sleep(0.02)

    def check_log(self):
        with open(self.log_path, "rb") as f:
            f.seek(self.log_checked_bytes)
            data = f.read()
        self.log_checked_bytes += len(data)
        found = TROUBLE.search(data.decode("utf-8", "replace"))
        if found:
            raise ServerFailure("the log says %r\n%s"
                                % (found.group(), self.log_tail()))

    def end(self, sig=signal.SIGTERM):
        """Ends the process; on SIGTERM it must do so in time and with 0."""
        if not self.alive():
            return
        self.process.send_signal(sig)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise ServerFailure("did not end on signal %d within %d s\n%s" % (
                sig, STOP_SECONDS, self.log_tail())) from None
        if sig == signal.SIGTERM and status != 0:
            raise ServerFailure("ended with %d on SIGTERM\n%s"
                                % (status, self.log_tail()))

    def end_children(self):
        """Checks and ends what new() started; all of them, then complains."""
        failure = None
        for child in self.children:
            try:
                child.check()
                child.end()
                child.check_log()
            except Exception as e:
                failure = failure or e
                if child.alive():
                    child.process.kill()
                    child.process.wait()
            shutil.rmtree(child.dir, ignore_errors=True)
        self.children = []
        if failure is not None:
            raise failure
