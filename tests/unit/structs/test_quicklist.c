/* Tests of structs/quicklist against an array. The model keeps numbers that
 * stand for texts: what a number's text is follows from the number alone. */
#include "structs/quicklist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/random.h"

int test_quicklist_run(void);

enum { MODEL_MAX = 4000, TEXT_MAX = 20000, ITEMS_MAX = 40 };
enum { FAILURES_MAX = 3000 }; /* allocations of one call */

struct world {
    struct mem_account account;
    struct pages *pages;
    struct quicklist_memory memory;
    struct quicklist *list;
    struct random random;
    size_t heap_bytes; /* charged while there is no list */
    uint32_t model[MODEL_MAX];
    size_t count;
    size_t detached_count; /* deletions that handed chunks over */
    size_t squeezed_count; /* chunks that were, over all checks */
    bool has_memory;       /* always, so that the right chunks are squeezed */
    char text[TEXT_MAX];
};

static struct world *world_open(int chunk_limit, uint32_t depth, uint64_t seed)
{
    struct pages_options o = {.reserve_bytes = (size_t)1 << 30};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    mem_account_init(&w->account);
    random_init(&w->random, seed);
    w->pages = pages_create(&o);
    assert_non_null(w->pages);
    w->memory.account = &w->account;
    w->memory.heap = slab_heap_create(w->pages, &w->account);
    assert_non_null(w->memory.heap);
    w->heap_bytes = mem_used(&w->account);
    w->list = quicklist_create(&w->memory, chunk_limit, depth);
    assert_non_null(w->list);
    return w;
}

static void world_close(struct world *w)
{
    if (w->list != NULL) {
        quicklist_destroy(&w->list, &w->memory);
    }
    assert_null(w->list);
    slab_check(w->memory.heap);
    assert_int_equal(mem_used(&w->account), w->heap_bytes);
    slab_heap_destroy(&w->memory.heap);
    pages_destroy(&w->pages);
    free(w);
}

static uint64_t below(struct world *w, uint64_t bound)
{
    return random_below(&w->random, bound);
}

/* The number's low byte says what sort of text it is. */
static struct slice text_of(struct world *w, uint32_t id)
{
    size_t len = (size_t)sprintf(w->text, "%u", id);
    uint32_t sort = id & 255;
    if (sort < 100) {
        return slice_of(w->text, len);
    }
    size_t total = sort < 200   ? id % 60
                   : sort < 245 ? id % 300
                   : sort < 250 ? id % 5000
                                : id % TEXT_MAX;
    uint32_t noise = id;
    for (size_t i = len; i < total; i++) {
        noise = noise * 1664525 + 1013904223;
        w->text[i] = sort % 3 == 0 ? (char)(noise >> 24) : 'x';
    }
    return slice_of(w->text, total > len ? total : len + 1);
}

static uint32_t random_id(struct world *w)
{
    if (w->count > 0 && below(w, 4) == 0) {
        return w->model[below(w, w->count)];
    }
    uint32_t id = (uint32_t)below(w, 1 << 24);
    /* Large ones are rare, so that chunks hold many. */
    return (id & 255) < 245 || below(w, 6) == 0 ? id : id & ~255u;
}

static void check_equals(struct world *w, const struct quicklist_at *at,
                         uint32_t id)
{
    char scratch[LISTPACK_SCRATCH_BYTES];
    assert_true(slice_equal(quicklist_text(at, scratch), text_of(w, id)));
}

static size_t chunk_count(const struct world *w)
{
    struct quicklist_figures f;
    quicklist_figures_read(w->list, &f);
    return f.chunk_count;
}

