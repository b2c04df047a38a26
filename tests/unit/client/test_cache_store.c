/* Tests of client/cache_store and the index below it: the same answers as a
 * table that never forgets, for what the store still has; and limits that
 * hold. */
#include "client/cache_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests.h"

enum { KEYS = 40, FIELDS = 4, STEPS = 60000, TEXT_BYTES = 64 };

struct model {
    struct cache_store s;
    struct random r;
    int64_t now_us;
    /* What was put last for a key and field; -1: it must not be found. */
    int64_t value[KEYS][FIELDS];
    int64_t since_us[KEYS][FIELDS];
};

static void begin(struct cache_store *s, struct cache_limits limits,
                  int64_t fail_after)
{
    mem_account_init(&s->account);
    s->account.fail_after = fail_after;
    assert_int_equal(cache_store_init(s, &limits), ST_OK);
}

/* The hashes are few, so that different commands and keys meet. */
static struct cache_command command_of(char *text, size_t key, size_t field)
{
    int n = snprintf(text, TEXT_BYTES, "get %zu key%zu", field, key);
    struct slice bytes = slice_of(text, (size_t)n);
    return (struct cache_command){
        .bytes = bytes,
        .hash = (key * FIELDS + field) % 61,
        .key = slice_of(strstr(text, "key"), strlen(strstr(text, "key"))),
        .key_hash = key % 13,
    };
}

/* An array of the number and a text of some length. */
static void put(struct cache_store *s, size_t key, size_t field, int64_t value,
                size_t len, int64_t now_us)
{
    static const char bytes[8192] = "";
    char text[TEXT_BYTES];
    struct cache_command cmd = command_of(text, key, field);
    struct engram_reply items[2] = {
        { .type = ENGRAM_TYPE_INTEGER, .integer = value },
        { .type = ENGRAM_TYPE_STRING, .len = len, .text = bytes },
    };
    struct engram_reply reply = { .type = ENGRAM_TYPE_ARRAY,
                                  .len = 2,
                                  .items = items };
    cache_store_put(s, &cmd, &reply, now_us);
}

/* The number that is kept; -1: none. */
static int64_t get(struct cache_store *s, size_t key, size_t field,
                   int64_t now_us)
{
    char text[TEXT_BYTES];
    struct cache_command cmd = command_of(text, key, field);
    const struct engram_reply *r =
        cache_store_find(s, cmd.bytes, cmd.hash, now_us);
    return r == NULL ? -1 : engram_reply_integer(engram_reply_at(r, 0));
}

static void drop_key(struct cache_store *s, size_t key)
{
    char text[TEXT_BYTES];
    struct cache_command cmd = command_of(text, key, 0);
    cache_store_drop_key(s, cmd.key, cmd.key_hash);
}

static void forget(struct model *m, size_t first, size_t last)
{
    for (size_t key = first; key <= last; key++) {
        for (size_t field = 0; field < FIELDS; field++) {
            m->value[key][field] = -1;
        }
    }
}

static void look(struct model *m, size_t key, size_t field, bool is_exact)
{
    int64_t expected = m->value[key][field];
    int64_t age_us = m->now_us - m->since_us[key][field];
    if (m->s.limits.age_us_max > 0 && age_us >= m->s.limits.age_us_max) {
        expected = -1;
    }
    int64_t got = get(&m->s, key, field, m->now_us);
    if (is_exact || got >= 0) {
        assert_int_equal(got, expected);
    }
}

static void one_step(struct model *m, int64_t step, bool is_exact)
{
    size_t key = (size_t)random_below(&m->r, KEYS);
    size_t field = (size_t)random_below(&m->r, FIELDS);
    switch (random_below(&m->r, 16)) {
    case 0:
        drop_key(&m->s, key);
        forget(m, key, key);
        break;
    case 1: m->now_us += (int64_t)random_below(&m->r, 1000); break;
    case 2:
        if (random_below(&m->r, 100) == 0) {
            cache_store_clear(&m->s);
            assert_int_equal(m->s.by_key.count, 0);
            forget(m, 0, KEYS - 1);
        }
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        put(&m->s, key, field, step,
            (size_t)random_below(&m->r, random_below(&m->r, 50) ? 100 : 5000),
            m->now_us);
        m->value[key][field] = step;
        m->since_us[key][field] = m->now_us;
        break;
    default: look(m, key, field, is_exact); break;
    }
}

