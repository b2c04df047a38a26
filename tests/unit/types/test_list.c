/* Random changes of a list against an array of texts, in both of its forms and
 * around every kind of limit between them, while memory fails now and then. */
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "types/list.h"
#include "world.h"

enum { ITEMS_MAX = 700, STEPS = 12000, HUGE_BYTES = 70000 };

struct item {
    uint8_t *bytes;
    size_t len;
};

struct model {
    struct world w;
    struct random random;
    struct value_limits limits;
    struct entry *e;
    struct item items[ITEMS_MAX];
    size_t count;
    int64_t deadline_ms;
    size_t flats, bigs; /* steps that ended in that form */
};

static size_t below(struct model *m, size_t n)
{
    return (size_t)random_below(&m->random, n);
}

static struct slice slice_of_item(const struct item *i)
{
    return slice_of(i->bytes, i->len);
}

/* ---- the model ---- */

static struct item random_item(struct model *m)
{
    const size_t max[] = {3, 3, 12, 70, 5000, HUGE_BYTES};
    size_t kind = below(m, 300);
    struct item i = {.len = below(m, max[kind == 0 ? 5 : kind < 4 ? 4
                                                     : kind % 4])};
    i.bytes = malloc(i.len + 32);
    if (kind % 3 == 1) {
        int64_t v = (int64_t)random_next(&m->random) >> below(m, 64);
        i.len = (size_t)snprintf((char *)i.bytes, 32, "%lld", (long long)v);
        return i;
    }
    for (size_t b = 0; b < i.len; b++) {
        i.bytes[b] = (uint8_t)("ab0-"[below(m, 4)]);
    }
    return i;
}

static struct item copy_item(struct slice s)
{
    struct item i = {malloc(s.len + 1), s.len};
    if (s.len > 0) {
        memcpy(i.bytes, s.data, s.len);
    }
    return i;
}

static void model_insert(struct model *m, size_t at, struct item i)
{
    memmove(&m->items[at + 1], &m->items[at],
            (m->count - at) * sizeof m->items[0]);
    m->items[at] = i;
    m->count++;
}

static void model_remove(struct model *m, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(m->items[at + i].bytes);
    }
    memmove(&m->items[at], &m->items[at + count],
            (m->count - at - count) * sizeof m->items[0]);
    m->count -= count;
}

/* ---- checks ---- */

static void check_text(const struct list_at *at, const struct item *want)
{
    char scratch[LIST_SCRATCH_BYTES];
    struct slice got = list_text(at, scratch);
    assert_int_equal(got.len, want->len);
    assert_true(slice_equal(got, slice_of_item(want)));
}

static void check_list(struct model *m)
{
    struct list_at at;
    const struct entry *e = m->e;
    assert_int_equal(e->type, TYPE_LIST);
    assert_true(slice_equal(entry_key(e), SLICE_LIT("a list")));
    assert_int_equal(entry_deadline_ms(e),
                     m->deadline_ms > 0 ? m->deadline_ms : INT64_MAX);
    assert_int_equal(value_count(e), m->count);
    if (e->encoding == ENC_BIG) {
        const struct value *v = entry_value(e);
        v->ops->check(v, m->w.m);
        m->bigs++;
    } else {
        m->flats++;
    }
    assert_int_equal(entry_bytes(e, m->w.m),
                     mem_used(m->w.m->account) - m->w.empty_bytes[0]);
    assert_false(list_seek(e, (int64_t)m->count, &at));
    assert_false(list_seek(e, -(int64_t)m->count - 1, &at));
    bool more = list_seek(e, 0, &at);
    for (size_t i = 0; i < m->count; i++) {
        assert_true(more);
        assert_int_equal(at.index, i);
        check_text(&at, &m->items[i]);
        more = list_step(&at, LIST_TAIL);
    }
    assert_false(more);
    more = list_seek(e, -1, &at);
    for (size_t i = m->count; i > 0; i--) {
        assert_true(more);
        check_text(&at, &m->items[i - 1]);
        more = list_step(&at, LIST_HEAD);
    }
    assert_false(more);
}

