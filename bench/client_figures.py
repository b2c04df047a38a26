"""libengram beside hiredis: what a command costs, and what a stall costs."""
import csv
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from figures import RUN_LIMIT_S, medians
from servers import spoken

LIBRARIES = ["engram", "hiredis"]
MB = 1_000_000

# value bytes -> how it is called, commands a run with many in flight
SIZES = {16: ("16 B", 400_000), 1024: ("1 KB", 200_000),
         10240: ("10 KB", 30_000), 102400: ("100 KB", 3_000)}
DEPTHS = [1, 32, 1000]
# command, form; hiredis builds no commands, it stands with its array
FORMS = [("set", "argv"), ("set", "format"), ("set", "built"), ("get", "argv")]

STALL = {"rate": 100_000, "seconds": 60, "at": 30, "for": 5}
QUICK_STALL = {"rate": 20_000, "seconds": 12, "at": 4, "for": 3}
STALL_VALUE_BYTES = 1024
STALL_LIMIT_BYTES = 16 * 1024 * 1024
OVER_LIMIT_BYTES = 8 * MB  # what the promise allows over the limit
BACK_S = 5                 # and how soon memory is back
SLACK_BYTES = MB           # "back" is: no more than this above


def figures_of(report, server, argv):
    """Runs a client on processor 1: its name=value lines."""
    argv = ["taskset", "-c", "1", *map(str, argv)]
    report.ran(argv, server)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=RUN_LIMIT_S)
    if done.returncode != 0:
        sys.exit(f"bench: {spoken(argv)}: {done.stderr}")
    return {name: float(value) for name, value in
            (line.split("=") for line in done.stdout.split())}


def client(report):
    o = report.options
    report.section("What a command costs the client",
                   "Processor time a command, user and system, microseconds; a "
                   "core's throughput is its reciprocal. Thousands of commands a "
                   "second as the clock has it. SETs go to the floor, so that the "
                   "server does not set the pace, GETs to engram; client on "
                   f"processor 1, server on 0; medians of {o.runs} runs in turn.")
    report.head(["command, form, value, depth", "engram us", "hiredis us",
                 "ratio", "throughput", "engram k/s", "hiredis k/s"])
    for command, form in FORMS:
        name = "floor" if command == "set" else "engram"
        with report.start(name, offset=30) as server:
            for size in SIZES:
                client_rows(report, server, command, form, size)


