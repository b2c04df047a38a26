"""Small programs as people write them: a job queue, a leaderboard, a store of
sessions. In Python here, and the same in JavaScript in clients/programs.js.
"""
import os
import threading
import time

import pytest
import redis

from test_clients import HERE, need_node, play
from waiting import wait_until

SECONDS = 30


# ---- a job queue ----

class Worker(threading.Thread):
    """Takes jobs into a list of its own, and strikes out those that are done."""

    def __init__(self, port, name, dies_at=None):
        super().__init__(daemon=True)
        self.r = redis.Redis(port=port, socket_timeout=SECONDS)
        self.own = "working:" + name
        self.dies_at = dies_at
        self.error = None

    def run(self):
        try:
            self.work()
        except Exception as e:
            self.error = e
        finally:
            self.r.close()

    def work(self):
        count = 0
        while True:
            job = self.r.blmove("jobs", self.own, SECONDS, "RIGHT", "LEFT")
            count += 1
            if count == self.dies_at:
                return
            if job != b"stop":
                self.r.zincrby("done", 1, job)
            assert self.r.lrem(self.own, 1, job) == 1
            if job == b"stop":
                return

    def end(self):
        self.join(SECONDS)
        assert not self.is_alive() and self.error is None, self.error


def recover(r, own):
    """Gives back what a dead worker had, in its order."""
    count = 0
    while r.lmove(own, "jobs", "LEFT", "RIGHT") is not None:
        count += 1
    return count


def test_job_queue(server, r):
    workers = [Worker(server.port, str(i)) for i in range(4)]
    mortal = Worker(server.port, "mortal", dies_at=5)
    for worker in workers + [mortal]:
        worker.start()
    jobs = [b"job:%d" % i for i in range(300)]
    pipe = r.pipeline(transaction=True)
    for job in jobs:
        pipe.lpush("jobs", job)
        if len(pipe) == 50:
            pipe.execute()
            assert mortal.error is None
    # It may have been too slow for five jobs of these.
    while mortal.is_alive():
        jobs.append(b"more:%d" % len(jobs))
        r.lpush("jobs", jobs[-1])
    mortal.end()
    held = r.lrange(mortal.own, 0, -1)
    assert len(held) == 1 and held[0] in jobs
    assert r.zscore("done", held[0]) is None
    assert recover(r, mortal.own) == 1
    for _ in workers:
        r.lpush("jobs", "stop")
    for worker in workers:
        worker.end()
    done = r.zrange("done", 0, -1, withscores=True)
    assert sorted(done) == sorted((job, 1.0) for job in jobs)
    assert r.keys("*") == [b"done"]
    assert r.info("clients")["blocked_clients"] == 0


