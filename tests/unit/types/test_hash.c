/* Hashes against a plain array, in both forms, with deadlines, while memory
 * fails now and then. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "structs/listpack.h"
#include "types/hash.h"
#include "world.h"

enum { FIELDS_MAX = 700, STEPS = 60000, VALUE_MAX = 20000, HORIZON_MS = 5000 };

struct field {
    bool is_there;
    char name[320];
    int64_t deadline_ms;
    size_t len;
    uint8_t *value;
};

struct model {
    struct world w;
    struct random random;
    struct value_limits limits;
    struct entry *e;
    int64_t now_ms;
    size_t universe; /* fields in use */
    struct field *fields;
    bool is_failing; /* records of the index may have been lost */
};

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

static struct slice name_of(const struct field *f)
{
    return slice_of_text(f->name);
}

static void begin(struct model *m, size_t universe)
{
    enum status st = value_create_empty(m->w.m, slice_of_text("key"), TYPE_HASH,
                                        0, &m->e);
    assert_int_equal(st, ST_OK);
    m->universe = universe;
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        struct field *f = &m->fields[i];
        f->is_there = false;
        /* Integers, short names, a few of 300 bytes. */
        snprintf(f->name, sizeof f->name, "f:%0*zu", i % 97 == 5 ? 300 : 1, i);
        if (i % 3 == 0) {
            snprintf(f->name, sizeof f->name, "%zu", i);
        }
    }
}

static void init(struct model *m, bool is_failing)
{
    memset(m, 0, sizeof *m);
    world_init(&m->w);
    random_init(&m->random, is_failing ? 5 : 6);
    value_limits_init(&m->limits);
    m->now_ms = 1700000000000;
    m->is_failing = is_failing;
    m->fields = calloc(FIELDS_MAX, sizeof *m->fields);
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        m->fields[i].value = malloc(VALUE_MAX);
    }
    begin(m, 10);
}

static void deinit(struct model *m)
{
    entry_destroy(m->e, m->w.m);
    world_check_empty(&m->w);
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        free(m->fields[i].value);
    }
    free(m->fields);
    world_deinit(&m->w);
}

/* ---- checks ---- */

static void check_item(const struct field *f, const struct hash_item *item)
{
    assert_true(f->is_there);
    assert_true(slice_equal(item->field, name_of(f)));
    assert_true(slice_equal(item->value, slice_of(f->value, f->len)));
    assert_true(item->deadline_ms == f->deadline_ms);
    assert_true(item->blob == NULL || item->blob->bytes == item->value.data);
}

static void check_field(const struct model *m, const struct field *f)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item item;
    bool is_there = hash_find(m->e, name_of(f), scratch, &item);
    assert_int_equal(is_there, f->is_there);
    if (is_there) {
        check_item(f, &item);
    }
}

static bool count_item(void *self, const struct hash_item *item)
{
    size_t *n = self;
    assert_true(item->field.len > 0);
    ++*n;
    return true;
}

static void check_all(const struct model *m)
{
    size_t count = 0, visited = 0, scanned = 0;
    int64_t due_ms = value_due_ms(m->e);
    uint64_t cursor = 0;
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        const struct field *f = &m->fields[i];
        check_field(m, f);
        count += f->is_there;
        assert_true(!f->is_there || m->is_failing || f->deadline_ms >= due_ms);
    }
    hash_visit(m->e, count_item, &visited);
    do {
        cursor = hash_scan(m->e, cursor, count_item, &scanned);
    } while (cursor != 0);
    assert_int_equal(value_count(m->e), count);
    assert_int_equal(visited, count);
    assert_int_equal(scanned, count);
    assert_true(entry_bytes(m->e, m->w.m) <= mem_used(m->w.m->account));
    if (m->e->encoding == ENC_BIG) {
        const struct value *v = entry_value(m->e);
        v->ops->check(v, m->w.m);
    } else {
        const uint8_t *lp = flat_bytes(m->e).data;
        assert_true(listpack_validate(slice_of(lp, listpack_bytes(lp))));
    }
    slab_check(m->w.m->heap);
}

/* ---- steps ---- */

