/* Tests of base/mem: the account always says what the blocks really hold. */
#include "base/mem.h"

#include <string.h>

#include "base/random.h"
#include "tests.h"

static void an_account_follows_its_blocks(void **state)
{
    (void)state;
    enum { SLOTS = 64, ROUNDS = 20000 };
    struct mem_account a;
    mem_account_init(&a);
    struct random r;
    random_init(&r, 4);
    void *slots[SLOTS] = { 0 };
    for (int i = 0; i < ROUNDS; i++) {
        size_t at = random_below(&r, SLOTS);
        size_t bytes = random_next(&r) >> (44 + random_below(&r, 20));
        if (random_below(&r, 3) == 0) {
            mem_free(&a, slots[at]);
            slots[at] = NULL;
        } else {
            slots[at] = mem_realloc(&a, slots[at], bytes);
            assert_non_null(slots[at]);
            assert_true(mem_usable(slots[at]) >= bytes);
            assert_int_equal((uintptr_t)slots[at] % 16, 0);
            memset(slots[at], 0xa5, bytes);
        }
        size_t sum = 0;
        for (int s = 0; s < SLOTS; s++) {
            sum += slots[s] == NULL ? 0 : mem_usable(slots[s]);
        }
        assert_true(mem_used(&a) == sum);
    }
    for (int s = 0; s < SLOTS; s++) {
        mem_free(&a, slots[s]);
    }
    assert_int_equal(mem_used(&a), 0);
}

static void the_kinds_of_allocation(void **state)
{
    (void)state;
    struct mem_account a, b;
    mem_account_init(&a);
    mem_account_init_shared(&b);
    uint8_t *zeroed = mem_alloc_zeroed(&a, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    void *empty = mem_alloc(&a, 0);
    assert_non_null(empty);
    size_t before = mem_used(&a);
    mem_hand_over(&a, &b, zeroed);
    assert_int_equal(before - mem_used(&a), mem_usable(zeroed));
    assert_int_equal(mem_used(&b), mem_usable(zeroed));
    mem_free(&b, zeroed);
    assert_int_equal(mem_used(&b), 0);
    mem_free(&a, empty);
    mem_free(&a, NULL);
    assert_int_equal(mem_used(&a), 0);
    mem_charge(&a, 100);
    mem_charge(&a, -40);
    assert_int_equal(mem_used(&a), 60);
}

static void aligned_blocks_are_freed_alike(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    for (size_t align = 16; align <= 65536; align *= 2) {
        void *p = mem_alloc_aligned(&a, align, align / 2 + 3);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % align, 0);
        mem_free(&a, p);
    }
    assert_int_equal(mem_used(&a), 0);
}

static void mapped_pages_are_charged(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    uint8_t *one = mem_map(&a, 1);
    uint8_t *many = mem_map(&a, 100 * 1000);
    assert_int_equal((uintptr_t)one % 4096, 0);
    assert_int_equal((uintptr_t)many % 4096, 0);
    for (int i = 0; i < 100 * 1000; i++) {
        assert_int_equal(many[i], 0);
    }
    memset(many, 0xa5, 100 * 1000);
    assert_true(mem_used(&a) >= 4096 + 100 * 1000);
    assert_int_equal(mem_used(&a) % 4096, 0);
    a.fail_after = 0;
    assert_null(mem_map(&a, 4096));
    mem_unmap(&a, one, 1);
    mem_unmap(&a, many, 100 * 1000);
    assert_int_equal(mem_used(&a), 0);
}

static void failures_change_nothing(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    assert_null(mem_alloc(&a, SIZE_MAX));
    assert_null(mem_alloc(&a, SIZE_MAX / 2 + 2));
    void *p = mem_alloc(&a, 32);
    size_t used = mem_used(&a);
    a.fail_after = 1;
    void *q = mem_alloc(&a, 32);
    assert_non_null(q);
    assert_null(mem_alloc(&a, 32));
    assert_null(mem_alloc_zeroed(&a, 32));
    assert_null(mem_alloc_aligned(&a, 64, 32));
    assert_null(mem_realloc(&a, p, 4096));
    assert_null(mem_realloc(&a, NULL, 32));
    mem_free(&a, q);
    assert_int_equal(mem_used(&a), used);
    a.fail_after = -1;
    assert_null(mem_realloc(&a, p, SIZE_MAX));
    assert_int_equal(mem_used(&a), used);
    mem_free(&a, p);
    assert_int_equal(mem_used(&a), 0);
}

static void figures_of_the_process(void **state)
{
    (void)state;
    struct mem_stats s;
    mem_purge();
    mem_stats_read(&s);
    assert_true(s.rss > 0);
    assert_true(s.resident >= s.active);
    assert_true(s.active >= s.allocated);
    assert_true(strlen(mem_allocator_name()) > 0);
}

int test_mem_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_follows_its_blocks),
        cmocka_unit_test(the_kinds_of_allocation),
        cmocka_unit_test(aligned_blocks_are_freed_alike),
        cmocka_unit_test(mapped_pages_are_charged),
        cmocka_unit_test(failures_change_nothing),
        cmocka_unit_test(figures_of_the_process),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