static void world_check(struct world *w)
{
    struct quicklist_at at;
    struct quicklist_figures figures;
    quicklist_check(w->list, &w->memory);
    if (w->has_memory) {
        quicklist_check_depth(w->list);
    }
    quicklist_figures_read(w->list, &figures);
    w->squeezed_count += figures.squeezed_count;
    assert_int_equal(figures.entry_bytes + LISTPACK_EMPTY_BYTES,
                     quicklist_listpack_bytes(w->list, SIZE_MAX));
    assert_int_equal(quicklist_count(w->list), w->count);
    assert_int_equal(mem_used(&w->account),
                     w->heap_bytes + quicklist_bytes(w->list));
    assert_int_equal(quicklist_seek(w->list, 0, &at), w->count > 0);
    for (size_t i = 0; i < w->count; i++) {
        assert_int_equal(at.index, i);
        check_equals(w, &at, w->model[i]);
        assert_int_equal(quicklist_next(w->list, &at), i + 1 < w->count);
    }
}

static void world_check_backward(struct world *w)
{
    struct quicklist_at at;
    assert_int_equal(quicklist_seek(w->list, -1, &at), w->count > 0);
    for (size_t i = w->count; i-- > 0;) {
        assert_int_equal(at.index, i);
        check_equals(w, &at, w->model[i]);
        assert_int_equal(quicklist_prev(w->list, &at), i > 0);
    }
    int64_t n = (int64_t)w->count;
    assert_false(quicklist_seek(w->list, n, &at));
    assert_false(quicklist_seek(w->list, -n - 1, &at));
    assert_false(quicklist_seek(w->list, INT64_MIN, &at));
    for (int i = 0; i < 20 && n > 0; i++) {
        int64_t index = (int64_t)below(w, (uint64_t)n);
        assert_true(quicklist_seek(w->list, index, &at));
        check_equals(w, &at, w->model[index]);
        assert_true(quicklist_seek(w->list, index - n, &at));
        check_equals(w, &at, w->model[index]);
    }
}

static void model_insert(struct world *w, size_t index, uint32_t id)
{
    memmove(w->model + index + 1, w->model + index,
            (w->count - index) * sizeof w->model[0]);
    w->model[index] = id;
    w->count++;
}

static void model_delete(struct world *w, size_t index, size_t count)
{
    memmove(w->model + index, w->model + index + count,
            (w->count - index - count) * sizeof w->model[0]);
    w->count -= count;
}

/* Lets each allocation of the call fail in turn until it succeeds. */
#define UNTIL_IT_SUCCEEDS(w, call)                                     \
    do {                                                               \
        bool fails_ = !(w)->has_memory && below(w, 4) == 0;            \
        int64_t allowed_ = fails_ ? 0 : -1;                            \
        enum status st_;                                               \
        do {                                                           \
            assert_true(allowed_ < FAILURES_MAX);                      \
            (w)->account.fail_after = allowed_++;                      \
            st_ = (call);                                              \
            (w)->account.fail_after = -1;                              \
            if (st_ != ST_OK) {                                        \
                assert_int_equal(st_, ST_NOMEM);                       \
                world_check(w);                                        \
            }                                                          \
        } while (st_ != ST_OK);                                        \
    } while (0)

static void step_push(struct world *w, enum quicklist_end end)
{
    struct slice items[ITEMS_MAX];
    uint32_t ids[ITEMS_MAX];
    size_t count = below(w, 4) == 0 ? below(w, ITEMS_MAX) : 1;
    if (w->count + count > MODEL_MAX) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = random_id(w);
        struct slice text = text_of(w, ids[i]);
        uint8_t *copy = malloc(text.len);
        memcpy(copy, text.data, text.len);
        items[i] = slice_of(copy, text.len);
    }
    UNTIL_IT_SUCCEEDS(w,
                      quicklist_push(w->list, &w->memory, end, items, count));
    for (size_t i = 0; i < count; i++) {
        model_insert(w, end == QUICKLIST_HEAD ? 0 : w->count, ids[i]);
        free((void *)(uintptr_t)items[i].data);
    }
}

static void step_pop(struct world *w, enum quicklist_end end)
{
    size_t count = below(w, 4) == 0 ? below(w, ITEMS_MAX) : 1;
    for (; count > 0 && w->count > 0; count--) {
        quicklist_pop(w->list, &w->memory, end);
        model_delete(w, end == QUICKLIST_HEAD ? 0 : w->count - 1, 1);
    }
}

