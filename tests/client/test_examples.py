"""The examples do what they say, over real sockets."""
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

from conftest import (BUILD, PROGRAM_SECONDS, ROOT, SERVERS, Server, free_port,
                      pipeline_loses, program, run)

MEGABYTE = 1024 * 1024


def test_hello_over_tcp_and_a_unix_socket(server):
    assert run("hello", server.url) == (0, "hello, world\n", "")
    assert run("hello", f"unix://{server.path}?db=3") == (0, "hello, world\n", "")


def test_hello_with_a_password(server_of):
    server = server_of("--requirepass", "p@ss")
    url = f"redis://:p%40ss@127.0.0.1:{server.port}/2"
    assert run("hello", url) == (0, "hello, world\n", "")
    status, _, complaint = run("hello", f"redis://:no@127.0.0.1:{server.port}")
    assert status == 1
    assert "greeting: WRONGPASS" in complaint
    status, _, complaint = run("hello", server.url)
    assert status == 1


def test_hello_to_nobody():
    status, _, complaint = run("hello", f"redis://127.0.0.1:{free_port()}")
    assert status == 1
    assert "Connection refused" in complaint
    status, _, complaint = run("hello", "redis://nobody.invalid")
    assert status == 1
    assert "resolve nobody.invalid:6379" in complaint


def test_names_are_those_of_the_system(server, tmp_path):
    """Of a hosts file that only the example sees."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 engram.test\n")

    def with_hosts(*command):
        return subprocess.run(
            ["unshare", "-rm", "sh", "-c",
             'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts), *command],
            capture_output=True, text=True, timeout=PROGRAM_SECONDS)

    if with_hosts("true").returncode != 0:
        pytest.skip("no namespace of one's own may be made here")
    done = with_hosts(program("hello"), f"redis://engram.test:{server.port}")
    assert (done.returncode, done.stdout) == (0, "hello, world\n")
    assert run("hello", f"redis://localhost:{server.port}")[0] == 0


def test_what_breaks_is_told_apart(server):
    status, output, _ = run("reconnect", server.url)
    assert status == 0
    assert output.count("connected") == 2
    assert "incr: the connection broke before the reply came" in output
    assert "get: kept" in output


def test_a_pool_counts_right(server):
    status, output, _ = run("pool", server.url, 200)
    assert status == 0
    assert output.startswith("counted 200 of 200\n")
    assert "4 connections" in output
    status, _, complaint = run("pool", f"redis://127.0.0.1:{free_port()}")
    assert status == 1
    assert "Connection refused" in complaint


def test_pushes_come(server_of):
    """Client tracking is Redis's so far."""
    server = Server(SERVERS["redis"])
    try:
        assert run("push", server.url) == (0, "changed: push:key\n", "")
    finally:
        server.close()


def test_cplusplus(server):
    if not os.path.exists(program("cplusplus")):
        pytest.skip("no C++ compiler of the same make")
    assert run("cplusplus", server.url) == (0, "OK\nfrom C++\n", "")


@pytest.mark.parametrize("name", ["loop_libuv", "loop_libevent"])
def test_other_loops(server, name):
    assert run(name, server.url) == (0, "answered 5 of 5\n", "")
    status, _, complaint = run(name, f"redis://127.0.0.1:{free_port()}")
    assert status == 1
    assert "Connection refused" in complaint


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def test_a_stopped_server_costs_no_memory(server):
    """A pipeline of millions of commands while the server does not read: the
    client waits, with what its queue may hold, and goes on afterwards."""
    os.kill(server.process.pid, signal.SIGSTOP)
    wanted = 300_000
    p = subprocess.Popen([program("pipeline"), server.url, str(wanted)],
                         stdout=subprocess.PIPE, text=True)
    try:
        # Until its memory stands still, which it must do far below what the
        # commands would take (some 15 MB).
        last, steady = 0, 0
        deadline = time.monotonic() + 20
        while steady < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
            now = resident_bytes(p.pid)
            steady, last = (steady + 1 if now == last else 0), now
        assert steady == 10
        assert last < 8 * MEGABYTE
        assert p.poll() is None
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    output = p.communicate(timeout=60)[0]
    assert p.returncode == 0
    found = re.search(r"answered (\d+), failed 0, .* at most (\d+) bytes", output)
    assert int(found[1]) == wanted
    assert int(found[2]) <= MEGABYTE


