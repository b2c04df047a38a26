"""CONFIG over the wire, and what the program does with files and arguments."""
import os
import resource
import subprocess

import pytest

ERROR = "ERR CONFIG SET failed (possibly related to argument '%s') - %s"


def get(raw, *patterns):
    flat = raw.cmd("CONFIG", "GET", *patterns)
    return dict(zip(flat[::2], flat[1::2]))


def test_get_by_pattern(raw):
    assert get(raw, "port").keys() == {b"port"}
    assert get(raw, "PORT").keys() in ({b"port"}, {b"PORT"})
    assert get(raw, "nosuch") == {}
    assert get(raw, "maxmemory-p*", "nosuch", "time[oO]ut", "timeout").keys() == \
        {b"maxmemory-policy", b"timeout"}
    assert len(get(raw, "*")) > 100
    assert get(raw, "*-priority").keys() == {b"replica-priority", b"slave-priority"}


def test_get_names(raw):
    """A name comes back as it was typed, once, and patterns find what is not
    hidden; an option's other name is a name of its own."""
    flat = raw.cmd("CONFIG", "GET", "SLAVE-priority", "slave-prio*", "slave-priority")
    assert len(flat) == 2 and flat[0] in (b"SLAVE-priority", b"slave-priority")
    assert get(raw, "*of").keys() >= {b"slaveof", b"replicaof"}
    assert get(raw, "key-load-dela?") == {}
    assert get(raw, "key-load-delay") == {b"key-load-delay": b"0"}
    assert get(raw, "user", "rename-command", "include", "loadmodule") == {}
    assert get(raw, "slowlog-max-len").keys() == {b"slowlog-max-len"}


def test_set_by_both_names(raw, config):
    config("slowlog-max-len", 128)
    assert raw.cmd("CONFIG", "SET", "slowlog-max-len", 5,
                   "commandlog-slow-execution-max-len", 6) == b"OK"
    assert get(raw, "slowlog-max-len") == {b"slowlog-max-len": b"6"}
    assert raw.cmd("CONFIG", "SET", "SLOWLOG-max-len", "x") == \
        ERROR % ("slowlog-max-len", "argument couldn't be parsed into an integer")


def test_own_immutable_options(raw):
    """What only Engram has may be set to what it is."""
    for name in [b"io-engine", b"worker-threads", b"shards"]:
        value = get(raw, name)[name]
        assert raw.cmd("CONFIG", "SET", name, value) == b"OK"
    assert raw.cmd("CONFIG", "SET", "shards", 2048) == \
        ERROR % ("shards", "can't set immutable config")
    assert raw.cmd("CONFIG", "SET", "user", "x on") == \
        "ERR Unknown option or number of arguments for CONFIG SET - 'user'"


def test_rename_command(server, raws):
    longer = "b840fc02d524045429941cc15f59e41cb7be6c52"
    child = server.new(_config="rename-command FLUSHALL \"\"\n"
                               "rename-command get %s\n"
                               "rename-command config Settings\n" % longer)
    raw, = raws(1, of=child)
    assert raw.cmd("FLUSHALL").text.startswith("ERR unknown command 'FLUSHALL'")
    assert raw.cmd("GET", "k").text.startswith("ERR unknown command 'GET'")
    assert raw.cmd("SET", "k", "v") == b"OK"
    assert raw.cmd(longer, "k") == b"v"
    assert raw.cmd(longer.upper(), "k") == b"v"
    assert raw.cmd("SETTINGS", "GET", "port")[1] == b"%d" % child.port
    assert raw.cmd(longer) == "ERR wrong number of arguments for 'get' command"


def test_what_changes_nothing_is_said(server, raws):
    child = server.new(_config="repl-timeout 7\ndynamic-hz no\n")
    assert "repl-timeout is set but changes nothing: replication" in child.log()
    assert "dynamic-hz is set but changes nothing" in child.log()
    assert child.log().count("changes nothing") == 2


def test_every_option_shows_and_takes_itself(server, raw):
    child = server.new()
    with child.connect() as conn:
        for name, value in get(conn, "*").items():
            reply = conn.cmd("CONFIG", "SET", name, value)
            assert reply == b"OK" or "immutable" in reply.text \
                or "protected" in reply.text, (name, value, reply)
        assert conn.cmd("PING") == b"PONG"


