/* Tests of the store: keyspaces against a naive model over random steps, with
 * their invariants; deadlines; flush, swap and reclaim; failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store.h"
#include "store/store_priv.h"

enum { MODEL_KEYS = 700, VALUE_MAX = 3000, NOW_MS = 1000000 };

struct model {
    bool is_there;
    size_t len;
    uint8_t bytes[VALUE_MAX];
    int64_t deadline_ms; /* 0: none */
};

struct heard {
    size_t count;
    char last_key[64];
};

struct world {
    struct pages *pages;
    struct store *store;
    struct heard heard;
    struct random random;
};

static void hear(void *self, const struct change *c)
{
    struct heard *h = self;
    h->count++;
    assert_int_equal(c->argc, 2);
    assert_true(slice_equal(c->argv[0], SLICE_LIT("DEL")));
    snprintf(h->last_key, sizeof h->last_key, "%.*s", (int)c->argv[1].len,
             (const char *)c->argv[1].data);
}

static void world_init(struct world *w, uint32_t shards)
{
    struct pages_options po = {.reserve_bytes = (size_t)1 << 30};
    memset(w, 0, sizeof *w);
    random_init(&w->random, 42);
    w->pages = pages_create(&po);
    assert_non_null(w->pages);
    struct store_options so = {
        .shard_count = shards, .database_count = 4, .pages = w->pages,
        .seed = {1, 2}, .sink = {hear, &w->heard}, .now_ms = NOW_MS,
    };
    w->store = store_create(&so);
    assert_non_null(w->store);
    store_set_clock(w->store, NOW_MS / 1000);
}

static void world_deinit(struct world *w)
{
    store_destroy(&w->store);
    struct pages_stats st;
    pages_stats_read(w->pages, &st);
    assert_int_equal(st.used_bytes, 0);
    pages_destroy(&w->pages);
}

static struct key make_key(struct world *w, char *text, unsigned i)
{
    int n = snprintf(text, 64, "key:%u%s", i, i % 7 == 0 ? ":long-name" : "");
    return store_key(w->store, slice_of(text, (size_t)n));
}

static struct keyspace *place(struct world *w, const struct key *k)
{
    struct keyspace *ks = store_keyspace_make(
        w->store, store_shard_of(w->store, k->hash), 0);
    assert_non_null(ks);
    return ks;
}

static void check_all(struct world *w)
{
    for (uint32_t i = 0; i < store_shard_count(w->store); i++) {
        struct keyspace *ks = store_keyspace(w->store, i, 0);
        if (ks != NULL) {
            keyspace_check(ks);
        }
    }
}

static void check_key(struct world *w, unsigned i, const struct model *m)
{
    char text[64], scratch[STRING_SCRATCH_BYTES];
    struct key k = make_key(w, text, i);
    struct entry *e = keyspace_find(place(w, &k), &k);
    assert_int_equal(e != NULL, m->is_there);
    if (e == NULL) {
        return;
    }
    struct slice got = string_bytes(e, scratch);
    assert_int_equal(got.len, m->len);
    assert_memory_equal(got.data, m->bytes, m->len);
    assert_int_equal(entry_has_deadline(e) ? entry_deadline_ms(e) : 0,
                     m->deadline_ms);
}

static size_t random_value(struct world *w, uint8_t *out)
{
    uint64_t kind = random_below(&w->random, 10);
    if (kind < 3) {
        int64_t v = (int64_t)random_next(&w->random)
                    >> random_below(&w->random, 64);
        return (size_t)snprintf((char *)out, 32, "%lld", (long long)v);
    }
    size_t len = random_below(&w->random, kind < 8 ? 150 : VALUE_MAX);
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)random_next(&w->random);
    }
    return len;
}

static void step_set(struct world *w, struct keyspace *ks, const struct key *k,
                     struct model *m)
{
    int64_t deadlines[] = {DEADLINE_NONE, DEADLINE_KEEP,
                           NOW_MS + (int64_t)random_below(&w->random, 100000)};
    int64_t d = deadlines[random_below(&w->random, 3)];
    m->len = random_value(w, m->bytes);
    assert_int_equal(keyspace_set_string(ks, k, slice_of(m->bytes, m->len), d),
                     ST_OK);
    m->deadline_ms = d != DEADLINE_KEEP ? d : m->is_there ? m->deadline_ms : 0;
    m->is_there = true;
}

