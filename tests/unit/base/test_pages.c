/* Tests of base/pages: no page twice, the fullest extents first, trimming in
 * slices, and helpers at work beside users. */
#include "base/pages.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int test_pages_run(void);

enum { EXTENT_PAGES = EXTENT_BYTES / PAGE_BYTES, SMALL_EXTENTS = 8 };

static struct pages *open_small(bool use_huge_pages, uint32_t spare_extents)
{
    struct pages_options o = {
        .reserve_bytes = (size_t)SMALL_EXTENTS * EXTENT_BYTES,
        .use_huge_pages = use_huge_pages,
        .spare_extents = spare_extents,
    };
    struct pages *p = pages_create(&o);
    assert_non_null(p);
    return p;
}

static size_t resident_bytes(struct pages *p)
{
    struct pages_stats s;
    pages_stats_read(p, &s);
    return s.resident_bytes;
}

static size_t used_bytes(struct pages *p)
{
    struct pages_stats s;
    pages_stats_read(p, &s);
    return s.used_bytes;
}

static size_t trim_all(struct pages *p)
{
    size_t sum = 0;
    size_t returned;
    while ((returned = pages_trim(p, EXTENT_BYTES)) > 0) {
        sum += returned;
    }
    return sum;
}

static void test_fills_the_span_and_no_more(void **state)
{
    (void)state;
    struct pages *p = open_small(true, 0);
    size_t count = SMALL_EXTENTS * EXTENT_PAGES;
    uint8_t **all = calloc(count, sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        all[i] = pages_acquire(p);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % PAGE_BYTES, 0);
        assert_true(pages_owns(p, all[i]));
        memset(all[i], (int)(i % 251), 64);
        pages_info(p, all[i] + PAGE_BYTES - 1)->words[0] = i;
    }
    assert_null(pages_acquire(p));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i][0], i % 251);
        assert_int_equal(pages_info(p, all[i])->words[0], i);
    }
    assert_int_equal(used_bytes(p), count * PAGE_BYTES);
    pages_release(p, all[77]);
    assert_ptr_equal(pages_acquire(p), all[77]);
    struct pages_map map = pages_map_of(p);
    assert_ptr_equal(&map.infos[(size_t)(all[77] - map.base) / PAGE_BYTES],
                     pages_info(p, all[77]));
    assert_false(pages_owns(p, map.base - 1));
    assert_false(pages_owns(p, map.base + count * PAGE_BYTES));
    assert_false(pages_owns(p, &map));
    pages_destroy(&p);
    assert_null(p);
    free(all);
}

static void test_prefers_the_fullest_extent(void **state)
{
    (void)state;
    struct pages *p = open_small(false, 0);
    uint8_t *all[3 * EXTENT_PAGES];
    for (int i = 0; i < 3 * EXTENT_PAGES; i++) {
        all[i] = pages_acquire(p);
    }
    /* The first extent has 3 free, the second 1, the third 100. */
    for (int i = 0; i < 3; i++) {
        pages_release(p, all[i]);
    }
    pages_release(p, all[EXTENT_PAGES + 5]);
    for (int i = 0; i < 100; i++) {
        pages_release(p, all[2 * EXTENT_PAGES + i]);
    }
    assert_ptr_equal(pages_acquire(p), all[EXTENT_PAGES + 5]);
    assert_ptr_equal(pages_acquire(p), all[0]);
    assert_ptr_equal(pages_acquire(p), all[1]);
    assert_ptr_equal(pages_acquire(p), all[2]);
    assert_ptr_equal(pages_acquire(p), all[2 * EXTENT_PAGES]);
    pages_destroy(&p);
}

static void test_prefault_keeps_spares(void **state)
{
    (void)state;
    struct pages *p = open_small(true, 2);
    assert_int_equal(resident_bytes(p), 0);
    assert_true(pages_prefault(p));
    assert_true(pages_prefault(p));
    assert_false(pages_prefault(p));
    assert_int_equal(resident_bytes(p), 2 * EXTENT_BYTES);
    assert_int_equal(trim_all(p), 0);

    uint8_t *page = pages_acquire(p);
    assert_int_equal(resident_bytes(p), 2 * EXTENT_BYTES);
    assert_true(pages_prefault(p));
    assert_false(pages_prefault(p));
    assert_int_equal(resident_bytes(p), 3 * EXTENT_BYTES);
    pages_release(p, page);
    assert_int_equal(trim_all(p), EXTENT_BYTES);
    assert_int_equal(resident_bytes(p), 2 * EXTENT_BYTES);
    pages_destroy(&p);
}

