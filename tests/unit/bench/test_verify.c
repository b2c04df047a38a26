/* Tests of the values that can be recognised. */
#include <stdio.h>
#include <string.h>

#include "bench/verify.h"
#include "tests.h"

enum { VALUE_MAX = 40, WHY_BYTES = 128 };

static void every_change_is_seen(void **state)
{
    (void)state;
    struct sizes z;
    char value[VALUE_MAX], why[WHY_BYTES];
    assert_true(sizes_parse(&z, "0-40"));
    const struct verify v = {&z, 7};
    for (uint64_t key = 0; key < 200; key++) {
        size_t size = verify_size(&v, key);
        assert_true(size <= VALUE_MAX);
        verify_fill(&v, key, value);
        assert_true(verify_check(&v, key, value, size, why, sizeof why));
        for (size_t i = 0; i < size; i++) {
            char expected[WHY_BYTES];
            value[i] ^= 1;
            assert_false(verify_check(&v, key, value, size, why, sizeof why));
            (void)snprintf(expected, sizeof expected, "from byte %zu of %zu on",
                           i, size);
            assert_non_null(strstr(why, expected));
            value[i] ^= 1;
        }
        assert_false(verify_check(&v, key, value, size + 1, why, sizeof why));
        assert_non_null(strstr(why, "bytes were written"));
    }
}

static void keys_and_seeds_differ(void **state)
{
    (void)state;
    struct sizes z;
    char a[VALUE_MAX], b[VALUE_MAX];
    sizes_init_fixed(&z, VALUE_MAX);
    const struct verify v = {&z, 7}, w = {&z, 8};
    verify_fill(&v, 1, a);
    verify_fill(&v, 2, b);
    assert_memory_not_equal(a, b, VALUE_MAX);
    verify_fill(&w, 1, b);
    assert_memory_not_equal(a, b, VALUE_MAX);
    verify_fill(&v, 1, b);
    assert_memory_equal(a, b, VALUE_MAX);
}

int test_verify_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_seen),
        cmocka_unit_test(keys_and_seeds_differ),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