def test_a_job_is_tried_again_under_watch(server, r):
    """Two supervisors recover the same dead worker; each job comes back once."""
    r.rpush("working:x", *range(100))

    def supervise():
        mine = redis.Redis(port=server.port)
        with mine.pipeline() as pipe:
            while True:
                try:
                    pipe.watch("working:x")
                    job = pipe.lindex("working:x", -1)
                    if job is None:
                        return
                    pipe.multi()
                    pipe.rpop("working:x")
                    pipe.lpush("jobs", job)
                    assert pipe.execute()[0] == job
                except redis.WatchError:
                    pass

    threads = [threading.Thread(target=supervise, daemon=True)
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert r.lrange("jobs", 0, -1) == [b"%d" % i for i in range(100)]


# ---- a leaderboard ----

def test_leaderboard(r):
    points = {b"player:%d" % i: i * 7 % 400 for i in range(400)}
    r.zadd("board", points)
    for i in range(0, 400, 3):
        name = b"player:%d" % i
        points[name] += 1.5
        assert r.zincrby("board", 1.5, name) == points[name]
    ranked = sorted(points.items(), key=lambda p: (p[1], p[0]), reverse=True)
    assert r.zrevrange("board", 0, 9, withscores=True) == ranked[:10]
    assert r.zrevrange("board", 100, 119, withscores=True) == ranked[100:120]
    for place in (0, 1, 57, 399):
        name, score = ranked[place]
        assert r.zrevrank("board", name) == place
        assert r.zscore("board", name) == score
    # Who is around me?
    rank = r.zrevrank("board", "player:7")
    around = r.zrevrange("board", rank - 2, rank + 2)
    assert around == [name for name, _ in ranked[rank - 2:rank + 3]]
    assert r.zrevrank("board", "nobody") is None
    assert r.zcount("board", 100, "(200") == sum(100 <= s < 200
                                                 for s in points.values())
    # Only the best hundred are kept.
    assert r.zremrangebyrank("board", 0, -101) == 300
    assert r.zcard("board") == 100
    assert r.zrange("board", 0, 0) == [ranked[99][0]]


def test_leaderboard_of_a_week(r):
    for day in range(7):
        r.zadd("day:%d" % day, {"ann": day, "bob": 3, "day%d" % day: 1})
    assert r.zunionstore("week", ["day:%d" % d for d in range(7)]) == 9
    assert r.zrevrange("week", 0, 1, withscores=True) == [(b"ann", 21.0),
                                                          (b"bob", 21.0)][::-1]
    assert r.zinterstore("always", {"day:%d" % d: 2 for d in range(7)},
                         aggregate="MAX") == 2
    assert r.zscore("always", "ann") == 12.0


# ---- a store of sessions ----

class Sessions:
    """A session is a hash; each look at it gives it its whole time again."""

    def __init__(self, r, time_ms):
        self.r, self.time_ms = r, time_ms

    def begin(self, name, **fields):
        with self.r.pipeline(transaction=True) as pipe:
            pipe.hset(name, mapping=fields)
            pipe.pexpire(name, self.time_ms)
            assert pipe.execute() == [len(fields), True]

    def look(self, name):
        with self.r.pipeline(transaction=True) as pipe:
            pipe.hgetall(name)
            pipe.pexpire(name, self.time_ms)
            fields, is_there = pipe.execute()
        assert bool(fields) == is_there
        return fields


def test_sessions(r):
    store = Sessions(r, 1000)
    store.begin("s:1", user="ann", visits=0)
    store.begin("s:2", user="bob", visits=0)
    visits = 0
    # Looked at, it outlives its time; the other one does not.
    while r.exists("s:2"):
        visits += 1
        assert r.hincrby("s:1", "visits", 1) == visits
        assert store.look("s:1") == {b"user": b"ann",
                                     b"visits": b"%d" % visits}
        time.sleep(0.01)
    assert r.hgetall("s:2") == {} and r.hget("s:1", "user") == b"ann"
    wait_until(lambda: r.dbsize() == 0, SECONDS)
    assert store.look("s:1") == {}
    # A late count makes a new session without a deadline: the program's fault.
    assert r.hincrby("s:1", "visits", 1) == 1
    assert r.ttl("s:1") == -1


def test_sessions_keep_their_deadline(r):
    """Writing a field does not move it; a new value of the key takes it off."""
    r.hset("s", mapping={"user": "ann", "cart": "empty"})
    assert r.expire("s", 100)
    r.hset("s", "cart", "full")
    r.hdel("s", "user")
    assert 0 < r.ttl("s") <= 100
    assert r.rename("s", "t") and 0 < r.ttl("t") <= 100
    assert r.persist("t") and r.ttl("t") == -1
    assert r.expire("t", 100) and not r.expire("t", 200, nx=True)
    assert r.hdel("t", "cart") == 1 and r.ttl("t") == -2
    r.hset("t", "cart", "new")
    assert r.ttl("t") == -1


# ---- the same in JavaScript ----

@pytest.mark.parametrize("program", ["queue", "leaderboard", "sessions"])
def test_ioredis(server, program):
    play(server, ["node", os.path.join(HERE, "programs.js"), program],
         need_node("ioredis"))
