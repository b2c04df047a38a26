"""Sorted sets over the wire: against a model, large ones, sessions that wait."""
import random
import threading
import time

import pytest
import redis


def ordered(model):
    return sorted(model.items(), key=lambda i: (i[1], i[0]))


@pytest.mark.parametrize("members, encoding", [(60, b"listpack"),
                                               (3000, b"skiplist")])
def test_random_steps_agree_with_a_model(r, members, encoding):
    rand = random.Random(members)
    model = {}
    for _ in range(4000):
        member = b"m%d" % rand.randrange(members)
        score = rand.choice([rand.randrange(50), rand.random(), -1e20])
        step = rand.randrange(10)
        if step < 6:
            assert r.zadd("z", {member: score}) == (member not in model)
            model[member] = float(score)
        elif step == 6:
            assert r.zrem("z", member) == (model.pop(member, None) is not None)
        elif step == 7:
            low, high = sorted([rand.randrange(50), rand.randrange(50)])
            want = [i for i in ordered(model) if low <= i[1] <= high]
            assert r.zrangebyscore("z", low, high, withscores=True) == want
            assert r.zcount("z", low, high) == len(want)
        elif step == 8 and model:
            rank = [m for m, _ in ordered(model)].index
            member = rand.choice(list(model))
            assert r.zrank("z", member) == rank(member)
            assert r.zrevrank("z", member) == len(model) - 1 - rank(member)
        else:
            want = ordered(model)[:2]
            assert r.zpopmin("z", 2) == want
            for member, _ in want:
                del model[member]
    r.zadd("z", {b"pad%d" % i: i for i in range(10)})
    if encoding == b"skiplist":
        r.zadd("z", {b"x" * 65: 1})
    assert r.object("encoding", "z") == encoding
    assert r.zremrangebyrank("z", 0, -1) > 0
    assert r.exists("z") == 0


