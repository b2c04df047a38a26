/* Tests of structs/table against a naive model: a pool of items that know their
 * hash and whether they are in the table. */
#include "structs/table.h"

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

int test_table_run(void);

struct item {
    uint64_t hash;
    uint32_t visits;
    bool is_in;
};

struct world {
    struct mem_account account;
    struct pages *pages;
    struct slab_heap *heap;
    struct table *table;
    struct random random;
    struct item *items;
    size_t item_count;
    size_t in_count;
};

static uint64_t item_hash(void *self, const void *entry)
{
    const struct item *it = entry;

    (void)self;
    return it->hash;
}

static void world_open(struct world *w, size_t item_count, uint64_t seed)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};

    memset(w, 0, sizeof(*w));
    mem_account_init(&w->account);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    w->heap = slab_heap_create(w->pages, &w->account);
    assert_non_null(w->heap);
    w->table = table_create(w->heap, item_hash, NULL);
    assert_non_null(w->table);
    random_init(&w->random, seed);
    w->items = calloc(item_count, sizeof(*w->items));
    assert_non_null(w->items);
    w->item_count = item_count;
    for (size_t i = 0; i < item_count; i++) {
        w->items[i].hash = random_next(&w->random);
    }
}

static void world_close(struct world *w)
{
    struct slab_stats stats;

    table_destroy(&w->table);
    assert_null(w->table);
    slab_check(w->heap);
    slab_stats_read(w->heap, &stats);
    assert_int_equal(stats.cell_bytes, 0);
    slab_heap_destroy(&w->heap);
    pages_destroy(&w->pages);
    free(w->items);
}

/* Finds exactly this item. */
static bool world_find(struct world *w, struct item *it, struct table_at *at)
{
    void *found = table_find_first(w->table, it->hash, at);

    while (found != NULL && found != it) {
        found = table_find_next(at);
    }
    return found != NULL;
}

static enum status world_insert(struct world *w, struct item *it)
{
    enum status st = table_insert(w->table, it->hash, it);

    if (st == ST_OK) {
        it->is_in = true;
        w->in_count++;
    }
    return st;
}

static void world_remove(struct world *w, struct item *it)
{
    struct table_at at;

    assert_true(world_find(w, it, &at));
    table_remove(&at);
    it->is_in = false;
    w->in_count--;
}

/* Every item that is in is found, and no other. */
static void world_compare(struct world *w)
{
    struct table_at at;

    table_check(w->table);
    assert_int_equal(table_count(w->table), w->in_count);
    for (size_t i = 0; i < w->item_count; i++) {
        assert_int_equal(world_find(w, &w->items[i], &at), w->items[i].is_in);
    }
}

static struct item *world_any(struct world *w)
{
    return &w->items[random_below(&w->random, w->item_count)];
}

/* `steps` random steps; of 100, about `grow` insert. */
static void world_steps(struct world *w, size_t steps, unsigned grow,
                        size_t check_every)
{
    for (size_t i = 0; i < steps; i++) {
        struct item *it = world_any(w);
        bool wants_in = random_below(&w->random, 100) < grow;
        struct table_at at;

        assert_int_equal(world_find(w, it, &at), it->is_in);
        if (wants_in && !it->is_in) {
            assert_int_equal(world_insert(w, it), ST_OK);
        } else if (!wants_in && it->is_in) {
            world_remove(w, it);
        } else if (it->is_in) {
            table_replace(&at, it);
        }
        if (i % check_every == 0) {
            table_check(w->table);
            assert_int_equal(table_count(w->table), w->in_count);
        }
    }
    world_compare(w);
}

static void test_empty(void **state)
{
    struct world w;
    struct table_at at;

    (void)state;
    world_open(&w, 1, 1);

    size_t handle_bytes = table_bytes(w.table);

    assert_true(handle_bytes <= 64);
    assert_int_equal(table_count(w.table), 0);
    assert_null(table_find_first(w.table, w.items[0].hash, &at));
    assert_null(table_random(w.table, &w.random, NULL));
    assert_int_equal(table_scan(w.table, 0, NULL, NULL), 0);
    assert_int_equal(table_compact(w.table, 0, NULL, NULL), 0);
    table_prefetch_bucket(w.table, 0);
    table_prefetch_entry(w.table, 0);
    table_check(w.table);

    assert_int_equal(world_insert(&w, &w.items[0]), ST_OK);
    world_compare(&w);
    world_remove(&w, &w.items[0]);
    world_compare(&w);
    assert_int_equal(table_bytes(w.table), handle_bytes);
    world_close(&w);
}

