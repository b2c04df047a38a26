/* Tests of structs/ranking and structs/ranked against a naive model: a sorted
 * array of the same cells. */
#include "structs/ranking.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/pages.h"
#include "base/random.h"

int test_ranking_run(void);

enum { MODEL_MAX = 200000, MEMBER_MAX = 24 };

struct world {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    struct ranking *ranking;
    struct random random;
    struct ranked **model; /* sorted */
    size_t count;
    size_t heap_bytes; /* the heap's own */
    size_t visited; /* by take_visit */
    size_t moved;
    uint64_t serial;
};

static void world_open(struct world *w, uint64_t seed)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};

    memset(w, 0, sizeof(*w));
    mem_account_init(&w->account);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    w->heap = slab_heap_create(w->pages, &w->account);
    assert_non_null(w->heap);
    w->heap_bytes = mem_used(&w->account);
    w->ranking = ranking_create(w->heap);
    assert_non_null(w->ranking);
    random_init(&w->random, seed);
    w->model = calloc(MODEL_MAX, sizeof(struct ranked *));
    assert_non_null(w->model);
}

static void destroy_visit(void *self, struct ranked *r)
{
    struct world *w = self;

    w->visited++;
    ranked_destroy(&r, w->heap, &w->account);
}

static void world_close(struct world *w)
{
    struct slab_stats stats;

    while (ranking_destroy_some(&w->ranking, 100, destroy_visit, w)) {
    }
    assert_null(w->ranking);
    slab_check(w->heap);
    slab_stats_read(w->heap, &stats);
    assert_int_equal(stats.cell_bytes, 0);
    slab_heap_destroy(&w->heap);
    pages_destroy(&w->pages);
    free(w->model);
}

static uint64_t below(struct world *w, uint64_t bound)
{
    return random_next(&w->random) % bound;
}

/* Kinds of score, from all alike to all different. */
enum score_kind {
    SCORES_EQUAL,
    SCORES_FEW,
    SCORES_ODD,
    SCORES_WHOLE,
    SCORES_UNIT,
    SCORES_BITS,
    SCORES_CLUSTERED,
    SCORE_KINDS,
};

static double any_score(struct world *w, enum score_kind kind)
{
    static const double odd[] = {
        -INFINITY, -1e308, -1, -5e-324, -0.0, 0.0, 5e-324, 1, 1e308, INFINITY,
    };
    double score;
    uint64_t bits;

    switch (kind) {
    case SCORES_EQUAL: return 7;
    case SCORES_FEW: return (double)below(w, 5) - 2;
    case SCORES_ODD: return odd[below(w, sizeof(odd) / sizeof(odd[0]))];
    case SCORES_WHOLE: return (double)below(w, 2000000) - 1000000;
    case SCORES_UNIT: return (double)random_next(&w->random) * 0x1p-64;
    case SCORES_CLUSTERED:
        return ldexp((double)below(w, 3), (int)below(w, 60))
               + (double)below(w, 100) * 1e-9;
    default: break;
    }
    do {
        bits = random_next(&w->random);
        memcpy(&score, &bits, sizeof(score));
    } while (isnan(score));
    return score;
}

/* Members differ; some are prefixes of others, some hold NULs. */
static struct ranked *any_cell(struct world *w, double score)
{
    char text[MEMBER_MAX + 1];
    size_t len = (size_t)snprintf(text, sizeof(text), "%llu",
                                  (unsigned long long)++w->serial);
    size_t tail = below(w, 8);

    if (below(w, 4) == 0) {
        /* Zeros do not begin a number: still unlike every other. */
        memmove(text + 2, text, len);
        memset(text, '0', 2);
        len += 2;
    }
    memset(text + len, 0, tail);
    return ranked_create(w->heap, &w->account, score,
                         slice_of(text, len + tail));
}

/* --- the model ------------------------------------------------------------ */

