/* Tests of resp/decode_reply: what comes out is written down as text, the same
 * wherever the input is cut. */
#include "resp/decode_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

enum { SHOWN_BYTES_MAX = 4096 };

static const struct decode_reply_limits open_limits = {
    .line_bytes_max = 64 * 1024,
    .depth_max = 32,
    .text_bytes_max = 512 * 1024 * 1024,
    .elements_max = INT32_MAX,
};

struct fixture {
    struct decode_reply_state state;
    struct decode_reply_limits limits;
    char shown[SHOWN_BYTES_MAX];
    size_t at;
    size_t pieces_max; /* the most pieces that a text came in */
    size_t pieces;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->limits = open_limits;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void put(struct fixture *f, const void *data, size_t len)
{
    assert_true(f->at + len < sizeof f->shown);
    memcpy(f->shown + f->at, data, len);
    f->at += len;
    f->shown[f->at] = '\0';
}

static void put_text(struct fixture *f, const char *text)
{
    put(f, text, strlen(text));
}

/* The type bytes, by kind; an error that is a blob shows as '!'. */
static const char type_of_kind[] = "+-$=:,(#_*~%>|";

static void show_value(struct fixture *f, const struct reply_event *e)
{
    char text[64];
    put(f, &type_of_kind[e->kind], 1);
    if (e->kind == REPLY_INTEGER || e->kind == REPLY_BOOL) {
        snprintf(text, sizeof text, "%lld", (long long)e->number);
        put_text(f, text);
    } else {
        put(f, e->text.data, e->text.len);
    }
}

static void show(struct fixture *f, const struct reply_event *e)
{
    char text[64];
    switch (e->event) {
    case REPLY_VALUE: show_value(f, e); break;
    case REPLY_TEXT:
        if (e->is_first) {
            f->pieces = 0;
            put(f, e->kind == REPLY_ERROR ? "!" : &type_of_kind[e->kind], 1);
            snprintf(text, sizeof text, "%lld'", (long long)e->number);
            put_text(f, text);
        }
        f->pieces++;
        f->pieces_max = f->pieces > f->pieces_max ? f->pieces : f->pieces_max;
        put(f, e->text.data, e->text.len);
        put_text(f, e->is_last ? "'" : "");
        break;
    case REPLY_OPEN:
        snprintf(text, sizeof text, "%c%lld[", type_of_kind[e->kind],
                 (long long)e->number);
        put_text(f, text);
        break;
    case REPLY_CLOSE: put_text(f, "]"); break;
    }
    put_text(f, e->ends_reply ? ". " : "");
}

/* The input comes `step` bytes at a time, in memory of its exact size. */
static void decode_by(struct fixture *f, const char *text, size_t len,
                      size_t step)
{
    size_t start = 0, have = 0;
    f->state = (struct decode_reply_state){ 0 };
    f->at = 0;
    f->shown[0] = '\0';
    for (;;) {
        struct reply_event e;
        size_t used;
        const char *error = NULL;
        uint8_t *copy = malloc(have - start + 1);
        memcpy(copy, text + start, have - start);
        enum decode_reply_result r =
            decode_reply(&f->state, slice_of(copy, have - start), &f->limits,
                         &e, &used, &error);
        if (r == DECODE_REPLY_EVENT) {
            assert_true(used <= have - start);
            show(f, &e);
            start += used;
        }
        free(copy);
        if (r == DECODE_REPLY_ERROR) {
            put_text(f, "! ");
            put_text(f, error);
            return;
        }
        if (r == DECODE_REPLY_MORE) {
            assert_true(have - start <= f->limits.line_bytes_max + 2);
            if (have == len) {
                put_text(f, decode_reply_is_idle(&f->state) && start == len
                                ? ""
                                : "...");
                return;
            }
            have = len - have < step ? len : have + step;
        }
    }
}

static void expect_n(struct fixture *f, const char *text, size_t len,
                     const char *expected)
{
    for (size_t step = len == 0 ? 1 : len; step > 0; step--) {
        decode_by(f, text, len, step);
        if (strcmp(f->shown, expected) != 0) {
            fail_msg("'%s' by %zu gave '%s', not '%s'", text, step, f->shown,
                     expected);
        }
    }
}

static void expect(struct fixture *f, const char *text, const char *expected)
{
    expect_n(f, text, strlen(text), expected);
}

static void lines_are_values(void **state)
{
    struct fixture *f = *state;
    expect(f, "+OK\r\n", "+OK. ");
    expect(f, "+\r\n", "+. ");
    expect(f, "-ERR no\r\n", "-ERR no. ");
    expect(f, ":0\r\n:-12\r\n:+7\r\n", ":0. :-12. :7. ");
    expect(f, ":9223372036854775807\r\n", ":9223372036854775807. ");
    expect(f, ",1.5\r\n,-3e+10\r\n,inf\r\n,-inf\r\n,nan\r\n,.5\r\n,7\r\n",
           ",1.5. ,-3e+10. ,inf. ,-inf. ,nan. ,.5. ,7. ");
    expect(f, "(-12345678901234567890123\r\n", "(-12345678901234567890123. ");
    expect(f, "#t\r\n#f\r\n_\r\n", "#1. #0. _. ");
}

static void texts_come_in_pieces(void **state)
{
    struct fixture *f = *state;
    expect(f, "$5\r\nhello\r\n$0\r\n\r\n$-1\r\n*-1\r\n",
           "$5'hello'. $0''. _. _. ");
    expect(f, "=8\r\ntxt:some\r\n!5\r\nERR x\r\n", "=8'txt:some'. !5'ERR x'. ");
    expect(f, "$4\r\n\r\n\r\n\r\n", "$4'\r\n\r\n'. ");
    decode_by(f, "$10\r\n0123456789\r\n", 17, 1);
    assert_int_equal(f->pieces_max, 12);
}

static void aggregates_nest(void **state)
{
    struct fixture *f = *state;
    expect(f, "*0\r\n", "*0[]. ");
    expect(f, "*2\r\n:1\r\n*1\r\n$1\r\na\r\n+x\r\n", "*2[:1*1[$1'a']]. +x. ");
    expect(f, "%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n~1\r\n_\r\n",
           "%4[+a:1+b*0[]]. ~1[_]. ");
    expect(f, ">2\r\n+message\r\n+x\r\n:1\r\n", ">2[+message+x]. :1. ");
}

static void attributes_are_no_values(void **state)
{
    struct fixture *f = *state;
    expect(f, "|1\r\n+ttl\r\n:3\r\n+OK\r\n", "|2[+ttl:3]+OK. ");
    expect(f, "*1\r\n|1\r\n+k\r\n+v\r\n:5\r\n", "*1[|2[+k+v]:5]. ");
    expect(f, "*2\r\n:1\r\n|0\r\n:5\r\n", "*2[:1|0[]:5]. ");
}

static void nonsense_is_refused(void **state)
{
    struct fixture *f = *state;
    expect(f, "HTTP/1.1 400\r\n", "! a type byte is unknown");
    expect(f, "\r\n", "! a type byte is unknown");
    expect(f, ":1x\r\n", "! an integer is malformed");
    expect(f, ":\r\n", "! an integer is malformed");
    expect(f, ":9223372036854775808\r\n", "! an integer is malformed");
    expect(f, ",1e\r\n", "! a double is malformed");
    expect(f, ",\r\n", "! a double is malformed");
    expect(f, ",0x1\r\n", "! a double is malformed");
    expect(f, "(12a\r\n", "! a big number is malformed");
    expect(f, "#x\r\n", "! a boolean is malformed");
    expect(f, "_0\r\n", "! a null is malformed");
    expect(f, "$-2\r\n", "! a length is negative");
    expect(f, "%-1\r\n", "! a length is negative");
    expect(f, "$?\r\n", "! a length is malformed");
    expect(f, "$ 3\r\n", "! a length is malformed");
    expect(f, "$03\r\n", "! a length is malformed");
    expect(f, "=3\r\ntxt\r\n", "! a verbatim text has no prefix");
    expect(f, "+OK\n", "! a line does not end in CRLF, or is empty");
    expect(f, "*1\r\n>0\r\n", "*1[! a push inside of a reply");
    decode_by(f, "$1\r\nabc", 7, 7);
    assert_string_equal(f->shown, "! a text is not followed by CRLF");
}

static void limits_hold(void **state)
{
    struct fixture *f = *state;
    f->limits = (struct decode_reply_limits){
        .line_bytes_max = 8,
        .depth_max = 3,
        .text_bytes_max = 4,
        .elements_max = 5,
    };
    expect(f, "+1234567\r\n", "+1234567. ");
    expect(f, "+12345678\r\n", "! a line is too long");
    expect(f, "$5\r\n", "! a text is larger than the limit");
    expect(f, "*6\r\n", "! an aggregate is larger than the limit");
    expect(f, "%3\r\n", "! an aggregate is larger than the limit");
    expect(f, "*1\r\n*1\r\n:1\r\n", "*1[*1[:1]]. ");
    expect(f, "*1\r\n*1\r\n*1\r\n", "*1[*1[! a reply is nested too deep");
    f->limits = open_limits;
    expect(f, "*2147483648\r\n", "! an aggregate is larger than the limit");
    expect(f, "$536870913\r\n", "! a text is larger than the limit");
}

static void what_is_cut_off_waits(void **state)
{
    struct fixture *f = *state;
    expect(f, "", "");
    expect(f, "+OK", "...");
    expect(f, "*2\r\n:1\r\n", "*2[:1...");
    expect(f, "$5\r\nab", "$5'ab...");
    expect(f, "$2\r\nab\r", "$2'ab...");
}

static void ten_thousand_levels_are_refused(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(4 * 10000 + 1);
    for (size_t i = 0; i < 10000; i++) {
        memcpy(text + 4 * i, "*1\r\n", 4);
    }
    f->limits.depth_max = DECODE_REPLY_DEPTH_MAX;
    decode_by(f, text, 4 * 10000, 4096);
    assert_non_null(strstr(f->shown, "! a reply is nested too deep"));
    free(text);
}

int test_decode_reply_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_values, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(aggregates_nest, setup, teardown),
        cmocka_unit_test_setup_teardown(attributes_are_no_values, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_cut_off_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_levels_are_refused, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("decode_reply", tests, NULL, NULL);
}
