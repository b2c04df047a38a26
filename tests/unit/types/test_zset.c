/* Sorted sets against a plain sorted array: random steps, packed and big, while
 * memory fails now and then. */
#include "types/zset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "world.h"

enum { ITEMS_MAX = 400, MEMBER_MAX = 300, STEPS = 12000 };

struct item {
    double score;
    size_t len;
    uint8_t member[MEMBER_MAX];
};

struct model {
    struct world w;
    struct hash_seed seed;
    struct random random;
    struct value_limits limits;
    struct entry *e;
    struct item items[ITEMS_MAX + 1]; /* in order */
    size_t count;
};

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

static struct slice member_of(const struct item *i)
{
    return slice_of(i->member, i->len);
}

static int compare(double score, struct slice member, const struct item *b)
{
    if (score < b->score || score > b->score) {
        return score < b->score ? -1 : 1;
    }
    return slice_compare(member, member_of(b));
}

/* ---- the model's own operations ---- */

static size_t model_find(const struct model *m, struct slice member)
{
    size_t i = 0;
    while (i < m->count && !slice_equal(member_of(&m->items[i]), member)) {
        i++;
    }
    return i;
}

static void model_delete(struct model *m, size_t first, size_t count)
{
    memmove(&m->items[first], &m->items[first + count],
            (m->count - first - count) * sizeof m->items[0]);
    m->count -= count;
}

static void model_put(struct model *m, struct slice member, double score)
{
    struct item made = {.score = score, .len = member.len};
    size_t i = model_find(m, member);
    memcpy(made.member, member.data, member.len);
    if (i < m->count) {
        model_delete(m, i, 1);
    }
    for (i = 0; i < m->count && compare(score, member, &m->items[i]) > 0; i++) {
    }
    memmove(&m->items[i + 1], &m->items[i],
            (m->count - i) * sizeof m->items[0]);
    m->items[i] = made;
    m->count++;
}

/* ---- random arguments ---- */

static double random_score(struct model *m)
{
    static const double odd[] = {
        INFINITY, -INFINITY, 0.1, -1.5, 1e300, 5e-324, 9007199254740993.0,
        -9223372036854775808.0, 0.30000000000000004,
    };
    if (below(m, 8) == 0) {
        return odd[below(m, sizeof odd / sizeof odd[0])];
    }
    return (double)(int64_t)below(m, 30) - 10;
}

static struct slice random_member(struct model *m, uint8_t *out)
{
    size_t kind = below(m, 60);
    int n = (int)below(m, 200) - 20;
    int len = kind < 30 ? sprintf((char *)out, "%d", n)
                        : sprintf((char *)out, "member:%d", n);
    if (kind == 59 || kind == 58) { /* longer than packed; outside the heap */
        size_t longer = kind == 58 ? 70 : MEMBER_MAX;
        memset(out + len, 'x', longer - (size_t)len);
        len = (int)longer;
    }
    return slice_of(out, kind == 0 ? 0 : (size_t)len);
}

static struct ranking_cut random_cut(struct model *m, uint8_t *buffer)
{
    struct ranking_cut cut = {random_score(m), random_member(m, buffer),
                              (enum ranking_side)below(m, 4)};
    return cut;
}

/* ---- checks ---- */

static bool is_before(const struct item *i, const struct ranking_cut *cut)
{
    if (i->score < cut->score || i->score > cut->score) {
        return i->score < cut->score;
    }
    int order = slice_compare(member_of(i), cut->member);
    switch (cut->side) {
    case CUT_BEFORE_SCORE:
        return false;
    case CUT_AFTER_SCORE:
        return true;
    case CUT_BEFORE_MEMBER:
        return order < 0;
    case CUT_AFTER_MEMBER:
        return order <= 0;
    }
    return false;
}

struct walk {
    const struct model *m;
    size_t next, seen;
    bool is_downward, is_unordered;
};

static bool check_visited(void *self, struct slice member, double score)
{
    struct walk *w = self;
    size_t i = w->is_unordered ? model_find(w->m, member) : w->next;
    assert_true(i < w->m->count);
    assert_true(slice_equal(member, member_of(&w->m->items[i])));
    assert_true(score == w->m->items[i].score);
    w->next = w->is_downward ? w->next - 1 : w->next + 1;
    w->seen++;
    return true;
}

static void check_all(const struct model *m, const struct entry *e)
{
    struct walk up = {.m = m}, scan = {.m = m, .is_unordered = true};
    uint64_t cursor = 0;
    assert_int_equal(value_count(e), m->count);
    if (e->encoding == ENC_BIG) {
        entry_value(e)->ops->check(entry_value(e), m->w.m);
    }
    zset_visit(e, 0, m->count, false, check_visited, &up);
    assert_int_equal(up.seen, m->count);
    do {
        cursor = zset_scan(e, cursor, check_visited, &scan);
    } while (cursor != 0);
    assert_int_equal(scan.seen, m->count);
}

