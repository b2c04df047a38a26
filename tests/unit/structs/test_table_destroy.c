/* Tests of table_destroy_some: tables of all sizes, in slices of all sizes; what
 * was visited is freed at once, and the bytes are right after every slice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/pages.h"
#include "structs/table.h"

int test_table_destroy_run(void);

enum { CHUNK_ENTRIES = 112 };

/* An entry is a cell of the table's heap that holds its hash. */
struct world {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    struct table *table;
    size_t cell_bytes, left;
};

static uint64_t cell_hash(void *self, const void *cell)
{
    (void)self;
    return *(const uint64_t *)cell;
}

/* Not spread, all hashes share their first 15 bits, so that the directory is
 * deep. */
static void world_open(struct world *w, size_t count, bool is_spread)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};
    struct random random;

    memset(w, 0, sizeof(*w));
    mem_account_init(&w->account);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    w->heap = slab_heap_create(w->pages, &w->account);
    assert_non_null(w->heap);
    w->table = table_create(w->heap, cell_hash, NULL);
    assert_non_null(w->table);
    random_init(&random, count);
    for (; w->left < count; w->left++) {
        uint64_t *cell = slab_alloc(w->heap, sizeof(*cell));

        assert_non_null(cell);
        *cell = random_next(&random) >> (is_spread ? 0 : 15);
        assert_int_equal(table_insert(w->table, *cell, cell), ST_OK);
        w->cell_bytes += slab_class_bytes(sizeof(*cell));
    }
    table_check(w->table);
}

static void world_close(struct world *w)
{
    struct slab_stats stats;

    slab_check(w->heap);
    slab_stats_read(w->heap, &stats);
    assert_int_equal(stats.cell_bytes, 0);
    slab_heap_destroy(&w->heap);
    assert_int_equal(mem_used(&w->account), 0);
    pages_destroy(&w->pages);
}

/* A second visit would free what is free, which the heap asserts. */
static void free_visited(void *self, void *cell)
{
    struct world *w = self;

    assert_true(w->left > 0);
    w->left--;
    w->cell_bytes -= slab_class_bytes(sizeof(uint64_t));
    memset(cell, 0xff, sizeof(uint64_t));
    slab_free(w->heap, cell);
}

/* The heap holds the entries that are left, and the table. */
static size_t check_bytes(const struct world *w)
{
    struct slab_stats stats;
    size_t own = w->table != NULL ? table_bytes(w->table) : 0;

    slab_stats_read(w->heap, &stats);
    assert_int_equal(stats.cell_bytes, own + w->cell_bytes);
    return own;
}

static void destroy_in_slices(size_t count, bool is_spread, size_t budget)
{
    struct world w;
    bool is_gone = false;

    world_open(&w, count, is_spread);
    while (!is_gone) {
        size_t left = w.left, own = check_bytes(&w);

        is_gone = table_destroy_some(&w.table, budget, free_visited, &w);
        assert_true(left - w.left <= budget + CHUNK_ENTRIES);
        assert_true(is_gone || w.left < left || check_bytes(&w) < own);
    }
    assert_null(w.table);
    assert_int_equal(w.left, 0);
    check_bytes(&w);
    world_close(&w);
}

static void test_every_size(void **state)
{
    (void)state;
    for (size_t count = 0; count < 4000; count += 1 + count / 20) {
        destroy_in_slices(count, true, 1 + count % 7);
        destroy_in_slices(count, false, 1 + count % 300);
    }
    destroy_in_slices(300000, true, 100);
    destroy_in_slices(100000, false, 1);
    destroy_in_slices(100000, true, SIZE_MAX - CHUNK_ENTRIES);
}

static void unreachable(void *self, void *cell)
{
    (void)self;
    (void)cell;
    fail();
}

/* No slice frees more than its budget of cells, 1 KB each, and it ends with what
 * table_destroy does all at once, from any slice on. */
static void test_without_visits(void **state)
{
    (void)state;
    for (size_t stop = 1; stop < 2000; stop = stop * 3) {
        struct world w;

        world_open(&w, 50000, true);
        /* So that only the table's own cells are left to count. */
        for (uint64_t cursor = 0; w.left > 0;) {
            cursor = table_scan(w.table, cursor, free_visited, &w);
        }
        for (size_t i = 0; i < stop && w.table != NULL; i++) {
            size_t own = check_bytes(&w);

            if (!table_destroy_some(&w.table, 3, NULL, NULL)) {
                size_t now = check_bytes(&w);

                assert_true(now < own && own - now <= (size_t)3 * 1024);
            }
        }
        table_destroy(&w.table);
        world_close(&w);
    }

    struct world w;

    world_open(&w, 0, true);
    assert_true(table_destroy_some(&w.table, 1, unreachable, NULL));
    world_close(&w);
}

int test_table_destroy_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_without_visits),
    };

    return cmocka_run_group_tests_name("table, destroyed in slices", tests,
                                       NULL, NULL);
}