static void count_one(void *self)
{
    ++*(int *)self;
}

static void test_tells_of_spares_taken(void **state)
{
    (void)state;
    int taken = 0;
    struct pages_options o = {
        .reserve_bytes = (size_t)SMALL_EXTENTS * EXTENT_BYTES,
        .spare_extents = 2,
        .on_spare_taken = count_one,
        .self = &taken,
    };
    struct pages *p = pages_create(&o);
    assert_non_null(p);
    while (pages_prefault(p)) {
    }
    for (int i = 0; i < 2 * EXTENT_PAGES; i++) {
        (void)pages_acquire(p);
        assert_int_equal(taken, 1 + i / EXTENT_PAGES);
    }
    /* None was ready, so none was a spare one. */
    (void)pages_acquire(p);
    assert_int_equal(taken, 2);
    pages_destroy(&p);
}

static void test_prefault_stops_at_the_end(void **state)
{
    (void)state;
    struct pages *p = open_small(false, 100);
    int count = 0;
    while (pages_prefault(p)) {
        count++;
    }
    assert_int_equal(count, SMALL_EXTENTS);
    pages_destroy(&p);
}

static void test_trim_returns_whole_extents(void **state)
{
    (void)state;
    struct pages *p = open_small(true, 1);
    uint8_t *all[4 * EXTENT_PAGES];
    for (int i = 0; i < 4 * EXTENT_PAGES; i++) {
        all[i] = pages_acquire(p);
        all[i][100] = 1;
    }
    assert_int_equal(resident_bytes(p), 4 * EXTENT_BYTES);
    for (int i = 0; i < 4 * EXTENT_PAGES; i++) {
        pages_release(p, all[i]);
    }
    assert_int_equal(used_bytes(p), 0);
    assert_int_equal(pages_trim(p, 1), EXTENT_BYTES);
    assert_int_equal(trim_all(p), 2 * EXTENT_BYTES);
    assert_int_equal(pages_trim(p, SIZE_MAX), 0);
    assert_int_equal(resident_bytes(p), EXTENT_BYTES);

    /* What was returned reads as zero when it is used again. */
    int zero_count = 0;
    for (int i = 0; i < 4 * EXTENT_PAGES; i++) {
        uint8_t *page = pages_acquire(p);
        assert_non_null(page);
        zero_count += page[100] == 0;
    }
    assert_int_equal(zero_count, 3 * EXTENT_PAGES);
    pages_destroy(&p);
}

static void test_trim_cuts_holes_once(void **state, bool use_huge_pages)
{
    (void)state;
    struct pages *p = open_small(use_huge_pages, 0);
    uint8_t *all[EXTENT_PAGES];
    for (int i = 0; i < EXTENT_PAGES; i++) {
        all[i] = pages_acquire(p);
        all[i][0] = 7;
    }
    for (int i = 0; i < 10; i++) {
        pages_release(p, all[i]);
    }
    assert_int_equal(pages_trim(p, SIZE_MAX), 0); /* too full to split */
    for (int i = 10; i < 60; i++) {
        pages_release(p, all[i]);
    }
    assert_int_equal(pages_trim(p, 3 * PAGE_BYTES), 3 * PAGE_BYTES);
    assert_int_equal(trim_all(p), 57 * PAGE_BYTES);
    assert_int_equal(trim_all(p), 0);
    assert_int_equal(resident_bytes(p), (EXTENT_PAGES - 60) * PAGE_BYTES);
    for (int i = 60; i < EXTENT_PAGES; i++) {
        assert_int_equal(all[i][0], 7);
    }

    /* A released page is the only resident hole: it is taken first. */
    pages_release(p, all[100]);
    assert_ptr_equal(pages_acquire(p), all[100]);
    for (int i = 0; i < 60; i++) {
        assert_ptr_equal(pages_acquire(p), all[i]);
        assert_int_equal(all[i][0], 0);
    }
    assert_int_equal(resident_bytes(p), EXTENT_BYTES);
    for (int i = 0; i < EXTENT_PAGES; i++) {
        pages_release(p, all[i]);
    }
    assert_int_equal(trim_all(p), EXTENT_BYTES);
    assert_int_equal(resident_bytes(p), 0);
    pages_destroy(&p);
}

