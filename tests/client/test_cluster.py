"""The cluster's client beside a cluster of Debian's redis-server: three masters,
three replicas, slots that move and nodes that fail while commands run.

The cluster is made once for the whole file. A test that changes it waits until
its nodes agree again. All waiting is bounded.
"""
import os
import re
import signal
import subprocess
import time

import pytest
import redis

from conftest import SERVERS, Server, free_port, program
from test_tls import Redis as EncryptedRedis
from test_tls import certs  # noqa: F401, a fixture

SLOTS = 16384
AGREE_SECONDS = 30
RUN_SECONDS = 120
KEYS = 50
BUS_PORT = 10000  # above a node's own


def is_ok(client):
    return client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"


class Node(Server):
    def __init__(self):
        super().__init__(SERVERS["redis"], "--cluster-enabled", "yes",
                         # A busy machine is no reason for a failover.
                         "--cluster-node-timeout", "20000",
                         "--appendonly", "no",
                         "--repl-diskless-sync-delay", "0",
                         beside=BUS_PORT)
        self.client = redis.Redis(port=self.port, decode_responses=True,
                                  socket_timeout=10)

    def say(self, *words):
        return self.client.execute_command(*words)

    @property
    def id(self):
        return self.say("CLUSTER MYID")

    @property
    def name(self):
        return f"127.0.0.1:{self.port}"

    def epitaph(self):
        """What a server that has died said last."""
        if self.process.poll() is None:
            return ""
        try:
            with open(os.path.join(self.dir, "log")) as f:
                words = f.read()[-3000:]
        except OSError as e:
            # Without its folder a node cannot write its map down, and ends.
            words = str(e)
        return f"\n{self.name} has ended: {words}"


class Cluster:
    def __init__(self):
        self.nodes = []
        try:
            self.nodes += [Node() for _ in range(6)]
            subprocess.run(
                ["redis-cli", "--cluster", "create", "--cluster-replicas", "1",
                 "--cluster-yes", *[n.name for n in self.nodes]],
                check=True, stdout=subprocess.DEVNULL, timeout=60)
            self.wait()
        except BaseException:
            self.close()
            raise

    def close(self):
        for node in self.nodes:
            node.close()

    @property
    def alive(self):
        return [n for n in self.nodes if n.process.poll() is None]

    def masters(self):
        return [n for n in self.alive if n.say("ROLE")[0] == "master"]

    def replicas(self):
        return [n for n in self.alive if n.say("ROLE")[0] == "slave"]

    def view(self, node):
        """Ranges, masters and replicas, as this node sees them; None: not all
        is served."""
        if not is_ok(node.client):
            return None
        slots = node.client.connection_pool.get_connection("_")
        try:
            slots.send_command("CLUSTER SLOTS")
            rows = slots.read_response()
        finally:
            node.client.connection_pool.release(slots)
        return sorted((r[0], r[1], r[2][1], sorted(n[1] for n in r[3:]))
                      for r in rows)

    def is_agreed(self):
        views = [self.view(n) for n in self.alive]
        replicas = {port for row in views[0] or [] for port in row[3]}
        return (None not in views and all(v == views[0] for v in views) and
                replicas == {n.port for n in self.replicas()} and
                all(n.say("ROLE")[3] == "connected" for n in self.replicas()))

    def is_up_to_date(self):
        """Has each master heard of all others' last epochs? Else one that is
        given a slot may take too low an epoch for it, and lose it again."""
        heard = [sorted((n["node_id"], n["epoch"])
                        for n in master.say("CLUSTER NODES").values()
                        if "master" in n["flags"])
                 for master in self.masters()]
        return all(h == heard[0] for h in heard)

    def wait(self, condition=None):
        condition = condition or self.is_agreed
        deadline = time.monotonic() + AGREE_SECONDS
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (redis.RedisError, OSError):
                pass
            time.sleep(0.05)
        raise AssertionError("the cluster does not come to rest" +
                             "".join(n.epitaph() for n in self.nodes))

    def owner(self, slot):
        port = next(port for first, last, port, _ in self.view(self.alive[0])
                    if first <= slot <= last)
        return next(n for n in self.alive if n.port == port)

    def flush(self):
        for node in self.masters():
            node.say("FLUSHALL")

    def total(self):
        """The sum over all counters, as the masters have it."""
        sum_ = 0
        for node in self.masters():
            for key in node.client.scan_iter("cluster:*"):
                sum_ += int(node.client.get(key))
        return sum_


@pytest.fixture(scope="module")
def made():
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(made):
    made.wait()
    made.flush()
    return made


