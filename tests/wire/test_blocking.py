"""Sessions that wait for elements: order, ends of waiting, chains, loss of none."""
import threading

import pytest

from rawconn import ReplyError, encode
from waiting import wait_until


def wait_blocked(r, count):
    """Polls until so many sessions wait."""
    wait_until(lambda: r.info("clients")["blocked_clients"] == count)


def test_what_stands_behind_a_wait_of_one_turn(server):
    """Waits, what is behind them, and the pushes that end them come at once."""
    own = server.new(enable_debug_command="yes")
    waiters = [own.connect() for _ in range(6)]
    with own.connect() as sleeper, own.connect() as pusher:
        for conn in waiters + [sleeper, pusher]:
            conn.cmd("PING")
        sleeper.send_cmd("DEBUG", "SLEEP", "0.2")
        for w in waiters:
            w.send(encode("BLPOP", "q", "0") + encode("SET", "k", "v"))
        pusher.send(encode("RPUSH", "q", *range(6)) + encode("PING"))
        assert pusher.read_reply() > 0
        assert pusher.read_reply() == b"PONG"
        for w in waiters:
            assert w.read_reply()[0] == b"q"
            assert w.read_reply() == b"OK"
            w.close()


def test_oldest_waiter_is_served_first(r, raws):
    waiters = raws(8)
    for i, w in enumerate(waiters):
        w.send_cmd("BLPOP", "other%d" % i, "k", "0")
        wait_blocked(r, i + 1)
    for i in range(8):
        r.rpush("k", "e%d" % i)
        assert waiters[i].read_reply() == [b"k", b"e%d" % i]
    assert r.exists("k") == 0


def test_one_push_serves_as_many_as_it_has_elements_for(r, raws):
    waiters = raws(3)
    for i, w in enumerate(waiters):
        w.send_cmd("BRPOP", "k", "0")
        wait_blocked(r, i + 1)
    assert r.rpush("k", "a", "b", "c", "d") == 4
    assert [w.read_reply()[1] for w in waiters] == [b"d", b"c", b"b"]
    assert r.lrange("k", 0, -1) == [b"a"]


@pytest.mark.parametrize("timeout", ["0.001", "0.02", "1e-9"])
def test_timeout_ends_it(raws, timeout):
    w, = raws(1)
    assert w.cmd("BLPOP", "k", timeout) is None
    assert w.cmd("BLMPOP", timeout, "1", "k", "LEFT") is None
    assert w.cmd("BLMOVE", "k", "l", "LEFT", "LEFT", timeout) is None
    assert w.cmd("PING") == b"PONG"


def test_unblock(r, raws):
    w, = raws(1)
    number = w.cmd("CLIENT", "ID")
    w.send_cmd("BLPOP", "k", "0")
    wait_blocked(r, 1)
    assert r.client_unblock(number) == 1
    assert w.read_reply() is None
    w.send_cmd("BLPOP", "k", "0")
    wait_blocked(r, 1)
    assert r.client_unblock(number, error=True) == 1
    assert w.read_reply() == ReplyError(
        "UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert r.client_unblock(number) == 0


def test_who_leaves_takes_nothing(r, raws):
    first, second = raws(2)
    first.send_cmd("BLPOP", "k", "0")
    wait_blocked(r, 1)
    second.send_cmd("BLPOP", "k", "0")
    wait_blocked(r, 2)
    first.close()
    wait_blocked(r, 1)
    r.rpush("k", "x")
    assert second.read_reply() == [b"k", b"x"]


def test_who_is_killed_takes_nothing(r, raws):
    """Once CLIENT KILL has answered, wherever the victim lives."""
    for _ in range(100):
        victim, = raws(1)
        number = victim.cmd("CLIENT", "ID")
        victim.send_cmd("BLPOP", "k", "0")
        wait_blocked(r, 1)
        pipe = r.pipeline(transaction=False)
        pipe.client_kill_filter(_id=number)
        pipe.rpush("k", "x").lpop("k")
        assert pipe.execute() == [1, 1, b"x"]
        wait_blocked(r, 0)


def test_pipeline_behind_a_waiting_command(r, raws):
    w, = raws(1)
    w.send_cmd("BLPOP", "k", "0")
    w.send_cmd("RPUSH", "after", "1")
    w.send_cmd("LLEN", "after")
    wait_blocked(r, 1)
    assert r.exists("after") == 0
    r.rpush("k", "x")
    assert w.read_replies(3) == [[b"k", b"x"], 1, 1]


def test_in_a_transaction_nobody_waits(raws):
    w, = raws(1)
    w.pipeline([("MULTI",), ("BLPOP", "k", "0"),
                ("BLMOVE", "k", "l", "LEFT", "LEFT", "0")])
    assert w.cmd("EXEC") == [None, None]


def test_a_chain_of_moves(r, raws):
    movers = raws(5)
    for i, w in enumerate(movers):
        w.send_cmd("BLMOVE", "k%d" % i, "k%d" % (i + 1), "RIGHT", "LEFT", "0")
        wait_blocked(r, i + 1)
    r.rpush("k0", "x")
    assert [w.read_reply() for w in movers] == [b"x"] * 5
    assert r.lrange("k5", 0, -1) == [b"x"]
    assert r.exists(*("k%d" % i for i in range(5))) == 0


def test_no_element_is_lost_or_doubled(r, raws):
    takers, pushers, each = raws(6), raws(3), 200
    taken = [[] for _ in takers]

    def take(w, out):
        while True:
            reply = w.cmd("BLPOP", "p", "q", "0")
            if reply[1] == b"end":
                return
            out.append(reply[1])

    threads = [threading.Thread(target=take, args=pair)
               for pair in zip(takers, taken)]
    for t in threads:
        t.start()
    for n in range(each):
        for i, p in enumerate(pushers):
            p.cmd("RPUSH", "pq"[n % 2], "%d-%d" % (i, n))
    for _ in takers:
        r.rpush("q", "end")
    for t in threads:
        t.join(20)
        assert not t.is_alive()
    got = sorted(sum(taken, []))
    left = r.lrange("p", 0, -1) + [e for e in r.lrange("q", 0, -1)
                                   if e != b"end"]
    want = sorted(b"%d-%d" % (i, n) for i in range(3) for n in range(each))
    assert sorted(got + left) == want