/* ---- steps ---- */

static void step_push(struct model *m)
{
    size_t n = 1 + below(m, below(m, 20) == 0 ? 150 : 3);
    struct slice items[150];
    struct item made[150];
    enum list_end end = below(m, 2) ? LIST_HEAD : LIST_TAIL;
    n = n < ITEMS_MAX - m->count ? n : ITEMS_MAX - m->count;
    for (size_t i = 0; i < n; i++) {
        made[i] = random_item(m);
        items[i] = slice_of_item(&made[i]);
    }
    if (n == 0) {
        return;
    }
    enum status st = list_push(m->w.m, &m->limits, &m->e, end, items, n);
    for (size_t i = 0; i < n; i++) {
        if (st == ST_OK) {
            model_insert(m, end == LIST_HEAD ? 0 : m->count, made[i]);
        } else {
            assert_int_equal(st, ST_NOMEM);
            free(made[i].bytes);
        }
    }
}

static void step_insert(struct model *m)
{
    struct list_at at;
    bool is_after = below(m, 2);
    if (m->count == 0 || m->count == ITEMS_MAX) {
        return;
    }
    size_t index = below(m, m->count);
    struct item i = random_item(m);
    assert_true(list_seek(m->e, (int64_t)index, &at));
    if (list_insert(m->w.m, &m->limits, &m->e, &at, is_after,
                    slice_of_item(&i)) == ST_OK) {
        model_insert(m, index + is_after, i);
    } else {
        free(i.bytes);
    }
}

static void step_replace(struct model *m)
{
    struct list_at at;
    if (m->count == 0) {
        return;
    }
    size_t index = below(m, m->count);
    struct item i = random_item(m);
    assert_true(list_seek(m->e, (int64_t)index - (int64_t)m->count, &at));
    if (list_replace(m->w.m, &m->limits, &m->e, &at, slice_of_item(&i))
        == ST_OK) {
        free(m->items[index].bytes);
        m->items[index] = i;
    } else {
        free(i.bytes);
    }
}

static void step_delete(struct model *m)
{
    struct value *removed;
    size_t index = below(m, m->count + 2);
    size_t count = below(m, below(m, 8) == 0 ? ITEMS_MAX : 3);
    if (below(m, 3) == 0) {
        index = below(m, 2) || m->count == 0 ? 0 : m->count - 1;
        count = 1;
    }
    if (index > 0 && index + count < m->count) {
        /* Within the list that may need memory, and no command does it. */
        m->w.m->account->fail_after = -1;
    }
    list_delete(m->w.m, &m->limits, &m->e, index, count, &removed);
    if (index < m->count) {
        size_t left = m->count - index;
        model_remove(m, index, count < left ? count : left);
    }
    while (removed != NULL) {
        removed->ops->destroy_some(&removed, m->w.m, 10);
    }
}

static void step_remove_equal(struct model *m)
{
    enum list_end towards = below(m, 2) ? LIST_HEAD : LIST_TAIL;
    uint64_t max = below(m, 3) == 0 ? UINT64_MAX : 1 + below(m, 4), n = 0;
    struct item i = m->count > 0 && below(m, 4) > 0
        ? copy_item(slice_of_item(&m->items[below(m, m->count)]))
        : random_item(m);
    size_t at = towards == LIST_TAIL ? 0 : m->count;
    uint64_t gone;
    enum status st = list_remove_equal(m->w.m, &m->limits, &m->e,
                                       slice_of_item(&i), max, towards, &gone);
    if (st != ST_OK) {
        assert_int_equal(st, ST_NOMEM);
        max = gone;
    }
    while (n < max && (towards == LIST_TAIL ? at < m->count : at > 0)) {
        size_t here = towards == LIST_TAIL ? at : at - 1;
        bool same = slice_equal(slice_of_item(&m->items[here]),
                                slice_of_item(&i));
        if (same) {
            model_remove(m, here, 1);
            n++;
        }
        at = towards == LIST_HEAD ? here : at + !same;
    }
    assert_int_equal(gone, n);
    free(i.bytes);
}

