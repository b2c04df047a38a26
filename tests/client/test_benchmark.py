"""engram-benchmark beside Engram and Debian's redis-server: every option does what
it says, and what it prints has redis-benchmark's form."""
import contextlib
import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import BUILD, SERVERS, Server, free_port

BENCHMARK = os.path.join(BUILD, "tools/bench/engram-benchmark")
LIMIT_SECONDS = 60
QUIET = re.compile(r"^(.+): (\d+\.\d\d) requests per second, "
                   r"p50=(\d+\.\d{3}) msec$")


def bench(where, *options, stdin=None):
    """Runs it to its end: (exit status, output, what it complained)."""
    port = getattr(where, "port", where)
    p = subprocess.run([BENCHMARK, "-p", str(port), *map(str, options)],
                       input=stdin, capture_output=True, timeout=LIMIT_SECONDS)
    return (p.returncode, p.stdout.decode(errors="replace"),
            p.stderr.decode(errors="replace"))


def good(where, *options, stdin=None):
    """The output of a run that must succeed."""
    status, out, err = bench(where, *options, stdin=stdin)
    assert (status, err) == (0, "")
    return out


def lines(out):
    """The lines that stay: a carriage return wipes what stands before it."""
    return [line.rsplit("\r", 1)[-1] for line in out.split("\n")]


def quiet(where, *options):
    """{test: requests per second} of -q."""
    found = [QUIET.match(line) for line in lines(good(where, "-q", *options))]
    return {m.group(1): float(m.group(2)) for m in found if m}


def ask(server, *words):
    """One request; the reply's bytes."""
    with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
        text = b"*%d\r\n" % len(words)
        for word in words:
            word = word.encode()
            text += b"$%d\r\n%s\r\n" % (len(word), word)
        sock.sendall(text + b"*1\r\n$4\r\nPING\r\n")
        reply = b""
        while not reply.endswith(b"+PONG\r\n"):
            got = sock.recv(65536)
            assert got
            reply += got
    return reply[:-7].decode()


def calls(server, command):
    found = re.search(rf"cmdstat_{command}:calls=(\d+)",
                      ask(server, "INFO", "commandstats"))
    return int(found.group(1)) if found else 0


class Scripted:
    """A server that answers each request with what `reply(words)` says."""

    def __init__(self, reply):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.reply = reply
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        stream = sock.makefile("rb")
        with sock, contextlib.suppress(OSError):
            while head := stream.readline():
                words = [] if head[:1] == b"*" else [head.strip()]
                for _ in range(0 if words else int(head[1:])):
                    size = int(stream.readline()[1:])
                    words.append(stream.read(size + 2)[:-2])
                sock.sendall(self.reply(words))

    def close(self):
        self.listener.close()


def bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text), text)


# ---- the tests ----

TITLES = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH", "RPUSH",
          "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN",
          "LPUSH (needed to benchmark LRANGE)",
          "LRANGE_100 (first 100 elements)", "LRANGE_300 (first 300 elements)",
          "LRANGE_500 (first 500 elements)", "LRANGE_600 (first 600 elements)",
          "MSET (10 keys)"]


def test_all_tests(server):
    found = list(quiet(server, "-n", 100, "-c", 10))
    if found[-1] == "XADD":  # the server has streams
        found.pop()
    assert found == TITLES
    assert calls(server, "ping") == 200
    assert calls(server, "lpush") == 200
    assert calls(server, "lrange") == 400
    for command in "set get incr rpush lpop rpop sadd hset spop zadd zpopmin " \
                   "mset".split():
        assert calls(server, command) == 100, command


def test_what_a_server_does_not_know_is_left_out_or_told():
    fake = Scripted(lambda words: b"-ERR unknown command 'x'\r\n"
                    if words[0] == b"XADD" else b"+OK\r\n")
    status, out, err = bench(fake, "-n", 1, "-c", 1, "-q")
    assert (status, err) == (0, "")
    assert "XADD: left out" in out
    assert out.count("requests per second") == len(TITLES)
    status, out, err = bench(fake, "-n", 1, "-c", 1, "-q", "-t", "set,xadd")
    assert (status, err) == (1, "Error from server: ERR unknown command 'x'\n")
    assert out.count("requests per second") == 1


@pytest.mark.parametrize("pipeline, clients, threads, count",
                         [(1, 1, 1, 7), (5, 10, 1, 1003), (16, 7, 3, 5000),
                          (100, 50, 50, 20), (1, 3, 10, 1000)])