static size_t model_place(const struct world *w, double score,
                          struct slice member)
{
    size_t from = 0, to = w->count;

    while (from < to) {
        const struct ranked *r = w->model[from + (to - from) / 2];
        bool is_before = r->score < score
                         || (r->score == score
                             && slice_compare(ranked_member(r), member) < 0);

        if (is_before) {
            from += (to - from) / 2 + 1;
        } else {
            to = from + (to - from) / 2;
        }
    }
    return from;
}

static void model_insert(struct world *w, struct ranked *r)
{
    size_t at = model_place(w, r->score, ranked_member(r));

    assert_true(w->count < MODEL_MAX);
    memmove(w->model + at + 1, w->model + at,
            (w->count - at) * sizeof(struct ranked *));
    w->model[at] = r;
    w->count++;
}

static void model_remove(struct world *w, size_t at, size_t count)
{
    memmove(w->model + at, w->model + at + count,
            (w->count - at - count) * sizeof(struct ranked *));
    w->count -= count;
}

/* The ranking is sound and holds what the model holds, both ways round. */
static void check_all(struct world *w)
{
    struct ranking_cursor c;

    ranking_check(w->ranking);
    assert_int_equal(ranking_count(w->ranking), w->count);
    ranking_seek_rank(w->ranking, 0, &c);
    for (size_t i = 0; i < w->count; i++) {
        if (ranking_next(&c) != w->model[i]) {
            fail_msg("walking on: not the model's %zu of %zu", i, w->count);
        }
    }
    assert_null(ranking_next(&c));
    assert_null(ranking_next(&c));
    for (size_t i = w->count; i-- > 0;) {
        if (ranking_prev(&c) != w->model[i]) {
            fail_msg("walking back: not the model's %zu of %zu", i, w->count);
        }
    }
    assert_null(ranking_prev(&c));
    assert_null(ranking_prev(&c));
}

/* --- steps ---------------------------------------------------------------- */

static void step_insert(struct world *w, enum score_kind kind)
{
    struct ranked *r = any_cell(w, any_score(w, kind));

    assert_non_null(r);
    assert_int_equal(ranking_insert(w->ranking, r), ST_OK);
    model_insert(w, r);
}

static void step_remove(struct world *w)
{
    size_t at = below(w, w->count);
    struct ranked *r = w->model[at];

    ranking_remove(w->ranking, r);
    model_remove(w, at, 1);
    ranked_destroy(&r, w->heap, &w->account);
}

static void model_rescore(struct world *w, size_t at, struct ranked *r)
{
    model_remove(w, at, 1);
    model_insert(w, r);
}

static void step_rescore(struct world *w, enum score_kind kind)
{
    size_t at = below(w, w->count);
    struct ranked *r = w->model[at];
    double score = any_score(w, kind);

    switch (below(w, 3)) {
    case 0: score = nextafter(r->score, score); break;
    case 1: score = w->model[below(w, w->count)]->score; break;
    default: break;
    }
    assert_int_equal(ranking_rescore(w->ranking, r, score), ST_OK);
    assert_true(r->score == score);
    assert_int_equal(!!signbit(r->score), !!signbit(score));
    model_rescore(w, at, r);
}

static void step_replace(struct world *w)
{
    size_t at = below(w, w->count);
    struct ranked *old = w->model[at];
    struct ranked *new = ranked_create(w->heap, &w->account, old->score,
                                       ranked_member(old));

    assert_non_null(new);
    ranking_replace(w->ranking, old, new);
    w->model[at] = new;
    ranked_destroy(&old, w->heap, &w->account);
}

static void take_visit(void *self, struct ranked *r)
{
    struct world *w = self;

    w->visited++;
    assert_ptr_equal(r, w->model[0]);
    model_remove(w, 0, 1);
    ranked_destroy(&r, w->heap, &w->account);
}

