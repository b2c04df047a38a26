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

/* Any byte may be the one that differs; nothing beyond the slices is read, as
 * the sanitizers see. */
static void equal_are_those_without_a_difference(void **state)
{
    (void)state;
    enum { LEN_MAX = 40 };
    for (size_t len = 0; len <= LEN_MAX; len++) {
        bool is_short = len <= SLICE_SHORT_MAX;
        uint8_t *a = malloc(len), *b = malloc(len);
        memset(a, 'x', len);
        memset(b, 'x', len);
        assert_true(slice_equal(slice_of(a, len), slice_of(b, len)));
        assert_int_equal(
            slice_equal_short(slice_of(a, len), slice_of(b, len)), is_short);
        for (size_t i = 0; i < len; i++) {
            b[i] ^= (uint8_t)(1 << i % 8);
            assert_false(slice_equal(slice_of(a, len), slice_of(b, len)));
            assert_false(slice_equal_short(slice_of(a, len), slice_of(b, len)));
            b[i] = 'x';
            assert_false(slice_equal(slice_of(a, len), slice_of(b, i)));
        }
        free(a);
        free(b);
    }
    assert_true(slice_equal(slice_of(NULL, 0), slice_of(NULL, 0)));
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

/* Does `part`, repeated `count` times, match `match` repeated as often, with `end`
 * behind both? */
static bool glob_repeats(const char *part, const char *match, const char *end,
                         int count)
{
    char pattern[16 * 1024], text[16 * 1024];
    size_t pattern_len = 0, text_len = 0;
    for (int i = 0; i < count; i++) {
        memcpy(pattern + pattern_len, part, strlen(part));
        pattern_len += strlen(part);
        memcpy(text + text_len, match, strlen(match));
        text_len += strlen(match);
    }
    memcpy(pattern + pattern_len, end, strlen(end));
    memcpy(text + text_len, end, strlen(end));
    return slice_match_glob(slice_of(pattern, pattern_len + strlen(end)),
                            slice_of(text, text_len + strlen(end)), false);
}

/* The counts at which Redis 7.0 and Valkey 8.1 give up, as KEYS shows them. */
static void glob_gives_up_after_a_thousand_stars(void **state)
{
    (void)state;
    static const struct {
        const char *part, *match, *end;
        int most; /* repeats that match */
    } cases[] = {
        {"*?", "a", "", 1000},       {"*?", "a", "*", 1000},
        {"*?", "a", "**", 1000},     {"*a", "a", "", 1000},
        {"*[ab]", "b", "", 1000},    {"*[*]", "*", "", 1000},
        {"**a", "a", "", 1000},      {"***?", "ab", "", 1000},
        {"*\\*", "*", "", 1000},     {"ab*c", "abxc", "", 1000},
        {"a*", "ab", "", 1001}, /* the last star stands at the end */
        {"*", "a", "", 5000},        {"*", "a", "a", 5000},
        {"\\*", "*", "", 5000},      {"[*]", "*", "", 5000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *part = cases[i].part, *match = cases[i].match;
        const char *end = cases[i].end;
        assert_true(glob_repeats(part, match, end, 999));
        assert_true(glob_repeats(part, match, end, cases[i].most));
        if (cases[i].most < 5000) {
            assert_false(glob_repeats(part, match, end, cases[i].most + 1));
        }
    }
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
        cmocka_unit_test(equal_are_those_without_a_difference),
        cmocka_unit_test(equality_folds_ascii_only),
        cmocka_unit_test(glob_matches_as_redis_does),
        cmocka_unit_test(glob_folds_case_when_asked),
        cmocka_unit_test(glob_takes_any_bytes),
        cmocka_unit_test(glob_time_is_bounded),
        cmocka_unit_test(glob_gives_up_after_a_thousand_stars),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
