"""The figures of `bench/run`, a function each; README.md says what they mean."""
import re
import statistics
import subprocess
import sys
import time

from servers import ROOT, Server, is_there, spoken

CLIENTS = 50
VALUE_BYTES = 64
# set before get, so that the keys are there.
TESTS = ["ping_mbulk", "set", "get", "incr", "mset"]
RUN_LIMIT_S = 1800

# of redis-benchmark; what is popped has been pushed before
COLLECTION_TESTS = ["lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop",
                    "zadd", "zpopmin", "lrange_100"]

# name -> how many of the elements counted a command makes, the i-th command
SHAPES = {
    "string16": (1, lambda i: ("SET", "key:%07d" % i, "%016dv" % i)),
    "string64": (1, lambda i: ("SET", "key:%07d" % i, ("%07d" % i) * 9 + "v")),
    "integer": (1, lambda i: ("SET", "key:%07d" % i, "%d" % i)),
    "string16-ttl": (1, lambda i: ("SET", "key:%07d" % i, "%016dv" % i, "EX",
                                   "%d" % (100_000 + i % 5000))),
}


def numbered(word, i, count, before=()):
    """word:i:0 .. , each behind its own number if `before` asks for it."""
    texts = ["%s:%d:%d" % (word, i, j) for j in range(count)]
    if not before:
        return texts
    return [x for j, text in enumerate(texts) for x in (before[0] % j, text)]


COLLECTION_SHAPES = {
    "hash10": (10, lambda i: ("HSET", "hash:%07d" % i,
                              *numbered("value", i, 10, ("field:%d",)))),
    "set10": (10, lambda i: ("SADD", "set:%07d" % i,
                             *numbered("member", i, 10))),
    "intset10": (10, lambda i: ("SADD", "set:%07d" % i,
                                *("%d" % n for n in range(i, i + 10)))),
    "zset10": (10, lambda i: ("ZADD", "zset:%07d" % i,
                              *numbered("member", i, 10, ("%d",)))),
    "list100": (100, lambda i: ("RPUSH", "list:%07d" % i,
                                *numbered("item", i, 100))),
    "hash-big": (1, lambda i: ("HSET", "hash", "field:%07d" % i, "%016d" % i)),
    "set-big": (1, lambda i: ("SADD", "set", "member:%07d" % i)),
    "zset-big": (1, lambda i: ("ZADD", "zset", "%d" % (i * 7919 % 1000003),
                               "member:%07d" % i)),
}

# What is printed of latency's figures: label, name there, divisor, decimals.
US = [(f"{q}, us", f"_{q}_us", 1, 1) for q in
      ("p50", "p99", "p99.9", "p99.99", "max")]
GROW = ([("SET net " + n, "set_net" + k, d, p) for n, k, d, p in US]
        + [("SET max, us", "set_max_us", 1, 1),
           ("SET net > 1 ms", "set_net_over_1ms", 1, 0),
           ("largest jump, MB", "jump_bytes", 1e6, 3),
           ("less the keys', MB", "jump_net_bytes", 1e6, 3),
           ("jump at key", "jump_at", 1, 0),  # a place: it has no ratio
           ("peak/final", "peak_over_final", 1, 3),
           ("peak/final rss", "peak_over_final_rss", 1, 3),
           ("bytes a key", "bytes_a_key", 1, 1),
           ("bytes a key, rss", "bytes_a_key_rss", 1, 1),
           ("used back, %", "used_back_percent", 1, 1),
           ("rss back, %", "rss_back_percent", 1, 1)])
PROBE = ([("before " + n, "before_net" + k, d, p) for n, k, d, p in US[:3]]
         + [("before max, us", "before_net_max_us", 1, 1)]
         + [("during " + n, "during_net" + k, d, p) for n, k, d, p in US[:3]]
         + [("during max, us", "during_net_max_us", 1, 1),
            ("during max raw", "during_max_us", 1, 1)])