static void play(struct cache_limits limits, int64_t fail_after, bool is_exact)
{
    struct model *m = calloc(1, sizeof *m);
    begin(&m->s, limits, fail_after);
    random_init(&m->r, 11);
    forget(m, 0, KEYS - 1);
    for (int64_t step = 0; step < STEPS; step++) {
        one_step(m, step, is_exact);
        if (step % 16 == 0) {
            cache_store_check(&m->s);
        }
        if (m->s.account.fail_after == 0) {
            m->s.account.fail_after = (int64_t)random_below(&m->r, 40);
        }
    }
    struct cache_counts n = m->s.counts;
    assert_true(n.hits > 1000);
    assert_true(n.misses > 1000);
    assert_true(n.stored > 1000);
    assert_true(n.invalidated > 500);
    assert_true(is_exact == (n.evicted == 0));
    assert_true((limits.age_us_max > 0) == (n.expired > 0));
    cache_store_deinit(&m->s);
    assert_int_equal(mem_used(&m->s.account), 0);
    free(m);
}

static void all_is_found_where_there_is_room(void **state)
{
    (void)state;
    play((struct cache_limits){ .bytes_max = 1 << 20 }, -1, true);
}

static void what_is_found_is_right(void **state)
{
    (void)state;
    play((struct cache_limits){ .bytes_max = 16 * 1024 }, -1, false);
    play((struct cache_limits){ .bytes_max = 1 << 20, .entries_max = 50 }, -1,
         false);
    play((struct cache_limits){ .bytes_max = 16 * 1024, .age_us_max = 3000 },
         -1, false);
}

static void without_memory_there_is_less(void **state)
{
    (void)state;
    play((struct cache_limits){ .bytes_max = 16 * 1024 }, 100, false);
    struct cache_store s;
    for (int64_t n = 0; n < 2; n++) {
        mem_account_init(&s.account);
        s.account.fail_after = n;
        struct cache_limits limits = { .bytes_max = 4096 };
        assert_int_equal(cache_store_init(&s, &limits), ST_NOMEM);
        assert_int_equal(mem_used(&s.account), 0);
    }
}

static void what_is_asked_for_stays(void **state)
{
    (void)state;
    struct cache_store s;
    begin(&s, (struct cache_limits){ .bytes_max = 1 << 20, .entries_max = 10 },
          -1);
    for (size_t key = 0; key < 5; key++) {
        put(&s, key, 0, 1, 10, 0);
    }
    /* A hundred that nobody asks for go by. */
    for (size_t i = 0; i < 100; i++) {
        for (size_t key = 0; key < 5; key++) {
            assert_int_equal(get(&s, key, 0, 0), 1);
        }
        put(&s, 5 + i, 1, 2, 10, 0);
    }
    cache_store_check(&s);
    assert_int_equal(s.counts.evicted, 95);
    cache_store_deinit(&s);
}

static void one_reply_does_not_take_all(void **state)
{
    (void)state;
    struct cache_store s;
    begin(&s, (struct cache_limits){ .bytes_max = 32 * 1024 }, -1);
    put(&s, 1, 0, 1, 100, 0);
    put(&s, 2, 0, 1, 3000, 0);
    put(&s, 3, 0, 1, 4096, 0);
    assert_int_equal(get(&s, 1, 0, 0), 1);
    assert_int_equal(get(&s, 2, 0, 0), 1);
    assert_int_equal(get(&s, 3, 0, 0), -1);
    /* An older one of the same command does not outlive it. */
    put(&s, 1, 0, 2, 4096, 0);
    assert_int_equal(get(&s, 1, 0, 0), -1);
    cache_store_deinit(&s);
    assert_int_equal(mem_used(&s.account), 0);
}

int test_cache_store_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_found_where_there_is_room),
        cmocka_unit_test(what_is_found_is_right),
        cmocka_unit_test(without_memory_there_is_less),
        cmocka_unit_test(what_is_asked_for_stays),
        cmocka_unit_test(one_reply_does_not_take_all),
    };
    return cmocka_run_group_tests_name("cache_store", tests, NULL, NULL);
}