static void test_small_every_step(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct world w;

        world_open(&w, (size_t)8 << seed, seed);
        for (unsigned round = 0; round < 4; round++) {
            world_steps(&w, 1000, round % 2 == 0 ? 80 : 20, 1);
        }
        world_close(&w);
    }
}

static void test_random_model(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 60000, 7);
    for (unsigned round = 0; round < 12; round++) {
        static const unsigned grow[] = {90, 60, 30, 10, 95, 2};

        world_steps(&w, 200000, grow[round % 6], 20000);
    }
    world_close(&w);
}

/* Hashes that share a long prefix, so that few entries make it deep. */
static void crowd(struct world *w, unsigned shared_bits, uint64_t prefix)
{
    for (size_t i = 0; i < w->item_count; i++) {
        w->items[i].hash = prefix << (64 - shared_bits)
                           | w->items[i].hash >> shared_bits;
    }
}

static void test_rebase(void **state)
{
    static const unsigned shared[] = {9, 11, 12, 13, 16};
    struct table_stats stats;

    (void)state;
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        struct world w;

        world_open(&w, 20000, i);
        crowd(&w, shared[i], (uint64_t)0x5a5a5 & ((1u << shared[i]) - 1));
        for (unsigned round = 0; round < 6; round++) {
            world_steps(&w, 60000, round % 2 == 0 ? 97 : 3, 6000);
            table_stats_read(w.table, &stats);
            if (round % 2 == 0) {
                assert_true(stats.depth_max > 12);
            }
        }
        world_close(&w);
    }
}

/* A crowd at one prefix, some at another, the rest everywhere: segments of all
 * depths beside each other. */
static void test_uneven(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 40000, 11);
    for (size_t i = 0; i < w.item_count; i++) {
        if (i % 3 == 0) {
            w.items[i].hash = w.items[i].hash >> 15 | (uint64_t)0x1234 << 50;
        } else if (i % 3 == 1) {
            w.items[i].hash = w.items[i].hash >> 7 | (uint64_t)0x7f << 57;
        }
    }
    for (unsigned round = 0; round < 6; round++) {
        world_steps(&w, 120000, round % 2 == 0 ? 90 : 5, 20000);
    }
    world_close(&w);
}

/* All with one hash: 1,680 fit, then inserts fail and change nothing. */
static void test_equal_hashes(void **state)
{
    struct world w;
    struct table_at at;

    (void)state;
    world_open(&w, 2000, 3);
    for (size_t i = 0; i < w.item_count; i++) {
        w.items[i].hash = UINT64_C(0x123456789abcdef0);

        enum status st = world_insert(&w, &w.items[i]);

        assert_int_equal(st, i < 1680 ? ST_OK : ST_RANGE);
        if (i % 97 == 0 || i > 1600) {
            table_check(w.table);
        }
    }
    world_compare(&w);

    struct item other = {.hash = UINT64_C(0x523456789abcdef0)};

    assert_int_equal(table_insert(w.table, other.hash, &other), ST_OK);
    assert_true(world_find(&w, &other, &at));
    table_remove(&at);
    for (size_t i = 0; i < 1680; i++) {
        world_remove(&w, &w.items[i * 1009 % 1680]);
        if (i % 53 == 0) {
            table_check(w.table);
        }
    }
    world_compare(&w);
    world_close(&w);
}

/* Entries of a few homes fill a segment that cannot split: every bucket
 * overflows, and removal must put that right. */
static void test_overfull(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 1680, 5);
    for (size_t i = 0; i < w.item_count; i++) {
        uint64_t low = w.items[i].hash >> 24;

        w.items[i].hash = (uint64_t)0xabcdef << 40
                          | (low & ~UINT64_C(0xff) << 32)
                          | (uint64_t)(i % 3) * 0x7f << 32;
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
    }
    world_compare(&w);
    world_steps(&w, 20000, 90, 100);
    world_steps(&w, 20000, 10, 100);
    world_close(&w);
}

