/* Tests of resp/decode. The texts of the errors and what is taken were found by
 * asking Redis 7.0 over a socket. */
#include "resp/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests.h"

enum { WHOLE_ARGS_MAX = 64, SHOWN_BYTES_MAX = 4096 };

static const struct decode_limits open_limits = {
    .bulk_bytes_max = 512 * 1024 * 1024,
    .args_max = 1024 * 1024,
    .inline_bytes_max = 64 * 1024,
};

struct fixture {
    struct mem_account account;
    struct decode_state state;
    struct decode_args args;
    struct decode_limits limits;
    size_t used;
    const char *error;
    char shown[SHOWN_BYTES_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    mem_account_init(&f->account);
    decode_args_init(&f->args, &f->account);
    f->limits = open_limits;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    decode_state_deinit(&f->state, &f->account);
    decode_args_deinit(&f->args);
    assert_int_equal(mem_used(&f->account), 0);
    free(f);
    return 0;
}

static enum decode_result decode(struct fixture *f, const void *data, size_t n)
{
    return decode_request(&f->state, slice_of(data, n), &f->limits, &f->args,
                          &f->used, &f->error);
}

/* "[a][b]" */
static void show(struct fixture *f, const struct slice *argv, uint32_t argc)
{
    size_t at = strlen(f->shown);
    for (uint32_t i = 0; i < argc; i++) {
        at += (size_t)snprintf(f->shown + at, sizeof f->shown - at, "[%.*s]",
                               (int)argv[i].len, (const char *)argv[i].data);
    }
}

/* Decodes everything in `text`, handing over `step` bytes more at a time, from
 * memory that moves; the requests end up in f->shown, then ' ' and the error,
 * or '+' where something is left over. */
static void decode_all(struct fixture *f, const char *text, size_t len,
                       size_t step)
{
    size_t start = 0, have = 0;
    enum decode_result r = DECODE_MORE;
    f->shown[0] = '\0';
    while (start < len) {
        if (r == DECODE_MORE) {
            if (have == len) {
                strcat(f->shown, "+");
                return;
            }
            have = len - have < step ? len : have + step;
        }
        uint8_t *copy = malloc(have - start + 1);
        memcpy(copy, text + start, have - start);
        r = decode(f, copy, have - start);
        show(f, f->args.argv, f->args.argc);
        if (r == DECODE_REQUEST) {
            strcat(f->shown, ".");
        }
        if (r == DECODE_ERROR) {
            strcat(f->shown, " ");
            strcat(f->shown, f->error);
        }
        free(copy);
        if (r == DECODE_ERROR) {
            decode_state_deinit(&f->state, &f->account);
            return;
        }
        assert_int_not_equal(r, DECODE_NOMEM);
        assert_true(r == DECODE_MORE ? f->used == 0 : f->used > 0);
        start += f->used;
    }
}

static void expect_n(struct fixture *f, const char *text, size_t len,
                     const char *expected)
{
    for (size_t step = len; step > 0; step--) {
        decode_all(f, text, len, step);
        if (strcmp(f->shown, expected) != 0) {
            fail_msg("'%s' by %zu gave '%s', not '%s'", text, step, f->shown,
                     expected);
        }
        decode_state_deinit(&f->state, &f->account);
    }
    struct slice argv[WHOLE_ARGS_MAX];
    uint32_t argc = decode_whole(slice_of(text, len), &f->limits, argv,
                                 WHOLE_ARGS_MAX, &f->used);
    if (argc > 0) {
        f->shown[0] = '\0';
        show(f, argv, argc);
        assert_memory_equal(f->shown, expected, strlen(f->shown));
    }
}

#define EXPECT(f, literal, expected) \
    expect_n(f, literal, sizeof(literal) - 1, expected)

static void arrays(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "*1\r\n$4\r\nPING\r\n", "[PING].");
    EXPECT(f, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "[SET][k][].");
    EXPECT(f, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n",
           "[GET][k].[PING].");
    EXPECT(f, "*1\r\n$4\r\n\r\n\r\n\r\n", "[\r\n\r\n].");
    EXPECT(f, "*2\r\n$3\r\nGET\r\n$1\r\n", "+");
    EXPECT(f, "*0\r\n*1\r\n$4\r\nPING\r\n", "[PING].");
    EXPECT(f, "*-1\r\n*-9223372036854775808\r\n\r\n*1\r\n$1\r\na\r\n", "[a].");
}