static void check_part(struct model *m)
{
    if (m->count == 0) {
        return;
    }
    size_t first = below(m, m->count);
    bool is_downward = below(m, 2);
    size_t count = below(m, is_downward ? first + 2 : m->count - first + 1);
    struct walk w = {.m = m, .next = first, .is_downward = is_downward};
    zset_visit(m->e, first, count, is_downward, check_visited, &w);
    assert_int_equal(w.seen, count);
}

static void check_ranks(struct model *m)
{
    uint8_t a[MEMBER_MAX], b[MEMBER_MAX];
    struct ranking_cut cut = random_cut(m, a);
    struct slice member = random_member(m, b);
    size_t before = 0, rank, at = model_find(m, member);
    double score;
    while (before < m->count && is_before(&m->items[before], &cut)) {
        before++;
    }
    assert_int_equal(zset_count_before(m->e, &cut), before);
    if (!zset_rank(m->e, member, &rank, &score)) {
        assert_int_equal(at, m->count);
        return;
    }
    assert_int_equal(rank, at);
    assert_true(score == m->items[at].score);
}

static void check_random(struct model *m)
{
    char scratch[ZSET_SCRATCH_BYTES];
    double score;
    if (m->count > 0) {
        struct slice member = zset_random(m->e, &m->random, scratch, &score);
        size_t i = model_find(m, member);
        assert_true(i < m->count);
        assert_true(score == m->items[i].score);
    }
}

/* ---- steps ---- */

static void step_put(struct model *m)
{
    uint8_t buffer[MEMBER_MAX];
    struct slice member = random_member(m, buffer);
    double score = random_score(m);
    struct zset_at at;
    size_t i = model_find(m, member);
    zset_find(m->e, member, &at);
    assert_int_equal(at.is_found, i < m->count);
    assert_true(!at.is_found || at.score == m->items[i].score);
    if (!at.is_found && m->count == ITEMS_MAX) {
        return;
    }
    if (below(m, 4) == 0) {
        m->w.m->account->fail_after = (int64_t)below(m, 4);
    }
    enum status st = zset_put(m->w.m, &m->limits, &m->e, member, score, &at);
    m->w.m->account->fail_after = -1;
    if (st == ST_OK) {
        model_put(m, member, score);
    }
}

/* Memory fails now and then; the set is the same, whatever its form. */
static void step_expect(struct model *m)
{
    size_t count = below(m, 2000);
    m->w.m->account->fail_after = (int64_t)below(m, 20);
    enum status st = zset_expect(m->w.m, &m->limits, &m->e, count);
    m->w.m->account->fail_after = -1;
    assert_true(st != ST_OK || m->e->encoding == ENC_BIG
                || (int64_t)count <= m->limits.zset_entries_max);
}

static void step_remove(struct model *m)
{
    uint8_t buffer[MEMBER_MAX];
    struct slice member = random_member(m, buffer);
    size_t i = model_find(m, member);
    m->w.m->account->fail_after = below(m, 3) == 0 ? 0 : -1;
    assert_int_equal(zset_remove(m->w.m, &m->e, member), i < m->count);
    m->w.m->account->fail_after = -1;
    if (i < m->count) {
        model_delete(m, i, 1);
    }
}

static void step_remove_ranks(struct model *m)
{
    size_t first = below(m, m->count + 1);
    size_t left = m->count - first;
    size_t count = below(m, (left < 20 ? left : 20) + 1);
    struct value *removed;
    zset_remove_ranks(m->w.m, &m->e, first, count, &removed);
    assert_null(removed);
    model_delete(m, first, count);
}

/* A copy in the other heap is the same and goes without a rest. */
static void step_copy(struct model *m)
{
    struct entry_memory *to = &m->w.memories[1];
    struct entry *copy;
    to->account->fail_after = (int64_t)below(m, 40);
    enum status st = entry_transfer(m->e, m->w.m, to, SLICE_LIT("copy"), false,
                                    &copy);
    to->account->fail_after = -1;
    if (st != ST_OK) {
        st = entry_transfer(m->e, m->w.m, to, SLICE_LIT("copy"), false, &copy);
    }
    assert_int_equal(st, ST_OK);
    assert_true(entry_bytes(copy, to) <= mem_used(to->account));
    check_all(m, copy);
    entry_destroy(copy, to);
}

static void step(struct model *m)
{
    switch (below(m, 12)) {
    case 0:
    case 1:
        step_remove(m);
        break;
    case 2:
        if (below(m, 20) == 0) {
            step_remove_ranks(m);
        }
        break;
    case 3:
        if (below(m, 20) == 0) {
            step_copy(m);
        } else if (below(m, STEPS / 8) == 0) {
            step_expect(m);
        }
        break;
    case 4:
        check_part(m);
        check_random(m);
        break;
    case 5:
        check_ranks(m);
        break;
    default:
        step_put(m);
        break;
    }
}

