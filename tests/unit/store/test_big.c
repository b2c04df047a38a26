/* Tests of big values in a store: they get homes and move in, go to other shards
 * and databases without a copy, are freed in slices, tidied, flushed, while
 * keyspace_check sees every byte and every counter agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store.h"
#include "store/store_priv.h"
#include "types/list.h"
#include "types/set.h"

enum { SHARDS = 4, DATABASES = 2, BIG = 60000, MIDDLE = 2000, NOW_MS = 1000 };

struct world {
    struct pages *pages;
    struct store *store;
};

static void world_init(struct world *w)
{
    struct pages_options po = {.reserve_bytes = (size_t)1 << 30};
    w->pages = pages_create(&po);
    assert_non_null(w->pages);
    struct store_options so = {
        .shard_count = SHARDS, .database_count = DATABASES, .pages = w->pages,
        .seed = {3, 4}, .now_ms = NOW_MS,
    };
    w->store = store_create(&so);
    assert_non_null(w->store);
}

static void world_deinit(struct world *w)
{
    struct pages_stats st;
    store_destroy(&w->store);
    pages_stats_read(w->pages, &st);
    assert_int_equal(st.used_bytes, 0);
    pages_destroy(&w->pages);
}

static struct keyspace *place(struct world *w, const struct key *k, uint32_t db)
{
    struct keyspace *ks = store_keyspace_make(
        w->store, store_shard_of(w->store, k->hash), db);
    assert_non_null(ks);
    return ks;
}

/* A key whose shard is another's or the same. */
static struct key key_beside(struct world *w, const struct key *other,
                             char text[16], bool same_shard)
{
    for (unsigned i = 0;; i++) {
        int n = snprintf(text, 16, "key:%u", i);
        struct key k = store_key(w->store, slice_of(text, (size_t)n));
        if ((store_shard_of(w->store, k.hash)
             == store_shard_of(w->store, other->hash)) == same_shard) {
            return k;
        }
    }
}

static struct slice member(char *text, uint32_t i)
{
    return slice_of(text, (size_t)snprintf(text, 64, "member:%u:%.*s", i,
                                           (int)(i % 30),
                                           "abcdefghijklmnopqrstuvwxyzabcd"));
}

static void open_edit(struct keyspace *ks, const struct key *k,
                      enum value_type type, struct keyspace_edit *edit)
{
    if (keyspace_find(ks, k) == NULL) {
        assert_int_equal(keyspace_edit_begin_new(ks, k, type, edit), ST_OK);
    } else {
        keyspace_edit_begin(ks, keyspace_find(ks, k), edit);
    }
}

static void add(struct world *w, struct keyspace *ks, const struct key *k,
                enum value_type type, uint32_t first, uint32_t end)
{
    char text[64];
    for (uint32_t i = first; i < end; i++) {
        struct keyspace_edit edit;
        struct slice item = member(text, i);
        bool added = false;
        open_edit(ks, k, type, &edit);
        enum status st =
            type == TYPE_SET
                ? set_add(edit.memory, store_limits(w->store), &edit.entry,
                          item, &added)
                : list_push(edit.memory, store_limits(w->store), &edit.entry,
                            LIST_TAIL, &item, 1);
        assert_int_equal(st, ST_OK);
        assert_false(keyspace_edit_end(&edit));
    }
}

static void take(struct keyspace *ks, const struct key *k, uint32_t first,
                 uint32_t end, uint32_t step)
{
    char text[64];
    for (uint32_t i = first; i < end; i += step) {
        struct keyspace_edit edit;
        keyspace_edit_begin(ks, keyspace_find(ks, k), &edit);
        assert_true(set_remove(edit.memory, &edit.entry, member(text, i)));
        (void)keyspace_edit_end(&edit);
    }
}

static struct value *value_at(struct keyspace *ks, const struct key *k)
{
    struct entry *e = keyspace_find(ks, k);
    assert_non_null(e);
    return entry_value(e);
}

static void check_all(struct world *w)
{
    for (uint32_t i = 0; i < SHARDS * DATABASES; i++) {
        struct keyspace *ks = store_keyspace(w->store, i % SHARDS, i / SHARDS);
        if (ks != NULL) {
            keyspace_check(ks);
        }
    }
}

/* Short slices; how many. */
static size_t run_slices(struct world *w,
                         bool (*slice)(struct store *, uint32_t,
                                       const struct store_turn *))
{
    size_t count = 0;
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct store_turn turn;
        do {
            turn = (struct store_turn){NOW_MS, clock_monotonic_us() + 20};
            count++;
        } while (slice(w->store, i, &turn));
    }
    return count;
}

