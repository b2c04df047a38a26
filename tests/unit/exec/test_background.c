/* Tests of what an exec does by itself: due keys go, and it says when it wants
 * to be called again. */
#include <stdio.h>

#include "fakes.h"
#include "tests.h"

enum {
    TIDY_US = 100000, /* no sooner after a round of tidying than that: another */
    PLENTY_US = 10000000,
};

static const struct house_options one_worker = {.families = fake_families};
static const struct house_options workers = {
    .families = fake_families, .shard_count = 8, .worker_count = 4,
};

/* Runs every worker's background until none has anything due. */
static void settle(struct house *h)
{
    for (uint32_t w = 0; w < h->worker_count; w++) {
        int64_t wait_us = 0;
        for (int n = 0; wait_us == 0; n++) {
            assert_true(n < 100000);
            wait_us = exec_background(h->execs[w], PLENTY_US);
        }
        assert_true(wait_us > 0);
    }
}

/* It sleeps until the next deadline, or for ever. */
static void test_waits(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &one_worker);
    struct exec *x = h.execs[0];
    assert_int_equal(exec_background(x, PLENTY_US), INT64_MAX);
    house_expect(&h, 0, "putuntil far 60000 v", "+OK|");
    assert_int_equal(exec_background(x, PLENTY_US), 60000 * 1000);
    house_expect(&h, 0, "putuntil near 4 v", "+OK|");
    assert_int_equal(exec_background(x, PLENTY_US), 4 * 1000);
    house_wait(&h, 3);
    assert_int_equal(exec_background(x, PLENTY_US), 1 * 1000);
    house_expect_effects(&h, "");
    house_wait(&h, 1);
    int64_t wait_us = exec_background(x, PLENTY_US);
    assert_true(wait_us > 4 * 1000 && wait_us <= 59996 * 1000);
    house_expect_effects(&h, "DEL near");
    house_expect_events(&h, "xexpired near");
    house_wait(&h, 59996);
    while (wait_us != INT64_MAX) {
        wait_us = exec_background(x, PLENTY_US);
        assert_true(wait_us == INT64_MAX || wait_us <= TIDY_US);
        house_wait(&h, 100);
    }
    house_expect_effects(&h, "DEL far");
    assert_int_equal(store_database_size(h.store, 0), 0);
    house_deinit(&h);
}

/* An owner who sleeps is told of a deadline that is nearer than those it knows,
 * and of no other. */
static void test_nearer_deadlines_are_told(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &workers);
    for (int i = 0; i < 200; i++) {
        char line[64];
        uint32_t count = h.sooner_count;
        snprintf(line, sizeof line, "putuntil key:%d %d v", i,
                 1 + (i * 7919) % 100000);
        int64_t was[8];
        for (uint32_t k = 0; k < 8; k++) {
            was[k] = store_next_due_ms(h.store, k);
        }
        house_expect(&h, (uint32_t)i % HOUSE_SEATS, line, "+OK|");
        bool is_nearer = false;
        for (uint32_t k = 0; k < 8; k++) {
            if (store_next_due_ms(h.store, k) != was[k]) {
                is_nearer = true;
                assert_true(store_next_due_ms(h.store, k) < was[k]);
                assert_int_equal(h.sooner_shard, k);
            }
        }
        assert_int_equal(h.sooner_count, count + is_nearer);
    }
    assert_in_range(h.sooner_count, 8, 100);
    house_deinit(&h);
}

/* Who pauses, sleeps until the pause is over; who does not expire, for ever. */
static void test_waits_for_the_pause(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &one_worker);
    house_expect(&h, 0, "putuntil a 5 v", "+OK|");
    atomic_store(&h.shared.pause_until_ms, h.now_ms + 30);
    house_wait(&h, 10);
    assert_int_equal(exec_background(h.execs[0], PLENTY_US), 20 * 1000);
    atomic_store(&h.shared.pause_until_ms, 0);
    store_set_active_expire(h.store, false);
    assert_int_equal(exec_background(h.execs[0], PLENTY_US), INT64_MAX);
    house_expect_effects(&h, "");
    store_set_active_expire(h.store, true);
    exec_background(h.execs[0], PLENTY_US);
    house_expect_effects(&h, "DEL a");
    house_deinit(&h);
}

/* Calls it when it wants to be called, until it wants no more. */
static void tidy_until_idle(struct house *h)
{
    int64_t wait_us = exec_background(h->execs[0], PLENTY_US);
    for (int n = 0; wait_us != INT64_MAX; n++) {
        assert_true(n < 10000);
        house_wait(h, wait_us / 1000 + 1);
        wait_us = exec_background(h->execs[0], PLENTY_US);
    }
}

