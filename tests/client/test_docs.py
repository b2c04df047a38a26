"""What the README, the guide and the manual pages show works, and nothing is left
out."""
import re
import subprocess

import pytest
import redis

from conftest import BUILD, PROGRAM_SECONDS, ROOT, SERVERS, Server, free_port
from test_cluster import SLOTS, Node, is_ok
from test_sentinel import NAME, Process, wait_until

GUIDE = f"{ROOT}/docs/client.md"
MANUAL = f"{ROOT}/docs/man"
# A page of the library: its header.
PAGES = {"libengram.3": "engram.h", "libengram-cache.3": "cache.h",
         "libengram-cluster.3": "cluster.h", "libengram-pool.3": "pool.h",
         "libengram-sentinel.3": "sentinel.h"}
INCLUDE = f"-I{ROOT}/include"
STRICT = ["-Wall", "-Wextra", "-Werror", "-std=gnu17"]

# What the guide's pieces take as given; each sees what the ones before declared.
PRELUDE = """
#include <stddef.h>
#include <engram/engram.h>
%(includes)s
void pieces(const char *key, long long id, const void *data, size_t len,
            engram_reply_fn *on_reply, void *arg);
void pieces(const char *key, long long id, const void *data, size_t len,
            engram_reply_fn *on_reply, void *arg)
{
%(body)s
}
"""


def text_of(path):
    with open(path) as f:
        return f.read()


def pieces_of_guide():
    """The indented blocks that are C."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text_of(GUIDE), re.M)
    return [b for b in blocks if re.search(r";\s*(/\*.*\*/)?$", b, re.M)]


def compile_c(text, *options):
    done = subprocess.run(["cc", *STRICT, INCLUDE, "-xc", "-", *options],
                          input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_guides_pieces_compile():
    pieces = pieces_of_guide()
    assert len(pieces) >= 4
    includes = "".join(re.findall(r"^ *#include.*\n", "".join(pieces), re.M))
    body = "{".join(re.sub(r"^ *#include.*\n", "", p, flags=re.M)
                    for p in pieces) + "}" * (len(pieces) - 1)
    # `r` and others are shown being made, not being used.
    compile_c(PRELUDE % {"includes": includes, "body": body}, "-fsyntax-only",
              "-Wno-unused-but-set-variable", "-Wno-unused-variable",
              "-Wno-unused-parameter")


def uncommented(header):
    return re.sub(r"/\*.*?\*/", "", text_of(f"{ROOT}/include/engram/{header}"),
                  flags=re.S)


@pytest.mark.parametrize("page, header", PAGES.items())
def test_a_page_names_every_function(page, header):
    text = uncommented(header)
    declared = set(re.findall(r"ENGRAM_API[^;]*?\b(engram_\w+)\(", text))
    assert len(declared) > 10
    declared |= set(re.findall(r"^typedef void (\w+)\(", text, re.M))
    declared |= set(re.findall(r"^#define (engram_\w+_init)\(", text, re.M))
    macros = text_of(f"{MANUAL}/{page}")
    synopsis = macros[:macros.index(".Sh DESCRIPTION")]
    shown = set(re.findall(r"^\.F[no] (engram_\w+)", synopsis, re.M))
    # The macro is what programs use.
    assert declared - shown == {n for n in declared if n.endswith("_sized")}
    assert shown <= declared


@pytest.mark.parametrize("page, header", PAGES.items())
def test_a_page_names_every_option(page, header):
    [options] = re.findall(r"^struct engram_(?:\w+_)?options \{(.*?)^\};",
                           uncommented(header), re.M | re.S)
    options = re.findall(r"(\w+);", options)
    assert len(options) >= 8
    tags = re.findall(r"^\.It Va (.*)", text_of(f"{MANUAL}/{page}"), re.M)
    assert [o for tag in tags for o in tag.split(" , ")] == options


@pytest.mark.parametrize("page", PAGES)
def test_pages_lead_to_each_other(page):
    _, _, see = text_of(f"{MANUAL}/{page}").partition(".Sh SEE ALSO")
    named = {f"{n}.3" for n in re.findall(r"^\.Xr (\S+) 3", see, re.M)}
    assert named == set(PAGES) - {page}


def run_program(text, folder, old_port, port):
    """Makes and runs what is shown, with another port: what it prints."""
    assert f":{old_port}\"" in text
    library = f"{BUILD}/src/client"
    compile_c(text.replace(f":{old_port}\"", f":{port}\""),
              "-o", f"{folder}/program", f"-L{library}",
              f"-Wl,-rpath,{library}", "-lengram")
    done = subprocess.run([f"{folder}/program"], capture_output=True, text=True,
                          timeout=PROGRAM_SECONDS)
    return done.returncode, done.stdout


def run_example(page, *more):
    [example] = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed",
                           text_of(f"{MANUAL}/{page}"), re.M | re.S)
    return run_program(example.replace("\\e", "\\"), *more)


@pytest.mark.parametrize("page", ["libengram.3", "libengram-pool.3"])
def test_an_example_works(page, tmp_path, server):
    assert run_example(page, tmp_path, 6379, server.port) == (0, "value\n")


def test_the_readmes_program_works(tmp_path, server):
    [shown] = re.findall(r"^    #include.*?^    }$", text_of(f"{ROOT}/README.md"),
                         re.M | re.S)
    redis.Redis(port=server.port).set("greeting", "hello")
    assert run_program(shown, tmp_path, 6379, server.port) == (0, "hello\n")


def test_the_caches_example_works(tmp_path):
    server = Server(SERVERS["redis"])
    try:
        shown = run_example("libengram-cache.3", tmp_path, 6379, server.port)
    finally:
        server.close()
    assert shown == (0, "value\n")


def test_the_clusters_example_works(tmp_path):
    node = Node()
    try:
        node.say("CLUSTER ADDSLOTSRANGE", 0, SLOTS - 1)
        wait_until("a cluster of one", lambda: is_ok(node.client))
        shown = run_example("libengram-cluster.3", tmp_path, 6379, node.port)
    finally:
        node.close()
    assert shown == (0, "value\n")


def test_the_sentinels_example_works(tmp_path):
    server = Server(SERVERS["redis"])
    try:
        sentinel = Process(
            tmp_path, free_port(but=[server.port]),
            f"sentinel monitor {NAME} 127.0.0.1 {server.port} 1\n",
            "--sentinel")
        try:
            wait_until("a sentinel", sentinel.redis.ping)
            shown = run_example("libengram-sentinel.3", tmp_path, 26379,
                                sentinel.port)
        finally:
            sentinel.kill()
    finally:
        server.close()
    assert shown == (0, "value\n")


@pytest.mark.parametrize("page", [*PAGES, "engram-server.8",
                                  "engram-benchmark.1"])
def test_the_manual_is_well_formed(page):
    try:
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning",
                               f"{MANUAL}/{page}"],
                              capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mandoc")
    assert done.stdout == ""