static void test_gets_a_home_and_moves_in(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    struct key k = store_key(w.store, SLICE_LIT("set"));
    struct keyspace *ks = place(&w, &k, 0);
    add(&w, ks, &k, TYPE_SET, 0, MIDDLE);
    assert_null(value_at(ks, &k)->home);
    add(&w, ks, &k, TYPE_SET, MIDDLE, BIG);
    struct value_home *h = value_at(ks, &k)->home;
    assert_non_null(h);
    assert_true(slab_heap_foreign_bytes(h->memory.heap) > 0);
    check_all(&w);
    size_t before = keyspace_bytes(ks);
    assert_true(run_slices(&w, store_tidy) > SHARDS);
    assert_int_equal(slab_heap_foreign_bytes(h->memory.heap), 0);
    assert_int_equal(keyspace_bytes(ks), before);
    assert_null(ks->homes.first);
    check_all(&w);
    world_deinit(&w);
}

/* To another shard, another database, over another big value, settled or not:
 * the value stays where it is and each byte is on the right account. */
static void test_goes_elsewhere_without_a_copy(void **state)
{
    (void)state;
    for (int run = 0; run < 4; run++) {
        struct world w;
        char text[16];
        world_init(&w);
        enum value_type type = run & 1 ? TYPE_LIST : TYPE_SET;
        struct key k = store_key(w.store, SLICE_LIT("from"));
        struct key to = key_beside(&w, &k, text, false);
        struct keyspace *ks = place(&w, &k, 0);
        struct keyspace *to_ks = place(&w, &to, 1);
        size_t empty = keyspace_bytes(ks);
        add(&w, ks, &k, type, 0, BIG);
        add(&w, to_ks, &to, TYPE_SET, 0, MIDDLE);
        if (run & 2) {
            (void)run_slices(&w, store_tidy);
        }
        const struct value *v = value_at(ks, &k);
        assert_non_null(v->home);
        assert_int_equal(keyspace_rename(ks, &k, to_ks, &to), ST_OK);
        assert_ptr_equal(value_at(to_ks, &to), v);
        assert_null(keyspace_find(ks, &k));
        (void)run_slices(&w, store_free_doomed);
        check_all(&w);
        assert_in_range(keyspace_bytes(ks), empty, empty + 4096);
        add(&w, to_ks, &to, type, BIG, BIG + 100);
        (void)run_slices(&w, store_tidy);
        check_all(&w);
        world_deinit(&w);
    }
}

/* What was cut from a list and is not freed yet goes along with the list. */
static void test_cut_parts_go_along(void **state)
{
    (void)state;
    struct world w;
    char text[16];
    world_init(&w);
    struct key k = store_key(w.store, SLICE_LIT("from"));
    struct key to = key_beside(&w, &k, text, false);
    struct keyspace *ks = place(&w, &k, 0), *to_ks = place(&w, &to, 0);
    struct keyspace_edit edit;
    struct value *removed;
    add(&w, ks, &k, TYPE_LIST, 0, 3 * BIG);
    (void)run_slices(&w, store_tidy);
    keyspace_edit_begin(ks, keyspace_find(ks, &k), &edit);
    list_delete(edit.memory, store_limits(w.store), &edit.entry, 100, 2 * BIG,
                &removed);
    assert_non_null(removed);
    keyspace_edit_discard(&edit, removed);
    assert_false(keyspace_edit_end(&edit));
    assert_non_null(ks->doomed);
    check_all(&w);
    assert_int_equal(keyspace_rename(ks, &k, to_ks, &to), ST_OK);
    assert_null(ks->doomed);
    assert_non_null(to_ks->doomed);
    check_all(&w);
    (void)run_slices(&w, store_free_doomed);
    assert_null(to_ks->doomed);
    assert_int_equal(value_count(keyspace_find(to_ks, &to)), BIG);
    check_all(&w);
    world_deinit(&w);
}

static void test_is_freed_in_slices(void **state)
{
    (void)state;
    for (int run = 0; run < 4; run++) {
        struct world w;
        world_init(&w);
        struct key k = store_key(w.store, SLICE_LIT("key"));
        struct keyspace *ks = place(&w, &k, 0);
        size_t empty = keyspace_bytes(ks);
        add(&w, ks, &k, run & 1 ? TYPE_LIST : TYPE_SET, 0, BIG);
        if (run & 2) {
            (void)run_slices(&w, store_tidy);
        }
        assert_true(keyspace_delete(ks, &k));
        assert_true(store_has_doomed(w.store, ks->shard));
        assert_null(ks->homes.first);
        (void)run_slices(&w, store_free_doomed);
        assert_false(store_has_doomed(w.store, ks->shard));
        check_all(&w);
        assert_in_range(keyspace_bytes(ks), empty, empty + 4096);
        world_deinit(&w);
    }
}

/* Flushed and swapped while it moves in, while a part waits to be freed, after
 * it was deleted. */
