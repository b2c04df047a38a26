/* Tests of the distributions of values' sizes. */
#include "bench/random.h"
#include "bench/sizes.h"
#include "tests.h"

static void forms_that_are_understood(void **state)
{
    (void)state;
    struct sizes z;
    assert_true(sizes_parse(&z, "100"));
    assert_int_equal(sizes_pick(&z, 12345), 100);
    assert_int_equal(sizes_largest(&z), 100);
    assert_true(sizes_parse(&z, "0-7"));
    assert_int_equal(sizes_largest(&z), 7);
    assert_true(sizes_parse(&z, "8:90,100-4096:10,3"));
    assert_int_equal(z.count, 3);
    assert_int_equal(sizes_largest(&z), 4096);
    sizes_init_fixed(&z, 0);
    assert_int_equal(sizes_pick(&z, 9), 0);
}

static void forms_that_are_not(void **state)
{
    (void)state;
    const char *const wrong[] = {"",
                                 "x",
                                 "-1",
                                 "5-",
                                 "5-4",
                                 "5:",
                                 "5:0",
                                 "5,",
                                 ",5",
                                 "5;6",
                                 "1-2-3",
                                 "5:1:2",
                                 "1 -2",
                                 "5 ",
                                 "1073741825",
                                 "5:9999999999",
                                 "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    struct sizes z;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (sizes_parse(&z, wrong[i])) {
            fail_msg("taken: %s", wrong[i]);
        }
    }
}

static void picks_follow_the_weights(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    struct sizes z;
    struct stream s;
    size_t small = 0, low = 0, high = 0;
    assert_true(sizes_parse(&z, "8:90,100-101:10"));
    stream_init(&s, 1, 0);
    for (int i = 0; i < DRAWS; i++) {
        size_t n = sizes_pick(&z, stream_next(&s));
        small += n == 8;
        low += n == 100;
        high += n == 101;
    }
    assert_int_equal(small + low + high, DRAWS);
    /* Five standard deviations. */
    assert_in_range(small, 90000 - 475, 90000 + 475);
    assert_in_range(low, 5000 - 345, 5000 + 345);
    assert_in_range(high, 5000 - 345, 5000 + 345);
}

int test_sizes_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_that_are_understood),
        cmocka_unit_test(forms_that_are_not),
        cmocka_unit_test(picks_follow_the_weights),
    };
    return cmocka_run_group_tests_name("sizes", tests, NULL, NULL);
}