/* A place to work at for a while: chunks are split there again and again. */
static size_t pick(struct world *w, size_t *place)
{
    if (below(w, 8) == 0) {
        *place = below(w, w->count);
    }
    return *place < w->count ? *place : w->count - 1;
}

static void step_insert(struct world *w, size_t index)
{
    struct quicklist_at at;
    uint32_t id = random_id(w);
    bool is_after = below(w, 2) == 0;
    if (w->count == MODEL_MAX) {
        return;
    }
    assert_true(quicklist_seek(w->list, (int64_t)index, &at));
    UNTIL_IT_SUCCEEDS(w, quicklist_insert(w->list, &w->memory, &at, is_after,
                                          text_of(w, id)));
    model_insert(w, index + is_after, id);
}

static void step_replace(struct world *w, size_t index)
{
    struct quicklist_at at;
    uint32_t id = random_id(w);
    assert_true(quicklist_seek(w->list, (int64_t)index, &at));
    UNTIL_IT_SUCCEEDS(w, quicklist_replace(w->list, &w->memory, &at,
                                           text_of(w, id)));
    w->model[index] = id;
}

/* The model's part of LREM. */
static void model_remove_equal(struct world *w, uint32_t id, bool forward,
                               uint64_t max)
{
    size_t i = forward ? 0 : w->count - 1;
    while (max > 0 && i < w->count) {
        bool is_equal = w->model[i] == id;
        if (is_equal) {
            model_delete(w, i, 1);
            max--;
        }
        i = forward ? i + !is_equal : i - 1;
    }
}

static void step_remove_equal(struct world *w)
{
    uint32_t id = random_id(w);
    bool forward = below(w, 2) == 0;
    uint64_t max = below(w, 2) == 0 ? UINT64_MAX : 1 + below(w, 3);
    size_t before = w->count;
    enum status st;
    do {
        uint64_t gone = 0;
        st = quicklist_remove_equal(w->list, &w->memory, text_of(w, id),
                                    forward ? QUICKLIST_TAIL : QUICKLIST_HEAD,
                                    max, &gone);
        model_remove_equal(w, id, forward, st == ST_OK ? max : gone);
        assert_int_equal(before - w->count, gone);
        before = w->count;
        max -= gone;
        if (st != ST_OK) {
            assert_int_equal(st, ST_NOMEM);
            w->account.fail_after = -1;
            world_check(w);
        }
    } while (st != ST_OK);
}

static void step_delete(struct world *w, size_t index)
{
    size_t rest = w->count - index;
    size_t count = below(w, 6) == 0 ? below(w, rest + 1) : below(w, 20);
    struct quicklist *removed = NULL;
    struct quicklist **where = below(w, 4) == 0 ? NULL : &removed;
    size_t before = quicklist_bytes(w->list);
    enum status st = quicklist_delete(w->list, &w->memory, index, count, where);
    if (st != ST_OK) {
        assert_int_equal(st, ST_NOMEM);
        assert_true(index > 0);
        assert_true(count < rest);
        w->account.fail_after = -1;
        world_check(w);
        st = quicklist_delete(w->list, &w->memory, index, count, where);
        assert_int_equal(st, ST_OK);
    }
    model_delete(w, index, count < rest ? count : rest);
    if (removed != NULL) {
        assert_true(quicklist_bytes(removed) < before);
        assert_int_equal(mem_used(&w->account),
                         w->heap_bytes + quicklist_bytes(w->list) +
                             quicklist_bytes(removed));
        w->detached_count++;
        while (quicklist_destroy_some(&removed, &w->memory, 10)) {
            assert_non_null(removed);
        }
    }
}

