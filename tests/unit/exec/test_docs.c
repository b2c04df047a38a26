/* Tests of what is told of commands: keys by their specifications, the range
 * for old clients, joining docs to rows. */
#include "exec/table.h"
#include "fakes.h"
#include "tests.h"

enum { ONE = KEY_RO, TWO = KEY_OW | KEY_UPDATE, ARGS_MAX = 16 };

#define AT(i, bits) {.index = (i), .step = 1, .flags = (bits)}
#define RANGE(i, to, by) \
    {.index = (i), .last = (to), .step = (by), .flags = ONE}
#define COUNTED(i, by) \
    {.find = KEY_FIND_COUNT, .index = (i), .step = (by), .flags = TWO}
#define BEHIND(word, from, to, part) \
    {.begin = KEY_BEGIN_KEYWORD, .keyword = (word), .index = (from), \
     .last = (to), .limit = (part), .step = 1, .flags = ONE}

static uint32_t second_of(const struct slice *argv, uint32_t argc)
{
    (void)argv;
    return argc > 2 ? 2 : 0;
}

static uint32_t none_of(const struct slice *argv, uint32_t argc)
{
    (void)argv;
    return argc;
}

static uint16_t flags_by_argc(const struct slice *argv, uint32_t argc)
{
    (void)argv;
    return argc > 2 ? TWO : ONE;
}

struct specs_case {
    struct cmd_key_spec specs[3];
    const char *args;  /* words */
    const char *found; /* as words; NULL: nonsense */
};

static const struct specs_case specs_cases[] = {
    {{{0}}, "c a b", ""},
    {{AT(1, ONE)}, "c a b", "a"},
    {{AT(2, ONE)}, "c a", NULL},
    {{AT(1, TWO), AT(2, ONE)}, "c a b", "a b"},
    {{AT(1, ONE | KEY_NOT_KEY), AT(2, ONE)}, "c a b", "b"},
    {{RANGE(1, -1, 1)}, "c a b d", "a b d"},
    {{RANGE(1, -1, 1)}, "c", ""},
    {{RANGE(1, -2, 1)}, "c a b d", "a b"},
    {{RANGE(1, -2, 1)}, "c a", ""},
    {{RANGE(1, -1, 2)}, "c a b d e", "a d"},
    {{RANGE(1, 1, 1)}, "c a b d", "a b"},
    {{RANGE(1, 1, 1)}, "c a", NULL},
    {{COUNTED(1, 1)}, "c 2 a b d", "a b"},
    {{COUNTED(1, 1)}, "c 2 a b", "a b"},
    {{COUNTED(1, 1)}, "c 2 a", NULL},
    {{COUNTED(1, 1)}, "c 0 a", ""},
    {{COUNTED(1, 1)}, "c -1 a", NULL},
    {{COUNTED(1, 1)}, "c x a", NULL},
    {{COUNTED(1, 1)}, "c", NULL},
    {{COUNTED(1, 1)}, "c 4294967297 a", NULL},
    {{COUNTED(1, 1)}, "c 9223372036854775807 a", NULL},
    {{COUNTED(1, 2)}, "c 2 a v b w", "a b"},
    {{COUNTED(1, 2)}, "c 2 a v b", "a b"},
    {{COUNTED(1, 2)}, "c 2 a v", NULL},
    {{COUNTED(1, 2)}, "c 0", ""},
    {{AT(1, TWO), COUNTED(2, 1)}, "c d 2 a b", "d a b"},
    {{BEHIND("into", 2, 0, 0)}, "c a into b", "b"},
    {{BEHIND("into", 2, 0, 0)}, "c into b into d", "d"},
    {{BEHIND("into", 2, 0, 0)}, "c a x INTO b into d", "b"},
    {{BEHIND("into", 2, 0, 0)}, "c a", ""},
    {{BEHIND("into", 2, 0, 0)}, "c a into", ""},
    {{BEHIND("of", 1, -1, 2)}, "c of a b 0 0", "a b"},
    {{BEHIND("of", 1, -1, 2)}, "c of a b 0", "a"},
    {{BEHIND("of", 1, -1, 2)}, "c of a", ""},
    {{BEHIND("of", 1, -1, 2)}, "c of", ""},
    {{BEHIND("keys", -2, -1, 0)}, "c keys x keys a b", "a b"},
    {{BEHIND("keys", -2, -1, 0)}, "c a b keys", ""},
    {{{.begin = KEY_BEGIN_UNKNOWN, .flags = ONE}, AT(1, ONE)}, "c a", "a"},
    {{AT(1, ONE), {.begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN,
                   .find_begin = second_of, .flags = TWO}}, "c a b", "a b"},
    {{{.index = 9, .last = -1, .step = 1, .find_begin = second_of,
       .flags = ONE}}, "c a b d", "b d"},
    {{{.index = 1, .step = 1, .find_begin = none_of, .flags = ONE}}, "c a",
     NULL},
    {{AT(1, ONE), {.begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN,
                   .find_begin = second_of, .flags = TWO}}, "c a", "a"},
};

/* The words of `text`; their number. */
static uint32_t split(const char *text, struct slice *words)
{
    uint32_t n = 0;
    for (const char *p = text; *p != 0; n++) {
        size_t len = strcspn(p, " ");
        words[n] = slice_of(p, len);
        p += len + (p[len] == ' ');
    }
    return n;
}

