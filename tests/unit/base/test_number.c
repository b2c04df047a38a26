/* Tests of base/number: what is refused matters as much as what is read. The
 * expected texts were taken from the answers of Redis 7.0 and, doubles, Valkey
 * 8.1. */
#include "base/number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests.h"

enum { RANDOM_ROUNDS = 200000 };

static void integers_round_trip(void **state)
{
    (void)state;
    struct random r;
    random_init(&r, 1);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        int64_t v = (int64_t)random_next(&r) >> random_below(&r, 64);
        char text[NUMBER_INT64_TEXT_MAX], expected[32];
        size_t len = number_format_int64(text, v);
        int n = snprintf(expected, sizeof expected, "%" PRId64, v);
        assert_int_equal(len, n);
        assert_memory_equal(text, expected, len);
        int64_t back;
        assert_true(number_parse_int64(slice_of(text, len), &back));
        assert_true(back == v);
        uint64_t u = (uint64_t)v, u_back;
        len = number_format_uint64(text, u);
        n = snprintf(expected, sizeof expected, "%" PRIu64, u);
        assert_int_equal(len, n);
        assert_memory_equal(text, expected, len);
        assert_true(number_parse_uint64(slice_of(text, len), &u_back));
        assert_true(u_back == u);
    }
}

static void integers_at_the_powers_of_ten(void **state)
{
    (void)state;
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++) {
        for (uint64_t v = power - 1; v != power + 2; v++) {
            char text[NUMBER_INT64_TEXT_MAX], expected[32];
            size_t len = number_format_uint64(text, v);
            (void)snprintf(expected, sizeof expected, "%" PRIu64, v);
            assert_int_equal(len, strlen(expected));
            assert_memory_equal(text, expected, len);
        }
        power *= 10;
    }
}