static void step_edit(struct world *w, struct keyspace *ks, const struct key *k,
                      struct model *m)
{
    uint8_t *bytes;
    size_t len = random_below(&w->random, VALUE_MAX);
    if (!m->is_there) {
        m->len = 0;
        m->deadline_ms = 0;
    }
    assert_int_equal(keyspace_edit_string(ks, k, len, &bytes), ST_OK);
    if (len > m->len) {
        memset(m->bytes + m->len, 0, len - m->len);
        m->len = len;
    }
    if (m->len > 0) {
        size_t at = random_below(&w->random, m->len);
        m->bytes[at] = bytes[at] = (uint8_t)random_next(&w->random);
    }
    m->is_there = true;
}

static void step_deadline(struct world *w, struct keyspace *ks,
                          const struct key *k, struct model *m)
{
    int64_t d = random_below(&w->random, 2)
                    ? DEADLINE_NONE
                    : NOW_MS + (int64_t)random_below(&w->random, 100000);
    enum status st = keyspace_set_deadline(ks, k, d);
    assert_int_equal(st, m->is_there ? ST_OK : ST_NOT_FOUND);
    if (m->is_there) {
        m->deadline_ms = d;
    }
}

static void step_rename(struct world *w, struct keyspace *ks,
                        const struct key *k, struct model *all, unsigned i)
{
    char text[64];
    unsigned j = (unsigned)random_below(&w->random, MODEL_KEYS);
    bool take = random_below(&w->random, 2) != 0;
    if (j == i || !all[i].is_there) {
        return;
    }
    struct key to = make_key(w, text, j);
    enum status st = take ? keyspace_rename(ks, k, place(w, &to), &to)
                       : keyspace_copy(ks, k, place(w, &to), &to);
    assert_int_equal(st, ST_OK);
    all[j] = all[i];
    all[i].is_there = !take;
}

static void random_steps(uint32_t shards, unsigned steps)
{
    struct world w;
    struct model *all = calloc(MODEL_KEYS, sizeof *all);
    world_init(&w, shards);
    for (unsigned n = 0; n < steps; n++) {
        unsigned i = (unsigned)random_below(&w.random, MODEL_KEYS);
        struct model *m = &all[i];
        char text[64];
        struct key k = make_key(&w, text, i);
        struct keyspace *ks = place(&w, &k);
        switch (random_below(&w.random, 6)) {
        case 0:
        case 1:
            step_set(&w, ks, &k, m);
            break;
        case 2:
            assert_int_equal(keyspace_delete(ks, &k), m->is_there);
            m->is_there = false;
            break;
        case 3:
            step_edit(&w, ks, &k, m);
            break;
        case 4:
            step_deadline(&w, ks, &k, m);
            break;
        default:
            step_rename(&w, ks, &k, all, i);
            break;
        }
        check_key(&w, i, m);
        if (n % 5000 == 0) {
            check_all(&w);
        }
    }
    check_all(&w);
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        check_key(&w, i, &all[i]);
    }
    world_deinit(&w);
    free(all);
}

static void test_model_one_shard(void **state)
{
    (void)state;
    random_steps(1, 120000);
}

static void test_model_many_shards(void **state)
{
    (void)state;
    random_steps(8, 60000);
}

static void expire_all(struct world *w, int64_t now_ms)
{
    struct store_turn turn = {now_ms, INT64_MAX};
    for (uint32_t i = 0; i < store_shard_count(w->store); i++) {
        if (store_next_due_ms(w->store, i) <= now_ms) {
            assert_false(store_expire_due(w->store, i, &turn));
        }
    }
}

static void test_due_keys_go_when_due(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    world_init(&w, 2);
    for (unsigned i = 0; i < 5000; i++) {
        struct key k = make_key(&w, text, i);
        /* A later deadline first, then the real one: both ways round. */
        int64_t due = NOW_MS + 1 + i;
        assert_int_equal(keyspace_set_string(place(&w, &k), &k, SLICE_LIT("v"),
                                             due + (i % 3) * 50000), ST_OK);
        assert_int_equal(keyspace_set_deadline(place(&w, &k), &k, due), ST_OK);
    }
    for (int64_t now = NOW_MS; now <= NOW_MS + 5000; now += 250) {
        expire_all(&w, now);
        assert_int_equal(store_database_size(w.store, 0),
                         (size_t)(NOW_MS + 5000 - now));
    }
    assert_int_equal(w.heard.count, 5000);
    check_all(&w);
    world_deinit(&w);
}

