"""engram-benchmark beside redis-benchmark: what the load itself costs."""
import os
import re
import subprocess
import sys

from figures import CLIENTS, RUN_LIMIT_S, VALUE_BYTES, medians
from servers import spoken

# words for both; the third column of the table
LOADS = {"set": [], "get": [], "set, random keys": ["-r", "1000000"],
         "lrange_100": []}
DEPTHS = [1, 16, 32]


def tools_of(report):
    return {"redis-benchmark": "redis-benchmark",
            "engram-benchmark":
                f"{report.options.build}/tools/bench/engram-benchmark"}


def cost(report, server, program, words, count):
    """One run: its own processor time a request, user and system, in
    microseconds."""
    argv = ["taskset", "-c", "1", program, "-p", str(server.port), "-n",
            str(count), "-c", str(CLIENTS), "-d", str(VALUE_BYTES), "-q", *words]
    report.ran(argv, server)
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = process.stdout.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or not re.search("requests per second", out):
        sys.exit(f"bench: {spoken(argv)}: {out[-300:]}")
    return ((used.ru_utime + used.ru_stime) / count * 1e6,
            used.ru_utime / count * 1e6)


def load(report):
    o = report.options
    tools = tools_of(report)
    report.section("What the load itself costs",
                   "Processor time of the load generator a request, user and "
                   f"system, microseconds (user alone); {CLIENTS} connections, "
                   f"values of {VALUE_BYTES} bytes, on processor 1, the server "
                   f"(engram) on 0; medians of {o.runs} runs in turn.")
    report.head(["test, depth"] + [c for t in tools for c in (t, "user")]
                + ["ratio"])
    with report.start("engram", offset=40) as server:
        for name, words in LOADS.items():
            server.ask("DEL", "mylist")
            server.fill(lambda i: ("RPUSH", "mylist", "x" * VALUE_BYTES), 100)
            for depth in DEPTHS:
                count = o.commands[1 if depth == 1 else 32] // 4
                words_now = words + ["-P", str(depth)]
                if name == "lrange_100":
                    # redis-benchmark's test of that name pushes first.
                    count //= 5
                    words_now += ["lrange", "mylist", "0", "99"]
                else:
                    words_now += ["-t", name.split(",")[0]]
                got = medians(report, list(tools), o.runs, lambda t: cost(
                    report, server, tools[t], words_now, count))
                report.row([f"{name}, {depth}"]
                           + [f"{v:.3f}" for g in got for v in g]
                           + [f"{got[1][0] / got[0][0]:.2f}"])


FIGURES = {"load": load}