/* As take_visit, `w->moved` elements further. */
static void take_visit_at(void *self, struct ranked *r)
{
    struct world *w = self;

    w->visited++;
    assert_ptr_equal(r, w->model[w->moved]);
    model_remove(w, w->moved, 1);
    ranked_destroy(&r, w->heap, &w->account);
}

static void step_take(struct world *w, size_t max)
{
    size_t left;

    w->moved = below(w, w->count);
    w->visited = 0;
    left = 1 + below(w, max);
    left = left < w->count - w->moved ? left : w->count - w->moved;
    while (left > 0) {
        size_t before = w->visited;
        size_t taken = ranking_take(w->ranking, w->moved, left, take_visit_at,
                                    w);

        assert_true(taken > 0);
        assert_int_equal(w->visited - before, taken);
        left -= taken;
        ranking_check(w->ranking);
    }
    assert_int_equal(ranking_take(w->ranking, w->count, 1, take_visit, w), 0);
}

/* What the cuts at a cell's score and member should count. */
static void check_cuts(struct world *w, double score, struct slice member)
{
    size_t at = model_place(w, score, member), low = at, high = at;
    bool is_in = at < w->count && w->model[at]->score == score
                 && slice_equal(ranked_member(w->model[at]), member);
    struct ranking_cut cut = {.score = score, .member = member};
    struct ranking_cursor c;

    while (low > 0 && w->model[low - 1]->score == score) {
        low--;
    }
    while (high < w->count && w->model[high]->score == score) {
        high++;
    }

    const size_t expected[] = {
        [CUT_BEFORE_SCORE] = low,
        [CUT_AFTER_SCORE] = high,
        [CUT_BEFORE_MEMBER] = at,
        [CUT_AFTER_MEMBER] = at + is_in,
    };

    for (unsigned side = 0; side < 4; side++) {
        size_t rank = expected[side];
        struct ranked *next = rank < w->count ? w->model[rank] : NULL;
        struct ranked *prev = rank > 0 ? w->model[rank - 1] : NULL;

        cut.side = (enum ranking_side)side;
        ranking_prefetch(w->ranking, &cut);
        assert_int_equal(ranking_count_before(w->ranking, &cut), rank);
        ranking_seek(w->ranking, &cut, &c);
        assert_ptr_equal(ranking_next(&c), next);
        ranking_seek(w->ranking, &cut, &c);
        assert_ptr_equal(ranking_prev(&c), prev);
        ranking_seek_rank(w->ranking, rank, &c);
        assert_ptr_equal(ranking_prev(&c), prev);
    }
    assert_ptr_equal(ranking_find(w->ranking, score, member),
                     is_in ? w->model[at] : NULL);
}

static void step_look(struct world *w, enum score_kind kind)
{
    double score = any_score(w, kind);
    char text[4] = {(char)('0' + below(w, 10)), (char)('0' + below(w, 10))};

    check_cuts(w, score, slice_of(text, below(w, 3)));
    check_cuts(w, INFINITY, slice_of(text, 1));
    check_cuts(w, -INFINITY, slice_of(text, 0));
    if (w->count > 0) {
        size_t at = below(w, w->count);
        struct ranked *r = w->model[at];

        check_cuts(w, r->score, ranked_member(r));
        check_cuts(w, r->score, slice_of(text, 2));
        assert_int_equal(ranking_rank(w->ranking, r), at);
        assert_ptr_equal(ranking_at_rank(w->ranking, at), r);
    }
    assert_null(ranking_at_rank(w->ranking, w->count));
}

/* --- tests ---------------------------------------------------------------- */

