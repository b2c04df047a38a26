"""INFO and COMMAND: what tools read to know the server."""
import re
import time

import pytest

from waiting import wait_until

SECTIONS = ["server", "clients", "memory", "persistence", "stats", "replication", "cpu",
            "errorstats", "cluster", "keyspace"]


def titles(text):
    return re.findall(rb"^# (\w+)\r$", text, re.M)


def info(raw, *sections):
    """All fields of the sections, as text."""
    lines = raw.cmd("INFO", *sections).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


# What redis-server 7.0.15 answers to INFO everything, the statistics by command apart.
REDIS_FIELDS = """
redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os arch_bits
monotonic_clock multiplexing_api atomicvar_api gcc_version process_id process_supervised
run_id tcp_port server_time_usec uptime_in_seconds uptime_in_days hz configured_hz lru_clock
executable config_file io_threads_active connected_clients cluster_connections maxclients
client_recent_max_input_buffer client_recent_max_output_buffer blocked_clients
tracking_clients clients_in_timeout_table used_memory used_memory_human used_memory_rss
used_memory_rss_human used_memory_peak used_memory_peak_human used_memory_peak_perc
used_memory_overhead used_memory_startup used_memory_dataset used_memory_dataset_perc
allocator_allocated allocator_active allocator_resident total_system_memory
total_system_memory_human used_memory_lua used_memory_vm_eval used_memory_lua_human
used_memory_scripts_eval number_of_cached_scripts number_of_functions number_of_libraries
used_memory_vm_functions used_memory_vm_total used_memory_vm_total_human
used_memory_functions used_memory_scripts used_memory_scripts_human maxmemory
maxmemory_human maxmemory_policy allocator_frag_ratio allocator_frag_bytes
allocator_rss_ratio allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes
mem_fragmentation_ratio mem_fragmentation_bytes mem_not_counted_for_evict
mem_replication_backlog mem_total_replication_buffers mem_clients_slaves mem_clients_normal
mem_cluster_links mem_aof_buffer mem_allocator active_defrag_running
lazyfree_pending_objects lazyfreed_objects loading async_loading current_cow_peak
current_cow_size current_cow_size_age current_fork_perc current_save_keys_processed
current_save_keys_total rdb_changes_since_last_save rdb_bgsave_in_progress
rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec
rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size rdb_last_load_keys_expired
rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled
aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status
aof_rewrites aof_rewrites_consecutive_failures aof_last_write_status aof_last_cow_size
module_fork_in_progress module_fork_last_cow_size total_connections_received
total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
total_net_output_bytes total_net_repl_input_bytes total_net_repl_output_bytes
instantaneous_input_kbps instantaneous_output_kbps instantaneous_input_repl_kbps
instantaneous_output_repl_kbps rejected_connections sync_full sync_partial_ok
sync_partial_err expired_keys expired_stale_perc expired_time_cap_reached_count
expire_cycle_cpu_milliseconds evicted_keys evicted_clients total_eviction_exceeded_time
current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns
pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets
slave_expires_tracked_keys active_defrag_hits active_defrag_misses active_defrag_key_hits
active_defrag_key_misses total_active_defrag_time current_active_defrag_time
tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies
total_error_replies dump_payload_sanitizations total_reads_processed total_writes_processed
io_threaded_reads_processed io_threaded_writes_processed reply_buffer_shrinks
reply_buffer_expands role connected_slaves master_failover_state master_replid
master_replid2 master_repl_offset second_repl_offset repl_backlog_active repl_backlog_size
repl_backlog_first_byte_offset repl_backlog_histlen used_cpu_sys used_cpu_user
used_cpu_sys_children used_cpu_user_children used_cpu_sys_main_thread
used_cpu_user_main_thread cluster_enabled
""".split()
# Those that are left out, and why: none.
REDIS_FIELDS_ABSENT = {}


