/* Long ranges cut out of a ranking, while it goes on being written to and after
 * it has gone. The model knows each cell by its number, in whose order they
 * are: by score if scores differ, else by member. */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/random.h"
#include "structs/ranking.h"

int test_ranking_cut_run(void);

enum { NUMBERS = 40000, ROUNDS = 60 };

struct world {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    size_t heap_bytes; /* the heap's own */
    struct ranking *ranking;
    struct random random;
    uint32_t alike;                /* so many follow each other in one score */
    struct ranked *cells[NUMBERS]; /* NULL: not there */
    size_t count;
    struct ranked *out[NUMBERS]; /* what was cut out */
    size_t out_count;
};

static size_t below(struct world *w, size_t bound)
{
    return (size_t)random_below(&w->random, bound);
}

static struct world *world_open(uint32_t alike)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    mem_account_init(&w->account);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    w->heap = slab_heap_create(w->pages, &w->account);
    assert_non_null(w->heap);
    w->heap_bytes = mem_used(&w->account);
    w->ranking = ranking_create(w->heap);
    assert_non_null(w->ranking);
    w->alike = alike;
    random_init(&w->random, alike);
    return w;
}

/* Without the cells. */
static void world_close(struct world *w)
{
    ranking_destroy(&w->ranking);
    slab_check(w->heap);
    assert_int_equal(mem_used(&w->account), w->heap_bytes);
    slab_heap_destroy(&w->heap);
    pages_destroy(&w->pages);
    free(w);
}

static void insert(struct world *w, size_t number)
{
    char member[16];
    int len = snprintf(member, sizeof(member), "%06zu", number);
    struct ranked *r;

    if (w->cells[number] != NULL) {
        return;
    }
    r = ranked_create(w->heap, &w->account, (double)(number / w->alike),
                      slice_of(member, (size_t)len));
    assert_non_null(r);
    assert_int_equal(ranking_insert(w->ranking, r), ST_OK);
    w->cells[number] = r;
    w->count++;
}

static void take_one(struct world *w, size_t number)
{
    if (w->cells[number] != NULL) {
        ranking_remove(w->ranking, w->cells[number]);
        ranked_destroy(&w->cells[number], w->heap, &w->account);
        w->count--;
    }
}

static void check(const struct world *w)
{
    struct ranking_cursor c;

    ranking_check(w->ranking);
    assert_int_equal(ranking_count(w->ranking), w->count);
    ranking_seek_rank(w->ranking, 0, &c);
    for (size_t i = 0; i < NUMBERS; i++) {
        if (w->cells[i] != NULL && ranking_next(&c) != w->cells[i]) {
            fail_msg("number %zu is missing", i);
        }
    }
    assert_null(ranking_next(&c));
}

/* What has not been freed is in the part, what the ranking has is not. */
static void check_part(const struct world *w, const struct ranking *part)
{
    for (size_t i = 0; i < w->out_count; i++) {
        const struct ranked *r = w->out[i];

        assert_ptr_equal(ranking_find(part, r->score, ranked_member(r)), r);
    }
    for (size_t i = 0; i < NUMBERS; i += 97) {
        const struct ranked *r = w->cells[i];

        assert_true(r == NULL
                    || ranking_find(part, r->score, ranked_member(r)) != r);
    }
}

/* Every allocation fails once; then nothing has changed. */
static struct ranking *cut(struct world *w, size_t first, size_t count)
{
    struct ranking *part;
    size_t rank = 0;

    for (int64_t n = 0;; n++) {
        w->account.fail_after = n;
        part = ranking_cut_out(w->ranking, first, count);
        w->account.fail_after = -1;
        if (part != NULL) {
            assert_true(n > 3);
            break;
        }
        check(w);
    }
    w->out_count = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (w->cells[i] == NULL) {
            continue;
        }
        if (rank >= first && rank < first + count) {
            w->out[w->out_count++] = w->cells[i];
            w->cells[i] = NULL;
            w->count--;
        }
        rank++;
    }
    assert_int_equal(w->out_count, count);
    assert_int_equal(ranking_count(part), count);
    check(w);
    check_part(w, part);
    return part;
}

/* The last come first. */
static void free_visit(void *self, struct ranked *r)
{
    struct world *w = self;

    assert_ptr_equal(r, w->out[--w->out_count]);
    ranked_destroy(&r, w->heap, &w->account);
}

static void fill(struct world *w, size_t count)
{
    while (w->count < count) {
        insert(w, below(w, NUMBERS));
    }
}

static void free_all(struct world *w)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        ranked_destroy(&w->cells[i], w->heap, &w->account);
    }
}

/* From the front, to the end, almost all, and any other range. */
static void any_range(struct world *w, size_t *first, size_t *count)
{
    *first = below(w, 3) == 0 ? 0 : below(w, w->count - RANKING_PART_MIN);
    *count = w->count - *first - (*first == 0);
    if (below(w, 3) != 0) {
        *count = RANKING_PART_MIN + below(w, *count - RANKING_PART_MIN + 1);
    }
}

static void test_cut_out(void **state)
{
    const uint32_t alike[] = {1, 50, 3000, NUMBERS};

    (void)state;
    for (size_t k = 0; k < sizeof(alike) / sizeof(alike[0]); k++) {
        struct world *w = world_open(alike[k]);

        for (int round = 0; round < ROUNDS; round++) {
            size_t first, count;
            struct ranking *part;

            fill(w, RANKING_PART_MIN * 2 + below(w, NUMBERS * 3 / 4));
            any_range(w, &first, &count);
            part = cut(w, first, count);
            while (ranking_destroy_part(w->ranking, &part, 1 + count / 4,
                                        free_visit, w)) {
                check_part(w, part);
                for (int i = 0; i < 50; i++) {
                    insert(w, below(w, NUMBERS));
                    take_one(w, below(w, NUMBERS));
                }
                check(w);
            }
            assert_null(part);
            assert_int_equal(w->out_count, 0);
            check(w);
        }
        free_all(w);
        world_close(w);
    }
}

/* The whole goes before what was cut out of it. */
static void test_part_survives(void **state)
{
    struct world *w = world_open(7);
    struct ranking *part;

    (void)state;
    fill(w, 20000);
    part = cut(w, 100, 19000);
    free_all(w);
    ranking_destroy(&w->ranking);
    while (ranking_destroy_part(NULL, &part, 500, free_visit, w)) {
        check_part(w, part);
    }
    assert_int_equal(w->out_count, 0);
    world_close(w);
}

int test_ranking_cut_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_out),
        cmocka_unit_test(test_part_survives),
    };

    return cmocka_run_group_tests_name("ranking_cut", tests, NULL, NULL);
}
