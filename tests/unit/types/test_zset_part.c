/* Long ranges cut out of a big sorted set: until a part's members are freed, in
 * slices, the table has them and the set has not; they may be added again, cut
 * out again, and the set may go first. Against an array of scores. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/home.h"
#include "types/zset.h"
#include "world.h"

enum {
    MEMBERS = 6000,
    CUT_MIN = 1024, /* as many are cut out at once */
    PARTS_MAX = 16,
    STEPS = 1500,
    SLICE = 100,
    LONG_BYTES = 2100, /* more than a cell */
};

struct model {
    struct world w;
    struct hash_seed seed;
    struct random random;
    struct value_limits limits;
    struct entry *e;
    double scores[MEMBERS]; /* NaN: not there */
    bool has_long;
    size_t count;
    struct value *parts[PARTS_MAX];
    size_t part_count;
    size_t seen;
    double last;
};

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

/* Some of them lie outside the heap. */
static struct slice name_of(const struct model *m, size_t i,
                            char text[LONG_BYTES])
{
    memset(text, 'x', LONG_BYTES);
    int n = snprintf(text, LONG_BYTES, "member:%zu:", i);
    return slice_of(text, m->has_long && i % 100 == 0 ? LONG_BYTES : (size_t)n);
}

static void put(struct model *m, size_t i, double score)
{
    char text[LONG_BYTES];
    struct slice name = name_of(m, i, text);
    struct zset_at at;
    zset_find(m->e, name, &at);
    assert_int_equal(at.is_found, !isnan(m->scores[i]));
    assert_int_equal(zset_put(m->w.m, &m->limits, &m->e, name, score, &at),
                     ST_OK);
    m->count += isnan(m->scores[i]) ? 1 : 0;
    m->scores[i] = score;
}

static void take(struct model *m, size_t i)
{
    char text[LONG_BYTES];
    bool is_there = !isnan(m->scores[i]);
    if (m->count > 1) {
        assert_int_equal(zset_remove(m->w.m, &m->e, name_of(m, i, text)),
                         is_there);
        m->count -= is_there;
        m->scores[i] = NAN;
    }
}

static size_t number_of(struct slice member)
{
    return (size_t)strtoul((const char *)member.data + strlen("member:"), NULL,
                           10);
}

static bool visit(void *self, struct slice member, double score)
{
    struct model *m = self;
    char text[LONG_BYTES];
    size_t i = number_of(member);
    assert_true(i < MEMBERS);
    assert_true(slice_equal(member, name_of(m, i, text)));
    assert_true(score == m->scores[i]);
    m->seen++;
    return true;
}

static bool visit_in_order(void *self, struct slice member, double score)
{
    struct model *m = self;
    assert_true(score >= m->last);
    m->last = score;
    return visit(self, member, score);
}

static void check_all(struct model *m)
{
    char text[LONG_BYTES], scratch[ZSET_SCRATCH_BYTES];
    uint64_t cursor = 0;
    double score;
    struct value *v = entry_value(m->e);
    assert_int_equal(value_count(m->e), m->count);
    v->ops->check(v, m->w.m);
    home_sync(v->home);
    home_check(v->home, m->w.m->account);
    m->seen = 0;
    do {
        cursor = zset_scan(m->e, cursor, visit, m);
    } while (cursor != 0);
    assert_int_equal(m->seen, m->count);
    m->seen = 0;
    m->last = -INFINITY;
    zset_visit(m->e, 0, m->count, false, visit_in_order, m);
    assert_int_equal(m->seen, m->count);
    for (size_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(zset_score(m->e, name_of(m, i, text), &score),
                         !isnan(m->scores[i]));
    }
    for (int i = 0; i < 100; i++) {
        struct slice member = zset_random(m->e, &m->random, scratch, &score);
        assert_true(visit(m, member, score));
    }
}

static bool forget(void *self, struct slice member, double score)
{
    struct model *m = self;
    assert_true(visit(self, member, score));
    m->scores[number_of(member)] = NAN;
    m->count--;
    return true;
}

/* Removes a range, while memory fails now and then. */
static void cut(struct model *m)
{
    size_t first = below(m, 3) == 0 ? 0 : below(m, m->count);
    size_t left = m->count - first - 1;
    size_t count = below(m, 4) == 0 ? left : below(m, left + 1);
    struct value *removed;
    if (m->part_count == PARTS_MAX) {
        return;
    }
    int64_t fail_after = (int64_t)below(m, 30);
    zset_visit(m->e, first, count, false, forget, m);
    m->w.m->account->fail_after = fail_after;
    entry_value(m->e)->home->account.fail_after = fail_after;
    zset_remove_ranks(m->w.m, &m->e, first, count, &removed);
    entry_value(m->e)->home->account.fail_after = -1;
    m->w.m->account->fail_after = -1;
    assert_true(removed == NULL || count >= CUT_MIN);
    if (removed != NULL) {
        m->parts[m->part_count++] = removed;
    }
}