def test_every_field_of_redis(raw):
    fields = info(raw, "everything")
    missing = [f for f in REDIS_FIELDS if f not in fields and f not in REDIS_FIELDS_ABSENT]
    assert missing == []
    assert fields["redis_version"].startswith("7.")
    assert not [name for name, value in fields.items() if "%" in value and "perc" not in name]


def test_no_field_twice(raw):
    lines = raw.cmd("INFO", "everything").decode().split("\r\n")
    names = [line.split(":", 1)[0] for line in lines if ":" in line]
    assert sorted(names) == sorted(set(names))


# ---- sections ----

def test_default_sections(raw):
    text = raw.cmd("INFO")
    found = [t.decode().lower() for t in titles(text)]
    for name in SECTIONS:
        assert name in found
    assert "commandstats" not in found
    assert "latencystats" not in found
    assert text.endswith(b"\r\n")
    assert raw.cmd("INFO", "default").count(b"# ") == text.count(b"# ")


def test_chosen_sections(raw):
    assert titles(raw.cmd("INFO", "server")) == [b"Server"]
    assert titles(raw.cmd("INFO", "SERVER")) == [b"Server"]
    assert titles(raw.cmd("INFO", "keyspace", "server", "nosuch", "server")) == \
        [b"Server", b"Keyspace"]
    assert raw.cmd("INFO", "nosuch") == b""
    assert titles(raw.cmd("INFO", "all", "nosuch")) == titles(raw.cmd("INFO", "all"))
    assert b"Commandstats" in titles(raw.cmd("INFO", "all"))
    assert b"Latencystats" in titles(raw.cmd("INFO", "everything"))
    assert b"Modules" in titles(raw.cmd("INFO", "everything"))


def test_form(raw):
    text = raw.cmd("INFO", "everything")
    for line in text.split(b"\r\n"):
        assert b"\n" not in line
        assert line == b"" or line.startswith(b"# ") or b":" in line, line
    raw.cmd("HELLO", 3)
    assert raw.cmd("INFO", "server").format == b"txt"


# ---- numbers ----

def test_server_and_clients(server, raw, raws):
    fields = info(raw)
    assert fields["process_id"] == str(server.pid)
    assert fields["tcp_port"] == str(server.port)
    assert fields["redis_mode"] == "standalone"
    assert re.match(r"^\d+\.\d+\.\d+$", fields["redis_version"])
    assert len(fields["run_id"]) == 40
    assert abs(int(fields["server_time_usec"]) / 1e6 - time.time()) < 5
    # Those of the test before may still be closing.
    wait_until(lambda: info(raw)["connected_clients"] == "1")
    conns = raws(5)
    for conn in conns:
        conn.cmd("PING")
    assert info(raw)["connected_clients"] == "6"
    assert int(info(raw)["maxclients"]) > 100


def test_memory(raw):
    before = info(raw, "memory")
    raw.cmd("SET", "big", "x" * 5000000)
    after = info(raw, "memory")
    grown = int(after["used_memory"]) - int(before["used_memory"])
    # A peer's query buffer may still hold a second copy.
    assert 4900000 < grown < 12000000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    assert re.match(r"^[\d.]+[KMG]$", after["used_memory_human"])
    assert re.match(r"^\d+\.\d\d%$", after["used_memory_dataset_perc"])
    assert after["maxmemory_policy"] == "noeviction"
    for name in ["used_memory_rss", "total_system_memory", "mem_fragmentation_ratio",
                 "mem_allocator", "maxmemory", "lazyfree_pending_objects"]:
        assert name in after
    raw.cmd("DEL", "big")
    assert int(info(raw, "memory")["used_memory"]) < int(after["used_memory"]) - 4900000