static void step_find(struct world *w, size_t from)
{
    struct quicklist_at at;
    uint32_t id = below(w, 8) == 0 ? random_id(w)
                                   : w->model[below(w, w->count)];
    size_t i = from;
    bool forward = below(w, 2) == 0;
    while (i < w->count && w->model[i] != id) {
        i += forward ? 1 : SIZE_MAX;
    }
    assert_true(quicklist_seek(w->list, (int64_t)from, &at));
    assert_int_equal(quicklist_find(w->list, &at, text_of(w, id),
                                    forward ? QUICKLIST_TAIL : QUICKLIST_HEAD,
                                    UINT64_MAX),
                     i < w->count);
    if (i < w->count) {
        assert_int_equal(at.index, i);
        check_equals(w, &at, id);
    }
    /* What is near enough is found, what is found is the same. */
    uint64_t max = id % w->count;
    bool is_near = i < w->count && (forward ? i - from : from - i) < max;
    assert_true(quicklist_seek(w->list, (int64_t)from, &at));
    if (quicklist_find(w->list, &at, text_of(w, id),
                       forward ? QUICKLIST_TAIL : QUICKLIST_HEAD, max)) {
        assert_int_equal(at.index, i);
    } else {
        assert_false(is_near);
    }
}

static void world_step(struct world *w, size_t *place)
{
    uint64_t what = below(w, 12);
    /* What cannot report a failure must get along without memory. */
    if (!w->has_memory && what >= 6 && below(w, 3) == 0) {
        w->account.fail_after = (int64_t)below(w, 3);
    }
    if (what < 2) {
        step_push(w, what == 0 ? QUICKLIST_HEAD : QUICKLIST_TAIL);
    } else if (w->count == 0) {
        assert_int_equal(quicklist_delete(w->list, &w->memory, 0, 1, NULL),
                         ST_OK);
    } else if (what < 5) {
        step_insert(w, pick(w, place));
    } else if (what < 6) {
        step_replace(w, pick(w, place));
    } else if (what < 8) {
        step_pop(w, what == 6 ? QUICKLIST_HEAD : QUICKLIST_TAIL);
    } else if (what < 9) {
        step_remove_equal(w);
    } else if (what < 10) {
        step_delete(w, pick(w, place));
    } else {
        step_find(w, pick(w, place));
    }
    w->account.fail_after = -1;
}

static void run_model(struct world *w, int steps)
{
    size_t place = 0;
    for (int i = 0; i < steps; i++) {
        world_step(w, &place);
        /* Phases: it grows, and comes back. */
        if (i / 250 % 2 == 0 && w->count < MODEL_MAX - ITEMS_MAX) {
            step_push(w, below(w, 2) ? QUICKLIST_HEAD : QUICKLIST_TAIL);
        } else if (w->count > 0 && below(w, 40) == 0) {
            step_delete(w, below(w, w->count));
        }
        world_check(w);
        if (i % 8 == 0) {
            world_check_backward(w);
        }
    }
}

static void test_model(void **state)
{
    static const int limits[] = {-2, -1, -5, -99, 0, 1, 3, 16, 128, 40000};
    size_t detached_count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct world *w = world_open(limits[i], 0, i + 1);
        run_model(w, 1000);
        detached_count += w->detached_count;
        assert_int_equal(w->squeezed_count, 0);
        world_close(w);
    }
    assert_true(detached_count > 10);
}

/* With and without failures: only without are the right chunks squeezed, and no
 * others. */
static void test_squeezed_model(void **state)
{
    static const struct {
        int limit;
        uint32_t depth;
    } kinds[] = {{-1, 1}, {-1, 2}, {16, 1}, {7, 3}, {128, 1}, {1, 2}, {-5, 1}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof kinds[0]; i++) {
        struct world *w = world_open(kinds[i / 2].limit, kinds[i / 2].depth,
                                     i + 1);
        w->has_memory = i % 2 == 1;
        run_model(w, 500);
        assert_true(w->squeezed_count > 10);
        world_close(w);
    }
}