def client_rows(report, server, command, form, size):
    o = report.options
    label, many = SIZES[size]
    program = f"{o.build}/bench/client/client-bench"

    def one(library, depth, count, what=command):
        its_form = "argv" if (library, form) == ("hiredis", "built") else form
        got = figures_of(report, server, [program, library, server.port, count,
                                          depth, size, what, its_form])
        return (got["user_us"] + got["system_us"], got["commands_per_s"])

    if command == "get":
        one("engram", 32, max(many // 3, 10_000), "set")  # all keys are there
    for depth in DEPTHS:
        count = many // (1 if depth > 1 else 20) // (20 if o.quick else 1)
        (ours, our_rate), (theirs, their_rate) = medians(
            report, LIBRARIES, o.runs,
            lambda library: one(library, depth, max(count, 100)))
        report.row([f"{command}, {form}, {label}, {depth}", f"{ours:.3f}",
                    f"{theirs:.3f}", f"{ours / theirs:.2f}",
                    f"{theirs / ours:.2f}", f"{our_rate / 1e3:.0f}",
                    f"{their_rate / 1e3:.0f}"])


# ---- a server that stalls ----

def sets_of(server):
    """How many SETs the server has executed."""
    info = server.ask("INFO", "commandstats").decode()
    found = re.search(r"^cmdstat_set:calls=(\d+)", info, re.M)
    return int(found.group(1)) if found else 0


def stall_run(report, server, library, plan):
    """One library: its counts and its samples."""
    o = report.options
    with tempfile.NamedTemporaryFile("r", prefix="engram-bench-") as samples:
        before = sets_of(server)
        got = figures_of(report, server, [
            f"{o.build}/bench/client/client-stall", library, server.port,
            server.pid, plan["rate"], plan["seconds"], plan["at"], plan["for"],
            STALL_VALUE_BYTES, STALL_LIMIT_BYTES, samples.name])
        got["executed"] = sets_of(server) - before
        rows = [{k: int(v) for k, v in row.items()}
                for row in csv.DictReader(samples)]
    stalled, resumed = got["stalled_at_ms"], got["resumed_at_ms"]
    calm = [r["resident_bytes"] for r in rows
            if stalled * 2 / 3 <= r["ms"] < stalled]
    got["base"] = max(calm)
    got["peak"] = max(r["resident_bytes"] for r in rows)
    above = [r["ms"] for r in rows if r["ms"] >= resumed
             and r["resident_bytes"] > got["base"] + SLACK_BYTES]
    got["back_s"] = (max(above) - resumed) / 1000 if above else 0.0
    end = min(rows[-1]["ms"], plan["seconds"] * 1000)
    got["behind_s"] = max(r["ms"] / 1000 - r["offered"] / plan["rate"]
                          for r in rows if r["ms"] <= end)
    got["us"] = got["cpu_ms"] * 1000 / got["answered"]
    return got, rows


def verdict(ours):
    """Each promise of the library's, and whether this run keeps it."""
    over = ours["peak"] - STALL_LIMIT_BYTES
    accounted = (ours["offered"] == ours["taken"] + ours["refused"]
                 and ours["taken"] == ours["answered"] + ours["failed"]
                 and ours["answered"] == ours["executed"])
    yield (f"resident memory at most the limit and {OVER_LIMIT_BYTES // MB} MB",
           over <= OVER_LIMIT_BYTES, f"{over / MB:.1f} MB over the limit")
    yield (f"back to its base within {BACK_S} s", ours["back_s"] <= BACK_S,
           f"{ours['back_s']:.1f} s")
    yield ("every command accounted for", accounted,
           "offered = taken + refused, taken = answered + failed, "
           "answered = executed by the server")


def draw(path, plan, curves):
    """The resident sets over time, as a picture; False: no matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot
    from matplotlib.ticker import ScalarFormatter
    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "engram"
    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    axes.axvspan(plan["at"], plan["at"] + plan["for"], color="0.9",
                 label="server stopped")
    allowed = (STALL_LIMIT_BYTES + OVER_LIMIT_BYTES) / MB
    axes.axhline(allowed, color="0.4", linestyle="--", linewidth=1,
                 label=f"limit and {OVER_LIMIT_BYTES // MB} MB")
    for library, rows in curves.items():
        axes.plot([r["ms"] / 1000 for r in rows],
                  [r["resident_bytes"] / MB for r in rows],
                  label="libengram" if library == "engram" else library)
    axes.set(yscale="log", xlabel="seconds", ylabel="resident memory, MB",
             title=f"{plan['rate']:,} SET/s of {STALL_VALUE_BYTES} bytes, "
                   f"server stopped for {plan['for']} s")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True


def stall(report):
    o = report.options
    plan = dict(QUICK_STALL if o.quick else STALL)
    plan["rate"] = o.rate or plan["rate"]
    report.section("A server that stalls",
                   f"{plan['rate']} SETs a second of {STALL_VALUE_BYTES} bytes "
                   f"for {plan['seconds']} s; after {plan['at']} s the server is "
                   f"stopped (SIGSTOP) for {plan['for']} s. libengram has a limit "
                   f"of {STALL_LIMIT_BYTES / MB:.1f} MB (max_queued_bytes): what "
                   "it refuses, and what falls due until on_drained, is given up "
                   "and counted. hiredis has no limit. Resident memory every "
                   "50 ms; its base is the most in the last third before the "
                   f"stall; back: no more than {SLACK_BYTES // MB} MB above it, "
                   "from then on.")
    got, curves = {}, {}
    for library in LIBRARIES:
        with report.start("engram", offset=31) as server:
            got[library], curves[library] = stall_run(report, server, library,
                                                      plan)
    report.head(["figure", *LIBRARIES])
    for label, key, divisor, decimals in (
            ("offered", "offered", 1, 0), ("taken", "taken", 1, 0),
            ("refused", "refused", 1, 0), ("answered", "answered", 1, 0),
            ("of these errors", "errors", 1, 0), ("failed", "failed", 1, 0),
            ("executed by the server", "executed", 1, 0),
            ("base, MB", "base", MB, 1), ("peak, MB", "peak", MB, 1),
            ("back at base after, s", "back_s", 1, 1),
            ("producer late at most, s", "behind_s", 1, 2),
            ("processor time, us", "us", 1, 2)):
        report.row([label] + [f"{got[library][key] / divisor:.{decimals}f}"
                              for library in LIBRARIES])
    report.say("")
    for what, is_kept, detail in verdict(got["engram"]):
        report.say(f"- {what}: {'yes' if is_kept else 'NO'}; {detail}")
    if draw(report.picture, plan, curves):
        report.say("", f"![resident memory over time]({report.picture.name})")
    else:
        report.say("", "No picture: python3-matplotlib is missing.")


FIGURES = {"client": client, "stall": stall}