static size_t random_value(struct model *m, uint8_t *out)
{
    const size_t max[] = {10, 60, 200, 1200, VALUE_MAX};
    size_t kind = below(m, 200);
    /* Small universes stay packed for a while. */
    size_t len = below(m, max[kind == 0 ? 4 : kind < 2 ? 3 : kind < 4 ? 2
                              : kind % 2]);
    if (kind % 3 == 0) {
        int64_t v = (int64_t)random_next(&m->random) >> below(m, 64);
        return (size_t)snprintf((char *)out, 32, "%lld", (long long)v);
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)random_next(&m->random);
    }
    return len;
}

static int64_t random_deadline(struct model *m)
{
    size_t kind = below(m, 4);
    return kind == 0 ? HASH_FOREVER
           : m->now_ms + 1
                 + (int64_t)below(m, kind == 1 ? 50 : (size_t)HORIZON_MS * 40);
}

static void step_set(struct model *m, struct field *f)
{
    static uint8_t bytes[VALUE_MAX];
    size_t len = random_value(m, bytes);
    size_t kind = below(m, 4);
    int64_t deadline_ms = kind == 0   ? HASH_KEEP_DEADLINE
                          : kind == 1 ? random_deadline(m)
                                      : HASH_FOREVER;
    struct hash_item item = {name_of(f), slice_of(bytes, len), deadline_ms,
                             NULL};
    bool added;
    if (hash_set(m->w.m, &m->limits, &m->e, &item, m->now_ms, &added)
        != ST_OK) {
        return;
    }
    assert_int_equal(added, !f->is_there);
    if (deadline_ms == HASH_KEEP_DEADLINE) {
        deadline_ms = f->is_there ? f->deadline_ms : HASH_FOREVER;
    }
    f->is_there = true;
    f->deadline_ms = deadline_ms;
    f->len = len;
    memcpy(f->value, bytes, len);
}

static void step_expect(struct model *m)
{
    size_t count = below(m, 600);
    enum status st = hash_expect(m->w.m, &m->limits, &m->e, count, m->now_ms);
    assert_true(st != ST_OK || m->e->encoding == ENC_BIG
                || (int64_t)count <= m->limits.hash_entries_max);
}

static void step_deadline(struct model *m, struct field *f)
{
    int64_t deadline_ms = random_deadline(m);
    if (f->is_there
        && hash_set_deadline(m->w.m, &m->e, name_of(f), deadline_ms, m->now_ms)
               == ST_OK) {
        f->deadline_ms = deadline_ms;
    }
}

static void step_remove(struct model *m, struct field *f)
{
    bool removed = hash_remove(m->w.m, &m->e, name_of(f));
    assert_int_equal(removed, f->is_there);
    f->is_there = false;
}

static struct field *find_field(struct model *m, struct slice name)
{
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        if (slice_equal(name_of(&m->fields[i]), name)) {
            return &m->fields[i];
        }
    }
    return NULL;
}

static bool note_expired(void *self, const struct hash_item *item)
{
    struct model *m = self;
    struct field *f = find_field(m, item->field);
    assert_non_null(f);
    check_item(f, item);
    assert_true(f->deadline_ms <= m->now_ms);
    f->is_there = false;
    return true;
}

static void step_expire(struct model *m)
{
    m->now_ms += (int64_t)below(m, below(m, 20) == 0 ? HORIZON_MS * 10 : 60);
    size_t before = value_count(m->e), expired = 0;
    for (int i = 0; value_due_ms(m->e) <= m->now_ms; i++) {
        size_t max = 1 + below(m, 100);
        size_t n = hash_expire(m->w.m, &m->e, m->now_ms, max, note_expired, m);
        assert_true(n <= max);
        expired += n;
        assert_true(i < 10000);
    }
    assert_int_equal(value_count(m->e), before - expired);
    for (size_t i = 0; i < FIELDS_MAX && !m->is_failing; i++) {
        assert_true(!m->fields[i].is_there
                    || m->fields[i].deadline_ms > m->now_ms);
    }
}

/* To the other heap and back, or another entry in the same. */
static void step_transfer(struct model *m)
{
    struct entry *made, *back;
    struct entry_memory *other = &m->w.memories[1];
    if (entry_transfer(m->e, m->w.m, other, slice_of_text("elsewhere"), false,
                       &made) != ST_OK) {
        return;
    }
    assert_int_equal(value_count(made), value_count(m->e));
    if (entry_transfer(made, other, m->w.m, slice_of_text("key"), true, &back)
        == ST_OK) {
        struct value *left = entry_transfer_done(made, back, other, m->w.m);
        while (left != NULL && !left->ops->destroy_some(&left, other, 10)) {
        }
        entry_destroy(m->e, m->w.m);
        m->e = back;
    } else {
        entry_destroy(made, other);
    }
}