/* Lists long enough for chunks of full size, checked now and then. */
static void test_long(void **state)
{
    enum { COUNT = 200000 };
    (void)state;
    struct world *w = world_open(-2, 0, 5);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool to_head = i % 2 == 0;
        struct slice text = slice_of(w->text,
                                     (size_t)sprintf(w->text, "element:%u", i));
        assert_int_equal(quicklist_push(w->list, &w->memory,
                                        to_head ? QUICKLIST_HEAD
                                                : QUICKLIST_TAIL, &text, 1),
                         ST_OK);
    }
    quicklist_check(w->list, &w->memory);
    /* Little more than the bytes of the entries, in few chunks. */
    size_t payload = quicklist_listpack_bytes(w->list, SIZE_MAX);
    assert_true(quicklist_bytes(w->list) < payload + payload / 32);
    assert_true(chunk_count(w) < payload / 8192 * 5 / 4);
    for (uint32_t i = 0; i < 1000; i++) {
        struct quicklist_at at;
        char scratch[LISTPACK_SCRATCH_BYTES];
        uint32_t index = (uint32_t)below(w, COUNT);
        uint32_t id = index < COUNT / 2 ? (COUNT / 2 - 1 - index) * 2
                                        : (index - COUNT / 2) * 2 + 1;
        assert_true(quicklist_seek(w->list, index, &at));
        struct slice text = slice_of(w->text, (size_t)sprintf(
                                                  w->text, "element:%u", id));
        assert_true(slice_equal(quicklist_text(&at, scratch), text));
    }
    struct quicklist *removed;
    assert_int_equal(quicklist_delete(w->list, &w->memory, 100, COUNT - 300,
                                      &removed), ST_OK);
    assert_non_null(removed);
    assert_true(quicklist_bytes(removed) > payload * 3 / 4);
    quicklist_destroy(&removed, &w->memory);
    quicklist_check(w->list, &w->memory);
    assert_int_equal(quicklist_count(w->list), 300);
    assert_true(chunk_count(w) <= 5);
    for (int i = 0; i < 300; i++) {
        quicklist_pop(w->list, &w->memory, i % 3 ? QUICKLIST_TAIL
                                                 : QUICKLIST_HEAD);
    }
    quicklist_check(w->list, &w->memory);
    assert_int_equal(quicklist_bytes(w->list), 40);
    world_close(w);
}

/* A queue of constant length stays as small as its contents. */
static void test_queue(void **state)
{
    struct slice text = SLICE_LIT("a job of some 24 bytes..");
    (void)state;
    for (size_t length = 1; length <= 1000; length *= 10) {
        struct world *w = world_open(-2, 0, 9);
        for (size_t i = 0; i < length; i++) {
            assert_int_equal(quicklist_push(w->list, &w->memory, QUICKLIST_TAIL,
                                            &text, 1), ST_OK);
        }
        size_t bytes = quicklist_bytes(w->list);
        for (size_t i = 0; i < 20000; i++) {
            assert_int_equal(quicklist_push(w->list, &w->memory, QUICKLIST_HEAD,
                                            &text, 1), ST_OK);
            quicklist_pop(w->list, &w->memory, QUICKLIST_TAIL);
        }
        quicklist_check(w->list, &w->memory);
        assert_true(quicklist_bytes(w->list) <= bytes * 3 / 2 + 64);
        world_close(w);
    }
}

/* A hundred elements of twelve bytes, pushed at once or one by one. */
static void test_short_is_small(void **state)
{
    struct slice items[100];
    char texts[100][16];
    (void)state;
    for (int i = 0; i < 100; i++) {
        int len = sprintf(texts[i], "item:4321:%02d", i);
        items[i] = slice_of(texts[i], (size_t)len);
    }
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        struct world *w = world_open(-2, 0, 1);
        for (size_t i = 0; i < (one_by_one ? 100 : 1); i++) {
            assert_int_equal(quicklist_push(w->list, &w->memory, QUICKLIST_TAIL,
                                            items + i, one_by_one ? 1 : 100),
                             ST_OK);
        }
        quicklist_check(w->list, &w->memory);
        assert_int_equal(quicklist_count(w->list), 100);
        assert_true(quicklist_bytes(w->list) <= 1464 + (one_by_one ? 16 : 0));
        world_close(w);
    }
}