/* --- scanning ---------------------------------------------------------- */

static void count_visit(void *self, void *entry)
{
    struct item *it = entry;

    (void)self;
    it->visits++;
}

/* The first half of the items stays, the other comes and goes during the scan:
 * each that stays is visited once, none more than once a stay. */
static void scan_under_change(struct world *w, size_t start, size_t swing,
                              unsigned grow)
{
    size_t half = w->item_count / 2;
    uint64_t cursor = 0;
    size_t calls = 0;

    for (size_t i = 0; i < w->item_count; i++) {
        struct item *it = &w->items[i];
        bool wanted = i < half || i < half + start;

        it->visits = 0;
        if (wanted && !it->is_in) {
            assert_int_equal(world_insert(w, it), ST_OK);
        } else if (!wanted && it->is_in) {
            world_remove(w, it);
        }
    }
    do {
        cursor = table_scan(w->table, cursor, count_visit, NULL);
        for (size_t i = 0; i < swing; i++) {
            struct item *it = &w->items[half + random_below(&w->random, half)];
            bool wants_in = random_below(&w->random, 100) < grow;

            if (wants_in && !it->is_in) {
                it->visits = 0;
                assert_int_equal(world_insert(w, it), ST_OK);
            } else if (!wants_in && it->is_in) {
                world_remove(w, it);
            }
        }
        calls++;
        assert_true(calls < 10 * w->item_count + 1000);
    } while (cursor != 0);
    for (size_t i = 0; i < w->item_count; i++) {
        if (i < half) {
            assert_int_equal(w->items[i].visits, 1);
        } else {
            assert_true(w->items[i].visits <= 1);
        }
    }
    table_check(w->table);
}

static void test_scan(void **state)
{
    static const size_t sizes[] = {2, 20, 200, 3000, 40000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world w;

        world_open(&w, sizes[i], i + 20);
        if (i % 2 == 1) {
            w.items[0].hash = 0;
            w.items[1].hash = UINT64_MAX;
        }
        scan_under_change(&w, 0, 0, 50);
        scan_under_change(&w, 0, 20, 95);
        scan_under_change(&w, sizes[i] / 2, 20, 5);
        scan_under_change(&w, sizes[i] / 4, 20, 50);
        world_close(&w);
    }
}

/* The same where the stored bits change under the cursor. */
static void test_scan_rebase(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 20000, 31);
    crowd(&w, 11, 0x2aa);
    for (size_t i = 0; i < 300; i++) {
        w.items[i].hash = w.items[i].hash >> 12 | (uint64_t)0x2aa << 53
                          | (uint64_t)1 << 52;
    }
    scan_under_change(&w, 0, 40, 99);
    scan_under_change(&w, 10000, 40, 1);
    scan_under_change(&w, 5000, 40, 50);
    world_close(&w);
}

/* A cursor finer than the bits stored now is still exact. */
static void test_scan_fine_cursor(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 4, 1);
    for (size_t i = 0; i < 4; i++) {
        w.items[i].hash = UINT64_C(0x1234567000000000) | (uint64_t)i << 24;
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
    }

    uint64_t cursor = table_position(w.items[2].hash);

    while (cursor != 0) {
        cursor = table_scan(w.table, cursor, count_visit, NULL);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(w.items[i].visits, i >= 2);
    }
    assert_int_equal(table_scan(w.table, UINT64_MAX, count_visit, NULL), 0);
    world_close(&w);
}

/* --- the fair choice ---------------------------------------------------- */

/* 200 draws an item; chi-square within five standard deviations. */
static void check_fair(struct world *w)
{
    size_t draws = w->in_count * 200;
    double sum = 0;

    for (size_t i = 0; i < w->item_count; i++) {
        w->items[i].visits = 0;
    }
    for (size_t i = 0; i < draws; i++) {
        struct table_at at;
        struct item *it = table_random(w->table, &w->random, &at);

        assert_true(it->is_in);
        assert_int_equal(at.hash >> 36, it->hash >> 36);
        it->visits++;
    }
    for (size_t i = 0; i < w->item_count; i++) {
        if (w->items[i].is_in) {
            double off = (double)w->items[i].visits - 200.0;

            sum += off * off / 200.0;
        }
    }

    double freedom = (double)w->in_count - 1;

    assert_true(fabs(sum - freedom) < 5 * sqrt(2 * freedom) + 5);
}