static void test_cells(void **state)
{
    static const size_t lengths[] = {0, 1, 14, 15, 254, 255, 256, 1010, 1011,
                                     1012, 5000, 70000};
    struct world w;
    uint8_t *text = malloc(70000);

    (void)state;
    world_open(&w, 1);
    for (size_t i = 0; i < 70000; i++) {
        text[i] = (uint8_t)(i * 7);
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct slice member = slice_of(text, lengths[i]);
        size_t before = mem_used(&w.account);
        struct ranked *r = ranked_create(w.heap, &w.account, 1.5, member);

        assert_non_null(r);
        assert_true(slice_equal(ranked_member(r), member));
        assert_true(r->score == 1.5);
        assert_int_equal(mem_used(&w.account) - before, ranked_bytes(r));
        ranked_destroy(&r, w.heap, &w.account);
        assert_null(r);
        ranked_destroy(&r, w.heap, &w.account);
        assert_int_equal(mem_used(&w.account), before);
        w.account.fail_after = 0;
        assert_null(ranked_create(w.heap, &w.account, 1.5, member));
        w.account.fail_after = -1;
    }

    struct ranked *r = ranked_create(w.heap, &w.account, 0, slice_of(text, 14));

    assert_int_equal(ranked_bytes(r), 24);
    ranked_destroy(&r, w.heap, &w.account);
    assert_true(ranked_image(-0.0) == ranked_image(0.0));
    assert_true(ranked_image(-INFINITY) < ranked_image(-1e308));
    assert_true(ranked_image(-1) < ranked_image(-5e-324));
    assert_true(ranked_image(-5e-324) < ranked_image(-0.0));
    assert_true(ranked_image(0.0) < ranked_image(5e-324));
    assert_true(ranked_image(1e308) < ranked_image(INFINITY));
    free(text);
    world_close(&w);
}

static void test_empty(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 2);
    check_all(&w);
    step_look(&w, SCORES_FEW);
    assert_int_equal(ranking_take(w.ranking, 0, 5, take_visit, &w), 0);
    assert_int_equal(ranking_compact(w.ranking, 0, NULL, NULL), 0);
    assert_int_equal(mem_used(&w.account) - w.heap_bytes,
                     ranking_bytes(w.ranking));
    step_insert(&w, SCORES_FEW);
    check_all(&w);
    step_remove(&w);
    check_all(&w);
    assert_int_equal(mem_used(&w.account) - w.heap_bytes,
                     ranking_bytes(w.ranking));
    world_close(&w);
}

/* Grows, stirs and shrinks to nothing, with a full check after each step. */
static void run_random(struct world *w, enum score_kind kind, size_t size)
{
    for (unsigned phase = 0; phase < 4; phase++) {
        static const unsigned insert_share[] = {12, 6, 2, 8};

        for (size_t i = 0; i < size; i++) {
            unsigned dice = (unsigned)below(w, 20);

            if (w->count == 0 || dice < insert_share[phase]) {
                step_insert(w, kind);
            } else if (dice < 14) {
                step_remove(w);
            } else if (dice < 17) {
                step_rescore(w, kind);
            } else if (dice == 17) {
                step_replace(w);
            } else if (phase > 1 && below(w, 8) == 0) {
                step_take(w, 200);
            }
            step_look(w, kind);
            if (size <= 1000 || i % 16 == 0) {
                check_all(w);
            }
        }
    }
    while (w->count > 0) {
        step_remove(w);
        check_all(w);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < SCORE_KINDS; kind++) {
        struct world w;

        world_open(&w, 100 + kind);
        run_random(&w, (enum score_kind)kind, 1000);
        world_close(&w);
    }
}

/* Big enough for three levels: many inserted, then stirred, then removed. */
static void test_random_big(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < SCORE_KINDS; kind++) {
        struct world w;

        world_open(&w, 200 + kind);
        for (size_t i = 0; i < 6000; i++) {
            step_insert(&w, (enum score_kind)kind);
            ranking_check(w.ranking);
        }
        check_all(&w);
        run_random(&w, (enum score_kind)kind, 1500);
        world_close(&w);
    }
}

/* Four levels, in ways that meet the edges; what sorted input leaves is full.
 * */