static uint8_t *world_listpack(struct world *w, size_t count)
{
    uint8_t *lp = malloc(LISTPACK_EMPTY_BYTES);
    listpack_init(lp);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = random_id(w);
        struct slice text = text_of(w, id);
        struct listpack_splice s = listpack_appending(lp, &text, 1);
        size_t bytes = listpack_splice_bytes(lp, &s);
        lp = realloc(lp, bytes);
        listpack_splice(lp, bytes, &s);
        model_insert(w, w->count, id);
    }
    return lp;
}

static void test_listpacks(void **state)
{
    static const int limits[] = {-2, -1, -5, 1, 7, 128};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct world *w = world_open(limits[i], 0, i);
        for (size_t round = 0; round < 8; round++) {
            size_t count = w->count;
            uint8_t *lp = world_listpack(w, round * 40);
            size_t added = w->count - count;
            w->count = count;
            UNTIL_IT_SUCCEEDS(w, quicklist_append_listpack(w->list, &w->memory,
                                                           lp));
            free(lp);
            w->count = count + added;
            world_check(w);
        }
        size_t bytes = quicklist_listpack_bytes(w->list, SIZE_MAX);
        assert_int_equal(quicklist_listpack_bytes(w->list, bytes), bytes);
        assert_int_equal(quicklist_listpack_bytes(w->list, bytes - 1), 0);
        uint8_t *lp = malloc(bytes);
        quicklist_write_listpack(w->list, lp);
        assert_true(listpack_validate(slice_of(lp, bytes)));
        assert_int_equal(listpack_count(lp), w->count);
        for (size_t e = 0; e < w->count; e++) {
            uint32_t pos = listpack_seek(lp, (int64_t)e);
            uint64_t passed;
            assert_int_equal(listpack_search(lp, pos, text_of(w, w->model[e]),
                                             true, &passed), pos);
        }
        free(lp);
        world_close(w);
    }
}

/* Chunk by chunk, from within the first: all entries once. */
static void test_chunks(void **state)
{
    (void)state;
    struct world *w = world_open(-1, 0, 3);
    free(world_listpack(w, 0));
    while (chunk_count(w) < 30) {
        step_push(w, below(w, 2) ? QUICKLIST_HEAD : QUICKLIST_TAIL);
    }
    struct quicklist_at at;
    size_t index = 0;
    assert_true(quicklist_seek(w->list, 0, &at));
    do {
        uint32_t count;
        struct slice entries = quicklist_chunk_entries(&at, &count);
        uint8_t *lp = malloc(LISTPACK_EMPTY_BYTES + entries.len);
        listpack_init(lp);
        listpack_insert_entries(lp, listpack_end(lp), entries, count);
        assert_true(listpack_validate(slice_of(lp, listpack_bytes(lp))));
        free(lp);
        assert_int_equal(at.index, index);
        index += count;
        for (uint64_t i = below(w, count); i > 0; i--) {
            assert_true(quicklist_next(w->list, &at));
        }
    } while (quicklist_next_chunk(w->list, &at));
    assert_int_equal(index, w->count);
    world_close(w);
}

static void test_destroy_in_slices(void **state)
{
    (void)state;
    for (size_t slice = 1; slice < 100; slice *= 3) {
        struct world *w = world_open(4, 0, slice);
        while (chunk_count(w) < 200) {
            step_push(w, QUICKLIST_TAIL);
        }
        size_t slices = 1;
        size_t before = mem_used(&w->account);
        while (quicklist_destroy_some(&w->list, &w->memory, slice)) {
            assert_true(mem_used(&w->account) < before);
            before = mem_used(&w->account);
            slices++;
        }
        assert_true(slices >= 198 / slice);
        world_close(w);
    }
}

/* Every second list goes; the pages that this leaves half empty are given
 * back, with and without memory to move to. */
