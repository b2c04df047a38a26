/* Tests of batches: order over several sessions, replies byte for byte, what
 * the sink is told, CLIENT REPLY's flags, keys, scratch memory. */
#include <stdio.h>
#include <stdlib.h>

#include "fakes.h"
#include "tests.h"

static const struct house_options options = {.families = fake_families};

static void test_order_over_sessions(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "put a one");
    house_add(&h, 1, "fetch a");
    house_add(&h, 2, "put a two");
    house_add(&h, 1, "fetch a");
    house_add(&h, 0, "fail");
    house_add(&h, 0, "fetch a");
    house_add(&h, 3, "bump n");
    house_add(&h, 2, "bump n n n");
    house_run(&h);
    house_expect_reply(&h, 0, "+OK|-BAD it failed|$3|two|");
    house_expect_reply(&h, 1, "$3|one|$3|two|");
    house_expect_reply(&h, 2, "+OK|:9|");
    house_expect_reply(&h, 3, ":1|");
    house_expect_effects(&h, "put a one; put a two; bump n; bump n n n");
    house_expect_events(&h, "$put a; $put a; $bump n; $bump n; $bump n; "
                            "$bump n");
    house_deinit(&h);
}

static void test_full_batches(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < EXEC_BATCH_MAX; i++) {
            house_add(&h, i % 2, "bump a b c d e"); /* more than 256 keys */
        }
        assert_true(exec_is_full(h.execs[0]));
        uint32_t max;
        exec_room(h.execs[0], &max);
        assert_int_equal(max, 0);
        house_run(&h);
    }
    house_take(&h, 0);
    house_expect(&h, 0, "fetch e", "$3|192|");
    assert_int_equal(counter_get(&exec_stats(h.execs[0])->command_total), 193);
    house_check(&h);
    house_deinit(&h);
}

/* Requests of any size, in exec's room or elsewhere. */
static void test_many_keys(void **state)
{
    (void)state;
    struct house h;
    enum { KEYS = 3000 };
    static char names[KEYS][8];
    static struct slice argv[KEYS + 1];
    struct house_options o = options;
    char reply[32];
    for (uint32_t shards = 1; shards <= 64; shards *= 64) {
        o.shard_count = shards;
        o.worker_count = shards > 1 ? 2 : 1;
        house_init(&h, &o);
        argv[0] = SLICE_LIT("bump");
        for (int i = 0; i < KEYS; i++) {
            snprintf(names[i], sizeof names[i], "%d", i);
            argv[i + 1] = slice_of_text(names[i]);
        }
        for (uint32_t n = 1; n <= KEYS; n = n * 5 + 2) {
            house_add_argv(&h, 0, argv, n + 1);
        }
        house_add_argv(&h, 0, argv, KEYS + 1);
        house_run(&h);
        house_take(&h, 0);
        house_expect(&h, 0, "fetch 2999", "$1|1|");
        house_expect(&h, 0, "fetch 0", "$1|6|");
        snprintf(reply, sizeof reply, "%zu", store_database_size(h.store, 0));
        assert_string_equal(reply, "3000");
        house_check(&h);
        house_deinit(&h);
    }
}

static void test_keys_of_the_command(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "butlast a b c", "*2|$1|a|$1|b|");
    house_expect(&h, 0, "bytwo a x b y", "*2|$1|a|$1|b|");
    house_expect(&h, 0, "counted 2 a b c", "*2|$1|a|$1|b|");
    house_expect(&h, 0, "pairs x 2 a 1 b 2", "*2|$1|a|$1|b|");
    /* Nonsense: the command itself is to say what is wrong. */
    house_expect(&h, 0, "counted 3 a b", "*0|");
    house_expect(&h, 0, "counted 0 a b", "*0|");
    house_expect(&h, 0, "counted what a b", "*0|");
    house_expect(&h, 0, "counted 4294967297 a", "*0|");
    house_expect(&h, 0, "pairs x", "*0|");
    house_expect(&h, 0, "into d 2 a b c", "*3|$1|d|$1|a|$1|b|");
    house_expect(&h, 0, "into d 3 a b", "*0|");
    house_expect(&h, 0, "sorted a get x store d", "*2|$1|a|$1|d|");
    house_deinit(&h);
}