static void test_trim_cuts_holes_small(void **state)
{
    test_trim_cuts_holes_once(state, false);
}

static void test_trim_cuts_holes_huge(void **state)
{
    test_trim_cuts_holes_once(state, true);
}

static void test_default_reserve(void **state)
{
    (void)state;
    struct pages_options o = { .use_huge_pages = true };
    struct pages *p = pages_create(&o);
    assert_non_null(p);
    uint8_t *page = pages_acquire(p);
    assert_non_null(page);
    memset(page, 1, PAGE_BYTES);
    pages_destroy(&p);
}

/* Random use with ownership stamps, optionally from several threads. */
struct user {
    struct pages *p;
    uint64_t seed;
    int steps;
    int bad;
};

static uint64_t user_random(struct user *u)
{
    u->seed = u->seed * 6364136223846793005u + 1442695040888963407u;
    return u->seed >> 33;
}

static void *user_run(void *arg)
{
    enum { HELD_MAX = 300 };
    struct user *u = arg;
    uint8_t *held[HELD_MAX];
    uint64_t stamps[HELD_MAX];
    size_t count = 0;
    for (int i = 0; i < u->steps; i++) {
        bool grows = (i / 700) % 2 == 0;
        if (count < HELD_MAX && user_random(u) % 4 < (grows ? 3u : 1u)) {
            uint8_t *page = pages_acquire(u->p);
            if (page == NULL) {
                continue;
            }
            held[count] = page;
            stamps[count] = u->seed;
            memcpy(page, &u->seed, 8);
            memcpy(page + PAGE_BYTES - 8, &u->seed, 8);
            count++;
        } else if (count > 0) {
            size_t k = user_random(u) % count;
            u->bad += memcmp(held[k], &stamps[k], 8) != 0;
            u->bad += memcmp(held[k] + PAGE_BYTES - 8, &stamps[k], 8) != 0;
            pages_release(u->p, held[k]);
            held[k] = held[--count];
            stamps[k] = stamps[count];
        }
    }
    while (count > 0) {
        pages_release(u->p, held[--count]);
    }
    return NULL;
}

static void *helper_run(void *arg)
{
    struct user *u = arg;
    for (int i = 0; i < u->steps; i++) {
        (void)pages_prefault(u->p);
        (void)pages_trim(u->p, 5 * PAGE_BYTES);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    enum { USERS = 3 };
    struct pages *p = open_small(true, 1);
    struct user users[USERS + 1] = { 0 };
    pthread_t threads[USERS + 1];
    for (int i = 0; i <= USERS; i++) {
        users[i] = (struct user){ p, (uint64_t)i + 1, 20000, 0 };
    }
    users[USERS].steps = 2000;
    for (int i = 0; i <= USERS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL,
                           i < USERS ? user_run : helper_run, &users[i]), 0);
    }
    for (int i = 0; i <= USERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(users[i].bad, 0);
    }
    assert_int_equal(used_bytes(p), 0);
    trim_all(p);
    assert_in_range(resident_bytes(p), 0, EXTENT_BYTES);
    pages_destroy(&p);
}

int test_pages_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_the_span_and_no_more),
        cmocka_unit_test(test_prefers_the_fullest_extent),
        cmocka_unit_test(test_prefault_keeps_spares),
        cmocka_unit_test(test_tells_of_spares_taken),
        cmocka_unit_test(test_prefault_stops_at_the_end),
        cmocka_unit_test(test_trim_returns_whole_extents),
        cmocka_unit_test(test_trim_cuts_holes_small),
        cmocka_unit_test(test_trim_cuts_holes_huge),
        cmocka_unit_test(test_default_reserve),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
