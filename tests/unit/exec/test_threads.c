/* Four workers on one store: commands on several keys are whole to all others,
 * and so are those with every shard. */
#include <stdio.h>

#include "fakes.h"
#include "sync/thread.h"
#include "tests.h"

enum { WORKERS = 4, SHARDS = 8, BATCHES = 1500 };

struct runner {
    struct house *h;
    uint32_t worker;
    struct barrier *start;
    uint64_t broken; /* replies that must not be */
};

static void add(struct runner *r, const struct slice *argv, uint32_t argc)
{
    exec_add(r->h->execs[r->worker], &r->h->seats[r->worker].session, argv,
             argc);
}

/* Counts the answers that are not integers, or are ":0": a pair of keys that
 * was seen apart. Bumps answer at least 1; WHOLE has no lock to show. */
static void read_replies(struct runner *r)
{
    struct chain *c = &r->h->seats[r->worker].chain;
    struct iovec iov[4];
    int n = chain_vectors(c, iov, 4);
    char before = '\n';
    for (int i = 0; i < n; i++) {
        const char *p = iov[i].iov_base;
        for (size_t at = 0; at < iov[i].iov_len; at++) {
            r->broken += before == '\n' && p[at] != ':';
            r->broken += before == ':' && p[at] == '0';
            before = p[at];
        }
    }
    chain_consume(c, c->bytes);
}

static void run(void *arg)
{
    struct runner *r = arg;
    struct exec *x = r->h->execs[r->worker];
    char own[8];
    snprintf(own, sizeof own, "own:%u", r->worker);
    const struct slice bump_hot[] = {SLICE_LIT("bump"), SLICE_LIT("hot")};
    const struct slice bump_own[] = {SLICE_LIT("bump"), slice_of_text(own)};
    const struct slice bump_pair[] = {SLICE_LIT("bump"), SLICE_LIT("left"),
                                      SLICE_LIT("middle"), SLICE_LIT("right")};
    const struct slice same[] = {SLICE_LIT("same"), SLICE_LIT("right"),
                                 SLICE_LIT("left"), SLICE_LIT("middle")};
    const struct slice bump_both[] = {SLICE_LIT("bump"), slice_of_text(own),
                                      SLICE_LIT("hot")};
    const struct slice whole[] = {SLICE_LIT("whole")};
    barrier_wait(r->start);
    for (int i = 0; i < BATCHES; i++) {
        add(r, bump_hot, 2);
        add(r, bump_own, 2);
        add(r, same, 4);
        add(r, bump_pair, 4);
        add(r, same, 4);
        add(r, bump_both, 3);
        if (i % 64 == (int)r->worker) {
            add(r, whole, 1);
            add(r, same, 4);
        }
        exec_run(x);
        if (i % 64 == (int)r->worker) {
            /* WHOLE answers which locks are held: rightly none. */
            chain_consume(&r->h->seats[r->worker].chain,
                          r->h->seats[r->worker].chain.bytes);
        } else {
            read_replies(r);
        }
        if (i % 100 == 0) {
            exec_background(x, 100);
        }
    }
}

static void expect_number(struct house *h, const char *key, uint64_t v)
{
    char line[32], text[32], reply[64];
    snprintf(line, sizeof line, "fetch %s", key);
    snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    snprintf(reply, sizeof reply, "$%zu|%s|", strlen(text), text);
    house_expect(h, 0, line, reply);
}

static void test_commands_are_whole(void **state)
{
    (void)state;
    struct house h;
    struct runner runners[WORKERS];
    struct thread *threads[WORKERS];
    struct barrier start;
    const struct house_options o = {
        .families = fake_families, .shard_count = SHARDS,
        .worker_count = WORKERS, .is_silent = true,
    };
    house_init(&h, &o);
    barrier_init(&start, WORKERS);
    for (uint32_t i = 0; i < WORKERS; i++) {
        runners[i] = (struct runner){&h, i, &start, 0};
        assert_int_equal(thread_start("runner", run, &runners[i], &threads[i]),
                         ST_OK);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        thread_join(&threads[i]);
        assert_int_equal(runners[i].broken, 0);
    }
    uint64_t wholes = 0;
    for (int i = 0; i < BATCHES; i++) {
        wholes += i % 64 < WORKERS;
    }
    assert_int_equal(h.guarded, wholes);
    expect_number(&h, "hot", WORKERS * BATCHES * 2);
    expect_number(&h, "middle", WORKERS * BATCHES);
    for (int i = 0; i < WORKERS; i++) {
        char key[8];
        snprintf(key, sizeof key, "own:%d", i);
        expect_number(&h, key, BATCHES * 2);
    }
    house_check(&h);
    house_deinit(&h);
}

int test_threads_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_are_whole),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
