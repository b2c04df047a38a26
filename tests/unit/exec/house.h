/* house: a store, the execs of some workers on it, and seats: sessions without
 * a socket. What the sink is told and which keyspace events are raised is
 * written down. The tests of exec and of the command families share it.
 *
 * Requests are lines: words apart by one blank, 'quoted' where they hold blanks
 * or are empty, \xNN for any byte. Replies are compared with text in which |
 * stands for CR LF and \xNN for any byte. */
#ifndef ENGRAM_TESTS_UNIT_EXEC_HOUSE_H
#define ENGRAM_TESTS_UNIT_EXEC_HOUSE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exec/exec.h"

enum {
    HOUSE_WORKERS_MAX = 4,
    HOUSE_SEATS = 4,
    HOUSE_DATABASES = 4,
    HOUSE_NOW_MS = 1000000,
};

/* Text that grows. */
struct text {
    char *bytes; /* NUL-terminated; NULL: empty */
    size_t len, cap;
};

struct seat {
    struct chunk_pool pool;
    struct mem_account account;
    struct chain chain;
    struct session session;
    struct text taken;
    int64_t block_deadline_ms; /* as the last blocking command said */
};

struct house_options {
    uint32_t shard_count, worker_count; /* 0: one */
    bool is_silent; /* nothing is written down; several threads may run */
    const struct cmd_spec *const *families;
};

struct held_argv;

struct house {
    struct pages *pages;
    struct store *store;
    struct gate *gate; /* NULL with one worker */
    struct cmd_table *commands;
    struct exec_shared shared;
    struct mem_account interests_account;
    struct interests *interests;
    struct mailbox mailboxes[HOUSE_WORKERS_MAX];
    bool is_silent;
    struct mem_account table_account, accounts[HOUSE_WORKERS_MAX];
    struct exec *execs[HOUSE_WORKERS_MAX];
    uint32_t worker_count;
    struct seat seats[HOUSE_SEATS]; /* seat i belongs to worker i % count */
    int64_t now_ms, now_us;
    struct text effects, events;
    struct held_argv *held;
    struct house *replica; /* runs every effect when it is told; may be NULL */
    uint64_t guarded; /* changed by commands that have all shards */
    /* How often a shard's next deadline has come nearer, and whose did last. */
    _Atomic(uint32_t) sooner_count, sooner_shard;
};

void house_init(struct house *h, const struct house_options *o);
/* Asserts that every account is back at nothing. */
void house_deinit(struct house *h);
/* Hands out what other workers have sent to this one's sessions. */
void house_read_mail(struct house *h, uint32_t worker);
/* Lets time pass. */
void house_wait(struct house *h, int64_t ms);

/* Adds a request of the seat's worker; it is not run yet. */
void house_add(struct house *h, uint32_t seat, const char *line);
void house_add_argv(struct house *h, uint32_t seat, const struct slice *argv,
                    uint32_t argc);
/* Runs all that was added, of all workers in turn. */
void house_run(struct house *h);
/* What the seat was answered since last asked; valid until the next call. */
struct slice house_take(struct house *h, uint32_t seat);
/* Adds, runs and compares. */
void house_expect(struct house *h, uint32_t seat, const char *line,
                  const char *reply);
void house_expect_reply(struct house *h, uint32_t seat, const char *reply);
/* Compares what was written down since last asked, "; " between two: effects as
 * "SET a 1" or "2:SET a 1", events as "$set a" or "2:$set a". */
void house_expect_effects(struct house *h, const char *want);
void house_expect_events(struct house *h, const char *want);
/* Every invariant of every keyspace. */
void house_check(struct house *h);
/* Both hold the same keys with the same values and deadlines. */
void house_expect_equal(struct house *a, struct house *b);
/* The live entry, or NULL. */
struct entry *house_find(struct house *h, uint32_t database, const char *key);
struct keyspace *house_keyspace(struct house *h, uint32_t database,
                                const char *key);

#endif