EXPIRE = [("half gone, ms", "half_gone_ms", 1, 0),
          ("99 % gone, ms", "most_gone_ms", 1, 0),
          ("all gone, ms", "all_gone_ms", 1, 0)] + PROBE
FLUSH = [("caller, us", "caller_us", 1, 0),
         ("used back, ms", "used_back_ms", 1, 0),
         ("rss back, ms", "rss_back_ms", 1, 0),
         ("rss back, %", "rss_back_percent", 1, 1)] + PROBE


BIG_KINDS = ["set", "list", "zset", "hash"]
BIG = [("caller max, us", "caller_net_max_us"),
       ("caller p99.9", "caller_net_p99.9_us"),
       ("others p99.9", "during_net_p99.9_us"),
       ("others max", "during_net_max_us"),
       ("slice cpu max", "slice_cpu_max_us")]


class Report:
    """What is printed and kept for the result's file, and the commands run.
    `picture`: where one may be drawn."""

    def __init__(self, options, picture):
        self.options, self.picture = options, picture
        self.lines, self.commands, self.widths = [], [], []

    def say(self, *lines):
        for line in lines:
            self.lines.append(line)
            print(line, flush=True)

    def section(self, title, text):
        self.say("", f"## {title}", "", text, "")

    def row(self, cells):
        self.say("| " + " | ".join(
            str(c).ljust(w) if i == 0 else str(c).rjust(w)
            for i, (c, w) in enumerate(zip(cells, self.widths))) + " |")

    def head(self, cells):
        self.widths = [max(22, len(cells[0]))] + [max(10, len(c))
                                                  for c in cells[1:]]
        self.row(cells)
        self.say("|" + "|".join("-" * (w + 2) for w in self.widths) + "|")

    def ran(self, argv, server=None):
        named = {str(server.pid): "PID", str(server.port): "PORT"} \
            if server else {}
        line = spoken([named.get(w, w) for w in argv])
        line = line.replace(str(ROOT) + "/", "")
        line = re.sub(r"/tmp/engram-bench-\w+", "DIR", line)
        if line not in self.commands:
            self.commands.append(line)

    def start(self, name, cpus="0", offset=0):
        server = Server(name, self.options.build, self.options.port + offset,
                        cpus)
        self.ran(server.command, server)
        return server

    def servers(self, *wanted):
        return [n for n in wanted if n in self.options.servers
                and is_there(n, self.options.build)]


def load(report, server, test, depth, count, cpus="1", spread=True):
    """One run of redis-benchmark: the server's microseconds a command, and the
    commands a second."""
    argv = ["taskset", "-c", cpus, "redis-benchmark", "-p", str(server.port),
            "-t", test, "-n", str(count), "-c", str(CLIENTS), "-P", str(depth),
            "-d", str(VALUE_BYTES), "-q"]
    if spread:
        argv += ["-r", str(report.options.keys["cpu"])]
    report.ran(argv, server)
    before = server.cpu_ns()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=RUN_LIMIT_S)
    rate = re.findall(r"([\d.]+) requests per second", done.stdout)
    if done.returncode != 0 or not rate:
        sys.exit(f"bench: {spoken(argv)}: {done.stdout[-300:]}")
    return (server.cpu_ns() - before) / count / 1e3, float(rate[-1])


def medians(report, servers, runs, one):
    """The medians of `one`'s figures, the servers in turn, after a warm-up."""
    seen = [[] for _ in servers]
    for number in range(runs + 1):
        for i, server in enumerate(servers):
            figures = one(server)
            if number > 0:
                seen[i].append(figures)
    return [[statistics.median(f) for f in zip(*runs)] for runs in seen]


def fill_benchmark_keys(report, server):
    """redis-benchmark's own keys, so that every GET finds its key."""
    server.fill(lambda i: ("SET", "key:%012d" % i, "x" * VALUE_BYTES),
                report.options.keys["cpu"])


def cpu(report):
    cpu_of(report, TESTS, (32, 1), "redis", "engram", "engram-epoll", "floor")


