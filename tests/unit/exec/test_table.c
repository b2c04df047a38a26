/* Tests of the table of commands: the perfect hash, subcommands, and finding
 * the keys among the arguments. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "exec/find_keys.h"
#include "fakes.h"
#include "tests.h"

enum { NAMES = 400, NAME_BYTES = 24 };

struct names {
    struct cmd_spec rows[NAMES + 1];
    char text[NAMES][NAME_BYTES];
};

/* Names as commands have them: many alike, of all lengths. */
static void names_init(struct names *n)
{
    static const char *const stems[] = {"", "get", "zrangeby", "client-",
                                        "longer_than_both_ends"};
    memset(n, 0, sizeof *n);
    for (unsigned i = 0; i < NAMES; i++) {
        unsigned v = i / 5;
        snprintf(n->text[i], NAME_BYTES, "%s%c%c", stems[i % 5], 'a' + v % 26,
                 'a' + v / 26);
        n->rows[i].name = n->text[i];
        n->rows[i].arity = 1;
    }
}

static void check_finds(const struct cmd_table *t, const char *name)
{
    char text[64];
    size_t len = strlen(name);
    for (unsigned way = 0; way < 3; way++) {
        for (size_t i = 0; i <= len; i++) {
            bool is_upper = way == 1 || (way == 2 && i % 2);
            text[i] = (char)(is_upper ? toupper(name[i]) : name[i]);
        }
        const struct cmd *c = cmd_table_find(t, slice_of(text, len));
        assert_non_null(c);
        assert_string_equal(c->spec->name, name);
    }
}

static bool is_named(const struct names *n, struct slice s)
{
    for (unsigned i = 0; i < NAMES; i++) {
        if (slice_equal_nocase(s, n->text[i])) {
            return true;
        }
    }
    return false;
}

static void test_finds_every_name_and_no_other(void **state)
{
    (void)state;
    struct mem_account a;
    struct random random;
    struct names *n = calloc(1, sizeof *n);
    names_init(n);
    const struct cmd_spec *const families[] = {n->rows, fake_cmds, NULL};
    mem_account_init(&a);
    random_init(&random, 1);
    struct cmd_table *t = cmd_table_create(&a, families);
    assert_non_null(t);
    for (unsigned i = 0; i < cmd_table_count(t); i++) {
        check_finds(t, cmd_table_at(t, i)->spec->name);
    }
    for (unsigned i = 0; i < 200000; i++) {
        /* A name with one byte changed, cut, or longer by one. */
        char text[NAME_BYTES + 2] = {0};
        size_t len = strlen(strcpy(text, n->text[i % NAMES]));
        text[random_below(&random, len + 1)] = (char)random_next(&random);
        len = len + random_below(&random, 3) - 1;
        struct slice s = slice_of(text, len);
        const struct cmd *c = cmd_table_find(t, s);
        assert_int_equal(c != NULL && c->spec >= n->rows
                         && c->spec < n->rows + NAMES, is_named(n, s));
    }
    assert_null(cmd_table_find(t, slice_of("", 0)));
    cmd_table_destroy(&t);
    assert_null(t);
    assert_int_equal(mem_used(&a), 0);
    free(n);
}

static void test_order_and_indexes(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = cmd_table_create(&a, fake_families);
    uint32_t top = cmd_table_count(t), total = cmd_table_total(t);
    assert_int_equal(total, top + 2);
    for (uint32_t i = 0; i < total; i++) {
        assert_int_equal(cmd_table_by_index(t, i)->index, i);
    }
    for (uint32_t i = 1; i < top; i++) {
        assert_true(strcmp(cmd_table_at(t, i - 1)->spec->name,
                           cmd_table_at(t, i)->spec->name) < 0);
    }
    cmd_table_destroy(&t);
}

