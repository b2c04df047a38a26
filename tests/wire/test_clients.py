"""Client libraries against the server: redis-py (synchronous and asyncio),
hiredis, node-redis, ioredis. Each connects with a password, selects a database,
uses some commands of every family that the server has, a pipeline and a big value,
and goes on after the server has been started again.

The libraries are Debian's, except ioredis, which is not in Debian and comes by npm
where there is one (scripts/deps). A library that this machine lacks is a
skipped test that names it.
"""
import asyncio
import os
import shutil
import subprocess
import threading

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
NODE_PATHS = [os.path.join(ROOT, "build/node/node_modules"), "/usr/share/nodejs"]
PASSWORD = "a secret"
SECONDS = 60
PIPELINE_COUNT = 2000
BIG = b"x" * (8 << 20)

# The command that must be there, then calls with their results.
FAMILIES = [
    ("set", (("set", "k", "v"), True), (("get", "k"), b"v"),
     (("incrby", "n", 41), 41), (("append", "k", "w"), 2)),
    ("setbit", (("setbit", "b", 7, 1), 0), (("bitcount", "b"), 1)),
    ("expire", (("expire", "k", 100), True), (("persist", "k"), True)),
    ("exists", (("exists", "k", "nothing"), 1), (("type", "k"), b"string")),
    ("rpush", (("rpush", "l", "a", "b"), 2), (("lrange", "l", 0, -1),
                                              [b"a", b"b"])),
    ("sadd", (("sadd", "s", "a", "a"), 1), (("smembers", "s"), {b"a"})),
    ("hset", (("hset", "h", "f", 1), 1), (("hgetall", "h"), {b"f": b"1"})),
    ("zadd", (("zadd", "z", {"a": 1.5}), 1), (("zscore", "z", "a"), 1.5)),
    ("xadd", (("xadd", "x", {"f": "v"}, "1-1"), b"1-1"), (("xlen", "x"), 1)),
]


@pytest.fixture
def guarded(server):
    """A server that asks for the password."""
    return server.new(requirepass=PASSWORD)


def present(guarded):
    """The calls of the families that the server has."""
    with guarded.connect() as raw:
        assert raw.cmd("AUTH", PASSWORD) == b"OK"
        have = {name.decode() for name in raw.cmd("COMMAND", "LIST")}
    return [calls for name, *calls in FAMILIES if name in have]


def test_redis_py(guarded):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=guarded.port).get("k")
    with pytest.raises(redis.ResponseError, match="WRONGPASS"):
        redis.Redis(port=guarded.port, password="wrong").get("k")
    # A command that meets a connection as it is being closed is sent again.
    r = redis.Redis(port=guarded.port, password=PASSWORD, db=3, socket_timeout=60,
                    retry=Retry(NoBackoff(), 2),
                    retry_on_error=[redis.ConnectionError])
    for calls in present(guarded):
        for (name, *args), expected in calls:
            assert getattr(r, name)(*args) == expected, (name, args)
    with pytest.raises(redis.ResponseError, match="not an integer"):
        r.incr("k")
    pipe = r.pipeline(transaction=False)
    for i in range(PIPELINE_COUNT):
        pipe.set("p:%d" % i, i).incr("p:%d" % i)
    assert pipe.execute() == [x for i in range(PIPELINE_COUNT)
                              for x in (True, i + 1)]
    assert r.set("big", BIG) and r.get("big") == BIG
    # A connection of the pool that the server has closed is made anew.
    other = redis.Redis(port=guarded.port, password=PASSWORD)
    r.ping()
    assert other.client_kill_filter(_type="normal", skipme=True) >= 1
    r.set("after", "kill")
    guarded.restart()
    r.set("after", "restart")
    assert r.get("after") == b"restart"
    r.close()
    other.close()


def test_redis_py_asyncio(guarded):
    async def use():
        r = redis.asyncio.Redis(port=guarded.port, password=PASSWORD, db=3,
                                socket_timeout=60)
        for calls in present(guarded):
            for (name, *args), expected in calls:
                assert await getattr(r, name)(*args) == expected, (name, args)
        counts = await asyncio.gather(*[r.incr("c") for _ in range(100)])
        assert sorted(counts) == list(range(1, 101))
        async with r.pipeline(transaction=False) as pipe:
            for i in range(PIPELINE_COUNT):
                pipe.set("p:%d" % i, i)
            assert all(await pipe.execute())
        await r.set("big", BIG)
        assert await r.get("big") == BIG
        await r.connection_pool.disconnect()
        guarded.restart()
        await r.set("after", "1")
        assert await r.get("after") == b"1"
        await r.close()

    asyncio.run(use())


# ---- programs ----

def play(guarded, argv, env=None):
    """Runs a client program, which says when the server is to start again."""
    argv = argv + [str(guarded.port), PASSWORD]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **(env or {})}) as process:
        watch = threading.Timer(SECONDS, process.kill)
        watch.start()
        try:
            said = process.stdout.readline()
            if said == "restart\n":
                guarded.restart()
                said = ""
                process.stdin.write("done\n")
                process.stdin.flush()
            out, _ = process.communicate()
        finally:
            watch.cancel()
            process.kill()
    assert (said + out).strip() == "ok" and process.returncode == 0, said + out


def need_node(module):
    """The environment in which node finds the module; skips without it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("nodejs is not installed")
    env = {"NODE_PATH": os.pathsep.join(NODE_PATHS)}
    found = subprocess.run([node, "-e", "require('%s')" % module],
                           env={**os.environ, **env}, capture_output=True)
    if found.returncode != 0:
        pytest.skip("node's module %s is not installed" % module)
    return env


@pytest.mark.parametrize("resp", [2, 3])
def test_node_redis(guarded, resp):
    play(guarded, ["node", os.path.join(HERE, "node_redis.js")],
         {**need_node("redis"), "TEST_RESP": str(resp)})


def test_ioredis(guarded):
    play(guarded, ["node", os.path.join(HERE, "ioredis.js")],
         need_node("ioredis"))


def test_hiredis(guarded):
    # build/TYPE/src/server/engram-server -> build/TYPE
    build = os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.realpath(guarded.binary))))
    for folder in (build, os.path.join(ROOT, "build/release")):
        program = os.path.join(folder, "tests/wire/clients/client-hiredis")
        if os.path.exists(program):
            return play(guarded, [program])
    pytest.skip("client-hiredis was not built: libhiredis-dev is missing")