def test_a_server_that_dies_ends_the_pipeline(server):
    status, output, complaint = pipeline_loses(server)
    assert status == 1
    assert "answered" in output
    assert "pipeline: " in complaint


def symbols(path, *options):
    text = subprocess.run(["nm", "--defined-only", *options, path], check=True,
                          capture_output=True, text=True).stdout
    return [line.split()[-1] for line in text.splitlines()
            if re.search(r" [A-TV-Z] ", line)]


def test_only_the_public_names_show():
    for found in (symbols(f"{BUILD}/src/client/libengram.so", "-D"),
                  symbols(f"{BUILD}/src/client/libengram.a")):
        assert "engram_conn_create" in found
        others = [n for n in found if not n.startswith("engram_")
                  and not n.startswith("__")]
        assert others == []


def test_every_declared_name_is_there():
    declared = set()
    for header in pathlib.Path(ROOT, "include/engram").glob("*.h"):
        declared |= set(re.findall(r"ENGRAM_API[^;]*?\b(engram_\w+)\(",
                                   header.read_text()))
    assert len(declared) > 40
    assert declared == set(symbols(f"{BUILD}/src/client/libengram.so", "-D"))


def test_an_installed_copy_is_enough(tmp_path, server):
    """make install, then a program built with pkg-config and one linked with the
    static library alone."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
                    "--destdir", str(tmp_path)], check=True,
                   stdout=subprocess.DEVNULL)
    [pc] = tmp_path.rglob("engram.pc")
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent),
           "PKG_CONFIG_SYSROOT_DIR": str(tmp_path)}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "engram"],
                           check=True, env=env, capture_output=True,
                           text=True).stdout.split()
    source = f"{ROOT}/examples/hello.c"
    lib = pc.parent.parent
    subprocess.run(["cc", "-Wall", "-Wextra", "-Wpedantic", "-std=c99",
                    "-o", f"{tmp_path}/shared", source, *flags], check=True)
    assert subprocess.run([f"{tmp_path}/shared", server.url], check=True,
                          env={**os.environ, "LD_LIBRARY_PATH": str(lib)},
                          capture_output=True).stdout == b"hello, world\n"
    for page in os.listdir(f"{ROOT}/docs/man"):
        section = page.rpartition(".")[2]
        assert list(tmp_path.rglob(f"man{section}/{page}*"))
    include = [f for f in flags if f.startswith("-I")]
    private = subprocess.run(
        ["pkg-config", "--static", "--libs", "engram"], check=True, env=env,
        capture_output=True, text=True).stdout.split()
    private.remove("-lengram")
    subprocess.run(["cc", "-o", f"{tmp_path}/static", source, *include,
                    f"{lib}/libengram.a", *private], check=True)
    assert subprocess.run([f"{tmp_path}/static", server.url], check=True,
                          capture_output=True).stdout == b"hello, world\n"


def test_a_stall_is_accounted_for(server_of, tmp_path):
    """A producer beside a server that stops for two seconds: what it queues has
    a limit, memory comes back, and every command has one outcome."""
    server = server_of()
    limit = 4 * MEGABYTE
    text = subprocess.run(
        [f"{BUILD}/bench/client/client-stall", "engram", str(server.port),
         str(server.process.pid), "20000", "8", "1", "2", "1024", str(limit),
         f"{tmp_path}/samples"], check=True, capture_output=True, text=True,
        timeout=PROGRAM_SECONDS).stdout
    got = {k: int(v) for k, v in (line.split("=") for line in text.split())}
    assert got["refused"] > 0
    assert got["offered"] == got["taken"] + got["refused"] == 160_000
    assert got["taken"] == got["answered"]
    assert got["failed"] == got["errors"] == 0
    resident = [int(line.split(",")[1]) for line in
                (tmp_path / "samples").read_text().splitlines()[1:]]
    assert max(resident) <= limit + 8 * MEGABYTE
    assert resident[-1] <= max(resident) - limit / 2