/* What a request has in common with the one before it is found only once. */
static void same_as_before(struct house *h)
{
    static const char *const lines[] = {
        "put k one", "put k two", "PUT k three", "fetch k", "fetch k", "fetch",
        "fetch k k", "fetch k", "nosuch k", "nosuch k", "fetch j", "fetch k",
        "box one", "box keyed k", "box keyed j", "box one", "box none", "box",
        "same k k j", "same j", "fetch k", "counted 1 j", "fetch j",
        "put abcdefghijklmnopqrst 1", "put abcdefghij-lmnopqrst 2",
        "fetch abcdefghijklmnopqrst", "fetch abcdefghijklmnopqrst",
        "fetch abcdefghij-lmnopqrst", "noop", "noop", "fetch k",
    };
    enum { COUNT = sizeof lines / sizeof lines[0] };
    for (size_t i = 0; i < COUNT; i++) {
        house_add(h, 0, lines[i]);
        house_run(h); /* alone: there is none before it */
    }
    struct slice alone = house_take(h, 0);
    char *want = malloc(alone.len);
    memcpy(want, alone.data, alone.len);
    size_t len = alone.len;
    for (size_t i = 0; i < COUNT; i++) {
        house_add(h, 0, lines[i]);
    }
    house_run(h);
    struct slice together = house_take(h, 0);
    assert_int_equal(together.len, len);
    assert_memory_equal(together.data, want, len);
    free(want);
}
FAKE_EACH(same_as_before)

/* The same key, of sessions in two databases. */
static void same_key_elsewhere(struct house *h)
{
    house_expect(h, 0, "put k one", "+OK|");
    house_expect(h, 0, "choose 2", "+OK|");
    house_add(h, 0, "fetch k");
    house_add(h, 0, "put k two");
    house_add(h, 0, "fetch k");
    house_add(h, 0, "choose 0");
    house_add(h, 0, "fetch k");
    house_add(h, 0, "choose 2");
    house_add(h, 0, "fetch k");
    house_run(h);
    house_expect_reply(h, 0, "$-1|+OK|$3|two|+OK|$3|one|+OK|$3|two|");
}
FAKE_EACH(same_key_elsewhere)

/* ---- effects ---- */

static void test_effects(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "told k", "+OK|");
    house_expect_effects(&h, "EFFECT k; AND more k");
    house_expect_events(&h, "gtold k");
    house_expect(&h, 0, "hushed k", "+OK|");
    house_expect_effects(&h, "");
    house_expect_events(&h, "ghushed k");
    house_expect(&h, 0, "PUT 'a b' ''", "+OK|");
    house_expect_effects(&h, "PUT a b ");
    house_expect_events(&h, "$put a b");
    house_expect(&h, 0, "fetch 'a b'", "$0||");
    house_expect(&h, 0, "noop", "+OK|");
    house_expect(&h, 0, "putuntil k 1 v", "+OK|"); /* told nobody */
    house_expect_effects(&h, "");
    house_expect_events(&h, "");
    house_deinit(&h);
}

static void test_effects_name_the_database(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "choose 2");
    house_add(&h, 0, "put a 1"); /* chosen in the same batch */
    house_add(&h, 1, "put a 2");
    house_run(&h);
    house_expect_effects(&h, "2:put a 1; put a 2");
    house_expect_events(&h, "2:$put a; $put a");
    house_expect_reply(&h, 1, "+OK|");
    house_expect(&h, 1, "choose 2", "+OK|");
    house_expect(&h, 1, "fetch a", "$1|1|");
    house_deinit(&h);
}

/* A key that is found expired is deleted for all before the command's own
 * effect. */
static void test_expired_key_goes_first(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "putuntil a 50 7", "+OK|");
    house_expect(&h, 0, "putuntil b 50 7", "+OK|");
    house_wait(&h, 49);
    house_expect(&h, 0, "bump a", ":8|");
    house_expect_effects(&h, "bump a");
    house_expect_events(&h, "$bump a");
    house_wait(&h, 1);
    house_expect(&h, 0, "bump a", ":1|");
    house_expect_effects(&h, "DEL a; bump a");
    house_expect_events(&h, "xexpired a; $bump a");
    house_expect(&h, 0, "fetch b", "$-1|");
    house_expect_effects(&h, "DEL b");
    house_expect_events(&h, "xexpired b");
    house_expect(&h, 0, "fetch b", "$-1|");
    house_expect_effects(&h, "");
    house_deinit(&h);
}