static void test_subcommands(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = cmd_table_create(&a, fake_families);
    const struct cmd *box = cmd_table_find(t, SLICE_LIT("BOX"));
    assert_int_equal(box->sub_count, 2);
    const struct cmd *keyed = cmd_find_sub(box, SLICE_LIT("KeyEd"));
    assert_string_equal(keyed->full_name, "box|keyed");
    assert_string_equal(box->full_name, "box");
    assert_ptr_equal(keyed->parent, box);
    assert_null(cmd_find_sub(box, SLICE_LIT("two")));
    assert_null(cmd_find_sub(box, SLICE_LIT("")));
    assert_null(cmd_table_find(t, SLICE_LIT("keyed")));
    assert_null(cmd_table_find(t, SLICE_LIT("box|keyed")));
    const struct cmd *fast = cmd_table_find(t, SLICE_LIT("noop"));
    const struct cmd *put = cmd_table_find(t, SLICE_LIT("put"));
    assert_int_equal(fast->categories, CAT_FAST);
    assert_int_equal(put->categories, CAT_SLOW | CAT_WRITE);
    cmd_table_destroy(&t);
}

/* ---- keys ---- */

struct keys_case {
    struct cmd_keys keys;
    const char *args; /* one letter an argument; the first is the command */
    int64_t count;
    const char *found; /* their letters */
};

static const struct keys_case keys_cases[] = {
    {KEYS_NONE, "cab", 0, ""},
    {KEYS_AT(1), "ca", 1, "a"},
    {KEYS_AT(2), "cab", 1, "b"},
    {KEYS_AT(2), "ca", -1, ""},
    {KEYS_RANGE(1, -1, 1), "cabd", 3, "abd"},
    {KEYS_RANGE(1, -1, 1), "c", 0, ""},
    {KEYS_RANGE(1, -2, 1), "cabd", 2, "ab"},
    {KEYS_RANGE(1, -2, 1), "ca", 0, ""},
    {KEYS_RANGE(1, -1, 2), "cabde", 2, "ad"},
    {KEYS_RANGE(1, -1, 2), "cabd", 2, "ad"},
    {KEYS_RANGE(1, 2, 1), "cabd", 2, "ab"},
    {KEYS_RANGE(2, -1, 1), "cabd", 2, "bd"},
    {KEYS_COUNTED(1, 1), "c2ab", 2, "ab"},
    {KEYS_COUNTED(1, 1), "c2abx", 2, "ab"},
    {KEYS_COUNTED(1, 1), "c2a", -1, ""},
    {KEYS_COUNTED(1, 1), "c0a", -1, ""},
    {KEYS_COUNTED(1, 1), "c-a", -1, ""},
    {KEYS_COUNTED(1, 1), "cxa", -1, ""},
    {KEYS_COUNTED(1, 1), "c", -1, ""},
    {KEYS_COUNTED(1, 1), "c1", -1, ""},
    {KEYS_COUNTED(2, 1), "cx1k", 1, "k"},
    {KEYS_COUNTED(1, 2), "c2avbw", 2, "ab"},
    {KEYS_COUNTED(1, 2), "c2avb", 2, "ab"},
    {KEYS_COUNTED(1, 2), "c2av", -1, ""},
    {KEYS_DEST_COUNTED(1), "cd2ab", 3, "dab"},
    {KEYS_DEST_COUNTED(1), "cd1abw", 2, "da"},
    {KEYS_DEST_COUNTED(2), "c-d1a", 2, "da"},
    {KEYS_DEST_COUNTED(1), "cd0a", -1, ""},
    {KEYS_DEST_COUNTED(1), "cd3ab", -1, ""},
    {KEYS_DEST_COUNTED(1), "cdxab", -1, ""},
    {KEYS_DEST_COUNTED(1), "cd", -1, ""},
    {KEYS_DEST_COUNTED(1), "c", -1, ""},
};

