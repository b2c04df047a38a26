/* Tests of the lock plan: which shards a command finds held, and that nothing
 * stays held. In checking builds the locks themselves assert that they are
 * taken in ascending order. */
#include <stdio.h>

#include "exec/exec_priv.h"
#include "fakes.h"
#include "tests.h"

enum { SHARDS = 4 };

static const struct house_options one_worker = {.families = fake_families};
static const struct house_options workers = {
    .families = fake_families, .shard_count = SHARDS, .worker_count = 2,
};

static unsigned shard_bit(const struct house *h, const char *key)
{
    struct key k = store_key(h->store, slice_of_text(key));
    return 1u << store_shard_of(h->store, k.hash);
}

static void check_nothing_is_held(struct house *h)
{
    for (uint32_t i = 0; i < store_shard_count(h->store); i++) {
        assert_true(lock_try_acquire(store_lock(h->store, i)));
        lock_release(store_lock(h->store, i));
    }
}

/* HELD with this set of one-letter keys. */
static void check_held(struct house *h, unsigned letters)
{
    char line[64] = "held", reply[16];
    size_t len = 4;
    unsigned shards = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (letters & (1u << i)) {
            char key[2] = {(char)('h' - i), 0};
            line[len++] = ' ';
            line[len++] = key[0];
            shards |= shard_bit(h, key);
        }
    }
    line[len] = 0;
    snprintf(reply, sizeof reply, ":%u|", shards);
    house_expect(h, letters % 2, line, reply);
    check_nothing_is_held(h);
}

static void test_holds_exactly_its_shards(void **state)
{
    (void)state;
    struct house h;
    unsigned seen = 0;
    house_init(&h, &workers);
    for (char c = 'a'; c <= 'h'; c++) {
        char key[2] = {c, 0};
        seen |= shard_bit(&h, key);
    }
    assert_int_equal(seen, (1u << SHARDS) - 1);
    for (unsigned letters = 0; letters < 256; letters++) {
        check_held(&h, letters);
    }
    house_expect(&h, 0, "noop", "+OK|");
    house_deinit(&h);
}

/* Keys that do not stand in steps. */
static void test_holds_the_shards_of_found_keys(void **state)
{
    (void)state;
    struct house h;
    char line[256] = "heldfound streams", reply[16];
    unsigned shards = 0;
    house_init(&h, &workers);
    for (char c = 'a'; c <= 'y'; c++) {
        char key[3] = {' ', c, 0};
        strcat(line, key);
        shards |= shard_bit(&h, key + 1);
        char all[320];
        snprintf(all, sizeof all, "%s%.*s", line, 2 * (c - 'a' + 1),
                 " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0");
        snprintf(reply, sizeof reply, ":%u|", shards);
        house_expect(&h, c % 2, all, reply);
        check_nothing_is_held(&h);
    }
    house_deinit(&h);
}

static void test_one_worker_takes_no_lock(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &one_worker);
    house_expect(&h, 0, "held a b c", ":0|");
    house_expect(&h, 0, "whole", ":0|");
    house_expect(&h, 0, "trail 0 5", ":0|:0|+END|");
    house_deinit(&h);
}

static void check_refused_or_failed(struct house *h)
{
    house_expect(h, 0, "put a x", "+OK|");
    house_expect(h, 0, "bump b a c", "-ERR not a number|");
    check_nothing_is_held(h);
    house_expect(h, 0, "bump", "-ERR wrong number of arguments for 'bump' "
                               "command|");
    check_nothing_is_held(h);
}

static void test_errors_let_go(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &workers);
    check_refused_or_failed(&h);
    house_deinit(&h);
}

/* All shards: nobody is inside, so no single lock is needed. */
static void test_all_shards(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &workers);
    house_add(&h, 0, "bump a");
    house_add(&h, 0, "whole");
    house_add(&h, 0, "bump a b");
    house_add(&h, 0, "whole");
    house_run(&h);
    house_expect_reply(&h, 0, ":1|:0|:3|:0|");
    assert_int_equal(h.guarded, 2);
    /* The gate is open and empty again: it can be closed. */
    gate_close(h.gate);
    gate_open(h.gate);
    check_nothing_is_held(&h);
    house_deinit(&h);
}

static void test_walks(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &workers);
    house_expect(&h, 0, "trail -1 0", "+NOWALK|");
    house_expect(&h, 0, "trail 0 100", ":0|:1|:1|:2|:2|:4|:3|:8|+END|");
    house_expect(&h, 1, "trail 2 100", ":2|:4|:3|:8|+END|");
    house_expect(&h, 0, "trail 1 2", ":1|:2|:2|:4|+END|");
    house_expect(&h, 0, "trail 4 1", "+END|");
    house_expect(&h, 0, "trail x 1",
                 "-ERR value is not an integer or out of range|");
    check_nothing_is_held(&h);
    house_deinit(&h);
}

/* ---- the plan by itself ---- */

static void check_plan(const struct house *h, const struct key *keys,
                       uint32_t count)
{
    static struct plan p;
    uint64_t want = 0;
    for (uint32_t i = 0; i < count; i++) {
        want |= (uint64_t)1 << store_shard_of(h->store, keys[i].hash);
    }
    plan_make(&p, h->store, keys, count);
    if (p.many != NULL) {
        assert_true(p.many[0] == want);
        return;
    }
    assert_int_equal(p.count, __builtin_popcountll(want));
    for (uint32_t i = 0; i < p.count; i++) {
        assert_true(want >> p.few[i] & 1);
        assert_true(i == 0 || p.few[i - 1] < p.few[i]);
    }
}

static void test_plans(void **state)
{
    (void)state;
    struct house h;
    struct house_options o = workers;
    struct key keys[40];
    o.shard_count = 64;
    house_init(&h, &o);
    for (uint64_t n = 0; n < 20000; n++) {
        uint32_t count = (uint32_t)(1 + n % 40);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t hash = (n + 1) * (i + 1) * 0x9e3779b97f4a7c15u;
            keys[i] = (struct key){.hash = hash >> (n % 50)};
        }
        check_plan(&h, keys, count);
    }
    house_deinit(&h);
}

int test_locks_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_exactly_its_shards),
        cmocka_unit_test(test_holds_the_shards_of_found_keys),
        cmocka_unit_test(test_one_worker_takes_no_lock),
        cmocka_unit_test(test_errors_let_go),
        cmocka_unit_test(test_all_shards),
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_plans),
    };
    return cmocka_run_group_tests_name("locks", tests, NULL, NULL);
}
