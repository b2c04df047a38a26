/* Tests of the manual against the rows: every row has an article, every article
 * is whole, and the keys by which a request is locked are those of which COMMAND
 * tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "manual/manual.h"
#include "server/server_priv.h"

enum { ARGS_MAX = 16, DEPTH_MAX = 8 };

static struct mem_account account;

static struct cmd_table *table_make(void)
{
    mem_account_init(&account);
    struct cmd_table *t = cmd_table_create(&account, server_families);
    assert_non_null(t);
    cmd_table_join_docs(t, manual_groups);
    return t;
}

static void table_drop(struct cmd_table *t)
{
    cmd_table_destroy(&t);
    assert_int_equal(mem_used(&account), 0);
}

/* ---- articles ---- */

static void test_every_row_has_an_article(void **state)
{
    (void)state;
    struct cmd_table *t = table_make();
    for (uint32_t i = 0; i < cmd_table_total(t); i++) {
        const struct cmd *c = cmd_table_by_index(t, i);
        if (c->docs->name == NULL) {
            fail_msg("src/manual does not know '%s'", c->full_name);
        }
        assert_string_equal(c->docs->name, c->full_name);
    }
    table_drop(t);
}

static void check_args(const struct cmd_docs *d, int key_specs)
{
    const struct cmd_arg *next[DEPTH_MAX] = {d->args};
    for (int depth = 1; depth > 0;) {
        const struct cmd_arg *a = next[depth - 1]++;
        if (a->name == NULL) {
            depth--;
            continue;
        }
        bool is_nest = a->type == ARG_TYPE_ONEOF || a->type == ARG_TYPE_BLOCK;
        assert_int_equal(is_nest, a->args != NULL);
        assert_true(a->type != ARG_TYPE_TOKEN || a->token != NULL);
        assert_true(a->type != ARG_TYPE_KEY || a->key_spec > 0);
        assert_in_range(a->key_spec, 0, key_specs);
        if (a->args != NULL) {
            assert_true(depth < DEPTH_MAX);
            next[depth++] = a->args;
        }
    }
}

static void check_keys(const struct cmd_docs *d, int *count)
{
    const struct cmd_key_spec *s = d->keys;
    for (*count = 0; s != NULL && s->flags != 0; s++, ++*count) {
        bool is_unknown = s->begin == KEY_BEGIN_UNKNOWN;
        assert_int_equal(is_unknown, s->find == KEY_FIND_UNKNOWN);
        assert_true(is_unknown || s->step > 0);
        assert_true(is_unknown || s->index != 0);
        assert_int_equal(s->begin == KEY_BEGIN_KEYWORD, s->keyword != NULL);
        assert_int_equal((s->flags & KEY_VARIABLE_FLAGS) != 0,
                         s->find_flags != NULL);
        /* How the key is used is said once; unless it is none. */
        uint32_t use = s->flags & (KEY_RO | KEY_RW | KEY_OW | KEY_RM);
        assert_int_equal(__builtin_popcount(use),
                         (s->flags & KEY_NOT_KEY) ? 0 : 1);
    }
}

static void test_articles_are_whole(void **state)
{
    (void)state;
    for (const struct cmd_docs_group *g = manual_groups; g->name; g++) {
        const char *last = "";
        for (const struct cmd_docs *d = g->docs; d->name != NULL; d++) {
            int key_specs;
            assert_true(strcmp(last, d->name) < 0);
            assert_true(strlen(d->summary) > 0);
            assert_true(strlen(d->since) > 0);
            check_keys(d, &key_specs);
            if (d->args != NULL) {
                check_args(d, key_specs);
            }
            last = d->name;
        }
    }
}

/* ---- keys ---- */

/* Arguments that make sense to every way of finding keys: numbers of keys are
 * 2, and the words searched for stand where they are first looked for. XREAD
 * reads its options, so that they must be some. */
static void make_request(const struct cmd_docs *d, struct slice *argv)
{
    for (int i = 0; i < ARGS_MAX; i++) {
        argv[i] = SLICE_LIT("2");
    }
    const struct cmd_key_spec *s = d->keys;
    for (; s != NULL && s->flags != 0; s++) {
        if (s->begin == KEY_BEGIN_KEYWORD) {
            argv[s->index] = slice_of_text(s->keyword);
            argv[1] = s->index > 1 ? SLICE_LIT("group") : argv[1];
            return;
        }
    }
}

static void check_same_keys(const struct cmd *c, const struct slice *argv,
                            uint32_t argc)
{
    uint32_t by_row[ARGS_MAX];
    struct cmd_found_key by_docs[ARGS_MAX];
    int64_t count = cmd_find_keys(c->spec, argv, argc, by_row);
    int64_t told = cmd_docs_find_keys(c->docs, argv, argc, by_docs);
    count = count < 0 ? 0 : count; /* as for the lock plan */
    told = told < 0 ? 0 : told;
    if (count != told) {
        fail_msg("%s with %u arguments: %d keys by its row, %d by the manual",
                 c->full_name, argc, (int)count, (int)told);
    }
    for (int64_t i = 0; i < count; i++) {
        if (by_row[i] != by_docs[i].at) {
            fail_msg("%s: key %d is argument %u by its row, %u by the manual",
                     c->full_name, (int)i, by_row[i], by_docs[i].at);
        }
    }
}

static void test_rows_and_articles_agree_on_keys(void **state)
{
    (void)state;
    struct cmd_table *t = table_make();
    for (uint32_t i = 0; i < cmd_table_total(t); i++) {
        const struct cmd *c = cmd_table_by_index(t, i);
        struct slice argv[ARGS_MAX];
        make_request(c->docs, argv);
        for (uint32_t argc = 1; argc <= ARGS_MAX; argc++) {
            if (cmd_arity_ok(c->spec, argc)) {
                check_same_keys(c, argv, argc);
            }
        }
    }
    table_drop(t);
}

static void test_the_store_of_sort(void **state)
{
    (void)state;
    const struct slice argv[] = {
        SLICE_LIT("sort"), SLICE_LIT("a"), SLICE_LIT("by"), SLICE_LIT("store"),
        SLICE_LIT("store"), SLICE_LIT("b"),
    };
    const struct cmd_docs_group *g = manual_groups;
    while (strcmp(g->name, "generic") != 0) {
        g++;
    }
    const struct cmd_docs *d = g->docs;
    while (strcmp(d->name, "sort") != 0) {
        d++;
    }
    struct cmd_found_key out[2];
    assert_int_equal(cmd_docs_find_keys(d, argv, 6, out), 2);
    assert_int_equal(out[0].at, 1);
    assert_int_equal(out[0].flags, KEY_RO | KEY_ACCESS);
    assert_int_equal(out[1].at, 5);
    assert_int_equal(out[1].flags, KEY_OW | KEY_UPDATE);
    assert_int_equal(cmd_docs_find_keys(d, argv, 5, out), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_an_article),
        cmocka_unit_test(test_articles_are_whole),
        cmocka_unit_test(test_rows_and_articles_agree_on_keys),
        cmocka_unit_test(test_the_store_of_sort),
    };
    return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