static void test_find_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keys_cases / sizeof keys_cases[0]; i++) {
        const struct keys_case *k = &keys_cases[i];
        struct cmd_spec spec = {.keys = k->keys};
        struct slice argv[16];
        uint32_t out[16], argc = (uint32_t)strlen(k->args);
        for (uint32_t n = 0; n < argc; n++) {
            argv[n] = slice_of(k->args + n, 1);
        }
        assert_int_equal(cmd_find_keys(&spec, argv, argc, NULL), k->count);
        assert_int_equal(cmd_find_keys(&spec, argv, argc, out), k->count);
        for (int64_t n = 0; n < k->count; n++) {
            assert_int_equal(k->args[out[n]], k->found[n]);
        }
    }
}

struct found_case {
    cmd_find_keys_fn *find;
    const char *args; /* words */
    const char *found; /* as words; NULL: nonsense */
};

static const struct found_case found_cases[] = {
    {find_keys_sort, "c k", "k"},
    {find_keys_sort, "c k alpha desc", "k"},
    {find_keys_sort, "c k STORE d", "k d"},
    {find_keys_sort, "c k store d store e", "k e"},
    {find_keys_sort, "c k by store get store limit store store store d", "k d"},
    {find_keys_sort, "c k get # store d get y", "k d"},
    {find_keys_sort, "c k store", "k"},
    {find_keys_sort, "c k by x store", "k"},
    {find_keys_sort, "c k limit 0", "k"},
    {find_keys_sort, "c k storedist d", "k"},
    {find_keys_sort, "c store", "store"},
    {find_keys_xread, "c streams a 0", "a"},
    {find_keys_xread, "c STREAMS a b 0 0", "a b"},
    {find_keys_xread, "c count 1 block 2 streams a b 0 0", "a b"},
    {find_keys_xread, "c streams streams a 0 0", "streams a"},
    {find_keys_xread, "c group streams streams noack streams a >", "a"},
    {find_keys_xread, "c count streams streams a 0", "a"},
    {find_keys_xread, "c streams a b 0", "a"},
    {find_keys_xread, "c streams a", NULL},
    {find_keys_xread, "c streams", NULL},
    {find_keys_xread, "c count 1 block 2", NULL},
    {find_keys_xread, "c count", NULL},
    {find_keys_xread, "c group streams", NULL},
    {find_keys_xread, "c what streams a 0", NULL},
    {find_keys_georadius, "c k 1 2 3 km", "k"},
    {find_keys_georadius, "c k 1 2 3 km store d", "k d"},
    {find_keys_georadius, "c k 1 2 3 km count store StoreDist d asc", "k d"},
    {find_keys_georadius, "c k 1 2 store d km", "k"},
    {find_keys_georadius, "c k 1 2 3 km store", "k"},
    {find_keys_georadiusbymember, "c k store 3 km", "k"},
    {find_keys_georadiusbymember, "c k store 3 km store d", "k d"},
};

/* The words of `text`, in `words`; their number. */
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

static void test_find_keys_by_function(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found_cases / sizeof found_cases[0]; i++) {
        const struct found_case *k = &found_cases[i];
        struct cmd_spec spec = {.keys = KEYS_FOUND, .find_keys = k->find};
        struct slice argv[16], found[16];
        uint32_t out[16], argc = split(k->args, argv);
        int64_t count = -1;
        if (k->found != NULL) {
            count = split(k->found, found);
        }
        assert_int_equal(cmd_find_keys(&spec, argv, argc, NULL), count);
        assert_int_equal(cmd_find_keys(&spec, argv, argc, out), count);
        for (int64_t n = 0; n < count; n++) {
            assert_true(slice_equal(argv[out[n]], found[n]));
        }
    }
}

static void test_huge_counts(void **state)
{
    (void)state;
    static const char *const counts[] = {
        "2147483647", "2147483648", "4294967295", "4294967296", "4294967297",
        "9223372036854775807", "9223372036854775808", "-1",
        "-9223372036854775808", "1.0", " 1", "01", "",
    };
    for (int16_t step = 1; step <= 2; step++) {
        struct cmd_spec spec = {.keys = KEYS_COUNTED(1, step)};
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            struct slice argv[] = {SLICE_LIT("c"), slice_of_text(counts[i]),
                                   SLICE_LIT("a"), SLICE_LIT("b")};
            assert_int_equal(cmd_find_keys(&spec, argv, 4, NULL), -1);
        }
    }
}