static void test_flush_in_any_state(void **state)
{
    (void)state;
    for (int run = 0; run < 5; run++) {
        struct world w;
        world_init(&w);
        struct key k = store_key(w.store, SLICE_LIT("key"));
        struct key other = store_key(w.store, SLICE_LIT("other"));
        struct keyspace *ks = place(&w, &k, 0);
        add(&w, ks, &k, TYPE_SET, 0, BIG);
        add(&w, place(&w, &other, 0), &other, TYPE_LIST, 0, BIG);
        struct store_turn turn = {NOW_MS, clock_monotonic_us()};
        if (run > 0) {
            (void)store_tidy(w.store, ks->shard, &turn);
        }
        if (run == 2) {
            (void)run_slices(&w, store_tidy);
        }
        if (run == 3) {
            assert_true(keyspace_delete(ks, &k));
            (void)store_free_doomed(w.store, ks->shard, &turn);
        }
        if (run == 4) {
            store_swap(w.store, 0, 1);
            (void)run_slices(&w, store_tidy);
            check_all(&w);
        }
        (void)store_flush(w.store, DATABASES);
        while (store_reclaim(w.store, 10)) {
        }
        struct pages_stats st;
        pages_stats_read(w.pages, &st);
        assert_int_equal(st.used_bytes, 0);
        struct store_stats stats;
        store_stats_read(w.store, &stats);
        assert_int_equal(stats.reclaim_bytes, 0);
        world_deinit(&w);
    }
}

/* Pages come back after most members have gone, whether one set has a heap of
 * its own or several share their keyspace's. */
static void test_sparse_sets_are_compacted(void **state)
{
    (void)state;
    enum { SETS = 12, SET_MEMBERS = 5000, SHARE = 8 };
    for (int run = 0; run < 2; run++) {
        struct world w;
        struct pages_stats full, sparse, after;
        char names[SETS][16];
        struct key keys[SETS];
        uint32_t sets = run == 0 ? 1 : SETS;
        uint32_t size = run == 0 ? BIG : SET_MEMBERS;
        world_init(&w);
        keys[0] = key_beside(&w, &(struct key){.hash = 0}, names[0], true);
        struct keyspace *ks = place(&w, &keys[0], 0);
        for (uint32_t i = 0; i < sets; i++) {
            /* All in one shard. */
            uint32_t n = i;
            do {
                int len = snprintf(names[i], sizeof names[i], "%u", n++);
                keys[i] = store_key(w.store, slice_of(names[i], (size_t)len));
            } while (store_shard_of(w.store, keys[i].hash) != ks->shard
                     || keyspace_find(ks, &keys[i]) != NULL);
            add(&w, ks, &keys[i], TYPE_SET, 0, size);
            assert_int_equal(value_at(ks, &keys[i])->home != NULL, run == 0);
        }
        (void)run_slices(&w, store_tidy);
        pages_stats_read(w.pages, &full);
        for (uint32_t i = 0; i < sets * SHARE; i++) {
            if (i % SHARE != 3) {
                take(ks, &keys[i / SHARE], i % SHARE, size, SHARE);
            }
        }
        pages_stats_read(w.pages, &sparse);
        (void)run_slices(&w, store_tidy);
        check_all(&w);
        pages_stats_read(w.pages, &after);
        assert_true(after.used_bytes < sparse.used_bytes / 2);
        assert_true(after.used_bytes < full.used_bytes / 3);
        for (uint32_t i = 0; i < sets; i++) {
            assert_int_equal(value_count(keyspace_find(ks, &keys[i])),
                             size / SHARE);
        }
        world_deinit(&w);
    }
}

/* A home is a gain, not a need: without memory for it the value goes on, and a
 * move copies it. */
static void test_without_memory_it_has_no_home(void **state)
{
    (void)state;
    struct world w;
    char text[16];
    world_init(&w);
    struct key k = store_key(w.store, SLICE_LIT("key"));
    struct key to = key_beside(&w, &k, text, false);
    struct keyspace *ks = place(&w, &k, 0), *to_ks = place(&w, &to, 0);
    add(&w, ks, &k, TYPE_SET, 0, BIG);
    struct value_home *h = value_at(ks, &k)->home;
    h->account.fail_after = 0;
    (void)run_slices(&w, store_tidy);
    assert_true(slab_heap_foreign_bytes(h->memory.heap) > 0);
    assert_int_equal(keyspace_rename(ks, &k, to_ks, &to), ST_OK);
    assert_ptr_not_equal(value_at(to_ks, &to)->home, h);
    assert_int_equal(value_count(keyspace_find(to_ks, &to)), BIG);
    (void)run_slices(&w, store_free_doomed);
    check_all(&w);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gets_a_home_and_moves_in),
        cmocka_unit_test(test_goes_elsewhere_without_a_copy),
        cmocka_unit_test(test_cut_parts_go_along),
        cmocka_unit_test(test_is_freed_in_slices),
        cmocka_unit_test(test_flush_in_any_state),
        cmocka_unit_test(test_sparse_sets_are_compacted),
        cmocka_unit_test(test_without_memory_it_has_no_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