/* The byte behind a header's CR and the two behind a bulk are not looked at. */
static void line_ends_are_taken_on_trust(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "*1\rX$4\r\nPING\r\n", "[PING].");
    EXPECT(f, "*1\r\n$4\rXPING\r\n", "[PING].");
    EXPECT(f, "*1\r\n$4\r\nPINGXX*1\r\n$1\r\na\r\n", "[PING].[a].");
}

static void wrong_counts(void **state)
{
    static const char *const wrong[] = {
        "*2147483648", "*1048577", "*-9223372036854775809", "*", "* 1", "*+1",
        "*01", "*-0", "*1 ", "*a", "*1\n$4", "*99999999999999999999999",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%s\r\n", wrong[i]);
        expect_n(f, text, (size_t)n,
                 " Protocol error: invalid multibulk length");
    }
}

static void wrong_bulks(void **state)
{
    static const char *const wrong[] = {
        "-1", "-2", "536870913", " 4", "+4", "04", "", "x", "4 ", "2147483648",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "*1\r\n$%s\r\n", wrong[i]);
        expect_n(f, text, (size_t)n, " Protocol error: invalid bulk length");
    }
    EXPECT(f, "*1\r\n$536870912\r\n", "+");
    EXPECT(f, "*1\r\n:4\r\n", " Protocol error: expected '$', got ':'");
    EXPECT(f, "*1\r\nPING\r\n", " Protocol error: expected '$', got 'P'");
    EXPECT(f, "*1\r\n\r\n", " Protocol error: expected '$', got '\r'");
    EXPECT(f, "*2\r\n$1\r\na\r\nx\r\n",
           " Protocol error: expected '$', got 'x'");
}

static void strangers_get_little(void **state)
{
    struct fixture *f = *state;
    f->limits.is_unauthenticated = true;
    EXPECT(f, "*10\r\n", "+");
    EXPECT(f, "*11\r\n", " Protocol error: unauthenticated multibulk length");
    EXPECT(f, "*1048577\r\n", " Protocol error: invalid multibulk length");
    EXPECT(f, "*1\r\n$16384\r\n", "+");
    EXPECT(f, "*1\r\n$16385\r\n",
           " Protocol error: unauthenticated bulk length");
    EXPECT(f, "*1\r\n$536870913\r\n", " Protocol error: invalid bulk length");
    EXPECT(f, "a b c d e f g h i j k l\r\n", "[a][b][c][d][e][f][g][h][i][j]"
                                             "[k][l].");
}

static void inline_lines(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "PING\r\n", "[PING].");
    EXPECT(f, "PING\n\r\n  \n GET  a \r\n", "[PING].[GET][a].");
    EXPECT(f, "PING a\rb\r\n", "[PING][a][b].");
    EXPECT(f, "PING \v\fa\t\r\r\n", "[PING][a].");
    EXPECT(f, "\"PING\" '' \"\"\r\n", "[PING][][].");
    EXPECT(f, "a'b c'\r\n", "[ab c].");
    EXPECT(f, "ab\"c d\" e\n", "[abc d][e].");
    EXPECT(f, "'it\\'s' '\\n' '\"'\n", "[it's][\\n][\"].");
    EXPECT(f, "\"\\x41\\n\\a\\b\\t\\r\\q\\xzz\\\\\\\"\\x4\"\r\n",
           "[A\n\a\b\t\rqxzz\\\"x4].");
    EXPECT(f, "\"\\xFf\\xaB\"\n", "[\xff\xab].");
    EXPECT(f, "a\\nb\n", "[a\\nb].");
}