static void check_specs(const struct specs_case *k)
{
    struct cmd_docs d = {.keys = k->specs};
    struct slice argv[ARGS_MAX], found[ARGS_MAX];
    struct cmd_found_key out[ARGS_MAX];
    uint32_t argc = split(k->args, argv);
    int64_t count = -1;
    if (k->found != NULL) {
        count = split(k->found, found);
    }
    assert_int_equal(cmd_docs_find_keys(&d, argv, argc, NULL), count);
    assert_int_equal(cmd_docs_find_keys(&d, argv, argc, out), count);
    for (int64_t i = 0; i < count; i++) {
        assert_true(slice_equal(argv[out[i].at], found[i]));
    }
}

static void test_find_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs_cases / sizeof specs_cases[0]; i++) {
        check_specs(&specs_cases[i]);
    }
}

static void test_flags_of_keys(void **state)
{
    (void)state;
    struct cmd_key_spec specs[] = {
        AT(1, TWO), {.index = 1, .step = 1, .flags = KEY_VARIABLE_FLAGS,
                     .find_flags = flags_by_argc}, {0},
    };
    struct cmd_docs d = {.keys = specs};
    struct cmd_found_key out[2];
    struct slice argv[3] = {SLICE_LIT("c"), SLICE_LIT("a"), SLICE_LIT("b")};
    assert_int_equal(cmd_docs_find_keys(&d, argv, 2, out), 2);
    assert_int_equal(out[0].flags, TWO);
    assert_int_equal(out[1].flags, ONE);
    assert_int_equal(cmd_docs_find_keys(&d, argv, 3, out), 2);
    assert_int_equal(out[1].flags, TWO);
}

static void check_range(struct cmd_key_spec a, struct cmd_key_spec b, int first,
                        int last, int step, bool is_movable)
{
    struct cmd_key_spec specs[] = {a, b, {0}};
    struct cmd_docs d = {.keys = specs};
    struct cmd_key_range r = cmd_docs_key_range(&d);
    assert_int_equal(r.first, first);
    assert_int_equal(r.last, last);
    assert_int_equal(r.step, step);
    assert_int_equal(cmd_docs_has_movable_keys(&d), is_movable);
}

static void test_ranges_for_old_clients(void **state)
{
    (void)state;
    const struct cmd_key_spec none = {0}, one = AT(1, ONE), two = AT(2, ONE),
        three = AT(3, ONE), rest = RANGE(2, -1, 1), pairs = RANGE(1, -1, 2),
        counted = COUNTED(2, 1), behind = BEHIND("x", 2, 0, 0);
    check_range(none, none, 0, 0, 0, false);
    check_range(one, none, 1, 1, 1, false);
    check_range(one, two, 1, 2, 1, false);
    check_range(one, three, 1, 1, 1, false);
    check_range(one, rest, 1, -1, 1, false);
    check_range(rest, none, 2, -1, 1, false);
    check_range(pairs, none, 1, -1, 2, false);
    check_range(counted, none, 0, 0, 0, true);
    check_range(one, counted, 1, 1, 1, true);
    check_range(one, behind, 1, 1, 1, true);
}

static void test_has_keys(void **state)
{
    (void)state;
    struct cmd_key_spec channel[] = {AT(1, KEY_NOT_KEY), {0}};
    struct cmd_key_spec both[] = {AT(1, KEY_NOT_KEY), AT(2, ONE), {0}};
    assert_false(cmd_docs_has_keys(&(struct cmd_docs){0}));
    assert_false(cmd_docs_has_keys(&(struct cmd_docs){.keys = channel}));
    assert_true(cmd_docs_has_keys(&(struct cmd_docs){.keys = both}));
}

static void test_docs_are_joined_by_full_name(void **state)
{
    (void)state;
    static const struct cmd_key_spec movable[] = {COUNTED(1, 1), {0}};
    static const struct cmd_docs docs[] = {
        {.name = "put", .summary = "Puts."},
        {.name = "box|keyed", .summary = "Keyed.", .keys = movable},
        {.name = "box|nosuch", .summary = "Never seen."},
        {.name = "nosuch", .summary = "Never seen."},
        {.name = NULL},
    };
    static const struct cmd_docs_group groups[] = {{"boxes", docs}, {0}};
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = cmd_table_create(&a, fake_families);
    const struct cmd *put = cmd_table_find_full(t, SLICE_LIT("PUT"));
    const struct cmd *keyed = cmd_table_find_full(t, SLICE_LIT("Box|Keyed"));
    assert_string_equal(put->docs->summary, "");
    cmd_table_join_docs(t, groups);
    assert_string_equal(put->docs->summary, "Puts.");
    assert_string_equal(put->group, "boxes");
    assert_false(put->flags & CMD_MOVABLE_KEYS);
    assert_string_equal(keyed->docs->summary, "Keyed.");
    assert_true(keyed->flags & CMD_MOVABLE_KEYS);
    assert_string_equal(keyed->parent->docs->summary, "");
    cmd_table_destroy(&t);
}

static void test_full_names(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = cmd_table_create(&a, fake_families);
    static const char *const bad[] = {
        "", "|", "box|", "|one", "box|two", "put|one", "box|one|", "box||one",
        "nosuch|one",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(cmd_table_find_full(t, slice_of_text(bad[i])));
    }
    assert_non_null(cmd_table_find_full(t, SLICE_LIT("box|one")));
    assert_non_null(cmd_table_find_full(t, SLICE_LIT("box")));
    cmd_table_destroy(&t);
}

int test_docs_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_keys),
        cmocka_unit_test(test_flags_of_keys),
        cmocka_unit_test(test_ranges_for_old_clients),
        cmocka_unit_test(test_has_keys),
        cmocka_unit_test(test_docs_are_joined_by_full_name),
        cmocka_unit_test(test_full_names),
    };
    return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