static void test_later_deadline_keeps_the_key(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    world_init(&w, 1);
    struct key k = make_key(&w, text, 1);
    struct keyspace *ks = place(&w, &k);
    for (int i = 1; i < 100000; i++) {
        assert_int_equal(keyspace_set_string(ks, &k, SLICE_LIT("value"),
                                             NOW_MS + i), ST_OK);
    }
    assert_true(expiry_count(ks->expiry) < 10);
    expire_all(&w, NOW_MS + 99998);
    assert_int_equal(keyspace_count(ks), 1);
    expire_all(&w, NOW_MS + 99999);
    assert_int_equal(keyspace_count(ks), 0);
    world_deinit(&w);
}

/* Deadlines that shrink leave stale records: the sweep bounds them. */
static void test_stale_records_are_swept(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    struct store_turn turn = {NOW_MS, INT64_MAX};
    world_init(&w, 1);
    for (unsigned i = 0; i < 100; i++) {
        struct key k = make_key(&w, text, i);
        struct keyspace *ks = place(&w, &k);
        for (int n = 0; n < 1000; n++) {
            assert_int_equal(keyspace_set_string(ks, &k, SLICE_LIT("v"),
                                                 NOW_MS + 5000000 - n), ST_OK);
        }
    }
    struct keyspace *ks = store_keyspace(w.store, 0, 0);
    assert_true(expiry_count(ks->expiry) > 50000);
    while (store_tidy(w.store, 0, &turn)) {
    }
    assert_int_equal(expiry_count(ks->expiry), 100);
    check_all(&w);
    expire_all(&w, NOW_MS + 5000001);
    assert_int_equal(keyspace_count(ks), 0);
    world_deinit(&w);
}

static void test_memory_comes_back(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    struct store_turn turn = {NOW_MS, INT64_MAX};
    world_init(&w, 1);
    for (unsigned i = 0; i < 100000; i++) {
        struct key k = make_key(&w, text, i);
        assert_int_equal(keyspace_set_string(place(&w, &k), &k,
                                             SLICE_LIT("0123456789abcdef"),
                                             DEADLINE_NONE), ST_OK);
    }
    struct pages_stats before, after;
    pages_stats_read(w.pages, &before);
    for (unsigned i = 0; i < 100000; i++) {
        struct key k = make_key(&w, text, i);
        if (i % 100 != 0) {
            assert_true(keyspace_delete(place(&w, &k), &k));
        }
    }
    for (int i = 0; i < 20; i++) {
        while (store_tidy(w.store, 0, &turn)) {
        }
    }
    pages_stats_read(w.pages, &after);
    assert_true(after.used_bytes < before.used_bytes / 20);
    check_all(&w);
    world_deinit(&w);
}

static void test_flush_and_swap(void **state)
{
    (void)state;
    struct world w;
    char text[64], big[20000] = {1};
    world_init(&w, 4);
    for (unsigned i = 0; i < 3000; i++) {
        struct key k = make_key(&w, text, i);
        struct slice v = slice_of(big, i % 10 == 0 ? sizeof big : 20);
        assert_int_equal(keyspace_set_string(place(&w, &k), &k, v,
                                             NOW_MS + 1000), ST_OK);
    }
    store_swap(w.store, 0, 3);
    assert_int_equal(store_database_size(w.store, 0), 0);
    assert_int_equal(store_database_size(w.store, 3), 3000);
    assert_int_equal(store_database_deadlines(w.store, 3), 3000);
    size_t bytes = store_database_bytes(w.store, 3);
    assert_int_equal(store_flush(w.store, 1), 0);
    assert_int_equal(store_flush(w.store, 3), 3000);
    assert_int_equal(store_database_size(w.store, 3), 0);
    assert_int_equal(store_reclaim_pending(w.store), 3000);
    struct store_stats st;
    store_stats_read(w.store, &st);
    assert_true(st.reclaim_bytes >= bytes);
    while (store_reclaim(w.store, 50)) {
    }
    store_stats_read(w.store, &st);
    assert_int_equal(st.reclaim_bytes, 0);
    assert_int_equal(store_reclaim_pending(w.store), 0);
    world_deinit(&w);
}

/* Whatever allocation fails, the key is as before or as after, and nothing is
 * lost or doubled. */
