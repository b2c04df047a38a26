/* Tests of structs/intset against a sorted array, in memory of the exact size
 * so that a sanitizer sees each step outside. */
#include "structs/intset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

int test_intset_run(void);

enum { MODEL_MAX = 400, STEPS = 20000 };

struct model {
    uint8_t *set;
    int64_t values[MODEL_MAX];
    uint32_t count;
};

static uint8_t *set_new(void)
{
    uint8_t *set = malloc(INTSET_HEADER_BYTES);
    assert_non_null(set);
    intset_init(set);
    return set;
}

static uint8_t *set_insert(uint8_t *set, int64_t v, bool is_new)
{
    size_t bytes = intset_insert_bytes(set, v);
    set = realloc(set, bytes);
    assert_non_null(set);
    assert_int_equal(intset_insert(set, v), is_new);
    assert_int_equal(intset_bytes(set), bytes);
    return set;
}

static uint8_t *set_fit(uint8_t *set)
{
    set = realloc(set, intset_bytes(set));
    assert_non_null(set);
    return set;
}

static uint32_t model_rank(const struct model *m, int64_t v, bool *is_there)
{
    uint32_t i = 0;
    while (i < m->count && m->values[i] < v) {
        i++;
    }
    *is_there = i < m->count && m->values[i] == v;
    return i;
}

static void model_check(const struct model *m)
{
    assert_true(intset_validate(slice_of(m->set, intset_bytes(m->set))));
    assert_int_equal(intset_count(m->set), m->count);
    for (uint32_t i = 0; i < m->count; i++) {
        assert_int_equal(intset_get(m->set, i), m->values[i]);
    }
}

static void model_check_find(const struct model *m, int64_t v)
{
    bool is_there;
    uint32_t want = model_rank(m, v, &is_there);
    uint32_t rank;
    assert_int_equal(intset_find(m->set, v, &rank), is_there);
    assert_int_equal(rank, want);
}

static void model_insert(struct model *m, int64_t v)
{
    bool is_there;
    uint32_t i = model_rank(m, v, &is_there);
    if (!is_there && m->count == MODEL_MAX) {
        return;
    }
    m->set = set_insert(m->set, v, !is_there);
    if (!is_there) {
        memmove(m->values + i + 1, m->values + i,
                (m->count - i) * sizeof m->values[0]);
        m->values[i] = v;
        m->count++;
    }
}

static void model_remove_range(struct model *m, uint32_t i, uint32_t n)
{
    memmove(m->values + i, m->values + i + n,
            (m->count - i - n) * sizeof m->values[0]);
    m->count -= n;
}

static void model_remove(struct model *m, int64_t v)
{
    bool is_there;
    uint32_t i = model_rank(m, v, &is_there);
    assert_int_equal(intset_remove(m->set, v), is_there);
    m->set = set_fit(m->set);
    if (is_there) {
        model_remove_range(m, i, 1);
    }
}

/* Widths come in as the test goes on: 16 bits first, then 32, then 64. */
static int64_t random_value(struct random *r, int step)
{
    static const int64_t edges[] = {INT16_MIN, INT16_MAX, INT32_MIN,
                                    INT32_MAX, INT64_MIN, INT64_MAX};
    int widths = step < STEPS / 3 ? 1 : step < STEPS * 2 / 3 ? 2 : 3;
    int64_t spread = (int64_t)random_below(r, 500) - 250;
    if (random_below(r, 20) != 0) {
        return spread;
    }
    int64_t edge = edges[random_below(r, (uint64_t)widths * 2)];
    if (widths < 3 || random_below(r, 2) == 0) {
        return edge;
    }
    return edge < 0 ? edge + (spread & 3) : edge - (spread & 3);
}

static void test_model(void **state)
{
    (void)state;
    struct model *m = calloc(1, sizeof *m);
    struct random r;
    random_init(&r, 11);
    m->set = set_new();
    for (int step = 0; step < STEPS; step++) {
        int64_t v = random_value(&r, step);
        if (random_below(&r, 5) < 3) {
            model_insert(m, v);
        } else if (random_below(&r, 200) == 0) {
            uint32_t i = (uint32_t)random_below(&r, m->count + 1);
            uint32_t n = (uint32_t)random_below(&r, m->count - i + 1);
            intset_remove_range(m->set, i, n);
            m->set = set_fit(m->set);
            model_remove_range(m, i, n);
        } else {
            model_remove(m, v);
        }
        model_check(m);
        model_check_find(m, random_value(&r, STEPS));
    }
    free(m->set);
    free(m);
}

static void test_widening(void **state)
{
    static const int64_t wide[] = {INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    static const uint32_t widths[] = {4, 4, 8, 8};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct model m = {.set = set_new()};
        model_insert(&m, 3);
        model_insert(&m, -3);
        assert_int_equal(intset_width(m.set), 2);
        model_insert(&m, wide[i]);
        assert_int_equal(intset_width(m.set), widths[i]);
        model_check(&m);
        model_remove(&m, wide[i]);
        assert_int_equal(intset_width(m.set), widths[i]);
        model_check(&m);
        free(m.set);
    }
}

/* The published layout. */
static void test_format(void **state)
{
    (void)state;
    uint8_t *set = set_new();
    set = set_insert(set, 1, true);
    set = set_insert(set, -2, true);
    assert_int_equal(intset_bytes(set), 12);
    assert_memory_equal(set, "\2\0\0\0\2\0\0\0\xfe\xff\1\0", 12);
    set = set_insert(set, 65536, true);
    assert_int_equal(intset_bytes(set), 20);
    assert_memory_equal(set, "\4\0\0\0\3\0\0\0\xfe\xff\xff\xff\1\0\0\0\0\0\1\0",
                        20);
    free(set);
}

#define IS_VALID(bytes) \
    intset_validate(slice_of(bytes, sizeof(bytes) - 1))

static void test_validate(void **state)
{
    (void)state;
    assert_true(IS_VALID("\2\0\0\0\0\0\0\0"));
    assert_true(IS_VALID("\2\0\0\0\2\0\0\0\1\0\2\0"));
    assert_false(IS_VALID("\2\0\0\0\0\0\0"));
    assert_false(IS_VALID("\2\0\0\0\0\0\0\0\0"));
    assert_false(IS_VALID("\3\0\0\0\0\0\0\0"));
    assert_false(IS_VALID("\0\0\0\0\0\0\0\0"));
    assert_false(IS_VALID("\2\0\0\0\2\0\0\0\1\0"));
    assert_false(IS_VALID("\2\0\0\0\2\0\0\0\1\0\1\0"));
    assert_false(IS_VALID("\2\0\0\0\2\0\0\0\2\0\1\0"));
    assert_false(IS_VALID("\x08\0\0\0\xff\xff\xff\xff\1\0\2\0"));
}

int test_intset_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_widening),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_validate),
    };
    return cmocka_run_group_tests_name("intset", tests, NULL, NULL);
}
