/* Homes: each kind of big value gets one and moves in, step by step, while it is
 * changed; it is handed over to another account, thinned out, cut, destroyed.
 * Every byte is accounted for, every allocation fails in turn. */
#include "types/home.h"

#include <stdio.h>

#include "types/hash.h"
#include "types/list.h"
#include "types/set.h"
#include "types/zset.h"
#include "world.h"

enum { ITEMS = 3000, LONG_BYTES = 2100, TEXT_BYTES = 2500 };

enum kind { SET, LIST, ZSET, HASH, KINDS };

struct house {
    struct world w;
    struct hash_seed seed;
    struct value_limits limits;
    enum kind kind;
    struct entry *e;
    uint32_t added; /* numbers below have been added once */
};

/* Each tenth is longer than a cell may be, if `text` is to have such. */
static struct slice name_of(char *text, uint32_t i, bool has_long)
{
    int n = snprintf(text, TEXT_BYTES, "item:%u:%.*s", i, (int)(i % 60),
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh");
    if (has_long && i % 10 == 0) {
        memset(text + n, 'x', LONG_BYTES);
        n += LONG_BYTES;
    }
    return slice_of(text, (size_t)n);
}

static enum status add(struct house *h, uint32_t i, bool has_long)
{
    static const enum value_type types[] = {TYPE_SET, TYPE_LIST, TYPE_ZSET,
                                            TYPE_HASH};
    char text[TEXT_BYTES];
    struct slice name = name_of(text, i, has_long);
    bool is_added;
    const struct entry_memory *m = h->w.m;
    assert_int_equal(h->e->type, types[h->kind]);
    if (h->kind == SET) {
        return set_add(m, &h->limits, &h->e, name, &is_added);
    }
    if (h->kind == LIST) {
        return list_push(m, &h->limits, &h->e, LIST_TAIL, &name, 1);
    }
    if (h->kind == ZSET) {
        struct zset_at at;
        zset_find(h->e, name, &at);
        return zset_put(m, &h->limits, &h->e, name, i * 7919 % 1000, &at);
    }
    struct hash_item item = {.field = name, .value = name,
                             .deadline_ms = i % 3 == 0 ? 1000000 + i
                                                       : HASH_FOREVER};
    return hash_set(m, &h->limits, &h->e, &item, 1000, &is_added);
}

static void take(struct house *h, uint32_t i, bool has_long)
{
    char text[TEXT_BYTES];
    struct slice name = name_of(text, i, has_long);
    const struct entry_memory *m = h->w.m;
    if (h->kind == SET) {
        assert_true(set_remove(m, &h->e, name));
    } else if (h->kind == LIST) {
        uint64_t gone;
        assert_int_equal(list_remove_equal(m, &h->limits, &h->e, name, 1,
                                           LIST_TAIL, &gone), ST_OK);
        assert_int_equal(gone, 1);
    } else if (h->kind == ZSET) {
        assert_true(zset_remove(m, &h->e, name));
    } else {
        assert_true(hash_remove(m, &h->e, name));
    }
}

static struct value_home *home_of(const struct house *h)
{
    return entry_value(h->e)->home;
}

static void check(const struct house *h)
{
    const struct value *v = entry_value(h->e);
    v->ops->check(v, h->w.m);
    if (v->home != NULL) {
        home_sync(v->home);
        home_check(v->home, h->w.m->account);
        assert_ptr_equal(v->home->value, v);
    }
    for (int i = 0; i < HEAPS; i++) {
        slab_check(h->w.memories[i].heap);
    }
}

static void house_init(struct house *h, enum kind kind, uint32_t count,
                       bool has_long)
{
    static const enum value_type types[] = {TYPE_SET, TYPE_LIST, TYPE_ZSET,
                                            TYPE_HASH};
    memset(h, 0, sizeof *h);
    world_init(&h->w);
    for (int i = 0; i < HEAPS; i++) {
        h->w.memories[i].seed = &h->seed;
    }
    value_limits_init(&h->limits);
    atomic_store_explicit(&h->limits.list_listpack_size, 50,
                          memory_order_relaxed);
    h->kind = kind;
    assert_int_equal(value_create_empty(h->w.m, SLICE_LIT("key"), types[kind],
                                        0, &h->e), ST_OK);
    for (; h->added < count; h->added++) {
        assert_int_equal(add(h, h->added, has_long), ST_OK);
    }
    assert_int_equal(h->e->encoding, ENC_BIG);
}

static void house_deinit(struct house *h)
{
    entry_destroy(h->e, h->w.m);
    world_deinit(&h->w);
}

/* What is where it was: all that it takes, but for the home's own structs. */
static void check_bytes(const struct house *h, size_t before, size_t home_bytes)
{
    home_sync(home_of(h));
    assert_int_equal(mem_used(h->w.m->account), before + home_bytes);
}

static void test_moves_in_while_it_changes(void **state)
{
    (void)state;
    for (int run = 0; run < 2 * KINDS; run++) {
        struct house h;
        bool has_long = run >= KINDS, is_over = false;
        house_init(&h, (enum kind)(run % KINDS), ITEMS, has_long);
        size_t bytes = entry_bytes(h.e, h.w.m);
        size_t before = mem_used(h.w.m->account);
        assert_int_equal(home_give(h.w.m, h.e), ST_OK);
        assert_int_equal(entry_bytes(h.e, h.w.m), bytes);
        size_t home_bytes = mem_used(h.w.m->account) - before;
        check(&h);
        check_bytes(&h, before, home_bytes);
        for (uint32_t i = 0; !is_over; i++) {
            is_over = !home_tidy(home_of(&h));
            if (i % 4 == 0 && i < ITEMS) {
                take(&h, i, has_long);
                assert_int_equal(add(&h, h.added++, has_long), ST_OK);
            }
            if (i % 16 == 0) {
                check(&h);
            }
        }
        assert_true(home_settle(home_of(&h)));
        assert_int_equal(slab_heap_foreign_bytes(home_of(&h)->memory.heap), 0);
        assert_int_equal(value_count(h.e), ITEMS);
        check(&h);
        struct slab_stats st;
        slab_stats_read(h.w.m->heap, &st);
        assert_int_equal(st.cell_bytes, slab_cell_bytes(h.w.m->heap, h.e));
        house_deinit(&h);
    }
}

static void test_is_handed_over(void **state)
{
    (void)state;
    for (int run = 0; run < 2 * KINDS; run++) {
        struct house h;
        struct entry *to;
        house_init(&h, (enum kind)(run % KINDS), ITEMS, run >= KINDS);
        const struct entry_memory *to_m = &h.w.memories[1];
        assert_int_equal(home_give(h.w.m, h.e), ST_OK);
        size_t before = mem_used(h.w.m->account) + mem_used(to_m->account);
        size_t shell = slab_cell_bytes(h.w.m->heap, h.e);
        const struct value *v = entry_value(h.e);
        assert_int_equal(entry_transfer(h.e, h.w.m, to_m, SLICE_LIT("key"),
                                        true, &to), ST_OK);
        assert_ptr_equal(entry_value(to), v);
        home_sync(v->home);
        assert_null(entry_transfer_done(h.e, to, h.w.m, to_m));
        h.e = to;
        assert_int_equal(mem_used(h.w.m->account), h.w.empty_bytes[0]);
        assert_int_equal(slab_cell_bytes(to_m->heap, to), shell);
        assert_in_range(mem_used(h.w.m->account) + mem_used(to_m->account), 1,
                        before);
        h.w.m = &h.w.memories[1];
        check(&h);
        assert_int_equal(add(&h, h.added++, false), ST_OK);
        check(&h);
        house_deinit(&h);
    }
}

/* After most elements have gone the pages go too. */
static void test_sparse_pages_go(void **state)
{
    (void)state;
    for (enum kind kind = SET; kind < KINDS; kind++) {
        struct house h;
        struct slab_stats full, sparse, after;
        house_init(&h, kind, 4 * ITEMS, false);
        assert_int_equal(home_give(h.w.m, h.e), ST_OK);
        struct slab_heap *heap = home_of(&h)->memory.heap;
        assert_true(home_settle(home_of(&h)));
        slab_stats_read(heap, &full);
        for (uint32_t i = 0; i < h.added; i++) {
            if (i % 8 != 0) {
                take(&h, i, false);
            }
        }
        slab_stats_read(heap, &sparse);
        while (home_tidy(home_of(&h))) {
        }
        check(&h);
        slab_stats_read(heap, &after);
        assert_int_equal(after.cell_bytes, sparse.cell_bytes);
        assert_true(after.page_bytes <= sparse.page_bytes);
        if (kind != LIST) { /* most of which is outside */
            assert_true(after.page_bytes < sparse.page_bytes / 2);
            assert_true(after.page_bytes < full.page_bytes / 2);
        }
        house_deinit(&h);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    for (enum kind kind = SET; kind < KINDS; kind++) {
        struct house h;
        house_init(&h, kind, ITEMS, true);
        size_t before = mem_used(h.w.m->account);
        enum status st = ST_NOMEM;
        for (int64_t after = 0; st != ST_OK; after++) {
            h.w.m->account->fail_after = after;
            st = home_give(h.w.m, h.e);
            h.w.m->account->fail_after = -1;
            if (st != ST_OK) {
                assert_null(home_of(&h));
                assert_int_equal(mem_used(h.w.m->account), before);
            }
            check(&h);
            assert_true(after < 100);
        }
        struct value_home *home = home_of(&h);
        for (int64_t after = 0; after < 200; after += 7) {
            home->account.fail_after = after;
            (void)home_settle(home);
            home->account.fail_after = -1;
            check(&h);
        }
        assert_int_equal(value_count(h.e), ITEMS);
        assert_true(home_settle(home));
        check(&h);
        house_deinit(&h);
    }
}

/* The value goes first or the part that was cut from it, in slices. */
static void test_parts_of_a_list(void **state)
{
    (void)state;
    for (int run = 0; run < 4; run++) {
        struct house h;
        struct value *part;
        house_init(&h, LIST, ITEMS, false);
        assert_int_equal(home_give(h.w.m, h.e), ST_OK);
        if (run & 1) {
            assert_true(home_settle(home_of(&h)));
        }
        list_delete(h.w.m, &h.limits, &h.e, 10, ITEMS - 500, &part);
        assert_non_null(part);
        assert_ptr_equal(part->home, home_of(&h));
        check(&h);
        struct value *first = run & 2 ? part : entry_value(h.e);
        struct value *second = run & 2 ? entry_value(h.e) : part;
        while (!value_destroy_some(&first, h.w.m, 1)) {
        }
        assert_null(first);
        if (run & 2) {
            check(&h);
            assert_true(home_settle(home_of(&h)));
        }
        while (!value_destroy_some(&second, h.w.m, 1)) {
        }
        entry_free_shell(h.e, h.w.m);
        world_deinit(&h.w);
    }
}

/* A list that fits a listpack again leaves its home. */
static void test_list_becomes_flat(void **state)
{
    (void)state;
    struct house h;
    struct value *part;
    house_init(&h, LIST, ITEMS, false);
    assert_int_equal(home_give(h.w.m, h.e), ST_OK);
    list_delete(h.w.m, &h.limits, &h.e, 10, ITEMS, &part);
    while (part != NULL && !value_destroy_some(&part, h.w.m, SIZE_MAX)) {
    }
    assert_int_equal(value_count(h.e), 10);
    assert_true(entry_is_flat(h.e));
    house_deinit(&h);
}

/* A settled value without memory outside its heap goes by its pages: how many
 * slices that takes does not depend on its elements. */
static void test_goes_by_pages(void **state)
{
    (void)state;
    const enum kind kinds[] = {SET, ZSET};
    for (size_t i = 0; i < 2; i++) {
        struct house h;
        struct slab_stats st;
        house_init(&h, kinds[i], ITEMS, false);
        assert_int_equal(home_give(h.w.m, h.e), ST_OK);
        assert_true(home_settle(home_of(&h)));
        slab_stats_read(home_of(&h)->memory.heap, &st);
        struct value *v = entry_value(h.e);
        size_t slices = 1;
        for (; !value_destroy_some(&v, h.w.m, 1); slices++) {
        }
        assert_int_equal(slices, st.page_bytes / PAGE_BYTES);
        entry_free_shell(h.e, h.w.m);
        world_deinit(&h.w);
    }
}

/* One that shares the keyspace's heap goes element by element. No slice frees
 * much more than its share, not even the last ones, which free the structure
 * itself; none asks for memory. */
static void test_goes_by_elements(void **state)
{
    enum { BUDGET = 8, SLICE_BYTES_MAX = 16 * 1024 };
    (void)state;
    for (enum kind kind = SET; kind < KINDS; kind++) {
        struct house h;
        struct slab_stats st;
        house_init(&h, kind, 3 * ITEMS, true);
        struct value *v = entry_value(h.e);
        size_t slices = 1;
        h.w.m->account->fail_after = 0;
        slab_stats_read(h.w.m->heap, &st);
        for (size_t before = st.cell_bytes;
             !value_destroy_some(&v, h.w.m, BUDGET); slices++) {
            slab_stats_read(h.w.m->heap, &st);
            assert_true(st.cell_bytes <= before);
            assert_true(before - st.cell_bytes <= SLICE_BYTES_MAX);
            before = st.cell_bytes;
        }
        assert_true(slices > 3 * ITEMS / 128);
        h.w.m->account->fail_after = -1;
        entry_free_shell(h.e, h.w.m);
        slab_stats_read(h.w.m->heap, &st);
        assert_int_equal(st.cell_bytes, 0);
        world_deinit(&h.w);
    }
}

int test_home_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves_in_while_it_changes),
        cmocka_unit_test(test_is_handed_over),
        cmocka_unit_test(test_sparse_pages_go),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_parts_of_a_list),
        cmocka_unit_test(test_list_becomes_flat),
        cmocka_unit_test(test_goes_by_pages),
        cmocka_unit_test(test_goes_by_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
