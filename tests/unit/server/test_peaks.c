/* Tests of the largest buffers of late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/peaks.h"

static void test_largest_of_late(void **state)
{
    (void)state;
    struct peaks p = {0};
    peaks_turn(&p, 1000);
    peaks_note(&p, 10, 500);
    peaks_note(&p, 70, 300);
    peaks_turn(&p, 1001);
    peaks_note(&p, 20, 600);
    assert_int_equal(peaks_input(&p), 70);
    assert_int_equal(peaks_output(&p), 600);
    peaks_turn(&p, 1000 + PEAK_SLOTS - 1);
    assert_int_equal(peaks_input(&p), 70);
    peaks_turn(&p, 1000 + PEAK_SLOTS);
    assert_int_equal(peaks_input(&p), 20);
    assert_int_equal(peaks_output(&p), 600);
    peaks_turn(&p, 1000 + PEAK_SLOTS + 1);
    assert_int_equal(peaks_input(&p), 0);
    assert_int_equal(peaks_output(&p), 0);
}

/* However long nobody has turned it. */
static void test_after_a_sleep(void **state)
{
    (void)state;
    struct peaks p = {0};
    peaks_turn(&p, 1000);
    peaks_note(&p, 10, 20);
    peaks_turn(&p, 1000000);
    assert_int_equal(peaks_input(&p), 0);
    peaks_note(&p, 3, 4);
    peaks_turn(&p, 1000001);
    assert_int_equal(peaks_input(&p), 3);
    assert_int_equal(peaks_output(&p), 4);
}

/* It may be left alone when turning it would change nothing. */
static void test_even(void **state)
{
    (void)state;
    struct peaks p = {0};
    assert_true(peaks_are_even(&p));
    peaks_turn(&p, 1000);
    peaks_note(&p, 10, 0);
    int64_t second = 1000;
    for (; second < 1000 + PEAK_SLOTS - 1; second++) {
        assert_false(peaks_are_even(&p));
        peaks_turn(&p, second + 1);
        peaks_note(&p, 10, 0);
    }
    assert_true(peaks_are_even(&p));
    peaks_note(&p, 0, 1);
    assert_false(peaks_are_even(&p));
    peaks_turn(&p, second + PEAK_SLOTS);
    assert_true(peaks_are_even(&p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_largest_of_late),
        cmocka_unit_test(test_after_a_sleep),
        cmocka_unit_test(test_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