static void test_sequential(void **state)
{
    enum { COUNT = 70000 };

    (void)state;
    for (unsigned way = 0; way < 4; way++) {
        struct world w;
        struct ranking_stats stats;

        world_open(&w, 300 + way);
        for (size_t i = 0; i < COUNT; i++) {
            double sign = way % 2 == 0 ? 1 : -1;
            double score = sign * (double)(way < 2 ? i : i / 3);
            struct ranked *r = any_cell(&w, score);
            enum status st;

            if (way < 2) {
                st = ranking_insert(w.ranking, r);
            } else if (w.count == 0
                       || ranked_compare(r, w.model[w.count - 1]) > 0) {
                st = ranking_append(w.ranking, r);
            } else if (ranked_compare(r, w.model[0]) < 0) {
                st = ranking_prepend(w.ranking, r);
            } else {
                st = ranking_insert(w.ranking, r);
            }
            assert_int_equal(st, ST_OK);
            model_insert(&w, r);
            if (i % 4096 == 0) {
                check_all(&w);
            }
        }
        check_all(&w);
        ranking_stats_read(w.ranking, &stats);
        assert_int_equal(stats.element_count, COUNT);
        assert_true(stats.levels == 4 || stats.levels == 3);
        assert_true(stats.element_count * 100
                    > stats.slot_count * (way < 2 ? 98 : 70));
        world_close(&w);
    }
}

static void test_fill(void **state)
{
    struct world w;
    struct ranking_stats stats;

    (void)state;
    world_open(&w, 4);
    for (size_t i = 0; i < 100000; i++) {
        step_insert(&w, SCORES_UNIT);
    }
    check_all(&w);
    ranking_stats_read(w.ranking, &stats);
    assert_true(stats.element_count * 100 > stats.slot_count * 78);
    assert_true(ranking_bytes(w.ranking) < w.count * 11);
    /* Removing at random leaves nodes not much emptier than a third. */
    while (w.count > 1000) {
        step_remove(&w);
        if (w.count % 4096 == 0) {
            check_all(&w);
        }
    }
    ranking_stats_read(w.ranking, &stats);
    assert_true(stats.element_count * 100 > stats.slot_count * 40);
    world_close(&w);
}

/* What is popped at either end or cut out of the middle leaves no crumbs. */
static void test_take(void **state)
{
    struct world w;
    struct ranking_stats stats;

    (void)state;
    world_open(&w, 5);
    for (size_t i = 0; i < 60000; i++) {
        step_insert(&w, SCORES_FEW);
    }
    w.moved = 50;
    while (w.count > 100) {
        assert_true(ranking_take(w.ranking, 50, w.count - 100, take_visit_at,
                                 &w) > 0);
        if (w.count % 8 == 0) {
            ranking_check(w.ranking);
        }
    }
    check_all(&w);
    ranking_stats_read(w.ranking, &stats);
    assert_true(stats.leaf_count <= 6);
    for (size_t i = 0; i < 3000; i++) {
        step_insert(&w, SCORES_WHOLE);
    }
    while (w.count > 0) {
        assert_int_equal(ranking_take(w.ranking, 0, 1, take_visit, &w), 1);
        check_all(&w);
    }
    world_close(&w);
}

