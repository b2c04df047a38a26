/* Tests of client/tree and client/reply: the same tree wherever the reply is
 * cut, and a copy that is one. */
#include "client/tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"
#include "tests.h"

static const struct decode_reply_limits limits = {
    .line_bytes_max = 1024,
    .depth_max = 32,
    .text_bytes_max = 1 << 20,
    .elements_max = INT32_MAX,
};

/* The first reply in `text`, whose bytes come `step` at a time. */
static enum status build(struct tree *t, const char *text, size_t len,
                         size_t step, uint8_t *buffer)
{
    struct decode_reply_state s = { 0 };
    size_t start = 0, have = 0;
    memcpy(buffer, text, len);
    for (;;) {
        struct reply_event e;
        size_t used;
        const char *error;
        enum decode_reply_result r =
            decode_reply(&s, slice_of(buffer + start, have - start), &limits,
                         &e, &used, &error);
        if (r == DECODE_REPLY_MORE) {
            assert_true(have < len);
            have = len - have < step ? len : have + step;
            continue;
        }
        assert_int_equal(r, DECODE_REPLY_EVENT);
        start += used;
        enum status st = tree_add(t, &e);
        if (st != ST_OK || e.ends_reply) {
            return st;
        }
    }
}

static void expect_n(const char *text, size_t len, const char *expected)
{
    struct mem_account account;
    struct tree t;
    char shown[4096];
    uint8_t *buffer = malloc(len + 1);
    mem_account_init(&account);
    tree_init(&t, &account, 1 << 20);
    for (size_t step = len; step > 0; step--) {
        assert_int_equal(build(&t, text, len, step, buffer), ST_OK);
        shown[0] = '\0';
        stage_show_reply(&t.root, shown, sizeof shown);
        assert_string_equal(shown, expected);
        struct engram_reply *copy = engram_reply_copy(&t.root);
        tree_reset(&t, step % 2 == 0);
        memset(buffer, 'x', len);
        shown[0] = '\0';
        stage_show_reply(copy, shown, sizeof shown);
        assert_string_equal(shown, expected);
        engram_reply_destroy(&copy);
        assert_null(copy);
    }
    tree_deinit(&t);
    assert_int_equal(mem_used(&account), 0);
    free(buffer);
}

static void trees_are_built(void **state)
{
    (void)state;
#define expect(text, expected) expect_n(text, strlen(text), expected)
    expect("+OK\r\n", "OK");
    expect("$5\r\nhello\r\n", "hello");
    expect("*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n$0\r\n\r\n", "[1 [a nil] ]");
    expect("%1\r\n$1\r\nk\r\n~2\r\n#t\r\n,1.5\r\n", "{k (#t 1.5)}");
    expect("|1\r\n+x\r\n*1\r\n+y\r\n*2\r\n|0\r\n:1\r\n:2\r\n", "[1 2]");
    expect("=8\r\ntxt:some\r\n", "some");
    expect("!5\r\nERR x\r\n", "(error)ERR x");
    expect("*0\r\n", "[]");
}

static void values_can_be_asked_for(void **state)
{
    (void)state;
    struct mem_account account;
    struct tree t;
    uint8_t buffer[256];
    const char *text = "%4\r\n+int\r\n:-7\r\n+dbl\r\n,-2.5e1\r\n+vrb\r\n"
                       "=5\r\nmkd:x\r\n+inf\r\n,inf\r\n";
    mem_account_init(&account);
    tree_init(&t, &account, 1 << 20);
    assert_int_equal(build(&t, text, strlen(text), 7, buffer), ST_OK);
    const struct engram_reply *r = &t.root;
    assert_int_equal(engram_reply_type(r), ENGRAM_TYPE_MAP);
    assert_int_equal(engram_reply_count(r), 8);
    assert_null(engram_reply_at(r, 8));
    assert_int_equal(engram_reply_integer(engram_reply_lookup(r, "int")), -7);
    assert_true(engram_reply_double(engram_reply_lookup(r, "dbl")) == -25.0);
    assert_true(isinf(engram_reply_double(engram_reply_lookup(r, "inf"))));
    r = engram_reply_lookup(&t.root, "vrb");
    assert_string_equal(engram_reply_format(r), "mkd");
    assert_string_equal(engram_reply_text(r, NULL), "x");
    assert_null(engram_reply_lookup(&t.root, "none"));
    assert_int_equal(engram_reply_count(r), 0);
    tree_deinit(&t);
}

/* What is announced costs nothing until it comes. */
static void memory_follows_what_comes(void **state)
{
    (void)state;
    struct mem_account account;
    struct tree t;
    uint8_t buffer[64];
    struct decode_reply_state s = { 0 };
    struct reply_event e;
    size_t used;
    const char *error;
    mem_account_init(&account);
    tree_init(&t, &account, SIZE_MAX / 2);
    memcpy(buffer, "*1000000000\r\n:1\r\n", 17);
    struct slice input = slice_of(buffer, 17);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            decode_reply(&s, input, &limits, &e, &used, &error),
            DECODE_REPLY_EVENT);
        assert_int_equal(tree_add(&t, &e), ST_OK);
        input = slice_of(input.data + used, input.len - used);
    }
    assert_true(mem_used(&account) < 64 * 1024);
    tree_deinit(&t);
    assert_int_equal(mem_used(&account), 0);
}

static void the_limit_holds(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct mem_account account;
    struct tree t;
    char *text = malloc(16 + 4 * COUNT);
    uint8_t *buffer = malloc(16 + 4 * COUNT);
    size_t len = (size_t)sprintf(text, "*%d\r\n", COUNT);
    for (int i = 0; i < COUNT; i++) {
        memcpy(text + len, ":1\r\n", 4);
        len += 4;
    }
    mem_account_init(&account);
    tree_init(&t, &account, 1 << 20);
    assert_int_equal(build(&t, text, len, 4096, buffer), ST_RANGE);
    assert_true(mem_used(&account) <= (1 << 20) + 64 * 1024);
    tree_deinit(&t);
    tree_init(&t, &account, 16 << 20);
    assert_int_equal(build(&t, text, len, 4096, buffer), ST_OK);
    assert_int_equal(engram_reply_count(&t.root), COUNT);
    assert_int_equal(
        engram_reply_integer(engram_reply_at(&t.root, COUNT - 1)), 1);
    tree_deinit(&t);
    free(text);
    free(buffer);
}

int test_tree_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_built),
        cmocka_unit_test(values_can_be_asked_for),
        cmocka_unit_test(memory_follows_what_comes),
        cmocka_unit_test(the_limit_holds),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
