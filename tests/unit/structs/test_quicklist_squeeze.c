/* Tests of lists with squeezed chunks, beside the model in test_quicklist.c:
 * what they take, and how they are read. */
#include "structs/quicklist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/pages.h"

int test_quicklist_squeeze_run(void);

struct world {
    struct mem_account *account;
    struct pages *pages;
    struct quicklist_memory memory;
    size_t heap_bytes; /* charged while there is no list */
};

static struct world world_open(struct mem_account *account)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};
    struct world w = {.account = account};
    mem_account_init(account);
    w.pages = pages_create(&o);
    assert_non_null(w.pages);
    w.memory.account = account;
    w.memory.heap = slab_heap_create(w.pages, account);
    assert_non_null(w.memory.heap);
    w.heap_bytes = mem_used(account);
    return w;
}

static void world_close(struct world *w)
{
    slab_check(w->memory.heap);
    assert_int_equal(mem_used(w->account), w->heap_bytes);
    slab_heap_destroy(&w->memory.heap);
    pages_destroy(&w->pages);
}

static struct slice line_of(char text[64], int list, int i)
{
    int len = sprintf(text, "%d: line %d of a text that repeats itself", list,
                      i);
    return slice_of(text, (size_t)len);
}

static struct quicklist *lines_create(struct world *w, int list, int count)
{
    struct quicklist *q = quicklist_create(&w->memory, -2, 1);
    assert_non_null(q);
    for (int i = 0; i < count; i++) {
        char text[64];
        struct slice item = line_of(text, list, i);
        assert_int_equal(quicklist_push(q, &w->memory, QUICKLIST_TAIL, &item,
                                        1), ST_OK);
    }
    quicklist_check(q, &w->memory);
    quicklist_check_depth(q);
    return q;
}

/* Two lists are read at once by one thread, turn and turn about, in squeezed
 * chunks both. */
static void test_two_places(void **state)
{
    enum { COUNT = 2000 };
    (void)state;
    struct mem_account account;
    struct world w = world_open(&account);
    struct quicklist *lists[2] = {lines_create(&w, 0, COUNT),
                                  lines_create(&w, 1, COUNT)};
    struct quicklist_at places[2];
    size_t used = mem_used(&account);
    account.fail_after = 0;
    assert_true(quicklist_seek(lists[0], 0, &places[0]));
    assert_true(quicklist_seek(lists[1], -1, &places[1]));
    for (int i = 0; i < COUNT; i++) {
        char text[64];
        char scratch[LISTPACK_SCRATCH_BYTES];
        assert_true(slice_equal(quicklist_text(&places[0], scratch),
                                line_of(text, 0, i)));
        assert_true(slice_equal(quicklist_text(&places[1], scratch),
                                line_of(text, 1, COUNT - 1 - i)));
        assert_int_equal(quicklist_next(lists[0], &places[0]), i + 1 < COUNT);
        assert_int_equal(quicklist_prev(lists[1], &places[1]), i + 1 < COUNT);
    }
    assert_int_equal(mem_used(&account), used);
    account.fail_after = -1;
    quicklist_destroy(&lists[0], &w.memory);
    quicklist_destroy(&lists[1], &w.memory);
    world_close(&w);
}

static void test_squeezed_is_small(void **state)
{
    (void)state;
    struct mem_account account;
    struct world w = world_open(&account);
    struct quicklist *q = lines_create(&w, 0, 20000);
    struct quicklist_figures f;
    quicklist_figures_read(q, &f);
    assert_true(f.chunk_count > 100);
    assert_int_equal(f.squeezed_count, f.chunk_count - 2);
    assert_true(quicklist_bytes(q) < f.entry_bytes / 3);
    /* From the ends inwards, what becomes an end is loose. */
    for (int i = 0; i < 19000; i++) {
        quicklist_pop(q, &w.memory, i % 3 ? QUICKLIST_TAIL : QUICKLIST_HEAD);
    }
    quicklist_check_depth(q);
    quicklist_destroy(&q, &w.memory);
    world_close(&w);
}

static void test_depth_is_kept(void **state)
{
    (void)state;
    struct mem_account account;
    struct world w = world_open(&account);
    static const struct {
        int limit;
        uint32_t depth;
        int limit_shown;
        uint32_t depth_kept;
    } all[] = {{-2, 0, -2, 0}, {-9, 1, -5, 1}, {0, 65535, 0, 65535},
               {40000, 65536, 32767, 65535}, {7, UINT32_MAX, 7, 65535}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct quicklist *q = quicklist_create(&w.memory, all[i].limit,
                                               all[i].depth);
        struct quicklist *like = quicklist_create_like(&w.memory, q);
        struct quicklist_figures f;
        quicklist_figures_read(like, &f);
        assert_int_equal(f.chunk_limit, all[i].limit_shown);
        assert_int_equal(f.depth, all[i].depth_kept);
        quicklist_destroy(&q, &w.memory);
        quicklist_destroy(&like, &w.memory);
    }
    world_close(&w);
}

int test_quicklist_squeeze_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_places),
        cmocka_unit_test(test_squeezed_is_small),
        cmocka_unit_test(test_depth_is_kept),
    };
    return cmocka_run_group_tests_name("quicklist, squeezed", tests, NULL,
                                       NULL);
}
