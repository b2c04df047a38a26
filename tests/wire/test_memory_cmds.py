"""MEMORY, LOLWUT, ROLE."""
import pytest

STATS = [b"peak.allocated", b"total.allocated", b"startup.allocated", b"replication.backlog",
         b"clients.slaves", b"clients.normal", b"cluster.links", b"aof.buffer", b"lua.caches",
         b"functions.caches", b"overhead.db.hashtable.lut", b"overhead.db.hashtable.rehashing",
         b"overhead.total", b"db.dict.rehashing.count", b"keys.count", b"keys.bytes-per-key",
         b"dataset.bytes", b"dataset.percentage", b"peak.percentage", b"allocator.allocated",
         b"allocator.active", b"allocator.resident", b"allocator.muzzy",
         b"allocator-fragmentation.ratio", b"allocator-fragmentation.bytes",
         b"allocator-rss.ratio", b"allocator-rss.bytes", b"rss-overhead.ratio",
         b"rss-overhead.bytes", b"fragmentation", b"fragmentation.bytes"]


def stats(raw):
    raw.cmd("HELLO", 3)
    reply = raw.cmd("MEMORY", "STATS")
    raw.cmd("HELLO", 2)
    return reply


@pytest.fixture(autouse=True)
def ours(server):
    if server.is_redis:
        pytest.skip("Valkey 8.1's fields, and sizes of our own")


def test_usage_is_exact(raw):
    """A key's size is what the database shrinks by when it goes, but for tables."""
    def used():
        fields = dict(line.split(":", 1) for line in
                      raw.cmd("INFO", "engram").decode().split("\r\n") if ":" in line)
        return int(fields["db0_bytes"]) - int(fields["table_bytes"])

    raw.cmd("SET", "stays", 1)
    for value in ["1", "x" * 10, "x" * 100, "x" * 1000, "x" * 100000]:
        raw.cmd("SET", "key", value)
        usage = raw.cmd("MEMORY", "USAGE", "key")
        before = used()
        raw.cmd("DEL", "key")
        assert before - used() == usage - 8, "its slot in the table apart"
        assert len(value) + 3 < usage < len(value) * 1.3 + 64


def test_usage_arguments(raw):
    raw.cmd("SET", "a", "x")
    usage = raw.cmd("MEMORY", "USAGE", "a")
    assert raw.cmd("MEMORY", "USAGE", "a", "SAMPLES", 0) == usage
    assert raw.cmd("MEMORY", "USAGE", "a", "samples", 100) == usage
    assert raw.cmd("MEMORY", "USAGE", "nosuch") is None
    assert raw.cmd("MEMORY", "USAGE", "a", "SAMPLES") == "ERR syntax error"
    assert raw.cmd("MEMORY", "USAGE", "a", "SAMPLES", -1) == "ERR syntax error"
    assert raw.cmd("MEMORY", "USAGE", "a", "FOO", 1) == "ERR syntax error"
    assert raw.cmd("MEMORY", "USAGE", "a", "SAMPLES", "x") == \
        "ERR value is not an integer or out of range"
    assert raw.cmd("MEMORY", "FOO") == "ERR unknown subcommand 'FOO'. Try MEMORY HELP."
    assert len(raw.cmd("MEMORY", "HELP")) > 10


def test_stats(raw):
    empty = stats(raw)
    assert list(empty) == STATS
    assert empty[b"keys.count"] == 0 and empty[b"overhead.db.hashtable.lut"] == 0
    raw.cmd("SET", "a", "x" * 1000000, "EX", 1000)
    raw.cmd("SELECT", 5)
    raw.cmd("SET", "b", "y")
    raw.cmd("SELECT", 0)
    full = stats(raw)
    assert [k for k in full if not k.startswith(b"db.") or k == b"db.dict.rehashing.count"] \
        == STATS
    assert full[b"keys.count"] == 2
    assert full[b"db.0"][b"overhead.hashtable.main"] > 0
    assert full[b"db.0"][b"overhead.hashtable.expires"] > 0
    assert full[b"db.5"][b"overhead.hashtable.expires"] == 0
    assert 0 < full[b"overhead.db.hashtable.lut"] < 100000
    assert 1000000 < full[b"dataset.bytes"] < 1200000
    assert full[b"dataset.bytes"] + full[b"overhead.total"] == full[b"total.allocated"]
    assert full[b"keys.bytes-per-key"] > 500000
    assert isinstance(full[b"fragmentation"], float)
    assert full[b"peak.allocated"] >= full[b"total.allocated"]
    flat = raw.cmd("MEMORY", "STATS")
    assert len(flat) == 2 * len(full)


def test_info_agrees(raw):
    raw.cmd("SET", "a", "x" * 1000000)
    info = dict(line.split(":", 1) for line in
                raw.cmd("INFO", "memory").decode().split("\r\n") if ":" in line)
    full = stats(raw)
    for field, key in [("used_memory_overhead", b"overhead.total"),
                       ("used_memory_startup", b"startup.allocated"),
                       ("used_memory_dataset", b"dataset.bytes")]:
        assert abs(int(info[field]) - full[key]) < 50000, field


def test_doctor_purge_and_report(raw):
    assert len(raw.cmd("MEMORY", "DOCTOR")) > 20
    raw.cmd("SET", "a", "x" * 20000000)
    assert raw.cmd("MEMORY", "PURGE") == b"OK"
    assert b"too little" not in raw.cmd("MEMORY", "DOCTOR")
    raw.cmd("DEL", "a")
    assert b"alloc" in raw.cmd("MEMORY", "MALLOC-STATS")
    raw.cmd("HELLO", 3)
    assert raw.cmd("MEMORY", "DOCTOR").format == b"txt"
    assert raw.cmd("MEMORY", "MALLOC-STATS").format == b"txt"


def test_flags(raw):
    """While data is loaded, what does not look at it goes on."""
    info = raw.cmd("COMMAND", "INFO", "memory")[0]
    flags = {sub[0]: sub[2] for sub in info[9]}
    assert flags[b"memory|help"] == [b"loading", b"stale"]
    assert flags[b"memory|malloc-stats"] == [b"loading"]
    assert flags[b"memory|purge"] == [b"loading"]
    assert flags[b"memory|doctor"] == []
    assert flags[b"memory|stats"] == []
    assert flags[b"memory|usage"] == [b"readonly"]


def test_lolwut(raw):
    text = raw.cmd("LOLWUT")
    assert b"Redis ver. 7.2.4" in text
    assert text != raw.cmd("LOLWUT")
    lines = raw.cmd("LOLWUT", "VERSION", 5, 20, 4).split(b"\n")
    assert [len(line) for line in lines[:4]] == [20] * 4
    assert len(raw.cmd("LOLWUT", "VERSION", 1, 10**9, 10**9)) < 1100000
    assert b"ver." in raw.cmd("LOLWUT", "VERSION", 6, -5, 0)
    assert b"ver." in raw.cmd("LOLWUT", "FOO")
    assert raw.cmd("LOLWUT", "VERSION", "x") == "ERR value is not an integer or out of range"


def test_role(raw):
    assert raw.cmd("ROLE") == [b"master", 0, []]