static void run_compaction(uint32_t depth)
{
    enum { LISTS = 1000, WORDY = 101 }; /* a sort that can be squeezed */
    struct world *w = world_open(16, 0, 3);
    struct quicklist *lists[LISTS];
    for (size_t i = 0; i < LISTS; i++) {
        lists[i] = quicklist_create(&w->memory, 16, depth);
        assert_non_null(lists[i]);
    }
    for (size_t i = 0; i < LISTS * 100; i++) {
        struct slice text = text_of(w, (uint32_t)i << 8 | WORDY);
        assert_int_equal(quicklist_push(lists[i % LISTS], &w->memory,
                                        i / LISTS % 2 ? QUICKLIST_TAIL
                                                      : QUICKLIST_HEAD,
                                        &text, 1), ST_OK);
    }
    for (size_t i = 0; i < LISTS; i++) {
        if (i % 4 != 0) {
            quicklist_destroy(&lists[i], &w->memory);
        }
    }
    struct slab_stats before;
    struct slab_stats after;
    slab_stats_read(w->memory.heap, &before);
    assert_true(slab_begin_compaction(w->memory.heap) > 0);
    for (size_t i = 0; i < LISTS; i += 4) {
        uint64_t cursor = 0;
        w->account.fail_after = i < LISTS / 4 ? (int64_t)below(w, 3) : -1;
        lists[i] = quicklist_compact_handle(lists[i], &w->memory);
        do {
            cursor = quicklist_compact(lists[i], &w->memory, cursor, 3);
        } while (cursor != 0);
        w->account.fail_after = -1;
        quicklist_check(lists[i], &w->memory);
    }
    slab_end_compaction(w->memory.heap);
    slab_check(w->memory.heap);
    slab_stats_read(w->memory.heap, &after);
    assert_int_equal(after.cell_bytes, before.cell_bytes);
    assert_true(after.page_bytes < before.page_bytes * 3 / 4);
    for (size_t i = 0; i < LISTS; i += 4) {
        struct quicklist_at at;
        assert_int_equal(quicklist_count(lists[i]), 100);
        assert_true(quicklist_seek(lists[i], -1, &at));
        check_equals(w, &at, (uint32_t)(i + LISTS * 99) << 8 | WORDY);
        assert_true(quicklist_seek(lists[i], 0, &at));
        check_equals(w, &at, (uint32_t)(i + LISTS * 98) << 8 | WORDY);
        quicklist_destroy(&lists[i], &w->memory);
    }
    world_close(w);
}

static void test_compaction(void **state)
{
    (void)state;
    run_compaction(0);
    run_compaction(1);
}

/* An element of more than 4 GB is refused before it is looked at. */
static void test_too_big(void **state)
{
    static const uint8_t byte = 'x';
    struct slice items[] = {SLICE_LIT("fits"), slice_of(&byte, UINT32_MAX)};
    struct quicklist_at at;
    (void)state;
    struct world *w = world_open(-2, 0, 1);
    assert_int_equal(quicklist_push(w->list, &w->memory, QUICKLIST_TAIL, items,
                                    2), ST_RANGE);
    assert_int_equal(quicklist_count(w->list), 0);
    assert_int_equal(quicklist_push(w->list, &w->memory, QUICKLIST_TAIL, items,
                                    1), ST_OK);
    assert_true(quicklist_seek(w->list, 0, &at));
    assert_int_equal(quicklist_insert(w->list, &w->memory, &at, true, items[1]),
                     ST_RANGE);
    assert_int_equal(quicklist_replace(w->list, &w->memory, &at, items[1]),
                     ST_RANGE);
    world_close(w);
}

int test_quicklist_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_squeezed_model),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_short_is_small),
        cmocka_unit_test(test_listpacks),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_destroy_in_slices),
        cmocka_unit_test(test_compaction),
        cmocka_unit_test(test_too_big),
    };
    return cmocka_run_group_tests_name("quicklist", tests, NULL, NULL);
}
