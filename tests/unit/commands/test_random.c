/* Random commands, with time passing and memory failing: what the sink was told
 * leads a replica to the same keys, values and deadlines, at every step. */
#include <stdio.h>

#include "base/random.h"
#include "tests.h"

enum { STEPS = 20000, STEPS_A_COMPARISON = 20 };

/* K: a key, V: a value, N: a number, T: a time to live, D: a database. */
static const char *const templates[] = {
    "SET K V", "SET K V PX T", "SET K V KEEPTTL", "SET K V XX GET",
    "SET K V NX EX T", "SET K V PXAT T", "GETSET K V", "GETDEL K",
    "GETEX K PX T", "GETEX K PERSIST", "DELIFEQ K V", "SETNX K V",
    "APPEND K V", "APPEND K V", "SETRANGE K N V", "INCR K", "INCRBY K N",
    "DECRBY K N", "INCRBYFLOAT K N", "MSET K V K V K V", "MSETNX K V K V",
    "MSETEX 2 K V K V PX T", "MSETEX 2 K V K V KEEPTTL", "SETBIT K N 1",
    "BITOP OR K K K", "BITOP NOT K K", "BITOP DIFF K K K K",
    "BITFIELD K INCRBY u16 #N N", "DEL K K", "UNLINK K", "RENAME K K",
    "RENAMENX K K", "COPY K K REPLACE", "COPY K K DB D REPLACE", "MOVE K D",
    "EXPIRE K 1", "PEXPIRE K T", "PEXPIRE K T GT", "PEXPIRE K -1", "PERSIST K",
    "SELECT D", "SWAPDB D D", "FLUSHDB", "MGET K K K", "GET K",
};

static size_t write_value(struct random *r, char *out)
{
    char fill = (char)('a' + random_below(r, 26));
    switch (random_below(r, 4)) {
    case 0:
        return (size_t)sprintf(out, "%d", (int)random_below(r, 100000));
    case 1:
        return (size_t)sprintf(out, "''");
    case 2:
        return (size_t)sprintf(out, "%c%c%c", fill, fill, fill);
    default:
        break;
    }
    size_t len = random_below(r, random_below(r, 10) == 0 ? 3000 : 200) + 1;
    memset(out, fill, len);
    return len;
}

static void write_line(struct random *r, char *out)
{
    const size_t count = sizeof templates / sizeof templates[0];
    const char *p = templates[random_below(r, count)];
    for (const char *was = p; *p != 0; p++) {
        /* Letters that stand alone, or behind #. */
        bool is_alone = (p == was || p[-1] == ' ' || p[-1] == '#')
                        && (p[1] == ' ' || p[1] == 0);
        int n = (int)random_below(r, 700);
        if (is_alone && *p == 'K') {
            out += sprintf(out, "key:%d", n % 12);
        } else if (is_alone && *p == 'V') {
            out += write_value(r, out);
        } else if (is_alone && *p == 'N') {
            out += sprintf(out, "%d", n);
        } else if (is_alone && *p == 'T') {
            out += sprintf(out, "%d", n + 1);
        } else if (is_alone && *p == 'D') {
            out += sprintf(out, "%d", n % 100 < 97 ? 0 : n % HOUSE_DATABASES);
        } else {
            *out++ = *p;
        }
    }
    *out = 0;
}

static void grant(struct house *h, int64_t allocations)
{
    for (uint32_t i = 0; i < store_shard_count(h->store); i++) {
        for (uint32_t d = 0; d < HOUSE_DATABASES; d++) {
            struct keyspace *ks = store_keyspace(h->store, i, d);
            if (ks != NULL) {
                keyspace_account(ks)->fail_after = allocations;
            }
        }
    }
    h->accounts[0].fail_after = allocations;
}

static void drop_records(struct house *h)
{
    h->effects.len = 0;
    h->events.len = 0;
}

static void run_steps(uint32_t workers)
{
    static char line[20000];
    struct house h, replica;
    struct random r;
    random_init(&r, 99);
    script_house_init(&h, &replica, workers);
    for (unsigned n = 1; n <= STEPS; n++) {
        write_line(&r, line);
        house_add(&h, 0, line);
        grant(&h, n % 4 == 0 ? (int64_t)random_below(&r, 5) : -1);
        house_run(&h);
        grant(&h, -1);
        house_take(&h, 0);
        drop_records(&h);
        if (n % 10 == 0) {
            house_wait(&h, (int64_t)random_below(&r, 50));
            exec_background(h.execs[0], 1000000);
        }
        if (n % STEPS_A_COMPARISON == 0) {
            house_expect_equal(&h, &replica);
        }
    }
    script_house_deinit(&h, &replica);
}

static void test_replica_follows(void **state)
{
    (void)state;
    run_steps(1);
    run_steps(2);
}

int test_random_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replica_follows),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