static void step_find(struct model *m)
{
    struct list_at at;
    enum list_end towards = below(m, 2) ? LIST_HEAD : LIST_TAIL;
    if (m->count == 0) {
        return;
    }
    size_t start = below(m, m->count);
    const struct item *i = &m->items[below(m, m->count)];
    int64_t want = (int64_t)start;
    while (want >= 0 && want < (int64_t)m->count
           && !slice_equal(slice_of_item(&m->items[want]), slice_of_item(i))) {
        want += towards == LIST_TAIL ? 1 : -1;
    }
    bool there = want >= 0 && want < (int64_t)m->count;
    assert_true(list_seek(m->e, (int64_t)start, &at));
    assert_int_equal(list_find(&at, slice_of_item(i), towards, UINT64_MAX),
                     there);
    if (there) {
        assert_int_equal(at.index, want);
        check_text(&at, &m->items[want]);
    }
}

/* A copy elsewhere has all of it, and is nobody's who changes the first. */
static void step_copy(struct model *m)
{
    struct entry *to, *was = m->e;
    const struct entry_memory *other = &m->w.memories[1];
    int64_t fail = m->w.m->account->fail_after;
    other->account->fail_after = fail;
    m->w.m->account->fail_after = -1;
    enum status st = entry_transfer(m->e, m->w.m, other, SLICE_LIT("a list"),
                                    false, &to);
    other->account->fail_after = -1;
    if (st != ST_OK) {
        assert_int_equal(mem_used(other->account), m->w.empty_bytes[1]);
        return;
    }
    const struct entry_memory *mine = m->w.m;
    size_t mine_empty = m->w.empty_bytes[0];
    m->e = to;
    m->w.m = (struct entry_memory *)(uintptr_t)other;
    m->w.empty_bytes[0] = m->w.empty_bytes[1];
    check_list(m);
    m->e = was;
    m->w.m = (struct entry_memory *)(uintptr_t)mine;
    m->w.empty_bytes[0] = mine_empty;
    entry_destroy(to, other);
    assert_int_equal(mem_used(other->account), m->w.empty_bytes[1]);
}

static void step_deadline(struct model *m)
{
    int64_t due = below(m, 2) ? 1 + (int64_t)below(m, 1000) : 0;
    if (entry_set_deadline(m->w.m, &m->e, due) == ST_OK) {
        m->deadline_ms = due;
    }
}

static void step_limit(struct model *m)
{
    const int64_t limits[] = {-5, -4, -3, -2, -1, 1, 2, 16, 128, 512};
    atomic_store(&m->limits.list_listpack_size, limits[below(m, 10)]);
    atomic_store(&m->limits.list_compress_depth, (int64_t)below(m, 4));
}

typedef void step_fn(struct model *m);

static void model_init(struct model *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    world_init(&m->w);
    random_init(&m->random, seed);
    value_limits_init(&m->limits);
    assert_int_equal(value_create_empty(m->w.m, SLICE_LIT("a list"), TYPE_LIST,
                                        0, &m->e), ST_OK);
}

static void model_deinit(struct model *m)
{
    model_remove(m, 0, m->count);
    entry_destroy(m->e, m->w.m);
    world_deinit(&m->w);
}

static void test_random_changes(void **state)
{
    (void)state;
    /* Twice as much is added as taken, and then the other way about. */
    static step_fn *const steps[] = {
        step_push, step_push, step_push, step_insert, step_insert,
        step_replace, step_delete, step_remove_equal, step_find, step_copy,
        step_deadline, step_limit, step_delete, step_delete,
        step_remove_equal, step_delete,
    };
    struct model m;
    model_init(&m, 11);
    for (size_t n = 0; n < STEPS; n++) {
        bool grows = n / 1000 % 2 == 0;
        size_t kind = grows ? below(&m, 12) : 3 + below(&m, 13);
        m.w.m->account->fail_after = n % 4 == 0 ? (int64_t)below(&m, 5) : -1;
        steps[kind](&m);
        m.w.m->account->fail_after = -1;
        check_list(&m);
    }
    assert_true(m.flats > STEPS / 10);
    assert_true(m.bigs > STEPS / 10);
    model_deinit(&m);
}

