/* Tests of base/slab against a list of the live cells: contents, charge and
 * every invariant, through growth, random use, compaction and wholesale free,
 * with each allocation made to fail in turn. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int test_slab_run(void);

enum { CELLS_MAX = 60000 };

struct model {
    struct pages *pages;
    struct mem_account account;
    struct slab_heap *heap;
    size_t heap_bytes; /* what the heap itself costs */
    size_t cell_bytes;
    uint64_t seed;
    size_t count;
    uint8_t *cells[CELLS_MAX];
    uint16_t sizes[CELLS_MAX];
    uint8_t stamps[CELLS_MAX];
};

static uint32_t model_random(struct model *m, uint32_t bound)
{
    m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((m->seed >> 33) % bound);
}

static struct model *model_open(size_t span_bytes)
{
    struct model *m = calloc(1, sizeof(*m));
    struct pages_options o = { .reserve_bytes = span_bytes };
    m->pages = pages_create(&o);
    assert_non_null(m->pages);
    mem_account_init(&m->account);
    m->heap = slab_heap_create(m->pages, &m->account);
    assert_non_null(m->heap);
    m->heap_bytes = mem_used(&m->account);
    m->seed = 42;
    return m;
}

static void model_close(struct model *m)
{
    slab_heap_destroy(&m->heap);
    assert_null(m->heap);
    assert_int_equal(mem_used(&m->account), 0);
    struct pages_stats s;
    pages_stats_read(m->pages, &s);
    assert_int_equal(s.used_bytes, 0);
    pages_destroy(&m->pages);
    free(m);
}

static void cell_fill(uint8_t *cell, size_t size, uint8_t stamp)
{
    memset(cell, stamp, size);
}

static void cell_verify(const uint8_t *cell, size_t size, uint8_t stamp)
{
    assert_int_equal(cell[0], stamp);
    assert_int_equal(cell[size / 2], stamp);
    assert_int_equal(cell[size - 1], stamp);
}

static bool model_add(struct model *m, size_t size)
{
    uint8_t *cell = slab_alloc(m->heap, size);
    if (cell == NULL) {
        return false;
    }
    size_t whole = slab_cell_bytes(m->heap, cell);
    assert_int_equal(whole, slab_class_bytes(size));
    assert_int_equal((uintptr_t)cell % 8, 0);
    if (whole % 64 == 0) {
        assert_int_equal((uintptr_t)cell % 64, 0);
    }
    m->cells[m->count] = cell;
    m->sizes[m->count] = (uint16_t)whole;
    m->stamps[m->count] = (uint8_t)model_random(m, 256);
    cell_fill(cell, whole, m->stamps[m->count]);
    m->cell_bytes += whole;
    m->count++;
    return true;
}

static void model_remove(struct model *m, size_t k)
{
    cell_verify(m->cells[k], m->sizes[k], m->stamps[k]);
    slab_free(m->heap, m->cells[k]);
    m->cell_bytes -= m->sizes[k];
    m->count--;
    m->cells[k] = m->cells[m->count];
    m->sizes[k] = m->sizes[m->count];
    m->stamps[k] = m->stamps[m->count];
}

static void model_check(const struct model *m)
{
    struct slab_stats s;
    slab_stats_read(m->heap, &s);
    assert_int_equal(s.cell_bytes, m->cell_bytes);
    assert_true(s.page_bytes >= s.cell_bytes);
    assert_int_equal(mem_used(&m->account), m->heap_bytes + m->cell_bytes);
    struct pages_stats p;
    pages_stats_read(m->pages, &p);
    assert_int_equal(p.used_bytes, s.page_bytes);
    slab_check(m->heap);
}

static void test_classes(void **state)
{
    (void)state;
    size_t before = 0;
    for (size_t n = 1; n <= SLAB_CELL_MAX; n++) {
        size_t whole = slab_class_bytes(n);
        assert_true(whole >= n);
        assert_true(whole >= before);
        assert_int_equal(whole % 8, 0);
        assert_int_equal(slab_class_bytes(whole), whole);
        if (n <= 1024) {
            assert_true(n > 512 ? whole - n < 32 : n < 16 || whole - n < 8);
        } else {
            size_t cells = PAGE_BYTES / whole;
            assert_true(cells == PAGE_BYTES / ((n + 7) / 8 * 8));
            assert_true(PAGE_BYTES / (whole + 8) < cells);
        }
        before = whole;
    }
}

static void test_every_size(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)16 << 20);
    for (size_t n = 1; n <= SLAB_CELL_MAX; n++) {
        assert_true(model_add(m, n));
    }
    model_check(m);
    while (m->count > 0) {
        model_remove(m, m->count - 1);
    }
    model_check(m);
    struct slab_stats s;
    slab_stats_read(m->heap, &s);
    assert_int_equal(s.page_bytes, 0); /* an empty heap keeps nothing */
    model_close(m);
}

static void test_random_use(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)64 << 20);
    for (int i = 0; i < 600000; i++) {
        bool grows = (i / 60000) % 2 == 0;
        if (m->count < CELLS_MAX &&
            model_random(m, 100) < (grows ? 75u : 30u)) {
            /* Half of them of few sizes, so that pages fill. */
            uint32_t size = model_random(m, 2) ? 1 + model_random(m, 1024)
                                               : 40 + 8 * model_random(m, 4);
            assert_true(model_add(m, size));
        } else if (m->count > 0) {
            model_remove(m, model_random(m, (uint32_t)m->count));
        }
        if (i % 5000 == 0) {
            model_check(m);
        }
    }
    while (m->count > 0) {
        model_remove(m, model_random(m, (uint32_t)m->count));
    }
    model_check(m);
    model_close(m);
}