static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    uint8_t *bytes;
    world_init(&w, 1);
    struct key k0 = make_key(&w, text, 0);
    struct keyspace *ks = place(&w, &k0);
    for (unsigned n = 0; n < 60000; n++) {
        unsigned i = (unsigned)random_below(&w.random, 400);
        struct key k = make_key(&w, text, i);
        static uint8_t value[VALUE_MAX];
        size_t len = random_below(&w.random, n % 50 == 0 ? VALUE_MAX : 100);
        bool was = keyspace_find(ks, &k) != NULL;
        size_t count = keyspace_count(ks);
        enum status st;
        ks->account.fail_after = (int64_t)random_below(&w.random, 4);
        switch (n % 4) {
        case 0:
            st = keyspace_edit_string(ks, &k, len, &bytes);
            break;
        case 1:
            st = keyspace_set_deadline(ks, &k, NOW_MS + (int64_t)(n % 5000));
            assert_true(was || st == ST_NOT_FOUND);
            break;
        default:
            st = keyspace_set_string(ks, &k, slice_of(value, len),
                                     n % 3 == 0 ? NOW_MS + 10 + (int64_t)n : 0);
            break;
        }
        ks->account.fail_after = -1;
        if (st == ST_NOMEM) {
            assert_int_equal(keyspace_find(ks, &k) != NULL, was);
            assert_int_equal(keyspace_count(ks), count);
        }
        if (n % 3 == 0) {
            keyspace_delete(ks, &k);
        }
        if (n % 2000 == 0) {
            keyspace_check(ks);
        }
    }
    keyspace_check(ks);
    world_deinit(&w);
}

struct seen {
    bool *marks;
    size_t count;
};

static void mark(void *self, const struct entry *e)
{
    struct seen *s = self;
    struct slice key = entry_key(e);
    unsigned i = (unsigned)strtoul((const char *)key.data + 4, NULL, 10);
    assert_false(s->marks[i]);
    s->marks[i] = true;
    s->count++;
}

static void test_scan_sees_each_once(void **state)
{
    (void)state;
    struct world w;
    char text[64];
    bool marks[20000] = {false};
    struct seen seen = {marks, 0};
    world_init(&w, 1);
    for (unsigned i = 0; i < 20000; i++) {
        struct key k = make_key(&w, text, i);
        assert_int_equal(keyspace_set_string(place(&w, &k), &k, SLICE_LIT("v"),
                                             0), ST_OK);
    }
    struct keyspace *ks = store_keyspace(w.store, 0, 0);
    uint64_t cursor = 0;
    do {
        cursor = keyspace_scan(ks, cursor, mark, &seen);
    } while (cursor != 0);
    assert_int_equal(seen.count, 20000);
    world_deinit(&w);
}

static int64_t average_with(struct world *w, const char *name,
                            int64_t deadline_ms)
{
    struct key k = store_key(w->store, slice_of(name, strlen(name)));
    assert_int_equal(keyspace_set_string(place(w, &k), &k, SLICE_LIT("v"),
                                         deadline_ms), ST_OK);
    return store_database_ttl_average_ms(w->store, 0, NOW_MS);
}

static void test_average_deadline(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 4);
    assert_int_equal(average_with(&w, "a", NOW_MS + 1000), 1000);
    assert_int_equal(average_with(&w, "b", NOW_MS + 3000), 2000);
    assert_int_equal(average_with(&w, "c", NOW_MS + 2000), 2000);
    assert_int_equal(average_with(&w, "b", DEADLINE_NONE), 1500);
    /* Deadlines at the end of time are counted as far, and do not wrap. */
    int64_t far_ms = INT64_MAX - 1;
    assert_true(average_with(&w, "d", far_ms) > 1000ll * NOW_MS);
    assert_true(average_with(&w, "e", far_ms) > 1000ll * NOW_MS);
    assert_true(average_with(&w, "f", far_ms) > 1000ll * NOW_MS);
    average_with(&w, "d", NOW_MS + 1500);
    average_with(&w, "e", NOW_MS + 1500);
    assert_int_equal(average_with(&w, "f", 1 /* long past */), 1200);
    world_deinit(&w);
}

/* ---- how often keys are used ---- */

static struct entry *use_setup(struct world *w, struct keyspace **ks,
                               uint32_t factor, uint32_t decay)
{
    world_init(w, 1);
    store_set_clock(w->store, 6000);
    store_set_frequency(w->store, true, factor, decay);
    *ks = store_keyspace_make(w->store, 0, 0);
    assert_non_null(*ks);
    struct key k = store_key(w->store, SLICE_LIT("a"));
    assert_int_equal(keyspace_set_string(*ks, &k, SLICE_LIT("x"),
                                         DEADLINE_NONE), ST_OK);
    return keyspace_find(*ks, &k);
}

