"""Memory: what is deleted comes back, and the figures agree with each other."""
import random

import pytest

from rawconn import encode
from test_expiry import send_counted, set_all
from test_limits import info
from waiting import wait_until

COUNT = 300000
VALUE_BYTES = 100
MEGABYTE = 1 << 20


def fill(conn, count=COUNT):
    value = b"v" * VALUE_BYTES
    set_all(conn, [("SET", b"key:%d" % i, value) for i in range(count)])


def drop(conn, numbers, word="DEL"):
    for at in range(0, len(numbers), 1000):
        part = numbers[at:at + 1000]
        assert conn.cmd(word, *[b"key:%d" % i for i in part]) == len(part)


def used(conn):
    return int(info(conn, "memory")["used_memory"])


@pytest.fixture
def own(server, raws):
    """A fresh server and a connection to it."""
    instance = server.new()
    return instance, raws(1, of=instance)[0]


def test_deleting_gives_memory_back(own):
    """One key of a hundred stays, spread over all."""
    server, conn = own
    start, rss_start = used(conn), server.rss_bytes()
    fill(conn)
    full, rss_full = used(conn), server.rss_bytes()
    assert full - start > COUNT * VALUE_BYTES
    drop(conn, [i for i in range(COUNT) if i % 100])
    assert conn.cmd("DBSIZE") == COUNT // 100
    wait_until(lambda: used(conn) - start < (full - start) // 10, 20)
    if not server.is_redis:
        # Redis needs activedefrag to move the survivors together.
        wait_until(lambda: server.rss_bytes() - rss_start
                     < (rss_full - rss_start) * 6 // 10, 20)


def test_deleting_gives_rss_back(own):
    """The last hundredth stays."""
    server, conn = own
    rss_start = server.rss_bytes()
    fill(conn)
    rss_full = server.rss_bytes()
    drop(conn, range(COUNT - COUNT // 100), "UNLINK")
    wait_until(lambda: server.rss_bytes() - rss_start
                 < (rss_full - rss_start) * 6 // 10, 30)


@pytest.mark.parametrize("words", [("FLUSHALL",), ("FLUSHALL", "ASYNC"),
                                   ("FLUSHALL", "SYNC"), ("FLUSHDB",)])
def test_flush_gives_memory_back(own, words):
    server, conn = own
    start, rss_start = used(conn), server.rss_bytes()
    fill(conn, 100000)
    full, rss_full = used(conn), server.rss_bytes()
    assert conn.cmd(*words) == b"OK"
    assert conn.cmd("DBSIZE") == 0
    wait_until(lambda: used(conn) - start < (full - start) // 20, 20)
    wait_until(lambda: server.rss_bytes() - rss_start
                 < (rss_full - rss_start) * 3 // 4, 30)


def test_fill_and_flush_again_and_again(own):
    """Nothing is left behind by a turn."""
    server, conn = own
    start = used(conn)
    after = []
    for _ in range(8):
        fill(conn, 30000)
        set_all(conn, [("SET", "e%d" % i, "v", "EX", 1000)
                       for i in range(10000)])
        assert conn.cmd("FLUSHALL") == b"OK"
        # What was flushed is freed behind the reply, in slices.
        wait_until(lambda: used(conn) - start < MEGABYTE, 10)
        after.append(used(conn))
    assert after[-1] - after[1] < MEGABYTE


def test_overwriting_does_not_grow(own):
    """Values of changing sizes over the same keys, 20 times."""
    server, conn = own
    rng = random.Random(4)
    sizes = []
    for _ in range(20):
        set_all(conn, [("SET", "key:%d" % i, b"v" * rng.randrange(1, 500))
                       for i in range(10000)])
        sizes.append(used(conn))
    assert max(sizes[3:]) < sizes[2] * 1.3


def test_append_and_delete_large(own):
    server, conn = own
    start = used(conn)
    for _ in range(10):
        for i in range(4):
            for _ in range(8):
                conn.cmd("APPEND", "big%d" % i, b"x" * MEGABYTE)
        assert used(conn) - start >= 32 * MEGABYTE
        conn.cmd("DEL", *["big%d" % i for i in range(4)])
    wait_until(lambda: used(conn) - start < 4 * MEGABYTE, 10)


def test_connections_give_memory_back(server, raws):
    """A burst leaves each worker's receive buffers (at most 4 MB) and its pool of
    chunks (at most 1 MB); the next bursts leave nothing more."""
    own = server.new()
    admin = raws(1, of=own)[0]
    start = used(admin)
    burst(own, raws)
    kept = 6 * MEGABYTE * (own.workers or 1)
    wait_until(lambda: used(admin) - start < kept, 10)
    for _ in range(6):
        burst(own, raws)
    wait_until(lambda: used(admin) - start < kept, 10)


def burst(server, raws):
    conns = raws(300, of=server)
    for conn in conns:
        conn.send(encode("ECHO", "x" * 50000))
    for conn in conns:
        assert len(conn.read_reply()) == 50000
        conn.close()


FIELDS = """used_memory used_memory_human used_memory_rss used_memory_peak
    used_memory_peak_perc used_memory_overhead used_memory_startup
    used_memory_dataset used_memory_dataset_perc maxmemory maxmemory_human
    maxmemory_policy mem_fragmentation_ratio mem_allocator
    mem_clients_normal""".split()


def test_info_is_complete_and_consistent(own):
    server, conn = own
    before = info(conn, "memory")
    missing = [f for f in FIELDS if f not in before]
    assert not missing
    fill(conn, 100000)
    after = {k: v for k, v in info(conn, "memory").items()}
    number = {k: int(v) for k, v in after.items() if v.isdigit()}
    grown = number["used_memory"] - int(before["used_memory"])
    assert grown > 100000 * VALUE_BYTES
    assert grown < 100000 * (VALUE_BYTES + 200)
    assert number["used_memory_peak"] >= number["used_memory"] - MEGABYTE
    assert number["used_memory"] >= number["used_memory_startup"]
    assert number["used_memory_overhead"] + number["used_memory_dataset"] \
        == pytest.approx(number["used_memory"], rel=0.05)
    assert number["used_memory_dataset"] > 100000 * VALUE_BYTES
    rss = server.rss_bytes()
    assert number["used_memory_rss"] == pytest.approx(rss, rel=0.3)
    ratio = number["used_memory_rss"] / number["used_memory"]
    assert float(after["mem_fragmentation_ratio"]) == pytest.approx(ratio, rel=0.3)


def test_peak_stays_after_a_flush(own):
    server, conn = own
    start = used(conn)
    fill(conn, 50000)
    full = used(conn)
    wait_until(lambda: int(info(conn, "memory")["used_memory_peak"])
                 >= full - MEGABYTE, 5)
    conn.cmd("FLUSHALL")
    wait_until(lambda: used(conn) - start < (full - start) // 2, 10)
    assert int(info(conn, "memory")["used_memory_peak"]) >= full - MEGABYTE


def test_reads_do_not_grow(own):
    """200k reads, hits and misses."""
    server, conn = own
    fill(conn, 10000)
    block = b"".join(encode("GET", b"key:%d" % i) for i in range(5000))
    miss = b"".join(encode("GET", b"nosuch:%d" % i) for i in range(5000))
    want = b"$100\r\n" + b"v" * VALUE_BYTES + b"\r\n"
    send_counted(conn, block, 5000, want)
    send_counted(conn, miss, 5000, b"$-1\r\n")
    start = used(conn)
    for _ in range(20):
        send_counted(conn, block, 5000, want)
        send_counted(conn, miss, 5000, b"$-1\r\n")
    assert used(conn) - start < MEGABYTE