static struct model *model_create(uint64_t seed, int64_t entries_max)
{
    struct model *m = calloc(1, sizeof *m);
    world_init(&m->w);
    for (int i = 0; i < HEAPS; i++) {
        m->w.memories[i].seed = &m->seed;
    }
    random_init(&m->random, seed);
    value_limits_init(&m->limits);
    atomic_store(&m->limits.zset_entries_max, entries_max);
    assert_int_equal(value_create_empty(m->w.m, SLICE_LIT("key"), TYPE_ZSET, 0,
                                        &m->e), ST_OK);
    return m;
}

static void model_destroy(struct model *m)
{
    check_all(m, m->e);
    entry_destroy(m->e, m->w.m);
    world_deinit(&m->w);
    free(m);
}

static void steps_agree_with_a_sorted_array(void **state)
{
    static const int64_t entries_max[] = {0, 5, 128, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof entries_max / sizeof *entries_max; i++) {
        struct model *m = model_create(i + 1, entries_max[i]);
        for (int s = 0; s < STEPS; s++) {
            step(m);
            if (s % 50 == 0) {
                check_all(m, m->e);
            }
        }
        model_destroy(m);
    }
}

static void put(struct model *m, double score, const char *member)
{
    struct zset_at at;
    zset_find(m->e, slice_of_text(member), &at);
    assert_int_equal(zset_put(m->w.m, &m->limits, &m->e, slice_of_text(member),
                              score, &at), ST_OK);
    model_put(m, slice_of_text(member), score);
}

/* The published format, byte for byte: dumps and snapshots hold it. */
static void packed_bytes_are_the_published_ones(void **state)
{
    (void)state;
    struct model *m = model_create(9, 128);
    put(m, 1.5, "c");
    put(m, -0.0, "b");
    put(m, 3, "17");
    struct slice flat = flat_bytes(m->e);
    static const uint8_t bytes[] = {
        24, 0, 0, 0, 6, 0,
        0x81, 'b', 2, 0, 1,
        0x81, 'c', 2, 0x83, '1', '.', '5', 4,
        17, 1, 3, 1,
        0xff,
    };
    assert_int_equal(flat.len, bytes[0]);
    assert_memory_equal(flat.data, bytes, sizeof bytes);
    model_destroy(m);
}

/* [from, to) of names, as ranks. */
static void expect_names(struct model *m, const char *from, const char *to,
                         bool is_downward, size_t low, size_t high)
{
    struct ranking_cut a = {0, slice_of_text(from), CUT_BEFORE_MEMBER};
    struct ranking_cut b = {0, slice_of_text(to), CUT_BEFORE_MEMBER};
    size_t got_low, got_high;
    zset_find_names(m->e, &a, &b, is_downward, &got_low, &got_high);
    assert_int_equal(got_low, low);
    assert_int_equal(got_high, high);
}

static void names_are_found_by_bytes(void **state)
{
    (void)state;
    for (int64_t entries_max = 0; entries_max < 200; entries_max += 128) {
        struct model *m = model_create(1, entries_max);
        const char *names[] = {"a", "aa", "b", "d", "e"};
        for (size_t i = 0; i < 5; i++) {
            put(m, 7, names[i]);
        }
        expect_names(m, "aa", "d", false, 1, 3);
        expect_names(m, "aa", "d", true, 1, 3);
        expect_names(m, "", "z", true, 0, 5);
        expect_names(m, "c", "cc", false, 3, 3);
        /* In order although the scores differ. */
        put(m, 8, "f");
        expect_names(m, "aa", "d", false, 1, 3);
        expect_names(m, "b", "z", true, 2, 6);
        model_destroy(m);
    }
}

static void a_large_set_is_freed_in_slices(void **state)
{
    enum { BUDGET = 10 };
    (void)state;
    struct model *m = model_create(1, 0);
    for (int i = 0; i < ITEMS_MAX; i++) {
        char name[16];
        sprintf(name, "m%d", i);
        put(m, i, name);
    }
    struct value *v = entry_value(m->e);
    int slices = 0;
    while (!v->ops->destroy_some(&v, m->w.m, BUDGET)) {
        slices++;
    }
    assert_null(v);
    assert_in_range(slices, 4, ITEMS_MAX / BUDGET);
    entry_free_shell(m->e, m->w.m);
    world_deinit(&m->w);
    free(m);
}

int test_zset_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_agree_with_a_sorted_array),
        cmocka_unit_test(packed_bytes_are_the_published_ones),
        cmocka_unit_test(names_are_found_by_bytes),
        cmocka_unit_test(a_large_set_is_freed_in_slices),
    };
    return cmocka_run_group_tests_name("zset", tests, NULL, NULL);
}