def test_exactly_as_many_requests(server, pipeline, clients, threads, count):
    quiet(server, "-P", pipeline, "-c", clients, "--threads", threads,
          "-n", count, "-t", "set")
    assert calls(server, "set") == count
    assert ask(server, "DBSIZE") == ":1\r\n"


def test_random_keys_fill_their_range(server):
    quiet(server, "-r", 50, "-t", "set", "-n", 2000)
    assert ask(server, "DBSIZE") == ":50\r\n"
    assert ask(server, "EXISTS", "key:000000000000", "key:000000000049",
               "key:000000000050") == ":2\r\n"


def test_keys_in_sequence_are_each_written_once(server):
    quiet(server, "-r", 1000, "-n", 1000, "--key-dist", "seq", "-t", "set",
          "-P", 8, "--threads", 3)
    assert ask(server, "DBSIZE") == ":1000\r\n"


def test_hot_keys_are_hot(server):
    quiet(server, "-r", 1000, "-n", 2000, "--key-dist", "zipf:2",
          "-t", "incr", "--seed", 1)
    hottest = int(ask(server, "GET", "counter:000000000000").split("\r\n")[1])
    assert 1000 < hottest < 1500  # 61 % of 2000


def test_the_same_seed_makes_the_same_keys(server):
    sizes = []
    for seed in (7, 7, 8):
        ask(server, "FLUSHALL")
        quiet(server, "-r", 100000, "-n", 500, "-t", "set", "--seed", seed)
        sizes.append(sorted(re.findall(r"key:\d+", ask(server, "KEYS", "*"))))
    assert sizes[0] == sizes[1] != sizes[2]


@pytest.mark.parametrize("options, sizes", [
    (["-d", 0], {0}), (["-d", 20], {20}), (["-d", 100000], {100000}),
    (["--value-size", "5-7"], {5, 6, 7}),
    (["--value-size", "8:90,1000:10"], {8, 1000})])
def test_values_have_their_size(server, options, sizes):
    quiet(server, *options, "-r", 100, "-n", 100, "--key-dist", "seq",
          "-t", "set", "--seed", 1)
    found = {int(ask(server, "STRLEN", f"key:{i:012d}")[1:])
             for i in range(100)}
    assert found == sizes


def test_a_mix_of_reads_and_writes(server):
    out = good(server, "--ratio", "3:1", "-n", 4000, "-r", 100, "--seed", 1)
    assert "====== MIXED (GET:SET 3:1) ======" in out
    reads, writes = calls(server, "get"), calls(server, "set")
    assert reads + writes == 4000
    assert 850 < writes < 1150
    assert re.search(rf"reads: {reads}, of which \d+ found nothing; "
                     rf"writes: {writes}\n", out)


def test_a_command_of_ones_own(server):
    out = good(server, "-q", "-n", 150, "-c", 5, "INCRBYFLOAT", "mykey", "10.0")
    assert QUIET.match(lines(out)[0]).group(1) == "INCRBYFLOAT mykey 10.0"
    assert ask(server, "GET", "mykey") == "$4\r\n1500\r\n"
    good(server, "-q", "-n", 10, "-r", 1, "SADD", "s", "a__rand_int__b")
    assert ask(server, "SMEMBERS", "s") == "*1\r\n$14\r\na000000000000b\r\n"


def test_the_last_argument_from_standard_input(server):
    value = b"two\nlines\0and bytes \xff\n"
    good(server, "-q", "-n", 10, "-x", "set", "key", stdin=value)
    assert ask(server, "STRLEN", "key") == f":{len(value)}\r\n"


def test_databases_protocols_and_paths(server):
    quiet(server, "--dbnum", 3, "-3", "-n", 10, "-t", "set")
    quiet(1, "-s", server.path, "-n", 10, "-t", "set")
    quiet(1, "-u", f"valkey://127.0.0.1:{server.port}/5", "-n", 10, "-t", "set")
    keyspace = ask(server, "INFO", "keyspace")
    assert re.findall(r"(db\d):keys=1\b", keyspace) == ["db0", "db3", "db5"]