def test_long_ranges_go_at_once(r):
    model = {b"m%05d" % i: i * 7919 % 30000 for i in range(30000)}
    r.zadd("z", model)

    def left():
        return [m for m, _ in ordered(model)]

    def keep(is_kept):
        for member in [m for m in model if not is_kept(model[m])]:
            del model[member]

    for step in range(4):
        count = len(model)
        gone = set(left()[100:count // 2])
        assert r.zremrangebyrank("z", 100, count // 2 - 1) == len(gone)
        for member in gone:
            del model[member]
        assert r.zcard("z") == len(model)
        assert all(s is None for s in r.zmscore("z", list(gone)[:50]))
        # Some come back before the background has freed their like.
        back = {m: step for m in list(gone)[:3000]}
        assert r.zadd("z", back) == len(back)
        model.update(back)
        assert set(r.zscan_iter("z", count=5000)) == set(
            (m, float(s)) for m, s in model.items())
        assert r.zrange("z", 0, -1) == left()
        assert all(m in model for m in r.zrandmember("z", -200))
    assert r.zremrangebyscore("z", 5000, "+inf") > 0
    keep(lambda score: score < 5000)
    assert r.zrange("z", 0, -1) == left()
    assert r.rename("z", "y") and r.delete("y") == 1


def test_limits_of_the_packed_form(r):
    r.zadd("z", {b"m%d" % i: i for i in range(128)})
    assert r.object("encoding", "z") == b"listpack"
    r.zadd("z", {b"one more": 1})
    assert r.object("encoding", "z") == b"skiplist"
    for times, form in ((128, b"listpack"), (129, b"skiplist")):
        assert r.execute_command("ZADD", "wide", *[1, "a"] * times) in (0, 1)
        assert r.object("encoding", "wide") == form
    r.zadd("long", {b"x" * 64: 1})
    assert r.object("encoding", "long") == b"listpack"
    r.zadd("long", {b"x" * 65: 1})
    assert r.object("encoding", "long") == b"skiplist"


def test_scan_sees_what_stays(r):
    stay = {b"stay%d" % i: i for i in range(3000)}
    r.zadd("z", stay)
    seen, cursor, i = {}, 0, 0
    while True:
        cursor, items = r.zscan("z", cursor, count=50)
        seen.update(items)
        r.zadd("z", {b"new%d" % n: 1 for n in range(i, i + 40)})
        r.zrem("z", *[b"new%d" % n for n in range(i - 40, i, 2)] or [b"none"])
        i += 40
        if cursor == 0:
            break
    assert stay.items() <= seen.items()


def test_copies_and_names_of_large_sets(r):
    items = {b"m%d" % i: i for i in range(2000)}
    r.zadd("z", items)
    assert r.copy("z", "copy")
    assert r.rename("z", "renamed")
    assert r.zrange("copy", 0, -1, withscores=True) == ordered(items)
    assert r.zrange("renamed", 0, -1, withscores=True) == ordered(items)
    assert r.zunionstore("sum", ["copy", "renamed"]) == 2000
    assert r.zscore("sum", "m7") == 14
    assert r.zdiffstore("none", ["copy", "renamed"]) == 0


def test_a_large_set_goes_at_once(r):
    pipe = r.pipeline(transaction=False)
    for i in range(0, 200000, 500):
        pipe.zadd("z", {b"member:%d" % n: n for n in range(i, i + 500)})
    pipe.execute()
    assert r.zcard("z") == 200000
    assert r.zremrangebyscore("z", "-inf", "+inf") == 200000
    assert r.exists("z") == 0


def test_waiting(server, raws):
    one, two, three = raws(3)
    one.send(b"BZPOPMIN a b 0\r\n")
    assert one.silent(0.1)
    two.send(b"BZMPOP 0 2 b a MAX COUNT 10\r\n")
    assert two.silent(0.1)
    assert three.cmd("ZADD", "b", "1", "x", "2", "y", "3", "z") == 3
    assert one.read_reply() == [b"b", b"x", b"1"]
    assert two.read_reply() == [b"b", [[b"z", b"3"], [b"y", b"2"]]]
    assert three.cmd("EXISTS", "b") == 0
    begin = time.monotonic()
    assert one.cmd("BZPOPMAX", "a", "0.1") is None
    assert time.monotonic() - begin >= 0.1


def test_what_makes_sets_serves_who_waits(server, raws):
    one, two = raws(2)
    two.cmd("ZADD", "from", "1", "x")
    two.cmd("SADD", "set", "s")
    makers = [("ZUNIONSTORE", "to", "2", "from", "set"),
              ("ZRANGESTORE", "to", "from", "0", "-1"),
              ("ZINCRBY", "to", "1", "m"), ("RENAME", "from", "to")]
    for words in makers:
        one.send(b"BZPOPMIN to 0\r\n")
        assert one.silent(0.05)
        two.cmd(*words)
        assert one.read_reply()[0] == b"to"
        two.cmd("DEL", "to")


def test_each_element_is_taken_once(server):
    """Sessions of all workers add to a few sets and take from them."""
    count, keys, taken = 400, ["q1", "q2", "q3", "q4"], []

    def connect():
        return redis.Redis(port=server.port, socket_timeout=60)

    def add(number):
        rand, c = random.Random(number), connect()
        for i in range(count):
            c.zadd(rand.choice(keys), {"%d:%d" % (number, i): rand.random()})
        c.close()

    def take(number):
        rand, c, got = random.Random(number), connect(), []
        while True:
            order = rand.sample(keys, 4)
            way = rand.randrange(3)
            if way == 0:
                item = c.bzpopmin(order, timeout=5)
                item = [item[1]] if item else None
            elif way == 1:
                item = c.bzpopmax(order, timeout=5)
                item = [item[1]] if item else None
            else:
                item = c.execute_command("BZMPOP", 5, 4, *order, "MIN", "COUNT", 2)
                item = [i[0] for i in item[1]] if item else None
            if item is None:
                break
            got += item
        taken.extend(got)
        c.close()

    takers = [threading.Thread(target=take, args=(n,)) for n in range(6)]
    adders = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for t in takers + adders:
        t.start()
    for t in adders:
        t.join()
    c = connect()
    deadline = time.monotonic() + 30
    while any(c.exists(k) for k in keys) and time.monotonic() < deadline:
        time.sleep(0.01)
    for t in takers:
        t.join()
    assert len(taken) == len(set(taken)) == 4 * count
    c.close()