/* Tidying begins when it is wanted, and goes on until nothing is left to do. */
static void test_tidies(void **state)
{
    (void)state;
    struct house h;
    struct store_stats st;
    enum { KEYS = 20000 };
    char line[128];
    house_init(&h, &one_worker);
    for (int i = 0; i < KEYS; i++) {
        snprintf(line, sizeof line, "put key:%d %d%080d", i, i, i);
        house_expect(&h, 0, line, "+OK|");
    }
    exec_want_tidy(h.execs[0]);
    tidy_until_idle(&h);
    size_t full = store_database_bytes(h.store, 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(line, sizeof line, "key:%d", i);
        struct key key = store_key(h.store, slice_of_text(line));
        if (i % 10 != 0) {
            assert_true(keyspace_delete(house_keyspace(&h, 0, line), &key));
        }
    }
    assert_int_equal(exec_background(h.execs[0], PLENTY_US), INT64_MAX);
    store_stats_read(h.store, &st);
    assert_int_equal(st.moved_count, 0);
    exec_want_tidy(h.execs[0]);
    tidy_until_idle(&h);
    store_stats_read(h.store, &st);
    assert_true(st.moved_count > 0);
    assert_true(store_database_bytes(h.store, 0) < full / 4);
    exec_want_tidy(h.execs[0]); /* a round, not before its time */
    int64_t wait_us = exec_background(h.execs[0], PLENTY_US);
    assert_true(wait_us > 0 && wait_us <= TIDY_US);
    house_wait(&h, 100);
    assert_int_equal(exec_background(h.execs[0], PLENTY_US), INT64_MAX);
    house_deinit(&h);
}

static void add_many(struct house *h, unsigned count)
{
    char line[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(line, sizeof line, "putuntil key:%u %u v", i, 1 + i % 1000);
        house_add(h, i % HOUSE_SEATS, line);
        if (i % 32 == 31) {
            house_run(h);
        }
    }
    house_run(h);
}

/* Each worker deletes in its own shards only. */
static void check_due_keys(const struct house_options *o)
{
    struct house h;
    enum { KEYS = 4000 };
    house_init(&h, o);
    add_many(&h, KEYS);
    assert_int_equal(store_database_size(h.store, 0), KEYS);
    for (unsigned ms = 100; ms <= 1000; ms += 100) {
        house_wait(&h, 100);
        settle(&h);
        assert_int_equal(store_database_size(h.store, 0),
                         KEYS - KEYS / 1000 * ms);
    }
    house_check(&h);
    for (uint32_t i = 0; i < store_shard_count(h.store); i++) {
        assert_true(lock_try_acquire(store_lock(h.store, i)));
        lock_release(store_lock(h.store, i));
    }
    house_deinit(&h);
}

static void test_due_keys_go(void **state)
{
    (void)state;
    check_due_keys(&one_worker);
    check_due_keys(&workers);
}

/* Without time it comes back at once, and every call makes some way. */
static void test_no_budget(void **state)
{
    (void)state;
    struct house h;
    enum { KEYS = 5000 };
    house_init(&h, &one_worker);
    add_many(&h, KEYS);
    house_wait(&h, 1000);
    size_t left = store_database_size(h.store, 0);
    assert_int_equal(exec_background(h.execs[0], 0), 0);
    while (left > 0) {
        size_t was = left;
        int64_t wait_us = exec_background(h.execs[0], 0);
        left = store_database_size(h.store, 0);
        assert_true(left < was);
        assert_true(wait_us >= 0);
        assert_true(left == 0 || wait_us == 0);
    }
    house_deinit(&h);
}

/* ---- the memory limit ---- */

static int64_t count_check(void *host)
{
    struct house *h = host;
    h->guarded++;
    return 10000;
}

static void test_memory_check(void **state)
{
    (void)state;
    struct house h;
    house_init(&h, &one_worker);
    struct exec_options o = {
        .store = h.store, .commands = h.commands, .shared = &h.shared,
        .interests = h.interests,
        .worker_count = 1, .account = &h.accounts[0], .host = &h,
        .ticks_per_us = 1000, .memory_check = count_check,
    };
    exec_destroy(&h.execs[0]);
    h.execs[0] = exec_create(&o);
    assert_non_null(h.execs[0]);
    for (int i = 0; i < 100; i++) {
        house_expect(&h, 0, "put a 1", "+OK|");
    }
    /* 768 bytes are reckoned for each; so not at every one. */
    assert_in_range(h.guarded, 5, 12);
    uint64_t before = h.guarded;
    atomic_fetch_add(&h.shared.limit_serial, 1);
    house_expect(&h, 0, "noop", "+OK|");
    assert_int_equal(h.guarded, before + 1);
    house_expect(&h, 0, "noop", "+OK|");
    assert_int_equal(h.guarded, before + 1);
    house_deinit(&h);
}

int test_background_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_nearer_deadlines_are_told),
        cmocka_unit_test(test_waits_for_the_pause),
        cmocka_unit_test(test_tidies),
        cmocka_unit_test(test_due_keys_go),
        cmocka_unit_test(test_no_budget),
        cmocka_unit_test(test_memory_check),
    };
    return cmocka_run_group_tests_name("background", tests, NULL, NULL);
}