static void free_some(struct model *m)
{
    if (m->part_count == 0) {
        return;
    }
    size_t i = below(m, m->part_count);
    if (value_destroy_some(&m->parts[i], m->w.m, SLICE)) {
        assert_null(m->parts[i]);
        m->parts[i] = m->parts[--m->part_count];
    }
}

static struct model *model_create(uint64_t seed, bool has_long)
{
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    world_init(&m->w);
    m->w.m->seed = &m->seed;
    m->has_long = has_long;
    random_init(&m->random, seed);
    value_limits_init(&m->limits);
    assert_int_equal(value_create_empty(m->w.m, SLICE_LIT("key"), TYPE_ZSET, 0,
                                        &m->e), ST_OK);
    for (size_t i = 0; i < MEMBERS; i++) {
        m->scores[i] = NAN;
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        put(m, i, (double)below(m, MEMBERS));
    }
    assert_int_equal(home_give(m->w.m, m->e), ST_OK);
    return m;
}

static void model_destroy(struct model *m)
{
    world_deinit(&m->w);
    free(m);
}

static void step(struct model *m)
{
    switch (below(m, 40)) {
    case 0:
        cut(m);
        break;
    case 1:
    case 2:
        (void)home_tidy(entry_value(m->e)->home);
        break;
    case 3:
    case 4:
        free_some(m);
        break;
    default:
        for (int i = 0; i < 20; i++) {
            put(m, below(m, MEMBERS), (double)below(m, MEMBERS / 4));
        }
        take(m, below(m, MEMBERS));
        break;
    }
}

static void parts_are_not_the_sets(void **state)
{
    (void)state;
    size_t cuts = 0;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct model *m = model_create(seed, seed % 2 != 0);
        for (int s = 0; s < STEPS; s++) {
            size_t before = m->part_count;
            step(m);
            cuts += m->part_count > before;
            if (s % 50 == 0 || m->part_count > before) {
                check_all(m);
            }
        }
        if (seed < 2) {
            entry_destroy(m->e, m->w.m); /* the parts stay */
        }
        while (m->part_count > 0) {
            free_some(m);
        }
        if (seed >= 2) {
            check_all(m);
            entry_destroy(m->e, m->w.m);
        }
        model_destroy(m);
    }
    assert_true(cuts > 10);
}

/* A long range is never removed one by one because others still wait. */
static void parts_may_be_many(void **state)
{
    (void)state;
    struct model *m = model_create(10, false);
    while (m->count > CUT_MIN) {
        struct value **part = &m->parts[m->part_count++];
        zset_visit(m->e, 0, CUT_MIN, false, forget, m);
        zset_remove_ranks(m->w.m, &m->e, 0, CUT_MIN, part);
        assert_non_null(*part);
    }
    assert_int_equal(m->part_count, (MEMBERS - 1) / CUT_MIN);
    for (size_t i = 0; i < MEMBERS; i += 3) {
        put(m, i, (double)below(m, MEMBERS));
    }
    check_all(m);
    while (m->part_count > 0) {
        free_some(m);
    }
    check_all(m);
    entry_destroy(m->e, m->w.m);
    model_destroy(m);
}

/* How far a part is freed by a slice does not depend on the part's size. */
static void a_part_is_freed_in_slices(void **state)
{
    (void)state;
    struct model *m = model_create(9, false);
    struct value *removed;
    zset_visit(m->e, 100, 5000, false, forget, m);
    zset_remove_ranks(m->w.m, &m->e, 100, 5000, &removed);
    assert_non_null(removed);
    check_all(m);
    size_t slices = 1, used = mem_used(m->w.m->account);
    while (!value_destroy_some(&removed, m->w.m, SLICE)) {
        size_t left = mem_used(m->w.m->account);
        assert_true(used > left);
        assert_true(used - left < (SLICE + 70) * 64);
        used = left;
        slices++;
    }
    assert_in_range(slices, 5000 / (SLICE + 62), 5000 / SLICE + 1);
    check_all(m);
    entry_destroy(m->e, m->w.m);
    model_destroy(m);
}

int test_zset_part_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_not_the_sets),
        cmocka_unit_test(parts_may_be_many),
        cmocka_unit_test(a_part_is_freed_in_slices),
    };
    return cmocka_run_group_tests_name("zset_part", tests, NULL, NULL);
}