/* ---- where one form becomes the other ---- */

static bool is_big(const struct model *m)
{
    return m->e->encoding == ENC_BIG;
}

static void push_text(struct model *m, size_t len)
{
    struct item i = {.len = len, .bytes = malloc(len + 1)};
    memset(i.bytes, 'x', len);
    struct slice s = slice_of_item(&i);
    assert_int_equal(list_push(m->w.m, &m->limits, &m->e, LIST_TAIL, &s, 1),
                     ST_OK);
    model_insert(m, m->count, i);
    check_list(m);
}

/* From the end that was pushed to, so that the list's first chunk is the one that
 * stays: one chunk is what can become a listpack. */
static void delete_last(struct model *m)
{
    struct value *removed;
    size_t last = m->count - 1;
    list_delete(m->w.m, &m->limits, &m->e, last, 1, &removed);
    assert_null(removed);
    model_remove(m, last, 1);
    check_list(m);
}

static void test_limit_of_count(void **state)
{
    (void)state;
    for (int64_t limit = 1; limit <= 128; limit = limit * 5 + 3) {
        struct model m;
        model_init(&m, 1);
        atomic_store(&m.limits.list_listpack_size, limit);
        for (int64_t i = 0; i < limit; i++) {
            push_text(&m, 3);
            assert_false(is_big(&m));
        }
        push_text(&m, 3);
        assert_true(is_big(&m));
        while ((int64_t)m.count > limit / 2 && m.count > 1) {
            assert_true(is_big(&m));
            delete_last(&m);
        }
        assert_int_equal(is_big(&m), limit / 2 == 0);
        model_deinit(&m);
    }
}

static void test_limit_of_bytes(void **state)
{
    (void)state;
    for (int64_t limit = -1; limit >= -5; limit--) {
        struct model m;
        size_t max = (size_t)2048 << -limit;
        model_init(&m, 1);
        atomic_store(&m.limits.list_listpack_size, limit);
        size_t bytes = 7; /* an empty listpack */
        while (bytes + 500 <= max) {
            push_text(&m, 500);
            bytes += 500 + 2 + 2;
            assert_false(is_big(&m));
        }
        push_text(&m, 500);
        assert_true(is_big(&m));
        while (is_big(&m)) {
            delete_last(&m);
        }
        assert_in_range(m.count * 504, 504, max / 2);
        model_deinit(&m);
    }
}

/* One element that no listpack takes: big from the start, and small again when
 * it is gone. */
static void test_huge_element(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 1);
    push_text(&m, 3);
    push_text(&m, HUGE_BYTES);
    assert_true(is_big(&m));
    push_text(&m, 4);
    struct list_at at;
    assert_true(list_seek(m.e, 1, &at));
    assert_int_equal(list_replace(m.w.m, &m.limits, &m.e, &at,
                                  SLICE_LIT("small")), ST_OK);
    free(m.items[1].bytes);
    m.items[1] = copy_item(SLICE_LIT("small"));
    check_list(&m);
    assert_true(list_seek(m.e, 0, &at));
    uint8_t *huge = malloc(HUGE_BYTES);
    memset(huge, 'y', HUGE_BYTES);
    assert_int_equal(list_insert(m.w.m, &m.limits, &m.e, &at, true,
                                 slice_of(huge, HUGE_BYTES)), ST_OK);
    model_insert(&m, 1, (struct item){huge, HUGE_BYTES});
    check_list(&m);
    assert_true(is_big(&m));
    model_deinit(&m);
}

int test_list_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes),
        cmocka_unit_test(test_limit_of_count),
        cmocka_unit_test(test_limit_of_bytes),
        cmocka_unit_test(test_huge_element),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