static void integers_only_in_canonical_form(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "0x10", "1.0",
        "1e3", "--1", "9223372036854775808", "-9223372036854775809",
        "18446744073709551616", "99999999999999999999", "100000000000000000000",
        "1\n", "a", "-9223372036854775808 ",
    };
    int64_t v = 77;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(number_parse_int64(slice_of_text(refused[i]), &v));
    }
    assert_false(number_parse_int64(slice_of("1\0", 2), &v));
    assert_int_equal(v, 77);
    assert_true(number_parse_int64(SLICE_LIT("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(number_parse_int64(SLICE_LIT("9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    uint64_t u;
    assert_true(number_parse_uint64(SLICE_LIT("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(number_parse_uint64(SLICE_LIT("18446744073709551616"), &u));
    assert_false(number_parse_uint64(SLICE_LIT("99999999999999999999"), &u));
    assert_false(number_parse_uint64(SLICE_LIT("-1"), &u));
}

static void doubles_read_as_strtod_does(void **state)
{
    (void)state;
    static const char *const taken[] = {
        "0", "-0", "1", "-1", "3.14", ".5", "5.", "+5", "1e5", "1E-5", "0x1p3",
        "0x10", "inf", "-inf", "+inf", "INF", "infinity", "00012", "0.1",
        "123456789012345", "1234567890123456", "9007199254740993",
        "4.9e-324", "1e-310", "1.7976931348623157e308", "-.000000000000001",
        "0.30000000000000004", "123456.789012345", "0.000000000000001",
    };
    static const char *const refused[] = {
        "", " ", " 1", "1 ", "nan", "-nan", "1e400", "-1e400", "1e-400", ".",
        "-", "-.", "+", "1e", "1_0", "1,5", "abc", "1.2.3", "0x", "\t1", "1\n",
    };
    double v = 77;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (number_parse_double(slice_of_text(refused[i]), &v)) {
            fail_msg("took '%s'", refused[i]);
        }
    }
    assert_false(number_parse_double(slice_of("1\0", 2), &v));
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        double expected = strtod(taken[i], NULL);
        if (!number_parse_double(slice_of_text(taken[i]), &v) ||
            memcmp(&v, &expected, sizeof v) != 0) {
            fail_msg("'%s' gave %.17g", taken[i], v);
        }
    }
}

static void short_decimals_read_exactly(void **state)
{
    (void)state;
    struct random r;
    random_init(&r, 2);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        char text[64];
        uint64_t digits = random_next(&r) >> random_below(&r, 60);
        int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%" PRIu64,
                         random_below(&r, 2) ? "-" : "",
                         digits >> random_below(&r, 40), digits % 1000000);
        double v, expected = strtod(text, NULL);
        assert_true(number_parse_double(slice_of(text, (size_t)n), &v));
        assert_memory_equal(&v, &expected, sizeof v);
    }
}

static void expect_double(double v, const char *expected)
{
    char text[NUMBER_DOUBLE_TEXT_MAX + 1];
    text[number_format_double(text, v)] = '\0';
    assert_string_equal(text, expected);
}

static void doubles_print_as_redis_does(void **state)
{
    (void)state;
    expect_double(0, "0");
    expect_double(-0.0, "-0");
    expect_double(3, "3");
    expect_double(-17, "-17");
    expect_double(0.1, "0.1");
    expect_double(0.3, "0.3");
    expect_double(0.1 + 0.2, "0.30000000000000004");
    expect_double(1e-5, "0.00001");
    expect_double(1e-6, "0.000001");
    expect_double(1.5e-6, "1.5e-6");
    expect_double(1e-7, "1e-7");
    expect_double(0.001234, "0.001234");
    expect_double(0.012345678, "0.012345678");
    expect_double(1.2345e-5, "1.2345e-5");
    expect_double(1234567.891, "1234567.891");
    expect_double(4503599627370495.5, "4503599627370495.5");
    expect_double(9007199254740992, "9007199254740992");
    expect_double(99999999999999984, "99999999999999984");
    expect_double(1e17, "100000000000000000");
    expect_double(-1e18, "-1000000000000000000");
    expect_double(4611686018427387904, "4611686018427387904");
    expect_double(4611686018427388928, "4611686018427389000");
    expect_double(5e18, "5e+18");
    expect_double(9223372036854775808.0, "9223372036854776000");
    expect_double(12345678901234567890.0, "12345678901234567000");
    expect_double(1e21, "1e+21");
    expect_double(1.2345678901234567e25, "1.2345678901234566e+25");
    expect_double(INFINITY, "inf");
    expect_double(-INFINITY, "-inf");
    expect_double((double)NAN, "nan");
    expect_double(-DBL_MAX, "-1.7976931348623157e+308");
    expect_double(DBL_MIN, "2.2250738585072014e-308");
    expect_double(-4.9e-324, "-5e-324");
    /* Grisu2's digit too many: 1e23 would do. */
    expect_double(1e23, "99999999999999990000000");
}

static void doubles_round_trip(void **state)
{
    (void)state;
    struct random r;
    random_init(&r, 3);
    for (int i = 0; i < RANDOM_ROUNDS; i++) {
        uint64_t bits = random_next(&r);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (i % 2 == 0) {
            v = (double)((int64_t)bits >> random_below(&r, 64));
        }
        if (!isfinite(v)) {
            continue;
        }
        char text[NUMBER_DOUBLE_TEXT_MAX];
        size_t len = number_format_double(text, v);
        assert_in_range(len, 1, sizeof text);
        assert_true(number_parse_double(slice_of(text, len), &back));
        assert_true(back == v);
    }
}

static void expect_long_double(const char *in, const char *expected)
{
    char text[NUMBER_LDOUBLE_TEXT_MAX + 1];
    long double v;
    assert_true(number_parse_long_double(slice_of_text(in), &v));
    text[number_format_long_double(text, NUMBER_LDOUBLE_TEXT_MAX, v)] = '\0';
    assert_string_equal(text, expected);
}

static void long_doubles_print_as_incrbyfloat_does(void **state)
{
    (void)state;
    expect_long_double("0.3", "0.3");
    expect_long_double("10.50", "10.5");
    expect_long_double("5.2e3", "5200");
    expect_long_double("100000", "100000");
    expect_long_double("0", "0");
    expect_long_double("-0.0", "0");
    expect_long_double("-0.5", "-0.5");
    expect_long_double("1e-18", "0");
    expect_long_double("-1e-18", "0");
    expect_long_double("inf", "inf");
    long double v;
    assert_true(number_parse_long_double(SLICE_LIT("-1e4932"), &v));
    char text[NUMBER_LDOUBLE_TEXT_MAX];
    assert_int_equal(number_format_long_double(text, sizeof text, v), 4934);
    assert_false(number_parse_long_double(SLICE_LIT("1e5000"), &v));
    assert_false(number_parse_long_double(SLICE_LIT("nan"), &v));
    assert_false(number_parse_long_double(SLICE_LIT(" 1"), &v));
    assert_false(number_parse_long_double(SLICE_LIT(""), &v));
}

static void very_long_texts_are_refused(void **state)
{
    (void)state;
    static char text[NUMBER_LDOUBLE_TEXT_MAX + 100];
    memset(text, '1', sizeof text);
    text[1] = '.';
    double v;
    long double l;
    assert_true(
        number_parse_double(slice_of(text, NUMBER_LDOUBLE_TEXT_MAX - 1), &v));
    assert_false(number_parse_double(slice_of(text, sizeof text), &v));
    assert_false(number_parse_long_double(slice_of(text, sizeof text), &l));
}

static void expect_loose(const char *text, size_t len, bool is_good,
                         double want, bool want_in_range)
{
    double v;
    bool in_range;
    assert_int_equal(number_parse_loosely(slice_of(text, len), &v, &in_range),
                     is_good);
    if (is_good) {
        assert_true(v == want);
        assert_int_equal(in_range, want_in_range);
    }
}

static void loose_numbers(void **state)
{
    (void)state;
    expect_loose("", 0, true, 0, true);
    expect_loose(" 12", 3, true, 12, true);
    expect_loose("-1.5", 4, true, -1.5, true);
    expect_loose("1\0x", 3, true, 1, true);
    expect_loose("\0x", 2, true, 0, true);
    expect_loose("1e400", 5, true, INFINITY, false);
    expect_loose("5e-324", 6, true, 5e-324, false);
    expect_loose("inf", 3, true, INFINITY, true);
    expect_loose("nan", 3, false, 0, false);
    expect_loose("1x", 2, false, 0, false);
    expect_loose("1 ", 2, false, 0, false);
    char long_text[600];
    memset(long_text, '1', sizeof long_text);
    expect_loose(long_text, sizeof long_text, false, 0, false);
}

static void byte_sizes_have_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } taken[] = {
        { "0", 0 },         { "100", 100 },        { "100b", 100 },
        { "1k", 1000 },     { "1K", 1000 },        { "1kb", 1024 },
        { "1M", 1000000 },  { "2Mb", 2u << 20 },   { "1g", 1000000000 },
        { "3gB", 3ul << 30 }, { "18446744073709551615", UINT64_MAX },
        { "007", 7 },
    };
    static const char *const refused[] = {
        "", "k", " 1", "1 ", "-1", "1x", "1.5gb", "1kk", "9999999999999gb",
        "18446744073709551616", "99999999999gb",
    };
    uint64_t v;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        assert_true(number_parse_bytes(slice_of_text(taken[i].text), &v));
        assert_true(v == taken[i].bytes);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_false(number_parse_bytes(slice_of_text(refused[i]), &v));
    }
}

static void human_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        { 0, "0B" },          { 1023, "1023B" },        { 1024, "1.00K" },
        { 1101005, "1.05M" }, { 1ul << 30, "1.00G" },   { 3ul << 39, "1.50T" },
        { 1ul << 50, "1.00P" }, { UINT64_MAX, "16384.00P" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        number_format_human(text, sizeof text, cases[i].bytes);
        assert_string_equal(text, cases[i].text);
    }
}

int test_number_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_round_trip),
        cmocka_unit_test(integers_at_the_powers_of_ten),
        cmocka_unit_test(integers_only_in_canonical_form),
        cmocka_unit_test(doubles_read_as_strtod_does),
        cmocka_unit_test(short_decimals_read_exactly),
        cmocka_unit_test(doubles_print_as_redis_does),
        cmocka_unit_test(doubles_round_trip),
        cmocka_unit_test(long_doubles_print_as_incrbyfloat_does),
        cmocka_unit_test(very_long_texts_are_refused),
        cmocka_unit_test(loose_numbers),
        cmocka_unit_test(byte_sizes_have_units),
        cmocka_unit_test(human_sizes),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