@pytest.mark.parametrize("name,value,why", [
    ("maxmemory", "abc", "argument must be a memory value"),
    ("maxmemory", "-1", "argument must be a memory value"),
    ("activedefrag", "maybe", None),
    ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
    ("maxclients", "abc", "argument couldn't be parsed into an integer"),
    ("timeout", "-1", "argument must be between 0 and 2147483647 inclusive"),
    ("timeout", "1.5", "argument couldn't be parsed into an integer"),
    ("timeout", "99999999999999999999", "argument couldn't be parsed into an integer"),
    ("proto-max-bulk-len", "1",
     "argument must be between 1048576 and 9223372036854775807 inclusive"),
    ("maxmemory-policy", "lru",
     "argument(s) must be one of the following: volatile-lru, volatile-lfu, "
     "volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, "
     "noeviction"),
    ("save", "1 2 3", "Invalid save parameters"),
    ("save", "x y", "Invalid save parameters"),
    ("client-output-buffer-limit", "normal 1",
     "Wrong number of arguments in buffer limit configuration."),
    ("client-output-buffer-limit", "foo 1 2 3",
     "Invalid client class specified in buffer limit configuration."),
    ("client-output-buffer-limit", "normal a 2 3",
     "Error in hard, soft or soft_seconds setting in buffer limit configuration."),
    ("databases", "3", "can't set immutable config"),
    ("logfile", "x", "can't set immutable config"),
    ("dir", "/tmp", "can't set protected config")])
def test_wrong_values(raw, name, value, why):
    before = get(raw, name)
    reply = raw.cmd("CONFIG", "SET", name, value)
    if why is not None:
        assert reply == ERROR % (name, why)
    assert reply.code == "ERR"
    assert get(raw, name) == before


def test_all_or_nothing(raw, config):
    config("timeout", 0)
    config("maxclients", 5000)
    assert raw.cmd("CONFIG", "SET", "timeout", 9, "maxclients", "x").code == "ERR"
    assert raw.cmd("CONFIG", "SET", "timeout", 9, "nosuch", "x") == \
        "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"
    assert raw.cmd("CONFIG", "SET", "timeout", 9, "databases", 3) == \
        ERROR % ("databases", "can't set immutable config")
    assert raw.cmd("CONFIG", "SET", "timeout", 9, "timeout", 8) == \
        ERROR % ("timeout", "duplicate parameter")
    assert raw.cmd("CONFIG", "SET", "timeout", 9, "maxclients") == "ERR syntax error"
    assert get(raw, "timeout") == {b"timeout": b"0"}
    assert raw.cmd("CONFIG", "SET", "timeout", 900, "maxclients", 4000) == b"OK"
    assert get(raw, "timeout", "maxclients") == \
        {b"timeout": b"900", b"maxclients": b"4000"}


@pytest.mark.parametrize("value,shown", [
    ("100", "100"), ("1k", "1000"), ("1kb", "1024"), ("1GB", "1073741824"), ("0", "0")])
def test_bytes(raw, config, value, shown):
    config("client-query-buffer-limit", "1gb")
    config("repl-backlog-size", "1mb")
    config("maxmemory", "0")
    if value != "100":
        assert raw.cmd("CONFIG", "SET", "maxmemory", value) == b"OK"
        assert get(raw, "maxmemory") == {b"maxmemory": shown.encode()}


def test_limits(raw, config):
    before = get(raw, "client-output-buffer-limit")[b"client-output-buffer-limit"]
    config("client-output-buffer-limit", before)
    assert raw.cmd("CONFIG", "SET", "client-output-buffer-limit",
                   "replica 1mb 2kb 3") == b"OK"
    assert b"slave 1048576 2048 3" in \
        get(raw, "client-output-buffer-limit")[b"client-output-buffer-limit"]


def test_save(raw, config):
    config("save", "")
    assert raw.cmd("CONFIG", "SET", "save", "100 1 200 2") == b"OK"
    assert get(raw, "save") == {b"save": b"100 1 200 2"}
    assert raw.cmd("CONFIG", "SET", "save", "") == b"OK"
    assert get(raw, "save") == {b"save": b""}


def test_alias(raw, config):
    config("replica-priority", 100)
    assert raw.cmd("CONFIG", "SET", "slave-priority", 50) == b"OK"
    assert get(raw, "replica-priority") == {b"replica-priority": b"50"}


def test_other_subcommands(raw):
    assert raw.cmd("CONFIG", "REWRITE") == \
        "ERR The server is running without a config file"
    assert len(raw.cmd("CONFIG", "HELP")) > 8
    assert raw.cmd("CONFIG", "FOO") == "ERR unknown subcommand 'FOO'. Try CONFIG HELP."
    assert raw.cmd("CONFIG") == "ERR wrong number of arguments for 'config' command"
    assert raw.cmd("CONFIG", "GET") == \
        "ERR wrong number of arguments for 'config|get' command"


def test_options_are_shared_by_sessions(raws):
    """Whatever worker a session is on, it sees what another one has set."""
    many = raws(8)
    for i, raw in enumerate(many):
        assert raw.cmd("CONFIG", "SET", "timeout", 1000 + i) == b"OK"
        for other in many:
            assert get(other, "timeout")[b"timeout"] == b"%d" % (1000 + i)
    many[0].cmd("CONFIG", "SET", "timeout", 0)


