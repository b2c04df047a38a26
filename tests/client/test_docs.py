"""What the guide and the manual page show compiles, and nothing is left out."""
import re
import subprocess

import pytest

from conftest import BUILD, ROOT

GUIDE = f"{ROOT}/docs/client.md"
MANUAL = f"{ROOT}/docs/man/libengram.3"
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
    enum engram_status st;
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


def test_the_manual_names_every_function():
    declared = set(re.findall(r"ENGRAM_API[^;]*?\b(engram_\w+)\(",
                              text_of(f"{ROOT}/include/engram/engram.h")))
    named = set(re.findall(r"^\.F[no] (engram_\w+)", text_of(MANUAL), re.M))
    assert len(declared) > 40
    assert declared <= named
    assert named - declared == {"engram_options_init"}  # a macro


def test_the_manuals_example_works(tmp_path, server):
    [example] = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text_of(MANUAL),
                           re.M | re.S)
    example = example.replace("\\e", "\\").replace("6379", str(server.port))
    library = f"{BUILD}/src/client"
    compile_c(example, "-o", f"{tmp_path}/program", f"-L{library}",
              f"-Wl,-rpath,{library}", "-lengram")
    done = subprocess.run([f"{tmp_path}/program"], capture_output=True,
                          text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "value\n")


@pytest.mark.parametrize("page", ["libengram.3", "engram-server.8",
                                  "engram-benchmark.1"])
def test_the_manual_is_well_formed(page):
    try:
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning",
                               f"{ROOT}/docs/man/{page}"],
                              capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no mandoc")
    assert done.stdout == ""
