"""The tools people have: redis-cli and redis-benchmark run clean against us."""
import re
import shutil
import subprocess

import pytest

CLI = shutil.which("redis-cli")
BENCHMARK = shutil.which("redis-benchmark")
TROUBLE = re.compile(r"(?i)\berror\b|\(error\)|warning|could not|unknown command"
                     r"|protocol error|closed the connection")


def run(*words, stdin=None, seconds=60):
    result = subprocess.run([str(w) for w in words], input=stdin,
                            stdin=subprocess.DEVNULL if stdin is None else None,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=seconds)
    text = (result.stdout + result.stderr).decode("utf-8", "replace")
    assert result.returncode == 0, text
    found = TROUBLE.search(text.replace("WARNING: Keepalive disabled", ""))
    assert not found, text
    return result.stdout


@pytest.fixture
def cli(server):
    assert CLI, "redis-cli is missing"
    return lambda *words, **more: run(CLI, "-p", server.port, *words, **more)


@pytest.fixture
def benchmark(server):
    assert BENCHMARK, "redis-benchmark is missing"
    return lambda *words: run(BENCHMARK, "-p", server.port, *words)


def rates(output):
    """Name to requests a second, from --csv."""
    rows = [line.split('","') for line in output.decode().splitlines()[1:]]
    return {row[0].strip('"'): float(row[1]) for row in rows}


TESTS = {"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"}


@pytest.mark.parametrize("depth", [1, 32])
@pytest.mark.parametrize("threads", [None, 2])
def test_benchmark(benchmark, depth, threads):
    words = ["-t", "ping,set,get,incr,mset", "-n", 20000, "-P", depth, "--csv"]
    if threads:
        words += ["--threads", threads]
    result = rates(benchmark(*words))
    assert set(result) == TESTS
    assert all(rate > 0 for rate in result.values())


def test_benchmark_random_keys_and_sizes(benchmark, r):
    benchmark("-t", "set,get", "-n", 20000, "-r", 5000, "-d", 3000, "-P", 16, "-q")
    assert 4000 < r.dbsize() <= 5000
    assert r.strlen(next(r.scan_iter())) == 3000


def test_benchmark_many_clients(benchmark):
    benchmark("-t", "ping,set", "-n", 20000, "-c", 500, "-q")


def test_benchmark_without_keepalive(benchmark):
    benchmark("-t", "ping", "-n", 2000, "-k", 0, "-q")


def test_benchmark_resp3(benchmark):
    benchmark("-t", "set,get", "-n", 5000, "-3", "-q")


def test_benchmark_own_command(benchmark, r):
    benchmark("-n", 5000, "-r", 100, "-q", "append", "key:__rand_int__", "abc")
    assert sum(r.strlen(k) for k in r.scan_iter()) == 15000


def test_cli_commands(cli):
    assert cli("PING") == b"PONG\n"
    assert cli("SET", "a", "x y") == b"OK\n"
    assert cli("GET", "a") == b"x y\n"
    assert cli("--no-raw", "GET", "a") == b'"x y"\n'
    assert cli("--no-raw", "GET", "nosuch") == b"(nil)\n"
    assert cli("--no-raw", "MGET", "a", "nosuch") == b'1) "x y"\n2) (nil)\n'
    assert cli("-3", "--no-raw", "GET", "nosuch") == b"(nil)\n"
    assert cli("-n", 5, "DBSIZE") == b"0\n"
    assert cli("-r", 3, "INCR", "n") == b"1\n2\n3\n"
    assert b"redis_version:" in cli("INFO")


def test_cli_commands_from_stdin(cli):
    output = cli(stdin=b'SET a 1\nINCR a\nECHO "x\\ny"\n')
    assert output == b"OK\n2\nx\ny\n"


def test_cli_value_from_stdin(cli, r):
    value = bytes(range(256)) * 1000
    assert cli("-x", "SET", "big", stdin=value) == b"OK\n"
    assert r.get("big") == value
    assert cli("--raw", "GET", "big")[:len(value)] == value


def test_cli_pipe(cli, r):
    lines = b"".join(b"SET k%d v%d\r\n" % (i, i) for i in range(20000))
    result = subprocess.run(
        [CLI, "-p", str(r.connection_pool.connection_kwargs["port"]), "--pipe"],
        input=lines, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert result.returncode == 0, result.stdout
    assert b"errors: 0, replies: 20000" in result.stdout
    assert r.dbsize() == 20000


def test_cli_scan(cli, r):
    r.mset({"k%d" % i: i for i in range(2000)})
    found = cli("--scan").split()
    assert sorted(found) == sorted(b"k%d" % i for i in range(2000))
    assert set(cli("--scan", "--pattern", "k12*").split()) == {
        b"k%d" % i for i in range(2000) if str(i).startswith("12")}


def test_cli_bigkeys(cli, r):
    r.set("small", "x")
    r.set("big", "x" * 5000)
    assert b"big" in cli("--bigkeys")


def test_cli_latency(cli):
    """One sample's worth; --raw prints a line of numbers and ends."""
    numbers = cli("--raw", "--latency", "-i", "0.2").split()
    assert len(numbers) >= 3