# ---- the program ----

def run(server, *args, stdin=""):
    """Starts the program where it must refuse to start."""
    return subprocess.run([server.binary, *map(str, args)], input=stdin, text=True,
                          cwd=server.dir, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=30)


@pytest.mark.parametrize("text,line,why", [
    ("\nfoo bar\n", "at line 2", "Bad directive or wrong number of arguments"),
    ("port\n", "at line 1", "wrong number of arguments"),
    ("port 1 2\n", ">>> 'port 1 2'", "wrong number of arguments"),
    ("port abc\n", "at line 1", "argument couldn't be parsed into an integer"),
    ("port 70000\n", "at line 1", "argument must be between 0 and 65535 inclusive"),
    ("port \"6379\n", "at line 1", "Unbalanced quotes in configuration line"),
    ("save 60\n", "at line 1", "Invalid save parameters"),
    ("loadmodule x.so\n", "at line 1", "modules are not supported"),
    ("rename-command nosuch x\n", "", "No such command in rename-command"),
    ("rename-command get set\n", "", "Target command name already exists"),
    ("rename-command get\n", "at line 1", "Bad directive"),
    ("port 1\0\n", "at line 1", "line holds a NUL byte"),
    ("logfile " + "x" * (1 << 20), "at line 1", "line is too long"),
    ("logfile " + "x" * (1 << 19), "at line 1", "argument is too long"),
    ("include " + "x" * 5000, "at line 1", "bad path of an include"),
    ("include wrong.conf\n", "at line 1", "includes are nested too deeply"),
    ("include wrong.con[f]\n" * 2, "at line 1", "includes are nested too deeply"),
    ("include .\n", "at line 1", "can't open config file '.'")],
    ids=lambda v: v[:40].replace("\0", "NUL"))
def test_wrong_file(server, text, line, why):
    path = os.path.join(server.dir, "wrong.conf")
    with open(path, "w") as f:
        f.write(text)
    done = run(server, path)
    assert done.returncode == 1
    assert "*** FATAL CONFIG FILE ERROR" in done.stdout or line == ""
    assert line in done.stdout
    assert why in done.stdout


@pytest.mark.parametrize("args", [
    ["--nosuch", "1"], ["--port"], ["--port", "x"], ["/nonexistent/x.conf"]])
def test_wrong_arguments(server, args):
    done = run(server, *args)
    assert done.returncode == 1
    assert done.stdout


def test_file_include_and_arguments(server):
    """The file is read first, the arguments change it, includes stand in place."""
    main = os.path.join(server.dir, "main.conf")
    part = os.path.join(server.dir, "part.conf")
    with open(part, "w") as f:
        f.write("timeout 5\nmaxmemory 10mb\nrequirepass \"\"\n")
    with open(main, "w") as f:
        f.write("# a comment\ntimeout 1\ninclude %s\nmaxmemory 20mb\n"
                "client-output-buffer-limit pubsub 1mb 2mb 3\n" % part)
    child = server.new()
    child.end()
    args = child.args
    child.process = subprocess.Popen([args[0], main] + args[1:] + ["--hz", "50"],
                                     stdout=subprocess.DEVNULL, cwd=server.dir)
    child.is_down_expected = False
    child._wait_ready()
    with child.connect() as raw:
        assert get(raw, "timeout", "maxmemory", "hz") == \
            {b"timeout": b"5", b"maxmemory": b"20971520", b"hz": b"50"}
        assert b"pubsub 1048576 2097152 3" in \
            get(raw, "client-output*")[b"client-output-buffer-limit"]
        info = raw.cmd("INFO", "server")
        assert b"config_file:" + os.path.realpath(main).encode() in info


def test_dir_is_where_the_process_is(server, raw):
    assert get(raw, "dir") == {b"dir": os.path.realpath(server.dir).encode()}


def test_more_clients_than_descriptors(server, raws):
    child = server.new(limits={resource.RLIMIT_NOFILE: 400}, maxclients=100)
    raw, = raws(1, of=child)
    if os.geteuid() == 0:
        # Root raises its own limits; the system's ceiling is beyond these.
        assert raw.cmd("CONFIG", "SET", "maxclients", 200) == b"OK"
        return
    assert raw.cmd("CONFIG", "SET", "maxclients", 100000).code == "ERR"
    assert get(raw, "maxclients") == {b"maxclients": b"100"}


def test_loglevel_takes_effect(server, raws):
    child = server.new()
    raw, = raws(1, of=child)
    for level in [b"debug", b"verbose", b"notice", b"warning"]:
        assert raw.cmd("CONFIG", "SET", "loglevel", level) == b"OK"
        assert get(raw, "loglevel") == {b"loglevel": level}
