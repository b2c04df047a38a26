"""The client-side cache beside Debian's redis-server, which tracks keys."""
import os
import subprocess

import pytest

from conftest import BUILD, PROGRAM_SECONDS, SERVERS, Server, run

ROUNDS = 300


@pytest.fixture
def redis():
    made = []

    def start(*options):
        made.append(Server(SERVERS["redis"], *options))
        return made[-1]

    yield start
    for server in made:
        server.close()


def test_a_key_is_asked_for_again_once_it_has_changed(redis):
    assert run("cache", redis().url) == (
        0, "asked old\nfound old\nchanged\nasked new\nfound new\n"
           "2 hits, 2 misses, 1 forgotten\n", "")


def test_where_tracking_is_refused_nothing_is_kept(redis):
    server = redis("--user", *"default on nopass ~* &* +@all".split(),
                   "-client|tracking")
    status, output, _ = run("cache", server.url)
    assert status == 0
    assert "asked old\nnot kept: NOPERM" in output
    assert "0 hits, 1 misses" in output


@pytest.mark.parametrize("mode", [[], ["opt-in"], ["broadcast"]])
def test_nothing_old_is_read(redis, mode):
    """Writers, evictions, flushes and cut links, all at once."""
    p = subprocess.run([os.path.join(BUILD, "tests/client/cache-stress"),
                        str(redis().port), "7", str(ROUNDS), *mode],
                       capture_output=True, text=True, timeout=PROGRAM_SECONDS)
    assert (p.returncode, p.stderr) == (0, "")
    numbers = dict(zip(p.stdout.split()[::2], map(int, p.stdout.split()[1::2])))
    assert numbers["hits"] > 1000
    assert numbers["raced"] > 0
    assert numbers["invalidated"] > 1000
    assert numbers["compared"] > 1000