static void unbalanced_quotes(void **state)
{
    static const char *const wrong[] = {
        "a\"", "\"a", "'a", "'", "\"", "\"a\"b", "'a'b", "\"a\\", "'a\\",
        "\"a\\\"", "'a\\'", "x \"a\"\"b\"", "\"\\x4",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "%s\r\n", wrong[i]);
        expect_n(f, text, (size_t)n,
                 " Protocol error: unbalanced quotes in request");
    }
}

/* What stands behind a NUL never ends the line, in whatever pieces it comes. */
static void nul_hides_the_end_of_a_line(void **state)
{
    struct fixture *f = *state;
    EXPECT(f, "PING\0\r\nPING\r\n", "+");
    EXPECT(f, "\0\r\n", "+");
    EXPECT(f, "PING\r\n\0\n", "[PING].+");
    EXPECT(f, "*1\0\r\n$1\r\na\r\n", "+");
    EXPECT(f, "*1\r\n$1\0\r\na\r\n", "+");
    EXPECT(f, "*1\r\n\0\r\n", "+");
    EXPECT(f, "*1\r\0$1\r\0\0\0\0", "[].");
    EXPECT(f, "*2\r\n$2\r\na\0\r\n$1\r\nb\r\n", "[a][b].");
}

/* `head`, then `fill` bytes of 'x', cut at every interesting place. */
static void expect_too_long(struct fixture *f, const char *head, size_t before,
                            const char *error)
{
    size_t max = f->limits.inline_bytes_max;
    size_t len = before + max + 1;
    char *text = malloc(len);
    memset(text, '1', len);
    memcpy(text, head, strlen(head));
    assert_int_equal(decode(f, text, len - 1), DECODE_MORE);
    assert_int_equal(decode(f, text, len), DECODE_ERROR);
    assert_string_equal(f->error, error);
    decode_state_deinit(&f->state, &f->account);
    assert_int_equal(decode(f, text, len), DECODE_ERROR);
    assert_string_equal(f->error, error);
    decode_state_deinit(&f->state, &f->account);
    free(text);
}

static void endless_lines_are_refused(void **state)
{
    struct fixture *f = *state;
    expect_too_long(f, "a", 0, "Protocol error: too big inline request");
    expect_too_long(f, "*", 0, "Protocol error: too big mbulk count string");
    expect_too_long(f, "*1\r\n$", 4,
                    "Protocol error: too big bulk count string");
    expect_too_long(f, "*1\r\n", 4,
                    "Protocol error: too big bulk count string");
}

/* A line of the limit is taken, one byte more is not, cut or whole. */
static void the_longest_line(void **state)
{
    struct fixture *f = *state;
    size_t max = f->limits.inline_bytes_max;
    char *text = malloc(max + 2);
    memset(text, 'a', max + 2);
    text[max] = '\n';
    assert_int_equal(decode(f, text, max + 1), DECODE_REQUEST);
    assert_int_equal(f->args.argv[0].len, max);
    text[max] = 'a';
    text[max + 1] = '\n';
    assert_int_equal(decode(f, text, max + 2), DECODE_ERROR);
    free(text);
}

/* What is said to come reserves nothing. */
static void announcements_cost_nothing(void **state)
{
    struct fixture *f = *state;
    f->limits.args_max = INT32_MAX;
    const char *text = "*2147483647\r\n$1\r\na\r\n$536870912\r\n";
    assert_int_equal(decode(f, text, strlen(text)), DECODE_MORE);
    assert_true(mem_used(&f->account) < 1024);
    assert_int_equal(f->state.want_bytes, strlen(text) + 536870912 + 2);
}