def test_keyspace(raw):
    assert info(raw, "keyspace") == {}
    raw.cmd("MSET", "a", 1, "b", 2)
    raw.cmd("SET", "c", 3, "EX", 1000)
    raw.cmd("SELECT", 3)
    raw.cmd("SET", "d", 4)
    fields = info(raw, "keyspace")
    assert fields.keys() == {"db0", "db3"}
    assert fields["db0"].startswith("keys=3,expires=1,avg_ttl=")
    assert fields["db3"].startswith("keys=1,expires=0,avg_ttl=0")


def test_keyspace_with_fields_that_expire(server, raw):
    if server.is_redis:
        pytest.skip("came with 7.4")

    def count():
        return info(raw, "keyspace")["db0"].split("subexpiry=")[1]

    raw.cmd("HSET", "h", "a", 1, "b", 2)
    raw.cmd("HSET", "other", "a", 1)
    assert count() == "0"
    raw.cmd("HEXPIRE", "h", 1000, "FIELDS", 2, "a", "b")
    assert count() == "1"
    raw.cmd("COPY", "h", "again")
    assert count() == "2"
    raw.cmd("DEL", "h", "again")
    assert count() == "0"


def test_stats(raw):
    raw.cmd("SET", "a", 1)
    raw.cmd("CONFIG", "RESETSTAT")
    for _ in range(10):
        raw.cmd("GET", "a")
    for _ in range(5):
        raw.cmd("GET", "nosuch")
    raw.cmd("NOSUCH")
    fields = info(raw, "stats")
    assert fields["keyspace_hits"] == "10"
    assert fields["keyspace_misses"] == "5"
    assert fields["total_error_replies"] == "1"
    assert 16 <= int(fields["total_commands_processed"]) <= 19
    for name in ["total_connections_received", "instantaneous_ops_per_sec",
                 "total_net_input_bytes", "total_net_output_bytes", "expired_keys",
                 "evicted_keys", "rejected_connections"]:
        assert int(fields[name]) >= 0


def test_time_of_the_loop_has_its_parts(raw):
    """An idle loop takes time as well: that of its timer."""
    raw.cmd("CONFIG", "RESETSTAT")
    end = time.monotonic() + 10
    while (info(raw, "debug")["eventloop_duration_cron_sum"] == "0"
           and time.monotonic() < end):
        time.sleep(0.2)
    cron_us = int(info(raw, "debug")["eventloop_duration_cron_sum"])
    assert cron_us > 0
    stats = info(raw, "stats")
    assert (int(stats["eventloop_duration_sum"])
            >= cron_us + int(stats["eventloop_duration_cmd_sum"]))