static void test_arity(void **state)
{
    (void)state;
    struct cmd_spec exact = {.arity = 3}, least = {.arity = -2};
    assert_false(cmd_arity_ok(&exact, 2));
    assert_true(cmd_arity_ok(&exact, 3));
    assert_false(cmd_arity_ok(&exact, 4));
    assert_false(cmd_arity_ok(&least, 1));
    assert_true(cmd_arity_ok(&least, 2));
    assert_true(cmd_arity_ok(&least, 1000000));
}

static void test_creation_may_fail(void **state)
{
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = NULL;
    for (int n = 0; t == NULL; n++) {
        assert_true(n < 10);
        a.fail_after = n;
        t = cmd_table_create(&a, fake_families);
        a.fail_after = -1;
        assert_true(t != NULL || mem_used(&a) == 0);
    }
    cmd_table_destroy(&t);
    assert_int_equal(mem_used(&a), 0);
}

static enum status rename_to(struct cmd_table *t, const char *from,
                             const char *to)
{
    return cmd_table_rename(t, slice_of_text(from), slice_of_text(to));
}

/* A command has one name at a time, of any length, and a name one command. */
static void test_rename(void **state)
{
    static const char longer[] = "b840fc02d524045429941cc15f59e41cb7be6c52";
    (void)state;
    struct mem_account a;
    mem_account_init(&a);
    struct cmd_table *t = cmd_table_create(&a, fake_families);
    const struct cmd *put = cmd_table_find(t, SLICE_LIT("put"));
    assert_int_equal(rename_to(t, "nosuch", "x"), ST_NOT_FOUND);
    assert_int_equal(rename_to(t, "put", "NOOP"), ST_INVALID);
    assert_int_equal(rename_to(t, "put", "Put"), ST_INVALID);
    assert_int_equal(rename_to(t, "PUT", longer), ST_OK);
    assert_null(cmd_table_find(t, SLICE_LIT("put")));
    assert_ptr_equal(cmd_table_find(t, slice_of_text(longer)), put);
    assert_string_equal(put->full_name, "put");
    assert_int_equal(rename_to(t, longer, "Again"), ST_OK);
    assert_null(cmd_table_find(t, slice_of_text(longer)));
    assert_ptr_equal(cmd_table_find(t, SLICE_LIT("aGAIN")), put);
    assert_int_equal(rename_to(t, "noop", "again"), ST_INVALID);
    assert_int_equal(rename_to(t, "noop", "put"), ST_OK);
    assert_string_equal(cmd_table_find(t, SLICE_LIT("put"))->full_name, "noop");
    assert_int_equal(rename_to(t, "again", ""), ST_OK);
    assert_null(cmd_table_find(t, SLICE_LIT("again")));
    assert_null(cmd_table_find(t, SLICE_LIT("")));
    assert_int_equal(rename_to(t, "again", "x"), ST_NOT_FOUND);
    for (int n = 0; n < 2; n++) {
        a.fail_after = n;
        assert_int_equal(rename_to(t, "box", "crate"), ST_NOMEM);
        a.fail_after = -1;
        assert_non_null(cmd_table_find(t, SLICE_LIT("box")));
    }
    cmd_table_destroy(&t);
    assert_int_equal(mem_used(&a), 0);
}

int test_table_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_every_name_and_no_other),
        cmocka_unit_test(test_order_and_indexes),
        cmocka_unit_test(test_subcommands),
        cmocka_unit_test(test_find_keys),
        cmocka_unit_test(test_find_keys_by_function),
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_arity),
        cmocka_unit_test(test_creation_may_fail),
        cmocka_unit_test(test_rename),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
