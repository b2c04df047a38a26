/* Tests of base/slice and base/status: order, case, and the glob, whose time
 * must stay bounded whatever the pattern. */
#include "base/slice.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "tests.h"

static void compare_orders_by_bytes_then_length(void **state)
{
    (void)state;
    assert_true(slice_compare(SLICE_LIT("a"), SLICE_LIT("b")) < 0);
    assert_true(slice_compare(SLICE_LIT("b"), SLICE_LIT("a")) > 0);
    assert_true(slice_compare(SLICE_LIT("ab"), SLICE_LIT("a")) > 0);
    assert_true(slice_compare(SLICE_LIT("a"), SLICE_LIT("ab")) < 0);
    assert_int_equal(slice_compare(SLICE_LIT("ab"), SLICE_LIT("ab")), 0);
    assert_int_equal(slice_compare(slice_of(NULL, 0), SLICE_LIT("")), 0);
    assert_true(slice_compare(SLICE_LIT("\xff"), SLICE_LIT("\x01")) > 0);
}

static void equality_folds_ascii_only(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE_LIT("GeT"), "get"));
    assert_true(slice_equal_nocase(SLICE_LIT(""), ""));
    assert_false(slice_equal_nocase(SLICE_LIT("get"), "gets"));
    assert_false(slice_equal_nocase(SLICE_LIT("gets"), "get"));
    assert_false(slice_equal_nocase(SLICE_LIT("get\0"), "get"));
    assert_false(slice_equal_nocase(SLICE_LIT("@"), "`"));
    assert_false(slice_equal_nocase(SLICE_LIT("\xc4"), "\xe4"));
}

/* What Redis's KEYS answers for the same pairs. */
static void glob_matches_as_redis_does(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool is_match;
    } cases[] = {
        { "", "", true },           { "", "a", false },
        { "*", "", false },         { "*", "anything", true },
        { "**", "", false },        { "a*", "a", true },
        { "a*b*c", "axbxc", true }, { "a*b*c", "axbxcx", false },
        { "*a", "bba", true },      { "*ab", "aab", true },
        { "*aab*", "aaab", true },  { "?", "", false },
        { "h?llo", "hello", true }, { "h?llo", "hllo", false },
        { "[abc]", "b", true },     { "[abc]", "d", false },
        { "[^abc]", "d", true },    { "[^abc]", "a", false },
        { "[a-c]x", "bx", true },   { "[c-a]x", "bx", true },
        { "[a-", "-", true },       { "[a-", "a", true },
        { "[a", "a", true },        { "[a", "b", false },
        { "[", "a", false },        { "[^", "a", true },
        { "[]", "]", false },       { "[]a", "a", false },
        { "[\\]]", "]", true },     { "[\\^]", "^", true },
        { "[a\\-c]", "-", true },   { "[a\\-c]", "b", false },
        { "\\*", "*", true },       { "\\*", "a", false },
        { "a\\", "a\\", true },     { "\\", "\\", true },
        { "[\\", "\\", true },      { "*[b]", "aab", true },
        { "key:[0-9]*", "key:1x", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool got = slice_match_glob(slice_of_text(cases[i].pattern),
                                    slice_of_text(cases[i].text), false);
        if (got != cases[i].is_match) {
            fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
        }
    }
}

static void glob_folds_case_when_asked(void **state)
{
    (void)state;
    assert_true(slice_match_glob(SLICE_LIT("MaX*"), SLICE_LIT("mAxmem"), true));
    assert_false(slice_match_glob(SLICE_LIT("MaX*"), SLICE_LIT("max"), false));
    assert_true(slice_match_glob(SLICE_LIT("[A-C]"), SLICE_LIT("b"), true));
    assert_true(slice_match_glob(SLICE_LIT("[a-c]"), SLICE_LIT("B"), true));
}

static void glob_takes_any_bytes(void **state)
{
    (void)state;
    assert_true(slice_match_glob(slice_of("a\0*", 3), slice_of("a\0b", 3), 0));
    assert_true(slice_match_glob(SLICE_LIT("[\x80-\xff]"), SLICE_LIT("\xc3"),
                                 false));
}

/* A thousand stars against a megabyte would take longer than the universe in a
 * matcher that goes back to every star. */
static void glob_time_is_bounded(void **state)
{
    (void)state;
    enum { STARS = 1000, TEXT_BYTES = 1 << 20 };
    uint8_t *pattern = malloc(STARS * 2 + 1);
    uint8_t *text = malloc(TEXT_BYTES);
    for (int i = 0; i < STARS; i++) {
        memcpy(pattern + 2 * (size_t)i, "*a", 2);
    }
    pattern[STARS * 2] = 'b';
    memset(text, 'a', TEXT_BYTES);
    int64_t start_us = clock_monotonic_us();
    assert_false(slice_match_glob(slice_of(pattern, STARS * 2 + 1),
                                  slice_of(text, TEXT_BYTES), false));
    assert_true(clock_monotonic_us() - start_us < 5000000);
    free(pattern);
    free(text);
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    for (int st = 0; st < STATUS_COUNT; st++) {
        assert_non_null(status_text((enum status)st));
    }
    assert_string_equal(status_text(ST_OK), "ok");
}

int test_slice_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare_orders_by_bytes_then_length),
        cmocka_unit_test(equality_folds_ascii_only),
        cmocka_unit_test(glob_matches_as_redis_does),
        cmocka_unit_test(glob_folds_case_when_asked),
        cmocka_unit_test(glob_takes_any_bytes),
        cmocka_unit_test(glob_time_is_bounded),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