def test_passwords(server_of):
    server = server_of("--requirepass", "p@ss")
    assert quiet(server, "-a", "p@ss", "-n", 10, "-t", "set")
    assert quiet(server, "-a", "p@ss", "--user", "default", "-3", "-n", 10,
                 "-t", "set")
    assert quiet(1, "-u", f"redis://default:p%40ss@127.0.0.1:{server.port}",
                 "-n", 10, "-t", "set")
    for options in ([], ["-a", "wrong"], ["-a", "wrong", "-3"]):
        status, _, err = bench(server, *options, "-q", "-n", 10, "-t", "set")
        assert status == 1
        assert re.match(r"Error from server: (NOAUTH|WRONGPASS) .*\n$", err)


def test_a_connection_for_each_request(server):
    status, out, err = bench(server, "-k", 0, "-n", 30, "-c", 3, "-q",
                             "-t", "set")
    assert status == 0
    assert "WARNING" in err
    assert calls(server, "set") == 30
    made = re.search(r"total_connections_received:(\d+)",
                     ask(server, "INFO", "stats"))
    assert 30 <= int(made.group(1)) < 45


def test_tracking():
    """Client tracking is Redis's so far."""
    server = Server(SERVERS["redis"])
    try:
        for protocol in ([], ["-3"]):
            assert quiet(server, *protocol, "--enable-tracking", "-n", 100,
                         "-t", "get,set")
        assert calls(server, r"client\|tracking") == 4 * 50
    finally:
        server.close()