/* A million tiny arguments, some bytes at a time. */
static void many_arguments_in_many_pieces(void **state)
{
    struct fixture *f = *state;
    enum { ARGS = 1000000, STEP = 100 };
    size_t len = (size_t)ARGS * 7 + 10;
    char *text = malloc(len + 1);
    (void)snprintf(text, len, "*%d\r\n", ARGS);
    for (size_t i = 0; i < ARGS; i++) {
        memcpy(text + 10 + i * 7, "$1\r\nx\r\n", 7);
    }
    int64_t start_us = clock_monotonic_us();
    enum decode_result r = DECODE_MORE;
    for (size_t have = STEP; r == DECODE_MORE; have += STEP) {
        have = have > len ? len : have;
        r = decode(f, text, have);
    }
    assert_true(clock_monotonic_us() - start_us < 5000000);
    assert_int_equal(r, DECODE_REQUEST);
    assert_int_equal(f->args.argc, ARGS);
    assert_int_equal(f->used, len);
    assert_true(mem_used(&f->account) < (size_t)ARGS * 40);
    /* Given back with the next small request. */
    const char *ping = "*1\r\n$4\r\nPING\r\n";
    assert_int_equal(decode(f, ping, strlen(ping)), DECODE_REQUEST);
    assert_true(mem_used(&f->account) < 128 * 1024);
    free(text);
}

static void memory_may_run_out_anywhere(void **state)
{
    static const char *const texts[] = {
        "*17\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"
        "$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n"
        "$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n",
        "a a a a a a a a a a a a a a a a a\r\n",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < 2; i++) {
        enum decode_result r = DECODE_NOMEM;
        for (int64_t step = 0; r != DECODE_REQUEST; step++) {
            decode_args_deinit(&f->args);
            decode_state_deinit(&f->state, &f->account);
            f->account.fail_after = step;
            r = decode(f, texts[i], strlen(texts[i]));
            if (r == DECODE_NOMEM) {
                /* It goes on where it stood. */
                f->account.fail_after = -1;
                assert_int_equal(decode(f, texts[i], strlen(texts[i])),
                                 DECODE_REQUEST);
            }
            assert_int_equal(f->args.argc, 17);
            assert_true(step < 10);
        }
        f->account.fail_after = -1;
    }
}

static void whole_requests_only(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000001234\r\n"
                               "$10\r\n0123456789\r\n";
    size_t len = sizeof text - 1;
    struct slice argv[3];
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, text, cut);
        assert_int_equal(decode_whole(slice_of(copy, cut), &f->limits, argv, 3,
                                      &f->used),
                         0);
        free(copy);
    }
    assert_int_equal(
        decode_whole(slice_of(text, len), &f->limits, argv, 3, &f->used), 3);
    assert_int_equal(f->used, len);
    assert_true(slice_equal(argv[0], SLICE_LIT("SET")));
    assert_true(slice_equal(argv[1], SLICE_LIT("key:000000001234")));
    assert_true(slice_equal(argv[2], SLICE_LIT("0123456789")));
    assert_int_equal(
        decode_whole(slice_of(text, len), &f->limits, argv, 2, &f->used), 0);
    f->limits.bulk_bytes_max = 15;
    assert_int_equal(
        decode_whole(slice_of(text, len), &f->limits, argv, 3, &f->used), 0);
    f->limits = open_limits;
    f->limits.args_max = 2;
    assert_int_equal(
        decode_whole(slice_of(text, len), &f->limits, argv, 3, &f->used), 0);
}

int test_decode_run(void)
{
#define DECODE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        DECODE_TEST(arrays),
        DECODE_TEST(line_ends_are_taken_on_trust),
        DECODE_TEST(wrong_counts),
        DECODE_TEST(wrong_bulks),
        DECODE_TEST(strangers_get_little),
        DECODE_TEST(inline_lines),
        DECODE_TEST(unbalanced_quotes),
        DECODE_TEST(nul_hides_the_end_of_a_line),
        DECODE_TEST(endless_lines_are_refused),
        DECODE_TEST(the_longest_line),
        DECODE_TEST(announcements_cost_nothing),
        DECODE_TEST(many_arguments_in_many_pieces),
        DECODE_TEST(memory_may_run_out_anywhere),
        DECODE_TEST(whole_requests_only),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