/* Moves the k-th cell if its page is a source; as the owner does. */
static void model_evacuate(struct model *m, size_t k)
{
    if (!slab_is_source(m->heap, m->cells[k])) {
        return;
    }
    uint8_t *to = slab_alloc(m->heap, m->sizes[k]);
    assert_non_null(to);
    assert_false(slab_is_source(m->heap, to));
    memcpy(to, m->cells[k], m->sizes[k]);
    slab_free(m->heap, m->cells[k]);
    m->cells[k] = to;
}

static void thin_out(struct model *m, uint32_t keep_percent)
{
    for (size_t k = m->count; k-- > 0;) {
        if (model_random(m, 100) >= keep_percent) {
            model_remove(m, k);
        }
    }
}

static size_t page_bytes(const struct model *m)
{
    struct slab_stats s;
    slab_stats_read(m->heap, &s);
    return s.page_bytes;
}

static void test_compaction(void **state)
{
    (void)state;
    static const uint32_t keeps[] = { 5, 30, 50, 70, 85 };
    for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
        struct model *m = model_open((size_t)64 << 20);
        while (m->count < CELLS_MAX) {
            assert_true(model_add(m, m->count % 3 == 0 ? 200 : 72));
        }
        assert_int_equal(slab_begin_compaction(m->heap), 0);
        thin_out(m, keeps[i]);
        size_t before = page_bytes(m);
        size_t saved = slab_begin_compaction(m->heap);
        assert_true(saved > 0);
        model_check(m);
        for (size_t k = 0; k < m->count; k++) {
            model_evacuate(m, k);
            if (k % 2000 == 0) {
                model_check(m);
            }
        }
        slab_end_compaction(m->heap);
        model_check(m);
        assert_true(page_bytes(m) <= before - saved + 2 * PAGE_BYTES);
        /* About 9/10 full now, and nothing more to gain. */
        assert_true(page_bytes(m) * 8 < m->cell_bytes * 10 ||
                    m->cell_bytes < 40 * PAGE_BYTES);
        assert_int_equal(slab_begin_compaction(m->heap), 0);
        model_close(m);
    }
}

/* Compaction while cells come and go, stopped at odd moments. */
static void test_compaction_under_load(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)64 << 20);
    for (int round = 0; round < 30; round++) {
        while (m->count < CELLS_MAX / 2) {
            assert_true(model_add(m, 16 + 8 * model_random(m, 20)));
        }
        thin_out(m, 20 + model_random(m, 70));
        (void)slab_begin_compaction(m->heap);
        size_t stop = model_random(m, (uint32_t)m->count * 2);
        for (size_t k = 0; k < m->count && k < stop; k++) {
            model_evacuate(m, k);
            if (model_random(m, 3) == 0) {
                assert_true(model_add(m, 16 + 8 * model_random(m, 20)));
            }
            if (model_random(m, 3) == 0) {
                model_remove(m, model_random(m, (uint32_t)m->count));
            }
        }
        model_check(m);
        if (round % 3 != 0) {
            slab_end_compaction(m->heap);
            model_check(m);
        }
    }
    model_close(m);
}

static void test_drain_in_slices(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)64 << 20);
    while (m->count < 20000) {
        assert_true(model_add(m, 1 + model_random(m, 1024)));
    }
    size_t pages = page_bytes(m) / PAGE_BYTES;
    size_t calls = 1;
    while (slab_heap_drain(m->heap, 10)) {
        calls++;
        assert_int_equal(page_bytes(m) / PAGE_BYTES, pages - (calls - 1) * 10);
    }
    assert_int_equal(calls, (pages + 9) / 10);
    assert_int_equal(mem_used(&m->account), m->heap_bytes);
    assert_false(slab_heap_drain(m->heap, 10));
    model_close(m);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)4 << 20);
    struct mem_account failing;
    mem_account_init(&failing);
    failing.fail_after = 0;
    assert_null(slab_heap_create(m->pages, &failing));
    assert_int_equal(mem_used(&failing), 0);

    m->account.fail_after = 3;
    assert_true(model_add(m, 100));
    assert_true(model_add(m, 100));
    assert_true(model_add(m, 900));
    assert_false(model_add(m, 100));
    assert_false(model_add(m, 500));
    model_check(m);
    m->account.fail_after = -1;

    /* The span itself runs out; freeing makes room again. */
    while (model_add(m, 512)) {
        assert_true(m->count < CELLS_MAX);
    }
    model_check(m);
    assert_false(model_add(m, 512));
    model_remove(m, m->count / 2);
    assert_true(model_add(m, 512));
    model_check(m);
    model_close(m);
}

static void test_two_heaps_share_a_span(void **state)
{
    (void)state;
    struct model *m = model_open((size_t)16 << 20);
    struct mem_account other_account;
    mem_account_init(&other_account);
    struct slab_heap *other = slab_heap_create(m->pages, &other_account);
    uint8_t *cells[1000];
    for (int i = 0; i < 1000; i++) {
        cells[i] = slab_alloc(other, 64);
        memset(cells[i], 9, 64);
        assert_true(model_add(m, 64));
    }
    slab_heap_destroy(&other);
    assert_int_equal(mem_used(&other_account), 0);
    model_check(m);
    while (m->count > 0) {
        model_remove(m, 0);
    }
    model_close(m);
}

int test_slab_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_random_use),
        cmocka_unit_test(test_compaction),
        cmocka_unit_test(test_compaction_under_load),
        cmocka_unit_test(test_drain_in_slices),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_two_heaps_share_a_span),
    };
    return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
