# Engram's front door, thin: Meson and Ninja build, tests/run tests.
#
#   make run [ARGS="--port 7000"]    build and start the server
#   make test                        everything, ending in one line of counts
#   make all                         build/release
#   make deps                        install what is missing (apt)
#   make tidy                        the rules of the house, see tests/tidy
#   make bench                       beside Debian's redis-server
#   make fuzz [FUZZ_SECONDS=600]     long, for each target
#   make oracle [ORACLE_SECONDS=600] beside redis-server, from a fresh seed
#   make install [PREFIX=/usr/local] [DESTDIR=]
#   make clean
#   make build-debug                 or -release -asan -tsan -fuzz
#
# `make run` and `make test` install and set up what they need themselves.

.DEFAULT_GOAL := all
.NOTPARALLEL:
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 600
ORACLE_SECONDS ?= 600
ARGS ?=

ifeq ($(origin CC),default)
CC := gcc
endif

# The build types: compiler and options of each. Asserts are on in all.
# ThreadSanitizer and libFuzzer are clang's, so that both compilers' warnings
# are seen by every `make test`.
BUILDS = release debug asan tsan fuzz
CC_release = $(CC)
CC_debug   = $(CC)
CC_asan    = $(CC)
CC_tsan    = clang
CC_fuzz    = clang
OPTIONS_release = -Dbuildtype=debugoptimized -Db_lto=true
OPTIONS_debug   = -Dbuildtype=debug
OPTIONS_asan    = -Dbuildtype=debugoptimized -Db_sanitize=address,undefined
OPTIONS_tsan    = -Dbuildtype=debugoptimized -Db_sanitize=thread
OPTIONS_fuzz    = -Dbuildtype=debugoptimized -Db_sanitize=address,undefined \
                  -Dfuzz=true -Dtests=false

SERVER = build/release/src/server/engram-server
# clang's link-time optimisation needs LLVM's linker.
LD_FOR = $(if $(findstring clang,$(CC_$(1))),CC_LD=lld)

.PHONY: all deps deps-build deps-test deps-bench run test tidy bench fuzz oracle install clean \
  $(BUILDS:%=build-%)
.PRECIOUS: build/%/build.ninja

all: deps-build build-release

deps: deps-test

deps-build:
	@scripts/deps build

deps-test:
	@scripts/deps test

deps-bench:
	@scripts/deps bench

build/%/build.ninja:
	@mkdir -p build/logs
	@echo "setting up build/$*"
	@$(if $(findstring lto,$(OPTIONS_$*)),$(call LD_FOR,$*)) CC="$(CC_$*)" \
	  meson setup build/$* $(OPTIONS_$*) >build/logs/setup-$*.log 2>&1 || \
	  { tail -n 20 build/logs/setup-$*.log; rm -rf build/$*; exit 1; }

$(BUILDS:%=build-%): build-%: build/%/build.ninja
	@ninja -C build/$*

# Only the server, not the tests.
run: deps-build build/release/build.ninja
	@ninja --quiet -C build/release $(SERVER:build/release/%=%)
	@exec $(SERVER) $(ARGS)

test: deps-test
	@tests/run

tidy: deps-build build-debug
	@tests/tidy --objects build/debug

bench: deps-bench build-release
	@bench/run $(ARGS)

fuzz: deps-test
	@tests/run --fuzz-seconds $(FUZZ_SECONDS) fuzz

oracle: deps-test
	@tests/run --oracle-seconds $(ORACLE_SECONDS) oracle

install: deps-build build-release
	@meson configure build/release -Dprefix="$(PREFIX)"
	DESTDIR="$(DESTDIR)" meson install -C build/release --quiet

clean:
	rm -rf build