static void test_uses_are_counted(void **state)
{
    (void)state;
    struct world w;
    struct keyspace *ks;
    struct entry *e = use_setup(&w, &ks, 10, 1);
    assert_int_equal(keyspace_frequency(ks, e), FREQUENCY_INITIAL);
    keyspace_touch(ks, e);
    assert_int_equal(keyspace_frequency(ks, e), FREQUENCY_INITIAL + 1);
    for (int i = 0; i < 1000; i++) {
        keyspace_touch(ks, e);
    }
    /* With a factor of 10, 1000 uses bring about 18. */
    assert_in_range(keyspace_frequency(ks, e), 11, 30);
    for (int i = 0; i < 3000000; i++) {
        keyspace_touch(ks, e);
    }
    assert_int_equal(keyspace_frequency(ks, e), UINT8_MAX);
    store_set_frequency(w.store, false, 10, 1);
    e->hits = 9;
    keyspace_touch(ks, e);
    assert_int_equal(e->hits, 9);
    keyspace_check(ks);
    world_deinit(&w);
}

static void test_uses_decay(void **state)
{
    (void)state;
    struct world w;
    struct keyspace *ks;
    struct entry *e = use_setup(&w, &ks, 10, 2);
    e->hits = 100;
    store_set_clock(w.store, 6000 + 119);
    assert_int_equal(keyspace_frequency(ks, e), 100);
    store_set_clock(w.store, 6000 + 120);
    assert_int_equal(keyspace_frequency(ks, e), 99);
    store_set_clock(w.store, 6000 + 60 * 150);
    assert_int_equal(keyspace_frequency(ks, e), 25);
    store_set_clock(w.store, 6000 + 60 * 1000);
    assert_int_equal(keyspace_frequency(ks, e), 0);
    keyspace_touch(ks, e);
    assert_int_equal(e->hits, 1); /* decayed, then counted */
    store_set_frequency(w.store, true, 10, 0);
    e->hits = 50;
    store_set_clock(w.store, 6000 + 60 * 2000);
    assert_int_equal(keyspace_frequency(ks, e), 50);
    world_deinit(&w);
}

/* A value written anew is the same key, used once more. */
static void test_uses_outlive_writes(void **state)
{
    (void)state;
    struct world w;
    struct keyspace *ks;
    struct entry *e = use_setup(&w, &ks, 0, 1);
    struct key k = store_key(w.store, SLICE_LIT("a"));
    char value[500];
    memset(value, 'v', sizeof value);
    e->hits = 40;
    assert_int_equal(keyspace_set_string(ks, &k,
                                         slice_of(value, sizeof value),
                                         DEADLINE_NONE), ST_OK);
    e = keyspace_find(ks, &k);
    assert_int_equal(e->hits, 41);
    struct key to = store_key(w.store, SLICE_LIT("b"));
    assert_int_equal(keyspace_rename(ks, &k, ks, &to), ST_OK);
    e = keyspace_find(ks, &to);
    assert_int_equal(e->hits, 41);
    keyspace_check(ks);
    world_deinit(&w);
}

/* What was looked up last is known by its text, wherever that lies, until the
 * key goes. */
static void test_same_key_again(void **state)
{
    (void)state;
    struct world w;
    char one[64], two[64];
    world_init(&w, 1);
    struct key k = make_key(&w, one, 1), again = make_key(&w, two, 1);
    struct keyspace *ks = place(&w, &k);
    struct slice value = SLICE_LIT("v");
    for (unsigned i = 1; i <= 2; i++) {
        struct key each = make_key(&w, one, i);
        assert_int_equal(keyspace_set_string(ks, &each, value, DEADLINE_NONE),
                         ST_OK);
    }
    k = make_key(&w, one, 1);
    struct entry *e = keyspace_find(ks, &k);
    assert_non_null(e);
    assert_ptr_equal(keyspace_find(ks, &again), e);
    keyspace_check(ks);
    struct key other = make_key(&w, one, 2); /* where the first was read */
    assert_ptr_not_equal(keyspace_find(ks, &other), e);
    assert_ptr_equal(keyspace_find(ks, &again), e);
    k = make_key(&w, one, 1);
    assert_true(keyspace_delete(ks, &k));
    assert_null(keyspace_find(ks, &again));
    assert_null(keyspace_find(ks, &k));
    keyspace_check(ks);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_one_shard),
        cmocka_unit_test(test_model_many_shards),
        cmocka_unit_test(test_due_keys_go_when_due),
        cmocka_unit_test(test_later_deadline_keeps_the_key),
        cmocka_unit_test(test_stale_records_are_swept),
        cmocka_unit_test(test_memory_comes_back),
        cmocka_unit_test(test_flush_and_swap),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_scan_sees_each_once),
        cmocka_unit_test(test_average_deadline),
        cmocka_unit_test(test_uses_are_counted),
        cmocka_unit_test(test_uses_decay),
        cmocka_unit_test(test_uses_outlive_writes),
        cmocka_unit_test(test_same_key_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
