"""A server that idles sleeps: it has the turns of one loop, however many workers it
has, and yet nothing that concerns a worker passes it by."""
import re
import time
from pathlib import Path

import pytest

from test_limits import info
from waiting import wait_until

HZ = 10
WINDOW_S = 1.7  # INFO's rates are of the last 16 samples, ten a second
FAR_MS = 10 ** 9


@pytest.fixture
def idler(server, raws):
    """idler(workers): a connection to a server of its own with as many."""
    if server.is_redis:
        pytest.skip("looks at workers and at DEBUG of its own")

    def make(workers=server.workers or 1, **options):
        child = server.new(worker_threads=workers, enable_debug_command="yes",
                           **options)
        return child, raws(1, of=child, timeout=60)[0]
    return make


def turns_a_second(conn):
    """Of all workers, as the server counts them, over a time without commands."""
    time.sleep(WINDOW_S)
    return int(info(conn, "stats")["instantaneous_eventloop_cycles_per_sec"])


def fill_far(conn, count=200):
    """Keys in all shards that are due one day."""
    conn.pipeline([("SET", "far:%d" % i, "v", "PX", FAR_MS + i * 1000)
                   for i in range(count)])


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
def test_idle_turns(idler, raws, workers):
    child, conn = idler(workers, timeout=3600)
    sessions = raws(2 * workers, of=child)
    for session in sessions:
        session.cmd("PING")
    fill_far(conn)
    for session in sessions:
        session.pipeline([("SET", "k%d" % i, "x" * 50) for i in range(100)])
        session.pipeline([("DEL", "k%d" % i) for i in range(100)])
    for timeout, session in zip((0, 3600, 9 * 10 ** 15), raws(3, of=child)):
        session.send_cmd("BLPOP", "nosuch", timeout)
    wait_until(lambda: 0 < turns_a_second(conn) < 1.5 * HZ, 60)


def sleeps_of(child, name):
    """How often this thread of the server's has gone to sleep."""
    for task in Path("/proc/%d/task" % child.pid).iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                 (task / "status").read_text(), re.M)[1])
    raise AssertionError("no thread " + name)


def test_housekeeper(idler):
    """It sleeps while there is nothing for it, and wakes when there is."""
    child, conn = idler()

    def has_slept_through():
        before = sleeps_of(child, "housekeeper")
        time.sleep(1)
        return sleeps_of(child, "housekeeper") - before <= 1
    wait_until(has_slept_through, 30)
    conn.cmd("DEBUG", "POPULATE", 1_000_000)
    full = int(info(conn, "memory")["used_memory_rss"])
    conn.cmd("FLUSHALL", "ASYNC")
    wait_until(lambda: int(info(conn, "memory")["used_memory_rss"]) < full / 2)
    wait_until(has_slept_through, 30)


def test_hz(idler):
    _, conn = idler(hz=200)
    wait_until(lambda: turns_a_second(conn) > 30, 60)
    assert info(conn, "server")["hz"] == "200"
    conn.cmd("CONFIG", "SET", "hz", HZ)
    wait_until(lambda: turns_a_second(conn) < 1.5 * HZ, 60)


def wait_asleep(conn):
    """Until hardly more than the asking makes workers turn."""
    def turns():
        return int(info(conn, "stats")["eventloop_cycles"])

    def is_asleep():
        before = turns()
        time.sleep(0.05)
        return turns() - before <= 3
    wait_until(is_asleep)


def sleep_till_far(conn):
    """Every worker sleeps until a day that is far; no tick wakes one."""
    fill_far(conn)
    assert conn.cmd("DEBUG", "PAUSE-CRON", 1) == b"OK"
    wait_asleep(conn)
    return conn.cmd("DBSIZE")


def test_nearer_deadline_of_another_worker(idler):
    """The owner of the shard sleeps, and another one sets the deadline."""
    _, conn = idler(4)
    far = sleep_till_far(conn)
    for px in (50, 20, 1):
        conn.pipeline([("SET", "near:%d" % i, "v", "PX", px)
                       for i in range(100)])
        wait_until(lambda: conn.cmd("DBSIZE") == far)
    conn.pipeline([("HSETEX", "h%d" % i, "PX", 20, "FIELDS", 1, "f", "v")
                   for i in range(100)])
    wait_until(lambda: conn.cmd("DBSIZE") == far)


def test_deadline_that_moves_nearer(idler):
    _, conn = idler()
    far = sleep_till_far(conn)
    conn.pipeline([("PEXPIRE", "far:%d" % i, 30) for i in range(far)])
    wait_until(lambda: conn.cmd("DBSIZE") == 0)


@pytest.mark.parametrize("unpause", [False, True])
def test_due_while_paused(idler, unpause):
    _, conn = idler()
    far = sleep_till_far(conn)
    pause_ms = FAR_MS if unpause else 200
    conn.pipeline([("SET", "near:%d" % i, "v", "PX", 20) for i in range(100)]
                  + [("CLIENT", "PAUSE", pause_ms, "WRITE")])
    if unpause:
        wait_until(lambda: conn.cmd("GET", "near:99") is None)
        assert conn.cmd("DBSIZE") == far + 100
        assert conn.cmd("CLIENT", "UNPAUSE") == b"OK"
    wait_until(lambda: conn.cmd("DBSIZE") == far)


def test_due_while_expiry_is_off(idler):
    _, conn = idler()
    far = sleep_till_far(conn)
    assert conn.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 0) == b"OK"
    conn.pipeline([("SET", "near:%d" % i, "v", "PX", 5) for i in range(100)])
    wait_asleep(conn)
    assert conn.cmd("DBSIZE") == far + 100
    assert conn.cmd("DEBUG", "SET-ACTIVE-EXPIRE", 1) == b"OK"
    wait_until(lambda: conn.cmd("DBSIZE") == far)


def test_timeout_set_while_sessions_sleep(idler, raws):
    child, conn = idler(4)
    sessions = raws(8, of=child)
    for session in sessions:
        session.cmd("PING")
    wait_asleep(conn)
    conn.cmd("CONFIG", "SET", "timeout", 1)

    def is_alone():
        return info(conn, "clients")["connected_clients"] == "1"
    wait_until(is_alone)


def test_longest_slice(idler):
    """Both figures are of slices of work, and RESETSTAT forgets them."""
    _, conn = idler()
    for i in range(0, 100000, 1000):
        conn.cmd("SADD", "big", *["member:%d" % n for n in range(i, i + 1000)])
    conn.cmd("DEL", "big")

    def figures():
        stats = info(conn, "stats")
        return (int(stats["background_slice_max_usec"]),
                int(stats["background_slice_cpu_max_usec"]))
    wait_until(lambda: figures()[0] > 0 and figures()[1] > 0)
    clock, cpu = figures()
    assert cpu <= clock
    conn.cmd("DEBUG", "PAUSE-CRON", 1)
    wait_asleep(conn)
    conn.cmd("CONFIG", "RESETSTAT")
    assert figures() == (0, 0)