static void test_random_choice(void **state)
{
    static const size_t sizes[] = {2, 9, 100, 1500, 12000};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct world w;

        world_open(&w, sizes[i], i + 40);
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(world_insert(&w, &w.items[k]), ST_OK);
        }
        check_fair(&w);
        while (w.in_count > sizes[i] / 16 + 1) {
            struct table_at at;
            struct item *it = table_random(w.table, &w.random, &at);

            table_remove(&at);
            it->is_in = false;
            w.in_count--;
        }
        world_compare(&w);
        check_fair(&w);
        world_close(&w);
    }
}

/* Even where the depths differ so that the fair draw gives up. */
static void test_random_choice_lopsided(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 1600, 50);
    for (size_t k = 0; k < w.item_count; k++) {
        w.items[k].hash = UINT64_C(0xffffff) << 40;
        assert_int_equal(world_insert(&w, &w.items[k]), ST_OK);
    }
    for (size_t k = 0; k < 50; k++) {
        assert_non_null(table_random(w.table, &w.random, NULL));
    }
    world_close(&w);
}

/* --- memory ------------------------------------------------------------- */

/* In steps over two doublings bytes an entry stay flat. */
static void test_bytes_flat(void **state)
{
    struct world w;
    struct slab_stats stats;
    double most = 0, sum = 0;
    unsigned points = 0;
    size_t next = 100000;

    (void)state;
    world_open(&w, 400000, 60);
    for (size_t i = 0; i < w.item_count; i++) {
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
        if (w.in_count == next) {
            double each = (double)table_bytes(w.table) / (double)next;

            most = each > most ? each : most;
            sum += each;
            points++;
            next += next / 25;
        }
    }
    slab_stats_read(w.heap, &stats);
    assert_int_equal(table_bytes(w.table), stats.cell_bytes);
    assert_true(most < 11.7);
    assert_true(sum / points < 11.5);
    world_close(&w);
}

/* Whatever is deleted is given back as it goes. */
static void test_bytes_returned(void **state)
{
    struct world w;
    size_t handle_bytes;

    (void)state;
    world_open(&w, 200000, 61);
    handle_bytes = table_bytes(w.table);
    for (size_t i = 0; i < w.item_count; i++) {
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
    }
    for (size_t i = 0; i < w.item_count; i++) {
        world_remove(&w, &w.items[i]);
        if (i % 10000 == 0) {
            assert_true(table_bytes(w.table) < 16 * w.in_count + 4096);
            table_check(w.table);
        }
    }
    assert_int_equal(table_bytes(w.table), handle_bytes);
    world_close(&w);
}

/* One allocation after another fails, while it grows and while it shrinks. */
static void test_out_of_memory(void **state)
{
    struct world w;
    size_t refused = 0;

    (void)state;
    world_open(&w, 12000, 70);
    crowd(&w, 4, 9);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < w.item_count; i++) {
            struct item *it = &w.items[i];

            for (int64_t n = 0; !it->is_in; n++) {
                size_t before = w.in_count;

                w.account.fail_after = n % 24;
                if (world_insert(&w, it) != ST_OK) {
                    refused++;
                    assert_int_equal(table_count(w.table), before);
                    assert_true(n < 100);
                }
            }
            if (i % 500 == 0) {
                table_check(w.table);
            }
        }
        world_compare(&w);
        for (size_t i = 0; i < w.item_count; i++) {
            w.account.fail_after = (int64_t)(i % 24);
            world_remove(&w, &w.items[i]);
            if (i % 500 == 0) {
                table_check(w.table);
            }
        }
        world_compare(&w);
    }
    w.account.fail_after = -1;
    assert_true(refused > 0);
    world_close(&w);
}

/* Without any memory inserts go on while a slot is free, then are refused and
 * change nothing; afterwards it is as good as new. */