def test_tls(tmp_path):
    """TLS is Redis's so far."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj",
                    "/CN=engram", "-addext",
                    "subjectAltName=DNS:engram.test,IP:127.0.0.1"],
                   check=True, capture_output=True)
    server = Server(SERVERS["redis"], "--tls-cert-file", cert, "--tls-key-file",
                    key, "--tls-ca-cert-file", cert)
    try:
        port = free_port()
        ask(server, "CONFIG", "SET", "tls-port", str(port))
        trust, own = ["--cacert", cert], ["--cert", cert, "--key", key]
        run = ["-n", 100, "-t", "set"]
        assert quiet(port, "--tls", *trust, *own, *run)
        assert quiet(port, "--tls", "--insecure", *own, *run)
        assert quiet(port, "--tls", *trust, *own, *run, "--sni", "engram.test",
                     "--tls-ciphersuites", "TLS_AES_128_GCM_SHA256")
        assert quiet(1, "-u", f"rediss://127.0.0.1:{port}", *trust, *own, *run,
                     "--threads", 3, "--tls-ciphers", "ECDHE-RSA-AES128-SHA")
        assert calls(server, "set") == 400
        for wrong in (own, trust, [*trust, *own, "--sni", "other.test"],
                      ["--cacertdir", tmp_path / "none", *own]):
            status, _, err = bench(port, "--tls", *wrong, "-q", *run)
            assert status == 1
            assert re.match(r"(Error|Could not connect)[^\n]+\n$", err)
    finally:
        server.close()


# ---- output ----

def test_the_long_report(server):
    out = "\n".join(lines(good(server, "-n", 1000, "-c", 5, "-t", "set")))
    head = re.search(r"^====== SET ======\n"
                     r"  1000 requests completed in (\d+\.\d\d) seconds\n"
                     r"  5 parallel clients\n"
                     r"  3 bytes payload\n"
                     r"  keep alive: 1\n"
                     r'  host configuration "save": \n'
                     r'  host configuration "appendonly": no\n'
                     r"  multi-thread: no\n\n"
                     r"Latency by percentile distribution:\n", out, re.M)
    assert head
    rows = re.findall(r"^(\d+\.\d{3})% <= (\d+\.\d{3}) milliseconds "
                      r"\(cumulative count (\d+)\)$", out, re.M)
    levels = [float(r[0]) for r in rows]
    cut = levels.index(100.0) + 1
    assert levels[0] == 0 and 50.0 in levels[:cut]
    for part in rows[:cut], rows[cut:]:
        for one, other in zip(part, part[1:]):
            assert float(one[0]) <= float(other[0])
            assert float(one[1]) <= float(other[1])
            assert int(one[2]) <= int(other[2])
        assert part[-1][0] == "100.000" and part[-1][2] == "1000"
    assert re.search(r"^Summary:\n"
                     r"  throughput summary: \d+\.\d\d requests per second\n"
                     r"  latency summary \(msec\):\n"
                     r" +avg +min +p50 +p95 +p99 +max\n"
                     r"( +\d+\.\d{3}){6}\n", out, re.M)


def test_csv(server):
    out = good(server, "--csv", "-n", 100, "-t", "set,lrange_100")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["test", "rps", "avg_latency_ms", "min_latency_ms",
                       "p50_latency_ms", "p95_latency_ms", "p99_latency_ms",
                       "max_latency_ms"]
    assert [r[0] for r in rows[1:]] == [
        "SET", "LPUSH (needed to benchmark LRANGE)",
        "LRANGE_100 (first 100 elements)"]
    for row in rows[1:]:
        rps, avg, least, p50, p95, p99, most = map(float, row[1:])
        assert rps > 0
        assert least <= avg <= most
        assert least <= p50 <= p95 <= p99 <= most
    out = good(server, "--csv", "-n", 10, "set", 'a"b', "c,d")
    assert list(csv.reader(io.StringIO(out)))[1][0] == 'set a"b c,d'


def test_json(server, tmp_path):
    document = json.loads(good(server, "--json", "-", "-n", 500, "-r", 10,
                               "--ratio", "1:1", "--rps", 5000))
    [test] = document["tests"]
    assert document["options"]["rps"] == 5000
    assert test["server"] == f"127.0.0.1:{server.port}"
    assert test["requests"] == 500
    assert test["test"] == "MIXED (GET:SET 1:1)"
    assert test["reads"] + calls(server, "set") == 500
    for figures in test["latency_ms"], test["service_ms"]:
        values = [figures[k] for k in ("min", "p50", "p90", "p95", "p99",
                                       "p99_9", "p99_99", "max")]
        assert values == sorted(values)
    assert sum(count for _, count in test["histogram_ms"]) == 500
    path = tmp_path / "out.json"
    out = good(server, "-q", "--json", path, "-n", 10, "echo", 'a"\\\n\u00e9')
    assert "requests per second" in out
    name = json.loads(path.read_text())["tests"][0]["test"]
    assert name.encode("latin-1").decode() == 'echo a"\\\n\u00e9'


def test_progress(server):
    slow = ["-q", "--rps", 100, "-n", 60, "-t", "set"]
    out = good(server, *slow)
    assert re.search(r"SET: rps=\d+\.\d \(overall: \d+\.\d\) "
                     r"avg_msec=\d+\.\d{3} \(overall: \d+\.\d{3}\)\r", out)
    assert len([line for line in lines(out) if line]) == 1
    assert "rps=" not in good(server, *slow, "--no-progress")
    assert "rps=" not in good(server, *slow, "--csv")


def test_precision(server):
    def buckets(digits):
        document = json.loads(good(server, "--precision", digits, "--json", "-",
                                   "-n", 2000, "-t", "set"))
        return len(document["tests"][0]["histogram_ms"])

    assert buckets(1) < buckets(3)


# ---- pace and time ----

def test_a_rate_is_kept(server):
    [found] = quiet(server, "--rps", 1000, "-n", 500, "-t", "get",
                    "--threads", 2).values()
    assert 500 < found < 1010


def test_a_duration_ends_it(server):
    began = time.monotonic()
    document = json.loads(good(server, "--duration", 1, "-t", "get", "--rps",
                               500, "--json", "-"))
    assert time.monotonic() - began > 0.9
    assert 400 < document["tests"][0]["requests"] <= 500
    document = json.loads(good(server, "--duration", 1, "-t", "get",
                               "--json", "-"))
    assert 0.9 < document["tests"][0]["seconds"] < 30


def test_a_hanging_server_shows_in_the_percentiles(server):
    """400 of 6000 ms nobody is answered: at a fixed rate one request in fifteen
    had to wait, though only as many as there are connections were sent."""
    p = subprocess.Popen([BENCHMARK, "-p", str(server.port), "-c", "2", "--rps",
                          "1000", "-n", "6000", "-t", "get", "--json", "-"],
                         stdout=subprocess.PIPE)
    while calls(server, "get") < 300:
        pass
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(0.4)
    server.process.send_signal(signal.SIGCONT)
    out, _ = p.communicate(timeout=LIMIT_SECONDS)
    [test] = json.loads(out)["tests"]
    assert test["latency_ms"]["p95"] > 50
    assert test["latency_ms"]["max"] > 390
    assert test["service_ms"]["avg"] < test["latency_ms"]["avg"] / 2


# ---- verification ----

@pytest.mark.parametrize("options", [
    [], ["--ratio", "1:1"], ["--threads", 3, "-P", 16],
    ["--value-size", "0-10,5000", "--key-dist", "zipf", "--ratio", "9:1"]])
def test_what_is_read_is_what_was_written(server, options):
    found = quiet(server, "--verify", "-r", 500, "-n", 3000, *options)
    assert list(found)[0] == "FILL (SET, every key)"
    assert list(found)[-1] == "READ BACK (GET, every key)"
    assert ask(server, "DBSIZE") == ":500\r\n"
    assert calls(server, "get") + calls(server, "set") == 500 + 3000 + 500


@pytest.mark.parametrize("lie, told", [
    (lambda value: bulk(value[:-1] + b"!"),
     r"another value than was written, from byte 9 of 10 on"),
    (lambda value: bulk(value + b"x"), r"10 bytes were written, 11 were read"),
    (lambda value: b"$-1\r\n", r"it is not there")])
def test_a_wrong_value_is_caught(lie, told):
    values = {}

    def reply(words):
        if words[0] == b"SET":
            values[words[1]] = words[2]
            return b"+OK\r\n"
        value = values[words[1]]
        return lie(value) if words[1] == b"key:000000000007" else bulk(value)

    fake = Scripted(reply)
    status, _, err = bench(fake, "--verify", "-r", 20, "-n", 1, "--seed", 1,
                           "-d", 10, "-q")
    fake.close()
    assert status == 1
    assert re.match(r"READ BACK \(GET, every key\): 1 of 20 values read are "
                    r"wrong; the first: key:000000000007: " + told, err)


# ---- two servers ----

def test_comparing(server, tmp_path):
    other = Server(SERVERS["redis"])
    name = f"127.0.0.1:{other.port}"
    try:
        out = good(server, "--compare", name, "-n", 200, "-t", "set,get", "-q")
        assert re.search(rf"SET: \S+ requests per second, p50=\S+ msec on "
                         rf"127.0.0.1:{server.port}\n", out)
        assert re.search(rf"GET: {name} to 127.0.0.1:{server.port}: requests "
                         rf"per second x\d+\.\d\d, avg x", out)
        assert calls(server, "set") == calls(other, "set") == 200
        rows = list(csv.reader(io.StringIO(
            good(server, "--compare", f"redis://{name}", "-n", 200, "-t", "set",
                 "--csv"))))
        assert rows[0][:3] == ["test", "server", "rps"]
        assert [r[1] for r in rows[1:]] == [f"127.0.0.1:{server.port}", name,
                                            "ratio"]
        a, b, ratio = (float(r[2]) for r in rows[1:])
        assert abs(b / a - ratio) < 0.01
        document = json.loads(good(server, "--compare", other.path, "-n", 10,
                                   "-t", "set", "--json", "-"))
        assert [t["server"] for t in document["tests"]] == [
            f"127.0.0.1:{server.port}", other.path]
    finally:
        other.close()


# ---- what goes wrong ----

def test_wrong_options():
    for options in (["--foo"], ["-n"], ["-n", "x"], ["--verify"],
                    ["--compare", "nowhere"], ["--json", "/nonexistent/x"]):
        status, out, err = bench(1, *options)
        assert (status, out) == (1, ""), options
        assert err
    assert bench(1, "--help")[0] == 0
    assert re.match(r"engram-benchmark \d+\.\d+\.\d+\n$",
                    good(1, "--version"))


def test_nobody_is_there():
    port = free_port()
    for options in ([], ["-q"], ["--csv"], ["-I"], ["--rps", 5]):
        status, _, err = bench(port, *options)
        assert status == 1
        assert err == (f"Could not connect to server at 127.0.0.1:{port}: "
                       "Connection refused\n")
    status, _, err = bench(1, "-s", "/nonexistent/socket")
    assert (status, err) == (1, "Could not connect to server at "
                                "/nonexistent/socket: No such file or "
                                "directory\n")


def test_a_server_that_speaks_something_else():
    for reply in (b"HTTP/1.1 400 Bad Request\r\n", b"+OK\r\n+OK\r\n",
                  b"*1\r\n" * 1000):
        fake = Scripted(lambda words, reply=reply: reply)
        status, _, err = bench(fake, "-n", 100000000, "-t", "set", "-q")
        fake.close()
        assert status == 1
        assert re.match(r"Error: [^\n]+\n$", err)


def test_an_error_is_told_once(server):
    ask(server, "LPUSH", "list", "x")
    status, _, err = bench(server, "-q", "-P", 16, "--threads", 3, "incr",
                           "list")
    assert status == 1
    assert re.match(r"Error from server: WRONGTYPE [^\n]*\n$", err)


@pytest.mark.parametrize("options", [[], ["--rps", 1000], ["--threads", 3],
                                     ["-P", 100]])
def test_a_server_that_dies(server, options):
    p = subprocess.Popen([BENCHMARK, "-p", str(server.port), "-q", "-n",
                          "100000000", "-t", "set", *map(str, options)],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while calls(server, "set") < 100:
        pass
    server.kill()
    _, err = p.communicate(timeout=LIMIT_SECONDS)
    assert p.returncode == 1
    assert err.count(b"\n") == 1
    assert re.match(rb"Error: |Could not connect", err)


def test_idle_connections(server):
    p = subprocess.Popen([BENCHMARK, "-p", str(server.port), "-I", "-c", "20"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = b""
    while b"clients: 20" not in seen:
        seen += os.read(p.stdout.fileno(), 4096)
    assert "connected_clients:21\r\n" in ask(server, "INFO", "clients")
    server.kill()
    _, err = p.communicate(timeout=LIMIT_SECONDS)
    assert (p.returncode, err) == (1, b"Error: Server closed the connection\n")


def test_more_connections_than_the_server_takes(server_of):
    server = server_of("--maxclients", "5")
    for options in (["-I"], ["-n", 10, "-t", "set", "-q"]):
        status, _, err = bench(server, "-c", 10, *options)
        assert status == 1
        assert err == "Error from server: ERR max number of clients reached\n"


def test_no_cluster(server):
    status, _, err = bench(server, "--cluster", "-q")
    assert status == 1
    assert "Failed to fetch cluster configuration from 127.0.0.1:" in err


def test_a_cluster_of_two():
    """Each key goes to the node that owns its slot."""
    seen = {}
    nodes = []

    def reply_of(i):
        def reply(words):
            if words[0] == b"CLUSTER":
                parts = [b"*3\r\n:%d\r\n:%d\r\n*3\r\n%s:%d\r\n%s"
                         % (low, high, bulk(b"127.0.0.1"), nodes[k].port,
                            bulk(b"%040d" % k))
                         for k, (low, high) in enumerate([(0, 99),
                                                          (100, 16383)])]
                return b"*2\r\n" + b"".join(parts)
            seen.setdefault(i, []).append(words)
            return b"+OK\r\n"
        return reply

    nodes += [Scripted(reply_of(0)), Scripted(reply_of(1))]
    out = good(nodes[0], "--cluster", "-n", 200, "-c", 4, "-r", 10, "-q",
               "--threads", 2, "-t", "mset")
    assert "Cluster has 2 primary nodes:" in out
    for i in (0, 1):
        assert seen[i]
        for words in seen[i]:
            tags = {re.match(rb"key:\{(.+)\}:\d{12}$", w).group(1)
                    for w in words[1::2]}
            assert len(tags) == 1
            assert (slot(tags.pop()) < 100) == (i == 0)
    for node in nodes:
        node.close()


@pytest.mark.parametrize("mode, sent_to", [("no", {"primary"}),
                                           ("yes", {"replica"}),
                                           ("all", {"primary", "replica"})])
def test_reading_from_replicas(mode, sent_to):
    seen = {"primary": [], "replica": []}
    nodes = {}

    def reply_of(name):
        def reply(words):
            if words[0] != b"CLUSTER":
                seen[name].append(words[0])
                return b"+OK\r\n"
            told = [b"*3\r\n%s:%d\r\n%s" % (bulk(b"127.0.0.1"),
                                            nodes[n].port, bulk(n.encode()))
                    for n in seen]
            return b"*1\r\n*4\r\n:0\r\n:16383\r\n" + b"".join(told)
        return reply

    for name in seen:
        nodes[name] = Scripted(reply_of(name))
    good(nodes["primary"], "--cluster", "--rfr", mode, "-n", 200, "-c", 4, "-q",
         "-t", "get")
    assert {name for name in seen if b"GET" in seen[name]} == sent_to
    assert b"READONLY" not in seen["primary"]
    if "replica" in sent_to:
        assert seen["replica"][0] == b"READONLY"
    assert sum(s.count(b"GET") for s in seen.values()) == 200
    for node in nodes.values():
        node.close()


def slot(tag):
    crc = 0
    for byte in tag:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
        crc &= 0xffff
    return crc % 16384
