/* Tests of failing memory: making an exec, and the memory of a batch. */
#include <stdio.h>

#include "fakes.h"
#include "tests.h"

#define OOM "-OOM out of memory: the command was not carried out|"

static const struct house_options options = {
    .families = fake_families, .shard_count = 4, .worker_count = 2,
};

static void test_exec_create(void **state)
{
    (void)state;
    struct house h;
    struct mem_account a;
    struct exec *x = NULL;
    house_init(&h, &options);
    mem_account_init(&a);
    struct exec_options o = {
        .store = h.store, .commands = h.commands, .shared = &h.shared,
        .interests = h.interests,
        .worker_count = 1, .account = &a, .ticks_per_us = 1000,
    };
    for (int n = 0; x == NULL; n++) {
        assert_true(n < 10);
        a.fail_after = n;
        x = exec_create(&o);
        a.fail_after = -1;
        assert_true(x != NULL || mem_used(&a) == 0);
    }
    exec_destroy(&x);
    assert_null(x);
    exec_destroy(&x);
    assert_int_equal(mem_used(&a), 0);
    house_deinit(&h);
}

/* No room for a long list of keys: the command does not run, the others of its
 * batch do. */
static void test_key_arrays(void **state)
{
    (void)state;
    struct house h;
    enum { KEYS = 300 };
    static char names[KEYS][8];
    static struct slice argv[KEYS + 1];
    house_init(&h, &options);
    argv[0] = SLICE_LIT("bump");
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        argv[i + 1] = slice_of_text(names[i]);
    }
    house_expect(&h, 0, "fetch 0", "$-1|");
    house_expect(&h, 0, "bump x", ":1|");
    house_expect_effects(&h, "bump x");
    h.accounts[0].fail_after = 0;
    house_add(&h, 0, "bump x");
    house_add_argv(&h, 0, argv, KEYS + 1);
    house_add(&h, 0, "bump x");
    house_run(&h);
    house_expect_reply(&h, 0, ":2|" OOM ":3|");
    house_expect_effects(&h, "bump x; bump x");
    h.accounts[0].fail_after = -1;
    house_expect(&h, 0, "fetch 0", "$-1|");
    house_add_argv(&h, 0, argv, KEYS + 1);
    house_run(&h);
    house_expect_reply(&h, 0, ":300|");
    house_check(&h);
    house_deinit(&h);
}

/* As above, for the places of keys that have to be searched. */
static void test_found_keys(void **state)
{
    (void)state;
    struct house h;
    char line[256] = "heldfound streams";
    house_init(&h, &options);
    for (int i = 0; i < 40; i++) {
        strcat(line, " k");
    }
    house_expect(&h, 0, "fetch 0", "$-1|");
    h.accounts[0].fail_after = 0;
    house_add(&h, 0, line);
    house_add(&h, 0, "fetch x");
    house_run(&h);
    house_expect_reply(&h, 0, OOM "$-1|");
    h.accounts[0].fail_after = -1;
    house_deinit(&h);
}

/* Without room for its latencies a command is counted all the same. */
static void test_latencies(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    h.accounts[0].fail_after = 0;
    house_expect(&h, 0, "noop", "+OK|");
    h.accounts[0].fail_after = -1;
    const struct cmd *c = cmd_table_find(h.commands, SLICE_LIT("noop"));
    const struct cmd_stats *st = &exec_stats(h.execs[0])->commands[c->index];
    assert_null(st->latency);
    assert_int_equal(counter_get(&st->calls), 1);
    house_expect(&h, 0, "noop", "+OK|");
    assert_non_null(st->latency);
    assert_int_equal(counter_get(&st->calls), 2);
    house_deinit(&h);
}

/* A write that fails is answered, told to nobody, and leaves the key. */
static void test_writes(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "put a 1", "+OK|");
    house_expect_effects(&h, "put a 1");
    house_expect_events(&h, "$put a");
    struct keyspace *ks = house_keyspace(&h, 0, "a");
    keyspace_account(ks)->fail_after = 0;
    house_expect(&h, 0, "put a 'too long for the cell of a number'", OOM);
    keyspace_account(ks)->fail_after = -1;
    house_expect_effects(&h, "");
    house_expect_events(&h, "");
    house_expect(&h, 0, "fetch a", "$1|1|");
    house_check(&h);
    house_deinit(&h);
}

int test_failure_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec_create),
        cmocka_unit_test(test_key_arrays),
        cmocka_unit_test(test_found_keys),
        cmocka_unit_test(test_latencies),
        cmocka_unit_test(test_writes),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