def cpu_of(report, tests, depths, *wanted):
    o = report.options
    names = report.servers(*wanted)
    report.section("Processor time a command, microseconds",
                   f"{CLIENTS} connections, {o.keys['cpu']} keys, values of "
                   f"{VALUE_BYTES} bytes, one worker on processor 0, the load "
                   f"on 1; medians of {o.runs} runs in turn.")
    report.head(["command, depth"] + names
                + [f"{n}/{names[0]}" for n in names[1:]])
    servers = []
    try:
        for i, name in enumerate(names):
            servers.append(report.start(name, offset=i))
            fill_benchmark_keys(report, servers[-1])
        for depth in depths:
            for test in tests:
                # A hundred elements each: as long with a tenth of them.
                count = o.commands[depth] // (10 if "lrange" in test else 1)
                got = medians(report, servers, o.runs, lambda s: load(
                    report, s, test, depth, count))
                report.row([f"{test}, {depth}"] + [f"{g[0]:.3f}" for g in got]
                           + [f"{g[0] / got[0][0]:.2f}" for g in got[1:]])
    finally:
        for server in servers:
            server.stop()


def bytes_a_key(report, name, shape):
    elements, command = {**SHAPES, **COLLECTION_SHAPES}[shape]
    count = max(report.options.keys["bytes"] // elements, 1)
    with report.start(name, offset=10) as server:
        used, resident = server.used_memory(), server.resident()
        server.fill(command, count)
        # The resident set follows once the server has nothing left to do.
        time.sleep(0.5)
        return ((server.used_memory() - used) / count,
                (server.resident() - resident) / count)


def bytes_(report):
    bytes_of(report, SHAPES)


def collections(report):
    """Lists, hashes, sets, sorted sets: processor time and bytes."""
    cpu_of(report, COLLECTION_TESTS, (32,), "redis", "engram")
    bytes_of(report, COLLECTION_SHAPES)


def bytes_of(report, shapes):
    names = report.servers("redis", "engram")
    report.section("Bytes a key", "Growth of used_memory and of the resident "
                   f"set over {report.options.keys['bytes']} elements, a key "
                   "(or, in one that is big, an element).")
    report.head(["shape"] + [c for n in names for c in (n, f"{n} rss")]
                + [f"{n}/{names[0]}" for n in names[1:]])
    for shape in shapes:
        got = [bytes_a_key(report, name, shape) for name in names]
        report.row([shape] + [f"{v:.1f}" for pair in got for v in pair]
                   + [f"{g[0] / got[0][0]:.2f}" for g in got[1:]])


def latency(report, server, event, keys, *more):
    """One run of bench/latency: its figures by section and name."""
    argv = ["taskset", "-c", "1", f"{report.options.build}/bench/latency",
            event, str(server.port), str(server.pid), str(keys), *more]
    report.ran(argv, server)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=RUN_LIMIT_S)
    if done.returncode != 0:
        sys.exit(f"bench: {spoken(argv)} against {server.name}: {done.stderr}")
    found, section = {"": {}}, ""
    for line in done.stdout.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = {}
        else:
            key, _, value = line.partition("=")
            found[section][key] = float(value)
    return found


def event(report, kind, title, text, rows, names, sections=("",), more=()):
    keys = report.options.keys[kind]
    report.section(title, f"{keys} keys. " + text)
    got = []
    for name in names:
        with report.start(name, offset=20) as server:
            got.append(latency(report, server, kind, keys, *more))
    report.head(["figure"] + names + [f"{n}/{names[0]}" for n in names[1:]])
    for section in sections:
        for label, key, divisor, decimals in rows:
            values = [g[section].get(key) for g in got]
            first = values[0]
            report.row(
                [f"{section} {label}".strip()]
                + ["-" if v is None else f"{v / divisor:.{decimals}f}"
                   for v in values]
                + ["-" if v is None or v < 0 or first <= 0 or key == "jump_at"
                   else f"{v / first:.3f}" for v in values[1:]])


