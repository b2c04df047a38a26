"""Following a master beside Debian's redis-server as a sentinel: three of them
watch a master and its replica."""
import os
import shutil
import subprocess
import tempfile
import threading
import time

import pytest
import redis

from conftest import PROGRAM_SECONDS, SERVERS, free_port, program, run

NAME = "mymaster"
START_SECONDS = 30
FAILOVER_SECONDS = 40


def wait_until(what, condition, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds} s")


class Process:
    """A redis-server with a configuration of its own."""

    def __init__(self, folder, port, text, *arguments):
        self.port = port
        path = os.path.join(folder, f"{port}.conf")
        with open(path, "w") as f:
            f.write(f"port {port}\nbind 127.0.0.1\ndir {folder}\n{text}")
        with open(os.path.join(folder, f"{port}.log"), "a") as log:
            self.process = subprocess.Popen(
                [SERVERS["redis"], path, *arguments], cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.redis = redis.Redis(port=port, socket_timeout=5)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Watched:
    """A master, its replica, and three sentinels that know each other."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="engram-sentinel-")
        ports = []
        while len(ports) < 5:
            ports.append(free_port(but=ports))
        quiet = 'save ""\nrepl-diskless-sync-delay 0\n'
        self.servers = [Process(self.folder, ports[0], quiet)]
        self.servers.append(Process(
            self.folder, ports[1],
            f"{quiet}replicaof 127.0.0.1 {ports[0]}\n"))
        # What sentinels see first they do not look at again for ten seconds.
        wait_until("a replica that follows", self.is_followed)
        self.sentinels = [
            Process(self.folder, port,
                    f"sentinel monitor {NAME} 127.0.0.1 {ports[0]} 2\n"
                    f"sentinel down-after-milliseconds {NAME} 500\n"
                    f"sentinel failover-timeout {NAME} 3000\n", "--sentinel")
            for port in ports[2:]]
        self.seeds = [f"127.0.0.1:{s.port}" for s in self.sentinels]
        for s in self.sentinels:
            wait_until("sentinels that know all", lambda s=s: self.is_known(s))

    def is_followed(self):
        state = self.servers[1].redis.info("replication")
        return state["master_link_status"] == "up"

    @staticmethod
    def is_known(sentinel):
        master = sentinel.redis.sentinel_master(NAME)
        replicas = sentinel.redis.sentinel_slaves(NAME)
        return (master["num-other-sentinels"] == 2 and len(replicas) == 1
                and replicas[0]["master-link-status"] == "ok")

    def close(self):
        for p in self.sentinels + self.servers:
            p.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def watched():
    made = Watched()
    yield made
    made.close()


class Writer:
    """The example, whose lines are read as they come."""

    def __init__(self, moves, *seeds):
        self.lines = []
        self.process = subprocess.Popen(
            [program("sentinel"), NAME, str(moves), *seeds],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self):
        """(exit status, what it complained)"""
        status = self.process.wait(timeout=PROGRAM_SECONDS)
        self.reader.join(timeout=10)
        return status, self.process.stderr.read()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def writer():
    made = []

    def start(*arguments):
        made.append(Writer(*arguments))
        return made[-1]

    yield start
    for w in made:
        w.kill()


def grows(server):
    first = server.redis.get("sentinel:n")
    wait_until("writes", lambda: server.redis.get("sentinel:n") != first)
    return True


def test_the_master_is_found_and_followed(watched, writer):
    """A failover that is asked for: the old master lives on, as a replica."""
    old, new = watched.servers
    w = writer(1, watched.seeds[0])
    wait_until("the master", lambda: len(w.lines) == 1)
    assert w.lines[0] == f"the master is at 127.0.0.1:{old.port}"
    assert grows(old)
    watched.sentinels[1].redis.execute_command("SENTINEL", "FAILOVER", NAME)
    wait_until("the new one", lambda: len(w.lines) > 1, FAILOVER_SECONDS)
    assert w.lines[1] == f"the master is at 127.0.0.1:{new.port}"
    assert w.end()[0] == 0
    assert w.lines[2].startswith("written: ")
    assert new.redis.role()[0] == b"master"


def test_a_master_that_dies_is_replaced(watched, writer):
    old, new = watched.servers
    w = writer(1, *watched.seeds)
    wait_until("the master", lambda: len(w.lines) == 1)
    assert grows(old)
    old.kill()
    wait_until("the new one", lambda: len(w.lines) > 1, FAILOVER_SECONDS)
    assert w.lines[1] == f"the master is at 127.0.0.1:{new.port}"
    assert w.end()[0] == 0
    # No replica is left.
    assert w.lines[3] == "a replica has: no reply within the time given"


def test_who_is_cut_off_is_outvoted(watched, writer):
    """A sentinel that knows nobody and names a server that says it is a master,
    beside three who have seen a failover."""
    new = watched.servers[1]
    watched.sentinels[1].redis.execute_command("SENTINEL", "FAILOVER", NAME)
    for s in watched.sentinels:
        wait_until("the news", lambda s=s: s.redis.sentinel_master(NAME)["port"]
                   == new.port, FAILOVER_SECONDS)
    ports = [free_port()]
    ports.append(free_port(but=ports))
    master = Process(watched.folder, ports[0], 'save ""\n')
    watched.servers.append(master)
    lone = Process(watched.folder, ports[1],
                   f"sentinel monitor {NAME} 127.0.0.1 {master.port} 1\n",
                   "--sentinel")
    watched.sentinels.append(lone)
    wait_until("the lone one", lambda: lone.redis.sentinel_master(NAME))
    w = writer(1, f"127.0.0.1:{lone.port}", *watched.seeds)
    assert w.end()[0] == 0
    assert w.lines[:2] == [f"the master is at 127.0.0.1:{master.port}",
                           f"the master is at 127.0.0.1:{new.port}"]


def test_a_replica_is_read_from(watched, writer):
    w = writer(0, watched.seeds[2])
    status, complaint = w.end()
    assert (status, complaint) == (0, "")
    assert w.lines[1] == "written: 1"
    assert w.lines[2] in ("a replica has: 1", "a replica has: ")


def test_without_sentinels_it_stays(watched, writer):
    """The last place is tried, and once there are sentinels again, they are
    asked."""
    master = watched.servers[0]
    w = writer(1, watched.seeds[0])
    wait_until("the master", lambda: len(w.lines) == 1)
    assert grows(master)
    for s in watched.sentinels:
        s.kill()
    master.redis.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    assert grows(master)
    master.redis.execute_command("CLIENT KILL TYPE normal SKIPME yes")
    assert grows(master)
    assert len(w.lines) == 1


def test_an_unknown_name_is_told(watched):
    status, _, complaint = run("sentinel", "nobody", 0, *watched.seeds)
    assert status == 1
    assert "it knows no master named nobody" in complaint


def test_nobody_is_there(writer):
    seed = f"127.0.0.1:{free_port()}"
    w = writer(0, seed)
    line = w.process.stderr.readline()
    assert line.startswith(f"sentinel {seed}: ")
    assert "Connection refused" in line