/* Every allocation of every write fails once; then nothing has changed. */
static void test_no_memory(void **state)
{
    size_t failures = 0;

    (void)state;
    for (unsigned kind = 0; kind < SCORE_KINDS; kind++) {
        struct world w;

        world_open(&w, 500 + kind);
        for (size_t i = 0; i < 5000; i++) {
            struct ranked *r = any_cell(&w, any_score(&w, kind));
            size_t used = mem_used(&w.account);
            enum status st = ST_NOMEM;

            for (int64_t after = 0; st == ST_NOMEM; after++) {
                w.account.fail_after = after;
                st = ranking_insert(w.ranking, r);
                w.account.fail_after = -1;
                if (st == ST_NOMEM) {
                    failures++;
                    assert_int_equal(mem_used(&w.account), used);
                    check_all(&w);
                }
            }
            assert_int_equal(st, ST_OK);
            model_insert(&w, r);
            if (i % 3 != 0) {
                continue;
            }

            size_t at = below(&w, w.count);
            double score = any_score(&w, kind);

            r = w.model[at];
            used = mem_used(&w.account);
            st = ST_NOMEM;
            for (int64_t after = 0; st == ST_NOMEM; after++) {
                double old = r->score;

                w.account.fail_after = after;
                st = ranking_rescore(w.ranking, r, score);
                w.account.fail_after = -1;
                if (st == ST_NOMEM) {
                    failures++;
                    assert_true(r->score == old);
                    assert_int_equal(mem_used(&w.account), used);
                    ranking_check(w.ranking);
                }
            }
            model_rescore(&w, at, r);
        }
        check_all(&w);
        world_close(&w);
    }
    assert_true(failures > 1000);
}

static struct ranked *move_visit(void *self, struct ranked *r)
{
    struct world *w = self;
    struct ranked *copy = ranked_copy_out(r, w->heap);

    if (copy != NULL) {
        w->model[model_place(w, r->score, ranked_member(r))] = copy;
        w->moved++;
        ranked_destroy(&r, w->heap, &w->account);
    }
    return copy;
}

static void test_compaction(void **state)
{
    struct world w;
    struct slab_stats before, after;
    size_t cursor = 0, steps = 0;

    (void)state;
    world_open(&w, 6);
    for (size_t i = 0; i < 60000; i++) {
        step_insert(&w, SCORES_WHOLE);
    }
    while (w.count > 20000) {
        step_remove(&w);
    }
    slab_stats_read(w.heap, &before);
    assert_true(slab_begin_compaction(w.heap) > 0);
    do {
        cursor = ranking_compact(w.ranking, cursor, move_visit, &w);
        if (++steps % 16 == 0) {
            ranking_check(w.ranking);
        }
    } while (cursor != 0);
    w.ranking = ranking_compact_handle(w.ranking);
    slab_end_compaction(w.heap);
    check_all(&w);
    assert_true(w.moved > 1000);
    slab_stats_read(w.heap, &after);
    assert_true(after.cell_bytes == before.cell_bytes);
    assert_true(after.page_bytes * 10 < before.page_bytes * 8);
    run_random(&w, SCORES_WHOLE, 10);
    world_close(&w);
}

/* In slices, with the cells; and at once, without. */
static void test_destroy(void **state)
{
    struct world w;
    size_t slices = 0;

    (void)state;
    world_open(&w, 7);
    for (size_t i = 0; i < 10000; i++) {
        step_insert(&w, SCORES_UNIT);
    }
    while (ranking_destroy_some(&w.ranking, 500, destroy_visit, &w)) {
        slices++;
        assert_true(w.visited <= slices * 562);
    }
    assert_null(w.ranking);
    assert_int_equal(w.visited, 10000);
    assert_true(slices >= 10000 / 562);
    assert_int_equal(mem_used(&w.account), w.heap_bytes);

    w.ranking = ranking_create(w.heap);
    w.count = 0;
    for (size_t i = 0; i < 10000; i++) {
        step_insert(&w, SCORES_UNIT);
    }
    ranking_destroy(&w.ranking);
    assert_null(w.ranking);
    ranking_destroy(&w.ranking);
    for (size_t i = 0; i < w.count; i++) {
        ranked_destroy(&w.model[i], w.heap, &w.account);
    }
    assert_int_equal(mem_used(&w.account), w.heap_bytes);
    w.account.fail_after = 0;
    assert_null(ranking_create(w.heap));
    w.account.fail_after = -1;
    w.ranking = ranking_create(w.heap);
    world_close(&w);
}

int test_ranking_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_big),
        cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_compaction),
        cmocka_unit_test(test_destroy),
    };

    return cmocka_run_group_tests_name("ranking", tests, NULL, NULL);
}