def test_expired_keys(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("SET", "a", 1, "PX", 1)
    end = time.monotonic() + 10
    while info(raw, "stats")["expired_keys"] == "0" and time.monotonic() < end:
        time.sleep(0.01)
    assert info(raw, "stats")["expired_keys"] == "1"
    assert raw.cmd("GET", "a") is None


def test_commandstats(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("SET", "a", "x")
    raw.cmd("INCR", "a")
    raw.cmd("INCR")
    raw.cmd("CLIENT", "ID")
    fields = info(raw, "commandstats")
    shape = r"^calls=\d+,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=\d+,failed_calls=\d+$"
    for name, value in fields.items():
        assert name.startswith("cmdstat_")
        assert re.match(shape, value), value
    assert fields["cmdstat_set"].startswith("calls=1,")
    assert fields["cmdstat_set"].endswith("rejected_calls=0,failed_calls=0")
    assert fields["cmdstat_incr"].endswith("rejected_calls=1,failed_calls=1")
    assert fields["cmdstat_client|id"].startswith("calls=1,")
    assert "cmdstat_get" not in fields


def test_errorstats(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("SELECT", 99)
    raw.cmd("HELLO", 9)
    raw.cmd("SELECT", 99)
    fields = info(raw, "errorstats")
    assert fields == {"errorstat_ERR": "count=2", "errorstat_NOPROTO": "count=1"}


def test_latencystats(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    raw.cmd("SET", "a", "x")
    fields = info(raw, "latencystats")
    shape = r"^p50=\d+\.\d\d\d,p99=\d+\.\d\d\d,p99\.9=\d+\.\d\d\d$"
    assert re.match(shape, fields["latency_percentiles_usec_set"])


def test_replication_and_persistence(raw):
    fields = info(raw)
    assert fields["role"] == "master"
    assert fields["connected_slaves"] == "0"
    assert len(fields["master_replid"]) == 40
    assert fields["master_replid2"] == "0" * 40
    assert fields["loading"] == "0"
    assert fields["rdb_last_bgsave_status"] == "ok"
    assert fields["aof_enabled"] == "0"
    assert float(fields["used_cpu_user"]) >= 0


# ---- COMMAND ----

def test_command_count_and_all(raw):
    count = raw.cmd("COMMAND", "COUNT")
    assert count == len(raw.cmd("COMMAND"))
    assert count == len(raw.cmd("COMMAND", "INFO"))
    names = raw.cmd("COMMAND", "LIST")
    assert count == len([n for n in names if b"|" not in n])
    assert len(names) > count, "subcommands are named as well"
    assert 2 * count == len(raw.cmd("COMMAND", "DOCS"))


def test_command_info(raw):
    get, none, sub = raw.cmd("COMMAND", "INFO", "GET", "nosuch", "client|id")
    assert get[:6] == [b"get", 2, [b"readonly", b"fast"], 1, 1, 1]
    assert sorted(get[6]) == [b"@fast", b"@read", b"@string"]
    assert len(get) == 10
    assert none is None
    assert sub[0] == b"client|id"
    mset, = raw.cmd("COMMAND", "INFO", "mset")
    assert mset[1:6] == [-3, [b"write", b"denyoom"], 1, -1, 2]
    client, = raw.cmd("COMMAND", "INFO", "client")
    assert b"client|list" in [s[0] for s in client[9]]


def test_command_docs(raw):
    docs = raw.cmd("COMMAND", "DOCS", "get", "nosuch", "COPY")
    assert docs[::2] == [b"get", b"copy"]
    get = dict(zip(docs[1][::2], docs[1][1::2]))
    assert get[b"since"] == b"1.0.0"
    assert get[b"group"] == b"string"
    assert get[b"summary"]
    copy = dict(zip(docs[3][::2], docs[3][1::2]))
    assert copy[b"group"] == b"generic"


def test_command_groups(raw):
    """A few of each group, as the peers have them."""
    for group, names in {b"string": "set append mset", b"bitmap": "setbit bitcount",
                         b"generic": "del expire scan object", b"connection": "ping client",
                         b"server": "flushall dbsize config info time"}.items():
        docs = raw.cmd("COMMAND", "DOCS", *names.split())
        for name, doc in zip(docs[::2], docs[1::2]):
            assert dict(zip(doc[::2], doc[1::2]))[b"group"] == group, name


def test_command_list(raw):
    assert b"get" in raw.cmd("COMMAND", "LIST")
    assert set(raw.cmd("COMMAND", "LIST", "FILTERBY", "PATTERN", "getr*")) == {b"getrange"}
    listed = raw.cmd("COMMAND", "LIST", "FILTERBY", "ACLCAT", "keyspace")
    assert b"del" in listed
    assert b"get" not in listed
    assert raw.cmd("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch") == []
    assert raw.cmd("COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch") == []
    assert raw.cmd("COMMAND", "LIST", "FILTERBY", "FOO", "x") == "ERR syntax error"
    assert raw.cmd("COMMAND", "LIST", "FOO") == "ERR syntax error"


@pytest.mark.parametrize("request_words,keys", [
    ("get a", ["a"]), ("mset a 1 b 2", ["a", "b"]), ("del a b c", ["a", "b", "c"]),
    ("copy a b replace", ["a", "b"]), ("object encoding foo", ["foo"]),
    ("bitop and d a b", ["d", "a", "b"])])
def test_getkeys(raw, request_words, keys):
    assert raw.cmd("COMMAND", "GETKEYS", *request_words.split()) == \
        [k.encode() for k in keys]


def test_getkeys_errors(raw):
    assert raw.cmd("COMMAND", "GETKEYS", "nosuch", "a") == "ERR Invalid command specified"
    assert raw.cmd("COMMAND", "GETKEYS", "get", "a", "b") == \
        "ERR Invalid number of arguments specified for command"
    assert raw.cmd("COMMAND", "GETKEYS", "ping", "a") == \
        "ERR The command has no key arguments"
    assert raw.cmd("COMMAND", "GETKEYSANDFLAGS", "get", "a") == \
        [[b"a", [b"RO", b"access"]]]
    assert raw.cmd("COMMAND", "FOO") == "ERR unknown subcommand 'FOO'. Try COMMAND HELP."
    assert len(raw.cmd("COMMAND", "HELP")) > 8


def test_getkeys_of_every_prefix(raw):
    """Whatever is cut off a request, the answer is keys or an error."""
    for words in ["mset a 1 b 2", "copy a b", "object encoding k", "bitop and d a",
                  "expire a 1", "lcs a b", "del a b"]:
        words = words.split()
        for n in range(1, len(words) + 1):
            raw.cmd("COMMAND", "GETKEYS", *words[:n])
    assert raw.cmd("PING") == b"PONG"


def test_watching(raw, raws):
    """Sessions that WATCH, and the keys they watch."""
    def counts():
        fields = info(raw, "clients")
        return int(fields["watching_clients"]), int(fields["total_watched_keys"])

    if "watching_clients" not in info(raw, "clients"):
        pytest.skip("a peer without the field")
    a, b = raws(2)
    assert counts() == (0, 0)
    a.cmd("WATCH", "x", "y", "x")
    assert counts() == (1, 2)
    b.cmd("WATCH", "x")
    assert counts() == (2, 2)
    raw.cmd("CONFIG", "RESETSTAT")
    assert counts() == (2, 2)
    a.cmd("UNWATCH")
    a.cmd("UNWATCH")
    assert counts() == (1, 1)
    b.cmd("MULTI")
    assert b.cmd("EXEC") == []
    assert counts() == (0, 0)
    a.cmd("WATCH", "x")
    a.close()
    end = time.monotonic() + 10
    while counts() != (0, 0) and time.monotonic() < end:
        time.sleep(0.01)
    assert counts() == (0, 0)


def test_changes(raw):
    """Each key that a write has changed counts, and what changes nothing does not."""
    def changes():
        return int(info(raw, "persistence")["rdb_changes_since_last_save"])

    for command, count in [("SET a 1", 1), ("MSET a 1 b 2 c 3", 3), ("GET a", 0), ("DEL a nosuch", 1),
                           ("SETNX b 1", 0), ("INCR b", 1), ("SETBIT bits 7 0", 1),
                           ("SETBIT bits 7 0", 0), ("SETBIT bits 7 1", 1), ("EXPIRE nosuch 1", 0)]:
        before = changes()
        raw.cmd(*command.split())
        assert changes() - before == count, command
    before = changes()
    raw.cmd("FLUSHALL")
    assert changes() - before >= 3


def test_a_deadline_in_the_past_counts_as_expired(raw):
    raw.cmd("CONFIG", "RESETSTAT")
    for command in ["EXPIRE a -1", "EXPIREAT a 1", "PEXPIRE a -1", "PEXPIREAT a 1"]:
        raw.cmd("SET", "a", 1)
        assert raw.cmd(*command.split()) == 1
        assert raw.cmd("EXISTS", "a") == 0
    if not info(raw, "server").get("redis_version", "").startswith("7.0"):
        assert info(raw, "stats")["expired_keys"] == "4"