static void test_out_of_memory_full(void **state)
{
    static const size_t sizes[] = {0, 1, 6, 100, 1100, 9000};

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        struct world w;
        struct table_stats stats;

        world_open(&w, 30000, 71);
        for (size_t i = 0; i < sizes[k]; i++) {
            assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
        }

        size_t bytes = table_bytes(w.table);

        w.account.fail_after = 0;
        for (size_t i = sizes[k]; i < w.item_count; i++) {
            enum status st = world_insert(&w, &w.items[i]);

            assert_true(st == ST_OK || st == ST_NOMEM);
        }
        assert_int_equal(table_bytes(w.table), bytes);
        table_stats_read(w.table, &stats);
        assert_int_equal(stats.entry_count, stats.slot_count);
        world_compare(&w);
        world_steps(&w, 30000, 0, 3000);
        w.account.fail_after = -1;
        world_steps(&w, 60000, 70, 6000);
        world_close(&w);
    }
}

/* --- compaction ---------------------------------------------------------- */

struct mover {
    size_t calls;
    bool is_moving;
    struct item *from, *to;
    size_t count;
};

static void *move_item(void *self, void *entry)
{
    struct mover *m = self;
    struct item *it = entry;

    m->calls++;
    if (!m->is_moving) {
        return NULL;
    }
    m->to[it - m->from] = *it;
    it->is_in = false;
    return &m->to[it - m->from];
}

static void test_compact_entries(void **state)
{
    struct world w;
    struct mover m = {.is_moving = true};
    uint64_t cursor = 0;

    (void)state;
    world_open(&w, 20000, 80);
    for (size_t i = 0; i < w.item_count; i++) {
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
    }
    m.from = w.items;
    m.to = calloc(w.item_count, sizeof(*m.to));
    assert_non_null(m.to);
    do {
        cursor = table_compact(w.table, cursor, move_item, &m);
    } while (cursor != 0);
    assert_int_equal(m.calls, w.item_count);
    free(w.items);
    w.items = m.to;
    world_compare(&w);
    world_close(&w);
}

/* Two tables grow side by side and one goes away: its pages are left half
 * empty, and compaction brings them back. */
static void test_compact_chunks(void **state)
{
    struct world w;
    struct mover m = {.is_moving = false};
    struct table *other;
    struct slab_stats before, after;
    uint64_t cursor = 0;

    (void)state;
    world_open(&w, 40000, 81);
    other = table_create(w.heap, item_hash, NULL);
    assert_non_null(other);
    for (size_t i = 0; i < w.item_count; i++) {
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(table_insert(other, w.items[i].hash, &w.items[i]),
                             ST_OK);
        }
    }
    table_destroy(&other);
    slab_stats_read(w.heap, &before);
    assert_true(slab_begin_compaction(w.heap) > 0);
    w.table = table_compact_handle(w.table);
    do {
        cursor = table_compact(w.table, cursor, move_item, &m);
    } while (cursor != 0);
    slab_end_compaction(w.heap);
    slab_stats_read(w.heap, &after);
    slab_check(w.heap);
    assert_int_equal(before.cell_bytes, after.cell_bytes);
    assert_true(after.page_bytes * 10 < before.page_bytes * 7);
    assert_int_equal(m.calls, w.item_count);
    world_compare(&w);
    world_close(&w);
}

/* Finding by position, with false candidates told apart by the caller. */
static void test_find_position(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, 5000, 90);
    for (size_t i = 0; i < w.item_count; i++) {
        assert_int_equal(world_insert(&w, &w.items[i]), ST_OK);
    }
    for (size_t i = 0; i < w.item_count; i++) {
        struct table_at at;
        void *found = table_find_position(w.table,
                                          table_position(w.items[i].hash), &at);

        table_prefetch_bucket(w.table, w.items[i].hash);
        table_prefetch_entry(w.table, w.items[i].hash);
        while (found != NULL && found != &w.items[i]) {
            found = table_find_next(&at);
        }
        assert_non_null(found);
    }
    world_close(&w);
}

int test_table_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_small_every_step),
        cmocka_unit_test(test_random_model),
        cmocka_unit_test(test_rebase),
        cmocka_unit_test(test_uneven),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_overfull),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_scan_rebase),
        cmocka_unit_test(test_scan_fine_cursor),
        cmocka_unit_test(test_random_choice),
        cmocka_unit_test(test_random_choice_lopsided),
        cmocka_unit_test(test_bytes_flat),
        cmocka_unit_test(test_bytes_returned),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_memory_full),
        cmocka_unit_test(test_compact_entries),
        cmocka_unit_test(test_compact_chunks),
        cmocka_unit_test(test_find_position),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