/* ---- CLIENT REPLY ---- */

static void test_reply_off_and_on(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "off");
    house_add(&h, 0, "put a 1");
    house_add(&h, 0, "fail");
    house_add(&h, 0, "nosuch");
    house_add(&h, 0, "fetch a");
    house_add(&h, 1, "fetch a");
    house_add(&h, 0, "on");
    house_add(&h, 0, "fetch a");
    house_run(&h);
    house_expect_reply(&h, 0, "+OK|$1|1|");
    house_expect_reply(&h, 1, "$1|1|");
    /* What is not heard has failed all the same. */
    assert_int_equal(counter_get(&exec_stats(h.execs[0])->error_total), 2);
    house_deinit(&h);
}

static void test_reply_skip(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_add(&h, 0, "skip");
    house_add(&h, 0, "put a 1");
    house_add(&h, 0, "fetch a");
    house_run(&h);
    house_expect_reply(&h, 0, "$1|1|");
    house_expect(&h, 0, "skip", "");
    house_expect(&h, 0, "nosuch", "");
    house_expect(&h, 0, "fetch a", "$1|1|");
    house_add(&h, 0, "skip");
    house_add(&h, 0, "skip");
    house_add(&h, 0, "fetch a");
    house_add(&h, 0, "fetch a");
    house_run(&h);
    house_expect_reply(&h, 0, "$1|1|");
    house_deinit(&h);
}

/* ---- scratch ---- */

static void test_scratch_lives_for_the_batch(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &options);
    house_expect(&h, 0, "scratch 1", "+OK|"); /* makes the latencies, too */
    size_t used = mem_used(&h.accounts[0]);
    for (int i = 0; i < EXEC_BATCH_MAX; i++) {
        house_add(&h, 0, i % 2 ? "scratch 1" : "scratch 1048576");
    }
    house_run(&h);
    house_take(&h, 0);
    assert_int_equal(mem_used(&h.accounts[0]), used);
    h.accounts[0].fail_after = 2;
    house_expect(&h, 0, "scratch 10",
                 "-OOM out of memory: the command was not carried out|");
    h.accounts[0].fail_after = -1;
    assert_int_equal(mem_used(&h.accounts[0]), used);
    house_deinit(&h);
}

/* A large value goes out as it lies, and may be overwritten meanwhile. */
static void test_large_values_are_pinned(void **state)
{
    (void)state;
    struct house h;
    enum { BYTES = 100000 };
    char *value = malloc(BYTES);
    memset(value, 'v', BYTES);
    struct slice argv[] = {SLICE_LIT("put"), SLICE_LIT("k"),
                           slice_of(value, BYTES)};
    house_init(&h, &options);
    house_add_argv(&h, 0, argv, 3);
    house_add(&h, 1, "fetch k");
    house_add(&h, 0, "put k small");
    house_add(&h, 2, "fetch k");
    house_run(&h);
    assert_true(mem_used(&h.seats[1].account) < BYTES / 2);
    struct slice got = house_take(&h, 1);
    assert_int_equal(got.len, BYTES + 11);
    assert_memory_equal(got.data, "$100000\r\n", 9);
    assert_memory_equal(got.data + 9, value, BYTES);
    house_expect_reply(&h, 2, "$5|small|");
    house_deinit(&h);
    free(value);
}

int test_batch_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_over_sessions),
        cmocka_unit_test(test_full_batches),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_keys_of_the_command),
        cmocka_unit_test(test_same_as_before),
        cmocka_unit_test(test_same_key_elsewhere),
        cmocka_unit_test(test_effects),
        cmocka_unit_test(test_effects_name_the_database),
        cmocka_unit_test(test_expired_key_goes_first),
        cmocka_unit_test(test_reply_off_and_on),
        cmocka_unit_test(test_reply_skip),
        cmocka_unit_test(test_scratch_lives_for_the_batch),
        cmocka_unit_test(test_large_values_are_pinned),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