static void step_random(struct model *m)
{
    char scratch[HASH_SCRATCH_BYTES];
    struct hash_item item;
    if (value_count(m->e) > 0) {
        hash_random(m->e, &m->random, scratch, &item);
        check_item(find_field(m, item.field), &item);
    }
}

static void step(struct model *m)
{
    struct field *f = &m->fields[below(m, m->universe)];
    size_t kind = below(m, 100);
    bool fails = m->is_failing && below(m, 4) == 0 && kind < 92;
    m->w.m->account->fail_after = fails ? (int64_t)below(m, 4) : -1;
    if (kind < 55) {
        step_set(m, f);
    } else if (kind < 70) {
        step_deadline(m, f);
    } else if (kind < 85) {
        step_remove(m, f);
    } else if (kind < 87) {
        step_transfer(m);
    } else if (kind < 92) {
        step_random(m);
    } else if (below(m, 500) == 0) { /* it makes hashes big */
        step_expect(m);
    } else {
        step_expire(m);
    }
    m->w.m->account->fail_after = -1;
    check_field(m, f);
}

static void play(bool is_failing)
{
    static const size_t universes[] = {3, 10, 30, 70, 200, FIELDS_MAX};
    struct model m;
    init(&m, is_failing);
    for (size_t n = 0; n < STEPS; n++) {
        step(&m);
        if (n % 500 == 0) {
            check_all(&m);
        }
        if (n % 3000 == 0) {
            entry_destroy(m.e, m.w.m);
            world_check_empty(&m.w);
            begin(&m, universes[n / 3000 % 6]);
        }
    }
    check_all(&m);
    deinit(&m);
}

static void test_model(void **state)
{
    (void)state;
    play(false);
}

static void test_failing(void **state)
{
    (void)state;
    play(true);
}

/* ---- forms ---- */

static void set(struct model *m, const char *field, struct slice value,
                int64_t deadline_ms)
{
    struct hash_item item = {slice_of_text(field), value, deadline_ms, NULL};
    bool added;
    enum status st = hash_set(m->w.m, &m->limits, &m->e, &item, m->now_ms,
                              &added);
    assert_int_equal(st, ST_OK);
}

static void expect_encoding(const struct model *m, const char *name)
{
    assert_string_equal(entry_encoding_name(m->e), name);
}

static void begin_anew(struct model *m)
{
    entry_destroy(m->e, m->w.m);
    begin(m, 10);
}

static void test_forms(void **state)
{
    (void)state;
    uint8_t buffer[100];
    struct model m;
    char name[16];
    init(&m, false);
    set(&m, "a", pattern(buffer, 64), HASH_FOREVER);
    expect_encoding(&m, "listpack");
    set(&m, "a", pattern(buffer, 64), m.now_ms + 10);
    expect_encoding(&m, "listpackex");
    assert_true(value_due_ms(m.e) == m.now_ms + 10);
    set(&m, "b", pattern(buffer, 65), HASH_FOREVER);
    expect_encoding(&m, "hashtable");
    assert_true(value_due_ms(m.e) == m.now_ms + 10);
    begin_anew(&m);
    for (int i = 0; i < 512; i++) {
        snprintf(name, sizeof name, "%d", i);
        set(&m, name, SLICE_LIT("x"), HASH_FOREVER);
    }
    expect_encoding(&m, "listpack");
    set(&m, "512", SLICE_LIT("x"), HASH_FOREVER);
    expect_encoding(&m, "hashtable");
    assert_int_equal(value_count(m.e), 513);
    deinit(&m);
}

/* Deadlines set and taken back again and again leave no trail of records. */
static void test_churn(void **state)
{
    (void)state;
    struct model m;
    char name[16];
    init(&m, false);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%d", i);
        set(&m, name, SLICE_LIT("x"), m.now_ms + 100000 + i);
    }
    size_t before = entry_bytes(m.e, m.w.m);
    for (int i = 0; i < 200000; i++) {
        snprintf(name, sizeof name, "%d", i % 1000);
        set(&m, name, SLICE_LIT("x"), HASH_FOREVER);
        set(&m, name, SLICE_LIT("x"), m.now_ms + 100000 + i);
    }
    assert_true(entry_bytes(m.e, m.w.m) < before + 40000);
    deinit(&m);
}

int test_hash_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_churn),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_failing),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