def grow(report):
    event(report, "grow", "Growth from nothing, then 99 % deleted",
          "SETs of new keys on 4 connections, each waiting for its reply; net: "
          "less the time that server and load waited for a processor. Memory "
          "is read every 4096 SETs; what is back is read 10 s after the "
          "deletes.",
          GROW, report.servers("redis", "engram", "echo"),
          more=("16", "4096"))


def expire(report):
    event(report, "expire", "Keys due within one second",
          "Times count from when the first is due, so that 1000 ms is the "
          "least. Another session's GETs, 2000 a second, before and until all "
          "are gone, net of waits for a processor.",
          EXPIRE, report.servers("redis", "engram"))


def flush(report):
    event(report, "flush", "FLUSHALL",
          "What the caller waits, and another session's 2000 GETs a second in "
          "the 2 s from then; used_memory is back at 99 % of its growth, the "
          "resident set at 90 %; -1: not within 15 s.",
          FLUSH, report.servers("redis", "engram"), ("sync", "async"))


def big(report):
    """A table a type; a row is what was done to the collection."""
    names = report.servers("redis", "engram", "engram-2")
    count = report.options.keys["big"]
    for kind in report.options.kinds:
        report.section(f"One {kind} of {count} elements",
                       "What the commands take and what another session's 2000 "
                       "GETs a second take meanwhile and for 2 s after, net of "
                       "waits for a processor; what they take while nothing is "
                       "done is the machine's. Then the longest slice of the "
                       "server's work between commands, in processor time. "
                       "Microseconds.")
        got = []
        for name in names:
            with report.start(name, offset=20) as server:
                got.append(latency(report, server, "big", count, kind))
        report.head(["what"] + [f"{name} {label}" for label, _ in BIG
                                for name in names])
        for section in got[0]:
            if section:
                report.row([section] + [
                    f"{g[section][key]:.0f}"
                    if g[section].get(key, 0) > 0 else "-"
                    for _, key in BIG for g in got])


def workers(report):
    o = report.options
    names = report.servers("redis", "engram", "engram-2")
    report.section("Two workers", "Processor time a command in microseconds "
                   "and thousands of commands a second; server and load share "
                   f"processors 0 and 1; medians of {o.runs} runs in turn.")
    report.head(["command, depth, keys"]
                + [c for n in names for c in (n, f"{n} k/s")]
                + (["engram-2/engram"] if len(names) == 3 else []))
    servers = []
    try:
        for i, name in enumerate(names):
            servers.append(report.start(name, "0,1", i))
            fill_benchmark_keys(report, servers[-1])
        for depth in (32, 1):
            for test, spread in (("set", True), ("get", True), ("set", False),
                                 ("get", False)):
                got = medians(report, servers, o.runs, lambda s: load(
                    report, s, test, depth, o.commands[depth], "0,1", spread))
                report.row(
                    [f"{test}, {depth}, {'all' if spread else 'one'}"]
                    + [c for us, rate in got
                       for c in (f"{us:.3f}", f"{rate / 1e3:.0f}")]
                    + ([f"{got[2][0] / got[1][0]:.2f}"] if len(got) == 3
                       else []))
    finally:
        for server in servers:
            server.stop()


def hotpath(report):
    """A program of its own, since it is of use alone while one optimises."""
    o = report.options
    argv = [f"{ROOT}/bench/hot_path", "--build", str(o.build), "--port",
            str(o.port + 25), "--commands", "get", "--count",
            str(o.keys["hotpath"])]
    report.ran(argv)
    report.section("The hot path of a GET", "One worker; callgrind and epoll "
                   "for the first table, strace for the second.")
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=RUN_LIMIT_S)
    report.say(*done.stdout.splitlines())
    if done.returncode != 0:
        sys.exit(f"bench: {spoken(argv)}: {done.stderr}")


FIGURES = {"cpu": cpu, "bytes": bytes_, "collections": collections,
           "grow": grow, "expire": expire,
           "flush": flush, "big": big, "workers": workers, "hotpath": hotpath}