class Counting:
    """The example, while it runs."""

    def __init__(self, cluster, count, seed=None):
        seed = seed or cluster.alive[0]
        self.process = subprocess.Popen(
            [program("cluster"), seed.name, str(count), str(KEYS)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def is_running(self):
        return self.process.poll() is None

    def end(self):
        try:
            output, self.complaint = self.process.communicate(
                timeout=RUN_SECONDS)
        finally:
            self.process.kill()
        found = re.search(r"answered (\d+), failed (\d+), sum (\d+)\nmoved (\d+),"
                          r" asked (\d+), retried (\d+), resent (\d+), maps (\d+)",
                          output)
        assert found, output + self.complaint
        (self.answered, self.failed, self.sum, self.moved, self.asked,
         self.retried, self.resent, self.maps) = map(int, found.groups())
        return self


def keyslot(cluster, key):
    return cluster.alive[0].say("CLUSTER KEYSLOT", key)


def move_slot(cluster, slot, source, target):
    """As an operator's tool does it, but as soon as it can be done."""
    cluster.wait(cluster.is_up_to_date)
    target.say("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
    source.say("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
    while True:
        keys = source.say("CLUSTER GETKEYSINSLOT", slot, 10)
        if not keys:
            break
        source.say("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS",
                   *keys)
    for node in [target, source, *cluster.masters()]:
        node.say("CLUSTER SETSLOT", slot, "NODE", target.id)


def gets_of(node):
    return node.client.info("commandstats").get("cmdstat_get", {"calls": 0})[
        "calls"]


def test_commands_find_their_nodes_and_reads_the_replicas(cluster):
    before = {n.port: gets_of(n) for n in cluster.alive}
    end = Counting(cluster, 5000).end()
    assert (end.answered, end.failed, end.sum) == (5000, 0, 5000)
    assert (end.moved, end.asked, end.maps) == (0, 0, 1)
    after = {n.port: gets_of(n) - before[n.port] for n in cluster.alive}
    assert sum(after.values()) == KEYS
    assert all(after[n.port] == 0 for n in cluster.masters())
    assert all(after[n.port] > 0 for n in cluster.replicas())


def test_a_replica_may_be_the_seed(cluster):
    end = Counting(cluster, 1000, seed=cluster.replicas()[0]).end()
    assert (end.answered, end.failed, end.moved) == (1000, 0, 0)


def test_slots_that_move_lose_and_double_nothing(cluster):
    run = Counting(cluster, 400_000)
    moves = 0
    while run.is_running() and moves < 40:
        slot = keyslot(cluster, f"cluster:{moves % KEYS}")
        source = cluster.owner(slot)
        target = next(n for n in cluster.masters() if n is not source)
        move_slot(cluster, slot, source, target)
        moves += 1
    assert moves > 1
    end = run.end()
    assert (end.answered, end.failed) == (400_000, 0)
    assert cluster.total() == 400_000
    assert end.moved > 0
    assert end.maps <= 1 + moves


def test_half_moved_slots_are_asked_for(cluster):
    """MIGRATING and IMPORTING stay: each new key is the target's."""
    slot = keyslot(cluster, "cluster:7")
    source = cluster.owner(slot)
    target = next(n for n in cluster.masters() if n is not source)
    target.say("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
    source.say("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
    try:
        end = Counting(cluster, 1000).end()
        assert (end.answered, end.failed, end.moved) == (1000, 0, 0)
        assert end.asked >= 1000 // KEYS
        assert end.maps == 1
    finally:
        target.say("CLUSTER SETSLOT", slot, "STABLE")
        target.say("FLUSHALL")
        source.say("CLUSTER SETSLOT", slot, "STABLE")


def test_a_replica_takes_over_while_commands_run(cluster):
    """CLUSTER FAILOVER: master and replica agree, so nothing is lost."""
    run = Counting(cluster, 300_000)
    time.sleep(0.1)
    replica = cluster.replicas()[0]
    replica.say("CLUSTER FAILOVER")
    cluster.wait(lambda: replica.say("ROLE")[0] == "master")
    end = run.end()
    assert end.answered + end.failed == 300_000
    assert end.answered <= cluster.total() <= 300_000
    # The old master may hang up on writes that it will not execute any more.
    assert end.failed < 2000, end.complaint[:1000]


def test_a_master_that_is_killed_is_replaced(cluster):
    """Last, since it costs a node. What the master had not passed on is lost,
    but commands go on, to whoever took over."""
    for node in cluster.alive:
        node.say("CONFIG SET", "cluster-node-timeout", 2000)
    slot = keyslot(cluster, "cluster:3")
    master = cluster.owner(slot)
    run = Counting(cluster, 200_000, seed=next(
        n for n in cluster.masters() if n is not master))
    time.sleep(0.1)
    master.process.send_signal(signal.SIGKILL)
    master.process.wait()
    cluster.wait()
    assert cluster.owner(slot) is not master
    end = run.end()
    assert end.answered + end.failed == 200_000
    assert end.failed < 2000, end.complaint[:1000]
    after = Counting(cluster, 1000).end()
    assert (after.answered, after.failed) == (1000, 0)


def test_nodes_are_encrypted_too(certs):  # noqa: F811
    """A cluster of one, which does not know its own address and is verified by
    the one that was asked. The system's trust is what OpenSSL is told it is."""
    ports = []
    for _ in range(3):
        ports.append(free_port(but=ports))
    server = EncryptedRedis(certs, "--cluster-enabled", "yes", "--tls-cluster",
                            "yes", "--tls-auth-clients", "no",
                            "--cluster-port", str(ports[-1]))
    try:
        client = redis.Redis(port=server.port, decode_responses=True)
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, SLOTS - 1)
        deadline = time.monotonic() + AGREE_SECONDS
        while not is_ok(client):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        argv = [program("cluster"), server.url, "1000", "10"]
        env = {**os.environ, "SSL_CERT_FILE": f"{certs}/ca.pem"}
        p = subprocess.run(argv, env=env, capture_output=True, text=True,
                           timeout=RUN_SECONDS)
        assert p.returncode == 0, p.stderr
        assert "answered 1000, failed 0, sum 1000" in p.stdout
        # Nobody is trusted without it.
        p = subprocess.run(argv, capture_output=True, text=True,
                           timeout=RUN_SECONDS)
        assert p.returncode == 1
        assert "certificate" in p.stderr
    finally:
        server.close()
